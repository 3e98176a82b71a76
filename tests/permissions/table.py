"""Who may use what, written by hand: the measure of the guards, not made from them.

A field with a resolver, or a guarded argument, input field or value, that is in no list here fails
`test_role_matrix.py`. Read docs/permissions.md before you add one.
"""

from dataclasses import dataclass


def names(text: str) -> frozenset[str]:
    """Return the names that blanks separate."""
    return frozenset(text.split())


EVERYBODY = names(
    """
    Mutation.signIn Mutation.refreshSession
    Mutation.acceptInvitation Mutation.declineInvitation Mutation.requestNewInvitation Query.invitationPreview
    Query.viewer Query.node Query.nodes Query.roles Query.permissions Query.applicationCatalogue
    AccessDecision.allowed AccessDecision.reason AccessDecision.grantableBy
    Application.id Application.key Application.name Application.tagline Application.description Application.iconUrl
    Application.category Application.platforms Application.publishedAt Application.audience Application.parent
    Application.modes
    ApplicationCategory.id ApplicationCategory.label
    ApplicationMode.key ApplicationMode.label
    ConflictError.currentVersion ConflictError.conflictingNode
    DirectGrant.permission DirectGrant.grantedBy
    Invitation.organizationName Invitation.organization Invitation.roles Invitation.permissions Invitation.status
    Invitation.inviter Invitation.acceptedBy Invitation.viewerCanResend Invitation.viewerCanRevoke
    InvitationConnection.edges InvitationConnection.nodes InvitationConnection.pageInfo InvitationConnection.totalCount
    InvitationPreview.roleLabels
    InvitationStateError.status InvitationStateError.canRequestNew
    InviteResult.email InviteResult.invitation InviteResult.membership InviteResult.errors
    LastAdministratorError.candidates
    Membership.user Membership.organization
    MembershipConnection.edges MembershipConnection.nodes MembershipConnection.pageInfo
    MembershipConnection.totalCount
    Money.amount Money.formatted
    Order.placedBy Order.lines Order.events
    OrderConnection.edges OrderConnection.nodes OrderConnection.pageInfo OrderConnection.totalCount
    OrderEvent.actor OrderEvent.message
    Organization.viewerMembership Organization.viewerCanManageMembers Organization.viewerCanManageOrganization
    Organization.viewerCanPlaceOrders
    PageInfo.startCursor PageInfo.endCursor
    PermissionError.reason PermissionError.missingPermissions PermissionError.grantableBy
    PermissionError.accessRequestable
    Permission.code Permission.label Permission.description
    RateLimitError.retryAfterSeconds
    Role.id Role.label Role.description Role.applications Role.isAdministrative
    RoleGrant.role RoleGrant.grantedBy
    User.displayName
    ValidationError.constraint
    Viewer.id Viewer.accountKind Viewer.emailVerified Viewer.loginNames Viewer.profileVersion Viewer.address
    Viewer.accessVersion Viewer.memberships Viewer.membership Viewer.pendingInvitations Viewer.defaultOrganization
    Viewer.applications Viewer.can
    """
)
"""For whoever was given the object they stand on; those of Query and Mutation for strangers too."""

SIGNED_IN = names(
    """
    Query.organization Organization.administrators
    Mutation.signOut Mutation.updateProfile
    """
)
"""For whoever is signed in."""


@dataclass(frozen=True)
class Opens:
    """The roles and single rights that open something, for each profile; with `own`, one's own is open to oneself."""

    solar_terminal: frozenset[str]
    software_house: frozenset[str]
    own: bool = False


def opens(solar_terminal: str, software_house: str, *, own: bool = False) -> Opens:
    """Return what opens something."""
    return Opens(names(solar_terminal), names(software_house), own)


BY_RIGHT = {
    "Organization.members": opens("administration", "licence_holder"),
    "Organization.invitations": opens("administration", "licence_holder"),
    "Mutation.inviteMembers": opens("administration", "licence_holder"),
    "Mutation.resendInvitation": opens("administration", "licence_holder"),
    "Mutation.revokeInvitation": opens("administration", "licence_holder"),
    "Organization.orders": opens("purchase", "licence_holder ORDER_PLACE ORDER_VIEW"),
    "Organization.orders(placedBy:)": opens("administration", "licence_holder", own=True),
    "Membership.roleGrants": opens("administration", "licence_holder", own=True),
    "Membership.directGrants": opens("administration", "licence_holder", own=True),
    "Membership.effectivePermissions": opens("administration", "licence_holder", own=True),
    "Membership.applications": opens("administration", "licence_holder", own=True),
    "User.email": opens("administration", "licence_holder", own=True),
    "User.phone": opens("administration", "licence_holder", own=True),
    "User.locale": opens("administration", "licence_holder", own=True),
}
"""For those who hold one of these in the organization of the object."""

WAYS = {
    "Query": "HERE",
    "Organization": "organization(id: $organization) { HERE }",
    "Membership": "organization(id: $organization) { administrators { id HERE } }",
    "User": "organization(id: $organization) { administrators { user { id HERE } } }",
}
"""How to reach an object of a type by fields that are open to every member, so that its own guards decide."""

OWN_WAYS = {
    "Organization": "organization(id: $organization) { HERE }",
    "Membership": "viewer { membership(organizationId: $organization) { HERE } }",
    "User": "viewer { user { HERE } }",
}
"""How to reach what is one's own."""

ARGUMENTS = {
    "Query.organization": "id: $organization",
    "Organization.orders(placedBy:)": "placedBy: PERSON",
}
"""What a field, or a guarded argument of it, is asked with; PERSON is a colleague, or oneself where it is one's own."""

DEEDS = {
    "Mutation.inviteMembers": (
        'mutation { inviteMembers(input: {organizationId: ORGANIZATION, invitees: [], idempotencyKey: "x"}) '
        "{ errors { code } } }"
    ),
    "Mutation.signOut": "mutation { signOut(input: {}) { accepted } }",
    "Mutation.updateProfile": "mutation { updateProfile(input: {expectedVersion: 99}) { errors { code } } }",
}
"""Each guarded mutation with an input that changes nothing that others of these tests need.

It asks for `errors { code }`. ORGANIZATION and MEMBERSHIP stand for the ids of the company and of its administrator's
membership. Whoever may do it is refused for another reason than FORBIDDEN and NOT_FOUND, or does it.
"""

TESTED_IN: dict[str, str] = {
    "Mutation.resendInvitation": "journeys/test_invitation_guards.py",
    "Mutation.revokeInvitation": "journeys/test_invitation_guards.py",
}
"""Guarded mutations of what is not there in a company that only has members: the file, below tests/, that tests
for each role what they answer."""
