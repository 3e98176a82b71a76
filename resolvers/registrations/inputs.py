"""What somebody writes when they register, checked as a whole, as the registration that is stored."""

import secrets
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from connectors.directory.records.organizations import OrganizationKind
from connectors.directory.records.registrations import RegistrationRecord, RegistrationStatus
from connectors.ids import RegistrationId, new_id
from connectors.values import AccountKind, Address, login_key
from permissions.policy import Role
from resolvers import contact_data
from resolvers import validation as checks
from resolvers.context import RequestContext
from resolvers.languages import country_of
from resolvers.portal.texts import ACCOUNT_KIND_LABELS, ORGANIZATION_KIND_LABELS
from resolvers.refusals import Conflict, Invalid
from resolvers.texts import AnyOf, Text
from resolvers.validation import Together, together

TIME_TO_CONFIRM = timedelta(days=7)
PRIVATE_KINDS = (AccountKind.PRIVATE_OPERATOR, AccountKind.COMMERCIAL_OPERATOR)
LONGEST_ORGANIZATION_NAME = 200

_REFERENCE_LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_MISREAD = str.maketrans("OIL", "011")
_GROUPS, _IN_GROUP = 4, 5
_LONGEST_REFERENCE = 100


@dataclass(frozen=True, slots=True)
class Applicant:
    """Who registers, as they wrote it; None where somebody signed in need not write it."""

    first_name: str | None
    last_name: str | None
    email: str | None
    phone: str | None
    locale: str | None
    newsletter: bool
    accept_terms: bool


@dataclass(frozen=True, slots=True)
class OrganizationWanted:
    """The organization that somebody registers, as they wrote it."""

    confirm_first_registration: bool
    kind: OrganizationKind
    name: str
    legal_name: str | None
    vat_id: str | None
    customer_number: str | None
    seat: Address
    role_keys: Sequence[str]


def private_registration(context: RequestContext, kind: AccountKind, applicant: Applicant) -> RegistrationRecord:
    """Return the registration of a person for themself.

    Raises:
        RefusedTogether: With everything that is not allowed.
    """
    offered = context.backends.portal.facts.registration.account_kinds
    with together() as checking:
        if kind in PRIVATE_KINDS and kind not in offered:
            checking.refuse(_not_offered_account(offered))
        elif kind not in offered:
            checking.refuse(
                Invalid(
                    Text("Choose a private or commercial operator here; organizations register separately."),
                    ["account_kind"],
                    "PRIVATE_OPERATOR or COMMERCIAL_OPERATOR",
                )
            )
        personal = _personal(
            checking,
            applicant,
            {part: [part] for part in ("first_name", "last_name", "email")},
            country=country_of(applicant.locale),
        )
    return _registration(context, kind, personal)


def organization_registration(
    context: RequestContext, organization: OrganizationWanted, applicant: Applicant
) -> RegistrationRecord:
    """Return the registration of an organization; somebody signed in is its applicant as they are known.

    Raises:
        RefusedTogether: With everything that is not allowed.
        Conflict: Somebody is signed in whose address is not confirmed.
    """
    offered = context.backends.portal.facts.registration.organization_kinds
    with together() as checking:
        if organization.kind not in offered:
            checking.refuse(_not_offered(offered))
        known = _known_applicant(context, checking, applicant)
        personal = _personal(checking, known, _APPLICANT_PATHS, country=organization.seat.country_code)
        of_organization: dict[str, Any] = {
            "organization_kind": organization.kind,
            "organization_name": checking.check(
                lambda: checks.text(organization.name, ["name"], LONGEST_ORGANIZATION_NAME)
            ),
            "legal_name": checking.check(
                lambda: checks.optional_text(organization.legal_name, ["legal_name"], LONGEST_ORGANIZATION_NAME)
            ),
            "vat_id": checking.check(lambda: _vat_id(context, organization.vat_id)),
            "customer_number": checking.check(
                lambda: checks.customer_number(organization.customer_number, ["customer_number"])
            ),
            "seat": checking.check(lambda: contact_data.address(organization.seat, ["seat"])),
            "role_keys": _role_keys(context, checking, organization.role_keys),
        }
    return replace(_registration(context, account_kind_of(organization.kind), personal), **of_organization)


def account_kind_of(kind: OrganizationKind) -> AccountKind:
    """Return the kind of account that whoever registers an organization of this kind gets."""
    is_operator = kind is OrganizationKind.OPERATOR
    return AccountKind.COMMERCIAL_OPERATOR if is_operator else AccountKind.BUSINESS_CUSTOMER


def roles_to_ask_for(context: RequestContext) -> list[Role]:
    """Return the roles that an applicant may ask for beside the administrative one."""
    return [role for role in context.policy.roles.values() if role.member_assignable]


_APPLICANT_PATHS = {
    "first_name": ["applicant_first_name"],
    "last_name": ["applicant_last_name"],
    "email": ["applicant_email"],
}


def _known_applicant(context: RequestContext, checking: Together, applicant: Applicant) -> Applicant:
    if context.caller is None:
        return applicant
    user, path = context.caller.user, ["applicant_email"]
    if not user.email_verified:
        raise Conflict(Text("Please confirm your e-mail address first."))
    if applicant.email is not None and login_key(applicant.email) != login_key(user.email):
        checking.refuse(
            Invalid(Text("You are signed in with another address; leave this field empty."), path, "your own address")
        )
    return replace(
        applicant,
        first_name=user.first_name,
        last_name=user.last_name,
        email=user.email,
        phone=applicant.phone or user.phone,
        locale=applicant.locale or user.locale,
    )


def _personal(
    checking: Together, applicant: Applicant, paths: dict[str, list[str]], *, country: str | None
) -> dict[str, Any]:
    if not applicant.accept_terms:
        checking.refuse(Invalid(Text("To register, please accept the terms of use."), ["accept_terms"], "accepted"))
    language = applicant.locale
    return {
        "first_name": checking.check(lambda: checks.text(applicant.first_name or "", paths["first_name"])),
        "last_name": checking.check(lambda: checks.text(applicant.last_name or "", paths["last_name"])),
        "email": checking.check(lambda: contact_data.email(applicant.email or "", paths["email"])),
        "phone": checking.check(lambda: contact_data.phone(applicant.phone, ["phone"], country=country)),
        "locale": checking.check(lambda: checks.locale(language, ["locale"])) if language is not None else None,
        "newsletter": applicant.newsletter,
    }


def _role_keys(context: RequestContext, checking: Together, role_keys: Sequence[str]) -> tuple[str, ...]:
    path, known = ["additional_role_keys"], [role.key for role in roles_to_ask_for(context)]
    if len(role_keys) > len(known):
        checking.refuse(
            Invalid(
                Text("There are {most} roles; list each one once.", most=len(known)), path, f"entries 0..{len(known)}"
            )
        )
        return ()
    for index, role_key in enumerate(role_keys):
        at = [*path, str(index)]
        if role_key not in known:
            checking.refuse(
                Invalid(
                    Text(
                        "There is no role with the key “{key}”. Use one of these: {keys}.",
                        key=role_key[:50],
                        keys=", ".join(known),
                    ),
                    at,
                    "known role",
                )
            )
        elif role_key in role_keys[:index]:
            checking.refuse(Invalid(Text("This appears in the list twice; remove one of them."), at, "unique"))
    return tuple(role_keys)


def _not_offered_account(offered: Sequence[AccountKind]) -> Invalid:
    if not offered:
        return Invalid(
            Text("People cannot register for themselves here; register your organization."),
            ["account_kind"],
            "an organization",
        )
    return Invalid(
        Text(
            "This kind of account cannot be registered here. Possible here: {kinds}.",
            kinds=AnyOf([ACCOUNT_KIND_LABELS[kind] for kind in offered]),
        ),
        ["account_kind"],
        " or ".join(offered),
    )


def _not_offered(offered: Sequence[OrganizationKind]) -> Invalid:
    if not offered:
        return Invalid(Text("Organizations cannot register here."), ["kind"], "no organization")
    return Invalid(
        Text(
            "This kind of organization cannot be registered here. Possible here: {kinds}.",
            kinds=AnyOf([ORGANIZATION_KIND_LABELS[kind] for kind in offered]),
        ),
        ["kind"],
        " or ".join(offered),
    )


def _vat_id(context: RequestContext, given: str | None) -> str | None:
    found = contact_data.vat_id(given, ["vat_id"])
    if found is None and context.backends.portal.facts.registration.vat_id_required:
        raise Invalid(Text("Enter the organization's VAT number, such as DE123456789."), ["vat_id"], "required")
    return found


def _registration(context: RequestContext, kind: AccountKind, personal: dict[str, Any]) -> RegistrationRecord:
    return RegistrationRecord(
        id=RegistrationId(new_id("reg")),
        version=1,
        reference=_new_reference(),
        account_kind=kind,
        organization_kind=None,
        organization_name=None,
        legal_name=None,
        vat_id=None,
        customer_number=None,
        seat=None,
        role_keys=(),
        status=RegistrationStatus.EMAIL_UNVERIFIED,
        created_at=context.now,
        expires_at=context.now + TIME_TO_CONFIRM,
        **personal,
    )


def reference_in(written: str) -> str:
    """Return the reference as it was given out, however somebody types it: letters that are misread are not in it."""
    if len(written) > _LONGEST_REFERENCE:
        return ""
    letters = "".join(one for one in unicodedata.normalize("NFKC", written).upper() if one.isalnum())
    code = letters.removeprefix("R").translate(_MISREAD)
    if not letters.startswith("R") or len(code) != _GROUPS * _IN_GROUP:
        return written.strip().upper()
    return "-".join(["R", *(code[at : at + _IN_GROUP] for at in range(0, len(code), _IN_GROUP))])


def _new_reference() -> str:
    """Return what the applicant asks with: 100 random bits, in groups that can be read out."""
    return reference_in("R" + "".join(secrets.choice(_REFERENCE_LETTERS) for _ in range(_GROUPS * _IN_GROUP)))
