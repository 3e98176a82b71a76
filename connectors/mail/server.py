"""Where a mail server is, and how to speak to it: what an address such as ``smtps://user:password@host`` says."""

from dataclasses import dataclass, field
from enum import Enum
from urllib.parse import unquote, urlsplit


class Security(Enum):
    """How the connection is protected; the value is the port where nothing else is said."""

    STARTTLS = 587
    TLS = 465
    NONE = 25


_NO_URL = (
    "it is no URL such as smtp://user:password@mail.example:587; in a password, write @ as %40, / as %2F, # as %23, "
    "? as %3F and : as %3A"
)
_SCHEMES = {"smtp": Security.STARTTLS, "smtps": Security.TLS, "smtp+plain": Security.NONE}


@dataclass(frozen=True, slots=True)
class MailServer:
    """A mail server; the password is never shown."""

    host: str
    port: int
    security: Security
    user: str | None = None
    password: str | None = field(default=None, repr=False)


def mail_server(url: str) -> MailServer:
    """Return the server that the address names.

    ``smtp://`` insists on STARTTLS, ``smtps://`` begins with TLS, ``smtp+plain://`` is for a relay on the same machine
    or in a network of one's own: nothing is encrypted, so there is no password.

    Raises:
        ValueError: It names none; the message says what would be right, and shows nothing of it.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ValueError(_NO_URL) from None
    security = _SCHEMES.get(parts.scheme)
    if security is None:
        raise ValueError("it begins with smtp:// (STARTTLS), smtps:// (TLS) or smtp+plain:// (no encryption)")
    if not parts.hostname or parts.path not in ("", "/") or parts.query or parts.fragment:
        raise ValueError(_NO_URL)
    user = unquote(parts.username) if parts.username else None
    password = unquote(parts.password) if parts.password else None
    if (user is None) != (password is None):
        raise ValueError("a user name and a password belong together: smtp://user:password@mail.example:587")
    if password is not None and security is Security.NONE:
        raise ValueError("smtp+plain:// would send the password for everybody to read; use smtp:// or smtps://")
    return MailServer(parts.hostname, port or security.value, security, user, password)
