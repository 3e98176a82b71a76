"""How the vendor's staff who review registrations hear of one."""

from connectors.directory.directory import DirectoryChange
from connectors.directory.records.registrations import RegistrationRecord
from permissions.access_rules import REVIEW_REGISTRATIONS
from resolvers.context import RequestContext
from resolvers.mail.queue import write_to
from resolvers.people import vendor_staff


async def notify_reviewers(
    context: RequestContext, change: DirectoryChange, registration: RegistrationRecord, *, overdue: bool = False
) -> None:
    """Write to everybody who may decide that a registration waits for them."""
    values = {
        "reference": registration.reference,
        "organization": registration.organization_name,
        "overdue": "yes" if overdue else None,
    }
    people = await vendor_staff(context, change.ask, REVIEW_REGISTRATIONS)
    await write_to(context, change, people, "registration_to_review", values, about={"id": registration.id})
