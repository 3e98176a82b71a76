"""The devices on which somebody is signed in, seen and signed out by the person themself."""

from collections.abc import Sequence

from connectors.directory.directory import DirectoryChange
from connectors.directory.records.caller import CallerRecord
from connectors.directory.records.sessions import SessionRecord
from connectors.ids import OrganizationId, SessionId
from connectors.wanted import reads
from resolvers.context import RequestContext
from resolvers.organizations.queries import is_visible
from resolvers.refusals import NotFound
from resolvers.transactions import author, changed

MOST_SHOWN = 50


async def sessions_of(context: RequestContext, callers: Sequence[CallerRecord]) -> Sequence[Sequence[SessionRecord]]:
    """Return each caller's running sessions, seen last first, 50 at most; none to somebody who looks as the caller."""
    if context.view_as is not None:
        return [()] * len(callers)
    ids = [caller.user.id for caller in callers]
    return await context.backends.directory.sessions_of(ids, now=context.now, limit=MOST_SHOWN)


@reads(SessionRecord, lambda session: session.id)
def is_current(context: RequestContext, session: SessionRecord) -> bool:
    """Return whether this request is made in the session."""
    return context.caller is not None and context.caller.session_id == session.id


async def revoke_session(context: RequestContext, id: SessionId) -> None:
    """End one of the caller's sessions; its tokens are refused from the next request on.

    Raises:
        NotFound: There is no such session, it is over, or it is somebody else's; which one is not said.
    """
    caller = context.caller
    assert caller is not None  # the guard has asked

    async def revoke(change: DirectoryChange) -> None:
        (session,) = await change.ask.sessions([id], context.now)
        if session is None or session.user_id != caller.user.id:
            raise NotFound("session", ["id"])
        await change.end_session(id, context.now)
        await change.record(author(context).entry("session.revoke", id, None), context.now)

    await changed(context, revoke)
    if id == caller.session_id:
        context.become(None)


async def revoke_other_sessions(context: RequestContext) -> None:
    """End all sessions of the caller but this one."""
    caller = context.caller
    assert caller is not None  # the guard has asked

    async def revoke(change: DirectoryChange) -> None:
        ended = await change.end_sessions(caller.user.id, context.now, but=caller.session_id)
        if ended:
            after = {"sessions_ended": str(ended)}
            entry = author(context).entry("session.revoke_others", caller.user.id, None, after=after)
            await change.record(entry, context.now)

    await changed(context, revoke)


async def set_default_organization(context: RequestContext, id: OrganizationId) -> None:
    """Let the caller look at this organization first; they belong to it, as the guard has seen."""
    caller = context.caller
    assert caller is not None  # the guard has asked

    async def choose(change: DirectoryChange) -> None:
        user = await change.lock_user(caller.user.id)
        if user is None or not is_visible(context, id):
            raise NotFound("organization", ["id"])
        if user.default_organization_id == id:
            return
        await change.set_default_organization(user.id, id)
        before, after = ({"organization": one} for one in (user.default_organization_id, id))
        entry = author(context).entry("profile.default_organization", user.id, None, before=before, after=after)
        await change.record(entry, context.now)

    await changed(context, choose)
    context.become(await context.backends.directory.caller(caller.user.id, caller.session_id, context.now))
