"""What members and the vendor's staff may do, and counting each change of it."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from operator import attrgetter
from typing import Any

from sqlalchemy import Select, bindparam, delete, func, insert, select, update

from connectors.access_events import AccessChanged
from connectors.database.columns import IdText
from connectors.database.dialects import one_of
from connectors.database.reader import gathered
from connectors.database.record_rows import MOST_PROJECTIONS, Projection
from connectors.directory.reader import DirectoryReader
from connectors.directory.records.access import GrantKind, GrantRecord
from connectors.directory.records.memberships import MembershipRecord, MembershipStatus
from connectors.directory.records.people import UserRecord
from connectors.directory.rows import GRANTS, MEMBERSHIPS, USERS
from connectors.directory.tables import grants, memberships, organizations, users, vendor_permissions
from connectors.directory.transaction import Transaction
from connectors.ids import GrantId, MembershipId, OrganizationId, UserId, new_id
from connectors.wanted import EVERYTHING, Wanted

_organization, _user, _membership, _grant, _vendor = (
    organizations.c,
    users.c,
    memberships.c,
    grants.c,
    vendor_permissions.c,
)
_MEMBERSHIP_ID = _grant.membership_id
_MEMBERSHIP_OF = attrgetter("membership_id")
_LOCK_ORGANIZATION_OF = (
    select(_organization.id)
    .where(
        _organization.id
        == select(_membership.organization_id).where(_membership.id == bindparam("membership_id")).scalar_subquery()
    )
    .with_for_update(key_share=True)
)
_LOCK_USER = select(_user.id).where(_user.id == bindparam("user_id")).with_for_update(key_share=True)
_MEMBERS = select(_membership.user_id).where(
    _membership.organization_id == bindparam("organization_id"),
    _membership.status != MembershipStatus.REMOVED.value,
)
_LOCK_MEMBERS = (
    select(_user.id).where(_user.id.in_(_MEMBERS)).order_by(_user.id).with_for_update(key_share=True)
)  # in one order everywhere, so that two organizations with the same members do not wait for one another
_DIRECT_PERMISSIONS = (
    select(_grant.key, func.count())
    .where(_grant.kind == GrantKind.PERMISSION.value)
    .group_by(_grant.key)
    .order_by(_grant.key)
)
_COUNT_ORGANIZATION = (
    update(organizations)
    .where(_organization.id == bindparam("organization_id"))
    .values(access_epoch=_organization.access_epoch + 1)
    .returning(_organization.access_epoch)
)
_COUNT_USER = (
    update(users)
    .where(_user.id == bindparam("user_id"))
    .values(access_epoch=_user.access_epoch + 1)
    .returning(_user.access_epoch)
)
_LOCK_USERS = select(_user.id).where(one_of(_user.id, "ids")).order_by(_user.id).with_for_update(key_share=True)
_COUNT_USERS = (
    update(users)
    .where(one_of(_user.id, "ids"))
    .values(access_epoch=_user.access_epoch + 1)
    .returning(_user.id, _user.access_epoch)
)
_COUNT_MEMBERS = update(users).where(_user.id.in_(_MEMBERS)).values(access_epoch=_user.access_epoch + 1)
_MEMBERSHIP_WITH_ID = MEMBERSHIPS.select.where(_membership.id == bindparam("membership_id"))
_GRANT_WITH_ID = GRANTS.select.where(_grant.id == bindparam("grant_id"))
_SAME_GRANT = GRANTS.select.where(
    _grant.membership_id == bindparam("membership_id"),
    _grant.kind == bindparam("kind"),
    _grant.key == bindparam("key"),
)
_GIVE_AGAIN = (
    update(grants)
    .where(_grant.id == bindparam("grant_id"))
    .values(valid_until=bindparam("until"), granted_at=bindparam("now"), granted_by_id=bindparam("by"))
)
_TAKE_GRANT = delete(grants).where(_grant.id == bindparam("grant_id"))
_VENDOR_PERMISSIONS_OF = select(_vendor.permission).where(_vendor.user_id == bindparam("of_user"))
_TAKE_VENDOR_PERMISSIONS = delete(vendor_permissions).where(_vendor.user_id == bindparam("of_user"))
_EPOCHS = select(_user.id, _user.access_epoch).where(one_of(_user.id, "ids"))
_HOLDERS_OF_VENDOR_PERMISSION = (
    select(*USERS.columns)
    .join_from(vendor_permissions, users, _user.id == _vendor.user_id)
    .where(_vendor.permission == bindparam("permission", type_=IdText))
    .order_by(_user.id)
)
_VENDOR_STAFF = (
    select(*USERS.columns, func.aggregate_strings(_vendor.permission, "\n"))
    .join_from(vendor_permissions, users, _user.id == _vendor.user_id)
    .group_by(*USERS.columns)
    .order_by(_user.id)
    .limit(bindparam("limit"))
)


@lru_cache(MOST_PROJECTIONS)
def _grants_of(projection: Projection[GrantRecord]) -> Select[Any]:
    return projection.select.where(one_of(_grant.membership_id, "ids")).order_by(_grant.kind.desc(), _grant.key)


class AccessQueries(DirectoryReader):
    """Queries about what people were granted."""

    async def access_epochs(self, user_ids: Sequence[UserId]) -> Sequence[int | None]:
        """Return each person's `access_epoch`."""
        found = {row[0]: row[1] for row in await self.read_of(user_ids, _EPOCHS)}
        return [found.get(id) for id in user_ids]

    async def grants_of(
        self, membership_ids: Sequence[MembershipId], wanted: Wanted[GrantRecord] = EVERYTHING
    ) -> Sequence[Sequence[GrantRecord]]:
        """Return each membership's grants, expired ones too, roles first, then by key."""
        projection = GRANTS.projected(wanted, _MEMBERSHIP_ID)
        found = projection.records(await self.read_of(membership_ids, _grants_of(projection)))
        return gathered(membership_ids, found, _MEMBERSHIP_OF)

    async def grants(self, ids: Sequence[GrantId]) -> Sequence[GrantRecord | None]:
        """Return the grants with these ids."""
        return await self.records(GRANTS, ids)

    async def direct_permissions(self) -> Mapping[str, int]:
        """Return how many grants there are of each direct permission by its code, of unknown ones too."""
        return {row[0]: row[1] for row in await self.read(_DIRECT_PERMISSIONS)}

    async def holders_of_vendor_permission(self, permission: str) -> Sequence[UserRecord]:
        """Return the vendor's staff who hold this permission, by id."""
        return USERS.records(await self.read(_HOLDERS_OF_VENDOR_PERMISSION, permission=permission))

    async def vendor_staff(self, *, limit: int) -> Sequence[tuple[UserRecord, tuple[str, ...]]]:
        """Return who holds permissions of the vendor's, and which (their codes), by id, `limit` people at most."""
        rows = await self.read(_VENDOR_STAFF, limit=limit)
        return [(USERS.record(row[:-1]), tuple(sorted(row[-1].split("\n")))) for row in rows]


class AccessChanges(Transaction):
    """Changes of what somebody may do.

    Each counts up `access_epoch` of the people and of the organization concerned; the event is published to the other
    processes when the transaction has been committed. What is so already changes nothing. Within one organization the
    changes of two transactions follow one another, never overlap. An unknown id is a LookupError.
    """

    async def give(
        self,
        membership_id: MembershipId,
        kind: GrantKind,
        key: str,
        *,
        until: datetime | None,
        by: UserId | None,
        now: datetime,
    ) -> tuple[GrantRecord | None, GrantRecord]:
        """Give a role or a direct permission, until an instant or permanently; one held already gets this end.

        Returns the grant as it was, None when there was none, and as it is now.
        """
        holder = await self._lock(membership_id)
        same = {"membership_id": membership_id, "kind": kind.value, "key": key}
        before = await self._first(GRANTS, _SAME_GRANT, same)
        if before is not None and before.valid_until == until:
            return before, before
        grant = GrantRecord(
            before.id if before is not None else GrantId(new_id("grt")), membership_id, holder.organization_id,
            holder.user_id, kind, key, now, by, until,
        )  # fmt: skip
        if before is None:
            await self._add(GRANTS, grant)
        else:
            await self._execute(_GIVE_AGAIN, {"grant_id": grant.id, "until": until, "now": now, "by": by})
        await self._count(grant.user_id, grant.organization_id)
        return before, grant

    async def revoke(self, grant_id: GrantId) -> GrantRecord | None:
        """Take a grant away and return it; None when there is none such (any more)."""
        seen = await self._first(GRANTS, _GRANT_WITH_ID, {"grant_id": grant_id})
        if seen is None:
            return None
        await self._lock(seen.membership_id)
        grant = await self._first(GRANTS, _GRANT_WITH_ID, {"grant_id": grant_id})
        if grant is None:  # taken away while this one waited
            return None
        await self._execute(_TAKE_GRANT, {"grant_id": grant_id})
        await self._count(grant.user_id, grant.organization_id)
        return grant

    async def set_vendor_permissions(self, user_id: UserId, codes: Collection[str]) -> tuple[str, ...]:
        """Let a person of the vendor's staff hold exactly these permissions, and return those held before."""
        if (await self._execute(_LOCK_USER, {"user_id": user_id})).first() is None:
            raise LookupError(f"There is no user {user_id}.")
        held = await self._execute(_VENDOR_PERMISSIONS_OF, {"of_user": user_id})
        before, after = tuple(sorted(held.scalars())), tuple(sorted(set(codes)))
        if before == after:
            return before
        await self._execute(_TAKE_VENDOR_PERMISSIONS, {"of_user": user_id})
        for code in after:
            await self._execute(insert(vendor_permissions), {"user_id": user_id, "permission": code})
        await self._count(user_id, None)
        return before

    async def _lock(self, membership_id: MembershipId) -> MembershipRecord:
        """Wait until nobody else changes access in the membership's organization, and return the membership then."""
        await self._execute(_LOCK_ORGANIZATION_OF, {"membership_id": membership_id})
        membership = await self._first(MEMBERSHIPS, _MEMBERSHIP_WITH_ID, {"membership_id": membership_id})
        if membership is None:
            raise LookupError(f"There is no membership {membership_id}.")
        return membership

    async def _count(self, user_id: UserId, organization_id: OrganizationId | None) -> None:
        if organization_id is not None:
            await self._execute(_COUNT_ORGANIZATION, {"organization_id": organization_id})
        epoch = (await self._execute(_COUNT_USER, {"user_id": user_id})).scalar_one()
        self.events.append(AccessChanged(epoch, user_id, organization_id))

    async def _count_all(self, user_ids: Collection[UserId], organization_id: OrganizationId) -> None:
        """Count a change that concerns many people in one organization, once for each."""
        await self._execute(_COUNT_ORGANIZATION, {"organization_id": organization_id})
        concerned = {"ids": sorted(user_ids)}
        await self._execute(_LOCK_USERS, concerned)
        counted: Sequence[Any] = (await self._execute(_COUNT_USERS, concerned)).all()
        for user_id, epoch in counted:
            self.events.append(AccessChanged(epoch, user_id, organization_id))

    async def _count_members(self, organization_id: OrganizationId) -> None:
        """Count a change that concerns everybody in the organization."""
        concerned = {"organization_id": organization_id}
        await self._execute(_LOCK_MEMBERS, concerned)
        await self._execute(_COUNT_MEMBERS, concerned)
        epoch = (await self._execute(_COUNT_ORGANIZATION, concerned)).scalar_one()
        self.events.append(AccessChanged(epoch, organization_id=organization_id))
