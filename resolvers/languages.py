"""Languages as people and their programs name them (BCP 47), of which some are known and some are not.

In which one the portal speaks to somebody is decided here alone: docs/languages.md says how.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, tzinfo
from functools import lru_cache
from pathlib import Path
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError

LONGEST_TAG = 35
"""RFC 5646, 4.4.1: more than a tag that is in use needs."""

CATALOGUES = Path(__file__).with_name("catalogues")
SOURCE_LANGUAGE = "en"
"""The language in which texts stand where they are said."""

LANGUAGES = (SOURCE_LANGUAGE, *sorted(file.stem for file in CATALOGUES.glob("*.po")))
"""The languages that Forecourt speaks: each has a catalogue, and texts of mails and pages."""

_ENGLISH = Locale(SOURCE_LANGUAGE)


@dataclass(frozen=True, slots=True)
class Reader:
    """Somebody who reads: in which language, written as in which region, and in which time zone.

    `locale` is one of a language that Forecourt speaks, such as de-AT.
    """

    locale: Locale = _ENGLISH
    time_zone: tzinfo = UTC

    @property
    def language(self) -> str:
        """Return the language of what they read."""
        return str(self.locale.language)


def reader_of(tags: Iterable[str | None], time_zone: str | None = None) -> Reader:
    """Return who reads in the first of these languages that Forecourt speaks, in English if it is none."""
    spoken = (locale for tag in tags if (locale := known_locale(tag)) is not None and locale.language in LANGUAGES)
    return Reader(next(spoken, _ENGLISH), ZoneInfo(time_zone) if time_zone is not None else UTC)


@lru_cache(maxsize=500)
def known_locale(tag: str | None) -> Locale | None:
    """Return the locale that a tag names, else that of its language alone; None for a language nobody knows here.

    Whatever stands in an Accept-Language header, and was kept in an account or a mail that waits, may be asked for.
    """
    if not tag or len(tag) > LONGEST_TAG:
        return None
    for wanted in (tag, tag.partition("-")[0].lower()):
        try:
            return Locale.parse(wanted, sep="-")
        except (UnknownLocaleError, ValueError):
            continue
    return None
