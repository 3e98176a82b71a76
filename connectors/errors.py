"""What can go wrong with an application behind the gateway.

ConnectorError
    BackendUnavailable      it does not answer; try again later
        BackendTimeout      it did not answer in time
        OutcomeUnknown      it did not say whether a change was carried out
    UnexpectedAnswer        it answered something that its interface does not allow
CopyRefused                 a database is not copied elsewhere
InvalidCursor               the position to go on from is none that this list gave
"""

import socket
import ssl


class ConnectorError(Exception):
    """A back end did not do what its interface promises; `backend` names it (``shop``, ``directory``)."""

    def __init__(self, backend: str, detail: str = "") -> None:
        super().__init__(f"{backend}: {detail}" if detail else backend)
        self.backend = backend


class BackendUnavailable(ConnectorError):
    """The back end does not answer."""


class BackendTimeout(BackendUnavailable):
    """The back end did not answer in time."""


class OutcomeUnknown(BackendUnavailable):
    """The back end was asked to store a change and did not say whether it has."""


class UnexpectedAnswer(ConnectorError):
    """The back end answered something that its interface does not allow."""


class CopyRefused(Exception):
    """Nothing was copied, and nothing changed; the message says why and what to do."""


class InvalidCursor(ValueError):
    """The cursor was not given out by the list it is used in."""


def reason_of(error: BaseException) -> str:
    """Return why somebody cannot be reached, as an operator reads it; it names neither hosts nor values."""
    seen: BaseException | None = error
    while seen is not None:
        match seen:
            case ssl.SSLCertVerificationError():
                return f"its certificate is not accepted: {seen.verify_message}"
            case socket.gaierror():
                return "its name is not known"
            case ConnectionRefusedError():
                return "connection refused"
            case TimeoutError():
                return "no answer in time"
            case ConnectionError():
                return "the connection was closed"
            case _ if str(getattr(seen, "sqlstate", "")).startswith("08"):  # PostgreSQL's class of such problems
                return "the connection was closed"
        seen = seen.__cause__ or seen.__context__
    name = type(error).__name__
    return "the connection was closed" if name == "ConnectionError" else name  # a library's own, such as redis-py's
