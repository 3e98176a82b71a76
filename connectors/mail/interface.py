"""The mail back end as the rest of Forecourt sees it.

ConnectorError
    MailRefused             this mail will never be taken; trying again helps only when something else has changed
    BackendUnavailable      the server does not answer, or not now; try again later
        BackendTimeout      it did not answer in time
        MailServerAway      no mail can be handed over at present, this one or another
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from connectors.errors import BackendUnavailable, ConnectorError
from connectors.values import ascii_address

BACKEND = "mail"


class MailRefused(ConnectorError):
    """The mail was refused permanently, such as one to an address that does not exist."""


class MailServerAway(BackendUnavailable):
    """The server could not be reached, or lets nobody in: whatever waits may wait until it is back."""


@dataclass(frozen=True, slots=True)
class Message:
    """A mail as it leaves: one recipient, the same words as text and as HTML.

    `message_id` is without angle brackets; a mail that is sent again has the same. `sender` is an address,
    `sender_name` whom a mail program shows. `headers` are further ones, such as ``Auto-Submitted``.
    """

    message_id: str
    sender: str
    sender_name: str
    to: str
    subject: str
    text: str
    html: str
    locale: str
    written_at: datetime
    headers: Mapping[str, str] = field(default_factory=dict)


class Mailer(Protocol):
    """Takes mails over, so that they will arrive or come back as returned mail."""

    async def send(self, message: Message) -> None:
        """Hand the mail over; it has been taken when this returns.

        Raises:
            MailRefused: It will never be taken.
            MailServerAway: It was not taken, and no other one would be.
            BackendUnavailable: It may have been taken or not; it can be sent again, with the same Message-ID.
        """

    async def forget(self, *, before: datetime) -> None:
        """Throw away mails older than this, where any are kept."""

    async def healthy(self) -> bool:
        """Return whether mails can be handed over; a server is not asked more often than twice a minute."""


@dataclass(frozen=True, slots=True)
class KeptMail:
    """A mail that stays here, under the id that it has here."""

    id: str
    message: Message


class KeptMails(Protocol):
    """The mails that stay here, because no server takes them over."""

    async def mails(self, *, limit: int) -> Sequence[KeptMail]:
        """Return the mails that came last, newest first."""

    async def mail(self, id: str) -> KeptMail | None:
        """Return one mail; None when there is no such one."""


def check_message(message: Message) -> None:
    """Return when nothing in the mail could be read as another header or another recipient.

    Raises:
        MailRefused: An address is none, or something that stands in a header has a line break.
    """
    for address in (message.sender, message.to):
        if not is_address(address):
            raise MailRefused(BACKEND, f"{address[:60]!r} is no e-mail address")
    headers = [message.message_id, message.sender_name, message.subject, message.locale]
    headers += [text for header in message.headers.items() for text in header]
    if any(_CONTROL.search(text) for text in headers):
        raise MailRefused(BACKEND, "a header has a control character in it, such as a line break")


def is_address(text: str) -> bool:
    """Return whether the text is an e-mail address that may stand in a header, once its domain is in ASCII."""
    return len(text) <= 254 and _ADDRESS.fullmatch(ascii_address(text)) is not None


# The addresses that RFC 5321 writes without quotes, in ASCII; a host without a dot is one of this machine's.
_ADDRESS = re.compile(
    r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
    r"@[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*"
)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
