"""What was done, by whom, to what."""

from operator import attrgetter

import strawberry

from connectors.directory.records.audit import AuditEventRecord
from connectors.wanted import reads
from permissions.access_rules import OPEN
from resolvers.audit import queries as audit
from resolvers.audit import wording
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
    label: str = computed(wording.field_label, requires=OPEN, description="What the value is, for people.")
    display: str | None = field(
        wording.displays,
        requires=OPEN,
        description="The value for people: roles and permissions by their labels, instants in their time zone, people "
        "by name. Null when there was no value.",
    )


@graph_type(of=wording.AuditAction, cost=0)
class AuditAction:
    """An action that can occur in the audit log of an organization."""

    key: str = strawberry.field(description="Its key, for the argument `actions`.")
    label: str = computed(wording.label_of_action, requires=OPEN, description="Its name, for people.")


@reads(AuditEventRecord, lambda event: event.reason)
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
    action_label: str = computed(
        wording.action_label, requires=OPEN, description="What was done or attempted, for people."
    )
    summary: str = field(
        wording.summaries,
        requires=OPEN,
        description="What happened, in a sentence for people, without who did it; that is `actor`. Of a refusal, what "
        "was attempted.",
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
    subject_label: str | None = field(
        wording.subject_labels,
        requires=OPEN,
        description="What the object concerned is called, for people; null when it no longer exists, has no name, or "
        "you may not see it.",
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
