"""What happens to registrations when time passes: carried out every minute, by one process or by several."""

from dataclasses import replace

from connectors.directory.approvals import REGISTRATIONS
from connectors.directory.directory import DirectoryChange
from connectors.directory.records.registrations import RegistrationRecord, RegistrationStatus
from resolvers.context import RequestContext
from resolvers.registrations.review import store
from resolvers.registrations.reviewers import notify_reviewers
from resolvers.transactions import author, changed

AT_ONCE = 100
"""So many are taken at a time; the rest comes with the next minute."""


async def remind_of_overdue_registrations(context: RequestContext) -> None:
    """Write to the reviewers, once, about every registration that has waited for longer than it should."""
    for registration in await context.backends.directory.overdue_registrations(context.now, AT_ONCE):
        await _remind(context, registration)


async def expire_registrations(context: RequestContext) -> None:
    """Store as EXPIRED what nobody confirmed in time; the link counts for nothing from the instant itself."""
    for registration in await context.backends.directory.expired_approvals(REGISTRATIONS, context.now, limit=AT_ONCE):
        await _expire(context, registration)


async def _remind(context: RequestContext, registration: RegistrationRecord) -> None:
    async def command(change: DirectoryChange) -> None:
        if await change.mark_reminded(registration.id, context.now):
            await notify_reviewers(context, change, registration, overdue=True)
            entry = author(context).entry("registration.remind", registration.id, registration.organization_id)
            await change.record(entry, context.now)

    await changed(context, command)


async def _expire(context: RequestContext, registration: RegistrationRecord) -> None:
    async def command(change: DirectoryChange) -> None:
        (now,) = await change.ask.approvals(REGISTRATIONS, [registration.id])
        if now is None or now.status is not RegistrationStatus.EMAIL_UNVERIFIED:
            return
        after = replace(now, status=RegistrationStatus.EXPIRED)
        await store(context, change, "registration.expire", now, after)

    await changed(context, command)
