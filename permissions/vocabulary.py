"""The words of permission: what a field can ask for, where it counts, and why it is refused.

Permissions are code: each is something that a field asks for. Roles are configuration (see policy.py). A process has
one vocabulary: ours, and then what its extensions added at start, in their order.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from enum import StrEnum
from functools import lru_cache

from permissions.open_enums import add_member, remove_member
from permissions.texts import PERMISSION_TEXTS, PermissionText


class Permission(StrEnum):
    """One thing somebody may do. The code is what the graph, the policy and the database call it.

    Those of extensions have no name in the code; see `add_permission`.
    """

    ORGANIZATION_VIEW = "ORGANIZATION_VIEW"
    ORGANIZATION_MANAGE = "ORGANIZATION_MANAGE"
    MEMBER_VIEW = "MEMBER_VIEW"
    MEMBER_MANAGE = "MEMBER_MANAGE"
    ROLE_ASSIGN = "ROLE_ASSIGN"
    ACCOUNT_MANAGE = "ACCOUNT_MANAGE"
    AUDIT_VIEW = "AUDIT_VIEW"
    ORDER_VIEW = "ORDER_VIEW"
    ORDER_PLACE = "ORDER_PLACE"
    ORDER_APPROVE = "ORDER_APPROVE"
    EVENT_BOOK = "EVENT_BOOK"
    VOUCHER_PURCHASE = "VOUCHER_PURCHASE"
    VOUCHER_REGISTER = "VOUCHER_REGISTER"
    VOUCHER_EXCHANGE = "VOUCHER_EXCHANGE"
    ACTIVATION_CODE_VIEW = "ACTIVATION_CODE_VIEW"
    SERVICE_CODE_VIEW = "SERVICE_CODE_VIEW"
    INSTALLATION_REGISTER = "INSTALLATION_REGISTER"
    WARRANTY_ACTIVATE = "WARRANTY_ACTIVATE"
    PLANNING_TOOL_USE = "PLANNING_TOOL_USE"
    CONTRACT_DOCUMENT_VIEW = "CONTRACT_DOCUMENT_VIEW"
    SOFTWARE_DOWNLOAD = "SOFTWARE_DOWNLOAD"
    REGISTRATION_REVIEW = "REGISTRATION_REVIEW"
    CHANGE_REQUEST_REVIEW = "CHANGE_REQUEST_REVIEW"
    APPLICATION_MANAGE = "APPLICATION_MANAGE"
    ANNOUNCEMENT_MANAGE = "ANNOUNCEMENT_MANAGE"

    @property
    def labels(self) -> Mapping[str, str]:
        """What people call it, by language."""
        return PERMISSION_TEXTS[self.value].labels

    @property
    def descriptions(self) -> Mapping[str, str]:
        """One sentence on what it allows, by language."""
        return PERMISSION_TEXTS[self.value].descriptions


def most_permissions() -> int:
    """Return how long a list of permissions without repetitions can be."""
    return len(Permission)


VENDOR_PERMISSIONS = frozenset(
    {
        Permission.REGISTRATION_REVIEW,
        Permission.CHANGE_REQUEST_REVIEW,
        Permission.APPLICATION_MANAGE,
        Permission.ANNOUNCEMENT_MANAGE,
    }
)
"""What only the vendor's own staff may hold; never given by a role of an organization."""

_customer_codes = {permission.value for permission in Permission if permission not in VENDOR_PERMISSIONS}

CUSTOMER_CODES: Set[str] = _customer_codes
"""What members of organizations may hold."""


class PermissionScope(StrEnum):
    """Where a permission has to be held: in the object's organization, or as the vendor's staff."""

    ORGANIZATION = "ORGANIZATION"
    VENDOR = "VENDOR"


class DenialReason(StrEnum):
    """Why somebody is not allowed to do something."""

    UNAUTHENTICATED = "UNAUTHENTICATED"
    MISSING_PERMISSION = "MISSING_PERMISSION"
    NOT_A_MEMBER = "NOT_A_MEMBER"
    ORGANIZATION_NOT_ACTIVE = "ORGANIZATION_NOT_ACTIVE"
    MEMBERSHIP_SUSPENDED = "MEMBERSHIP_SUSPENDED"
    LAST_ADMINISTRATOR = "LAST_ADMINISTRATOR"
    OWN_MEMBERSHIP = "OWN_MEMBERSHIP"
    NOT_DELEGABLE = "NOT_DELEGABLE"
    NOT_IN_THIS_STATE = "NOT_IN_THIS_STATE"


if _missing := [one.value for one in Permission if one.value not in PERMISSION_TEXTS]:
    raise TypeError(f"{', '.join(_missing)} of Permission has no text; write it in permissions/texts.py.")


_BITS = {permission: 1 << index for index, permission in enumerate(Permission)}
_added_by: dict[Permission, str] = {}


class NameTaken(Exception):
    """A name is declared that somebody else has declared before; the message names both."""


def add_permission(code: str, text: PermissionText, extension: str) -> Permission:
    """Return a permission of an extension, which is part of the vocabulary from now on; nobody holds it yet.

    It is one that members of organizations hold. What the extension has declared before, as when it is loaded again,
    stays what it is and is called by the new text.

    Raises:
        NameTaken: It is one of ours, or of another extension.
    """
    permission = Permission(code) if code in Permission.__members__ else None
    if permission is not None and (owner := _added_by.get(permission, "Forecourt")) != extension:
        raise NameTaken(f"{code} is a permission of {owner}, so {extension} needs another name for its own")
    PERMISSION_TEXTS[code] = text
    if permission is None:
        permission = add_member(Permission, code)
        _BITS[permission] = 1 << len(_BITS)  # bits are those of this process, and stored nowhere
        _added_by[permission] = extension
        _customer_codes.add(code)
    return permission


def added_by(permission: Permission) -> str | None:
    """Return the name of the extension that added a permission, None for one of ours."""
    return _added_by.get(permission)


@contextmanager
def forgetting_permissions() -> Iterator[None]:
    """Forget at the end of the block what was added in it, for checks of extensions that are not served."""
    before = dict(_added_by)
    try:
        yield
    finally:
        for permission in [one for one in _added_by if one not in before]:
            remove_member(Permission, permission.value)
            _customer_codes.discard(permission.value)
            del _added_by[permission], _BITS[permission], PERMISSION_TEXTS[permission.value]
        permissions_in.cache_clear()


def mask_of(permissions: Iterable[Permission]) -> int:
    """Return the set of permissions as an integer, one bit each, so that a decision is one `&`."""
    mask = 0
    for permission in permissions:
        mask |= _BITS[permission]
    return mask


@lru_cache(maxsize=1024)
def permissions_in(mask: int) -> tuple[Permission, ...]:
    """Return the permissions of a mask in the order of the vocabulary."""
    return tuple(permission for permission, bit in _BITS.items() if mask & bit)


def one_of(words: Sequence[str]) -> str:
    """Return words of which one is enough, as English writes them: ``A, B or C``."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"
