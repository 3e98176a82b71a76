"""Who belongs to which organization."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    CompoundSelect,
    Select,
    and_,
    bindparam,
    func,
    literal_column,
    or_,
    select,
    union_all,
    update,
)

from connectors.database.columns import IdText
from connectors.database.dialects import contains_each, likely, one_of
from connectors.database.lists import Each, Listing, Rare
from connectors.database.reader import Row, gathered
from connectors.database.record_rows import MOST_PROJECTIONS
from connectors.database.text_search import contains_pieces, pieces_of
from connectors.directory.access import AccessChanges
from connectors.directory.errors import check_version
from connectors.directory.reader import NOW, DirectoryReader
from connectors.directory.records.access import GrantKind
from connectors.directory.records.memberships import (
    WITH_PERSON,
    MemberFilter,
    MemberOrderField,
    MembershipFilter,
    MembershipRecord,
    MembershipStatus,
)
from connectors.directory.records.people import UserRecord
from connectors.directory.rows import MEMBERSHIPS, USERS
from connectors.directory.tables import grants, memberships, organizations, users
from connectors.folding import search_words
from connectors.ids import MembershipId, OrganizationId, UserId
from connectors.pages import ALL, Page, Slice, SortDirection
from connectors.wanted import EVERYTHING, NOTHING, Wanted

_ALL = MembershipFilter()
_NOT_REMOVED = tuple(status for status in MembershipStatus if status is not MembershipStatus.REMOVED)
_RANKS = {status: str(rank) for rank, status in enumerate(MembershipStatus)}
_BY_NAME = (memberships.c.last_name_key, memberships.c.first_name_key, memberships.c.id)
_ACTIVE = {"statuses": [MembershipStatus.ACTIVE], "ranks": [_RANKS[MembershipStatus.ACTIVE]]}
_WITH_USER = memberships.join(users, users.c.id == memberships.c.user_id)
_WITH_ORGANIZATION = memberships.join(organizations, organizations.c.id == memberships.c.organization_id)
_UNEXPIRED = or_(grants.c.valid_until.is_(None), grants.c.valid_until > NOW)
_HOLDS_ROLE = and_(grants.c.kind == GrantKind.ROLE.value, one_of(grants.c.key, "role_keys"))
_HOLDS_PERMISSION = and_(grants.c.kind == GrantKind.PERMISSION.value, one_of(grants.c.key, "permissions"))


_NUMBER = func.lower(organizations.c.customer_number, type_=IdText)


def _bind(name: str) -> BindParameter[str]:
    return bindparam(name, type_=IdText)


_SORTED: dict[tuple[MemberOrderField, bool], tuple[str, tuple[ColumnElement[Any], ...]]] = {
    (field, ascending): (name, (*first, *_BY_NAME))
    for ascending in (True, False)
    for field, name, first in (
        (MemberOrderField.NAME, "members", ()),
        (
            MemberOrderField.JOINED_AT,
            "members by day",
            (memberships.c.joined_up if ascending else memberships.c.joined_down,),
        ),
        (MemberOrderField.STATUS, "members by status", (memberships.c.status_rank,)),
    )
}
"""How the members are sorted: the name of the list, which its cursors carry, and its columns."""

_PRESENT = memberships.c.status != literal_column(f"'{MembershipStatus.REMOVED.value}'")
"""All but who was removed, in the words of the index that has them by name."""

_IN_RANKS = Each(memberships.c.status_rank, "ranks", kept=one_of(memberships.c.status, "statuses"))
# By status, one stretch of the index has them all. The list of ranks is no condition of the index: PostgreSQL would
# begin at each of them, and go on from there to where the page begins.
_FROM_RANK_TO_RANK = (
    memberships.c.status_rank >= _bind("first_rank"),
    memberships.c.status_rank <= _bind("last_rank"),
    likely(one_of(memberships.c.status_rank.concat(""), "ranks")),
)
_BY_TEXT = Rare(
    lambda row: contains_each(row.search_text, "words"),
    lambda organization: contains_pieces(memberships.c.search_text, memberships.c.organization_id, organization),
    (memberships.c.search_text,),
    listed={memberships.c.search_text: memberships.c.listed_text},
)


def _by_grants(*which: ColumnElement[bool]) -> Rare:
    """Say that somebody was granted one of these; each is looked up, for no index answers them in one condition."""

    def keys(organization: ColumnElement[Any]) -> Select[Any] | CompoundSelect[Any]:
        there = grants.c.organization_id == organization
        found = [select(grants.c.membership_id).where(there, what).correlate_except(grants) for what in which]
        return found[0] if len(found) == 1 else union_all(*found)

    def holds(row: Any) -> ColumnElement[bool]:
        its = grants.c.membership_id == row.id
        return select(grants.c.id).where(its, or_(*which)).correlate_except(grants).exists()

    return Rare(holds, lambda organization: memberships.c.id.in_(keys(organization)), keys=keys)


_BY_ROLES = _by_grants(and_(_HOLDS_ROLE, _UNEXPIRED))


@dataclass(frozen=True, slots=True)
class _Asked:
    """By what members are asked for: all but the removed, by a text, by roles."""

    present: bool
    text: bool
    roles: bool


@lru_cache(MOST_PROJECTIONS)
def _memberships(only_one: bool, wanted: Wanted[MembershipRecord] = EVERYTHING) -> Listing[MembershipRecord]:
    return Listing(
        "memberships",
        MEMBERSHIPS,
        one_of(memberships.c.status, "statuses"),
        contains_each(organizations.c.name_key + "\n" + func.coalesce(_NUMBER, ""), "words"),
        *([memberships.c.id == bindparam("only", type_=IdText)] if only_one else []),
        owner=memberships.c.user_id,
        order=(organizations.c.name_key, memberships.c.id),
        ascending=True,
        source=_WITH_ORGANIZATION,
        wanted=wanted,
    )


@lru_cache(MOST_PROJECTIONS)
def _members(
    asked: _Asked,
    field: MemberOrderField,
    ascending: bool,
    wanted: Wanted[MembershipRecord] = NOTHING,
    people: Wanted[UserRecord] = NOTHING,
) -> Listing[MembershipRecord]:
    name, order = _SORTED[field, ascending]
    of_member = MEMBERSHIPS.projected(wanted, memberships.c.organization_id)
    with_person = wanted.covers(WITH_PERSON)
    of_person, first = USERS.projected(people), len(of_member.columns)
    where = of_member.columns.index(memberships.c.organization_id)

    def record(row: Row) -> MembershipRecord:
        """Return the membership with the person read along, as seen in it."""
        return of_member.record(row, of_person.record(row[first:], row[where]))

    is_by_status = field is MemberOrderField.STATUS
    in_one_index = asked.present and field is MemberOrderField.NAME
    return Listing(
        name if ascending else f"{name}, descending",
        MEMBERSHIPS,
        *(_FROM_RANK_TO_RANK if is_by_status else [_PRESENT] if in_one_index else ()),
        owner=memberships.c.organization_id,
        order=order,
        ascending=ascending,
        source=_WITH_USER,
        each=None if is_by_status or in_one_index else _IN_RANKS,
        rare=[*([_BY_TEXT] if asked.text else []), *([_BY_ROLES] if asked.roles else [])],
        wanted=wanted,
        further=of_person.columns if with_person else (),
        record=record if with_person else None,
    )


@lru_cache(MOST_PROJECTIONS)
def _holders(what: Rare, wanted: Wanted[MembershipRecord]) -> Listing[MembershipRecord]:
    return Listing(
        "holders",
        MEMBERSHIPS,
        owner=memberships.c.organization_id,
        order=_BY_NAME,
        ascending=True,
        each=_IN_RANKS,
        rare=[what],
        wanted=wanted,
    )


_HOLDS_NOW = _by_grants(and_(_HOLDS_ROLE, _UNEXPIRED), and_(_HOLDS_PERMISSION, _UNEXPIRED))
_HOLDS_LASTINGLY = _by_grants(and_(_HOLDS_ROLE, grants.c.valid_until.is_(None)))
_OF_PERSON = MEMBERSHIPS.select.where(
    memberships.c.user_id == bindparam("of_user", type_=IdText),
    memberships.c.organization_id == bindparam("of_organization", type_=IdText),
)
_WHO_BELONGED = select(memberships.c.organization_id, memberships.c.user_id).where(
    one_of(memberships.c.user_id, "ids"),
    one_of(memberships.c.organization_id, "organization_ids"),
    memberships.c.status != MembershipStatus.INVITED.value,
)
_COUNTS_BY_STATUS = (
    select(memberships.c.organization_id, memberships.c.status, func.count())
    .where(one_of(memberships.c.organization_id, "ids"))
    .group_by(memberships.c.organization_id, memberships.c.status)
)
_AMONG = MEMBERSHIPS.select.where(
    one_of(memberships.c.user_id, "ids"), one_of(memberships.c.organization_id, "organization_ids")
)
_SET_MEMBERSHIP = (
    update(memberships)
    .where(memberships.c.id == bindparam("membership_id"))
    .values(status=bindparam("new_status"), version=bindparam("new_version"), joined_at=bindparam("new_joined_at"))
)
_SET_JOB_TITLE = (
    update(memberships)
    .where(memberships.c.id == bindparam("membership_id"))
    .values(job_title=bindparam("new_job_title"), version=bindparam("new_version"))
)
_RENEW_MEMBERSHIP = (
    update(memberships)
    .where(memberships.c.id == bindparam("membership_id"))
    .values(version=memberships.c.version + 1)
    .returning(*MEMBERSHIPS.columns)
)


class MembershipQueries(DirectoryReader):
    """Queries about memberships."""

    async def memberships(
        self, ids: Sequence[MembershipId], wanted: Wanted[MembershipRecord] = EVERYTHING
    ) -> Sequence[MembershipRecord | None]:
        """Return the memberships with these ids."""
        return await self.records(MEMBERSHIPS, ids, wanted)

    async def membership_of(self, user_id: UserId, organization_id: OrganizationId) -> MembershipRecord | None:
        """Return the person's membership of the organization, whatever its status."""
        return MEMBERSHIPS.first(await self.read(_OF_PERSON, of_user=user_id, of_organization=organization_id))

    async def memberships_of(
        self,
        user_ids: Sequence[UserId],
        page: Slice,
        *,
        where: MembershipFilter = _ALL,
        wanted: Wanted[MembershipRecord] = EVERYTHING,
    ) -> Sequence[Page[MembershipRecord]]:
        """Return each user's memberships by name of the organization.

        Raises:
            InvalidCursor: A cursor is not one of this list.
        """
        listing = _memberships(where.only is not None, wanted)
        return await self.pages(listing, user_ids, page, **_of_person(where))

    async def count_memberships_of(self, user_ids: Sequence[UserId], where: MembershipFilter = _ALL) -> Sequence[int]:
        """Return how many entries `memberships_of` has for each user in all."""
        return await self.counts(_memberships(where.only is not None), user_ids, **_of_person(where))

    async def members_of(
        self,
        organization_ids: Sequence[OrganizationId],
        page: Slice,
        *,
        where: MemberFilter,
        wanted: Wanted[MembershipRecord] = EVERYTHING,
        people: Wanted[UserRecord] = EVERYTHING,
    ) -> Sequence[Page[MembershipRecord]]:
        """Return each organization's members, sorted as `where` says.

        Where `MembershipRecord.user` is wanted, each comes with the person, of whom what is wanted of `people` is read.

        Raises:
            InvalidCursor: A cursor is not one of this list.
        """
        order = where.order.field, where.order.direction is SortDirection.ASC
        listing = _members(_asked(where), *order, wanted, people)
        return await self.pages(listing, organization_ids, page, **_filter(where))

    async def count_members_of(self, organization_ids: Sequence[OrganizationId], where: MemberFilter) -> Sequence[int]:
        """Return how many entries `members_of` has for each organization in all."""
        listing = _members(_asked(where), MemberOrderField.NAME, ascending=True)
        return await self.counts(listing, organization_ids, **_filter(where))

    async def member_counts_of(
        self, organization_ids: Sequence[OrganizationId]
    ) -> Sequence[Mapping[MembershipStatus, int]]:
        """Return how many members each organization has by status; a status that nobody has is left out."""
        found = await self.read_of(list(dict.fromkeys(organization_ids)), _COUNTS_BY_STATUS)
        return [
            {MembershipStatus(row[1]): row[2] for row in own}
            for own in gathered(organization_ids, found, lambda row: row[0])
        ]

    async def holders_of(
        self,
        organization_ids: Sequence[OrganizationId],
        *,
        role_keys: Sequence[str],
        permissions: Sequence[str],
        now: datetime,
        limit: int | None = None,
        wanted: Wanted[MembershipRecord] = EVERYTHING,
    ) -> Sequence[Sequence[MembershipRecord]]:
        """Return each organization's ACTIVE holders of one of these roles or single permissions, unexpired at `now`.

        In the order of `members_of`; the first `limit` of each organization, without it all.
        """
        asked: dict[str, Any] = {"role_keys": role_keys, "permissions": permissions, "now": now, **_ACTIVE}
        holders = _holders(_HOLDS_NOW, wanted)
        return await self.firsts(holders, organization_ids, ALL if limit is None else limit, **asked)

    async def lasting_holders_of(
        self,
        organization_ids: Sequence[OrganizationId],
        *,
        role_keys: Sequence[str],
        wanted: Wanted[MembershipRecord] = EVERYTHING,
    ) -> Sequence[Sequence[MembershipRecord]]:
        """Return each organization's ACTIVE holders of one of these roles that does not end automatically.

        In the order of `members_of`.
        """  # fmt: skip
        holders = _holders(_HOLDS_LASTINGLY, wanted)
        return await self.firsts(holders, organization_ids, ALL, role_keys=role_keys, **_ACTIVE)

    async def memberships_among(
        self, user_ids: Sequence[UserId], organization_ids: Sequence[OrganizationId]
    ) -> Sequence[MembershipRecord]:
        """Return the memberships of these people in these organizations, whatever their status."""
        return MEMBERSHIPS.records(await self.read_of(user_ids, _AMONG, organization_ids=organization_ids))

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
        return MEMBERSHIPS.record((await self._execute(_RENEW_MEMBERSHIP, {"membership_id": membership_id})).one())

    async def set_membership_status(
        self,
        membership_id: MembershipId,
        status: MembershipStatus,
        *,
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
        # The person first, the membership then, as whoever changes the name locks them.
        await self._count(before.user_id, before.organization_id)
        await self._execute(_SET_MEMBERSHIP, changed)
        return before, after

    async def set_job_title(
        self, membership_id: MembershipId, job_title: str | None, *, expected_version: int | None = None
    ) -> tuple[MembershipRecord, MembershipRecord]:
        """Say what a member does in the organization, and return the membership as it was and as it is now.

        Raises:
            StaleVersion: The membership's version is not `expected_version`. Nothing is changed.
        """
        before = await self._lock(membership_id)
        check_version(before.version, expected_version)
        if before.job_title == job_title:
            return before, before
        after = replace(before, job_title=job_title, version=before.version + 1)
        changed = {"membership_id": membership_id, "new_job_title": job_title, "new_version": after.version}
        await self._execute(_SET_JOB_TITLE, changed)
        return before, after

    async def add_membership(self, membership: MembershipRecord) -> None:
        """Store a new membership; one of the same person in the same organization is a ChangeConflict."""
        await self._add(MEMBERSHIPS, membership)


def _asked(where: MemberFilter) -> _Asked:
    by_text, by_roles = bool(search_words(where.search or "")), where.role_keys is not None
    is_whole = where.status is None or {*where.status} == {*_NOT_REMOVED}
    return _Asked(is_whole and not by_roles, by_text, by_roles)


def _of_person(where: MembershipFilter) -> dict[str, Any]:
    parameters: dict[str, Any] = {
        "statuses": where.status if where.status is not None else _NOT_REMOVED,
        "words": search_words(where.search or ""),
    }
    return parameters if where.only is None else parameters | {"only": where.only}


def _filter(where: MemberFilter) -> dict[str, Any]:
    statuses = where.status if where.status is not None else _NOT_REMOVED
    ranks = sorted(_RANKS[status] for status in statuses)
    first, last = min(ranks, default=""), max(ranks, default="")
    parameters: dict[str, Any] = {"statuses": statuses, "ranks": ranks, "first_rank": first, "last_rank": last}
    if where.search is not None:
        words = search_words(where.search)
        parameters |= {"words": words, "pieces": pieces_of(words)}
    if where.role_keys is not None:
        parameters |= {"role_keys": where.role_keys, "now": where.now or datetime.now(UTC)}
    return parameters
