"""Which passwords may be chosen."""

import unicodedata
from collections.abc import Sequence

from resolvers.errors import Invalid

SHORTEST, LONGEST = 12, 256
_LEFT_OVER = 4
"""So many letters and digits have to be left of a password without what it must not be like."""


def check_password(password: str, path: Sequence[str], *, not_like: Sequence[str] = ()) -> str:
    """Return the password composed (NFC); it has 12 to 256 characters and is not made of what stands in `not_like`.

    Which characters it has is nobody's business: length is what counts (NIST SP 800-63B, 3.1.1.2).

    Raises:
        Invalid: With the rule.
    """
    composed = unicodedata.normalize("NFC", password)
    if not SHORTEST <= len(composed) <= LONGEST:
        raise Invalid(f"Write {SHORTEST} to {LONGEST} characters.", path, f"length {SHORTEST}..{LONGEST}")
    if any(unicodedata.category(letter) in ("Cc", "Cs") for letter in composed):
        raise Invalid("Leave out control characters; they cannot be typed everywhere.", path, "printable")
    rest = composed.casefold()
    for word in sorted({word for text in not_like for word in _words(text)}, key=len, reverse=True):
        rest = rest.replace(word, "")
    if sum(letter.isalnum() for letter in rest) < _LEFT_OVER:
        raise Invalid("This is little more than your name or your address; take other words.", path, "not like you")
    return composed


def _words(text: str) -> list[str]:
    spaced = "".join(letter if letter.isalnum() else " " for letter in text.casefold())
    return [word for word in spaced.split() if len(word) >= 3]
