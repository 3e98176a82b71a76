"""What an approval gives to a membership, and what has to be taken from it first."""

from collections.abc import Iterable
from datetime import datetime

from connectors.directory.directory import DirectoryChange
from connectors.directory.records.audit import Author
from connectors.ids import MembershipId
from resolvers.context import RequestContext
from resolvers.transactions import author


async def give(
    context: RequestContext,
    change: DirectoryChange,
    membership_id: MembershipId,
    role_keys: Iterable[str],
    permissions: Iterable[str],
    *,
    until: datetime | None,
) -> None:
    """Give the membership these roles and direct permissions."""
    by, now = author(context), context.now
    for key in role_keys:
        await change.grant_role(membership_id, key, until=until, by=by, now=now)
    for code in permissions:
        await change.grant_permission(membership_id, code, until=until, by=by, now=now)


async def take_all(context: RequestContext, change: DirectoryChange, membership_id: MembershipId, by: Author) -> None:
    """Revoke all that the membership was given, so that coming back does not bring it back."""
    (given,) = await change.ask.grants_of([membership_id])
    for grant in given:
        await change.revoke(grant.id, by=by, now=context.now)
