"""What people are written about invitations."""

from connectors.directory.directory import DirectoryChange
from connectors.directory.records.invitations import InvitationRecord
from connectors.directory.records.memberships import MembershipStatus
from connectors.directory.records.organizations import OrganizationRecord
from resolvers.approvals.lists import permissions_of, roles_of
from resolvers.context import RequestContext
from resolvers.localization import in_language
from resolvers.mail.queue import Mail, write_to
from resolvers.mail.templates import Value
from resolvers.people import administrators, display_name


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
    values: dict[str, Value] = {
        "name": name or None,
        "organization": organization.name,
        "inviter": display_name(context, sender),
        "roles": [context.policy.labels_of(key) for key in (*invitation.role_keys, *invitation.permissions)],
        "message": invitation.message,
        "expires_at": invitation.expires_at.isoformat(),
    }
    return Mail("invitation", invitation.email, locale, values, token, sender.time_zone)


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
    people = [found] if is_member else await administrators(context, change.ask, organization.id)
    await write_to(
        context, change, people, "invitation_declined", _values(organization, invitation), about=_about(invitation)
    )


async def notify_administrators(
    context: RequestContext,
    change: DirectoryChange,
    organization: OrganizationRecord,
    invitation: InvitationRecord,
) -> None:
    """Notify the administrators that the invited person would like to be invited again."""
    people = await administrators(context, change.ask, organization.id)
    await write_to(
        context,
        change,
        people,
        "invitation_renewal_wanted",
        _values(organization, invitation),
        about=_about(invitation),
    )


def _values(organization: OrganizationRecord, invitation: InvitationRecord) -> dict[str, str]:
    return {"organization": organization.name, "email": invitation.email}


def _about(invitation: InvitationRecord) -> dict[str, str]:
    return {"organization": invitation.organization_id, "id": invitation.id}
