"""Invitations into organizations."""

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from itertools import chain
from typing import Any

import orjson
from sqlalchemy import Select, and_, bindparam, case, delete, func, insert, literal, select, update

from connectors.database.columns import UtcDateTime
from connectors.database.dialects import one_of
from connectors.database.reader import gathered, parallel
from connectors.directory import mapping
from connectors.directory.access import AccessChanges, revoked_entry
from connectors.directory.keys import login_key
from connectors.directory.reader import DirectoryReader
from connectors.directory.records.access import GrantKind, GrantRecord
from connectors.directory.records.audit import AuditEntry, Author
from connectors.directory.records.invitations import InvitationFilter, InvitationRecord, InvitationStatus, NewInvitation
from connectors.directory.records.memberships import MembershipRecord, MembershipStatus
from connectors.directory.records.organizations import OrganizationStatus
from connectors.directory.records.people import UserRecord
from connectors.directory.tables import grants, invitations, memberships, organizations, users
from connectors.ids import GrantId, InvitationId, MembershipId, OrganizationId, UserId, new_id
from connectors.pages import ALL, Page, cursor, position
from connectors.values import masked_address

_LISTING = "invitations"
_PENDING, _EXPIRED = InvitationStatus.PENDING.value, InvitationStatus.EXPIRED.value
_i, _m, _u, _g = invitations.c, memberships.c, users.c, grants.c
_COLUMNS = (
    _i.id, _i.organization_id, _i.membership_id, _i.email, _i.first_name, _i.last_name, _i.locale, _i.message,
    _i.role_keys, _i.permissions, _i.valid_until, _i.status, _i.created_at, _i.expires_at, _i.last_sent_at,
    _i.send_count, _i.inviter_id, _i.accepted_by_id, _i.ended_at,
)  # fmt: skip
_NOW = bindparam("now", type_=UtcDateTime)
_STANDS = case((and_(_i.status == _PENDING, _i.expires_at <= _NOW), literal(_EXPIRED)), else_=_i.status)
_WITH_IDS = select(*_COLUMNS).where(one_of(_i.id, "ids"))
_WITH_TOKEN = select(*_COLUMNS).where(_i.token_hash == bindparam("hash"))
_ALL = tuple(status.value for status in InvitationStatus)


@cache
def _page(with_after: bool) -> Select[Any]:
    number = func.row_number().over(partition_by=_i.organization_id, order_by=_i.id.desc()).label("number")
    wanted = select(*_COLUMNS, number).where(one_of(_i.organization_id, "ids"), one_of(_STANDS, "statuses"))
    if with_after:
        wanted = wanted.where(_i.id < bindparam("after"))
    numbered = wanted.subquery("numbered")
    entry = [column for column in numbered.c if column.key != "number"]
    return select(*entry).where(numbered.c.number <= bindparam("limit")).order_by(numbered.c.id.desc())


_COUNT = (
    select(_i.organization_id, func.count())
    .where(one_of(_i.organization_id, "ids"), one_of(_STANDS, "statuses"))
    .group_by(_i.organization_id)
)
_open_to = (
    select(_i.email_key, *_COLUMNS, func.row_number().over(partition_by=_i.email_key, order_by=_i.id).label("number"))
    .select_from(invitations.join(organizations, organizations.c.id == _i.organization_id))
    .where(
        one_of(_i.email_key, "ids"),
        _i.status == _PENDING,
        _i.expires_at > _NOW,
        organizations.c.status == OrganizationStatus.ACTIVE.value,
    )
    .subquery("open_to")
)
_OPEN_TO = (
    select(*(column for column in _open_to.c if column.key != "number"))
    .where(_open_to.c.number <= bindparam("limit"))
    .order_by(_open_to.c.id)
)
# Two processes' clocks may differ by more than the time between taking an invitation back and inviting again.
_LATEST_FIRST = (case((_i.status == _PENDING, 0), else_=1), _i.id.desc())
_ranked = (
    select(
        _i.email_key,
        *_COLUMNS,
        func.row_number().over(partition_by=(_i.organization_id, _i.email_key), order_by=_LATEST_FIRST).label("number"),
    )
    .where(one_of(_i.organization_id, "organizations"), one_of(_i.email_key, "ids"))
    .subquery("ranked")
)
_LAST = select(*(column for column in _ranked.c if column.key != "number")).where(_ranked.c.number == 1)
_MEMBERS_WITH_EMAIL = (
    select(_u.email_key, *mapping.MEMBERSHIP)
    .select_from(memberships.join(users, _u.id == _m.user_id))
    .where(one_of(_m.organization_id, "organizations"), one_of(_u.email_key, "ids"))
)
_numbered_by_inviter = (
    select(
        *_COLUMNS,
        func.row_number().over(partition_by=(_i.organization_id, _i.inviter_id), order_by=_i.id.desc()).label("number"),
    )
    .where(
        one_of(_i.organization_id, "organizations"),
        one_of(_i.inviter_id, "ids"),
        _i.status == _PENDING,
        _i.expires_at > _NOW,
    )
    .subquery("by_inviter")
)
_OPEN_BY = (
    select(*(column for column in _numbered_by_inviter.c if column.key != "number"))
    .where(_numbered_by_inviter.c.number <= bindparam("limit"))
    .order_by(_numbered_by_inviter.c.id.desc())
)
_PAST_EXPIRY = (
    select(*_COLUMNS)
    .where(_i.status == _PENDING, _i.expires_at <= _NOW)
    .order_by(_i.expires_at)
    .limit(bindparam("limit"))
)
_OF_ID = _i.id == bindparam("of_id")
_RENEW = (
    update(invitations)
    .where(_OF_ID)
    .values(
        status=_PENDING,
        token_hash=bindparam("hash"),
        expires_at=bindparam("new_expires_at"),
        last_sent_at=_NOW,
        send_count=_i.send_count + 1,
        inviter_id=bindparam("sender"),
        ended_at=None,
    )
    .returning(*_COLUMNS)
)
_END = (
    update(invitations)
    .where(_OF_ID, _i.status == _PENDING)
    .values(status=bindparam("new_status"), ended_at=_NOW, accepted_by_id=bindparam("accepted_by"))
    .returning(*_COLUMNS)
)
_END_ALL = (
    update(invitations)
    .where(one_of(_i.id, "ids"), _i.status == _PENDING)
    .values(status=bindparam("new_status"), ended_at=_NOW)
    .returning(*_COLUMNS)
)
_INVITED = select(_m.id, _m.user_id).where(one_of(_m.id, "ids"), _m.status == MembershipStatus.INVITED.value)
_GIVEN_TO = (
    select(*mapping.GRANT)
    .select_from(grants.join(memberships, _m.id == _g.membership_id))
    .where(one_of(_g.membership_id, "ids"))
    .order_by(_g.id)
)
_TAKE_GIVEN = delete(grants).where(one_of(_g.membership_id, "ids"))
_REMOVE_INVITED = (
    update(memberships)
    .where(one_of(_m.id, "ids"))
    .values(status=MembershipStatus.REMOVED.value, version=_m.version + 1)
)
_UPDATE_INVITED = update(users).where(_u.id == bindparam("user_id"), ~_u.email_verified)
_OF_MEMBERSHIP = (
    select(*mapping.MEMBERSHIP, _u.email_verified)
    .select_from(memberships.join(users, _u.id == _m.user_id))
    .where(_m.id == bindparam("membership_id"))
)
_OF_PERSON = select(*mapping.MEMBERSHIP).where(
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
_ACTIONS = {
    InvitationStatus.ACCEPTED: "invitation.accept",
    InvitationStatus.DECLINED: "invitation.decline",
    InvitationStatus.REVOKED: "invitation.revoke",
    InvitationStatus.EXPIRED: "invitation.expire",
}


class InvitationQueries(DirectoryReader):
    """Queries about invitations."""

    async def invitations(self, ids: Sequence[InvitationId]) -> Sequence[InvitationRecord | None]:
        """Return the invitations with these ids."""
        rows = await self.read_of(ids, _WITH_IDS)
        return parallel(ids, {row[0]: _invitation(row) for row in rows})

    async def invitation_with_token(self, token_hash: bytes) -> InvitationRecord | None:
        """Return the invitation whose token has this hash; a token that was replaced by another counts no more."""
        rows = await self.read(_WITH_TOKEN, hash=token_hash)
        return _invitation(rows[0]) if rows else None

    async def invitations_of(
        self, organization_ids: Sequence[OrganizationId], *, first: int, after: str | None, where: InvitationFilter
    ) -> Sequence[Page[InvitationRecord]]:
        """Return each organization's invitations, newest first.

        Raises:
            InvalidCursor: `after` is not a cursor of this list.
        """
        bounds: dict[str, Any] = {"limit": first + 1}
        if after is not None:
            (bounds["after"],) = position(_LISTING, after, 1)
        rows = await self.read_of(organization_ids, _page(after is not None), **_filter(where), **bounds)
        found = map(_invitation, rows)
        return [
            Page(
                items=own[:first],
                has_next_page=len(own) > first,
                has_previous_page=after is not None,
                cursor_of=lambda entry: cursor(_LISTING, entry.id),
            )
            for own in gathered(organization_ids, ((entry.organization_id, entry) for entry in found))
        ]

    async def count_invitations_of(
        self, organization_ids: Sequence[OrganizationId], where: InvitationFilter
    ) -> Sequence[int]:
        """Return how many entries `invitations_of` has for each organization in all."""
        found = {row[0]: row[1] for row in await self.read_of(organization_ids, _COUNT, **_filter(where))}
        return [found.get(id, 0) for id in organization_ids]

    async def open_invitations_to(
        self, emails: Sequence[str], now: datetime, *, limit: int = ALL
    ) -> Sequence[Sequence[InvitationRecord]]:
        """Return the open invitations to each address, whatever its case, into ACTIVE organizations, oldest first."""
        keys = [login_key(email) for email in emails]
        rows = await self.read_of(keys, _OPEN_TO, now=now, limit=limit)
        return gathered(keys, ((row[0], _invitation(row[1:])) for row in rows))

    async def open_invitations_by(
        self, inviters: Sequence[tuple[OrganizationId, UserId]], now: datetime, *, limit: int
    ) -> Sequence[Sequence[InvitationRecord]]:
        """Return the open invitations that each person sent for each organization, newest first, `limit` at most."""
        people = list(dict.fromkeys(user_id for _, user_id in inviters))
        organization_ids = list(dict.fromkeys(organization_id for organization_id, _ in inviters))
        rows = await self.read_of(people, _OPEN_BY, organizations=organization_ids, now=now, limit=limit)
        found = map(_invitation, rows)
        return gathered(
            inviters, (((one.organization_id, one.inviter_id), one) for one in found if one.inviter_id is not None)
        )

    async def last_invitations(
        self, invitees: Sequence[tuple[OrganizationId, str]]
    ) -> Sequence[InvitationRecord | None]:
        """Return of each organization and address the invitation stored as PENDING if there is one, else the newest."""
        wanted, asked = _asked(invitees)
        rows = await self.read_of(asked.pop("ids"), _LAST, **asked)
        found = ((row[0], _invitation(row[1:])) for row in rows)
        return parallel(wanted, {(str(it.organization_id), key): it for key, it in found})

    async def members_with_email(
        self, invitees: Sequence[tuple[OrganizationId, str]]
    ) -> Sequence[MembershipRecord | None]:
        """Return of each organization and address the membership of whom it is confirmed for, whatever its status."""
        wanted, asked = _asked(invitees)
        rows = await self.read_of(asked.pop("ids"), _MEMBERS_WITH_EMAIL, **asked)
        found = ((row[0], mapping.membership(row[1:])) for row in rows)
        return parallel(wanted, {(str(member.organization_id), key): member for key, member in found})

    async def expired_invitations(self, now: datetime, *, limit: int) -> Sequence[InvitationRecord]:
        """Return invitations that are stored as PENDING and past their time, those first that lapsed first."""
        return [_invitation(row) for row in await self.read(_PAST_EXPIRY, now=now, limit=limit)]


class InvitationChanges(AccessChanges):
    """Changes of invitations, in an organization that is locked; each writes its audit rows."""

    async def add_invitations(self, new: Sequence[NewInvitation], *, by: Author, now: datetime) -> None:
        """Store invitations, in as many statements for a hundred as for one.

        Raises:
            ChangeConflict: There is an open one for the same organization and address.
        """
        people = [(one.person, one.invitation) for one in new if one.person is not None]
        if people:
            await self._execute(insert(users), [mapping.user_row(person) for person, _ in people])
            await self._execute(insert(memberships), [_invited(person, invitation) for person, invitation in people])
            given = [mapping.grant_row(grant) for person, it in people for grant in _grants(person, it, by, now)]
            if given:
                await self._execute(insert(grants), given)
        if new:
            await self._execute(insert(invitations), [invitation_row(one.invitation, one.token_hash) for one in new])
        await self.record_all([_entry(by, "invitation.create", one.invitation) for one in new], now)

    async def update_invited(self, person: UserRecord) -> None:
        """Let the row that stands for an invited person say what the invitation says."""
        await self._execute(_UPDATE_INVITED.values(mapping.user_row(person)), {"user_id": person.id})

    async def renew_invitation(
        self, id: InvitationId, token_hash: bytes, *, expires_at: datetime, by: Author, now: datetime
    ) -> InvitationRecord:
        """Open the invitation again with another token and return it, sent by whoever does so (`by`).

        The old token counts no more.
        """
        values = {"of_id": id, "hash": token_hash, "new_expires_at": expires_at, "now": now, "sender": by.user_id}
        renewed = _invitation((await self._execute(_RENEW, values)).one())
        await self.record(_entry(by, "invitation.resend", renewed), now)
        return renewed

    async def end_invitation(
        self,
        id: InvitationId,
        status: InvitationStatus,
        *,
        by: Author,
        now: datetime,
        accepted_by: UserId | None = None,
    ) -> InvitationRecord | None:
        """Say what became of an invitation that is stored as PENDING and return it; None when it is not (any more)."""
        values = {"of_id": id, "new_status": status.value, "accepted_by": accepted_by, "now": now}
        row = (await self._execute(_END, values)).first()
        if row is None:
            return None
        ended = _invitation(row)
        await self.record(_end_entry(by, ended), now)
        return ended

    async def withdraw_invitations(
        self, ids: Sequence[InvitationId], status: InvitationStatus, *, by: Author, now: datetime
    ) -> Sequence[InvitationRecord]:
        """End invitations of one organization that nobody accepts, and return those that were stored as PENDING.

        Nobody is invited by them any more, and all that they would have given is taken, so that coming back by another
        brings nothing of it back. In as many statements for a thousand as for one; the organization is locked.
        """
        rows = await self._execute(_END_ALL, {"ids": ids, "new_status": status.value, "now": now})
        found = {row[0]: _invitation(row) for row in rows}
        ended = [found[id] for id in dict.fromkeys(ids) if id in found]
        await self.record_all([_end_entry(by, one) for one in ended], now)
        members = {one.membership_id: one.organization_id for one in ended}
        invited: Sequence[Any] = (await self._execute(_INVITED, {"ids": list(members)})).all() if members else ()
        if not invited:
            return ended
        leaving = {"ids": [membership_id for membership_id, _ in invited]}
        given = [mapping.grant(row) for row in await self._execute(_GIVEN_TO, leaving)]
        if given:
            await self._execute(_TAKE_GIVEN, leaving)
        await self.record_all([revoked_entry(by, grant) for grant in given], now)
        await self._execute(_REMOVE_INVITED, leaving)
        before, after = {"status": MembershipStatus.INVITED.value}, {"status": MembershipStatus.REMOVED.value}
        await self.record_all(
            [by.entry("membership.status", id, members[id], before=before, after=after) for id in leaving["ids"]], now
        )
        await self._count_all({user_id for _, user_id in invited}, ended[0].organization_id)
        return ended

    async def hand_over(self, invitation: InvitationRecord, user_id: UserId) -> MembershipId:
        """Give the invitation's membership, with what it gives, to the person, and return which membership that is.

        The row that stood for the invited person is gone then. Of a person who belonged to the organization once, it
        is their own membership, so that the history goes on.
        """
        source: MembershipId = invitation.membership_id
        held = (await self._execute(_OF_MEMBERSHIP, {"membership_id": source})).one()
        invited, stands_for_somebody = mapping.membership(held[:-1]), not held[-1]
        if invited.user_id == user_id:
            return source
        owner = {"of_user": user_id, "of_organization": invitation.organization_id}
        own = (await self._execute(_OF_PERSON, owner)).first()
        if own is None and stands_for_somebody:
            await self._execute(_GIVE_MEMBERSHIP, {"membership_id": source, "to_user": user_id})
            await self._execute(_DROP_INVITED, {"user_id": invited.user_id})
            return source
        if own is None:  # the membership is somebody's who had this address once
            target = MembershipId(new_id("mbr"))
            row = MembershipRecord(
                target, 1, invitation.organization_id, user_id, MembershipStatus.INVITED, None, None
            )  # fmt: skip
            await self._execute(insert(memberships), mapping.membership_row(row))
        else:
            target = mapping.membership(own).id
        moved = {"from_id": source, "to_membership": target}
        await self._execute(_MOVE_GRANTS, moved)
        if stands_for_somebody:
            await self._execute(_MOVE_INVITATIONS, moved)
            await self._execute(_DROP_MEMBERSHIP, {"from_id": source})
            await self._execute(_DROP_INVITED, {"user_id": invited.user_id})
        else:
            await self._execute(_MOVE_INVITATION, {"of_id": invitation.id, "to_membership": target})
        return target


def _end_entry(by: Author, ended: InvitationRecord) -> AuditEntry:
    """Return the audit entry of an invitation that is not open any more."""
    after = {"status": ended.status.value, "email": masked_address(ended.email)}
    return by.entry(_ACTIONS[ended.status], ended.id, ended.organization_id, before={"status": _PENDING}, after=after)


def invitation_row(record: InvitationRecord, token_hash: bytes) -> dict[str, Any]:
    """Return the row of table `invitations` for an invitation."""
    return {
        "id": record.id,
        "organization_id": record.organization_id,
        "membership_id": record.membership_id,
        "email": record.email,
        "email_key": login_key(record.email),
        "first_name": record.first_name,
        "last_name": record.last_name,
        "locale": record.locale,
        "message": record.message,
        "role_keys": orjson.dumps(record.role_keys).decode(),
        "permissions": orjson.dumps(record.permissions).decode(),
        "valid_until": record.valid_until,
        "status": record.status.value,
        "token_hash": token_hash,
        "created_at": record.created_at,
        "expires_at": record.expires_at,
        "last_sent_at": record.last_sent_at,
        "send_count": record.send_count,
        "inviter_id": record.inviter_id,
        "accepted_by_id": record.accepted_by_id,
        "ended_at": record.ended_at,
    }


def _invitation(values: Sequence[Any]) -> InvitationRecord:
    id, organization_id, membership_id, email, first_name, last_name, locale, message, roles, rights = values[:10]
    valid_until, status, *rest = values[10:]
    return InvitationRecord(
        id, organization_id, membership_id, email, first_name, last_name, locale, message,
        tuple(orjson.loads(roles)), tuple(orjson.loads(rights)), valid_until, InvitationStatus(status), *rest,
    )  # fmt: skip


def _invited(person: UserRecord, invitation: InvitationRecord) -> dict[str, Any]:
    status = MembershipStatus.INVITED
    return mapping.membership_row(
        MembershipRecord(invitation.membership_id, 1, invitation.organization_id, person.id, status, None, None)
    )


def _grants(person: UserRecord, invitation: InvitationRecord, by: Author, now: datetime) -> list[GrantRecord]:
    roles = ((GrantKind.ROLE, key) for key in invitation.role_keys)
    rights = ((GrantKind.PERMISSION, key) for key in invitation.permissions)
    return [
        GrantRecord(
            GrantId(new_id("grt")), invitation.membership_id, invitation.organization_id, person.id, kind, key, now,
            by.user_id, invitation.valid_until,
        )
        for kind, key in chain(roles, rights)
    ]  # fmt: skip


def _entry(by: Author, action: str, invitation: InvitationRecord) -> AuditEntry:
    until = invitation.valid_until
    after = {
        "email": masked_address(invitation.email),
        "roles": " ".join(invitation.role_keys),
        "permissions": " ".join(invitation.permissions),
        "until": until.isoformat() if until is not None else None,
        "expires_at": invitation.expires_at.isoformat(),
    }
    return by.entry(action, invitation.id, invitation.organization_id, after=after)


def _filter(where: InvitationFilter) -> dict[str, Any]:
    statuses = _ALL if where.status is None else tuple(status.value for status in where.status)
    return {"statuses": statuses, "now": where.now}


def _asked(invitees: Sequence[tuple[OrganizationId, str]]) -> tuple[list[tuple[str, str]], dict[str, Any]]:
    """Return the invitees with their addresses as they are looked up, and the statement's parameters."""
    wanted = [(str(organization_id), login_key(email)) for organization_id, email in invitees]
    return wanted, {
        "ids": list(dict.fromkeys(key for _, key in wanted)),
        "organizations": list(dict.fromkeys(organization_id for organization_id, _ in wanted)),
    }
