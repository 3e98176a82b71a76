"""What people are written about invitations."""

from collections.abc import Sequence

from connectors.directory.directory import DirectoryChange
from connectors.directory.records.invitations import InvitationRecord
from connectors.directory.records.memberships import MembershipRecord, MembershipStatus
from connectors.directory.records.organizations import OrganizationRecord
from connectors.directory.records.people import UserRecord
from resolvers.context import RequestContext
from resolvers.invitations.queries import permissions_of, roles_of
from resolvers.localization import in_language
from resolvers.mail.queue import Mail, queue_mail
from resolvers.people import display_name


def labels_of(context: RequestContext, invitation: InvitationRecord, locale: str | None) -> list[str]:
    """Return what the invitation gives as people call it: its roles, then its direct permissions."""
    roles = (role.labels for role in roles_of(context, invitation))
    rights = (permission.labels for permission in permissions_of(context, invitation))
    return [in_language(context, labels, locale) for labels in (*roles, *rights)]


def invitation_mail(
    context: RequestContext, organization: OrganizationRecord, invitation: InvitationRecord, token: str
) -> Mail:
    """Return the mail to the invited person, in the language given for them, else in the sender's."""
    assert context.caller is not None
    sender = context.caller.user
    locale = invitation.locale or sender.locale or next(iter(context.languages), None)
    name = " ".join(part for part in (invitation.first_name, invitation.last_name) if part)
    values: dict[str, str | Sequence[str] | None] = {
        "name": name or None,
        "organization": organization.name,
        "inviter": display_name(context, sender),
        "roles": labels_of(context, invitation, locale),
        "message": invitation.message,
        "expires_at": invitation.expires_at.isoformat(),
    }
    return Mail("invitation", invitation.email, locale, values, token)


async def notify_inviter(
    context: RequestContext,
    change: DirectoryChange,
    organization: OrganizationRecord,
    invitation: InvitationRecord,
) -> None:
    """Notify the sender that the invitation was declined; the administrators when that person is no member any more."""
    inviter_id = invitation.inviter_id
    (found,) = await change.ask.users([inviter_id]) if inviter_id is not None else (None,)
    (shared,) = await change.ask.members_with_email([(organization.id, found.email)]) if found is not None else (None,)
    is_member = shared is not None and shared.status is MembershipStatus.ACTIVE and shared.user_id == inviter_id
    people = [found] if found is not None and is_member else await _administrators(context, change, organization)
    await _notify(context, change, people, "invitation_declined", organization, invitation)


async def notify_administrators(
    context: RequestContext,
    change: DirectoryChange,
    organization: OrganizationRecord,
    invitation: InvitationRecord,
) -> None:
    """Notify the administrators that the invited person would like to be invited again."""
    people = await _administrators(context, change, organization)
    await _notify(context, change, people, "invitation_renewal_wanted", organization, invitation)


async def _administrators(
    context: RequestContext, change: DirectoryChange, organization: OrganizationRecord
) -> list[UserRecord]:
    holders: Sequence[Sequence[MembershipRecord]] = await change.ask.holders_of(
        [organization.id], role_keys=context.policy.administrative_role_keys(), permissions=(), now=context.now
    )
    users = await change.ask.users([one.user_id for one in holders[0]])
    return [user for user in users if user is not None and user.email_verified]


async def _notify(
    context: RequestContext,
    change: DirectoryChange,
    people: Sequence[UserRecord],
    template: str,
    organization: OrganizationRecord,
    invitation: InvitationRecord,
) -> None:
    for person in people:
        values = {"organization": organization.name, "email": invitation.email}
        await queue_mail(context, change, Mail(template, person.email, person.locale, values))
