"""What can go wrong with an application behind the gateway.

ConnectorError
    BackendUnavailable      it does not answer; try again later
        BackendTimeout      it did not answer in time
        AccessRefused       it does not accept what we sign in with
        OutcomeUnknown      it did not say whether a change was carried out
    UnexpectedAnswer        it answered something that its interface does not allow
        Declined            it did not accept what it was asked
    NotMapped               nobody has said which of its ids stands for an organization or a person
CopyRefused                 a database is not copied elsewhere
InvalidCursor               the position to go on from is none that this list gave
"""

import socket
import ssl
from typing import Any


class ConnectorError(Exception):
    """A back end did not do what its interface promises; `backend` names it (``shop``, ``directory``)."""

    def __init__(self, backend: str, detail: str = "") -> None:
        super().__init__(f"{backend}: {detail}" if detail else backend)
        self.backend = backend


class BackendUnavailable(ConnectorError):
    """The back end does not answer."""


class BackendTimeout(BackendUnavailable):
    """The back end did not answer in time."""


class AccessRefused(BackendUnavailable):
    """The back end does not accept what we sign in with, which only whoever runs the gateway can put right."""


class OutcomeUnknown(BackendUnavailable):
    """The back end was asked to store a change and did not say whether it has."""


class UnexpectedAnswer(ConnectorError):
    """The back end answered something that its interface does not allow."""


class Declined(UnexpectedAnswer):
    """The back end answered that it does not accept this call; `status` and `answer` say why, as far as it does.

    A connector that knows what a status means raises something of its own instead.
    """

    def __init__(self, backend: str, detail: str, status: int, answer: Any = None) -> None:
        super().__init__(backend, detail)
        self.status = status
        self.answer = answer


class NotMapped(ConnectorError):
    """No id of the back end stands for an organization or a person, whose id in the directory is `owner_id`.

    It concerns that one alone: it is the answer for that one, so that the others of the batch stand.
    """

    def __init__(self, backend: str, owner_id: str) -> None:
        super().__init__(backend, f"no id stands for {owner_id}; run `{how_to_map(backend, owner_id)}`")
        self.owner_id = owner_id


def how_to_map(backend: str, owner_id: str) -> str:
    """Return the command by which an operator says which id of the back end stands for an organization or a person."""
    whom = "person" if owner_id.startswith("usr_") else "organization"
    return f"forecourt external-ids set {backend} ID --{whom} {owner_id}"


class CopyRefused(Exception):
    """Nothing was copied, and nothing changed; the message says why and what to do."""


class InvalidCursor(ValueError):
    """The cursor was not given out by the list it is used in."""


def reason_of(error: BaseException) -> str:
    """Return why somebody cannot be reached, as an operator reads it; it names neither hosts nor values."""
    was_closed = False
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
        # Libraries have their own beside Python's: a class of this name, or PostgreSQL's class of states.
        was_closed = was_closed or isinstance(seen, ConnectionError) or type(seen).__name__ == "ConnectionError"
        was_closed = was_closed or str(getattr(seen, "sqlstate", "")).startswith("08")
        seen = seen.__cause__ or seen.__context__
    return "the connection was closed" if was_closed else type(error).__name__
