"""What a browser's form sends: read within narrow bounds, and only from a page of our own."""

from collections.abc import Mapping
from urllib.parse import parse_qsl, urlsplit

from starlette.requests import Request

from connectors.time_limit import TimeLimit
from gateway.pipeline.content_negotiation import parsed_type
from gateway.pipeline.request_parser import BodyTooLarge, read_body

LARGEST = 8_192
MOST_FIELDS = 12
SECONDS = 10.0

_FORM = "application/x-www-form-urlencoded"
_PORTS = {"http": ":80", "https": ":443"}


class RefusedForm(Exception):
    """The form is not taken; carries the status, and the name of the text that says why."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


def check_same_origin(headers: Mapping[str, str], address: str) -> None:
    """Return when a page of the portal at `address` sent the form.

    `Sec-Fetch-Site` decides where the browser sends it. It does so for https and the own machine only; elsewhere,
    Referrer-Policy: no-referrer makes `Origin` null for our own pages as well (Fetch, 3.2), and what keeps other sites
    out is that no browser sends them the cookie with the token.

    Raises:
        RefusedForm: Another site's page may have sent it.
    """
    site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    if site is not None:
        is_ours = site.strip().lower() in ("same-origin", "none")
    else:
        is_ours = origin is not None and (origin.lower() == origin_of(address) or _is_null_by_policy(origin, address))
    if not is_ours:
        raise RefusedForm(403, "foreign")


def origin_of(address: str) -> str:
    """Return the origin of an address, as browsers write it (RFC 6454, 6.2)."""
    parts = urlsplit(address.lower())
    return f"{parts.scheme}://{parts.netloc.removesuffix(_PORTS.get(parts.scheme, ''))}"


async def read_form(request: Request) -> dict[str, str]:
    """Return the fields of the form.

    Raises:
        RefusedForm: It is no form, larger or slower than is allowed, or cannot be read.
        ClientDisconnect: Nobody waits for the answer any more.
    """
    media_type, charset = parsed_type(request.headers.get("content-type", ""))
    if media_type != _FORM or charset not in (None, "utf-8", "utf8") or "content-encoding" in request.headers:
        raise RefusedForm(415, "unreadable")
    try:
        body = await read_body(request.receive, LARGEST, TimeLimit(SECONDS))
        pairs = parse_qsl(
            body.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=True,
            errors="strict",
            max_num_fields=MOST_FIELDS,
        )
    except BodyTooLarge:
        raise RefusedForm(413, "unreadable") from None
    except TimeoutError:
        raise RefusedForm(408, "unreadable") from None
    except ValueError:
        raise RefusedForm(400, "unreadable") from None
    fields = dict(pairs)
    if len(fields) != len(pairs):  # a proxy and we could each believe another one
        raise RefusedForm(400, "unreadable")
    return fields


def _is_null_by_policy(origin: str, address: str) -> bool:
    return origin == "null" and address.lower().startswith("http:")
