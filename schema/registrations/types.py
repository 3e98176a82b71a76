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
from permissions.access_rules import OPEN, REVIEW_REGISTRATIONS
from permissions.policy import MOST_ROLES
from resolvers.approvals import lists as approvals
from resolvers.approvals.lists import pages_of_all
from resolvers.context import RequestContext
from resolvers.organizations.queries import MOST_ADMINISTRATORS
from resolvers.people import person
from resolvers.refusals import Invalid, InvalidArgument
from resolvers.registrations import already_registered as company_check
from resolvers.registrations import queries as registrations
from resolvers.registrations.already_registered import RegistrationCheckOutcome
from resolvers.registrations.queries import registration_status
from resolvers.registrations.review import UNDECIDED
from schema.graph.connections import Connection
from schema.graph.fields import attribute, computed, field, graph_type, root
from schema.graph.scalars import DateTime, EmailAddress, PhoneNumber
from schema.graph.user_errors import input_path
from schema.graph.value_types import Address
from schema.nodes import Node
from schema.organizations.types import Organization
from schema.people import User
from schema.roles import Role


@graph_type(of=Lookalike, description="A company that looks the same as one that is being registered.")
class RegistrationDuplicate:
    """A company that looks the same as one that is being registered."""

    organization: Organization = strawberry.field(description="The company that is there already.")
    reasons: list[LikenessReason] = attribute(
        "reasons", requires=OPEN, at_most=len(LikenessReason), assumed_size=2, description="In what it is the same."
    )


@graph_type(of=RegistrationEventRecord, description="Something that happened to a registration.")
class RegistrationEvent:
    """Something that happened to a registration."""

    occurred_at: DateTime = strawberry.field(description="When it happened.")
    status: RegistrationStatus = strawberry.field(description="Where the registration stood then.")
    note: str | None = strawberry.field(description="The reason, the question or the answer, as it was written.")
    by: User | None = field(
        person("actor_id", through=None),
        requires=REVIEW_REGISTRATIONS,
        description="Who did it; null when the portal did, or somebody who was not signed in.",
    )


@graph_type(
    of=RegistrationRecord,
    when=lambda record: record.organization_kind is not None,
    description="A company that somebody registers, which the vendor has to approve. For the applicant and reviewers.",
    person=attrgetter("user_id"),
)
class OrganizationRegistration(Node):
    """A company that somebody registers."""

    version: int = strawberry.field(description="Counts the changes; send it with a decision to notice others'.")
    reference: str = strawberry.field(description="What the applicant asks with, without signing in.")
    status: RegistrationStatus = computed(approvals.status_of, requires=OPEN, description="Where it stands.")
    organization_name: str = strawberry.field(description="What the company is called.")
    legal_name: str | None = strawberry.field(description="What it is called in the register of companies.")
    kind: OrganizationKind = attribute("organization_kind", requires=OPEN, description="What it is to the vendor.")
    vat_id: str | None = strawberry.field(description="Its number for value added tax.")
    customer_number: str | None = strawberry.field(
        description="The customer number as the applicant wrote it, which proves nothing."
    )
    seat: Address | None = strawberry.field(description="Where it has its seat.")
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
            "Roles that the applicant would like besides; approving gives the administrative role only, with which "
            "they can take these themself."
        ),
    )
    submitted_at: DateTime | None = strawberry.field(description="When the address was confirmed.")
    review_due_at: DateTime | None = strawberry.field(
        description="Until when it should be reviewed: 24 hours; null while the applicant has to answer."
    )
    overdue: bool = computed(
        registrations.is_overdue, requires=OPEN, description="Whether it has waited for a review for longer than that."
    )
    decided_at: DateTime | None = strawberry.field(description="When it was approved, rejected or withdrawn.")
    rejection_reason: str | None = computed(
        registrations.rejection_reason, requires=OPEN, description="Why it was rejected."
    )
    question: str | None = computed(registrations.question, requires=OPEN, description="What the vendor asked last.")
    answer: str | None = strawberry.field(description="What the applicant answered.")
    organization: Organization | None = field(
        registrations.organizations_of,
        requires=OPEN,
        description="The company; nobody may do anything in it before it is approved.",
    )
    applicant: User | None = field(
        person("user_id", through=None), requires=OPEN, description="The person who registers it."
    )
    duplicates: list[RegistrationDuplicate] | None = field(
        registrations.duplicates_of,
        requires=REVIEW_REGISTRATIONS,
        at_most=registrations.MOST_DUPLICATES,
        description=(
            "Companies that are the same in the VAT id, customer number, name or mail domain, as things are now; "
            "those alike in the most come first."
        ),
    )
    history: list[RegistrationEvent] = field(
        registrations.history_of,
        requires=OPEN,
        at_most=registrations.LONGEST_HISTORY,
        assumed_size=5,
        description="What happened to it, oldest first.",
    )


@graph_type(of=registrations.RegistrationState, description="Where a registration stands, for who is not signed in.")
class RegistrationStatusView:
    """Where a registration stands."""

    reference: str = strawberry.field(description="What to ask with, by `registrationStatus`.")
    status: RegistrationStatus = strawberry.field(description="Where it stands.")
    submitted_at: DateTime | None = strawberry.field(description="When the address was confirmed.")
    review_due_at: DateTime | None = strawberry.field(description="Until when it should be reviewed.")
    guidance: str = computed(
        registrations.guidance_of_state,
        requires=OPEN,
        description="What to do next, and how to reach the vendor, for people.",
    )


@graph_type(of=company_check.RegistrationCheck, description="Whether a company is registered, as far as may be told.")
class OrganizationRegistrationCheck:
    """Whether a company is registered."""

    outcome: RegistrationCheckOutcome = strawberry.field(description="What is known of the company.")
    guidance: str = computed(
        company_check.guidance_of_check,
        requires=OPEN,
        description="Whom to turn to next, and how to reach the vendor, for people.",
    )
    masked_administrators: list[str] = attribute(
        "masked_administrators",
        requires=OPEN,
        at_most=MOST_ADMINISTRATORS,
        description="The initials of those who administer it, for who knows its VAT id or number and its name.",
    )
    can_request_to_join: bool = attribute(
        "can_request_to_join", requires=OPEN, description="Whether `requestToJoinOrganization` makes sense."
    )


@strawberry.input(description="The company; give the VAT id, or the customer number together with the name.")
class OrganizationRegistrationCheckInput:
    """The company to look for."""

    name: str | None = strawberry.field(default=None, description="What it is called.")
    vat_id: str | None = strawberry.field(default=None, description="Its number for value added tax.")
    customer_number: str | None = strawberry.field(
        default=None, description="The number under which the vendor knows it; counts together with the name only."
    )


async def _check(context: RequestContext, *, input: OrganizationRegistrationCheckInput) -> Any:
    try:
        return await company_check.check_organization(
            context, name=input.name, vat=input.vat_id, number=input.customer_number
        )
    except Invalid as refused:
        raise InvalidArgument(f"`{'.'.join(input_path(refused.path or ()))}`: {refused.message}") from None


@strawberry.type
class RegistrationQueries:
    """Questions about registrations."""

    registrations: Connection[OrganizationRegistration] | None = root(
        pages_of_all(REGISTRATIONS, *UNDECIDED),
        requires=REVIEW_REGISTRATIONS,
        description="Companies that want to become customers, oldest first; without `status`, those not decided yet.",
        arguments={"status": "Only registrations that stand like this."},
    )
    registration_status: RegistrationStatusView | None = root(
        registration_status,
        requires=OPEN,
        cost=20,
        description="Where a registration stands, without signing in; null unless reference and address fit.",
        arguments={"reference": "What `registerOrganization` answered.", "email": "The applicant's e-mail address."},
    )
    organization_registration_check: OrganizationRegistrationCheck | None = root(
        _check,
        requires=OPEN,
        cost=20,
        description="Whether a company is registered already, before registering it.",
    )
