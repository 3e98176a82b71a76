"""What a portal says of itself to everybody: how it looks, what one agrees to, who may register."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from connectors.directory.records.organizations import OrganizationKind
from connectors.values import AccountKind, Localized
from resolvers.languages import LANGUAGES

NO_TEXT: Localized = {}


class SignInKind(StrEnum):
    """A way to sign in."""

    PASSWORD = "PASSWORD"


class Domain(StrEnum):
    """A part of the graph that not every portal fills."""

    ORDERS = "ORDERS"


@dataclass(frozen=True, slots=True)
class SignInMethod:
    """A way to sign in here: `start_url` is where the browser is sent to; None where `signIn` does it."""

    kind: SignInKind
    key: str
    labels: Localized
    icon_url: str | None = None
    start_url: str | None = None


BY_PASSWORD = SignInMethod(
    SignInKind.PASSWORD,
    "password",
    {
        "de": "Mit Benutzername und Passwort anmelden",
        "en": "Sign in with login name and password",
        "fr": "Se connecter avec le nom d'utilisateur et le mot de passe",
    },
)


@dataclass(frozen=True, slots=True)
class RegistrationOptions:
    """Who may register: `account_kinds` without an organization, and organizations of which kinds."""

    account_kinds: tuple[AccountKind, ...] = (AccountKind.PRIVATE_OPERATOR, AccountKind.COMMERCIAL_OPERATOR)
    organization_kinds: tuple[OrganizationKind, ...] = tuple(OrganizationKind)
    vat_id_required: bool = False
    customer_number_hint: Localized = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PortalFacts:
    """What a profile says beside the portal's title and contact; URLs and texts by language, empty where it says none.

    `locales` are the languages that a page should offer.
    """

    logo_url: str | None = None
    logo_dark_url: str | None = None
    favicon_url: str | None = None
    accent_colour: str | None = None
    locales: tuple[str, ...] = tuple(sorted(LANGUAGES))
    terms_urls: Mapping[str, str] = field(default_factory=dict)
    privacy_urls: Mapping[str, str] = field(default_factory=dict)
    imprint_urls: Mapping[str, str] = field(default_factory=dict)
    help_urls: Mapping[str, str] = field(default_factory=dict)
    login_name_hint: Localized = field(default_factory=dict)
    registration: RegistrationOptions = field(default_factory=RegistrationOptions)
