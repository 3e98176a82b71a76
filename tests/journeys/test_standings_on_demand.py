"""Somebody in many organizations gets the answers that they would get if all they hold there were read at once."""

import json
import re
from asyncio import gather
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random
from typing import Any

import pytest

from connectors.directory import caller
from connectors.directory.records.access import GrantKind, GrantRecord
from connectors.directory.records.data import DirectoryData
from connectors.directory.records.memberships import MembershipRecord, MembershipStatus
from connectors.directory.records.organizations import OrganizationKind, OrganizationRecord, OrganizationStatus
from connectors.directory.records.people import UserRecord
from connectors.directory.standings import StandingsOnDemand, StandingsUnread
from connectors.ids import GrantId, MembershipId, OrderId, OrganizationId, UserId
from connectors.shop.interface import OrderRecord, OrderStatus, ShopData
from connectors.values import AccountKind, Money
from permissions.access_rules import MANAGE_MEMBERS
from resolvers.context import RequestContext
from resolvers.organizations.queries import is_visible
from tests.caching.test_consistency import IN_EACH_RUN, LIVED_IN, VIEWERS, WITHOUT_LIMITS, Viewer, asking, values_of
from tests.caching.walk import Ask, walked
from tests.portal import NOW, UNMEASURED, Answer, Portal, open_portal
from tests.servers import DatabaseKind
from tests.view_as.test_view_as import membership_of

WHOLE = """
query Whole($id: ID!, $search: String) {
  viewer {
    accessVersion
    defaultOrganization { ...Shown }
    applications(includeUnavailable: true) { state reason application { key } grantedBy { __typename } }
    can(permissions: [MEMBER_MANAGE, ORDER_VIEW, SERVICE_CODE_VIEW]) { allowed reason sources { __typename } }
    memberships(first: 5, search: $search) { totalCount nodes { ...Held organization { ...Shown } } }
    membership(organizationId: $id) { ...Held }
    auditEvents(first: 5) { nodes { id } }
  }
  organization(id: $id) { ...Shown }
  node(id: $id) { ...Shown }
}
fragment Held on Membership {
  id status roleGrants { role { key } grantedBy { displayName email } } applications { key }
}
fragment Shown on Organization {
  id name status viewerCanManageMembers viewerCanManageOrganization viewerCanPlaceOrders viewerMembership { id }
  administrators { id user { displayName } }
  members(first: 4) { totalCount nodes { ...Held user { id displayName email phone } } }
  orders(first: 3) { nodes { number placedBy { id displayName email phone } } }
}
"""

ORGANIZATION = "query O($id: ID!) { organization(id: $id) { id name viewerCanManageMembers members { totalCount } } }"

MANY = 60

_NEW_IDS = re.compile(r"(?<=(?:til|grt)_)pre_\w{26}|(?<=grt_planned_)\w{26}")
"""What a preview says would be there gets ids that are new each time."""


def _all_at_once(monkeypatch: pytest.MonkeyPatch, most: int) -> None:
    monkeypatch.setattr(caller, "MOST_AT_ONCE", most)


def _alike(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> Ask:
    """Ask twice, with what the caller holds read at once and on demand, and compare."""

    async def asks(query: str, **variables: object) -> Answer:
        _all_at_once(monkeypatch, 1_000)
        at_once = await ask(query, **variables)
        _all_at_once(monkeypatch, 0)
        on_demand = await ask(query, **variables)
        assert _shown(on_demand) == _shown(at_once)
        return at_once

    return asks


def _shown(answer: Answer) -> Any:
    """What an answer says, whichever request it was, and whichever of two fields was decided first."""
    body = json.loads(_NEW_IDS.sub("", json.dumps(answer.body)))
    refusals = [*body.get("errors", []), *body.get("extensions", {}).get("authorizationDryRun", [])]
    for refusal in refusals:
        refusal["extensions"].get("authorization", {}).pop("decisionId", None)
    return body.get("data"), sorted(json.dumps(refusal, sort_keys=True) for refusal in refusals)


@pytest.mark.parametrize(
    "viewer",
    [
        pytest.param(viewer, id=viewer.name, marks=[] if viewer.name in IN_EACH_RUN else pytest.mark.slow)
        for viewer in VIEWERS
    ],
)
async def test_every_field_of_the_schema_answers_the_same(viewer: Viewer, monkeypatch: pytest.MonkeyPatch) -> None:
    async with open_portal(viewer.profile, **WITHOUT_LIMITS) as portal:
        await LIVED_IN[viewer.profile](portal)
        colleague = await membership_of(portal, viewer.colleague) if viewer.colleague is not None else None
        values = await values_of(portal, viewer.looks_as or viewer.login_name, colleague)

        await walked(_alike(await asking(portal, viewer), monkeypatch), values, levels=2, samples=1)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("settings", [{}, {"authorization_dry_run": True}, {"execution": "graphql-core"}])
async def test_whoever_is_in_many_gets_the_answers_of_whoever_is_read_at_once(
    seed: int, settings: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    random = Random(seed)
    async with open_portal(**UNMEASURED | settings) as portal:
        directory, shop = _world(random)
        await portal.wiring.backends.directory.load(directory)
        await portal.wiring.backends.shop.load(shop)
        for user in directory.users:
            person = await portal.person(user.email)
            ask = _alike(person.asks, monkeypatch)
            for organization in random.sample(directory.organizations, 3):
                await ask(WHOLE, id=organization.id, search=random.choice([None, "0"]))
            ids = [one.id for one in (*directory.memberships, *directory.users, *shop.orders, *directory.grants)]
            await ask("query N($ids: [ID!]!) { nodes(ids: $ids) { __typename id } }", ids=random.sample(ids, 20))
            await ask('{ __type(name: "Organization") { fields { name } } }')


async def test_an_organization_takes_no_statement_more_for_somebody_in_many(portal_kind: DatabaseKind) -> None:
    async with _in_many(portal_kind) as portal:
        person, at_home = await portal.person("many@many.example"), await portal.person("one@many.example")

        with portal.statements() as of_unknown:
            first = await person.asks(ORGANIZATION, id="org_many0")
        with portal.statements() as of_many:
            answer = await person.asks(ORGANIZATION, id="org_many0")
        with portal.statements() as of_one:
            same = await at_home.asks(ORGANIZATION, id="org_many0")

    assert first.data == answer.data == same.data
    assert answer.at("organization.members.totalCount") == 2
    assert len(of_many) == len(of_one)
    assert len(of_unknown) == len(of_one) + 1  # until it was seen in how many organizations they are


async def test_what_is_needed_of_many_is_read_once_for_a_level() -> None:
    async with _in_many() as portal:
        person = await portal.person("many@many.example")

        with portal.statements() as statements:
            answer = await person.asks(
                "{ viewer { memberships(first: 50) { nodes { organization { viewerCanManageMembers "
                "viewerCanPlaceOrders viewerMembership { id } members { totalCount } } } } } }"
            )

    nodes = answer.at("viewer.memberships.nodes")
    assert answer.errors == []
    assert [node["organization"]["viewerCanManageMembers"] for node in nodes] == [True] * 50
    assert (
        sum(statement.startswith("SELECT held.id") and "FROM users " not in statement for statement in statements) == 1
    )


async def test_who_is_no_longer_in_many_is_answered_the_same() -> None:
    async with _in_many() as portal:
        person = await portal.person("many@many.example")
        before = await person.asks("{ viewer { memberships { totalCount } defaultOrganization { id } } }")
        async with portal.wiring.backends.directory.change() as change:
            for one in range(1, MANY):
                await change.set_membership_status(MembershipId(f"mbr_many{one}"), MembershipStatus.REMOVED, now=NOW)

        after = await person.asks("{ viewer { memberships { totalCount } defaultOrganization { id } } }")
        organization = await person.asks(ORGANIZATION, id="org_many0")

    assert (before.at("viewer.memberships.totalCount"), after.at("viewer.memberships.totalCount")) == (MANY, 1)
    assert after.at("viewer.defaultOrganization.id") == organization.at("organization.id") == "org_many0"


async def test_a_right_that_was_taken_away_between_two_requests_is_gone() -> None:
    async with _in_many() as portal:
        person = await portal.person("many@many.example")
        before = await person.asks(ORGANIZATION, id="org_many7")

        async with portal.wiring.backends.directory.change() as change:
            await change.revoke(GrantId("grt_many7"))
        after = await person.asks(ORGANIZATION, id="org_many7")

    assert before.at("organization.viewerCanManageMembers") is True
    assert after.at("organization.viewerCanManageMembers") is False
    assert after.codes == {"organization.members": "UNAUTHORIZED_FIELD_OR_TYPE"}


async def test_an_organization_that_removed_somebody_between_two_requests_is_not_there() -> None:
    async with _in_many() as portal:
        person = await portal.person("many@many.example")
        before = await person.asks(ORGANIZATION, id="org_many7")

        async with portal.wiring.backends.directory.change() as change:
            await change.set_membership_status(MembershipId("mbr_many7"), MembershipStatus.REMOVED, now=NOW)
        after = await person.asks(ORGANIZATION, id="org_many7")

    assert before.at("organization.id") == "org_many7"
    assert after.at("organization") is None


async def test_a_right_ends_at_its_very_instant() -> None:
    async with _in_many() as portal:
        person = await portal.person("many@many.example")
        async with portal.wiring.backends.directory.change() as change:
            await change.give(
                MembershipId("mbr_many7"), GrantKind.ROLE, "administration", until=NOW + timedelta(minutes=1), by=None,
                now=NOW,
            )  # fmt: skip

        portal.clock.move(timedelta(minutes=1) - timedelta(microseconds=1))
        last = await person.asks(ORGANIZATION, id="org_many7")
        portal.clock.move(timedelta(microseconds=1))
        over = await person.asks(ORGANIZATION, id="org_many7")

    assert last.at("organization.viewerCanManageMembers") is True
    assert over.at("organization.viewerCanManageMembers") is False


async def test_who_is_in_many_changes_one_of_them_and_reads_what_it_is_now() -> None:
    async with _in_many() as portal:
        person = await portal.person("many@many.example")

        answer = await person.asks(
            'mutation { updateOrganization(input: {id: "org_many7", expectedVersion: 1, phone: '
            '"+4976155500"}) { organization { phone viewerCanManageOrganization members { totalCount } } '
            "errors { code } } }"
        )

    assert answer.data["updateOrganization"] == {
        "organization": {"phone": "+4976155500", "viewerCanManageOrganization": True, "members": {"totalCount": 1}},
        "errors": [],
    }


async def test_what_was_not_read_is_never_a_silent_no() -> None:
    async with _in_many() as portal:
        directory = portal.wiring.backends.directory
        context = RequestContext(
            backends=portal.wiring.backends, policy=portal.wiring.policy, now=NOW, request_id="test"
        )
        context.become(await directory.caller(UserId("usr_many"), None, NOW, at_once=[OrganizationId("org_many1")]))

        assert context.may(MANAGE_MEMBERS, "org_many1")
        await context.learn([OrganizationId("org_nobodys")])
        assert not is_visible(context, "org_nobodys")
        for unread in (
            lambda: context.may(MANAGE_MEMBERS, "org_many2"),
            lambda: is_visible(context, "org_many2"),
            lambda: "org_many2" in context.viewer.standings,
            lambda: context.caller.standings.get("org_many2"),
            lambda: list(context.viewer.standings),
            lambda: len(context.caller.standings),
        ):
            with pytest.raises(StandingsUnread):
                unread()
        await context.learn(None)
        assert len(context.caller.standings) == MANY
        assert context.may(MANAGE_MEMBERS, "org_many2")


async def test_two_that_need_the_same_at_once_read_it_once() -> None:
    async with _in_many() as portal:
        found = await portal.wiring.backends.directory.caller(UserId("usr_many"), None, NOW, at_once=[])
        assert found is not None
        standings = found.standings
        assert isinstance(standings, StandingsOnDemand)

        with portal.statements() as statements:
            await gather(
                *[standings.learn([OrganizationId(f"org_many{one}"), OrganizationId("org_no")]) for one in (2, 2)]
            )

    assert len(statements) == 1
    assert "org_no" not in standings


@asynccontextmanager
async def _in_many(kind: DatabaseKind = "sqlite") -> AsyncIterator[Portal]:
    """A gateway with somebody who administers MANY organizations, and somebody who administers the first of them."""
    many, one = _user("many"), _user("one")
    organizations = [_organization(f"many{number}") for number in range(MANY)]
    memberships = [
        MembershipRecord(
            MembershipId(f"mbr_many{number}"), 1, organization.id, many.id, MembershipStatus.ACTIVE, NOW, None
        )
        for number, organization in enumerate(organizations)
    ]
    memberships.append(
        MembershipRecord(MembershipId("mbr_one"), 1, organizations[0].id, one.id, MembershipStatus.ACTIVE, NOW, None)
    )
    grants = [_grant(membership, GrantKind.ROLE, "administration", None) for membership in memberships]
    async with open_portal(kind=kind, **UNMEASURED) as portal:
        await portal.wiring.backends.directory.load(
            DirectoryData([many, one], [], organizations, memberships, grants, [])
        )
        yield portal


def _world(random: Random) -> tuple[DirectoryData, ShopData]:
    """Some people who are members of some organizations in every way, and what they ordered."""
    organizations = [
        replace(
            _organization(f"world{number}"),
            status=random.choices(list(OrganizationStatus), [1, 8, 1, 1, 1])[0],
        )
        for number in range(6)
    ]
    people = [
        replace(
            _user(f"world{number}"), default_organization_id=random.choice([None, *(one.id for one in organizations)])
        )
        for number in range(4)
    ]
    memberships = [
        MembershipRecord(
            MembershipId(f"mbr_{person.email[:6]}{organization.name}"), 1, organization.id, person.id,
            random.choices(list(MembershipStatus), [1, 6, 1, 1])[0], NOW, None,
        )
        for person in people
        for organization in organizations
        if random.random() < 0.8
    ]  # fmt: skip
    grants = [
        _grant(membership, kind, key, random.choice([None, None, NOW, NOW + timedelta(microseconds=1)]))
        for membership in memberships
        for kind, key in (
            (GrantKind.ROLE, "administration"), (GrantKind.ROLE, "purchase"), (GrantKind.ROLE, "planning"),
            (GrantKind.PERMISSION, "ORDER_VIEW"), (GrantKind.PERMISSION, "MEMBER_VIEW"),
        )
        if random.random() < 0.3
    ]  # fmt: skip
    orders = [
        OrderRecord(
            OrderId(f"ord_{organization.name}{number}"), f"{organization.name}-{number}", organization.id,
            OrderStatus.SUBMITTED, NOW, NOW, random.choice(people).id, Money(0, "EUR"), None, None,
        )
        for organization in organizations
        for number in range(3)
    ]  # fmt: skip
    return DirectoryData(people, [], organizations, memberships, grants, []), ShopData(orders, [], [])


def _user(name: str) -> UserRecord:
    return UserRecord(
        UserId(f"usr_{name}"), f"{name}@many.example", True, "Given", name, "+4976155501", None, None,
        AccountKind.BUSINESS_CUSTOMER, None, NOW, 1,
    )  # fmt: skip


def _organization(name: str) -> OrganizationRecord:
    return OrganizationRecord(
        OrganizationId(f"org_{name}"), 1, None, name, None, OrganizationKind.INSTALLER, OrganizationStatus.ACTIVE, None,
        None,
    )  # fmt: skip


def _grant(membership: MembershipRecord, kind: GrantKind, key: str, until: datetime | None) -> GrantRecord:
    name = membership.id.removeprefix("mbr_") + ("" if key == "administration" else key)
    return GrantRecord(
        GrantId(f"grt_{name}"), membership.id, membership.organization_id, membership.user_id, kind, key,
        NOW - timedelta(days=1), None, until,
    )  # fmt: skip
