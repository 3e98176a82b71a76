"""Registering oneself or an organization, without being signed in."""

import strawberry

from connectors.directory.records.organizations import OrganizationKind
from connectors.values import AccountKind
from permissions.access_rules import OPEN, by_caller_unless
from resolvers.context import RequestContext
from resolvers.registrations import commands as registering
from resolvers.registrations import resending
from resolvers.registrations.inputs import Applicant, OrganizationWanted
from resolvers.registrations.queries import state_of
from schema.graph.cost_directives import PASSWORD_CHECK
from schema.graph.mutations import mutation
from schema.graph.scalars import EmailAddress, Locale, PhoneNumber
from schema.graph.user_errors import Payload
from schema.graph.value_types import AddressInput, address_of
from schema.registrations.types import OrganizationRegistration, OrganizationRegistrationCheck, RegistrationStatusView
from schema.sessions import AcknowledgementPayload, SignInPayload, session_fields


@strawberry.input
class RegisterPrivateAccountInput:
    """A person who wants an account without an organization."""

    first_name: str = strawberry.field(description="The first name.")
    last_name: str = strawberry.field(description="The last name.")
    email: EmailAddress = strawberry.field(description="The e-mail address; a mail is sent there to confirm it.")
    accept_terms: bool = strawberry.field(description="Whether you accept the terms, which is required.")
    idempotency_key: str
    account_kind: AccountKind = strawberry.field(
        default=AccountKind.PRIVATE_OPERATOR, description="PRIVATE_OPERATOR or COMMERCIAL_OPERATOR."
    )
    phone: PhoneNumber | None = strawberry.field(default=None, description="The telephone number.")
    locale: Locale | None = strawberry.field(default=None, description="Your language.")
    newsletter: bool = strawberry.field(
        default=False, description="Whether you want the newsletter; takes effect once the address is confirmed."
    )


@strawberry.input
class RegisterOrganizationInput:
    """An organization and its applicant; if you are signed in, you are the applicant."""

    confirm_first_registration: bool = strawberry.field(
        description='"No, it is not registered already." False ends the registration, and nothing is stored.'
    )
    kind: OrganizationKind = strawberry.field(description="The organization's relationship to the vendor.")
    name: str = strawberry.field(description="Its name.")
    seat: AddressInput = strawberry.field(description="Its registered office.")
    accept_terms: bool = strawberry.field(description="Whether you accept the terms, which is required.")
    idempotency_key: str
    legal_name: str | None = strawberry.field(default=None, description="Its name in the register of companies.")
    vat_id: str | None = strawberry.field(default=None, description="Its VAT number.")
    customer_number: str | None = strawberry.field(
        default=None, description="Its customer number with the vendor, if it has one."
    )
    applicant_first_name: str | None = strawberry.field(
        default=None, description="Your first name; ignored when you are signed in."
    )
    applicant_last_name: str | None = strawberry.field(
        default=None, description="Your last name; ignored when you are signed in."
    )
    applicant_email: EmailAddress | None = strawberry.field(
        default=None, description="Your e-mail address; unless you are signed in, a mail is sent there to confirm it."
    )
    phone: PhoneNumber | None = strawberry.field(default=None, description="Your telephone number.")
    locale: Locale | None = strawberry.field(default=None, description="Your language.")
    additional_role_keys: list[str] | None = strawberry.field(
        default=None, description="Roles that you would like besides the administrative one."
    )
    newsletter: bool = strawberry.field(
        default=False, description="Whether you want the newsletter; takes effect once the address is confirmed."
    )


@strawberry.input
class ConfirmRegistrationInput:
    """The token from the mail, and the password for the new account."""

    token: str = strawberry.field(description="The token from the mail's link; it is valid once, for seven days.")
    password: str = strawberry.field(description="12 to 256 characters; not your name or address.")
    time_zone: str | None = strawberry.field(
        default=None,
        description="Your time zone, such as `Europe/Berlin`; a browser knows it "
        "(`Intl.DateTimeFormat().resolvedOptions().timeZone`).",
    )


@strawberry.input
class ResendRegistrationMailInput:
    """Which registration is meant: give the token of its mail, or else its reference and address."""

    token: str | None = strawberry.field(default=None, description="The token from the link of an earlier mail.")
    reference: str | None = strawberry.field(
        default=None, description="The reference that `registerOrganization` returned."
    )
    email: EmailAddress | None = strawberry.field(default=None, description="The applicant's e-mail address.")
    idempotency_key: str | None = None


class RegisterPrivateAccountPayload(Payload):
    """Where the mail was sent, or why it was not."""

    verification_sent_to: EmailAddress | None = strawberry.field(
        description="The address to which the mail was sent, whether or not there was an account for it already."
    )


class RegisterOrganizationPayload(Payload):
    """The result, which is the same whether or not your address or organization was known."""

    reference: str | None = strawberry.field(description="The reference for `registrationStatus`.")
    state: RegistrationStatusView | None = strawberry.field(description="The status of the registration.")
    registration: OrganizationRegistration | None = strawberry.field(
        description="The registration; null while you are not signed in."
    )
    guidance: OrganizationRegistrationCheck | None = strawberry.field(
        description="Whom to contact if the organization is registered already."
    )


@strawberry.type
class RegisteringMutations:
    """Registering."""

    @mutation(requires=OPEN, cost=20)
    async def register_private_account(
        self, context: RequestContext, input: RegisterPrivateAccountInput
    ) -> RegisterPrivateAccountPayload | None:
        """Register for an account for yourself; a mail is sent to confirm your e-mail address."""
        applicant = Applicant(
            input.first_name,
            input.last_name,
            input.email,
            input.phone,
            input.locale,
            input.newsletter,
            input.accept_terms,
        )
        sent_to = await registering.register_private_account(
            context, input.account_kind, applicant, input.idempotency_key
        )
        return RegisterPrivateAccountPayload(verification_sent_to=sent_to)

    @mutation(requires=by_caller_unless("input.applicantEmail"), cost=20)
    async def register_organization(
        self, context: RequestContext, input: RegisterOrganizationInput
    ) -> RegisterOrganizationPayload | None:
        """Register an organization for the first time. You confirm your e-mail address, then the vendor reviews the
        registration; once it is approved, you administer the organization.
        """
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
        return RegisterOrganizationPayload(
            reference=registration.reference,
            state=state_of(context, registration),
            registration=registration if context.caller is not None else None,
            guidance=None,
        )

    @mutation(requires=OPEN, cost=20)
    async def resend_registration_mail(
        self, context: RequestContext, input: ResendRegistrationMailInput
    ) -> AcknowledgementPayload:
        """Send the mail that confirms the address of a registration again. It goes to that address, never to another
        one, and the link of the earlier mail is then no longer valid. The answer is the same whether or not there is
        such a registration.
        """
        await resending.request_registration_mail(
            context, input.token, input.reference, input.email, input.idempotency_key
        )
        return AcknowledgementPayload(accepted=True)

    @mutation(requires=OPEN, cost=PASSWORD_CHECK)
    async def confirm_registration(
        self, context: RequestContext, input: ConfirmRegistrationInput
    ) -> SignInPayload | None:
        """Confirm your e-mail address, set a password and begin a session."""
        return SignInPayload(
            **session_fields(
                await registering.confirm_registration(context, input.token, input.password, input.time_zone)
            )
        )
