"""Leaving permanently: asked for by the person, done after thirty days unless they think better of it."""

import logging
from collections.abc import Sequence
from datetime import timedelta

from connectors.directory.directory import DirectoryChange
from connectors.directory.records.accounts import AccountDeletionRecord, MailedTokenPurpose, MailedTokenRecord
from connectors.directory.records.audit import Author
from connectors.directory.records.caller import CallerRecord
from connectors.directory.records.memberships import MembershipFilter, MembershipRecord, MembershipStatus
from connectors.directory.records.organizations import OrganizationStatus
from connectors.directory.records.people import UserRecord
from connectors.errors import ConnectorError
from connectors.ids import UserId
from connectors.pages import Slice
from connectors.rate_limits.interface import Limit
from resolvers.account.credentials import erase_password
from resolvers.approvals.initiators import end_what_they_may_not_begin
from resolvers.audit import recorded
from resolvers.context import RequestContext
from resolvers.mail.queue import mail_to, queue_mail
from resolvers.members.administrators import hand_on_login_name, last_administrator, lasting_administrators
from resolvers.one_time_tokens import hash_of, new_token
from resolvers.people import display_name
from resolvers.rate_limiting import Attempts, check_attempts
from resolvers.refusals import Invalid, LastAdministrator, TokenInvalid
from resolvers.texts import Text
from resolvers.transactions import Once, Receipt, author, changed, changed_once

log = logging.getLogger("forecourt.accounts")

GRACE = timedelta(days=30)
POSTPONED_BY = timedelta(days=7)
AT_ONCE = 20
MOST_MEMBERSHIPS = 1_000

_CANCELLATIONS = Attempts("cancel-deletion", Limit(30, 300))


async def request_account_deletion(context: RequestContext, key: str | None) -> None:
    """Have the caller's account deleted in thirty days, and write to them how to prevent it; once planned, it stays so.

    Raises:
        LastAdministrator: They are the last administrator of an active organization; the candidates are its members.
        KeyReused, Invalid: See `changed_once`.
    """
    caller = context.caller
    assert caller is not None  # the guard has asked
    id = caller.user.id

    async def request(change: DirectoryChange) -> Receipt:
        await _lock_all(change, id)
        user = await change.lock_user(id)
        (planned,) = await change.ask.account_deletions([id])
        if user is None or planned is not None:
            return None
        await _check_administered_without(context, change, id)
        await _plan(context, change, user, AccountDeletionRecord(id, context.now, context.now + GRACE))
        await change.record(author(context).entry("account.deletion_request", id, None), context.now)
        return None

    await changed_once(context, Once(key, "requestAccountDeletion", {}), request)


async def cancel_account_deletion(context: RequestContext, token: str | None) -> None:
    """Let the account stay: that of the mail's token, else the caller's. When nothing is planned, nothing happens.

    Raises:
        TokenInvalid: The token is unknown, used, or too late.
        Invalid: There is no token, and nobody is signed in.
        TooManyAttempts: From this address, in the last minutes.
    """
    attempt = await check_attempts(context, _CANCELLATIONS)
    if token is None and context.caller is None:
        raise Invalid(Text("Use the link in the e-mail, or sign in."), ["token"], "required")

    async def cancel(change: DirectoryChange) -> None:
        if token is not None:
            used = await change.use_mailed_token(hash_of(token), MailedTokenPurpose.DELETION_CANCEL, context.now)
            if used is None:
                raise TokenInvalid
            id = used.user_id
        else:
            assert context.caller is not None  # asked above
            id = context.caller.user.id
        await change.lock_user(id)
        await change.void_mailed_tokens(id, MailedTokenPurpose.DELETION_CANCEL)
        if await change.cancel_account_deletion(id) is not None:
            by = Author(id, context.request_id, context.ip_address)
            await change.record(by.entry("account.deletion_cancel", id, None), context.now)

    await changed(context, cancel)
    await attempt.give_back()


async def delete_due_accounts(context: RequestContext) -> None:
    """Delete the accounts whose thirty days are over, each in a transaction of its own.

    One that cannot be deleted now does not keep the others waiting; it is tried again the next time.
    """
    for due in await context.backends.directory.due_account_deletions(context.now, limit=AT_ONCE):
        try:
            await _delete(context, due.user_id)
        except ConnectorError as error:
            log.warning("account not deleted", extra={"user": due.user_id, "reason": str(error)})


async def deletion_due_of(context: RequestContext, callers: Sequence[CallerRecord]) -> Sequence[object]:
    """Return when each caller's account will be deleted; None for never, and to somebody who looks as the caller."""
    if context.view_as is not None:
        return [None] * len(callers)
    planned = await context.backends.directory.account_deletions([caller.user.id for caller in callers])
    return [one.due_at if one is not None else None for one in planned]


async def _delete(context: RequestContext, id: UserId) -> None:
    by = Author(None, context.request_id)

    async def delete(change: DirectoryChange) -> None:
        held = await _lock_all(change, id)
        user = await change.lock_user(id)
        (planned,) = await change.ask.account_deletions([id])
        if user is None or planned is None or planned.due_at > context.now:  # cancelled, or done, meanwhile
            return
        try:
            await _check_administered_without(context, change, id)
        except LastAdministrator:
            later = AccountDeletionRecord(id, planned.requested_at, context.now + POSTPONED_BY)
            await _plan(context, change, user, later)
            await change.record(by.entry("account.deletion_postpone", id, None), context.now)
            return
        await _leave_all(context, change, held, by)
        for organization in await change.ask.organizations([one.organization_id for one in held]):
            if organization is not None:
                await hand_on_login_name(context, change, organization, by=by)
        await recorded.set_vendor_permissions(change, id, (), by=by, now=context.now)
        await change.end_sessions(id, context.now)
        await change.forget_person(id, context.now)
        await erase_password(context, change, id)
        await change.record(by.entry("account.delete", id, None), context.now)
        if user.email_verified:
            values = {"name": display_name(context, user)}
            await queue_mail(context, change, mail_to(user, "account_deleted", values))

    await changed(context, delete)


async def _lock_all(change: DirectoryChange, id: UserId) -> Sequence[MembershipRecord]:
    """Lock every organization of the person, in one order everywhere, and return their memberships then."""
    (before,) = await change.ask.memberships_of(
        [id], Slice(MOST_MEMBERSHIPS), where=MembershipFilter(tuple(MembershipStatus))
    )
    for organization_id in sorted({one.organization_id for one in before.items}):
        await change.lock_organization(organization_id)
    (held,) = await change.ask.memberships_of(
        [id], Slice(MOST_MEMBERSHIPS), where=MembershipFilter(tuple(MembershipStatus))
    )
    return held.items


async def _leave_all(
    context: RequestContext, change: DirectoryChange, held: Sequence[MembershipRecord], by: Author
) -> None:
    for grants in await change.ask.grants_of([membership.id for membership in held]):
        for grant in grants:
            await recorded.revoke(change, grant.id, by=by, now=context.now)
    for membership in held:
        await recorded.set_membership_status(change, membership.id, MembershipStatus.REMOVED, by=by, now=context.now)
        await end_what_they_may_not_begin(context, change, membership.organization_id, membership.user_id, by)


async def _plan(
    context: RequestContext, change: DirectoryChange, user: UserRecord, deletion: AccountDeletionRecord
) -> None:
    token, purpose = new_token(), MailedTokenPurpose.DELETION_CANCEL
    await change.schedule_account_deletion(deletion)
    await change.void_mailed_tokens(user.id, purpose)
    await change.add_mailed_token(
        MailedTokenRecord(hash_of(token), purpose, user.id, None, context.now, deletion.due_at)
    )
    if user.email_verified:
        values = {"name": display_name(context, user), "due_at": deletion.due_at.isoformat()}
        mail = mail_to(user, "account_deletion_scheduled", values, token)
        await queue_mail(context, change, mail)


async def _check_administered_without(context: RequestContext, change: DirectoryChange, id: UserId) -> None:
    """Return when every active organization of the person is administered by somebody else too.

    Raises:
        LastAdministrator: One is not.
    """
    caller = await change.ask.caller(id, None, context.now)
    ids = [
        standing.organization_id
        for standing in (caller.standings.values() if caller is not None else ())
        if standing.membership_status is MembershipStatus.ACTIVE
        and standing.organization.status is OrganizationStatus.ACTIVE
    ]
    found = await lasting_administrators(context, change.ask, ids)
    for organization_id, administrators in zip(ids, found, strict=True):
        if {one.user_id for one in administrators} == {id}:
            raise await last_administrator(change.ask, organization_id, None, [one.id for one in administrators])
