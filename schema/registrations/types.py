"""Registrations: who wants to become a customer, and what the vendor's staff see of it."""

from operator import attrgetter
from typing import Any

import strawberry

from connectors.directory.approvals import REGISTRATIONS
from connectors.directory.records.organizations import OrganizationKind
from connectors.directory.records.registrations import (
    LikenessReason,
    Lookalike,
    RegistrationEventRecord,
    RegistrationRecord,
    RegistrationStatus,
)
from connectors.wanted import reads
from permissions.access_rules import OPEN, REVIEW_REGISTRATIONS
from permissions.policy import MOST_ROLES
from resolvers.approvals import lists as approvals
from resolvers.approvals.lists import pages_of_all
from resolvers.context import RequestContext
from resolvers.organizations.queries import MOST_ADMINISTRATORS
from resolvers.people import person
from resolvers.refusals import InvalidArgument, RefusedTogether
from resolvers.registrations import already_registered
from resolvers.registrations import queries as registrations
from resolvers.registrations.already_registered import RegistrationCheckOutcome
from resolvers.registrations.queries import registration_status
from resolvers.registrations.review import UNDECIDED
from resolvers.texts import Text
from schema.graph.connections import Connection
from schema.graph.fields import attribute, computed, field, graph_type, root
from schema.graph.scalars import DateTime, EmailAddress, PhoneNumber
from schema.graph.user_errors import input_path
from schema.graph.value_types import Address
from schema.nodes import Node
from schema.organizations.types import Organization
from schema.people import User
from schema.roles import Role


@graph_type(of=Lookalike)
class RegistrationDuplicate:
    """An organization that resembles one being registered."""

    organization: Organization = strawberry.field(description="The existing organization.")
    reasons: list[LikenessReason] = attribute(
        "reasons",
        requires=OPEN,
        at_most=len(LikenessReason),
        assumed_size=2,
        description="In what respects it is alike.",
    )


@graph_type(of=RegistrationEventRecord)
class RegistrationEvent:
    """Something that happened to a registration."""

    occurred_at: DateTime = strawberry.field(description="When it happened.")
    status: RegistrationStatus = strawberry.field(description="The status of the registration from then on.")
    note: str | None = strawberry.field(description="The reason, the question or the answer, as it was written.")
    by: User | None = field(
        person("actor_id", through=None),
        requires=REVIEW_REGISTRATIONS,
        description="Who did it; null when it was the portal, or somebody who was not signed in.",
    )


@reads(RegistrationRecord, lambda registration: registration.organization_kind)
def _is_of_organization(registration: RegistrationRecord) -> bool:
    return registration.organization_kind is not None


@graph_type(of=RegistrationRecord, when=_is_of_organization, person=attrgetter("user_id"))
class OrganizationRegistration(Node):
    """The registration of an organization, which the vendor has to approve. Visible to the applicant and the
    reviewers.
    """

    version: int = strawberry.field(
        description="Incremented by each change; send it along with a decision, so that nobody else's is overwritten."
    )
    reference: str = strawberry.field(
        description="The reference with which the applicant can ask for its status without signing in."
    )
    status: RegistrationStatus = computed(approvals.status_of, requires=OPEN, description="Its status.")
    organization_name: str = strawberry.field(description="The organization's name.")
    legal_name: str | None = strawberry.field(description="Its name in the register of companies.")
    kind: OrganizationKind = attribute(
        "organization_kind", requires=OPEN, description="Its relationship to the vendor."
    )
    vat_id: str | None = strawberry.field(description="Its VAT number.")
    customer_number: str | None = strawberry.field(
        description="The customer number as the applicant gave it, unverified."
    )
    seat: Address | None = strawberry.field(description="Its registered office.")
    applicant_name: str = computed(
        registrations.applicant_name, requires=OPEN, description="The name of the person who registers it."
    )
    applicant_email: EmailAddress = attribute(
        "email", requires=OPEN, description="Their e-mail address, which they have confirmed."
    )
    applicant_phone: PhoneNumber | None = attribute("phone", requires=OPEN, description="Their telephone number.")
    wanted_roles: list[Role] = computed(
        approvals.roles_of,
        requires=OPEN,
        at_most=MOST_ROLES,
        assumed_size=2,
        description=(
            "Further roles that the applicant would like; approval gives only the administrative role, with "
            "which the applicant can take these."
        ),
    )
    submitted_at: DateTime | None = strawberry.field(description="When the e-mail address was confirmed.")
    review_due_at: DateTime | None = strawberry.field(
        description="When the review is due, after 24 hours; null while the applicant has to answer."
    )
    overdue: bool = computed(registrations.is_overdue, requires=OPEN, description="Whether the review is overdue.")
    decided_at: DateTime | None = strawberry.field(description="When it was approved, rejected or withdrawn.")
    rejection_reason: str | None = computed(
        registrations.rejection_reason, requires=OPEN, description="Why it was rejected."
    )
    question: str | None = computed(registrations.question, requires=OPEN, description="The vendor's last question.")
    answer: str | None = strawberry.field(description="The applicant's answer.")
    organization: Organization | None = field(
        registrations.organizations_of,
        requires=OPEN,
        description="The organization; nobody may do anything in it before it is approved. Null once you have left it.",
    )
    applicant: User | None = field(
        person("user_id", through=None), requires=OPEN, description="The person who registers it."
    )
    duplicates: list[RegistrationDuplicate] | None = field(
        registrations.duplicates_of,
        requires=REVIEW_REGISTRATIONS,
        at_most=registrations.MOST_DUPLICATES,
        assumed_size=5,
        description=(
            "Existing organizations with the same VAT id, customer number, name or mail domain; those alike in "
            "most respects come first."
        ),
    )
    history: list[RegistrationEvent] = field(
        registrations.history_of,
        requires=OPEN,
        at_most=registrations.LONGEST_HISTORY,
        assumed_size=5,
        description="The order's history, oldest first.",
    )


@graph_type(of=registrations.RegistrationState)
class RegistrationStatusView:
    """The status of a registration, for somebody who is not signed in."""

    reference: str = strawberry.field(description="The reference for `registrationStatus`.")
    status: RegistrationStatus = strawberry.field(description="Its status.")
    submitted_at: DateTime | None = strawberry.field(description="When the e-mail address was confirmed.")
    review_due_at: DateTime | None = strawberry.field(description="When the review is due.")
    guidance: str = computed(
        registrations.guidance_of_state,
        requires=OPEN,
        description="What to do next, and how to reach the vendor, for people.",
    )


@graph_type(of=already_registered.RegistrationCheck)
class OrganizationRegistrationCheck:
    """Whether an organization is registered, as far as it may be disclosed."""

    outcome: RegistrationCheckOutcome = strawberry.field(description="What is known about the organization.")
    guidance: str = computed(
        already_registered.guidance_of_check,
        requires=OPEN,
        description="Whom to contact next, and how to reach the vendor, for people.",
    )
    masked_administrators: list[str] = attribute(
        "masked_administrators",
        requires=OPEN,
        at_most=MOST_ADMINISTRATORS,
        description="The initials of its administrators, for those who know its name and its VAT id or customer "
        "number.",
    )
    can_request_to_join: bool = attribute(
        "can_request_to_join", requires=OPEN, description="Whether `requestToJoinOrganization` would help."
    )


@strawberry.input
class OrganizationRegistrationCheckInput:
    """The organization to look for; give the VAT id, or the customer number together with the name."""

    name: str | None = strawberry.field(default=None, description="Its name.")
    vat_id: str | None = strawberry.field(default=None, description="Its VAT number.")
    customer_number: str | None = strawberry.field(
        default=None, description="Its customer number with the vendor; used only together with the name."
    )


async def _check(context: RequestContext, *, input: OrganizationRegistrationCheckInput) -> Any:
    try:
        return await already_registered.check_organization(
            context, name=input.name, vat=input.vat_id, number=input.customer_number
        )
    except RefusedTogether as refused:
        first, *others = (
            Text("`{path}`: {problem}", path=".".join(input_path(one.path or ())), problem=one.message)
            for one in refused.refusals
        )
        for other in others:
            first = Text("{one} {other}", one=first, other=other)
        raise InvalidArgument(first) from None


@strawberry.type
class RegistrationQueries:
    """Queries about registrations."""

    registrations: Connection[OrganizationRegistration] | None = root(
        pages_of_all(REGISTRATIONS, *UNDECIDED),
        requires=REVIEW_REGISTRATIONS,
        description="The registrations of organizations, oldest first; without `status`, those not decided yet.",
    )
    registration_status: RegistrationStatusView | None = root(
        registration_status,
        requires=OPEN,
        cost=20,
        description="The status of a registration, without signing in; null unless the reference and the address "
        "match.",
        arguments={
            "reference": "The reference that `registerOrganization` returned.",
            "email": "The applicant's e-mail address.",
        },
    )
    organization_registration_check: OrganizationRegistrationCheck | None = root(
        _check,
        requires=OPEN,
        cost=20,
        description="Whether an organization is registered already, before registering it.",
    )
