"""What members are written when somebody changes what they may do."""

from collections.abc import Iterable

from connectors.directory.directory import DirectoryChange
from connectors.directory.records.access import GrantRecord
from connectors.directory.records.access_requests import AccessRequestRecord
from connectors.directory.records.organizations import OrganizationRecord
from connectors.directory.records.people import UserRecord
from resolvers.context import RequestContext
from resolvers.mail.queue import mail_to, queue_mail
from resolvers.people import display_name
from resolvers.texts import Text, Value


def names_of(context: RequestContext, grants: Iterable[GrantRecord]) -> list[Value]:
    """Return what people call these roles and permissions, each with the instant at which it ends, if it does."""
    named: list[Value] = []
    for grant in grants:
        labels = context.policy.labels_of(grant.key)
        until = grant.valid_until
        named.append(labels if until is None else Text("{access}, until {instant}", access=labels, instant=until))
    return named


def wanted_names(context: RequestContext, request: AccessRequestRecord) -> list[Value]:
    """Return what people call the roles and permissions that are asked for."""
    return [context.policy.labels_of(key) for key in (*request.role_keys, *request.permissions)]


def name_of_caller(context: RequestContext) -> str:
    """Return the name of whoever does this."""
    return display_name(context, context.caller.user) if context.caller is not None else ""


async def notify_of_change(
    context: RequestContext,
    change: DirectoryChange,
    organization: OrganizationRecord,
    user: UserRecord,
    gained: Iterable[GrantRecord],
    lost: Iterable[GrantRecord],
) -> None:
    """Write to a member whose access somebody else changed; who changes their own knows it, and the invited wait."""
    if not user.email_verified or (context.caller is not None and context.caller.user.id == user.id):
        return
    values = {
        "organization": organization.name,
        "by": name_of_caller(context),
        "gained": names_of(context, gained),
        "lost": names_of(context, lost),
    }
    await queue_mail(context, change, mail_to(user, "access_changed", values, about={"organization": organization.id}))


async def notify_of_end(
    context: RequestContext, change: DirectoryChange, organization: OrganizationRecord, user: UserRecord
) -> None:
    """Write to somebody who does not belong to the organization any more."""
    if user.email_verified:
        values = {"organization": organization.name}
        await queue_mail(context, change, mail_to(user, "membership_ended", values))
