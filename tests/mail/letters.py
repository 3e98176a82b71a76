"""Mails to send in tests, and how to have them queued."""

from collections.abc import Mapping
from typing import Any

from connectors.ids import OutboxId
from resolvers.context import RequestContext
from resolvers.mail.queue import Mail, queue_mail
from resolvers.mail.templates import INSTANTS, TEMPLATES
from resolvers.transactions import changed
from tests.portal import Portal

LISTS = frozenset({"roles", "wanted", "gained", "lost", "names"})
"""Values that are lists."""

TOKEN = "wX3_-" + "t" * 38
DINA = "dina@helios.example"


def values_of(template: str, text: str = "Helios", *, with_all: bool = True) -> dict[str, Any]:
    """Values for a mail, each made of this text; without `with_all`, only those that it needs."""
    names = TEMPLATES[template].needs | (TEMPLATES[template].may if with_all else frozenset())
    values: dict[str, Any] = {}
    for name in names:
        if name in INSTANTS:
            values[name] = "2026-11-28T09:05:00+00:00"
        elif name in LISTS:
            values[name] = [text, f"{text} 2"]
        else:
            values[name] = text
    return values


def mail(to: str = DINA, locale: str | None = "en", **values: Any) -> Mail:
    """An invitation."""
    given: Mapping[str, Any] = {**values_of("invitation"), **values}
    return Mail("invitation", to, locale, given, TOKEN)


def context_of(portal: Portal) -> RequestContext:
    """The context of a request by nobody."""
    wiring = portal.wiring
    return RequestContext(backends=wiring.backends, policy=wiring.policy, now=portal.clock(), request_id="test")


async def queue(portal: Portal, *mails: Mail) -> list[OutboxId]:
    """Queue these mails, each in a transaction of its own, and return the ids of their items."""
    context = context_of(portal)
    return [await changed(context, lambda change, one=one: queue_mail(context, change, one)) for one in mails]  # type: ignore[misc]
