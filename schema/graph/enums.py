"""The enums of the graph: the words of the back ends and of the permissions, each value described."""

from collections.abc import Mapping
from enum import Enum

import strawberry
from strawberry.types.enum import EnumValue

from connectors.applications.interface import LaunchKind
from connectors.directory.records.accounts import ConsentPurpose, DataExportStatus
from connectors.directory.records.invitations import InvitationStatus
from connectors.directory.records.memberships import MemberOrderField, MembershipStatus
from connectors.directory.records.organizations import OrganizationKind, OrganizationStatus
from connectors.directory.records.registrations import LikenessReason, RegistrationStatus
from connectors.directory.records.requests import RequestStatus
from connectors.pages import SortDirection
from connectors.shop.interface import OrderSortField, OrderStatus
from connectors.values import AccountKind
from permissions.access_rules import OPEN, AccessRule
from permissions.vocabulary import DenialReason, Permission, PermissionScope
from resolvers.launcher import ApplicationAccessState
from resolvers.mail.links import MailLinkKind, MailLinkState
from resolvers.portal.facts import Domain, SignInKind
from resolvers.refusals import ErrorCode
from resolvers.registrations.already_registered import RegistrationCheckOutcome
from schema.graph.backends import BACKEND_TEXTS, Backend
from schema.graph.guards import described, directives_of


def _enum(
    of: type[Enum], description: str, values: dict[str, str], *, requires: Mapping[str, AccessRule] | None = None
) -> None:
    """Make an enum part of the graph under its own name, or only describe its values when it already is.

    `requires` are the guards of values, asked only when a request uses one in its input; see
    `schema.graph.input_guards`.
    """
    if not hasattr(of, "__strawberry_definition__"):
        strawberry.enum(of, description=description)
    for value in of.__strawberry_definition__.values:  # type: ignore[attr-defined]
        rule = (requires or {}).get(value.name, OPEN)
        value.description = described(values[value.name], rule)
        value.directives = tuple(directives_of(rule))


def take_in_extensions() -> None:
    """Let the enums to which extensions add have the words that the process has now, described."""
    texts = {permission.value: permission.descriptions["en"] for permission in Permission}
    for of, described_as in ((Permission, texts), (Backend, BACKEND_TEXTS)):
        of.__strawberry_definition__.values = [  # type: ignore[union-attr]
            EnumValue(word.value, word.value, description=described_as[word.value]) for word in of
        ]


_enum(
    PermissionScope,
    "Where a permission must be held.",
    {
        "ORGANIZATION": "In the organization of the object.",
        "VENDOR": "By the vendor's own staff, whatever the organization.",
    },
)
_enum(
    DenialReason,
    "Why somebody is not allowed to do something.",
    {
        "UNAUTHENTICATED": "Nobody is signed in.",
        "MISSING_PERMISSION": (
            "None of the person's roles and direct permissions in the organization gives the permission."
        ),
        "NOT_A_MEMBER": "The person is not an active member of the organization.",
        "ORGANIZATION_NOT_ACTIVE": "The organization is not active; the vendor can explain why.",
        "MEMBERSHIP_SUSPENDED": (
            "The person's membership is suspended; an administrator of the organization can explain why."
        ),
        "LAST_ADMINISTRATOR": "The organization would be left without an administrator.",
        "OWN_MEMBERSHIP": "It is not possible for one's own membership.",
        "NOT_DELEGABLE": "The person may not delegate or take back this role or permission.",
        "NOT_IN_THIS_STATE": "It is not possible in the object's current status.",
    },
)
_enum(
    AccountKind,
    "The kind of account: which kind of customer, or the vendor's own staff.",
    {
        "PRIVATE_OPERATOR": "Operates a plant privately.",
        "COMMERCIAL_OPERATOR": "Operates plants as a business.",
        "BUSINESS_CUSTOMER": "Works for an organization that installs, resells or uses the vendor's products.",
        "VENDOR_STAFF": "Works for the vendor.",
    },
)
_enum(
    OrganizationKind,
    "The relationship of an organization to the vendor.",
    {
        "INSTALLER": "Installs the vendor's products.",
        "RESELLER": "Resells the vendor's products.",
        "OPERATOR": "Operates plants with the vendor's products.",
        "LICENSEE": "Uses the vendor's software under licence.",
    },
)
_enum(
    OrganizationStatus,
    "The status of an organization; permissions apply only in an active one.",
    {
        "PENDING_REVIEW": "Registered, but not yet approved by the vendor.",
        "ACTIVE": "Active.",
        "REJECTED": "The vendor did not approve the registration.",
        "BLOCKED": "Blocked by the vendor for the time being.",
        "CLOSED": "Closed permanently.",
    },
)
_enum(
    MembershipStatus,
    "The status of a membership; permissions apply only to an active member.",
    {
        "INVITED": "Invited, and has not accepted yet.",
        "ACTIVE": "Is a member of the organization.",
        "SUSPENDED": "Is a member of the organization, but may do nothing for the time being.",
        "REMOVED": "Is no longer a member of the organization.",
    },
)
_enum(
    RequestStatus,
    "The status of a request that somebody has to decide.",
    {
        "PENDING": "Waiting for a decision.",
        "APPROVED": "Approved, and carried out.",
        "DECLINED": "Declined; the note says why.",
        "WITHDRAWN": "Withdrawn by the person who asked.",
        "EXPIRED": "Nobody decided in time.",
    },
)
_enum(
    ConsentPurpose,
    "What you can consent to; none of it applies before you have consented.",
    {
        "NEWSLETTER": "Receiving the newsletter by e-mail.",
        "PRODUCT_ADVICE": "Being advised on products by telephone or e-mail.",
        "USAGE_STATISTICS": "Having your use of the portal evaluated to improve it.",
    },
)
_enum(
    DataExportStatus,
    "The status of a data export.",
    {
        "PENDING": "It is being prepared.",
        "READY": "It can be downloaded.",
        "EXPIRED": "It has expired and was erased; request a new one.",
    },
)
_enum(
    InvitationStatus,
    "The status of an invitation.",
    {
        "PENDING": "Sent, and not answered yet.",
        "ACCEPTED": "Accepted; the person is a member.",
        "DECLINED": "Declined by the person.",
        "REVOKED": "Revoked by the organization.",
        "EXPIRED": "Not answered in time; it can be sent again.",
    },
)
_enum(
    RegistrationStatus,
    "The status of a registration.",
    {
        "EMAIL_UNVERIFIED": "The applicant has not confirmed the e-mail address yet.",
        "PENDING_REVIEW": "Waiting for the vendor's review.",
        "INFORMATION_REQUESTED": "Waiting for the applicant to answer the vendor's question.",
        "APPROVED": "Approved; the organization is active, or the account without an organization is open.",
        "REJECTED": "Rejected, with a reason.",
        "WITHDRAWN": "Withdrawn by the applicant.",
        "EXPIRED": "The e-mail address was not confirmed in time.",
    },
)
_enum(
    RegistrationCheckOutcome,
    "Whether an organization is registered.",
    {
        "NOT_REGISTERED": "No organization matches what was given.",
        "POSSIBLY_REGISTERED": "An organization matches.",
        "UNDER_REVIEW": "An organization matches, and the vendor is reviewing its registration.",
    },
)
_enum(
    LikenessReason,
    "In what respect two organizations are alike.",
    {
        "VAT_ID": "They have the same VAT number.",
        "CUSTOMER_NUMBER": "The applicant gave the customer number of the other one.",
        "NAME": "They have the same name, apart from case, punctuation and legal form.",
        "MAIL_DOMAIN": (
            "Somebody in the other one has an address at the same domain, which belongs to an organization "
            "rather than a mail provider."
        ),
    },
)
_enum(
    OrderStatus,
    "The status of an order.",
    {
        "DRAFT": "A draft that has not been placed yet.",
        "PENDING_APPROVAL": "Waiting for somebody in the organization to approve it.",
        "REJECTED": "Rejected by somebody in the organization.",
        "SUBMITTED": "Sent to the vendor.",
        "CONFIRMED": "Accepted by the vendor.",
        "PARTIALLY_SHIPPED": "A part of it has been shipped.",
        "SHIPPED": "It has been shipped.",
        "DELIVERED": "It has been delivered.",
        "CANCELLED": "Cancelled before it was shipped.",
        "FAILED": "It could not be fulfilled.",
    },
)
_enum(
    OrderSortField,
    "What orders are sorted by.",
    {
        "PLACED_AT": "When it was placed; a draft by `createdAt`.",
        "NUMBER": "Its number.",
        "TOTAL": "Its total, one currency after another.",
    },
)
_enum(
    MemberOrderField,
    "What members are sorted by.",
    {
        "NAME": "Last name, then first name; neither case nor accents count.",
        "JOINED_AT": "When they joined; those who have not yet come last, whichever the direction.",
        "STATUS": "Their status: invited, active, suspended, removed.",
    },
)
_enum(
    SortDirection,
    "Which way a list is sorted.",
    {"ASC": "From the first letter, the earliest date or the smallest amount on.", "DESC": "The other way round."},
)
_enum(
    LaunchKind,
    "How an application is opened.",
    {
        "OIDC_INITIATE_LOGIN": "By starting its sign-in, using OpenID Connect's third-party initiated login.",
        "DEEP_LINK": "By a link to a page within it.",
        "EXTERNAL_LINK": "By a plain link to a site outside the portal.",
        "MOBILE_APP": "By a link that the app on the device opens.",
    },
)
_enum(
    ApplicationAccessState,
    "Whether an application opens for somebody.",
    {
        "AVAILABLE": "It opens.",
        "NEEDS_ROLE": "It needs a role or a permission that the person does not have in the organization.",
        "NOT_ACTIVE": "The membership or the organization is not active.",
    },
)
_enum(
    ErrorCode,
    "What is wrong with an input.",
    {
        "INVALID_INPUT": "A value is not allowed; message and path say which one and what would be.",
        "NOT_FOUND": "There is no such object, or none that the caller may know of.",
        "STALE_VERSION": "The object was changed in the meantime; read it again.",
        "INVALID_CREDENTIALS": "The login name and the password do not match.",
        "SESSION_ENDED": "The session has ended; sign in again.",
        "RATE_LIMITED": "Too many attempts; try again later.",
        "FORBIDDEN": (
            "The caller may not do this in the organization; the entry says what is missing and who could grant it."
        ),
        "CONFLICT": "It conflicts with something that exists already, or with the object's status.",
        "IDEMPOTENCY_KEY_REUSED": "The key was used with another input; use a new one for a new request.",
        "TOKEN_INVALID": "The token of the link is unknown, was used, or has expired; request a new mail.",
        "ALREADY_MEMBER": "The person belongs to the organization already.",
        "ALREADY_INVITED": "There already is an open invitation for this address; resend or revoke it.",
        "INVITATION_EXPIRED": "The invitation has expired; request a new one.",
        "INVITATION_REVOKED": "The invitation was revoked.",
        "INVITATION_ALREADY_USED": "The invitation was accepted or declined already.",
        "INVITATION_EMAIL_MISMATCH": "The invitation was sent to an address other than that of the person signed in.",
        "LAST_ADMINISTRATOR": "The organization would be left without an administrator.",
        "ROLE_NOT_ASSIGNABLE": "The caller may not delegate or take back this role or permission.",
        "PERMISSION_INHERITED_FROM_ROLE": "The permission comes from a role; take the role back instead.",
        "ORGANIZATION_ALREADY_REGISTERED": (
            "The applicant says that the organization is registered already; nothing was stored."
        ),
        "BACKEND_UNAVAILABLE": "An application behind the gateway does not answer; try again later.",
    },
)
_enum(SignInKind, "A way to sign in; more are added over time.", {"PASSWORD": "By login name and password."})
_enum(
    Domain,
    "A part of the graph that not every portal fills; more are added over time.",
    {"ORDERS": "Orders, from a shop behind the portal."},
)
_enum(
    MailLinkKind,
    "The purpose of a link in a mail.",
    {
        "INVITATION": "To accept or decline an invitation, by `acceptInvitation` or `declineInvitation`.",
        "REGISTRATION": "To confirm a registration, by `confirmRegistration`.",
        "PASSWORD_RESET": "To set a new password, by `resetPassword`.",
        "EMAIL_CHANGE": "To confirm a new e-mail address, by `confirmEmailChange`.",
        "ACCOUNT_DELETION": "To keep an account that is going to be deleted, by `cancelAccountDeletion`.",
    },
)
_enum(
    MailLinkState,
    "Whether the link of a mail can be used.",
    {
        "OPEN": "It can be used.",
        "USED": "It was used; what it was for has been done.",
        "EXPIRED": "It was not used in time.",
        "VOID": "It is unknown, was replaced by a later one or taken back, or has been over for so long that it was "
        "forgotten.",
    },
)
