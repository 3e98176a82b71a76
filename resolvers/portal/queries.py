"""What the portal says of itself before anybody has signed in: the same to everybody, and without asking a back end."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

from connectors.directory.records.accounts import ConsentPurpose
from connectors.directory.records.organizations import OrganizationKind
from connectors.identity.opaque_string import LONGEST
from connectors.values import AccountKind, Localized
from permissions.policy import Role
from resolvers.account.consents import LABELS
from resolvers.account.passwords import SHORTEST
from resolvers.context import Portal, RequestContext
from resolvers.localization import in_language
from resolvers.portal.facts import RegistrationOptions, SignInMethod
from resolvers.portal.texts import (
    ACCOUNT_KIND_DESCRIPTIONS,
    ACCOUNT_KIND_LABELS,
    ORGANIZATION_KIND_LABELS,
    PASSWORD_HINT,
)
from resolvers.registrations.commands import TIME_TO_REVIEW
from resolvers.registrations.inputs import account_kind_of, roles_to_ask_for

W = TypeVar("W", AccountKind, OrganizationKind, ConsentPurpose)


@dataclass(frozen=True, slots=True)
class PasswordRule:
    """What a new password has to be, as `resolvers.account.passwords` checks it."""

    minimum_length: int = SHORTEST
    maximum_length: int = LONGEST


def portal(context: RequestContext) -> Portal:
    """Return what the portal says of itself."""
    return context.backends.portal


def of_portal(texts_of: Callable[[Portal], Mapping[str, str]]) -> Callable[..., str | None]:
    """Return the function of a text or a URL that the profile may have by language; None where it has none."""

    def text(context: RequestContext, shown: Portal, *, locale: str | None = None) -> str | None:
        texts = texts_of(shown)
        return in_language(context, texts, locale) if texts else None

    return text


def title(context: RequestContext, shown: Portal, *, locale: str | None = None) -> str:
    """Return what the portal is called."""
    return in_language(context, shown.title, locale)


def contact(context: RequestContext, shown: Portal, *, locale: str | None = None) -> str:
    """Return how to reach the vendor, empty where the profile does not say."""
    return in_language(context, shown.contact, locale) if shown.contact else ""


def label_of_method(context: RequestContext, method: SignInMethod, *, locale: str | None = None) -> str:
    """Return what stands on the button."""
    return in_language(context, method.labels, locale)


def password_rule(_context: RequestContext, _shown: Portal) -> PasswordRule:
    """Return what a new password has to be."""
    return PasswordRule()


def password_hint(context: RequestContext, rule: PasswordRule, *, locale: str | None = None) -> str:
    """Return what helps to choose a password that is accepted."""
    hint = in_language(context, PASSWORD_HINT, locale)
    return hint.format(shortest=rule.minimum_length, longest=rule.maximum_length)


def account_kinds(_context: RequestContext, options: RegistrationOptions) -> list[AccountKind]:
    """Return the kinds of account that registering leads to here, without an organization or with one."""
    offered = {*options.account_kinds, *map(account_kind_of, options.organization_kinds)}
    return [kind for kind in AccountKind if kind in offered]


def organization_kinds(_context: RequestContext, options: RegistrationOptions) -> list[OrganizationKind]:
    """Return the kinds of organization that may be registered here."""
    return list(options.organization_kinds)


def itself(_context: RequestContext, value: object) -> object:
    """Return the word of which something is said."""
    return value


def _labelled(labels: Mapping[W, Localized]) -> Callable[..., str]:
    def label(context: RequestContext, word: W, *, locale: str | None = None) -> str:
        return in_language(context, labels[word], locale)

    return label


account_kind_label = _labelled(ACCOUNT_KIND_LABELS)
account_kind_description = _labelled(ACCOUNT_KIND_DESCRIPTIONS)
organization_kind_label = _labelled(ORGANIZATION_KIND_LABELS)
consent_label = _labelled(LABELS)


def additional_roles(context: RequestContext, _options: RegistrationOptions) -> list[Role]:
    """Return the roles that an applicant may ask for beside the administrative one."""
    return [role for role in roles_to_ask_for(context) if not role.administrative]


def customer_number_hint(
    context: RequestContext, options: RegistrationOptions, *, locale: str | None = None
) -> str | None:
    """Return where an applicant finds their customer number."""
    return in_language(context, options.customer_number_hint, locale) if options.customer_number_hint else None


def review_hours(_context: RequestContext, _options: RegistrationOptions) -> int:
    """Return within how many hours the vendor reviews a registration."""
    return TIME_TO_REVIEW // timedelta(hours=1)


def consents(_context: RequestContext, _shown: Portal) -> list[ConsentPurpose]:
    """Return what somebody can consent to."""
    return list(ConsentPurpose)
