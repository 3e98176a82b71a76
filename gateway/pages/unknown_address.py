"""What is answered at an address where there is nothing: where GraphQL is, as JSON or as a page."""

from html import escape

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response

from gateway.server.request_errors import request_error

_PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>{title}</title><meta name="viewport" content="width=device-width">
<body style="font: 1rem/1.5 system-ui, sans-serif; margin: 3rem auto; max-width: 40rem; padding: 0 1rem">
<h1>{title}</h1><p>{message}</p></body></html>
"""

_HEADERS = {
    "cache-control": "no-store",
    "vary": "accept",
    "x-content-type-options": "nosniff",
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'",
}


class UnknownAddress:
    """Answers what no route answers; `endpoint` is the path of GraphQL, `page` that of GraphiQL where it is served."""

    def __init__(self, endpoint: str, page: str | None) -> None:
        self._where = f"GraphQL is at {endpoint}: send a POST with `Content-Type: application/json`."
        if page is not None:
            self._where += f" To try queries in a browser, open {page}."

    async def __call__(self, request: Request, problem: Exception) -> Response:
        """Answer a request for an address that there is not, or by a method that it does not have."""
        assert isinstance(problem, HTTPException)
        if problem.status_code == 404:
            title, code, message = "Not found", "NOT_FOUND", "There is nothing at this address."
        else:
            title, code, message = "Not allowed", "METHOD_NOT_ALLOWED", "This address cannot be asked by this method."
        message = f"{message} {self._where}"
        headers = {**_HEADERS, **(problem.headers or {})}
        if "text/html" in request.headers.get("accept", "").lower():
            text = _PAGE.format(title=escape(title), message=escape(message))
            return HTMLResponse(text, problem.status_code, headers)
        return JSONResponse(request_error(message, code), problem.status_code, headers)
