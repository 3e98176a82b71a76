"""What was done, by whom, to what."""

from operator import attrgetter

import strawberry

from connectors.directory.records.audit import AuditEventRecord
from permissions.access_rules import OPEN
from resolvers.audit import queries as audit
from resolvers.context import RequestContext
from resolvers.localization import as_stored
from schema.graph.fields import computed, field, graph_type
from schema.graph.scalars import DateTime
from schema.nodes import Node
from schema.people import User


@graph_type(of=audit.AuditField, cost=0)
class AuditField:
    """A named value, before or after something was done."""

    name: str = strawberry.field(description="Its name.")
    value: str | None = strawberry.field(description="The value as text; null when there was no value.")


def _reason(context: RequestContext, event: AuditEventRecord) -> str | None:
    return as_stored(context, event.reason)


@graph_type(of=AuditEventRecord, organization=attrgetter("organization_id"))
class AuditEvent(Node):
    """Something that was done or attempted, recorded permanently."""

    at: DateTime = strawberry.field(description="When it happened.")
    action: str = strawberry.field(
        description="What was done, such as `grant.give`; for what was refused, the name of the mutation. More actions "
        "are added over time."
    )
    actor: User | None = field(
        audit.actors_of_events,
        requires=OPEN,
        description="Who did it; null when it was the portal itself, or somebody who was not signed in.",
    )
    subject: Node | None = field(
        audit.subjects_of_events,
        requires=OPEN,
        description="The object concerned; null when it no longer exists or you may not see it.",
    )
    subject_id: strawberry.ID = strawberry.field(
        description="The id of the object concerned, even when it no longer exists."
    )
    before: list[AuditField] = computed(
        audit.before_of,
        requires=OPEN,
        at_most=50,
        assumed_size=3,
        description="The changed values as they were before.",
    )
    after: list[AuditField] = computed(
        audit.after_of,
        requires=OPEN,
        at_most=50,
        assumed_size=3,
        description="The changed values as they were afterwards.",
    )
    ip_address: str | None = field(
        audit.ip_addresses_of,
        requires=OPEN,
        description=(
            "The IP address from which it was done; null for what others did to you, and for people who never "
            "belonged to the organization, such as the vendor's staff."
        ),
    )
    request_id: str = strawberry.field(description="The id of the request; events of the same request share it.")
    reason: str | None = computed(
        _reason, requires=OPEN, description="The reason, in the words of the person who did it."
    )
    refused_with: str | None = strawberry.field(
        description="The code with which it was refused and nothing was changed; null for what was done."
    )
