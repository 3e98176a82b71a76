"""The vendor's staff who review registrations: who they are, and how they hear of one (K21)."""

from connectors.directory.deeds import DirectoryChange
from connectors.directory.registrations import RegistrationRecord
from permissions.viewer import Viewer
from permissions.vocabulary import Permission, mask_of
from resolvers.changes import forbidden
from resolvers.context import RequestContext
from resolvers.errors import Forbidden, NotFound
from resolvers.mail import Mail, queue_mail
from resolvers.viewers import viewer_of

REVIEW = Permission.REGISTRATION_REVIEW

_MASK = mask_of([REVIEW])


def is_reviewer(context: RequestContext) -> bool:
    """Return whether the caller reviews registrations."""
    return context.viewer is not None and bool(context.viewer.vendor_mask & _MASK)


async def tell_reviewers(
    context: RequestContext, change: DirectoryChange, registration: RegistrationRecord, *, overdue: bool = False
) -> None:
    """Write to everybody who may decide that a registration waits for them."""
    if REVIEW not in context.policy.vendor_permissions:
        return
    (reviewers,) = await change.ask.vendor_staff_with([REVIEW])
    values = {
        "reference": registration.reference,
        "organization": registration.organization_name,
        "overdue": "yes" if overdue else None,
    }
    for reviewer in reviewers:
        if reviewer.email_verified:
            await queue_mail(context, change, Mail("registration_to_review", reviewer.email, reviewer.locale, values))


async def reviewing(context: RequestContext, change: DirectoryChange) -> Viewer:
    """Return the caller as they are now, who may still review registrations.

    The guard has asked before the transaction; meanwhile the caller may have lost it.

    Raises:
        Forbidden: They may not, any more.
    """
    if context.caller is None:
        raise NotFound("registration", ["id"])
    caller = await change.ask.caller(context.caller.user.id, context.caller.session_id, context.now)
    viewer = viewer_of(caller, context.policy) if caller is not None else None
    if viewer is None or not viewer.vendor_mask & _MASK:
        refusal: Forbidden = forbidden(context, viewer, (REVIEW,), None)
        raise refusal
    return viewer
