"""What the portal writes to people: queued with the change that is the reason for it, sent by the worker."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from connectors.directory.directory import DirectoryChange
from connectors.directory.records.outbox import OutboxRecord
from connectors.directory.records.people import UserRecord
from connectors.ids import OutboxId
from connectors.mail.interface import Message
from resolvers.context import RequestContext
from resolvers.mail.templates import Value, template_of
from resolvers.texts import stored

MAIL = "MAIL"
"""The kind of item in the outbox that is a mail."""


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail: which text, to whom, in which language and time zone, and what stands in it.

    `values` are put into the language of the mail when it is written. `token` is the secret that the mail's link
    carries; it is kept sealed until the mail has left. `about` has the ids of what it is about (``organization``,
    ``id``), for a link that leads there.
    """

    template: str
    to: str
    locale: str | None
    values: Mapping[str, Value] = field(default_factory=dict)
    token: str | None = None
    time_zone: str | None = None
    about: Mapping[str, str] = field(default_factory=dict)


def mail_to(
    person: UserRecord,
    template: str,
    values: Mapping[str, Value],
    token: str | None = None,
    *,
    about: Mapping[str, str] | None = None,
) -> Mail:
    """Return a mail to somebody who has an account, in their language and their time zone."""
    return Mail(template, person.email, person.locale, values, token, person.time_zone, about or {})


async def queue_mail(context: RequestContext, change: DirectoryChange, mail: Mail) -> OutboxId:
    """Have the mail sent once the change is stored; a change that is not stored sends nothing.

    Raises:
        UnknownMail: There is no such mail, or something that has to stand in it is missing.
    """
    template_of(mail.template, mail.values, mail.token)
    values = {name: _stored(value) for name, value in mail.values.items()}
    content = {"template": mail.template, "to": mail.to, "locale": mail.locale, "values": values}
    content |= {"time_zone": mail.time_zone, "about": dict(mail.about)}
    sealed = context.backends.seals.seal(mail.token) if mail.token is not None else None
    return await change.enqueue(MAIL, content, now=context.now, sealed=sealed)


async def write_to(
    context: RequestContext,
    change: DirectoryChange,
    people: Iterable[UserRecord | None],
    template: str,
    values: Mapping[str, Value],
    *,
    about: Mapping[str, str] | None = None,
) -> None:
    """Have a mail sent to each of these people who has confirmed their address."""
    for person in reachable(people):
        await queue_mail(context, change, mail_to(person, template, values, about=about))


def _stored(value: Value) -> Any:
    if value is None or isinstance(value, str):
        return value
    return [stored(one) for one in value] if isinstance(value, Sequence) else stored(value)


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
        [content["locale"], portal.default_locale],
        content.get("time_zone") or portal.time_zone,
        content["values"],
        token,
        about=content.get("about"),
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
