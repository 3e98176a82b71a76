"""Asking for access, taking it back, and deciding it."""

import strawberry

from connectors.ids import AccessRequestId, OrganizationId
from permissions.access_rules import ASSIGN_ROLES, AUTHENTICATED
from permissions.vocabulary import Permission
from resolvers.access_requests import commands as access_requests
from resolvers.access_requests.commands import Verdict
from resolvers.access_requests.requested_access import RequestedAccess
from resolvers.context import RequestContext
from schema.access import AccessWarning
from schema.access_requests.types import AccessRequest
from schema.graph.fields import listed
from schema.graph.mutations import in_organization, mutation, of_object
from schema.graph.scalars import DateTime
from schema.graph.user_errors import MOST_WARNINGS, Payload


@strawberry.input
class RequestAccessInput:
    """The access that you request; give at least one of permissions, roles and application."""

    organization_id: strawberry.ID
    permissions: list[Permission] | None = strawberry.field(
        default=None, description="The permissions that you request, such as `missing` of a refusal."
    )
    role_keys: list[str] | None = strawberry.field(default=None, description="The keys of the roles that you request.")
    application_id: strawberry.ID | None = strawberry.field(
        default=None, description="The application that you want to open."
    )
    message: str | None = strawberry.field(default=None, description="Your message to those who decide.")
    idempotency_key: str | None = None


@strawberry.input
class WithdrawAccessRequestInput:
    """The request to withdraw."""

    id: strawberry.ID
    idempotency_key: str | None = None


@strawberry.input
class DecideAccessRequestInput:
    """The decision on a request for access."""

    id: strawberry.ID
    approve: bool = strawberry.field(description="Whether all that is asked for is granted.")
    valid_until: DateTime | None = strawberry.field(
        default=None, description="When what is granted ends automatically; left out, it does not."
    )
    note: str | None = strawberry.field(default=None, description="A note on the decision, for the member to read.")
    idempotency_key: str | None = None


class AccessRequestPayload(Payload):
    """A request for access as it is now, or why nothing was done."""

    access_request: AccessRequest | None = strawberry.field(description="The request; null when refused.")
    warnings: list[AccessWarning] | None = listed(
        at_most=MOST_WARNINGS,
        assumed_size=1,
        description="What deserves a second look after an approval.",
    )


@strawberry.type
class AccessRequestMutations:
    """Asking for access and deciding it."""

    @mutation(requires=AUTHENTICATED, within=in_organization())
    async def request_access(self, context: RequestContext, input: RequestAccessInput) -> AccessRequestPayload | None:
        """Request a role, a permission or an application from those who may grant it."""
        requested = RequestedAccess(tuple(input.role_keys or ()), tuple(input.permissions or ()), input.application_id)
        request = await access_requests.request_access(
            context, OrganizationId(input.organization_id), requested, text=input.message, key=input.idempotency_key
        )
        return AccessRequestPayload(access_request=request, warnings=[])

    @mutation(requires=AUTHENTICATED, within=of_object("arq", "input.id"))
    async def withdraw_access_request(
        self, context: RequestContext, input: WithdrawAccessRequestInput
    ) -> AccessRequestPayload | None:
        """Withdraw your access request."""
        id = AccessRequestId(input.id)
        return AccessRequestPayload(
            access_request=await access_requests.withdraw_access_request(context, id, input.idempotency_key),
            warnings=[],
        )

    @mutation(requires=ASSIGN_ROLES, within=of_object("arq", "input.id"))
    async def decide_access_request(
        self, context: RequestContext, input: DecideAccessRequestInput
    ) -> AccessRequestPayload | None:
        """Grant or decline what a member asked for; the member gets a mail."""
        verdict = Verdict(
            AccessRequestId(input.id), input.approve, input.valid_until, input.note, input.idempotency_key
        )
        request, warnings = await access_requests.decide_access_request(context, verdict)
        return AccessRequestPayload(access_request=request, warnings=warnings)
