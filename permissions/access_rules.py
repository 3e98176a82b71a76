"""Who may what: the rules, by name. Fields, look-ups by id and mutations that guard the same ask the same rule."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from permissions.vocabulary import Permission, PermissionScope, mask_of, one_of


@dataclass(frozen=True, slots=True)
class AccessRule:
    """What is asked of a caller: nothing, that they are signed in, or that they hold one of `any_of`.

    What is `personal` is open to the person concerned (`or_self`), and not to somebody who only sees the portal as they
    would. With `by_caller`, an open field answers by the caller, so whoever sent an access token wants it answered for
    themself; not when they give what stands at the dotted path `unless_given`, which proves or says who they are.
    `mask` is `any_of` as a set of bits.
    """

    signed_in: bool = False
    any_of: tuple[Permission, ...] = ()
    scope: PermissionScope = PermissionScope.ORGANIZATION
    or_self: bool = False
    personal: bool = False
    by_caller: bool = False
    unless_given: str | None = None
    mask: int = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        """Compile the permissions."""
        object.__setattr__(self, "mask", mask_of(self.any_of))

    @property
    def without_permissions(self) -> "AccessRule":
        """Return what is asked when the field asks for its permissions itself."""
        return AccessRule(self.signed_in, by_caller=self.by_caller, unless_given=self.unless_given)

    @property
    def needed(self) -> str:
        """Return the permissions as a refusal and a description write them: ``A, B or C``."""
        return one_of([permission.value for permission in self.any_of])


OPEN = AccessRule()
"""The explicit mark of a field with a resolver that everybody may read who may hold the object."""

BY_CALLER = AccessRule(by_caller=True)
"""Open to everybody like `OPEN`, and answered by the caller: nothing for somebody who is not signed in."""

AUTHENTICATED = AccessRule(signed_in=True)
"""Somebody has to be signed in."""


def by_caller_unless(given: str) -> AccessRule:
    """Return the rule for what somebody does signed in, or without by giving what stands at a path (`input.token`)."""
    return AccessRule(by_caller=True, unless_given=given)


def any_of(
    *permissions: Permission,
    scope: PermissionScope = PermissionScope.ORGANIZATION,
    or_self: bool = False,
    personal: bool = False,
) -> AccessRule:
    """Return the rule that asks for one of these permissions; `or_self` lets the person concerned pass without."""
    return AccessRule(signed_in=True, any_of=permissions, scope=scope, or_self=or_self, personal=personal)


CHANGE_ORGANIZATION = any_of(Permission.ORGANIZATION_MANAGE, Permission.ACCOUNT_MANAGE)
"""To change how to reach an organization, and to ask the vendor for what only the vendor changes."""

SEE_CHANGE_REQUESTS = any_of(Permission.ORGANIZATION_VIEW, *CHANGE_ORGANIZATION.any_of)
"""Whoever may ask for a change sees what was asked: no role of the solar profile states ORGANIZATION_VIEW."""

REVIEW_CHANGE_REQUESTS = any_of(Permission.CHANGE_REQUEST_REVIEW, scope=PermissionScope.VENDOR)
REVIEW_REGISTRATIONS = any_of(Permission.REGISTRATION_REVIEW, scope=PermissionScope.VENDOR)

SEE_MEMBERS = any_of(Permission.MEMBER_VIEW, Permission.MEMBER_MANAGE)

SEE_RIGHTS = replace(SEE_MEMBERS, or_self=True)
"""What somebody may do is for them and for those who may see the members."""

SEE_CONTACT_DATA = replace(SEE_MEMBERS, or_self=True, personal=True)
"""Contact details are for the person and for those who may see the members of an organization the two share."""

MANAGE_MEMBERS = any_of(Permission.MEMBER_MANAGE)
ASSIGN_ROLES = any_of(Permission.ROLE_ASSIGN)

SEE_MEMBERSHIPS = any_of(*SEE_MEMBERS.any_of, *ASSIGN_ROLES.any_of)
"""Any member and any grant of the organization by its id: who changes what members hold is given them too."""

SEE_ACCESS_REQUESTS = replace(ASSIGN_ROLES, or_self=True)
SEE_AUDIT_LOG = any_of(Permission.AUDIT_VIEW)

PEOPLE_NAMED_IN: Mapping[str, AccessRule] = {
    "grants": SEE_MEMBERSHIPS,
    "access_requests": ASSIGN_ROLES,
    "invitations": MANAGE_MEMBERS,
    "join_requests": MANAGE_MEMBERS,
    "change_requests": SEE_CHANGE_REQUESTS,
    "audit_events": SEE_AUDIT_LOG,
}
"""By which rule the caller reads what names people: who is named there may be looked up by id."""

SEE_ORDERS = any_of(Permission.ORDER_VIEW, Permission.ORDER_PLACE, Permission.ORDER_APPROVE)
PLACE_ORDERS = any_of(Permission.ORDER_PLACE)
APPROVE_ORDERS = any_of(Permission.ORDER_APPROVE)

USE_ADDRESS_BOOK = any_of(Permission.ORGANIZATION_MANAGE, Permission.ORDER_PLACE)
"""Addresses are for those who order, and for those who manage the organization's data."""
