"""One cookie of a request, found in time that grows with the header and no faster."""

from starlette.datastructures import Headers


def cookie_in(headers: Headers, name: str) -> str | None:
    """Return the value of a cookie as it was sent; None without one. Of several, the first: that of the nearest path.

    Our own values are never quoted (RFC 6265, 4.1.1), so nothing is unquoted: Python's `http.cookies`, with which
    Starlette reads cookies, takes seconds for one long value before Python 3.11.10 and 3.12.6 (CVE-2024-7592).
    """
    for line in headers.getlist("cookie"):
        for part in line.split(";"):
            found, _, value = part.partition("=")
            if found.strip() == name:
                return value.strip()
    return None
