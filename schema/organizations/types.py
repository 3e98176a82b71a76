"""Companies."""

from operator import attrgetter

import strawberry

from connectors.directory.approvals import ACCESS_REQUESTS, CHANGE_REQUESTS, INVITATIONS, JOIN_REQUESTS
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
from resolvers.approvals.lists import pages_of
from resolvers.audit.queries import audit_events_of
from resolvers.members.queries import members_of
from resolvers.orders import orders_of
from resolvers.organizations import addresses
from resolvers.organizations import queries as organizations
from schema.access_requests.types import AccessRequest
from schema.audit import AuditEvent
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


@graph_type(of=OrganizationRecord, description="A company that buys from the vendor.", organization=attrgetter("id"))
class Organization(Node):
    """A company that buys from the vendor."""

    version: int = strawberry.field(description="Counts the changes; send it with a change to notice others'.")
    customer_number: str | None = strawberry.field(description="The number under which the vendor knows it.")
    name: str = strawberry.field(description="What it is called.")
    legal_name: str | None = strawberry.field(description="What it is called in the register of companies.")
    kind: OrganizationKind = strawberry.field(description="What it is to the vendor.")
    status: OrganizationStatus = strawberry.field(description="Where it stands; permissions count only while active.")
    seat: Address | None = strawberry.field(description="Where it has its seat.")
    vat_id: str | None = strawberry.field(description="Its number for value added tax.")
    phone: PhoneNumber | None = strawberry.field(description="Its telephone number.")
    email: EmailAddress | None = strawberry.field(description="The e-mail address under which one writes to it.")
    website: URL | None = strawberry.field(description="Its site.")
    administrators: list[Membership] | None = field(
        organizations.administrators_of,
        requires=AUTHENTICATED,
        at_most=organizations.MOST_ADMINISTRATORS,
        description="Active members who administer it, by name: whom to ask for a right. Who may see the members finds "
        "all who do by the `roleKeys` of `members`.",
    )
    members: Connection[Membership] | None = field(
        members_of,
        requires=SEE_MEMBERS,
        description="Who belongs to it, by last name; without `status`, removed members are left out.",
        arguments={
            "status": "Only members who stand like this.",
            "search": "Only members with this in their name or e-mail address; case and accents do not matter.",
            "role_keys": "Only members with one of these roles.",
        },
        argument_costs={"search": SEARCH, "role_keys": UNINDEXED},
    )
    access_requests: Connection[AccessRequest] | None = field(
        pages_of(ACCESS_REQUESTS, "organization_id"),
        requires=ASSIGN_ROLES,
        description="What its members asked for and may not do yet, newest first.",
        arguments={"status": "Only requests that stand like this."},
    )
    invitations: Connection[Invitation] | None = field(
        pages_of(INVITATIONS, "organization_id"),
        requires=MANAGE_MEMBERS,
        description="Who was invited to it, newest first.",
        arguments={"status": "Only invitations that stand like this; one past its time is EXPIRED."},
    )
    join_requests: Connection[JoinRequest] | None = field(
        pages_of(JOIN_REQUESTS, "organization_id"),
        requires=MANAGE_MEMBERS,
        description="Who asked to join it, newest first.",
        arguments={"status": "Only requests that stand like this."},
    )
    orders: Connection[Order] | None = field(
        orders_of,
        requires=SEE_ORDERS,
        backend=Backend.SHOP,
        description="What was ordered for it by any of its members, newest first.",
        arguments={
            "status": "Only orders that stand like this.",
            "placed_by": "Only orders of this person, by the id of the User.",
        },
        argument_guards={"placed_by": SEE_RIGHTS},
        argument_costs=dict.fromkeys(("status", "placed_by"), UNINDEXED),
    )
    address_book: list[AddressBookEntry] | None = field(
        addresses.books_of,
        requires=USE_ADDRESS_BOOK,
        at_most=addresses.LONGEST_BOOK,
        description="Where invoices and goods may go, oldest entry first.",
    )
    change_requests: Connection[ChangeRequest] | None = field(
        pages_of(CHANGE_REQUESTS, "organization_id"),
        requires=SEE_CHANGE_REQUESTS,
        description="What was asked of the vendor to change about its name and seat, newest first.",
        arguments={"status": "Only requests that stand like this."},
    )
    audit_events: Connection[AuditEvent] | None = field(
        audit_events_of,
        requires=SEE_AUDIT_LOG,
        description="What was done in it, by whom, newest first, refusals too. All conditions count together.",
        arguments={
            "actions": "Only these actions, such as `grant.give`; 50 at most.",
            "actor_id": "Only what this person did, by the id of the User.",
            "from_": "Only from this instant on.",
            "to": "Only before this instant.",
        },
        argument_costs=dict.fromkeys(("actions", "actor_id"), UNINDEXED),
    )
    viewer_membership: Membership | None = field(
        organizations.viewer_memberships, requires=OPEN, description="Your own place in it."
    )
    viewer_can_manage_members: bool = computed(
        organizations.can_manage_members,
        requires=OPEN,
        description="Whether you may invite, change and remove members.",
    )
    viewer_can_manage_organization: bool = computed(
        organizations.can_manage_organization, requires=OPEN, description="Whether you may change the company's data."
    )
    viewer_can_place_orders: bool = computed(
        organizations.can_place_orders, requires=OPEN, description="Whether you may order in the shop."
    )


@strawberry.type
class OrganizationQueries:
    """Questions about companies."""

    organization: Organization | None = root(
        organizations.organization,
        requires=AUTHENTICATED,
        description="The company with this id; null when there is none, or none that you belong to.",
        arguments={"id": "The company's id."},
    )
