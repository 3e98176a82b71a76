"""What the command line prints: never a character that moves the cursor, turns what follows around, or hides."""

import re
import unicodedata

import typer

_HIDING = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
"""Letters and marks that show nothing; Unicode's categories don't distinguish them from others."""

_ASCII = re.compile(r"[\n\x20-\x7e]*")


def say(text: str, *, err: bool = False, nl: bool = True) -> None:
    """Print the text as `visible` returns it, to standard error with `err`."""
    typer.echo(visible(text), err=err, nl=nl)


def visible(text: str) -> str:
    r"""Return the text with everything but what shows, blanks and line breaks escaped as in JSON: ``\u202e``.

    People choose their names, and an operator reads them in a terminal. Of text that is JSON, the meaning stays.
    """
    return text if _ASCII.fullmatch(text) else "".join(one if _shows(one) else _escaped(one) for one in text)


def _shows(character: str) -> bool:
    if character in _HIDING or "\ufe00" <= character <= "\ufe0f" or "\U000e0100" <= character <= "\U000e01ef":
        return False
    return character == "\n" or unicodedata.category(character) not in ("Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp")


def _escaped(character: str) -> str:
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{int.from_bytes(units[at : at + 2]):04x}" for at in range(0, len(units), 2))
