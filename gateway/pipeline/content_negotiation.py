"""Which media type an answer has, and whether a request's is one that only a program can send."""

from functools import lru_cache

from gateway.server.request_errors import RefusedRequest

JSON = "application/json"
GRAPHQL_JSON = "application/graphql-response+json"

_LONGEST_HEADER = 2_000
_REMEMBERED = 200  # clients of one kind send the same header each time


@lru_cache(maxsize=_REMEMBERED)
def answered_type(accept: str | None) -> str:
    """Return the media type of the answer for an Accept header (RFC 9110, 12.5.1).

    GraphQL's own is used when the client names it and prefers nothing else; plain JSON when it takes anything, as
    clients do that know nothing of GraphQL over HTTP.

    Raises:
        RefusedRequest: The client takes neither.
    """
    if accept is None or not accept.strip():
        return JSON
    ranges = _ranges(accept[:_LONGEST_HEADER])
    named, plain = _quality(GRAPHQL_JSON, ranges), _quality(JSON, ranges)
    if named <= 0 and plain <= 0:
        raise RefusedRequest(406, "NOT_ACCEPTABLE", f"The answer is {GRAPHQL_JSON} or {JSON}; accept one of them.")
    return GRAPHQL_JSON if named > plain or (named == plain and GRAPHQL_JSON in ranges) else JSON


@lru_cache(maxsize=_REMEMBERED)
def parsed_type(content_type: str) -> tuple[str, str | None]:
    """Return the media type and the charset of a Content-Type header, both in lower case."""
    media_type, *parameters = content_type[:_LONGEST_HEADER].split(";")
    charset = None
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "charset":
            charset = value.strip().strip('"').lower()
    return media_type.strip().lower(), charset


def _ranges(accept: str) -> dict[str, float]:
    ranges: dict[str, float] = {}
    for part in accept.split(","):
        media_range, *parameters = part.split(";")
        name, quality, known = media_range.strip().lower(), 1.0, True
        for parameter in parameters:
            key, _, value = parameter.partition("=")
            match key.strip().lower():
                case "q":
                    quality = _number(value)
                case "charset":
                    known = value.strip().strip('"').lower() in ("utf-8", "utf8")
        if name and known:
            ranges[name] = max(quality, ranges.get(name, 0.0))
    return ranges


def _number(text: str) -> float:
    try:
        quality = float(text)
    except ValueError:
        return 0.0
    return min(max(quality, 0.0), 1.0)


def _quality(media_type: str, ranges: dict[str, float]) -> float:
    """Return how much a media type is wanted; the range that names it closest counts."""
    family = media_type.partition("/")[0]
    return ranges.get(media_type, ranges.get(f"{family}/*", ranges.get("*/*", 0.0)))
