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
    Mutation.requestPasswordReset Mutation.requestLoginNameReminder Mutation.resetPassword
    Mutation.confirmEmailChange Mutation.cancelAccountDeletion
    Mutation.acceptInvitation Mutation.declineInvitation Mutation.requestNewInvitation Query.invitationPreview
    Mutation.registerPrivateAccount Mutation.registerOrganization Mutation.confirmRegistration
    Mutation.resendRegistrationMail
    Mutation.withdrawRegistration
    Query.registrationStatus Query.organizationRegistrationCheck Query.linkPreview
    Query.portal
    Portal.title Portal.contact Portal.logoUrl Portal.logoDarkUrl Portal.faviconUrl Portal.accentColour Portal.locales
    Portal.termsUrl Portal.privacyUrl Portal.imprintUrl Portal.helpUrl Portal.loginNameHint Portal.passwordRule
    Portal.registration Portal.consents
    SignInMethod.label PasswordRule.hint AccountKindOption.kind AccountKindOption.label AccountKindOption.description
    OrganizationKindOption.kind OrganizationKindOption.label ConsentOption.purpose ConsentOption.label
    RegistrationOptions.accountKinds RegistrationOptions.organizationKinds RegistrationOptions.additionalRoles
    RegistrationOptions.customerNumberHint RegistrationOptions.reviewHours
    Query.viewer Query.node Query.nodes Query.roles Query.permissions Query.applicationCatalogue
    AccessPreview.errors
    AccessRequest.membership AccessRequest.roles AccessRequest.permissions AccessRequest.status
    AccessRequest.decidedBy AccessRequest.viewerCanDecide AccessRequest.viewerCanWithdraw
    AccessRequestConnection.edges AccessRequestConnection.nodes AccessRequestConnection.pageInfo
    AccessRequestConnection.totalCount
    AccessWarning.message
    AccessDecision.allowed AccessDecision.reason AccessDecision.grantableBy
    Application.id Application.name Application.tagline Application.description Application.audience
    Application.parent
    ApplicationTile.organization ApplicationTile.openedByRoles ApplicationTile.requestable
    ApplicationTile.pendingRequest
    ApplicationTileMode.key ApplicationTileMode.label
    ApplicationCategory.id ApplicationCategory.label
    ApplicationMode.label
    AuditEvent.reason
    ApplicationMode.label
    AuditEvent.actor AuditEvent.subject AuditEvent.before AuditEvent.after AuditEvent.ipAddress
    AuditEvent.summary AuditEvent.actionLabel AuditEvent.subjectLabel AuditField.label AuditField.display
    AuditAction.label
    AuditEventConnection.edges AuditEventConnection.nodes AuditEventConnection.pageInfo AuditEventConnection.totalCount
    ChangeRequest.organization ChangeRequest.requestedBy ChangeRequest.requestedName ChangeRequest.requestedLegalName
    ChangeRequest.requestedSeat ChangeRequest.decidedBy ChangeRequest.decisionNote ChangeRequest.viewerCanWithdraw
    ChangeRequest.viewerCanDecide
    ChangeRequestConnection.edges ChangeRequestConnection.nodes ChangeRequestConnection.pageInfo
    ChangeRequestConnection.totalCount
    Consent.label Consent.history DataExport.status DataExport.downloadUrl Session.current Session.deviceLabel
    ConflictError.currentVersion ConflictError.conflictingNode
    DirectGrant.permission DirectGrant.grantedBy
    Invitation.organizationName Invitation.organization Invitation.membership Invitation.roles
    Invitation.permissions Invitation.status
    Invitation.inviter Invitation.acceptedBy Invitation.viewerCanResend Invitation.viewerCanRevoke
    InvitationConnection.edges InvitationConnection.nodes InvitationConnection.pageInfo InvitationConnection.totalCount
    InvitationPreview.roleLabels
    InvitationStateError.status InvitationStateError.canRequestNew
    InviteResult.email InviteResult.invitation InviteResult.membership InviteResult.errors
    JoinRequest.status JoinRequest.user JoinRequest.organization JoinRequestPayload.membership
    JoinRequestConnection.edges JoinRequestConnection.nodes JoinRequestConnection.pageInfo
    JoinRequestConnection.totalCount
    LastAdministratorError.candidates
    Membership.user Membership.organization
    Membership.viewerCanUpdateRoles Membership.viewerCannotUpdateRolesReasons Membership.viewerCanSuspend
    Membership.viewerCanReactivate Membership.viewerCanRemove Membership.viewerCannotRemoveReasons
    MembershipPayload.revokedInvitations
    MembershipConnection.edges MembershipConnection.nodes MembershipConnection.pageInfo
    MembershipConnection.totalCount
    Money.amount Money.formatted
    Order.placedBy Order.lines Order.events
    OrderConnection.edges OrderConnection.nodes OrderConnection.pageInfo OrderConnection.totalCount
    OrderEvent.actor OrderEvent.message
    Organization.viewerMembership Organization.viewerCanManageMembers Organization.viewerCanManageOrganization
    Organization.viewerCanPlaceOrders Organization.waiting
    Organization.assignableRoles Organization.assignablePermissions
    MemberAccessPreview.currentVersion MemberAccessPreview.preview
    WaitingCounts.accessRequests WaitingCounts.joinRequests WaitingCounts.invitations WaitingCounts.changeRequests
    WaitingCounts.orderApprovals
    OrganizationRegistration.status OrganizationRegistration.kind OrganizationRegistration.applicantName
    OrganizationRegistration.applicantEmail OrganizationRegistration.applicantPhone
    OrganizationRegistration.wantedRoles OrganizationRegistration.overdue OrganizationRegistration.rejectionReason
    OrganizationRegistration.question OrganizationRegistration.organization OrganizationRegistration.applicant
    OrganizationRegistration.history
    OrganizationRegistrationCheck.guidance OrganizationRegistrationCheck.maskedAdministrators
    OrganizationRegistrationCheck.canRequestToJoin
    OrganizationRegistrationConnection.edges OrganizationRegistrationConnection.nodes
    OrganizationRegistrationConnection.pageInfo OrganizationRegistrationConnection.totalCount
    PageInfo.startCursor PageInfo.endCursor
    PermissionError.reason PermissionError.missingPermissions PermissionError.grantableBy
    PermissionError.accessRequestable
    Permission.code Permission.label Permission.description
    RateLimitError.retryAfterSeconds
    RegistrationDuplicate.reasons
    RegistrationStatusView.guidance
    Role.id Role.label Role.description Role.applications Role.isAdministrative Role.viewerCanAssign
    RoleGrant.role RoleGrant.grantedBy
    User.displayName
    User.firstName
    ValidationError.constraint
    AccessRequestPayload.viewer AcknowledgementPayload.viewer ChangeRequestPayload.viewer InvitationPayload.viewer
    InviteMembersPayload.viewer JoinRequestPayload.viewer MembershipPayload.viewer OrganizationPayload.viewer
    RegisterOrganizationPayload.viewer RegisterPrivateAccountPayload.viewer RegistrationPayload.viewer
    SaveAddressPayload.viewer TransferAdministrationPayload.viewer UpdateMemberAccessPayload.viewer
    UpdateMembersAccessPayload.viewer WithdrawRegistrationPayload.viewer
    Viewer.id Viewer.accountKind Viewer.emailVerified Viewer.loginNames Viewer.profileVersion Viewer.address
    Viewer.newsletterSubscribed Viewer.consents Viewer.sessions Viewer.passwordChangeUrl Viewer.dataExports
    Viewer.deletionDueAt
    Viewer.registration Viewer.joinRequests
    Viewer.accessVersion Viewer.memberships Viewer.membership Viewer.defaultOrganization Viewer.applications Viewer.can
    Viewer.auditEvents
    Viewer.pendingInvitations
    """
)
"""For whoever was given the object they stand on; those of Query and Mutation for strangers too."""

SIGNED_IN = names(
    """
    Query.organization Organization.administrators
    Mutation.signOut Mutation.updateProfile Mutation.changePassword Mutation.requestEmailChange
    Mutation.setNewsletterSubscription Mutation.setConsent Mutation.setDefaultOrganization
    Mutation.revokeSession Mutation.revokeOtherSessions Mutation.requestDataExport Mutation.requestAccountDeletion
    Mutation.leaveOrganization Mutation.updateMember Mutation.requestAccess Mutation.withdrawAccessRequest
    Mutation.answerRegistration Mutation.requestToJoinOrganization Mutation.withdrawJoinRequest
    """
)
"""For whoever is signed in."""


@dataclass(frozen=True)
class Opens:
    """The roles and direct permissions that open something, by profile; with `own`, one's own is open to oneself."""

    solar_terminal: frozenset[str]
    software_house: frozenset[str]
    own: bool = False


def opens(solar_terminal: str, software_house: str, *, own: bool = False) -> Opens:
    """Return what opens something."""
    return Opens(names(solar_terminal), names(software_house), own)


BY_RIGHT = {
    "Query.previewAccess": opens("administration", "licence_holder"),
    "Query.previewMembersAccess": opens("administration", "licence_holder"),
    "Organization.memberCounts": opens("administration", "licence_holder"),
    "Organization.accessRequests": opens("administration", "licence_holder"),
    "Membership.openInvitations": opens("administration", "licence_holder"),
    "Membership.accessRequests": opens("administration", "licence_holder", own=True),
    "Mutation.updateMemberAccess": opens("administration", "licence_holder"),
    "Mutation.updateMembersAccess": opens("administration", "licence_holder"),
    "Mutation.suspendMember": opens("administration", "licence_holder"),
    "Mutation.reactivateMember": opens("administration", "licence_holder"),
    "Mutation.removeMember": opens("administration", "licence_holder"),
    "Mutation.transferAdministration": opens("administration", "licence_holder"),
    "Mutation.decideAccessRequest": opens("administration", "licence_holder"),
    "Organization.members": opens("administration", "licence_holder"),
    "Organization.invitations": opens("administration", "licence_holder"),
    "Mutation.inviteMembers": opens("administration", "licence_holder"),
    "Mutation.resendInvitation": opens("administration", "licence_holder"),
    "Mutation.revokeInvitation": opens("administration", "licence_holder"),
    "Organization.joinRequests": opens("administration", "licence_holder"),
    "Organization.orders": opens("purchase", "licence_holder ORDER_PLACE ORDER_VIEW"),
    "Organization.order": opens("purchase", "licence_holder ORDER_PLACE ORDER_VIEW"),
    "Organization.orders(placedBy:)": opens("administration", "licence_holder", own=True),
    "Membership.roleGrants": opens("administration", "licence_holder", own=True),
    "Membership.directGrants": opens("administration", "licence_holder", own=True),
    "Membership.effectivePermissions": opens("administration", "licence_holder", own=True),
    "Membership.applications": opens("administration", "licence_holder", own=True),
    "Membership.tiles": opens("administration", "licence_holder", own=True),
    "Organization.addressBook": opens("administration purchase", "licence_holder ORDER_PLACE"),
    "Organization.changeRequests": opens("administration", "licence_holder deputy ACCOUNT_MANAGE"),
    "Organization.auditEvents": opens("", "licence_holder"),
    "Organization.auditActions": opens("", "licence_holder"),
    "Query.organizationChangeRequests": opens("", ""),  # the vendor's
    "Mutation.updateOrganization": opens("administration", "licence_holder deputy ACCOUNT_MANAGE"),
    "Mutation.saveAddress": opens("administration purchase", "licence_holder ORDER_PLACE"),
    "Mutation.deleteAddress": opens("administration purchase", "licence_holder ORDER_PLACE"),
    "Mutation.requestOrganizationChange": opens("administration", "licence_holder deputy ACCOUNT_MANAGE"),
    "Mutation.withdrawOrganizationChange": opens("administration", "licence_holder deputy ACCOUNT_MANAGE"),
    "Mutation.decideOrganizationChange": opens("", ""),  # the vendor's
    "User.email": opens("administration", "licence_holder", own=True),
    "User.phone": opens("administration", "licence_holder", own=True),
    "User.locale": opens("administration", "licence_holder", own=True),
    "User.timeZone": opens("administration", "licence_holder", own=True),
    "JoinRequest.decidedBy": opens("administration", "licence_holder"),
    "Mutation.approveJoinRequest": opens("administration", "licence_holder"),
    "Mutation.declineJoinRequest": opens("administration", "licence_holder"),
    # The vendor's staff review registrations; no role of an organization does.
    "Query.registrations": opens("", ""),
    "OrganizationRegistration.duplicates": opens("", ""),
    "RegistrationEvent.by": opens("", ""),
    "Mutation.approveRegistration": opens("", ""),
    "Mutation.rejectRegistration": opens("", ""),
    "Mutation.requestRegistrationInformation": opens("", ""),
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
    "Query.previewAccess": "input: { membershipId: MEMBERSHIP, roleKeys: [] }",
    "Query.previewMembersAccess": (
        "organizationId: $organization, changes: [{ membershipId: MEMBERSHIP, roleKeys: [] }]"
    ),
    "Organization.orders(placedBy:)": "placedBy: PERSON",
    "Organization.order": 'number: "none"',
}
"""What a field, or a guarded argument of it, is asked with; PERSON is a colleague, or oneself where it is one's own.

MEMBERSHIP is the membership of the organization's administrator.
"""

COMMANDS = {
    "Mutation.updateMemberAccess": (
        "mutation { updateMemberAccess(input: {membershipId: MEMBERSHIP, expectedVersion: 99, roleKeys: []}) "
        "{ errors { code } } }"
    ),
    "Mutation.updateMembersAccess": (
        'mutation { updateMembersAccess(input: {organizationId: ORGANIZATION, changes: [], idempotencyKey: "1"}) '
        "{ errors { code } } }"
    ),
    "Mutation.suspendMember": (
        "mutation { suspendMember(input: {id: MEMBERSHIP, expectedVersion: 99}) { errors { code } } }"
    ),
    "Mutation.reactivateMember": (
        "mutation { reactivateMember(input: {id: MEMBERSHIP, expectedVersion: 99}) { errors { code } } }"
    ),
    "Mutation.removeMember": (
        "mutation { removeMember(input: {id: MEMBERSHIP, expectedVersion: 99}) { errors { code } } }"
    ),
    "Mutation.updateMember": (
        "mutation { updateMember(input: {id: THEMSELF, expectedVersion: 99}) { errors { code } } }"
    ),
    "Mutation.leaveOrganization": (
        'mutation { leaveOrganization(input: {organizationId: ORGANIZATION, idempotencyKey: ""}) { errors { code } } }'
    ),
    "Mutation.transferAdministration": (
        "mutation { transferAdministration(input: "
        '{organizationId: ORGANIZATION, toMembershipId: MEMBERSHIP, idempotencyKey: ""}) { errors { code } } }'
    ),
    "Mutation.requestAccess": ("mutation { requestAccess(input: {organizationId: ORGANIZATION}) { errors { code } } }"),
    "Mutation.inviteMembers": (
        'mutation { inviteMembers(input: {organizationId: ORGANIZATION, invitees: [], idempotencyKey: "x"}) '
        "{ errors { code } } }"
    ),
    "Mutation.answerRegistration": 'mutation { answerRegistration(input: {answer: ""}) { errors { code } } }',
    "Mutation.approveRegistration": 'mutation { approveRegistration(input: {id: "reg_x"}) { errors { code } } }',
    "Mutation.rejectRegistration": (
        'mutation { rejectRegistration(input: {id: "reg_x", reason: "x"}) { errors { code } } }'
    ),
    "Mutation.requestRegistrationInformation": (
        'mutation { requestRegistrationInformation(input: {id: "reg_x", question: "x"}) { errors { code } } }'
    ),
    "Mutation.requestToJoinOrganization": "mutation { requestToJoinOrganization(input: {}) { errors { code } } }",
    "Mutation.signOut": "mutation { signOut(input: {}) { accepted } }",
    "Mutation.updateOrganization": (
        "mutation { updateOrganization(input: {id: ORGANIZATION, expectedVersion: 99}) { errors { code } } }"
    ),
    "Mutation.saveAddress": (
        "mutation { saveAddress(input: {organizationId: ORGANIZATION, "
        'address: {street: [], postalCode: "", city: "", countryCode: ""}}) { errors { code } } }'
    ),
    "Mutation.requestOrganizationChange": (
        "mutation { requestOrganizationChange(input: {organizationId: ORGANIZATION}) { errors { code } } }"
    ),
    "Mutation.updateProfile": "mutation { updateProfile(input: {expectedVersion: 99}) { errors { code } } }",
    "Mutation.changePassword": (
        'mutation { changePassword(input: {currentPassword: "x", newPassword: "short"}) { errors { code } } }'
    ),
    "Mutation.requestEmailChange": (
        'mutation { requestEmailChange(input: {newEmail: "nobody@[127.0.0.1]", currentPassword: ""}) '
        "{ errors { code } } }"
    ),
    "Mutation.setNewsletterSubscription": (
        "mutation { setNewsletterSubscription(input: {subscribed: false}) { errors { code } } }"
    ),
    "Mutation.setConsent": (
        "mutation { setConsent(input: {purpose: NEWSLETTER, granted: false}) { errors { code } } }"
    ),
    "Mutation.setDefaultOrganization": (
        "mutation { setDefaultOrganization(input: {id: ORGANIZATION}) { errors { code } } }"
    ),
    "Mutation.revokeOtherSessions": "mutation { revokeOtherSessions(input: {}) { errors { code } } }",
    "Mutation.requestDataExport": ('mutation { requestDataExport(input: {idempotencyKey: ""}) { errors { code } } }'),
    "Mutation.requestAccountDeletion": (
        'mutation { requestAccountDeletion(input: {idempotencyKey: ""}) { errors { code } } }'
    ),
}
"""Each guarded mutation with an input that changes nothing that others of these tests need.

It asks for `errors { code }`. ORGANIZATION and MEMBERSHIP stand for the ids of the organization and of its
administrator's membership. Whoever may do it is refused for another reason than FORBIDDEN and NOT_FOUND, or does it.
"""

_REVIEW = "registrations/test_callers.py"
_JOINING = "join_requests/test_join_requests.py"

TESTED_IN: dict[str, str] = {
    "Mutation.deleteAddress": "organizations/test_contact_data.py",
    "Mutation.withdrawOrganizationChange": "change_requests/test_who_sees_them.py",
    "Mutation.decideOrganizationChange": "change_requests/test_who_sees_them.py",
    "Mutation.revokeSession": "account/test_own_account.py",
    "Mutation.withdrawAccessRequest": "access_requests/test_access_requests.py",
    "Mutation.decideAccessRequest": "access_requests/test_access_requests.py",
    "Mutation.resendInvitation": "invitations/test_guards.py",
    "Mutation.revokeInvitation": "invitations/test_guards.py",
    "JoinRequest.decidedBy": _JOINING,
    "Mutation.approveJoinRequest": _JOINING,
    "Mutation.declineJoinRequest": _JOINING,
    "Mutation.withdrawJoinRequest": _JOINING,
    "OrganizationRegistration.duplicates": _REVIEW,
    "RegistrationEvent.by": _REVIEW,
}
"""Guarded mutations of what an organization that only has members lacks, and guarded fields of such objects: the
file, below tests/, that tests for each role what they answer."""
