"""Who belongs to which organization, and what they were given there."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Select, and_, bindparam, func, or_, select, true, tuple_
from sqlalchemy.sql.selectable import FromClause

from connectors.database.columns import UtcDateTime
from connectors.database.dialects import contains, listed, one_of
from connectors.database.reader import Row, gathered, parallel
from connectors.directory import records
from connectors.directory.interface import GrantKind, GrantRecord, MemberFilter, MembershipRecord, MembershipStatus
from connectors.directory.sql.reader import DirectoryReader
from connectors.directory.tables import grants, memberships, organizations, users
from connectors.ids import GrantId, MembershipId, OrganizationId, UserId
from connectors.pages import Page, cursor, position

T = TypeVar("T", bound=str)

_MEMBERS = "members"
_MEMBERSHIPS = "memberships"
_NOT_REMOVED = tuple(status for status in MembershipStatus if status is not MembershipStatus.REMOVED)

_BY_PERSON = (users.c.last_name_key, users.c.first_name_key, memberships.c.id)
_BY_ORGANIZATION = (organizations.c.name_key, memberships.c.id)
_ORDER = len(records.MEMBERSHIP)
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
    further: records.Columns = (),
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
    query = select(*records.MEMBERSHIP).select_from(_WITH_USER).where(*_members_where(with_roles))
    owner = memberships.c.organization_id
    return _paged(database, query, owner, _BY_PERSON, with_after=with_after, further=records.USER)


@cache
def _count_members_of(with_roles: bool) -> Select[Any]:
    owner = memberships.c.organization_id
    counted = select(owner, func.count()).select_from(_WITH_USER).where(one_of(owner, "ids"))
    return counted.where(*_members_where(with_roles)).group_by(owner)


@cache
def _memberships_of(database: str, with_after: bool) -> Select[Any]:
    query = select(*records.MEMBERSHIP).select_from(_WITH_ORGANIZATION)
    query = query.where(one_of(memberships.c.status, "statuses"))
    return _paged(database, query, memberships.c.user_id, _BY_ORGANIZATION, with_after=with_after)


_COUNT_MEMBERSHIPS_OF = (
    select(memberships.c.user_id, func.count())
    .where(one_of(memberships.c.user_id, "ids"), one_of(memberships.c.status, "statuses"))
    .group_by(memberships.c.user_id)
)
_MEMBERSHIPS_WITH_IDS = select(*records.MEMBERSHIP).where(one_of(memberships.c.id, "ids"))
_GRANTS = select(*records.GRANT).select_from(grants.join(memberships, memberships.c.id == grants.c.membership_id))
_GRANTS_WITH_IDS = _GRANTS.where(one_of(grants.c.id, "ids"))
_GRANTS_OF = _GRANTS.where(one_of(grants.c.membership_id, "ids")).order_by(grants.c.kind.desc(), grants.c.key)
_HOLDERS_OF = (
    select(*records.MEMBERSHIP)
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
    select(*records.MEMBERSHIP)
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


class Memberships(DirectoryReader):
    """The directory's queries about memberships and grants; `Directory` says what each promises."""

    async def memberships(self, ids: Sequence[MembershipId]) -> Sequence[MembershipRecord | None]:
        """Return the memberships with these ids."""
        rows = await self.read_of(ids, _MEMBERSHIPS_WITH_IDS)
        return parallel(ids, {row[0]: records.membership(row) for row in rows})

    async def memberships_of(
        self, user_ids: Sequence[UserId], *, first: int, after: str | None, status: Sequence[MembershipStatus] | None
    ) -> Sequence[Page[MembershipRecord]]:
        """Return each user's memberships by name of the organization, as the interface says."""
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
        """Return each organization's members by name and id, as the interface says."""
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

    async def grants_of(self, membership_ids: Sequence[MembershipId]) -> Sequence[Sequence[GrantRecord]]:
        """Return each membership's grants, expired ones too, roles first, then by key."""
        rows = await self.read_of(membership_ids, _GRANTS_OF)
        found = map(records.grant, rows)
        return gathered(membership_ids, ((grant.membership_id, grant) for grant in found))

    async def grants(self, ids: Sequence[GrantId]) -> Sequence[GrantRecord | None]:
        """Return the grants with these ids."""
        rows = await self.read_of(ids, _GRANTS_WITH_IDS)
        return parallel(ids, {row[0]: records.grant(row) for row in rows})

    async def holders_of(
        self,
        organization_ids: Sequence[OrganizationId],
        *,
        role_keys: Sequence[str],
        permissions: Sequence[str],
        now: datetime,
        limit: int | None = None,
    ) -> Sequence[Sequence[MembershipRecord]]:
        """Return each organization's ACTIVE holders of one of these roles or single permissions, unexpired at `now`."""
        asked: dict[str, Any] = {"role_keys": role_keys, "permissions": permissions, "now": now}
        if limit is None:
            rows = await self.read_of(organization_ids, _HOLDERS_OF, **asked)
        else:
            rows = await self.read_of(organization_ids, _FIRST_HOLDERS_OF, **asked, limit=limit)
        found = map(records.membership, rows)
        return gathered(organization_ids, ((entry.organization_id, entry) for entry in found))

    async def lasting_holders_of(
        self, organization_ids: Sequence[OrganizationId], *, role_keys: Sequence[str]
    ) -> Sequence[Sequence[MembershipRecord]]:
        """Return each organization's ACTIVE holders of one of these roles that does not end automatically."""
        found = map(records.membership, await self.read_of(organization_ids, _LASTING_HOLDERS_OF, role_keys=role_keys))
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
            records.membership(
                row[:_ORDER], records.user(row[_ORDER + length :], seen_in=row[2]) if with_user else None
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


def _filter(where: MemberFilter) -> dict[str, Any]:
    parameters: dict[str, Any] = {
        "statuses": where.status if where.status is not None else _NOT_REMOVED,
        "search": records.folded((where.search or "").strip()),
    }
    if where.role_keys is not None:
        parameters |= {"role_keys": where.role_keys, "now": where.now or datetime.now(UTC)}
    return parameters


def _counts(owners: Sequence[str], rows: Sequence[Row]) -> list[int]:
    found = {row[0]: row[1] for row in rows}
    return [found.get(owner, 0) for owner in owners]
