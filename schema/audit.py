"""What was done, by whom, to what."""

from operator import attrgetter

import strawberry

from connectors.directory.records.audit import AuditEventRecord
from permissions.access_rules import OPEN
from resolvers.audit import queries as audit
from schema.graph.fields import computed, field, graph_type
from schema.graph.scalars import DateTime
from schema.nodes import Node
from schema.people import User


@graph_type(of=audit.AuditField, description="A named value, before or after something was done.", cost=0)
class AuditField:
    """A named value."""

    name: str = strawberry.field(description="What it is called.")
    value: str | None = strawberry.field(description="The value as text; null when there was none.")


@graph_type(
    of=AuditEventRecord,
    description="Something that was done or tried, on record for good.",
    organization=attrgetter("organization_id"),
)
class AuditEvent(Node):
    """Something that was done or tried."""

    at: DateTime = strawberry.field(description="When.")
    action: str = strawberry.field(
        description="What, such as `grant.give`; the name of the mutation for what was refused. More are added in time."
    )
    actor: User | None = field(
        audit.actors_of_events,
        requires=OPEN,
        description="Who; null when the portal itself did, or somebody who was not signed in.",
    )
    subject: Node | None = field(
        audit.subjects_of_events,
        requires=OPEN,
        description="To what; null when it is gone, or nothing that you may see.",
    )
    subject_id: strawberry.ID = strawberry.field(description="The id of what it was done to, also when it is gone.")
    before: list[AuditField] = computed(
        audit.before_of, requires=OPEN, at_most=50, assumed_size=3, description="What was changed, as it was before."
    )
    after: list[AuditField] = computed(
        audit.after_of, requires=OPEN, at_most=50, assumed_size=3, description="What was changed, as it was afterwards."
    )
    ip_address: str | None = field(
        audit.ip_addresses_of,
        requires=OPEN,
        description=(
            "From which address; null for what others did to you, and for people who never belonged to the company, "
            "such as the vendor's staff."
        ),
    )
    request_id: str = strawberry.field(description="In which request; what belongs together has the same.")
    reason: str | None = strawberry.field(description="Why, in the words of whoever did it.")
    refused_with: str | None = strawberry.field(
        description="The code with which it was refused, so that nothing was changed; null for what was done."
    )
