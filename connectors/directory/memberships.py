"""Who belongs to which organization."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Select, and_, bindparam, func, insert, or_, select, true, tuple_, update
from sqlalchemy.sql.selectable import FromClause

from connectors.database.columns import UtcDateTime
from connectors.database.dialects import contains, listed, one_of
from connectors.database.reader import Row, gathered, parallel
from connectors.directory import mapping
from connectors.directory.access import AccessChanges
from connectors.directory.errors import check_version
from connectors.directory.keys import folded
from connectors.directory.reader import DirectoryReader
from connectors.directory.records.access import GrantKind
from connectors.directory.records.audit import Author
from connectors.directory.records.memberships import MemberFilter, MembershipRecord, MembershipStatus
from connectors.directory.tables import grants, memberships, organizations, users
from connectors.ids import MembershipId, OrganizationId, UserId
from connectors.pages import Page, cursor, position

T = TypeVar("T", bound=str)
_MEMBERS = "members"
_MEMBERSHIPS = "memberships"
_NOT_REMOVED = tuple(status for status in MembershipStatus if status is not MembershipStatus.REMOVED)
_BY_PERSON = (users.c.last_name_key, users.c.first_name_key, memberships.c.id)
_BY_ORGANIZATION = (organizations.c.name_key, memberships.c.id)
_ORDER = len(mapping.MEMBERSHIP)
"""Where the columns of the order begin in a row of a page."""
_WITH_USER = memberships.join(users, users.c.id == memberships.c.user_id)
_WITH_ORGANIZATION = memberships.join(organizations, organizations.c.id == memberships.c.organization_id)
_UNEXPIRED = or_(grants.c.valid_until.is_(None), grants.c.valid_until > bindparam("now", type_=UtcDateTime))
_HOLDS_ROLE = and_(grants.c.kind == GrantKind.ROLE.value, one_of(grants.c.key, "role_keys"))
_HOLDS_PERMISSION = and_(grants.c.kind == GrantKind.PERMISSION.value, one_of(grants.c.key, "permissions"))


def _was_given(what: ColumnElement[bool]) -> ColumnElement[bool]:
    return select(grants.c.id).where(grants.c.membership_id == memberships.c.id, what, _UNEXPIRED).exists()


def _members_where(with_roles: bool) -> list[ColumnElement[bool]]:
    return [
        one_of(memberships.c.status, "statuses"),
        contains(users.c.search_text, "search"),
        *([_was_given(_HOLDS_ROLE)] if with_roles else []),
    ]


def _paged(
    database: str,
    query: Select[Any],
    owner: ColumnElement[Any],
    order: Sequence[ColumnElement[Any]],
    *,
    with_after: bool,
    further: mapping.Columns = (),
) -> Select[Any]:
    """Return the statement that gives the first entries of each owner in `ids` after a position, in order.

    A row has the columns of the query, those of the order, and the further ones. No id may come twice.
    """
    entry = query.add_columns(*(column.label(f"key_{index}") for index, column in enumerate(order)), *further)
    if with_after:
        after = tuple_(*(bindparam(f"after_{index}", type_=column.type) for index, column in enumerate(order)))
        entry = entry.where(tuple_(*order) > after)
    if database == "postgresql":  # sorts no more than the page, and knows beforehand how short it is
        asked = listed(database, "ids")
        of_one = entry.where(owner == asked.c.value).order_by(*order).limit(bindparam("limit")).correlate(asked)
        page: FromClause = of_one.lateral("page")
        statement = select(*page.c).select_from(asked.join(page, true()))
    else:  # SQLite has no LATERAL
        number = func.row_number().over(partition_by=owner, order_by=order).label("number")
        page = entry.where(one_of(owner, "ids")).add_columns(number).subquery("page")
        columns = [column for column in page.c if column.key != "number"]
        statement = select(*columns).where(page.c.number <= bindparam("limit"))
    return statement.order_by(*(page.c[f"key_{index}"] for index in range(len(order))))


@cache
def _members_of(database: str, with_roles: bool, with_after: bool) -> Select[Any]:
    query = select(*mapping.MEMBERSHIP).select_from(_WITH_USER).where(*_members_where(with_roles))
    owner = memberships.c.organization_id
    return _paged(database, query, owner, _BY_PERSON, with_after=with_after, further=mapping.USER)


@cache
def _count_members_of(with_roles: bool) -> Select[Any]:
    owner = memberships.c.organization_id
    counted = select(owner, func.count()).select_from(_WITH_USER).where(one_of(owner, "ids"))
    return counted.where(*_members_where(with_roles)).group_by(owner)


@cache
def _memberships_of(database: str, with_after: bool) -> Select[Any]:
    query = select(*mapping.MEMBERSHIP).select_from(_WITH_ORGANIZATION)
    query = query.where(one_of(memberships.c.status, "statuses"))
    return _paged(database, query, memberships.c.user_id, _BY_ORGANIZATION, with_after=with_after)


_COUNT_MEMBERSHIPS_OF = (
    select(memberships.c.user_id, func.count())
    .where(one_of(memberships.c.user_id, "ids"), one_of(memberships.c.status, "statuses"))
    .group_by(memberships.c.user_id)
)
_MEMBERSHIPS_WITH_IDS = select(*mapping.MEMBERSHIP).where(one_of(memberships.c.id, "ids"))
_HOLDERS_OF = (
    select(*mapping.MEMBERSHIP)
    .select_from(_WITH_USER)
    .where(
        one_of(memberships.c.organization_id, "ids"),
        memberships.c.status == MembershipStatus.ACTIVE.value,
        _was_given(or_(_HOLDS_ROLE, _HOLDS_PERMISSION)),
    )
    .order_by(*_BY_PERSON)
)
_numbered_holders = _HOLDERS_OF.add_columns(
    func.row_number().over(partition_by=memberships.c.organization_id, order_by=_BY_PERSON).label("number")
).subquery("holders")
_FIRST_HOLDERS_OF = (
    select(*(column for column in _numbered_holders.c if column.key != "number"))
    .where(_numbered_holders.c.number <= bindparam("limit"))
    .order_by(_numbered_holders.c.number)
)
_LASTING_HOLDERS_OF = (
    select(*mapping.MEMBERSHIP)
    .select_from(_WITH_USER)
    .where(
        one_of(memberships.c.organization_id, "ids"),
        memberships.c.status == MembershipStatus.ACTIVE.value,
        select(grants.c.id)
        .where(grants.c.membership_id == memberships.c.id, _HOLDS_ROLE, grants.c.valid_until.is_(None))
        .exists(),
    )
    .order_by(*_BY_PERSON)
)
_WHO_BELONGED = select(memberships.c.organization_id, memberships.c.user_id).where(
    one_of(memberships.c.user_id, "ids"),
    one_of(memberships.c.organization_id, "organization_ids"),
    memberships.c.status != MembershipStatus.INVITED.value,
)
_SET_MEMBERSHIP = (
    update(memberships)
    .where(memberships.c.id == bindparam("membership_id"))
    .values(status=bindparam("new_status"), version=bindparam("new_version"), joined_at=bindparam("new_joined_at"))
)
_RENEW_MEMBERSHIP = (
    update(memberships)
    .where(memberships.c.id == bindparam("membership_id"))
    .values(version=memberships.c.version + 1)
    .returning(*mapping.MEMBERSHIP)
)


class MembershipQueries(DirectoryReader):
    """Queries about memberships."""

    async def memberships(self, ids: Sequence[MembershipId]) -> Sequence[MembershipRecord | None]:
        """Return the memberships with these ids."""
        rows = await self.read_of(ids, _MEMBERSHIPS_WITH_IDS)
        return parallel(ids, {row[0]: mapping.membership(row) for row in rows})

    async def memberships_of(
        self, user_ids: Sequence[UserId], *, first: int, after: str | None, status: Sequence[MembershipStatus] | None
    ) -> Sequence[Page[MembershipRecord]]:
        """Return each user's memberships by name of the organization; without `status`, REMOVED ones are left out.

        Raises:
            InvalidCursor: `after` is not a cursor of this list.
        """
        return await self._pages(
            _MEMBERSHIPS,
            user_ids,
            _memberships_of(self.database, after is not None),
            {"statuses": status if status is not None else _NOT_REMOVED},
            owner_of=lambda entry: entry.user_id,
            length=len(_BY_ORGANIZATION),
            first=first,
            after=after,
        )

    async def count_memberships_of(
        self, user_ids: Sequence[UserId], status: Sequence[MembershipStatus] | None
    ) -> Sequence[int]:
        """Return how many entries `memberships_of` has for each user in all."""
        statuses = status if status is not None else _NOT_REMOVED
        rows = await self.read_of(user_ids, _COUNT_MEMBERSHIPS_OF, statuses=statuses)
        return _counts(user_ids, rows)

    async def members_of(
        self, organization_ids: Sequence[OrganizationId], *, first: int, after: str | None, where: MemberFilter
    ) -> Sequence[Page[MembershipRecord]]:
        """Return each organization's members by last name, first name and id, each with the person read along.

        Raises:
            InvalidCursor: `after` is not a cursor of this list.
        """
        return await self._pages(
            _MEMBERS,
            organization_ids,
            _members_of(self.database, where.role_keys is not None, after is not None),
            _filter(where),
            owner_of=lambda entry: entry.organization_id,
            length=len(_BY_PERSON),
            first=first,
            after=after,
        )

    async def count_members_of(self, organization_ids: Sequence[OrganizationId], where: MemberFilter) -> Sequence[int]:
        """Return how many entries `members_of` has for each organization in all."""
        statement = _count_members_of(where.role_keys is not None)
        return _counts(organization_ids, await self.read_of(organization_ids, statement, **_filter(where)))

    async def holders_of(
        self,
        organization_ids: Sequence[OrganizationId],
        *,
        role_keys: Sequence[str],
        permissions: Sequence[str],
        now: datetime,
        limit: int | None = None,
    ) -> Sequence[Sequence[MembershipRecord]]:
        """Return each organization's ACTIVE holders of one of these roles or single permissions, unexpired at `now`.

        In the order of `members_of`; the first `limit` of each organization, without it all.
        """
        asked: dict[str, Any] = {"role_keys": role_keys, "permissions": permissions, "now": now}
        if limit is None:
            rows = await self.read_of(organization_ids, _HOLDERS_OF, **asked)
        else:
            rows = await self.read_of(organization_ids, _FIRST_HOLDERS_OF, **asked, limit=limit)
        found = map(mapping.membership, rows)
        return gathered(organization_ids, ((entry.organization_id, entry) for entry in found))

    async def lasting_holders_of(
        self, organization_ids: Sequence[OrganizationId], *, role_keys: Sequence[str]
    ) -> Sequence[Sequence[MembershipRecord]]:
        """Return each organization's ACTIVE holders of one of these roles that does not end automatically.

        In the order of `members_of`.
        """  # fmt: skip
        found = map(mapping.membership, await self.read_of(organization_ids, _LASTING_HOLDERS_OF, role_keys=role_keys))
        return gathered(organization_ids, ((entry.organization_id, entry) for entry in found))

    async def _pages(
        self,
        listing: str,
        owners: Sequence[T],
        statement: Select[Any],
        parameters: Mapping[str, Any],
        *,
        owner_of: Callable[[MembershipRecord], T],
        length: int,
        first: int,
        after: str | None,
    ) -> list[Page[MembershipRecord]]:
        if first < 0:
            raise ValueError(f"first is {first}; a page has no negative length.")
        bounds: dict[str, Any] = {"limit": first + 1}
        if after is not None:
            bounds |= {f"after_{index}": value for index, value in enumerate(position(listing, after, length))}
        rows = await self.read_of(list(dict.fromkeys(owners)), statement, **parameters, **bounds)
        read = {row[0]: row for row in rows}
        with_user = bool(rows) and len(rows[0]) > _ORDER + length
        found = (
            mapping.membership(
                row[:_ORDER], mapping.user(row[_ORDER + length :], seen_in=row[2]) if with_user else None
            )
            for row in rows
        )
        entries = gathered(owners, ((owner_of(entry), entry) for entry in found))

        def cursor_of(entry: MembershipRecord) -> str:
            return cursor(listing, *read[entry.id][_ORDER : _ORDER + length])

        return [
            Page(
                items=found[:first],
                has_next_page=len(found) > first,
                has_previous_page=after is not None,
                cursor_of=cursor_of,
            )
            for found in entries
        ]

    async def who_belonged(
        self, organization_ids: Sequence[OrganizationId], user_ids: Sequence[UserId]
    ) -> Collection[tuple[OrganizationId, UserId]]:
        """Return which of these people belong, or once belonged, to which of these organizations."""
        rows = await self.read_of(user_ids, _WHO_BELONGED, organization_ids=organization_ids)
        return {(row[0], row[1]) for row in rows}


class MembershipChanges(AccessChanges):
    """Changes of memberships; what changes access follows the rules of `AccessChanges`."""

    async def renew_membership(self, membership_id: MembershipId) -> MembershipRecord:
        """Count up the membership's version, once for all that a change gave and took, and return it as it is now."""
        await self._lock(membership_id)
        return mapping.membership((await self._execute(_RENEW_MEMBERSHIP, {"membership_id": membership_id})).one())

    async def set_membership_status(
        self,
        membership_id: MembershipId,
        status: MembershipStatus,
        *,
        by: Author,
        now: datetime,
        expected_version: int | None = None,
    ) -> tuple[MembershipRecord, MembershipRecord]:
        """Say where a member stands, and return the membership as it was and as it is now.

        Raises:
            StaleVersion: The membership's version is not `expected_version`. Nothing is changed.
        """
        before = await self._lock(membership_id)
        check_version(before.version, expected_version)
        if before.status is status:
            return before, before
        is_first_day = status is MembershipStatus.ACTIVE and before.status in (
            MembershipStatus.INVITED,
            MembershipStatus.REMOVED,
        )
        after = replace(
            before, status=status, version=before.version + 1, joined_at=now if is_first_day else before.joined_at
        )
        changed = {
            "membership_id": membership_id,
            "new_status": status.value,
            "new_version": after.version,
            "new_joined_at": after.joined_at,
        }
        await self._execute(_SET_MEMBERSHIP, changed)
        await self.record(
            by.entry(
                "membership.status",
                membership_id,
                before.organization_id,
                before={"status": before.status.value},
                after={"status": status.value},
            ),
            now,
        )
        await self._count(before.user_id, before.organization_id)
        return before, after

    async def add_membership(self, membership: MembershipRecord) -> None:
        """Store a new membership; one of the same person in the same organization is a ChangeConflict."""
        await self._execute(insert(memberships), mapping.membership_row(membership))


def _filter(where: MemberFilter) -> dict[str, Any]:
    parameters: dict[str, Any] = {
        "statuses": where.status if where.status is not None else _NOT_REMOVED,
        "search": folded((where.search or "").strip()),
    }
    if where.role_keys is not None:
        parameters |= {"role_keys": where.role_keys, "now": where.now or datetime.now(UTC)}
    return parameters


def _counts(owners: Sequence[str], rows: Sequence[Row]) -> list[int]:
    found = {row[0]: row[1] for row in rows}
    return [found.get(owner, 0) for owner in owners]
