"""Languages as people and their programs name them (BCP 47), of which some are known and some are not.

In which one the portal speaks to somebody is decided here alone: docs/languages.md says how.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, tzinfo
from functools import lru_cache
from pathlib import Path
from zoneinfo import ZoneInfo, available_timezones

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


def known_time_zone(name: str) -> str | None:
    """Return the name of a time zone as the IANA database writes it, whatever its case; None for an unknown one."""
    return _time_zones().get(name.strip().lower())


@lru_cache(maxsize=1)
def _time_zones() -> Mapping[str, str]:
    """Return the names of places, and UTC; abbreviations are left out, for they name the rules of some country."""
    return {name.lower(): name for name in available_timezones() if name == "UTC" or _is_a_place(name)}


def _is_a_place(name: str) -> bool:
    return "/" in name and not name.startswith(("Etc/", "SystemV/", "posix/", "right/"))


def known_locale(tag: str | None) -> Locale | None:
    """Return the locale that a tag names, else that of its language alone; None for a language nobody knows here.

    Whatever stands in an Accept-Language header, and was kept in an account or a mail that waits, may be asked for.
    """
    return _known_locale(tag) if tag and len(tag) <= LONGEST_TAG else None


def language_tag(written: str) -> str | None:
    """Return the tag as BCP 47 writes it, however its parts are divided and capitalized; None: no known language.

    What programs add to a tag counts for nothing here: an encoding, as in ``de_CH.UTF-8``, and Unicode's extensions.
    """
    return _language_tag(written) if len(written) <= LONGEST_TAG else None


def country_of(tag: str | None) -> str | None:
    """Return the country that a language's tag names, None without one."""
    known = known_locale(tag)
    return known.territory if known is not None else None


@lru_cache(maxsize=500)
def _language_tag(written: str) -> str | None:
    tag = unicodedata.normalize("NFKC", written).strip().replace("_", "-").partition(".")[0]
    try:
        return str(Locale.parse(re.split("-[a-zA-Z]-", tag)[0], sep="-")).replace("_", "-")
    except (UnknownLocaleError, ValueError):
        return None


@lru_cache(maxsize=500)
def _known_locale(tag: str) -> Locale | None:
    for wanted in (tag, tag.partition("-")[0].lower()):
        try:
            return Locale.parse(wanted, sep="-")
        except (UnknownLocaleError, ValueError):
            continue
    return None
