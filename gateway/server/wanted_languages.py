"""The languages in which somebody would like to be answered, as the headers of their request say."""

import re
from collections.abc import Sequence
from functools import lru_cache

from starlette.datastructures import Headers

from gateway.server.header_names import LANGUAGE
from resolvers.languages import known_locale


def chosen_language(headers: Headers) -> str | None:
    """Return the language that was chosen for this request, None for none and for one that nobody knows."""
    chosen: str | None = headers.get(LANGUAGE)
    if chosen is None:
        return None
    chosen = chosen.strip()
    return chosen if known_locale(chosen) is not None else None


def accepted_languages(headers: Headers) -> Sequence[str]:
    """Return the languages of Accept-Language, best first (RFC 9110, 12.5.4); at most ten, each a tag as in BCP 47."""
    return _accepted(headers.get("accept-language", "")[:_LONGEST_ACCEPTED])


def wanted_languages(headers: Headers, chosen: str | None) -> Sequence[str]:
    """Return the languages in which to answer somebody of whom nothing is known but the request, best first.

    `chosen` is the `chosen_language`.
    """
    accepted = accepted_languages(headers)
    return accepted if chosen is None else (chosen, *accepted)


@lru_cache(maxsize=200)
def _accepted(header: str) -> Sequence[str]:
    weighted = []
    for index, part in enumerate(header.split(",")[:10]):
        found = _ACCEPTED.fullmatch(part.strip())
        if found is not None and (quality := float(found["weight"] or 1)) > 0:
            weighted.append((-quality, index, found["tag"]))
    return tuple(tag for _, _, tag in sorted(weighted))


_LONGEST_ACCEPTED = 500
_ACCEPTED = re.compile(
    r"(?P<tag>(?=.{2,35}(?:[ \t;]|$))[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8})*)"
    r"(?:[ \t]*;[ \t]*[qQ]=(?P<weight>0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?))?"
)
"""A language and its weight; what is no language, a sentence, say, is kept nowhere and asked for nowhere."""
