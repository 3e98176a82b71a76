"""Languages as people and their programs name them (BCP 47), of which some are known and some are not."""

from functools import lru_cache

from babel import Locale, UnknownLocaleError

LONGEST_TAG = 35
"""RFC 5646, 4.4.1: more than a tag that is in use needs."""


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
