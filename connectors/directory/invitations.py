"""Invitations into organizations."""

from collections.abc import Sequence
from datetime import datetime
from itertools import chain
from operator import attrgetter
from typing import Any

from sqlalchemy import bindparam, case, delete, func, insert, select, union_all, update

from connectors.database.dialects import one_of
from connectors.database.lists import first_of_each
from connectors.database.reader import gathered, parallel
from connectors.directory.access import AccessChanges
from connectors.directory.reader import NOW, DirectoryReader
from connectors.directory.records.access import GrantKind, GrantRecord
from connectors.directory.records.invitations import (
    InvitationRecord,
    InvitationStatus,
    NewInvitation,
    Withdrawn,
)
from connectors.directory.records.memberships import MembershipRecord, MembershipStatus
from connectors.directory.records.organizations import OrganizationStatus
from connectors.directory.records.people import UserRecord
from connectors.directory.rows import GRANTS, INVITATIONS, MEMBERSHIPS, USERS
from connectors.directory.tables import grants, invitations, memberships, organizations, users
from connectors.ids import GrantId, InvitationId, MembershipId, OrganizationId, UserId, new_id
from connectors.pages import ALL
from connectors.values import login_key

_PENDING = InvitationStatus.PENDING.value

_i, _m, _u, _g = invitations.c, memberships.c, users.c, grants.c
_OPEN = (_i.status == _PENDING, _i.expires_at > NOW)
_to = invitations.alias("sent_to")
_OPEN_TO = first_of_each(
    INVITATIONS.whole,
    [func.coalesce(_i.account_id, _i.email_key)],
    [_i.id],
    _i.id.in_(
        union_all(  # not OR: SQLite would read them all
            select(_to.c.id).where(one_of(_to.c.account_id, "ids")),
            select(_to.c.id).where(_to.c.account_id.is_(None), one_of(_to.c.email_key, "emails")),
        )
    ),
    *_OPEN,
    select(organizations.c.id)
    .where(organizations.c.id == _i.organization_id, organizations.c.status == OrganizationStatus.ACTIVE.value)
    .exists(),
)
_OPEN_BY = first_of_each(
    INVITATIONS.whole,
    [_i.organization_id, _i.inviter_id],
    [_i.id.desc()],
    one_of(_i.organization_id, "organizations"),
    one_of(_i.inviter_id, "ids"),
    *_OPEN,
)
# Two processes' clocks may differ by more than the time between taking an invitation back and inviting again.
_PENDING_OR_NEWEST = first_of_each(
    INVITATIONS.whole,
    [_i.organization_id, _i.email_key],
    [case((_i.status == _PENDING, 0), else_=1), _i.id.desc()],
    one_of(_i.organization_id, "organizations"),
    one_of(_i.email_key, "ids"),
)
_WITH_TOKEN = INVITATIONS.select.where(_i.token_hash == bindparam("hash"))
_MEMBERS_WITH_EMAIL = (
    select(_u.email_key, *MEMBERSHIPS.columns)
    .select_from(memberships.join(users, _u.id == _m.user_id))
    .where(one_of(_m.organization_id, "organizations"), one_of(_u.email_key, "ids"))
)
_OF_ID = _i.id == bindparam("of_id")
_RENEW = (
    update(invitations)
    .where(_OF_ID)
    .values(
        status=_PENDING,
        token_hash=bindparam("hash"),
        expires_at=bindparam("new_expires_at"),
        last_sent_at=NOW,
        send_count=_i.send_count + 1,
        inviter_id=bindparam("sender"),
        ended_at=None,
    )
    .returning(*INVITATIONS.columns)
)
_BIND = (
    update(invitations)
    .where(one_of(_i.id, "ids"), _i.account_id.is_(None))
    .values(account_id=select(_u.id).where(_u.email_key == _i.email_key).scalar_subquery())
)
_END_ALL = (
    update(invitations)
    .where(one_of(_i.id, "ids"), _i.status == _PENDING)
    .values(status=bindparam("new_status"), ended_at=NOW)
    .returning(*INVITATIONS.columns)
)
_INVITED = MEMBERSHIPS.select.where(one_of(_m.id, "ids"), _m.status == MembershipStatus.INVITED.value)
_GIVEN_TO = GRANTS.select.where(one_of(_g.membership_id, "ids")).order_by(_g.id)
_TAKE_GIVEN = delete(grants).where(one_of(_g.membership_id, "ids"))
_REMOVE_INVITED = (
    update(memberships)
    .where(one_of(_m.id, "ids"))
    .values(status=MembershipStatus.REMOVED.value, version=_m.version + 1)
)
_UPDATE_INVITED = update(users).where(_u.id == bindparam("user_id"), ~_u.email_verified)
_OF_MEMBERSHIP = (
    select(*MEMBERSHIPS.columns, _u.email_verified)
    .select_from(memberships.join(users, _u.id == _m.user_id))
    .where(_m.id == bindparam("membership_id"))
)
_OF_PERSON = MEMBERSHIPS.select.where(
    _m.user_id == bindparam("of_user"), _m.organization_id == bindparam("of_organization")
)
_GIVE_MEMBERSHIP = update(memberships).where(_m.id == bindparam("membership_id")).values(user_id=bindparam("to_user"))
_MOVE_GRANTS = (
    update(grants).where(_g.membership_id == bindparam("from_id")).values(membership_id=bindparam("to_membership"))
)
_MOVE_INVITATIONS = (
    update(invitations).where(_i.membership_id == bindparam("from_id")).values(membership_id=bindparam("to_membership"))
)
_MOVE_INVITATION = update(invitations).where(_OF_ID).values(membership_id=bindparam("to_membership"))
_DROP_MEMBERSHIP = delete(memberships).where(_m.id == bindparam("from_id"))
_DROP_INVITED = delete(users).where(_u.id == bindparam("user_id"), ~_u.email_verified)


class InvitationQueries(DirectoryReader):
    """Queries about invitations."""

    async def invitation_with_token(self, token_hash: bytes) -> InvitationRecord | None:
        """Return the invitation whose token has this hash; a token that was replaced by another counts no more."""
        return INVITATIONS.first(await self.read(_WITH_TOKEN, hash=token_hash))

    async def open_invitations_to(
        self, people: Sequence[UserRecord], now: datetime, *, limit: int = ALL
    ) -> Sequence[Sequence[InvitationRecord]]:
        """Return each person's open invitations into ACTIVE organizations, oldest first.

        Theirs are those that were sent when the address was theirs, and those to their confirmed address that are
        nobody else's.
        """
        ids, keys = [person.id for person in people], [_confirmed_key(person) for person in people]
        emails = [key for key in keys if key is not None]
        found = INVITATIONS.records(await self.read_of(ids, _OPEN_TO, emails=emails, now=now, limit=limit))
        found.sort(key=attrgetter("id"))
        return [
            [one for one in found if one.account_id == id or (one.account_id is None and login_key(one.email) == key)][
                :limit
            ]
            for id, key in zip(ids, keys, strict=True)
        ]

    async def open_invitations_by(
        self, inviters: Sequence[tuple[OrganizationId, UserId]], now: datetime, *, limit: int
    ) -> Sequence[Sequence[InvitationRecord]]:
        """Return the open invitations that each person sent for each organization, newest first, `limit` at most."""
        found = INVITATIONS.records(await self.read_of(statement=_OPEN_BY, **_pairs(inviters), now=now, limit=limit))
        return gathered(inviters, found, lambda one: (one.organization_id, one.inviter_id))

    async def last_invitations(
        self, invitees: Sequence[tuple[OrganizationId, str]]
    ) -> Sequence[InvitationRecord | None]:
        """Return of each organization and address the invitation stored as PENDING if there is one, else the newest."""
        wanted = [(organization_id, login_key(email)) for organization_id, email in invitees]
        found = INVITATIONS.records(await self.read_of(statement=_PENDING_OR_NEWEST, **_pairs(wanted), limit=1))
        return parallel(wanted, {(one.organization_id, login_key(one.email)): one for one in found})

    async def members_with_email(
        self, invitees: Sequence[tuple[OrganizationId, str]]
    ) -> Sequence[MembershipRecord | None]:
        """Return of each organization and address the membership of whom it is confirmed for, whatever its status."""
        wanted = [(organization_id, login_key(email)) for organization_id, email in invitees]
        found = [
            (row[0], MEMBERSHIPS.record(row[1:]))
            for row in await self.read_of(statement=_MEMBERS_WITH_EMAIL, **_pairs(wanted))
        ]
        return parallel(wanted, {(member.organization_id, key): member for key, member in found})


class InvitationChanges(AccessChanges):
    """Changes of invitations, in an organization that is locked."""

    async def add_invitations(self, new: Sequence[NewInvitation]) -> None:
        """Store invitations, in as many statements for a hundred as for one.

        Raises:
            ChangeConflict: There is an open one for the same organization and address.
        """
        people = [(one.person, one.invitation) for one in new if one.person is not None]
        await self._add_all(USERS, [person for person, _ in people])
        await self._add_all(MEMBERSHIPS, [_invited(person, invitation) for person, invitation in people])
        await self._add_all(GRANTS, [grant for person, it in people for grant in _grants(person, it)])
        if new:
            rows = [INVITATIONS.row(one.invitation) | {"token_hash": one.token_hash} for one in new]
            await self._execute(insert(invitations), rows)
            await self._execute(_BIND, {"ids": [one.invitation.id for one in new]})

    async def update_invited(self, person: UserRecord) -> None:
        """Let the row that stands for an invited person say what the invitation says."""
        await self._execute(_UPDATE_INVITED.values(USERS.changed(person)), {"user_id": person.id})

    async def renew_invitation(
        self, id: InvitationId, token_hash: bytes, *, expires_at: datetime, by: UserId | None, now: datetime
    ) -> InvitationRecord:
        """Open the invitation again with another token and return it, sent by whoever does so (`by`).

        The old token counts no more.
        """
        await self._execute(_BIND, {"ids": [id]})
        values = {"of_id": id, "hash": token_hash, "new_expires_at": expires_at, "now": now, "sender": by}
        return INVITATIONS.record((await self._execute(_RENEW, values)).one())

    async def withdraw_invitations(
        self, ids: Sequence[InvitationId], status: InvitationStatus, *, now: datetime
    ) -> Withdrawn:
        """End invitations of one organization that nobody accepts, and return what has ended with them.

        Nobody is invited by them any more, and all that they would have given is taken, so that coming back by another
        brings nothing of it back. In as many statements for a thousand as for one; the organization is locked.
        """
        rows = await self._execute(_END_ALL, {"ids": ids, "new_status": status.value, "now": now})
        found = {one.id: one for one in INVITATIONS.records(rows)}
        ended = [found[id] for id in dict.fromkeys(ids) if id in found]
        members = [one.membership_id for one in ended]
        invited = MEMBERSHIPS.records(await self._execute(_INVITED, {"ids": members})) if members else []
        if not invited:
            return Withdrawn(ended, (), ())
        leaving = {"ids": [member.id for member in invited]}
        given = GRANTS.records(await self._execute(_GIVEN_TO, leaving))
        if given:
            await self._execute(_TAKE_GIVEN, leaving)
        await self._count_all({member.user_id for member in invited}, ended[0].organization_id)
        await self._execute(_REMOVE_INVITED, leaving)
        return Withdrawn(ended, given, invited)

    async def hand_over(self, invitation: InvitationRecord, user_id: UserId) -> MembershipId:
        """Give the invitation's membership, with what it gives, to the person, and return which membership that is.

        The row that stood for the invited person is gone then. Of a person who belonged to the organization once, it
        is their own membership, so that the history goes on.
        """
        source: MembershipId = invitation.membership_id
        held = (await self._execute(_OF_MEMBERSHIP, {"membership_id": source})).one()
        invited, stands_for_somebody = MEMBERSHIPS.record(held[:-1]), not held[-1]
        if invited.user_id == user_id:
            return source
        owner = {"of_user": user_id, "of_organization": invitation.organization_id}
        own = await self._first(MEMBERSHIPS, _OF_PERSON, owner)
        if own is None and stands_for_somebody:
            await self._execute(_GIVE_MEMBERSHIP, {"membership_id": source, "to_user": user_id})
            await self._execute(_DROP_INVITED, {"user_id": invited.user_id})
            return source
        if own is None:  # the membership is somebody's who had this address once
            target = MembershipId(new_id("mbr"))
            status = MembershipStatus.INVITED
            membership = MembershipRecord(target, 1, invitation.organization_id, user_id, status, None, None)
            await self._add(MEMBERSHIPS, membership)
        else:
            target = own.id
        moved = {"from_id": source, "to_membership": target}
        await self._execute(_MOVE_GRANTS, moved)
        if stands_for_somebody:
            await self._execute(_MOVE_INVITATIONS, moved)
            await self._execute(_DROP_MEMBERSHIP, {"from_id": source})
            await self._execute(_DROP_INVITED, {"user_id": invited.user_id})
        else:
            await self._execute(_MOVE_INVITATION, {"of_id": invitation.id, "to_membership": target})
        return target


def _confirmed_key(person: UserRecord) -> str | None:
    return login_key(person.email) if person.email_verified else None


def _invited(person: UserRecord, invitation: InvitationRecord) -> MembershipRecord:
    status = MembershipStatus.INVITED
    return MembershipRecord(invitation.membership_id, 1, invitation.organization_id, person.id, status, None, None)


def _grants(person: UserRecord, invitation: InvitationRecord) -> list[GrantRecord]:
    roles = ((GrantKind.ROLE, key) for key in invitation.role_keys)
    rights = ((GrantKind.PERMISSION, key) for key in invitation.permissions)
    return [
        GrantRecord(
            GrantId(new_id("grt")), invitation.membership_id, invitation.organization_id, person.id, kind, key,
            invitation.created_at, invitation.inviter_id, invitation.valid_until,
        )
        for kind, key in chain(roles, rights)
    ]  # fmt: skip


def _pairs(pairs: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """Return the parameters of a statement for pairs; of what it finds, not every pair was wanted."""
    return {
        "organizations": list(dict.fromkeys(organization_id for organization_id, _ in pairs)),
        "ids": list(dict.fromkeys(other for _, other in pairs)),
    }
