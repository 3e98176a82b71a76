"""Support tickets, from a help desk that has no GraphQL: `GET /tickets?customer=K-1&customer=K-2`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from schema.extending import (
    AUTHENTICATED,
    ID,
    OPEN,
    Change,
    DateTime,
    Declined,
    Extension,
    Organization,
    Payload,
    Query,
    RequestContext,
    Viewer,
    any_of,
    attribute,
    checked_message,
    checked_text,
    computed,
    conflict,
    described,
    field,
    graph_input,
    graph_type,
    root,
    together,
)

extension = Extension("tickets", api=1, texts="tickets.texts.toml")
VIEW = extension.permission("TICKETS_VIEW")
AGENT = extension.permission("TICKETS_AGENT")
ASK = extension.permission("TICKETS_OPEN")
desk = extension.http_backend(description="The help desk: support tickets.", sign_in="api_key")


@dataclass(frozen=True, slots=True)
class TicketRecord:
    """A ticket as the help desk knows it, and whose it is with us."""

    organization_id: str
    number: str
    subject: str
    opened_at: datetime
    note: str | None


@graph_type(
    of=TicketRecord,
    description="A request to the vendor's support.",
    organization=lambda ticket: ticket.organization_id,
)
class Ticket:
    number: str = attribute("number", description="Its number.")
    subject: str = attribute("subject", description="What it is about.")
    opened_at: DateTime = attribute("opened_at", description="When it was asked.")
    note: str | None = attribute("note", requires=any_of(AGENT), description="What the support notes about it.")
    is_old: bool = computed(
        lambda context, ticket: (context.now - ticket.opened_at).days > 30, description="Whether it waits for a month."
    )


def ticket_of(organization_id: str, row: Mapping[str, Any]) -> TicketRecord:
    return TicketRecord(
        organization_id, row["number"], row["subject"], datetime.fromisoformat(row["openedAt"]), row.get("note")
    )


async def tickets_of(context: RequestContext, organizations: Sequence[Any], *, first: int = 20) -> list[Any]:
    """Return each organization's tickets, parallel to `organizations`; one call to the help desk for fifty."""
    found = await desk.get_many(
        context,
        "/tickets",
        by="customer",
        keys=[organization.customer_number for organization in organizations],
        join=None,
        belongs="customer",
        rows="data.tickets",
        params={"limit": first},
    )
    return [
        [ticket_of(organization.id, row) for row in rows] if isinstance(rows, list) else rows
        for organization, rows in zip(organizations, found, strict=True)
    ]


async def open_tickets(context: RequestContext, viewers: Sequence[Any]) -> list[int | None]:
    """Return how many tickets each viewer has."""
    counts = await desk.post(context, "/counts", {"emails": [viewer.user.email for viewer in viewers]}, repeatable=True)
    return [(counts or {}).get(viewer.user.email) for viewer in viewers]


async def support_hours(context: RequestContext) -> str | None:
    """Return when the support answers."""
    said = await desk.get(context, "/hours")
    return None if said is None else str(said["text"])


extension.extend(
    Organization,
    tickets=field(
        tickets_of,
        graphql_type=list[Ticket] | None,
        requires=any_of(VIEW),
        backend=desk,
        description="Its requests to the support, newest first.",
        arguments={"first": "The maximum number of tickets of each organization, 20 without it."},
        sliced_by="first",
        at_most=100,
    ),
)
extension.extend(
    Viewer,
    open_tickets=field(
        open_tickets,
        graphql_type=int | None,
        requires=AUTHENTICATED,
        backend=desk,
        description="How many of your requests are open.",
    ),
)
extension.extend(
    Query,
    support_hours=root(
        support_hours, graphql_type=str | None, requires=OPEN, backend=desk, description="When the support answers."
    ),
)


@graph_input
class OpenTicketInput:
    """What the support is asked."""

    organization_id: ID
    subject: str = described("What it is about.")
    question: str | None = described("More about it.", default=None)
    idempotency_key: str | None = None


class OpenTicketPayload(Payload):
    """The ticket, or why none was opened."""

    ticket: Ticket | None = described("The new ticket; null when none was opened.")


async def open_ticket(context: RequestContext, input: OpenTicketInput, change: Change) -> Mapping[str, Any]:
    """Open a ticket, and return it as the help desk knows it."""
    with together() as checks:
        subject = checks.check(lambda: checked_text(input.subject, ["subject"], 80))
        question = checks.check(lambda: checked_message(input.question, ["question"]))
    try:
        opened = await change.post(
            "/open",
            {
                "customer": change.organization.customer_number,
                "by": change.person.email,
                "subject": subject,
                "question": question,
            },
        )
    except Declined as declined:
        if declined.status != 409:
            raise
        raise conflict(
            de="Zu viele Fälle sind offen. Warten Sie, bis einer beantwortet ist.",
            en="Too many tickets are open. Wait until one is answered.",
            fr="Trop de demandes sont ouvertes. Attendez une réponse.",
        ) from declined
    change.record(tickets_number=opened["number"])
    return {key: opened[key] for key in ("number", "subject", "openedAt")}


def opened_ticket(_context: RequestContext, input: OpenTicketInput, opened: Mapping[str, Any]) -> OpenTicketPayload:
    return OpenTicketPayload(ticket=ticket_of(input.organization_id, opened))


extension.mutation(
    open_ticket,
    input=OpenTicketInput,
    payload=OpenTicketPayload,
    answer=opened_ticket,
    requires=any_of(ASK),
    backend=desk,
    description="Ask the vendor's support.",
)
