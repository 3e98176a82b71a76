"""What the portal writes to people: queued with the change that is the reason for it, sent by the worker."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from connectors.directory.directory import DirectoryChange
from connectors.directory.records.outbox import OutboxRecord
from connectors.directory.records.people import UserRecord
from connectors.ids import OutboxId
from connectors.mail.interface import Message
from resolvers.context import RequestContext
from resolvers.mail.templates import Value, template_of

MAIL = "MAIL"
"""The kind of item in the outbox that is a mail."""


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail: which text, to whom, in which language, and what stands in it.

    `values` are plain texts, or lists of them, in the language of the mail. `token` is the secret that the mail's link
    carries; it is kept sealed until the mail has left.
    """

    template: str
    to: str
    locale: str | None
    values: Mapping[str, Value] = field(default_factory=dict)
    token: str | None = None


async def queue_mail(context: RequestContext, change: DirectoryChange, mail: Mail) -> OutboxId:
    """Have the mail sent once the change is stored; a change that is not stored sends nothing.

    Raises:
        UnknownMail: There is no such mail, or something that has to stand in it is missing.
    """
    template_of(mail.template, mail.values, mail.token)
    content = {"template": mail.template, "to": mail.to, "locale": mail.locale, "values": dict(mail.values)}
    sealed = context.backends.seals.seal(mail.token) if mail.token is not None else None
    return await change.enqueue(MAIL, content, now=context.now, sealed=sealed)


async def write_to(
    context: RequestContext,
    change: DirectoryChange,
    people: Iterable[UserRecord | None],
    template: str,
    values: Mapping[str, Value],
) -> None:
    """Have a mail sent to each of these people who has confirmed their address."""
    for person in reachable(people):
        await queue_mail(context, change, Mail(template, person.email, person.locale, values))


def reachable(people: Iterable[UserRecord | None]) -> list[UserRecord]:
    """Return those who can be written to: who has confirmed their address."""
    return [person for person in people if person is not None and person.email_verified]


async def send_mail(context: RequestContext, item: OutboxRecord) -> None:
    """Send a mail of the outbox; one that is sent again, because nobody knew that it had left, has the same Message-ID.

    Raises:
        UnknownMail, BrokenSeal, ValueError: It cannot be written.
        MailRefused: It will never be taken.
        BackendUnavailable: It may have been taken or not.
    """
    backends, content = context.backends, item.content
    portal = backends.portal
    token = backends.seals.open(item.sealed) if item.sealed is not None else None
    texts = await backends.mail_wording.texts()
    mail = texts.render(
        content["template"],
        content["locale"],
        content["values"],
        token,
        titles=portal.title,
        contacts=portal.contact,
        page_urls=portal.page_urls,
    )
    host = urlsplit(portal.address).hostname or ""
    await backends.mailer.send(
        Message(
            message_id=f"{item.id}@{host if _HOST.fullmatch(host) else 'localhost'}",
            sender=portal.sender,
            sender_name=portal.title.get(mail.locale) or portal.title["en"],
            to=content["to"],
            subject=mail.subject,
            text=mail.text,
            html=mail.html,
            locale=mail.locale,
            written_at=item.created_at,
            # RFC 3834: nobody's answering machine shall answer a machine.
            headers={"Auto-Submitted": "auto-generated", "X-Auto-Response-Suppress": "All"},
        )
    )


_HOST = re.compile(r"[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*")
