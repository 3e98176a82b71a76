"""Asking to join an organization, and deciding about it."""

from operator import attrgetter
from typing import Annotated, Any

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
from schema.graph.fields import computed, field, graph_type
from schema.graph.mutations import mutation, of_object
from schema.graph.scalars import DateTime
from schema.graph.user_errors import UserError, entries
from schema.nodes import Node
from schema.people import User

_KEY = "A key of your choice for this request, so that it can be repeated safely."


@graph_type(
    of=JoinRequestRecord,
    description="A request to join an organization that is registered. Visible to the person who asked, and to those "
    "who manage the organization's members.",
    organization=attrgetter("organization_id"),
    person=attrgetter("user_id"),
)
class JoinRequest(Node):
    """Somebody's request to join an organization."""

    wanted: str = strawberry.field(description="The organization as the person described it.")
    message: str | None = strawberry.field(description="The person's message to the organization.")
    status: RequestStatus = computed(approvals.status_of, requires=OPEN, description="Its status.")
    created_at: DateTime = strawberry.field(description="When the request was made.")
    expires_at: DateTime = strawberry.field(description="When it expires if nobody decides on it.")
    decided_at: DateTime | None = strawberry.field(description="When it was decided or withdrawn.")
    note: str | None = strawberry.field(description="The note given with the decision.")
    user: User | None = field(person("user_id"), requires=OPEN, description="The person who would like to join.")
    organization: Annotated["Organization", strawberry.lazy("schema.organizations.types")] | None = field(  # type: ignore[name-defined]  # noqa: F821
        organizations_of,
        requires=OPEN,
        description="The organization, for its members; whoever asks to join does not learn whether there is one.",
    )
    decided_by: User | None = field(person("decided_by_id"), requires=MANAGE_MEMBERS, description="Who decided on it.")


@strawberry.input(
    description="The organization; everything that you give has to match. Give at least one of the first three."
)
class RequestToJoinOrganizationInput:
    """The organization to join."""

    customer_number: str | None = strawberry.field(default=None, description="Its customer number with the vendor.")
    organization_name: str | None = strawberry.field(default=None, description="Its name.")
    vat_id: str | None = strawberry.field(default=None, description="Its VAT number.")
    message: str | None = strawberry.field(default=None, description="Your message to its administrators.")
    idempotency_key: str | None = strawberry.field(default=None, description=_KEY)


@strawberry.input(description="The request to approve, and what the person is given.")
class ApproveJoinRequestInput:
    """The request to approve, and what the person is given."""

    id: strawberry.ID = strawberry.field(description="The request's id.")
    role_keys: list[str] = strawberry.field(description="The keys of the roles that they get.")
    permissions: list[Permission] | None = strawberry.field(
        default=None, description="The direct permissions that they get."
    )
    idempotency_key: str | None = strawberry.field(default=None, description=_KEY)


@strawberry.input(description="The request to decline.")
class DeclineJoinRequestInput:
    """The request to decline."""

    id: strawberry.ID = strawberry.field(description="The request's id.")
    note: str | None = strawberry.field(default=None, description="A note for the person, if any.")
    idempotency_key: str | None = strawberry.field(default=None, description=_KEY)


@strawberry.input(description="Your request.")
class WithdrawJoinRequestInput:
    """Your request."""

    id: strawberry.ID = strawberry.field(description="The request's id.")
    idempotency_key: str | None = strawberry.field(default=None, description=_KEY)


@strawberry.type(description="The request as it is now, or why nothing was changed.")
class JoinRequestPayload:
    """The request as it is now."""

    join_request: JoinRequest | None = strawberry.field(
        description="The request as it is now; null when nothing was changed."
    )
    errors: list[UserError] = entries("Why nothing was changed; empty when it was.")


async def _request_to_join_organization(
    context: RequestContext, *, input: RequestToJoinOrganizationInput
) -> dict[str, Any]:
    request = await join_requests.request_to_join(
        context,
        name=input.organization_name,
        vat=input.vat_id,
        number=input.customer_number,
        message=input.message,
        key=input.idempotency_key,
    )
    return {"join_request": request}


async def _approve_join_request(context: RequestContext, *, input: ApproveJoinRequestInput) -> dict[str, Any]:
    joining = Joining(tuple(input.role_keys), tuple(input.permissions or ()), input.idempotency_key)
    return {"join_request": await join_requests.approve_join_request(context, JoinRequestId(input.id), joining)}


async def _decline_join_request(context: RequestContext, *, input: DeclineJoinRequestInput) -> dict[str, Any]:
    declined = await join_requests.decline_join_request(
        context, JoinRequestId(input.id), input.note, input.idempotency_key
    )
    return {"join_request": declined}


async def _withdraw_join_request(context: RequestContext, *, input: WithdrawJoinRequestInput) -> dict[str, Any]:
    id = JoinRequestId(input.id)
    return {"join_request": await join_requests.withdraw_join_request(context, id, input.idempotency_key)}


@strawberry.type
class JoinRequestMutations:
    """Asking to join an organization."""

    request_to_join_organization: JoinRequestPayload | None = mutation(
        JoinRequestPayload,
        _request_to_join_organization,
        requires=AUTHENTICATED,
        description=(
            "Ask to join an organization that is registered. You are answered alike whether there is such an "
            "organization or not; "
            "if there is, all its administrators get a mail."
        ),
    )
    approve_join_request: JoinRequestPayload | None = mutation(
        JoinRequestPayload,
        _approve_join_request,
        requires=MANAGE_MEMBERS,
        within=of_object("jrq", "input.id"),
        description="Approve a request to join, with roles and permissions that you may delegate.",
    )
    decline_join_request: JoinRequestPayload | None = mutation(
        JoinRequestPayload,
        _decline_join_request,
        requires=MANAGE_MEMBERS,
        within=of_object("jrq", "input.id"),
        description="Decline a request to join.",
    )
    withdraw_join_request: JoinRequestPayload | None = mutation(
        JoinRequestPayload,
        _withdraw_join_request,
        requires=AUTHENTICATED,
        description="Withdraw your own request.",
    )
