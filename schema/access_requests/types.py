"""What members asked for that they may not do yet."""

from operator import attrgetter

import strawberry

from connectors.directory.records.access_requests import AccessRequestRecord
from connectors.directory.records.requests import RequestStatus
from permissions.access_rules import OPEN
from permissions.policy import MOST_ROLES
from permissions.vocabulary import most_permissions
from resolvers.access_requests.commands import may_decide, may_withdraw
from resolvers.access_requests.queries import members_who_ask
from resolvers.approvals import lists as approvals
from resolvers.people import person
from schema.graph.fields import computed, field, graph_type
from schema.graph.references import LaterMembership
from schema.graph.scalars import DateTime
from schema.nodes import Node
from schema.people import User
from schema.roles import DescribedPermission, Role


@graph_type(of=AccessRequestRecord, organization=attrgetter("organization_id"), person=attrgetter("user_id"))
class AccessRequest(Node):
    """Roles and direct permissions that a member asked for."""

    membership: LaterMembership = field(members_who_ask, requires=OPEN, description="The member who asked.")
    roles: list[Role] = computed(
        approvals.roles_of,
        requires=OPEN,
        at_most=MOST_ROLES,
        assumed_size=1,
        description="The roles that an approval gives: those asked for, and for a permission or an application the "
        "smallest role that gives it.",
    )
    permissions: list[DescribedPermission] = computed(
        approvals.permissions_of,
        requires=OPEN,
        at_most=most_permissions,
        assumed_size=1,
        description="The direct permissions that an approval switches on.",
    )
    message: str | None = strawberry.field(description="The person's message.")
    status: RequestStatus = computed(approvals.status_of, requires=OPEN, description="The status of the request.")
    created_at: DateTime = strawberry.field(description="When the request was made.")
    expires_at: DateTime = strawberry.field(description="When the request expires.")
    decided_at: DateTime | None = strawberry.field(description="When it was decided or withdrawn.")
    decided_by: User | None = field(person("decided_by_id"), requires=OPEN, description="Who decided or withdrew it.")
    note: str | None = strawberry.field(description="The note given with the decision.")
    valid_until: DateTime | None = strawberry.field(
        description="When what was granted ends automatically; null when it does not end, or when nothing was granted."
    )
    viewer_can_decide: bool = computed(
        may_decide,
        requires=OPEN,
        description="Whether you may use `decideAccessRequest`: whether you may delegate everything that is requested.",
    )
    viewer_can_withdraw: bool = computed(
        may_withdraw, requires=OPEN, description="Whether you may `withdrawAccessRequest`."
    )
