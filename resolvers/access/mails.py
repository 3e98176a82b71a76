"""What members are written when somebody changes what they may do."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from babel.dates import format_date

from connectors.directory.directory import DirectoryChange
from connectors.directory.records.access import GrantKind, GrantRecord
from connectors.directory.records.organizations import OrganizationRecord
from connectors.directory.records.people import UserRecord
from permissions.vocabulary import Permission
from resolvers.context import RequestContext
from resolvers.languages import known_locale
from resolvers.localization import LAST_RESORT, in_their_language
from resolvers.mail.queue import Mail, queue_mail
from resolvers.people import display_name


def named(context: RequestContext, kind: GrantKind, key: str, locale: str | None) -> str:
    """Return what people call a role or right in this language."""
    if kind is GrantKind.ROLE:
        role = context.policy.roles.get(key)
        return in_their_language(role.labels, locale) if role is not None else key
    return in_their_language(Permission(key).labels, locale) if key in Permission.__members__ else key


def names_of(context: RequestContext, grants: Iterable[GrantRecord], locale: str | None) -> list[str]:
    """Return what people call these roles and rights, each with the day on which it ends automatically, if it does."""
    return [named(context, grant.kind, grant.key, locale) + _ending(grant.valid_until, locale) for grant in grants]


def _ending(until: datetime | None, locale: str | None) -> str:
    if until is None:
        return ""
    day = format_date(until, format="medium", locale=known_locale(locale) or LAST_RESORT)
    return f" (→ {day})"


def wanted_names(
    context: RequestContext, role_keys: Sequence[str], permissions: Sequence[str], locale: str | None
) -> list[str]:
    """Return what people call roles and rights that are asked for."""
    kinds = [(GrantKind.ROLE, key) for key in role_keys] + [(GrantKind.PERMISSION, key) for key in permissions]
    return [named(context, kind, key, locale) for kind, key in kinds]


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
        "gained": names_of(context, gained, user.locale),
        "lost": names_of(context, lost, user.locale),
    }
    await queue_mail(context, change, Mail("access_changed", user.email, user.locale, values))


async def notify_of_end(
    context: RequestContext, change: DirectoryChange, organization: OrganizationRecord, user: UserRecord
) -> None:
    """Write to somebody who does not belong to the organization any more."""
    if user.email_verified:
        values = {"organization": organization.name}
        await queue_mail(context, change, Mail("membership_ended", user.email, user.locale, values))
