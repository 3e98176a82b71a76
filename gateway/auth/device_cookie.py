"""The cookie by which a browser's device is recognized; see `resolvers.sessions.known_devices`. It signs nobody in."""

from starlette.datastructures import Headers

from gateway.server.cookies import cookie_in
from resolvers.sessions.known_devices import DEVICE_LIFETIME

# RFC 6265bis, 4.1.3.2: a cookie of this prefix cannot be set by a sibling host or by plain HTTP.
_SECURE, _PLAIN = "__Host-forecourt-device", "forecourt-device"


class DeviceCookie:
    """Reads and writes the cookie; `secure` where browsers reach the gateway by HTTPS."""

    def __init__(self, *, secure: bool) -> None:
        self._name = _SECURE if secure else _PLAIN
        self._attributes = f"Path=/; Max-Age={int(DEVICE_LIFETIME.total_seconds())}; HttpOnly; SameSite=Strict"
        if secure:
            self._attributes += "; Secure"

    def token_in(self, headers: Headers) -> str | None:
        """Return the device's token that the request carries."""
        return cookie_in(headers, self._name)

    def header_of(self, token: str) -> str:
        """Return the value of Set-Cookie that lets the browser keep the token."""
        return f"{self._name}={token}; {self._attributes}"


def carries_other_cookies(headers: Headers) -> bool:
    """Return whether there is a cookie that may stand for somebody: any but this one."""
    names = {part.partition("=")[0].strip() for line in headers.getlist("cookie") for part in line.split(";")}
    return not names <= {_SECURE, _PLAIN, ""}
