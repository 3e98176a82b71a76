"""The person who asks: who they are, where they belong, what they may open and do."""

from operator import attrgetter

import strawberry

from connectors.applications.interface import MOST_APPLICATIONS
from connectors.directory.records.accounts import ConsentPurpose
from connectors.directory.records.caller import CallerRecord
from connectors.directory.records.people import UserRecord
from connectors.values import AccountKind
from connectors.values import Address as AddressValue
from connectors.wanted import needs, reads
from permissions.access_rules import BY_CALLER, OPEN
from permissions.policy import MOST_SOURCES
from permissions.vocabulary import DenialReason
from resolvers import launcher, people
from resolvers.access import capabilities
from resolvers.access import epoch as access
from resolvers.access.capabilities import MOST_GRANTERS
from resolvers.account import consents, data_exports
from resolvers.account import deletion as account_deletions
from resolvers.audit.queries import own_audit_events
from resolvers.context import RequestContext
from resolvers.invitations.queries import MOST_PENDING
from resolvers.invitations.queries import pending_invitations as pending_invitations_of
from resolvers.join_requests import queries as join_requests
from resolvers.members.queries import membership_in, memberships_of
from resolvers.nodes.queries import viewer_id
from resolvers.organizations import queries as organizations
from resolvers.registrations import queries as registrations
from resolvers.sessions import queries as own_sessions
from schema.account.types import Consent, DataExport, Session
from schema.audit import AuditEvent
from schema.graph.connections import Connection
from schema.graph.cost_directives import SEARCH, CostDirective
from schema.graph.fields import attribute, computed, field, graph_type, listed, root
from schema.graph.scalars import URL, DateTime
from schema.graph.value_types import Address
from schema.invitations.types import Invitation
from schema.join_requests import JoinRequest
from schema.launcher import ApplicationTile
from schema.members.types import Membership, PermissionSource
from schema.nodes import Node
from schema.organizations.types import Organization
from schema.people import User
from schema.registrations.types import OrganizationRegistration
from schema.roles import DescribedPermission


@graph_type(of=capabilities.AccessDecision)
class AccessDecision:
    """Whether you may do one thing, and why."""

    allowed: bool = attribute("decision.allowed", requires=OPEN, description="Whether you are allowed to.")
    reason: DenialReason | None = attribute(
        "decision.reason", requires=OPEN, description="Why you are not allowed to; null when you are."
    )
    permission: DescribedPermission = strawberry.field(
        description="The permission that was asked about.", directives=[CostDirective(weight=0)]
    )
    sources: list[PermissionSource] = listed(
        at_most=MOST_SOURCES, assumed_size=1, description="Your grants that allow it."
    )
    grantable_by: list[Membership] | None = field(
        capabilities.granters_of,
        requires=OPEN,
        at_most=MOST_GRANTERS,
        description=(
            "The members of your organization who could grant it to you, by name; empty when you are allowed to, "
            "or nobody can."
        ),
    )


def _password_change_url(context: RequestContext, _caller: CallerRecord) -> str | None:
    return context.backends.accounts.password_change_url


@needs(UserRecord, lambda user: user.profile_version)
@reads(CallerRecord, lambda caller: caller.user)
def _profile_version(_context: RequestContext, caller: CallerRecord) -> int:
    return caller.user.profile_version


@needs(UserRecord, lambda user: user.address)
@reads(CallerRecord, lambda caller: caller.user)
def _address(_context: RequestContext, caller: CallerRecord) -> AddressValue | None:
    return caller.user.address


def _id(_context: RequestContext, caller: CallerRecord) -> str:
    return viewer_id(caller.user.id)


@graph_type(of=CallerRecord, person=attrgetter("user.id"))
class Viewer(Node):
    """The person who sends the request."""

    id: strawberry.ID = computed(_id, requires=OPEN, description="The viewer's id. Opaque: do not take it apart.")
    user: User = strawberry.field(description="You as others see you.", directives=[CostDirective(weight=0)])
    account_kind: AccountKind = attribute("user.account_kind", requires=OPEN, description="The kind of your account.")
    email_verified: bool = attribute(
        "user.email_verified", requires=OPEN, description="Whether you have confirmed your e-mail address."
    )
    login_names: list[str] = field(
        people.login_names,
        requires=OPEN,
        at_most=people.MOST_LOGIN_NAMES,
        description="The names with which you can sign in, e-mail address first.",
    )
    profile_version: int = computed(
        _profile_version,
        requires=OPEN,
        description="Incremented by each change of your profile; for `updateProfile`.",
    )
    address: Address | None = computed(_address, requires=OPEN, description="Your address.")
    newsletter_subscribed: bool | None = field(
        consents.subscribed,
        requires=OPEN,
        description="Whether you receive the newsletter: false until you subscribe. Null for somebody who looks as "
        "you.",
    )
    consents: list[Consent] = field(
        consents.consents_of,
        requires=OPEN,
        at_most=len(ConsentPurpose),
        description="Your current decision on each purpose; purposes on which you never decided are left out.",
    )
    sessions: list[Session] = field(
        own_sessions.sessions_of,
        requires=OPEN,
        at_most=own_sessions.MOST_SHOWN,
        description="The devices on which you are signed in, most recently seen first.",
    )
    password_change_url: URL | None = computed(
        _password_change_url,
        requires=OPEN,
        description="Where you change your password; null when it is here, by `changePassword`.",
    )
    data_exports: list[DataExport] = field(
        data_exports.data_exports_of,
        requires=OPEN,
        at_most=data_exports.MOST_SHOWN,
        description="The exports of your data that you requested, latest first.",
    )
    deletion_due_at: DateTime | None = field(
        account_deletions.deletion_due_of,
        requires=OPEN,
        description="When your account will be deleted at your request; null when it stays.",
    )
    access_version: int = computed(
        access.access_version,
        requires=OPEN,
        description="A number that changes whenever what you may do has changed; compare it with the one you know.",
    )
    memberships: Connection[Membership] = field(
        memberships_of,
        requires=OPEN,
        assumed_size=5,
        description="Your memberships, by the organization's name; those that have ended, or that you are only invited "
        "to, are not shown.",
        arguments={
            "search": "Only those of organizations whose name or customer number contains these words, in any order; "
            "case and accents do not matter."
        },
        argument_costs={"search": SEARCH},
    )
    membership: Membership | None = field(
        membership_in,
        requires=OPEN,
        description="Your membership of one organization; null when you are not a member.",
        arguments={"organization_id": "The organization's id."},
    )
    pending_invitations: list[Invitation] = field(
        pending_invitations_of,
        requires=OPEN,
        at_most=MOST_PENDING,
        description=(
            "The open invitations to your confirmed e-mail address, oldest first; each one's token is in its mail."
        ),
    )
    default_organization: Organization | None = field(
        organizations.default_organizations, requires=OPEN, description="The organization that you look at first."
    )
    registration: OrganizationRegistration | None = field(
        registrations.registrations_of_viewers,
        requires=OPEN,
        description="Your latest registration of an organization, with its status.",
    )
    join_requests: list[JoinRequest] = field(
        join_requests.join_requests_of_viewers,
        requires=OPEN,
        at_most=join_requests.MOST_SHOWN,
        description="Your own requests to join an organization, newest first.",
    )
    applications: list[ApplicationTile] = field(
        launcher.tiles_of,
        requires=OPEN,
        at_most=MOST_APPLICATIONS,
        assumed_size=20,
        description="The applications on your page, in a fixed order; only those that you can open, unless you ask for "
        "all.",
        arguments={
            "organization_id": "The organization to look at; without it, the one that you look at first.",
            "include_unavailable": "Whether to include those that do not open, each with the reason.",
        },
    )
    audit_events: Connection[AuditEvent] = field(
        own_audit_events,
        requires=OPEN,
        description=(
            "What you did and what was done to you, newest first: signing in, your profile, your roles and "
            "permissions. What happened in an organization is included only while you belong to it."
        ),
    )
    can: list[AccessDecision] = field(
        capabilities.decisions_of,
        requires=OPEN,
        sliced_by="permissions",
        at_most=capabilities.MOST_ASKED,
        description="Whether you have each of these permissions: the same decision that a field would take.",
        arguments={
            "organization_id": "The organization; without it, the one that you look at first.",
            "permissions": "The permissions to ask about, answered in this order; 100 at most.",
        },
    )


def _viewer(context: RequestContext) -> CallerRecord | None:
    return context.caller


@strawberry.type
class ViewerQueries:
    """The query for the caller."""

    viewer: Viewer | None = root(_viewer, requires=BY_CALLER, description="You; null when nobody is signed in.")
