"""The headers that keep a page of ours at home: nothing from elsewhere gets in, and nothing gets out."""

from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route


def page_headers(policy: str, cache_control: str = "no-store") -> dict[str, str]:
    """Return the headers of a page with this content security policy."""
    return {
        "content-security-policy": policy,
        "cache-control": cache_control,
        "cross-origin-opener-policy": "same-origin",
        "referrer-policy": "no-referrer",
        "x-content-type-options": "nosniff",
    }


def style_route(path: str, file: Path) -> Route:
    """Serve the stylesheet of a page, of which a browser asks each time whether it has changed."""
    style = file.read_bytes()

    async def stylesheet(_request: Request) -> Response:
        headers = {"cache-control": "no-cache", "x-content-type-options": "nosniff"}
        return Response(style, media_type="text/css", headers=headers)

    return Route(path, stylesheet)
