"""Inviting people to an organization, many at once: each row is its own, and one that is wrong hinders no other."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from connectors.directory.approvals import INVITATIONS
from connectors.directory.directory import DirectoryChange
from connectors.directory.records.invitations import InvitationRecord, InvitationStatus, NewInvitation
from connectors.directory.records.memberships import MembershipRecord
from connectors.directory.records.organizations import OrganizationRecord
from connectors.directory.records.people import UserRecord
from connectors.ids import InvitationId, MembershipId, OrganizationId, new_id
from connectors.values import login_key
from permissions.access_rules import MANAGE_MEMBERS
from permissions.viewer import Standing
from resolvers import receipts
from resolvers.access.edits import no_such_role
from resolvers.audit import recorded
from resolvers.contact_data import email
from resolvers.context import RequestContext
from resolvers.invitations.mails import invitation_mail
from resolvers.invitations.queries import Invitee, in_the_way, invitees, not_delegables
from resolvers.invitations.sent import count_mail, end_invitation, until, use_membership
from resolvers.mail.queue import queue_mail
from resolvers.one_time_tokens import hash_of, new_token
from resolvers.people import new_user
from resolvers.refusals import Invalid, NotDelegable, Refused, TooManyAttempts
from resolvers.texts import Text
from resolvers.transactions import Once, acting_in, author, changed_once
from resolvers.validation import Misread, Together, instant, locale, message, optional_text, together

MOST_AT_ONCE = 50
DEFAULT_DAYS = 7
MOST_DAYS = 30
LONGEST_MESSAGE = 2_000
_MOST_KEYS = 50
_LONGEST_SHOWN = 320


@dataclass(frozen=True, slots=True)
class InviteeRow:
    """Whom to invite, as it was sent."""

    email: str
    first_name: str | None = None
    last_name: str | None = None
    role_keys: tuple[str, ...] = ()
    permissions: tuple[str, ...] = ()
    locale: str | None = None
    valid_until: datetime | Misread | None = None


@dataclass(frozen=True, slots=True)
class InvitationOutcome:
    """What came of one row: the invitation with the membership it gives, or why there is none."""

    email: str
    invitation: InvitationRecord | None
    membership: MembershipRecord | None
    refusals: tuple[Refused, ...]


@dataclass(slots=True)
class _Row:
    """A row on its way: what it says, checked, and what is wrong with it."""

    index: int
    asked: InviteeRow
    checked: InviteeRow | None
    refusals: list[Refused]
    invitation: InvitationRecord | None = None

    def path(self, *steps: str) -> list[str]:
        """Return where a part of the row stands in the input."""
        return ["invitees", str(self.index), *steps]


async def invite(
    context: RequestContext,
    organization_id: OrganizationId,
    rows: Sequence[InviteeRow],
    *,
    said: str | None,
    days: int,
    key: str,
) -> list[InvitationOutcome]:
    """Invite each person to the organization, parallel to `rows`; done once for each key.

    An invitation counts for so many `days`, and no longer than what it gives. The mail leaves from the outbox after
    the change is stored, so a mail server that is down never loses an invitation. Whether an address has an
    account is disclosed to nobody: the membership is that of a row that stands for the person until they accept.

    Raises:
        Invalid: No rows or more than 50, a message that is too long, days that are none.
        Forbidden: The caller does not manage members there (any more), or the organization is not active.
    """
    with together() as checking:
        if not 1 <= len(rows) <= MOST_AT_ONCE:
            wrong = Text("Invite 1 to {most} people at once.", most=MOST_AT_ONCE)
            checking.refuse(Invalid(wrong, ["invitees"], f"entries 1..{MOST_AT_ONCE}"))
        if not 1 <= days <= MOST_DAYS:
            wrong = Text("An invitation is valid for 1 to {most} days.", most=MOST_DAYS)
            checking.refuse(Invalid(wrong, ["expires_in_days"], f"1..{MOST_DAYS}"))
        note = checking.check(lambda: message(said, ["message"], LONGEST_MESSAGE))
    counted: dict[str, TooManyAttempts | None] = {}

    async def command(change: DirectoryChange) -> list[dict[str, Any]]:
        organization, viewer = await acting_in(context, change, organization_id, MANAGE_MEMBERS)
        asked = [_checked(context, index, row) for index, row in enumerate(rows)]
        _mark_repeated(asked)
        for row in asked:
            if row.checked is not None:
                row.refusals += _not_delegable(context, viewer.standings[organization_id], row, row.checked)
        await _store(context, change, organization, asked, note, days, counted)
        return [
            {
                "email": row.asked.email[:_LONGEST_SHOWN],
                "invitation": row.invitation.id if row.invitation is not None else None,
                "membership": row.invitation.membership_id if row.invitation is not None else None,
                "errors": [receipts.written(refusal) for refusal in row.refusals],
            }
            for row in asked
        ]

    once = Once(key, "inviteMembers", [organization_id, list(rows), said, days])
    return await _outcomes(context, await changed_once(context, once, command))


def _checked(context: RequestContext, index: int, asked: InviteeRow) -> _Row:
    """Return the row with its values trimmed, or with what is wrong with them."""
    row = _Row(index, asked, None, [])
    found = Together()

    def language() -> str | None:
        return locale(asked.locale, row.path("locale")) if asked.locale is not None else None

    address = found.check(lambda: _address(context, asked.email, row))
    first_name = found.check(lambda: optional_text(asked.first_name, row.path("first_name")))
    last_name = found.check(lambda: optional_text(asked.last_name, row.path("last_name")))
    spoken = found.check(language)
    found.check(lambda: _given(context, row))
    until = found.check(lambda: _ends(context, row))
    row.refusals = found.refusals
    if not row.refusals and address is not None:
        row.checked = replace(
            asked,
            email=address,
            first_name=first_name,
            last_name=last_name,
            locale=spoken,
            valid_until=until,
            role_keys=tuple(dict.fromkeys(asked.role_keys)),
            permissions=tuple(dict.fromkeys(asked.permissions)),
        )
    return row


def _address(context: RequestContext, value: str, row: _Row) -> str:
    address = email(value, row.path("email"))
    assert context.caller is not None
    if login_key(address) == login_key(context.caller.user.email):
        raise Invalid(Text("This is your own address. Enter somebody else's."), row.path("email"), "not your own")
    return address


def _given(context: RequestContext, row: _Row) -> None:
    asked = row.asked
    if not asked.role_keys and not asked.permissions:
        raise Invalid(
            Text("Choose at least one role or direct permission."), row.path("role_keys"), "roles or permissions"
        )
    if len(asked.role_keys) > _MOST_KEYS:
        raise Invalid(
            Text("Choose at most {most} roles.", most=_MOST_KEYS), row.path("role_keys"), f"entries 0..{_MOST_KEYS}"
        )
    with together() as found:
        for number, key in enumerate(asked.role_keys):
            if key not in context.policy.roles:
                path = row.path("role_keys", str(number))
                found.refuse(Invalid(no_such_role(context, key), path, "known role"))


def _ends(context: RequestContext, row: _Row) -> datetime | None:
    until = instant(row.asked.valid_until, row.path("valid_until"))
    if until is not None and until <= context.now:
        raise Invalid(
            Text("This date has passed. Choose one in the future, or none for no end."),
            row.path("valid_until"),
            "in the future",
        )
    return until


def _mark_repeated(rows: Sequence[_Row]) -> None:
    """Refuse the second and every later row of the same address."""
    first: dict[str, int] = {}
    for row in rows:
        address = login_key(row.checked.email if row.checked is not None else row.asked.email)
        if (earlier := first.setdefault(address, row.index)) != row.index:
            row.refusals.append(
                Invalid(
                    Text("This is also the address of entry {number}.", number=earlier + 1),
                    row.path("email"),
                    "each address once",
                )
            )
            row.checked = None


def _not_delegable(context: RequestContext, standing: Standing, row: _Row, checked: InviteeRow) -> list[NotDelegable]:
    return not_delegables(
        context,
        standing,
        ((key, row.path("role_keys", str(row.asked.role_keys.index(key)))) for key in checked.role_keys),
        ((code, row.path("permissions", str(row.asked.permissions.index(code)))) for code in checked.permissions),
    )


async def _store(
    context: RequestContext,
    change: DirectoryChange,
    organization: OrganizationRecord,
    rows: Sequence[_Row],
    note: str | None,
    days: int,
    counted: dict[str, TooManyAttempts | None],
) -> None:
    """Store the rows that are right, with their mails; `counted` keeps what was counted when it is tried again."""
    valid = [(row, row.checked) for row in rows if row.checked is not None and not row.refusals]
    known = await invitees(change.ask, [(organization.id, checked.email) for _, checked in valid])
    standing_in = await _rows_standing_in(change, known)
    new: list[NewInvitation] = []
    mails = []
    for (row, checked), invitee, person in zip(valid, known, standing_in, strict=True):
        if conflict := in_the_way(context, invitee, row.path("email")):
            row.refusals.append(conflict)
            continue
        if refusal := await _counted(context, organization.id, checked.email, counted):
            row.refusals.append(TooManyAttempts(refusal.retry_after_seconds, row.path("email")))
            continue
        token = new_token()
        own = _membership_of(invitee, person, checked)
        row.invitation = _invitation(context, organization.id, own, checked, note, days)
        if invitee.last is not None and invitee.last.status is InvitationStatus.PENDING:  # past its time
            await end_invitation(context, change, invitee.last, InvitationStatus.EXPIRED, author(context))
        if own is not None:
            if person is not None:
                await change.update_invited(
                    replace(_stand_in(context, checked), id=person.id, created_at=person.created_at)
                )
            await use_membership(context, change, own, row.invitation)
        stands_for = _stand_in(context, checked) if own is None else None
        new.append(NewInvitation(row.invitation, hash_of(token), stands_for))
        mails.append(invitation_mail(context, organization, row.invitation, token))
    await recorded.add_invitations(change, new, by=author(context), now=context.now)
    for mail in mails:
        await queue_mail(context, change, mail)


async def _rows_standing_in(change: DirectoryChange, known: Sequence[Invitee]) -> list[UserRecord | None]:
    """Return whom each address's last invitation was for, None without one."""
    last = [invitee.last.membership_id for invitee in known if invitee.last is not None]
    found = await change.ask.memberships(last)
    users = await change.ask.users([one.user_id for one in found if one is not None])
    people = {one.id: one for one in users if one is not None}
    persons = {one.id: people.get(one.user_id) for one in found if one is not None}
    return [persons.get(invitee.last.membership_id) if invitee.last is not None else None for invitee in known]


def _membership_of(invitee: Invitee, person: UserRecord | None, checked: InviteeRow) -> MembershipId | None:
    """Return the membership to use again: a former member's, else that of the row that stood for the address before."""
    if invitee.member is not None:
        return invitee.member.id
    if invitee.last is None or person is None or person.email_verified:
        return None
    return invitee.last.membership_id if login_key(person.email) == login_key(checked.email) else None


async def _counted(
    context: RequestContext,
    organization_id: OrganizationId,
    address: str,
    counted: dict[str, TooManyAttempts | None],
) -> TooManyAttempts | None:
    """Count the mail once, however often the change is tried, and return why it may not leave."""
    if address not in counted:
        try:
            await count_mail(context, organization_id, address)
            counted[address] = None
        except TooManyAttempts as refusal:
            counted[address] = refusal
    return counted[address]


def _invitation(
    context: RequestContext,
    organization_id: OrganizationId,
    membership_id: MembershipId | None,
    checked: InviteeRow,
    note: str | None,
    days: int,
) -> InvitationRecord:
    assert context.caller is not None
    return InvitationRecord(
        id=InvitationId(new_id("inv")),
        organization_id=organization_id,
        membership_id=membership_id or MembershipId(new_id("mbr")),
        email=checked.email,
        first_name=checked.first_name,
        last_name=checked.last_name,
        locale=checked.locale,
        message=note,
        role_keys=checked.role_keys,
        permissions=checked.permissions,
        valid_until=instant(checked.valid_until, []),
        status=InvitationStatus.PENDING,
        created_at=context.now,
        expires_at=until(context, timedelta(days=days), instant(checked.valid_until, [])),
        last_sent_at=context.now,
        send_count=1,
        inviter_id=context.caller.user.id,
        accepted_by_id=None,
        ended_at=None,
    )


def _stand_in(context: RequestContext, checked: InviteeRow) -> UserRecord:
    """Return the row that stands for an invited person: it says what the invitation says, and nothing else."""
    first_name, last_name = checked.first_name or "", checked.last_name or ""
    return new_user(context, checked.email, first_name, last_name, is_confirmed=False, locale=checked.locale)


async def _outcomes(context: RequestContext, receipt: Sequence[dict[str, Any]]) -> list[InvitationOutcome]:
    """Return what the receipt says, with the records as they are now."""
    directory = context.backends.directory
    pointed = [error["node"] for row in receipt for error in row["errors"] if error.get("node")]
    wanted_invitations = [row["invitation"] for row in receipt if row["invitation"]]
    wanted_memberships = [row["membership"] for row in receipt if row["membership"]]
    found = [
        *await directory.approvals(
            INVITATIONS, [*wanted_invitations, *(id for id in pointed if id.startswith("inv_"))]
        ),
        *await directory.memberships([*wanted_memberships, *(id for id in pointed if id.startswith("mbr_"))]),
    ]
    records: dict[str, Any] = {record.id: record for record in found if record is not None}
    return [
        InvitationOutcome(
            row["email"],
            records.get(row["invitation"]),
            records.get(row["membership"]),
            tuple(receipts.read(error, records) for error in row["errors"]),
        )
        for row in receipt
    ]
