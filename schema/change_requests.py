"""What an organization asks the vendor to change about its name and registered office."""

from operator import attrgetter

import strawberry

from connectors.directory.approvals import CHANGE_REQUESTS
from connectors.directory.records.change_requests import ChangeRequestRecord
from connectors.directory.records.requests import RequestStatus
from connectors.ids import ChangeRequestId, OrganizationId
from permissions.access_rules import CHANGE_ORGANIZATION, OPEN, REVIEW_CHANGE_REQUESTS
from resolvers import change_requests
from resolvers.approvals.lists import pages_of_all
from resolvers.change_requests import RequestedChange
from resolvers.context import RequestContext
from resolvers.people import person
from schema.graph.common_inputs import NodeActionInput
from schema.graph.connections import Connection
from schema.graph.fields import attribute, computed, field, graph_type, root
from schema.graph.mutations import in_organization, mutation, of_object
from schema.graph.references import LaterOrganization
from schema.graph.scalars import DateTime
from schema.graph.user_errors import Payload
from schema.graph.value_types import Address, AddressInput, address_of
from schema.nodes import Node
from schema.people import User


@graph_type(of=ChangeRequestRecord, organization=attrgetter("organization_id"))
class ChangeRequest(Node):
    """An organization's request that the vendor change its name or registered office."""

    organization: LaterOrganization = field(
        change_requests.requesting_organizations, requires=OPEN, description="The organization as it is now."
    )
    requested_by: User | None = field(person("requested_by_id"), requires=OPEN, description="The member who asked.")
    requested_name: str | None = attribute(
        "name", requires=OPEN, description="The requested name; null when the name is to stay."
    )
    requested_legal_name: str | None = attribute(
        "legal_name",
        requires=OPEN,
        description="The requested name in the register of companies; null when it is to stay.",
    )
    requested_seat: Address | None = attribute(
        "seat", requires=OPEN, description="The requested registered office; null when it is to stay."
    )
    message: str | None = strawberry.field(description="The organization's message to the vendor.")
    status: RequestStatus = strawberry.field(description="The status of the request.")
    created_at: DateTime = strawberry.field(description="When the request was made.")
    decided_at: DateTime | None = strawberry.field(description="When it was decided or withdrawn.")
    decided_by: User | None = field(
        change_requests.deciders,
        requires=OPEN,
        description="Who decided or withdrew it; of the vendor's staff, only the name is shown.",
    )
    decision_note: str | None = attribute("note", requires=OPEN, description="The vendor's note on its decision.")
    viewer_can_withdraw: bool = computed(
        change_requests.can_withdraw, requires=OPEN, description="Whether you may withdraw it now."
    )
    viewer_can_decide: bool = computed(
        change_requests.can_decide, requires=OPEN, description="Whether you may decide on it now."
    )


@strawberry.input
class RequestOrganizationChangeInput:
    """The requested changes; what is left out stays as it is."""

    organization_id: strawberry.ID
    name: str | None = strawberry.field(default=None, description="The requested name.")
    legal_name: str | None = strawberry.field(
        default=None, description="The requested name in the register of companies."
    )
    seat: AddressInput | None = strawberry.field(default=None, description="The requested registered office.")
    message: str | None = strawberry.field(default=None, description="Your message to the vendor.")
    idempotency_key: str | None = None


@strawberry.input
class DecideOrganizationChangeInput:
    """The vendor's decision."""

    id: strawberry.ID
    approve: bool = strawberry.field(description="Whether the change is approved; it takes effect at once.")
    note: str | None = strawberry.field(
        default=None, description="A note for the organization; required to decline a request."
    )
    expected_version: int | None = None


class ChangeRequestPayload(Payload):
    """The request as it is now, or why nothing was changed."""

    change_request: ChangeRequest | None = strawberry.field(
        description="The request as it is now; null when nothing was changed."
    )


@strawberry.type
class ChangeRequestQueries:
    """Queries of those who decide."""

    organization_change_requests: Connection[ChangeRequest] | None = root(
        pages_of_all(CHANGE_REQUESTS),
        requires=REVIEW_CHANGE_REQUESTS,
        description="The organizations' requests that the vendor change their names or registered offices, newest "
        "first.",
    )


@strawberry.type
class ChangeRequestMutations:
    """Asking for a change of name or registered office, and deciding on it."""

    @mutation(requires=CHANGE_ORGANIZATION, within=in_organization())
    async def request_organization_change(
        self, context: RequestContext, input: RequestOrganizationChangeInput
    ) -> ChangeRequestPayload | None:
        """Request that the vendor change the organization's name or registered office, which nobody else can change."""
        seat = address_of(input.seat) if input.seat is not None else None
        requested = RequestedChange(input.name, input.legal_name, seat, input.message)
        organization_id = OrganizationId(input.organization_id)
        asked = await change_requests.request_organization_change(
            context, organization_id, requested, input.idempotency_key
        )
        return ChangeRequestPayload(change_request=asked)

    @mutation(requires=CHANGE_ORGANIZATION, within=of_object("chg", "input.id"))
    async def withdraw_organization_change(
        self, context: RequestContext, input: NodeActionInput
    ) -> ChangeRequestPayload | None:
        """Withdraw a request that nobody has decided yet."""
        return ChangeRequestPayload(
            change_request=await change_requests.withdraw_organization_change(context, ChangeRequestId(input.id))
        )

    @mutation(requires=REVIEW_CHANGE_REQUESTS)
    async def decide_organization_change(
        self, context: RequestContext, input: DecideOrganizationChangeInput
    ) -> ChangeRequestPayload | None:
        """Approve or decline an organization's request; an approved change takes effect at once."""
        decided = await change_requests.decide_organization_change(
            context,
            ChangeRequestId(input.id),
            approve=input.approve,
            note=input.note,
            expected_version=input.expected_version,
        )
        return ChangeRequestPayload(change_request=decided)
