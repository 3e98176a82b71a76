"""The vendor's staff who review registrations: who they are, and how they hear of one."""

from connectors.directory.directory import DirectoryChange
from connectors.directory.records.registrations import RegistrationRecord
from permissions.vocabulary import Permission, mask_of
from resolvers.context import RequestContext
from resolvers.mail.queue import Mail, queue_mail

REVIEW = Permission.REGISTRATION_REVIEW

_MASK = mask_of([REVIEW])


def is_reviewer(context: RequestContext) -> bool:
    """Return whether the caller reviews registrations."""
    return context.viewer is not None and bool(context.viewer.vendor_mask & _MASK)


async def notify_reviewers(
    context: RequestContext, change: DirectoryChange, registration: RegistrationRecord, *, overdue: bool = False
) -> None:
    """Write to everybody who may decide that a registration waits for them."""
    if REVIEW not in context.policy.vendor_permissions:
        return
    reviewers = await change.ask.holders_of_vendor_permission(REVIEW.value)
    values = {
        "reference": registration.reference,
        "organization": registration.organization_name,
        "overdue": "yes" if overdue else None,
    }
    for reviewer in reviewers:
        if reviewer.email_verified:
            await queue_mail(context, change, Mail("registration_to_review", reviewer.email, reviewer.locale, values))
