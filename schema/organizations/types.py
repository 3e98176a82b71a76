"""Organizations."""

from operator import attrgetter

import strawberry

from connectors.directory.approvals import ACCESS_REQUESTS, CHANGE_REQUESTS, INVITATIONS, JOIN_REQUESTS
from connectors.directory.records.memberships import MembershipStatus
from connectors.directory.records.organizations import OrganizationKind, OrganizationRecord, OrganizationStatus
from permissions.access_rules import (
    ASSIGN_ROLES,
    AUTHENTICATED,
    MANAGE_MEMBERS,
    OPEN,
    SEE_AUDIT_LOG,
    SEE_CHANGE_REQUESTS,
    SEE_MEMBERS,
    SEE_ORDERS,
    SEE_RIGHTS,
    USE_ADDRESS_BOOK,
)
from permissions.policy import MOST_ROLES
from permissions.vocabulary import most_permissions
from resolvers.approvals.lists import pages_of
from resolvers.audit import wording as audit_wording
from resolvers.audit.queries import audit_events_of
from resolvers.members import rules as member_rules
from resolvers.members.queries import members_of
from resolvers.orders import order_with_number, orders_of
from resolvers.organizations import addresses, counts
from resolvers.organizations import queries as organizations
from schema.access_requests.types import AccessRequest
from schema.audit import AuditAction, AuditEvent
from schema.change_requests import ChangeRequest
from schema.graph.backends import Backend
from schema.graph.connections import Connection
from schema.graph.cost_directives import SEARCH, UNINDEXED
from schema.graph.fields import computed, field, graph_type, root
from schema.graph.scalars import URL, EmailAddress, PhoneNumber
from schema.graph.value_types import Address
from schema.invitations.types import Invitation
from schema.join_requests import JoinRequest
from schema.members.types import Membership
from schema.nodes import Node
from schema.orders import Order
from schema.organizations.addresses import AddressBookEntry
from schema.organizations.counts import MemberCount, WaitingCounts
from schema.roles import DescribedPermission, Role

MOST_AUDIT_ACTIONS = 150


@graph_type(
    of=OrganizationRecord,
    organization=attrgetter("id"),
)
class Organization(Node):
    """A customer of the vendor, whose people use the portal."""

    version: int = strawberry.field(
        description="Incremented by each change; send it along with a change, so that nobody else's is overwritten."
    )
    customer_number: str | None = strawberry.field(description="Its customer number with the vendor.")
    name: str = strawberry.field(description="Its name.")
    legal_name: str | None = strawberry.field(description="Its name in the register of companies.")
    kind: OrganizationKind = strawberry.field(description="Its relationship to the vendor.")
    status: OrganizationStatus = strawberry.field(description="Its status; permissions apply only while it is active.")
    seat: Address | None = strawberry.field(description="Its registered office.")
    vat_id: str | None = strawberry.field(description="Its VAT number.")
    phone: PhoneNumber | None = strawberry.field(description="Its telephone number.")
    email: EmailAddress | None = strawberry.field(description="Its e-mail address.")
    website: URL | None = strawberry.field(description="Its website.")
    administrators: list[Membership] | None = field(
        organizations.administrators_of,
        requires=AUTHENTICATED,
        at_most=organizations.MOST_ADMINISTRATORS,
        description="The active members who administer it, by name: whom to ask for a permission. Those who may see "
        "the members find all administrators by the `roleKeys` of `members`.",
    )
    members: Connection[Membership] | None = field(
        members_of,
        requires=SEE_MEMBERS,
        description="Its members, by last name unless `orderBy` says otherwise; without `status`, removed members are "
        "left out.",
        arguments={
            "search": "Only members whose name and e-mail address contain all these words or parts of words, in any "
            "order; case and accents do not matter.",
            "role_keys": "Only members with one of these roles.",
        },
        argument_costs={"search": SEARCH, "role_keys": UNINDEXED},
    )
    access_requests: Connection[AccessRequest] | None = field(
        pages_of(ACCESS_REQUESTS, "organization_id"),
        requires=ASSIGN_ROLES,
        description="Its members' access requests, newest first.",
    )
    invitations: Connection[Invitation] | None = field(
        pages_of(INVITATIONS, "organization_id"),
        requires=MANAGE_MEMBERS,
        description="The invitations to join it, newest first.",
        arguments={"status": "Only invitations with one of these statuses; one past its expiry is EXPIRED."},
    )
    join_requests: Connection[JoinRequest] | None = field(
        pages_of(JOIN_REQUESTS, "organization_id"),
        requires=MANAGE_MEMBERS,
        description="The requests to join it, newest first.",
    )
    orders: Connection[Order] | None = field(
        orders_of,
        requires=SEE_ORDERS,
        backend=Backend.SHOP,
        description="The orders placed for it by any of its members, newest first by `placedAt` unless `orderBy` says "
        "otherwise. Without `status`, drafts are left out; `status: [DRAFT]` gives them alone.",
        arguments={
            "placed_by": "Only orders of this person, by the id of the User.",
            "search": "Only orders whose number, or the number or name of an article in it, contains these words, in "
            "any order; case and accents do not matter.",
            "from_": "Only orders placed then or later; drafts by `createdAt`.",
            "to": "Only orders placed before then; drafts by `createdAt`.",
        },
        argument_guards={"placed_by": SEE_RIGHTS},
        argument_costs={"status": UNINDEXED, "placed_by": UNINDEXED, "search": SEARCH},
    )
    order: Order | None = field(
        order_with_number,
        requires=SEE_ORDERS,
        backend=Backend.SHOP,
        description="The order with this number, drafts included; null when the organization has no such order.",
        arguments={"number": "The order number, as printed on documents."},
    )
    address_book: list[AddressBookEntry] | None = field(
        addresses.books_of,
        requires=USE_ADDRESS_BOOK,
        at_most=addresses.LONGEST_BOOK,
        description="Addresses for invoices and deliveries, oldest first.",
    )
    change_requests: Connection[ChangeRequest] | None = field(
        pages_of(CHANGE_REQUESTS, "organization_id"),
        requires=SEE_CHANGE_REQUESTS,
        description="Its requests that the vendor change its name or registered office, newest first.",
    )
    audit_events: Connection[AuditEvent] | None = field(
        audit_events_of,
        requires=SEE_AUDIT_LOG,
        description="What was done in it and by whom, newest first, including refusals. All conditions are combined.",
        arguments={
            "actions": "Only these actions, such as `grant.give`; 50 at most.",
            "actor_id": "Only what this person did, by the id of the User.",
            "from_": "Only from this instant on.",
            "to": "Only before this instant.",
        },
        argument_costs=dict.fromkeys(("actions", "actor_id"), UNINDEXED),
    )
    audit_actions: list[AuditAction] | None = computed(
        audit_wording.organization_actions,
        requires=SEE_AUDIT_LOG,
        at_most=MOST_AUDIT_ACTIONS,
        description="The actions that can occur in its audit log, for a filter by `actions`; those that are refused "
        "come last.",
    )
    member_counts: list[MemberCount] | None = field(
        counts.member_counts,
        requires=SEE_MEMBERS,
        at_most=len(MembershipStatus),
        description="How many members it has by status, each status once.",
    )
    waiting: WaitingCounts = computed(
        counts.waiting_in,
        requires=OPEN,
        description="How much is waiting for a decision in it, as far as you may see it.",
    )
    assignable_roles: list[Role] = computed(
        member_rules.assignable_roles,
        requires=OPEN,
        at_most=MOST_ROLES,
        assumed_size=10,
        description="The roles that you may grant to others in it now, and take back; empty when there are none.",
    )
    assignable_permissions: list[DescribedPermission] = computed(
        member_rules.assignable_permissions,
        requires=OPEN,
        at_most=most_permissions,
        assumed_size=10,
        description="The direct permissions that you may grant to others in it now, and take back; empty when there "
        "are none.",
    )
    viewer_membership: Membership | None = field(
        organizations.viewer_memberships, requires=OPEN, description="Your own membership."
    )
    viewer_can_manage_members: bool = computed(
        organizations.can_manage_members,
        requires=OPEN,
        description="Whether you may invite, suspend, reactivate and remove members.",
    )
    viewer_can_manage_organization: bool = computed(
        organizations.can_manage_organization,
        requires=OPEN,
        description="Whether you may change the organization's contact data, and ask the vendor to change what only "
        "the vendor can: `updateOrganization`, `requestOrganizationChange`.",
    )
    viewer_can_place_orders: bool = computed(
        organizations.can_place_orders, requires=OPEN, description="Whether you may place orders in the shop."
    )


@strawberry.type
class OrganizationQueries:
    """Queries about organizations."""

    organization: Organization | None = root(
        organizations.organization,
        requires=AUTHENTICATED,
        description="The organization with this id; null when there is none that you belong to.",
        arguments={"id": "The organization's id."},
    )
