"""Companies."""

from operator import attrgetter

import strawberry

from connectors.directory.interface import OrganizationKind, OrganizationRecord, OrganizationStatus
from resolvers import organizations
from resolvers.join_requests import join_requests_of
from resolvers.memberships import members_of
from resolvers.orders import orders_of
from schema.backends import Backend
from schema.fields import computed, field, graph_type, root
from schema.guards import AUTHENTICATED, OPEN
from schema.join_requests import MANAGERS, JoinRequest
from schema.membership import MEMBERS, RIGHTS, Membership
from schema.node import Node
from schema.orders import ORDERS, Order
from schema.pagination import Connection
from schema.values import Address


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
    administrators: list[Membership] | None = field(
        organizations.administrators_of,
        requires=AUTHENTICATED,
        assumed_size=2,
        description="The active members who administer it: whom to ask for a right.",
    )
    members: Connection[Membership] | None = field(
        members_of,
        requires=MEMBERS,
        description="Who belongs to it, by last name; without `status`, removed members are left out.",
        arguments={
            "status": "Only members who stand like this.",
            "search": "Only members with this in their name or e-mail address; case and accents do not matter.",
            "role_keys": "Only members with one of these roles.",
        },
    )
    join_requests: Connection[JoinRequest] | None = field(
        join_requests_of,
        requires=MANAGERS,
        description="Who asked to join it, newest first (K19).",
        arguments={"status": "Only requests that stand like this."},
    )
    orders: Connection[Order] | None = field(
        orders_of,
        requires=ORDERS,
        backend=Backend.SHOP,
        description="What was ordered for it by any of its members, newest first (D39).",
        arguments={
            "status": "Only orders that stand like this.",
            "placed_by": "Only orders of this person, by the id of the User.",
        },
        argument_guards={"placed_by": RIGHTS},
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
