"""How many there are in an organization: members by status, and what waits for a decision."""

import strawberry

from connectors.directory.records.memberships import MembershipStatus
from permissions.access_rules import OPEN
from resolvers.organizations import counts
from schema.graph.backends import Backend
from schema.graph.fields import field, graph_type


@graph_type(of=counts.MemberCount, cost=0)
class MemberCount:
    """How many members of an organization have one status."""

    status: MembershipStatus = strawberry.field(description="The status.")
    count: int = strawberry.field(description="The number of members who have it.")


@graph_type(of=counts.Waiting, cost=0)
class WaitingCounts:
    """How much is waiting for a decision in an organization. A count that you may not see is null, without an error."""

    access_requests: int | None = field(
        counts.access_requests_waiting,
        requires=OPEN,
        description="Access requests that are pending, for those who hold ROLE_ASSIGN.",
    )
    join_requests: int | None = field(
        counts.join_requests_waiting,
        requires=OPEN,
        description="Requests to join it that are pending, for those who hold MEMBER_MANAGE.",
    )
    invitations: int | None = field(
        counts.invitations_waiting,
        requires=OPEN,
        description="Invitations that are not answered yet and have not expired, for those who hold MEMBER_MANAGE.",
    )
    change_requests: int | None = field(
        counts.change_requests_waiting,
        requires=OPEN,
        description="Change requests that the vendor has not decided, for those who see its `changeRequests`.",
    )
    order_approvals: int | None = field(
        counts.order_approvals_waiting,
        requires=OPEN,
        backend=Backend.SHOP,
        description="Orders that wait for approval, for those who hold ORDER_APPROVE.",
    )
