"""Values of an input that have to be right before anything is done: each returns the value as it is kept.

Every function raises Invalid, with the path of the input, for a value that is not allowed; `together` collects those of
a whole input, so that all can be fixed in one go. Length comes before content, so that nothing long is looked at.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

from resolvers.characters import first_unusable, name_of, single_spaced, trimmed
from resolvers.languages import LONGEST_TAG, known_time_zone, language_tag
from resolvers.refusals import Invalid, Refused, RefusedTogether, excerpt
from resolvers.texts import Text

LONGEST_NAME = 100
LONGEST_ADDRESS_PART = 200
LONGEST_MESSAGE = 2_000
LONGEST_INSTANT = 64

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Misread:
    """What somebody wrote where an instant is asked for, and is none."""

    written: str
    lacks_offset: bool = False

    @property
    def problem(self) -> Text:
        """Return what is wrong with it."""
        return _NO_OFFSET if self.lacks_offset else _NO_INSTANT


class Together:
    """Collects what is refused in one input; `check` runs a check and returns its value, or None when it refuses."""

    def __init__(self) -> None:
        self.refusals: list[Refused] = []

    def check(self, checked: Callable[[], T]) -> T | None:
        """Return what the check returns; None when it refuses, which is reported at the end."""
        try:
            return checked()
        except (Refused, RefusedTogether) as refused:
            self.refuse(refused)
            return None

    def refuse(self, refused: Refused | RefusedTogether) -> None:
        """Have this reported at the end as well."""
        self.refusals += refused.refusals if isinstance(refused, RefusedTogether) else [refused]


@contextmanager
def together() -> Iterator[Together]:
    """Check all of an input.

    Raises:
        RefusedTogether: When the block ends and something was refused.
    """
    collected = Together()
    yield collected
    if collected.refusals:
        raise RefusedTogether(collected.refusals)


def text(value: str, path: list[str], longest: int = LONGEST_NAME) -> str:
    """Return a text of one line trimmed, with single blanks; it has 1 to `longest` characters that can be seen."""
    if len(value) > _MANY * longest:
        raise _wrong_length(len(value), path, longest)
    cleaned = single_spaced(value)
    if not 1 <= len(cleaned) <= longest:
        raise _wrong_length(len(cleaned), path, longest)
    if (index := first_unusable(cleaned)) is not None:
        raise _unusable(cleaned, index, path, Text("Leave out control characters such as line breaks."))
    return cleaned


def optional_text(value: str | None, path: list[str], longest: int = LONGEST_NAME) -> str | None:
    """Return a text as `text` does; None for nothing and for nothing but blanks."""
    if value is None or (len(value) <= _MANY * longest and not trimmed(value)):
        return None
    return text(value, path, longest)


def time_zone(value: str, path: list[str]) -> str:
    """Return the name of a time zone of the IANA database, trimmed and as it is written there."""
    known = known_time_zone(value)
    if known is None:
        raise Invalid(
            Text(
                "“{given}” is not a time zone; use a name such as Europe/Berlin or America/New_York.",
                given=excerpt(value),
            ),
            path,
            "IANA time zone",
        )
    return known


def message(value: str | None, path: list[str], longest: int = LONGEST_MESSAGE) -> str | None:
    """Return a text of several lines, trimmed; None for nothing."""
    given = value or ""
    cleaned = trimmed(given.replace("\r\n", "\n")) if len(given) <= _MANY * longest else given
    if not cleaned:
        return None
    if len(cleaned) > longest:
        raise Invalid(
            Text("Use at most {longest} characters; this has {given}.", longest=longest, given=len(cleaned)),
            path,
            f"length 0..{longest}",
        )
    if (index := first_unusable(cleaned, lines=True)) is not None:
        raise _unusable(cleaned, index, path, Text("Leave out control characters other than line breaks."))
    return cleaned


def required_message(value: str | None, path: list[str], missing: Text) -> str:
    """Return a text of several lines that there has to be; `missing` is what to say when there is none."""
    said = message(value, path)
    if said is None:
        raise Invalid(missing, path, f"length 1..{LONGEST_MESSAGE}")
    return said


def locale(value: str, path: list[str]) -> str:
    """Return the language's tag as BCP 47 writes it, which names a language that is known."""
    tag = language_tag(value)
    if tag is None:
        raise Invalid(
            Text("“{given}” is not a language; use a tag such as de, en or fr-CH.", given=excerpt(value, LONGEST_TAG)),
            path,
            "BCP 47",
        )
    return tag


def instant(value: datetime | Misread | None, path: list[str]) -> datetime | None:
    """Return the instant that was written, None for none."""
    if isinstance(value, Misread):
        raise Invalid(value.problem, path, "RFC 3339")
    return value


def read_instant(written: str) -> datetime | Misread:
    """Return the instant in UTC that a text names as in RFC 3339, in which T and Z may be in lower case (5.6)."""
    if len(written) > LONGEST_INSTANT:
        return Misread(written[:LONGEST_INSTANT])
    try:
        read = datetime.fromisoformat(unicodedata.normalize("NFKC", written).strip().upper())
        if read.tzinfo is None:
            return Misread(written, lacks_offset=True)
        return read.astimezone(UTC)
    except (ValueError, OverflowError):  # the latter in the years 1 and 9999, which end elsewhere in UTC
        return Misread(written)


def customer_number(value: str | None, path: list[str]) -> str | None:
    """Return the number under which the vendor knows an organization, trimmed; None for none."""
    given = value or ""
    cleaned = single_spaced(unicodedata.normalize("NFKC", given)) if len(given) <= _MANY * 20 else given
    if not cleaned:
        return None
    if not _CUSTOMER_NUMBER.fullmatch(cleaned):
        raise Invalid(
            Text("Enter a number such as 12345: at most 20 letters, digits and . / -"), path, "customer number"
        )
    return cleaned


def _wrong_length(length: int, path: list[str], longest: int) -> Invalid:
    problem = Text("Use 1 to {longest} characters; this has {given}.", longest=longest, given=length)
    return Invalid(problem if length else Text("Please fill in this field."), path, f"length 1..{longest}")


def _unusable(written: str, index: int, path: list[str], is_control: Text) -> Invalid:
    one = written[index]
    if unicodedata.category(one) in ("Cc", "Cs", "Zl", "Zp"):
        return Invalid(is_control, path, "printable")
    if index == 0:
        problem = Text("Remove the first character, {character}: it cannot stand alone.", character=name_of(one))
        return Invalid(problem, path, "printable")
    problem = Text(
        "Remove the character {character} after “{before}”: it is invisible or changes the characters next to it.",
        character=name_of(one),
        before=written[max(0, index - 20) : index],
    )
    return Invalid(problem, path, "printable")


_MANY = 4
"""What is so many times as long as it may be is not looked at; blanks and marks may make it longer than it will be."""

_NO_OFFSET = Text("This date and time needs its offset, such as 2026-03-01T12:00:00Z.")
_NO_INSTANT = Text("Enter a date and time as in RFC 3339, such as 2026-03-01T12:00:00Z, in the years 1 to 9999.")
_CUSTOMER_NUMBER = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9./-]{0,18}[A-Za-z0-9])?")
