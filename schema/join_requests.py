"""Asking to join an organization, and deciding about it."""

from operator import attrgetter

import strawberry

from connectors.directory.records.join_requests import JoinRequestRecord
from connectors.directory.records.requests import RequestStatus
from connectors.ids import JoinRequestId
from permissions.access_rules import AUTHENTICATED, MANAGE_MEMBERS, OPEN
from permissions.vocabulary import Permission
from resolvers.approvals import lists as approvals
from resolvers.context import RequestContext
from resolvers.join_requests import commands as join_requests
from resolvers.join_requests.commands import Joining
from resolvers.join_requests.queries import organizations_of
from resolvers.people import person
from schema.graph.fields import attribute, computed, field, graph_type
from schema.graph.mutations import mutation, of_object
from schema.graph.references import LaterMembership, LaterOrganization
from schema.graph.scalars import DateTime
from schema.graph.user_errors import Payload
from schema.nodes import Node
from schema.people import User


@graph_type(of=JoinRequestRecord, organization=attrgetter("organization_id"), person=attrgetter("user_id"))
class JoinRequest(Node):
    """A request to join an organization that is registered. Visible to the person who asked, and to those who
    manage the organization's members.
    """

    wanted: str = strawberry.field(description="The organization as the person described it.")
    message: str | None = strawberry.field(description="The person's message to the organization.")
    status: RequestStatus = computed(approvals.status_of, requires=OPEN, description="Its status.")
    created_at: DateTime = strawberry.field(description="When the request was made.")
    expires_at: DateTime = strawberry.field(description="When it expires if nobody decides on it.")
    decided_at: DateTime | None = strawberry.field(description="When it was decided or withdrawn.")
    note: str | None = strawberry.field(description="The note given with the decision.")
    user: User | None = field(person("user_id"), requires=OPEN, description="The person who would like to join.")
    organization: LaterOrganization | None = field(
        organizations_of,
        requires=OPEN,
        description="The organization, visible to its members only; whoever asks to join does not learn whether it "
        "exists.",
    )
    decided_by: User | None = field(person("decided_by_id"), requires=MANAGE_MEMBERS, description="Who decided on it.")


@strawberry.input
class RequestToJoinOrganizationInput:
    """The organization; everything that you give has to match. Give at least one of the first three."""

    customer_number: str | None = strawberry.field(default=None, description="Its customer number with the vendor.")
    organization_name: str | None = strawberry.field(default=None, description="Its name.")
    vat_id: str | None = strawberry.field(default=None, description="Its VAT number.")
    message: str | None = strawberry.field(default=None, description="Your message to its administrators.")
    idempotency_key: str | None = None


@strawberry.input
class ApproveJoinRequestInput:
    """The request to approve, and what the person is given."""

    id: strawberry.ID
    role_keys: list[str] = strawberry.field(description="The keys of the roles that they get.")
    permissions: list[Permission] | None = strawberry.field(
        default=None, description="The direct permissions that they get."
    )
    idempotency_key: str | None = None


@strawberry.input
class DeclineJoinRequestInput:
    """The request to decline."""

    id: strawberry.ID
    note: str | None = strawberry.field(default=None, description="A note for the person, if any.")
    idempotency_key: str | None = None


@strawberry.input
class WithdrawJoinRequestInput:
    """Your request."""

    id: strawberry.ID
    idempotency_key: str | None = None


class JoinRequestPayload(Payload):
    """The request as it is now, or why nothing was changed."""

    join_request: JoinRequest | None = strawberry.field(
        description="The request as it is now; null when nothing was changed."
    )
    membership: LaterMembership | None = attribute(
        "membership",
        requires=OPEN,
        description="The person's membership of the organization, once the request is approved.",
    )


@strawberry.type
class JoinRequestMutations:
    """Asking to join an organization."""

    @mutation(requires=AUTHENTICATED)
    async def request_to_join_organization(
        self, context: RequestContext, input: RequestToJoinOrganizationInput
    ) -> JoinRequestPayload | None:
        """Ask to join an organization that is registered. The answer is the same whether or not there is such an
        organization; if there is, all its administrators get a mail.
        """
        request = await join_requests.request_to_join(
            context,
            name=input.organization_name,
            vat=input.vat_id,
            number=input.customer_number,
            message=input.message,
            key=input.idempotency_key,
        )
        return JoinRequestPayload(join_request=request, membership=None)

    @mutation(requires=MANAGE_MEMBERS, within=of_object("jrq", "input.id"))
    async def approve_join_request(
        self, context: RequestContext, input: ApproveJoinRequestInput
    ) -> JoinRequestPayload | None:
        """Approve a request to join, with roles and permissions that you may delegate."""
        joining = Joining(tuple(input.role_keys), tuple(input.permissions or ()), input.idempotency_key)
        request, membership = await join_requests.approve_join_request(context, JoinRequestId(input.id), joining)
        return JoinRequestPayload(join_request=request, membership=membership)

    @mutation(requires=MANAGE_MEMBERS, within=of_object("jrq", "input.id"))
    async def decline_join_request(
        self, context: RequestContext, input: DeclineJoinRequestInput
    ) -> JoinRequestPayload | None:
        """Decline a request to join."""
        declined = await join_requests.decline_join_request(
            context, JoinRequestId(input.id), input.note, input.idempotency_key
        )
        return JoinRequestPayload(join_request=declined, membership=None)

    @mutation(requires=AUTHENTICATED)
    async def withdraw_join_request(
        self, context: RequestContext, input: WithdrawJoinRequestInput
    ) -> JoinRequestPayload | None:
        """Withdraw your own request."""
        id = JoinRequestId(input.id)
        return JoinRequestPayload(
            join_request=await join_requests.withdraw_join_request(context, id, input.idempotency_key), membership=None
        )
