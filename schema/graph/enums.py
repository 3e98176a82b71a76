"""The enums of the graph: the words of the back ends and of the permissions, each value described."""

from collections.abc import Mapping
from enum import Enum

import strawberry

from connectors.applications.interface import LaunchKind
from connectors.directory.records.accounts import ConsentPurpose, DataExportStatus
from connectors.directory.records.invitations import InvitationStatus
from connectors.directory.records.memberships import MembershipStatus
from connectors.directory.records.organizations import OrganizationKind, OrganizationStatus
from connectors.directory.records.registrations import LikenessReason, RegistrationStatus
from connectors.directory.records.requests import RequestStatus
from connectors.shop.interface import OrderStatus
from connectors.values import AccountKind
from permissions.access_rules import OPEN, AccessRule
from permissions.denial_texts import PERMISSION_TEXTS
from permissions.vocabulary import DenialReason, Permission, PermissionScope
from resolvers.launcher import ApplicationAccessState
from resolvers.mail.links import MailLinkKind
from resolvers.refusals import ErrorCode
from resolvers.registrations.already_registered import RegistrationCheckOutcome
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


_enum(
    Permission,
    "One thing somebody may do in an organization, or as vendor staff.",
    {code: texts.descriptions["en"] for code, texts in PERMISSION_TEXTS.items()},
)
_enum(
    PermissionScope,
    "Where a permission has to be held.",
    {
        "ORGANIZATION": "In the organization of the object.",
        "VENDOR": "By the vendor's own staff, whatever the organization.",
    },
)
_enum(
    DenialReason,
    "Why somebody may not.",
    {
        "UNAUTHENTICATED": "Nobody is signed in.",
        "MISSING_PERMISSION": "None of the person's roles and rights in the organization gives it.",
        "NOT_A_MEMBER": "The person is no active member of the organization.",
        "ORGANIZATION_NOT_ACTIVE": "The organization is not active; the vendor can tell why.",
        "MEMBERSHIP_SUSPENDED": "The person's membership is suspended; an administrator of the organization can tell.",
        "LAST_ADMINISTRATOR": "The organization would be left without anybody who administers it.",
        "OWN_MEMBERSHIP": "It cannot be done to one's own membership.",
        "NOT_DELEGABLE": "The role or right is not one that the person may hand out or take back.",
        "NOT_IN_THIS_STATE": "Where the object stands now, this cannot be done.",
    },
)
_enum(
    AccountKind,
    "What kind of customer, or of us, somebody is.",
    {
        "PRIVATE_OPERATOR": "Operates a plant privately.",
        "COMMERCIAL_OPERATOR": "Operates plants as a business.",
        "BUSINESS_CUSTOMER": "Works for a company that installs, resells or uses the vendor's products.",
        "VENDOR_STAFF": "Works for the vendor.",
    },
)
_enum(
    OrganizationKind,
    "What a company is to the vendor.",
    {
        "INSTALLER": "Installs the vendor's products.",
        "RESELLER": "Sells the vendor's products on.",
        "OPERATOR": "Operates plants with the vendor's products.",
        "LICENSEE": "Uses the vendor's software under licence.",
    },
)
_enum(
    OrganizationStatus,
    "Where a company stands; permissions count only in an active one.",
    {
        "PENDING_REVIEW": "Registered, and not yet approved by the vendor.",
        "ACTIVE": "In use.",
        "REJECTED": "The vendor did not approve the registration.",
        "BLOCKED": "Blocked by the vendor for the time being.",
        "CLOSED": "Closed for good.",
    },
)
_enum(
    MembershipStatus,
    "Where a person stands in a company; permissions count only for an active member.",
    {
        "INVITED": "Invited, and has not accepted yet.",
        "ACTIVE": "Belongs to the company.",
        "SUSPENDED": "Belongs to the company, and may do nothing for the time being.",
        "REMOVED": "Belonged to the company once.",
    },
)
_enum(
    RequestStatus,
    "Where a request stands that somebody has to decide.",
    {
        "PENDING": "Waits for a decision.",
        "APPROVED": "Was approved, and what it asked for is done.",
        "DECLINED": "Was declined; its note says why.",
        "WITHDRAWN": "Was taken back by whoever asked.",
        "EXPIRED": "Nobody decided in time.",
    },
)
_enum(
    ConsentPurpose,
    "What you can consent to; nothing of it is on before you have.",
    {
        "NEWSLETTER": "To receive the newsletter by e-mail.",
        "PRODUCT_ADVICE": "To be advised on products by telephone or e-mail.",
        "USAGE_STATISTICS": "To let your use of the portal be evaluated to improve it.",
    },
)
_enum(
    DataExportStatus,
    "Where an export of somebody's data stands.",
    {
        "PENDING": "It is being made.",
        "READY": "It can be fetched.",
        "EXPIRED": "It was there and is erased; ask for a new one.",
    },
)
_enum(
    InvitationStatus,
    "Where an invitation stands.",
    {
        "PENDING": "Sent, and not answered yet.",
        "ACCEPTED": "Accepted; the person is a member.",
        "DECLINED": "Declined by the person.",
        "REVOKED": "Taken back by the company.",
        "EXPIRED": "Not answered in time; it can be sent anew.",
    },
)
_enum(
    RegistrationStatus,
    "Where a registration stands.",
    {
        "EMAIL_UNVERIFIED": "The applicant has not confirmed the e-mail address yet.",
        "PENDING_REVIEW": "Waits for the vendor to review it.",
        "INFORMATION_REQUESTED": "Waits for the applicant to answer a question of the vendor.",
        "APPROVED": "Approved; the company is active, or the account without a company is open.",
        "REJECTED": "Rejected, with a reason.",
        "WITHDRAWN": "Withdrawn by the applicant.",
        "EXPIRED": "The e-mail address was not confirmed in time.",
    },
)
_enum(
    RegistrationCheckOutcome,
    "Whether a company is registered.",
    {
        "NOT_REGISTERED": "Nothing is known of a company under what was given.",
        "POSSIBLY_REGISTERED": "There is such a company.",
        "UNDER_REVIEW": "There is such a company, and the vendor is reviewing its registration.",
    },
)
_enum(
    LikenessReason,
    "In what two companies are the same.",
    {
        "VAT_ID": "They have the same number for value added tax.",
        "CUSTOMER_NUMBER": "The applicant wrote the customer number of the other one.",
        "NAME": "They are called the same, but for case, signs and legal form.",
        "MAIL_DOMAIN": "Somebody of the other one has an address at the same domain, which is a company's own.",
    },
)
_enum(
    OrderStatus,
    "Where an order stands.",
    {
        "DRAFT": "Being written; not ordered yet.",
        "PENDING_APPROVAL": "Waits for somebody of the company to approve it.",
        "REJECTED": "Somebody of the company did not approve it.",
        "SUBMITTED": "Sent to the vendor.",
        "CONFIRMED": "Accepted by the vendor.",
        "PARTIALLY_SHIPPED": "A part of it is on its way.",
        "SHIPPED": "On its way.",
        "DELIVERED": "Arrived.",
        "CANCELLED": "Called off before it was shipped.",
        "FAILED": "Could not be carried out.",
    },
)
_enum(
    LaunchKind,
    "How an application is opened.",
    {
        "OIDC_INITIATE_LOGIN": "By starting its sign-in, as in OpenID Connect's third-party initiated login.",
        "DEEP_LINK": "By a link to a place inside it.",
        "EXTERNAL_LINK": "By a plain link to a site outside the portal.",
        "MOBILE_APP": "By a link that the app on the device opens.",
    },
)
_enum(
    ApplicationAccessState,
    "Whether an application opens for somebody.",
    {
        "AVAILABLE": "It opens.",
        "NEEDS_ROLE": "It needs a role or a right that the person does not have in the organization.",
        "NOT_ACTIVE": "The membership or the organization is not active.",
    },
)
_enum(
    ErrorCode,
    "What is the matter with an input.",
    {
        "INVALID_INPUT": "A value is not allowed; message and path say which and what would be.",
        "NOT_FOUND": "There is no such object, or none that the caller may know of.",
        "STALE_VERSION": "Somebody changed the object meanwhile; read it again.",
        "INVALID_CREDENTIALS": "Login name and password do not fit.",
        "SESSION_ENDED": "The session has ended; sign in again.",
        "RATE_LIMITED": "Too many attempts; try again later.",
        "FORBIDDEN": "The caller may not do this there; the entry says what is missing and who could grant it.",
        "CONFLICT": "What is there already, or where the object stands, is in the way.",
        "IDEMPOTENCY_KEY_REUSED": "The key was used for another input; take a new one for a new request.",
        "TOKEN_INVALID": "The token of the link is unknown, was used, or is too old; have a new mail sent.",
        "ALREADY_MEMBER": "The person belongs to the organization already.",
        "ALREADY_INVITED": "There is an open invitation for this address already; resend or revoke it.",
        "INVITATION_EXPIRED": "The invitation is too old; ask for a new one.",
        "INVITATION_REVOKED": "The invitation was taken back.",
        "INVITATION_ALREADY_USED": "The invitation was accepted or declined already.",
        "INVITATION_EMAIL_MISMATCH": "The invitation was sent to another address than that of the person signed in.",
        "LAST_ADMINISTRATOR": "The organization would be left without anybody who administers it.",
        "ROLE_NOT_ASSIGNABLE": "The role or right is not one that the caller may hand out or take back.",
        "PERMISSION_INHERITED_FROM_ROLE": "The right comes from a role; take the role back instead.",
        "ORGANIZATION_ALREADY_REGISTERED": "The company says that it is registered already; nothing was stored.",
        "BACKEND_UNAVAILABLE": "An application behind the gateway does not answer; try again later.",
    },
)
_enum(
    MailLinkKind,
    "What the link of a mail is for.",
    {
        "REGISTRATION": "To confirm a registration, by `confirmRegistration`.",
        "PASSWORD_RESET": "To set a new password, by `resetPassword`.",
        "EMAIL_CHANGE": "To confirm a new e-mail address, by `confirmEmailChange`.",
        "ACCOUNT_DELETION": "To keep an account that is going to be deleted, by `cancelAccountDeletion`.",
    },
)
