"""Which passwords are good enough."""

import unicodedata
from collections.abc import Sequence

from resolvers.errors import Invalid

SHORTEST = 12
LONGEST = 256
_MUST_REMAIN = 8


def check_password(password: str, path: list[str], *, not_like: Sequence[str] = ()) -> str:
    """Return the password as it came: 12 to 256 characters, not made of the texts that it must not be like.

    `not_like` are what everybody tries first: the person's e-mail address and names. No rule asks for digits or signs:
    length is what counts (NIST SP 800-63B, 5.1.1.2).

    Raises:
        Invalid: It is too short, too long, or little more than one of the texts.
    """
    if not SHORTEST <= len(password) <= LONGEST:
        raise Invalid(f"Write {SHORTEST} to {LONGEST} characters.", path, f"length {SHORTEST}..{LONGEST}")
    if any(unicodedata.category(character) == "Cs" for character in password):
        raise Invalid("This is no text; type the password anew.", path, "text")
    rest = _letters(password)
    parts = {_letters(part) for text in not_like for part in (text, text.partition("@")[0], *text.split())}
    for part in sorted(parts, key=lambda one: (-len(one), one)):
        if len(part) >= 3:
            rest = rest.replace(part, "")
    if len(rest) < _MUST_REMAIN and len(rest) < len(_letters(password)):
        raise Invalid("Choose something other than your name or e-mail address.", path, "not like name or address")
    return password


def _letters(text: str) -> str:
    return "".join(letter for letter in unicodedata.normalize("NFKC", text).casefold() if letter.isalnum())
