"""Who gains and who loses what, between two policies or between two sheets."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from permissions.policy import Policy
from permissions.sheet import ANYBODY, SIGNED_IN, Access, Row, Sheet, rows_by_coordinate

_RANK = {Access.NO: 0, Access.OWN: 1, Access.YES: 2}


@dataclass(frozen=True, slots=True)
class Change:
    """Somebody may do something now that they might not before (`gains`), or the other way round.

    `is_new` marks a part of the schema that was not there before.
    """

    holder: str
    what: str
    gains: bool
    is_new: bool = False

    def __str__(self) -> str:
        """Return the change as a line of a list."""
        return f"{'+' if self.gains else '-'} {self.holder}: {self.what}{' (new)' if self.is_new else ''}"


def policy_changes(old: Policy, new: Policy) -> list[Change]:
    """Return what changes between two policies: role by role, direct permissions, the vendor's permissions, view-as."""
    changes: list[Change] = []
    for key in dict.fromkeys([*old.roles, *new.roles]):
        changes += _moved(f"role {key}", _given_by(old, key), _given_by(new, key))
    changes += _moved("direct permissions", old.direct_permissions, new.direct_permissions)
    changes += _moved("vendor staff", old.vendor_permissions, new.vendor_permissions)
    seeing = "may see the portal as a member would, with {}"
    for holder, before, after in (
        ("members", old.view_as_organization, new.view_as_organization),
        ("vendor staff", old.view_as_vendor, new.view_as_vendor),
    ):
        changes += _moved(holder, [seeing.format(one) for one in before], [seeing.format(one) for one in after])
    return changes


def sheet_changes(old: Sheet, new: Sheet) -> list[Change]:
    """Return what changes between two sheets; what everybody gains or loses is not said again of each role.

    A role that a sheet does not have gives nothing there but being signed in.
    """
    before, after = rows_by_coordinate(old.rows), rows_by_coordinate(new.rows)
    holders = tuple(dict.fromkeys([ANYBODY, SIGNED_IN, *old.holders, *new.holders]))
    changes = []
    for coordinate in dict.fromkeys([*before, *after]):
        common: list[tuple[Access, Access]] = []
        for holder in holders:
            move = (_access(old, before.get(coordinate), holder), _access(new, after.get(coordinate), holder))
            if move[0] is not move[1] and move not in common:
                is_new = coordinate not in before
                changes.append(Change(holder, coordinate + _extent(*move), _RANK[move[1]] > _RANK[move[0]], is_new))
            if holder in (ANYBODY, SIGNED_IN):
                common.append(move)
    return changes


def _given_by(policy: Policy, role_key: str) -> list[str]:
    role = policy.roles.get(role_key)
    if role is None:
        return []
    given = [permission.value for permission in role.permissions]
    given += [f"may delegate {other}" for other in role.assignable]
    return given + (["holds the organization"] if role.administrative else [])


def _moved(holder: str, old: Collection[str], new: Collection[str]) -> Iterable[Change]:
    yield from (Change(holder, str(what), True) for what in new if what not in old)
    yield from (Change(holder, str(what), False) for what in old if what not in new)


def _access(sheet: Sheet, row: Row | None, holder: str) -> Access:
    if row is None:
        return Access.NO
    known = holder if holder in sheet.holders else SIGNED_IN
    return row.access[sheet.holders.index(known)] if known in sheet.holders else Access.NO


def _extent(was: Access, is_: Access) -> str:
    if Access.OWN not in (was, is_):
        return ""
    return " of their own" if Access.NO in (was, is_) else " of others"
