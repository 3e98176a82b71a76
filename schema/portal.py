"""What a page has to know of the portal before anybody has signed in."""

import strawberry

from connectors.directory.records.accounts import ConsentPurpose
from connectors.directory.records.organizations import OrganizationKind
from connectors.values import AccountKind
from permissions.access_rules import OPEN
from permissions.policy import MOST_ROLES
from resolvers import context
from resolvers.portal import facts
from resolvers.portal import queries as portals
from schema.graph.fields import attribute, computed, graph_type, listed, root
from schema.graph.scalars import URL, Locale
from schema.roles import Role

MOST_LOCALES = 50
MOST_SIGN_IN_METHODS = 10


@graph_type(of=facts.SignInMethod)
class SignInMethod:
    """A way to sign in."""

    kind: facts.SignInKind = strawberry.field(description="The kind of sign-in.")
    key: str = strawberry.field(description="Its key, for programs.")
    label: str = computed(portals.label_of_method, requires=OPEN, description="The text of its button.")
    icon_url: URL | None = strawberry.field(description="The icon of its button.")
    start_url: URL | None = strawberry.field(
        description="Where to send the browser to sign in; null when it is done here, by `signIn`."
    )


@graph_type(of=portals.PasswordRule)
class PasswordRule:
    """What a new password must be."""

    minimum_length: int = strawberry.field(description="The smallest number of characters.")
    maximum_length: int = strawberry.field(description="The greatest number of characters.")
    hint: str = computed(portals.password_hint, requires=OPEN, description="What helps to choose one, for people.")


@graph_type(of=AccountKind)
class AccountKindOption:
    """A kind of account that one can register for."""

    kind: AccountKind = computed(portals.itself, requires=OPEN, description="The kind.")
    label: str = computed(portals.account_kind_label, requires=OPEN, description="Its name, for people.")
    description: str | None = computed(
        portals.account_kind_description, requires=OPEN, description="Who it is for, in a sentence."
    )


@graph_type(of=OrganizationKind)
class OrganizationKindOption:
    """A kind of organization that can be registered."""

    kind: OrganizationKind = computed(portals.itself, requires=OPEN, description="The kind.")
    label: str = computed(portals.organization_kind_label, requires=OPEN, description="Its name, for people.")


@graph_type(of=ConsentPurpose)
class ConsentOption:
    """Something that one can consent to."""

    purpose: ConsentPurpose = computed(portals.itself, requires=OPEN, description="The purpose, for `setConsent`.")
    label: str = computed(portals.consent_label, requires=OPEN, description="The text to consent to, for people.")


@graph_type(of=facts.RegistrationOptions)
class RegistrationOptions:
    """What may be registered in this portal; what is not listed is refused."""

    account_kinds: list[AccountKindOption] = computed(
        portals.account_kinds,
        requires=OPEN,
        at_most=len(AccountKind),
        description="The kinds of account: BUSINESS_CUSTOMER by `registerOrganization`, the others by "
        "`registerPrivateAccount`, COMMERCIAL_OPERATOR by either.",
    )
    organization_kinds: list[OrganizationKindOption] = computed(
        portals.organization_kinds,
        requires=OPEN,
        at_most=len(OrganizationKind),
        description="The kinds of organization, for `registerOrganization`; empty when none can be registered.",
    )
    additional_roles: list[Role] = computed(
        portals.additional_roles,
        requires=OPEN,
        at_most=MOST_ROLES,
        assumed_size=10,
        description="The roles that an applicant may ask for besides the administrative one.",
    )
    vat_id_required: bool = strawberry.field(description="Whether an organization must give its VAT number.")
    customer_number_hint: str | None = computed(
        portals.customer_number_hint,
        requires=OPEN,
        description="Where an applicant finds the customer number, for people.",
    )
    review_hours: int = computed(
        portals.review_hours,
        requires=OPEN,
        description="The number of hours within which the vendor reviews a registration.",
    )


@graph_type(of=context.Portal)
class Portal:
    """The portal, as everybody may see it before signing in. It is the same for everybody, apart from the language."""

    title: str = computed(portals.title, requires=OPEN, description="What the portal is called.")
    contact: str = computed(
        portals.contact, requires=OPEN, description="How to reach the vendor; empty when nothing is known."
    )
    logo_url: URL | None = attribute("facts.logo_url", requires=OPEN, description="The logo, on a light background.")
    logo_dark_url: URL | None = attribute(
        "facts.logo_dark_url", requires=OPEN, description="The logo, on a dark background."
    )
    favicon_url: URL | None = attribute(
        "facts.favicon_url", requires=OPEN, description="The icon of the browser's tab."
    )
    accent_colour: str | None = attribute(
        "facts.accent_colour", requires=OPEN, description="The colour of buttons and links, such as `#0a6640`."
    )
    locales: list[Locale] = attribute(
        "facts.locales",
        requires=OPEN,
        at_most=MOST_LOCALES,
        assumed_size=3,
        description="The languages that the portal speaks.",
    )
    default_locale: Locale = strawberry.field(
        description="The language for somebody who understands none of `locales`."
    )
    time_zone: str = strawberry.field(
        description="The time zone of people who have not chosen one, such as `Europe/Berlin` (IANA)."
    )
    terms_url: URL | None = computed(
        portals.of_portal(lambda shown: shown.facts.terms_urls), requires=OPEN, description="The terms of use."
    )
    privacy_url: URL | None = computed(
        portals.of_portal(lambda shown: shown.facts.privacy_urls), requires=OPEN, description="The privacy notice."
    )
    imprint_url: URL | None = computed(
        portals.of_portal(lambda shown: shown.facts.imprint_urls), requires=OPEN, description="Who runs the portal."
    )
    help_url: URL | None = computed(
        portals.of_portal(lambda shown: shown.facts.help_urls), requires=OPEN, description="The help pages."
    )
    sign_in_methods: list[SignInMethod] = listed(
        at_most=MOST_SIGN_IN_METHODS, description="The ways to sign in, best first."
    )
    login_name_hint: str | None = computed(
        portals.of_portal(lambda shown: shown.facts.login_name_hint),
        requires=OPEN,
        description="What to write as the login name, for people.",
    )
    password_rule: PasswordRule = computed(
        portals.password_rule, requires=OPEN, description="What a new password must be."
    )
    registration: RegistrationOptions = attribute(
        "facts.registration", requires=OPEN, description="What may be registered."
    )
    consents: list[ConsentOption] = computed(
        portals.consents, requires=OPEN, at_most=len(ConsentPurpose), description="What one can consent to."
    )
    domains: list[facts.Domain] = listed(
        at_most=len(facts.Domain),
        description="The parts of the graph that this portal fills; a page leaves out what is not listed.",
    )


@strawberry.type
class PortalQueries:
    """The query for the portal."""

    portal: Portal = root(
        portals.portal, requires=OPEN, description="The portal, for everybody, before anybody has signed in."
    )
