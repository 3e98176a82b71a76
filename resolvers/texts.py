"""What Forecourt says to people: written in English where it is said, put into words where an answer is made.

The translations are in ``catalogues/``, one file of gettext for each language, in which the English text is the msgid.
A test finds what is not translated, and placeholders that do not fit; ``python -m scripts.texts`` adds what is new.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any, Union

from babel.dates import format_date, format_time, format_timedelta, get_timezone_gmt, get_timezone_name
from babel.lists import format_list
from babel.messages.pofile import read_po
from babel.numbers import format_decimal

from resolvers.languages import CATALOGUES, LANGUAGES, SOURCE_LANGUAGE, Reader


class Text:
    """A text for people, in English, with what stands at its placeholders: ``Text("Name {most} at most.", most=5)``.

    The text is a literal, so that it is found and translated. A value may itself be a text, a label by language, a list
    of which one or all are meant, a day, an instant, or a time to wait; each is written as its reader writes it.
    """

    __slots__ = ("template", "values")

    def __init__(self, template: str, /, **values: "Value") -> None:
        self.template = template
        self.values = values

    def __str__(self) -> str:
        """Return the text in English, for logs and the command line."""
        return self.to(Reader())

    def __repr__(self) -> str:
        """Return the text as it would be written in code."""
        return f"Text({', '.join([repr(self.template), *(f'{name}={one!r}' for name, one in self.values.items())])})"

    def to(self, reader: Reader) -> str:
        """Return the text in the language of whoever reads it."""
        translated = _translations(reader.language).get(self.template, self.template)
        return translated.format_map({name: in_words(value, reader) for name, value in self.values.items()})


@dataclass(frozen=True, slots=True)
class AnyOf:
    """Things of which one is enough: ``A, B or C``."""

    values: Sequence["Value"]


@dataclass(frozen=True, slots=True)
class AllOf:
    """Things that belong together: ``A, B and C``."""

    values: Sequence["Value"]


Value = Union[str, int, Text, AnyOf, AllOf, date, timedelta, Mapping[str, str]]  # noqa: UP007 - Text names it in quotes
"""What may stand in a text; a mapping has the labels of one thing by language."""


def in_words(value: Value, reader: Reader) -> str:
    """Return what stands in a text as its reader writes it."""
    match value:
        case Text():
            return value.to(reader)
        case AnyOf() | AllOf():
            words = [in_words(one, reader) for one in value.values]
            return format_list(words, "or" if isinstance(value, AnyOf) else "standard", reader.locale)
        case datetime():
            return instant_written(value, reader)
        case date():
            return str(format_date(value, "long", locale=reader.locale))
        case timedelta():
            return _wait(value, reader)
        case Mapping():
            return labelled(value, reader)
        case int():
            return str(format_decimal(value, locale=reader.locale))
    return value


def translated(words: str, reader: Reader) -> str:
    """Return words that were stored: the portal's own are translated, what somebody wrote stays."""
    return _translations(reader.language).get(words, words)


def labelled(labels: Mapping[str, str], reader: Reader) -> str:
    """Return the label of something in the reader's language, else in English."""
    return labels.get(reader.language) or labels.get(SOURCE_LANGUAGE) or next(iter(labels.values()))


def stored(value: Value) -> Any:
    """Return a value, a text among them, as JSON that `restored` reads."""
    match value:
        case Text():
            return {"text": value.template, "values": {name: stored(one) for name, one in value.values.items()}}
        case AnyOf() | AllOf():
            return {type(value).__name__: [stored(one) for one in value.values]}
        case date():
            return {"instant" if isinstance(value, datetime) else "day": value.isoformat()}
        case timedelta():
            return {"wait": value.total_seconds()}
        case Mapping():
            return {"labels": dict(value)}
    return value


def restored(written: Any) -> Any:
    """Return the value that `stored` wrote."""
    match written:
        case {"text": str(template), "values": dict(values)}:
            return Text(template, **{name: restored(one) for name, one in values.items()})
        case {"AnyOf": list(values)}:
            return AnyOf([restored(one) for one in values])
        case {"AllOf": list(values)}:
            return AllOf([restored(one) for one in values])
        case {"instant": str(instant)}:
            return datetime.fromisoformat(instant)
        case {"day": str(day)}:
            return date.fromisoformat(day)
        case {"wait": float(seconds)}:
            return timedelta(seconds=seconds)
        case {"labels": dict(labels)}:
            return labels
    return written


def instant_written(instant: datetime, reader: Reader) -> str:
    """Return an instant as the reader writes it, in their time zone: ``December 3, 2026, 2:15 PM (GMT+01:00)``."""
    there = instant.astimezone(reader.time_zone)
    zone = "UTC" if there.tzname() == "UTC" else get_timezone_name(there, "short", locale=reader.locale)
    return Text(
        "{date}, {time} ({time_zone})",
        date=there.date(),
        time=format_time(there, "short", locale=reader.locale),
        time_zone=zone if zone[0].isalpha() else get_timezone_gmt(there, locale=reader.locale),
    ).to(reader)


@lru_cache(maxsize=len(LANGUAGES))
def _translations(language: str) -> Mapping[str, str]:
    if language == SOURCE_LANGUAGE or language not in LANGUAGES:
        return {}
    with (CATALOGUES / f"{language}.po").open("rb") as file:
        return {str(one.id): str(one.string) for one in read_po(file, locale=language) if one.id and one.string}


def _wait(wait: timedelta, reader: Reader) -> str:
    """Return a time to wait, never less than it is: ``in 3 minutes``."""
    seconds = max(1, math.ceil(wait.total_seconds()))
    unit = next((size for size in (86_400, 3_600, 60) if seconds >= size), 1)
    rounded = timedelta(seconds=math.ceil(seconds / unit) * unit)
    return str(format_timedelta(rounded, locale=reader.locale, add_direction=True))
