"""Registering oneself or a company, without being signed in."""

from typing import Any

import strawberry

from connectors.directory.records.organizations import OrganizationKind
from connectors.values import AccountKind
from permissions.access_rules import OPEN, by_caller_unless
from resolvers.context import RequestContext
from resolvers.registrations import commands as registering
from resolvers.registrations.inputs import Applicant, OrganizationWanted
from resolvers.registrations.queries import state_of
from schema.graph.cost_directives import PASSWORD_CHECK
from schema.graph.mutations import mutation
from schema.graph.scalars import EmailAddress, Locale, PhoneNumber
from schema.graph.user_errors import payload
from schema.graph.value_types import AddressInput, address_of
from schema.registrations.types import OrganizationRegistration, OrganizationRegistrationCheck, RegistrationStatusView
from schema.sessions import SignInPayload, session_fields


@strawberry.input
class RegisterPrivateAccountInput:
    """Who wants an account for themself, without a company."""

    first_name: str = strawberry.field(description="The first name.")
    last_name: str = strawberry.field(description="The last name.")
    email: EmailAddress = strawberry.field(description="The e-mail address; a mail goes there to confirm it.")
    accept_terms: bool = strawberry.field(description="Whether you accept the terms; without it, nobody registers.")
    idempotency_key: str
    account_kind: AccountKind = strawberry.field(
        default=AccountKind.PRIVATE_OPERATOR, description="PRIVATE_OPERATOR or COMMERCIAL_OPERATOR (K9, K10)."
    )
    phone: PhoneNumber | None = strawberry.field(default=None, description="The telephone number.")
    locale: Locale | None = strawberry.field(default=None, description="The language you read.")
    newsletter: bool = strawberry.field(
        default=False, description="Whether you want the newsletter; counts once the address is confirmed."
    )


@strawberry.input
class RegisterOrganizationInput:
    """A company, and who registers it; who is signed in is the applicant."""

    confirm_first_registration: bool = strawberry.field(
        description='"No, it is not registered already." False ends the registration, and nothing is stored (K18).'
    )
    kind: OrganizationKind = strawberry.field(description="What the company is to the vendor (K11, K17).")
    name: str = strawberry.field(description="What it is called.")
    seat: AddressInput = strawberry.field(description="Where it has its seat.")
    accept_terms: bool = strawberry.field(description="Whether you accept the terms; without it, nobody registers.")
    idempotency_key: str
    legal_name: str | None = strawberry.field(
        default=None, description="What it is called in the register of companies."
    )
    vat_id: str | None = strawberry.field(default=None, description="Its number for value added tax.")
    customer_number: str | None = strawberry.field(
        default=None, description="The number under which the vendor knows it, if it has one."
    )
    applicant_first_name: str | None = strawberry.field(
        default=None, description="Your first name; not looked at when you are signed in."
    )
    applicant_last_name: str | None = strawberry.field(
        default=None, description="Your last name; not looked at when you are signed in."
    )
    applicant_email: EmailAddress | None = strawberry.field(
        default=None, description="Your e-mail address; a mail goes there to confirm it, unless you are signed in."
    )
    phone: PhoneNumber | None = strawberry.field(default=None, description="Your telephone number.")
    locale: Locale | None = strawberry.field(default=None, description="The language you read.")
    additional_role_keys: list[str] | None = strawberry.field(
        default=None, description="Roles that you would like besides the administrative one (K25)."
    )
    newsletter: bool = strawberry.field(
        default=False, description="Whether you want the newsletter; counts once the address is confirmed."
    )


@strawberry.input
class ConfirmRegistrationInput:
    """The token of the mail, and the password of the new account."""

    token: str = strawberry.field(description="The token of the link in the mail; it counts once, for seven days.")
    password: str = strawberry.field(description="12 to 256 characters that are not your name or address.")


@payload
class RegisterPrivateAccountPayload:
    """Where the mail went, or why there was none."""

    verification_sent_to: EmailAddress | None = strawberry.field(
        description="The address to look at, whether there was an account for it already or not."
    )


@payload
class RegisterOrganizationPayload:
    """What became of it, whether your address or company was known or not."""

    reference: str | None = strawberry.field(description="What to ask with, by `registrationStatus`.")
    state: RegistrationStatusView | None = strawberry.field(description="Where the registration stands.")
    registration: OrganizationRegistration | None = strawberry.field(
        description="The registration; null while you are not signed in."
    )
    guidance: OrganizationRegistrationCheck | None = strawberry.field(
        description="Whom to turn to, when the company is registered already."
    )


async def _register_private_account(context: RequestContext, *, input: RegisterPrivateAccountInput) -> dict[str, Any]:
    applicant = Applicant(
        input.first_name,
        input.last_name,
        input.email,
        input.phone,
        input.locale,
        input.newsletter,
        input.accept_terms,
    )
    sent_to = await registering.register_private_account(context, input.account_kind, applicant, input.idempotency_key)
    return {"verification_sent_to": sent_to}


async def _register_organization(context: RequestContext, *, input: RegisterOrganizationInput) -> dict[str, Any]:
    organization = OrganizationWanted(
        confirm_first_registration=input.confirm_first_registration,
        kind=input.kind,
        name=input.name,
        legal_name=input.legal_name,
        vat_id=input.vat_id,
        customer_number=input.customer_number,
        seat=address_of(input.seat),
        role_keys=tuple(input.additional_role_keys or ()),
    )
    applicant = Applicant(
        input.applicant_first_name,
        input.applicant_last_name,
        input.applicant_email,
        input.phone,
        input.locale,
        input.newsletter,
        input.accept_terms,
    )
    registration = await registering.register_organization(context, organization, applicant, input.idempotency_key)
    return {
        "reference": registration.reference,
        "state": state_of(context, registration),
        "registration": registration if context.caller is not None else None,
        "guidance": None,
    }


async def _confirm_registration(context: RequestContext, *, input: ConfirmRegistrationInput) -> dict[str, Any]:
    return session_fields(await registering.confirm_registration(context, input.token, input.password))


@strawberry.type
class RegisteringMutations:
    """Registering."""

    register_private_account: RegisterPrivateAccountPayload | None = mutation(
        _register_private_account,
        requires=OPEN,
        cost=20,
        description="Have a mail sent with which you open an account for yourself (K9, K16).",
    )
    register_organization: RegisterOrganizationPayload | None = mutation(
        _register_organization,
        requires=by_caller_unless("input.applicantEmail"),
        cost=20,
        description=(
            "Register a company for the first time (K16-K20). You confirm your e-mail address, then the vendor reviews "
            "it; approved, you administer it."
        ),
    )
    confirm_registration: SignInPayload | None = mutation(
        _confirm_registration,
        requires=OPEN,
        cost=PASSWORD_CHECK,
        description="Confirm your e-mail address, set a password, and begin a session.",
    )
