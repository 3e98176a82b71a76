"""What the portal writes to people: queued with the change that is the reason for it, sent by the worker."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from connectors.directory.deeds import DirectoryChange
from connectors.ids import OutboxId
from resolvers.context import RequestContext

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
    values: Mapping[str, str | Sequence[str] | None] = field(default_factory=dict)
    token: str | None = None


async def queue_mail(context: RequestContext, change: DirectoryChange, mail: Mail) -> OutboxId:
    """Have the mail sent once the change is stored; a change that is not stored sends nothing (K29)."""
    content = {"template": mail.template, "to": mail.to, "locale": mail.locale, "values": dict(mail.values)}
    sealed = context.backends.seals.seal(mail.token) if mail.token is not None else None
    return await change.enqueue(MAIL, content, now=context.now, sealed=sealed)
