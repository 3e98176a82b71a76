"""The orders of the demo keep the rules of the domain."""

from collections import defaultdict
from itertools import pairwise

from connectors.directory.records.access import GrantKind
from connectors.directory.records.memberships import MembershipStatus
from connectors.shop.interface import OrderStatus
from tests.gateway.demo.test_demo import both_profiles, demo, grants_by_membership, policy_of

S = OrderStatus

# Approval is asked for where a rule says so, and partial shipment is optional.
NEXT = {
    S.DRAFT: {S.PENDING_APPROVAL, S.SUBMITTED},
    S.PENDING_APPROVAL: {S.SUBMITTED, S.REJECTED, S.CANCELLED},
    S.SUBMITTED: {S.CONFIRMED, S.CANCELLED, S.FAILED},
    S.CONFIRMED: {S.PARTIALLY_SHIPPED, S.SHIPPED, S.CANCELLED, S.FAILED},
    S.PARTIALLY_SHIPPED: {S.SHIPPED},
    S.SHIPPED: {S.DELIVERED},
}


@both_profiles
def test_there_are_hundreds_of_orders_in_all_ten_states_and_two_currencies(name: str) -> None:
    orders = demo(name, 0).shop.orders

    assert len(orders) > 200
    assert {order.status for order in orders} == set(OrderStatus)
    assert {order.total.currency for order in orders} == {"EUR", "CHF"}


@both_profiles
def test_totals_add_up_in_one_currency(name: str) -> None:
    shop = demo(name).shop
    lines = defaultdict(list)
    for line in shop.lines:
        lines[line.order_id].append(line)

    for order in shop.orders:
        assert [line.position for line in lines[order.id]] == list(range(1, len(lines[order.id]) + 1))
        assert {line.total.currency for line in lines[order.id]} == {order.total.currency}
        assert all(line.total.minor_units == line.quantity * line.unit_price.minor_units for line in lines[order.id])
        assert sum(line.total.minor_units for line in lines[order.id]) == order.total.minor_units > 0


@both_profiles
def test_each_order_came_into_its_state_by_allowed_steps(name: str) -> None:
    shop = demo(name).shop
    events = defaultdict(list)
    for event in shop.events:
        events[event.order_id].append(event)

    for order in shop.orders:
        way = events[order.id]
        assert (way[0].status, way[0].at) == (S.DRAFT, order.created_at)
        assert way[-1].status is order.status
        assert order.placed_at == (way[1].at if len(way) > 1 else None)
        for before, after in pairwise(way):
            assert after.status in NEXT[before.status]
            assert after.at > before.at
        assert all(sorted(event.messages) == ["de", "en", "fr"] for event in way)


@both_profiles
def test_orders_are_placed_by_members_who_had_joined_and_were_allowed(name: str) -> None:
    data, policy = demo(name), policy_of(name)
    may = {"ORDER_PLACE", "EVENT_BOOK", "VOUCHER_PURCHASE"}
    memberships = {(m.organization_id, m.user_id): m for m in data.directory.memberships}
    grants = grants_by_membership(data)

    for order in data.shop.orders:
        assert order.placed_by_id is not None
        membership = memberships[order.organization_id, order.placed_by_id]
        held = {
            code
            for grant in grants[membership.id]
            for code in (
                (permission.value for permission in policy.roles[grant.key].permissions)
                if grant.kind is GrantKind.ROLE
                else (grant.key,)
            )
        }
        assert held & may or membership.status is MembershipStatus.REMOVED
        assert membership.joined_at is not None
        assert membership.joined_at <= order.created_at


@both_profiles
def test_orders_of_a_removed_member_keep_their_name(name: str) -> None:
    data = demo(name, 0)
    removed = {
        (membership.organization_id, membership.user_id)
        for membership in data.directory.memberships
        if membership.status is MembershipStatus.REMOVED
    }

    assert removed & {(order.organization_id, order.placed_by_id) for order in data.shop.orders}


@both_profiles
def test_orders_are_numbered_by_age_within_an_organization(name: str) -> None:
    by_organization = defaultdict(list)
    for order in demo(name).shop.orders:
        by_organization[order.organization_id].append(order)

    for orders in by_organization.values():
        assert orders == sorted(orders, key=lambda order: (order.created_at, order.number))
        assert [order.number for order in orders] == sorted(order.number for order in orders)


@both_profiles
def test_events_are_the_work_of_people_of_that_organization(name: str) -> None:
    data = demo(name)
    members = {(m.organization_id, m.user_id) for m in data.directory.memberships}

    assert all((e.organization_id, e.actor_id) in members for e in data.shop.events if e.actor_id is not None)
