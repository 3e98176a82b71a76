"""What the directory answers about persons and organizations."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from connectors.directory.directory import Directory
from connectors.directory.records.caller import CallerRecord, StandingRecord
from connectors.ids import OrganizationId, SessionId, UserId
from connectors.pages import Slice
from tests.directory import people
from tests.directory.conftest import statements
from tests.directory.people import (
    AEOLUS,
    ANNA,
    BERND,
    CLEO,
    CLOSED,
    DORA,
    EMIL,
    FRIEDA,
    HELIOS,
    LUMEN,
    NOW,
    ORGANIZATIONS,
    PAUL,
    TOMORROW,
    VERA,
    YESTERDAY,
    session,
)


def _standing(membership: Any, *grants: Any) -> StandingRecord:
    organization = next(record for record in ORGANIZATIONS if record.id == membership.organization_id)
    return StandingRecord(membership.id, organization, membership.status, grants)


def _standings(*standings: StandingRecord) -> dict[OrganizationId, StandingRecord]:
    return {standing.organization_id: standing for standing in standings}


ANNAS = _standings(
    _standing(people.ANNA_AT_AEOLUS),
    _standing(people.ANNA_AT_CLOSED),
    _standing(people.ANNA_AT_HELIOS, people.ANNA_ADMINISTERS, people.ANNA_BUYS_NO_MORE, people.ANNA_READS_ORDERS),
    _standing(people.ANNA_AT_LUMEN, people.ANNA_BUYS_AT_LUMEN),
)


async def test_the_caller_comes_with_every_standing_and_every_grant_expired_ones_too(asked: Directory) -> None:
    caller = await asked.caller(ANNA.id, None, NOW)

    assert caller == CallerRecord(
        user=ANNA,
        session_id=None,
        standings=ANNAS,
        vendor_permissions=(),
    )


async def test_an_organization_that_removed_the_caller_is_not_among_their_standings(asked: Directory) -> None:
    caller = await asked.caller(FRIEDA.id, None, NOW)

    assert caller is not None
    assert caller.standings == _standings(_standing(people.FRIEDA_AT_LUMEN))


async def test_suspended_and_invited_standings_say_so(asked: Directory) -> None:
    dora, emil = await asked.caller(DORA.id, None, NOW), await asked.caller(EMIL.id, None, NOW)

    assert dora is not None
    assert emil is not None
    assert dora.standings == _standings(_standing(people.DORA_AT_HELIOS, people.DORA_ADMINISTERED))
    assert emil.standings == _standings(_standing(people.EMIL_AT_HELIOS))


async def test_vendor_staff_come_with_vendor_permissions_and_without_organizations(asked: Directory) -> None:
    caller = await asked.caller(VERA.id, None, NOW)

    assert caller == CallerRecord(VERA, None, {}, ("vendor:audit", "vendor:review"))


async def test_a_private_person_is_a_caller_without_any_standing(asked: Directory) -> None:
    assert await asked.caller(PAUL.id, None, NOW) == CallerRecord(PAUL, None, {}, ())


async def test_nobody_is_the_caller_with_an_unknown_id(asked: Directory) -> None:
    assert await asked.caller(UserId("usr_unknown"), None, NOW) is None


async def test_a_person_has_signed_in_from_the_networks_of_their_own_sessions_that_began_since(
    directory: Directory,
) -> None:
    here, elsewhere, before = "203.0.113.7", "2001:db8::/64", NOW - timedelta(seconds=1)
    async with directory.change() as change:
        await change.open_session(session("here", ANNA), b"1", TOMORROW, network=here)
        await change.open_session(session("nowhere", ANNA), b"2", TOMORROW)
        await change.open_session(session("other", BERND), b"3", TOMORROW, network=elsewhere)

    asked = [(ANNA.id, here), (ANNA.id, elsewhere), (ANNA.id, None), (ANNA.id, ""), (BERND.id, elsewhere), (None, here)]
    known = [await directory.has_signed_in_from(person, network, since=before) for person, network in asked]

    assert known == [True, False, False, False, True, False]
    assert not await directory.has_signed_in_from(ANNA.id, here, since=NOW)
    async with directory.change() as change:
        await change.forget_person(ANNA.id, NOW)
    assert not await directory.has_signed_in_from(ANNA.id, here, since=before)


async def test_a_session_counts_only_for_its_user_until_it_expires_or_ends(directory: Directory) -> None:
    running, ended, other = session("running", ANNA), session("ended", ANNA), session("other", BERND)
    async with directory.change() as change:
        for number, opened in enumerate((running, ended, other)):
            await change.open_session(opened, bytes([number]), TOMORROW)
        await change.end_session(ended.id, NOW)

    caller = await directory.caller(ANNA.id, running.id, NOW)

    assert caller is not None
    assert (caller.user, caller.session_id, len(caller.standings)) == (ANNA, running.id, 4)
    assert await directory.caller(ANNA.id, running.id, TOMORROW) is None
    assert await directory.caller(ANNA.id, ended.id, NOW) is None
    assert await directory.caller(ANNA.id, other.id, NOW) is None
    assert await directory.caller(ANNA.id, SessionId("ses_unknown"), NOW) is None
    assert await directory.caller(UserId("usr_unknown"), running.id, NOW) is None


@pytest.mark.parametrize(
    ("name", "whose"),
    [
        ("anna@helios.example", ANNA.id),
        ("cleo.m@lumen.example", CLEO.id),
        ("sun_10001", ANNA.id),
        ("bernd", BERND.id),
        ("emil@helios.example", None),
        ("unknown", None),
        ("", None),
        ("an%", None),
        ("anna\0", None),
    ],
)
async def test_a_login_name_or_verified_address_leads_to_its_user(
    asked: Directory, name: str, whose: UserId | None
) -> None:
    assert await asked.user_id_of_login_name(name) == whose


async def test_an_address_wins_over_a_login_name_that_looks_like_it(directory: Directory) -> None:
    stolen = replace(people.PEOPLE, users=[], organizations=[], memberships=[], grants=[], vendor_permissions=[])
    await directory.load(replace(stolen, login_names=[("anna@helios.example", BERND.id)]))

    assert await directory.user_id_of_login_name("anna@helios.example") == ANNA.id


async def test_login_names_are_shown_as_they_were_given_the_verified_address_first(asked: Directory) -> None:
    names = await asked.login_names_of([EMIL.id, ANNA.id, UserId("usr_unknown"), CLEO.id, ANNA.id])

    anna = ["anna@helios.example", "anna", "SUN_10001"]
    assert names == [[], anna, [], ["Cleo.M@Lumen.Example"], anna]


async def test_users_are_answered_in_the_order_they_are_asked_for(asked: Directory) -> None:
    found = await asked.users([CLEO.id, UserId("usr_unknown"), ANNA.id, CLEO.id])

    assert found == [CLEO, None, ANNA, CLEO]


async def test_organizations_are_answered_in_the_order_they_are_asked_for(asked: Directory) -> None:
    found = await asked.organizations([CLOSED, OrganizationId("org_unknown"), HELIOS, AEOLUS, LUMEN])

    helios, lumen, aeolus, closed = ORGANIZATIONS
    assert found == [closed, None, helios, aeolus, lumen]


@pytest.mark.parametrize("id", ["", "\0", "org_helios\0", "\ud800", "' OR 1=1 --", "x" * 100_000, "[]", '"'])
async def test_a_strange_id_is_an_unknown_one(asked: Directory, id: str) -> None:
    assert await asked.organizations([OrganizationId(id)]) == [None]
    assert await asked.users([UserId(id), ANNA.id]) == [None, ANNA]
    assert await asked.caller(UserId(id), None, NOW) is None
    assert await asked.caller(ANNA.id, SessionId(id), NOW) is None


async def test_people_are_seen_through_an_organization_that_knows_them(asked: Directory) -> None:
    ids = [CLEO.id, PAUL.id, DORA.id, FRIEDA.id, UserId("usr_unknown")]

    everywhere = await asked.users_as_seen(ids, [HELIOS, LUMEN], [])
    nowhere = await asked.users_as_seen(ids, [], [])

    assert [user and user.seen_in for user in everywhere] == [HELIOS, None, HELIOS, HELIOS, None]
    assert nowhere == [CLEO, PAUL, DORA, FRIEDA, None]


async def test_the_memberships_of_people_in_some_organizations_are_found_whatever_their_status(
    asked: Directory,
) -> None:
    found = await asked.memberships_among([CLEO.id, FRIEDA.id], [HELIOS])

    assert {one.user_id: one.organization_id for one in found} == {CLEO.id: HELIOS, FRIEDA.id: HELIOS}
    assert await asked.memberships_among([], [HELIOS]) == []


async def test_a_directory_is_empty_until_something_is_loaded(engine: Any) -> None:
    directory = Directory(engine)
    before = await directory.is_empty()
    await directory.load(people.PEOPLE)

    assert (before, await directory.is_empty()) == (True, False)


async def test_a_directory_that_answers_is_healthy(asked: Directory) -> None:
    assert await asked.healthy()


LISTS: dict[str, Callable[[Directory, list[Any]], Awaitable[Any]]] = {
    "users": lambda directory, ids: directory.users(ids),
    "organizations": lambda directory, ids: directory.organizations(ids),
    "memberships": lambda directory, ids: directory.memberships(ids),
    "grants": lambda directory, ids: directory.grants(ids),
    "grants_of": lambda directory, ids: directory.grants_of(ids),
    "login_names_of": lambda directory, ids: directory.login_names_of(ids),
    "users_as_seen": lambda directory, ids: directory.users_as_seen(ids, [HELIOS], [LUMEN]),
    "memberships_of": lambda directory, ids: directory.memberships_of(ids, Slice(5)),
    "count_memberships_of": lambda directory, ids: directory.count_memberships_of(ids),
    "members_of": lambda directory, ids: directory.members_of(ids, Slice(5), where=people.EVERYBODY),
    "count_members_of": lambda directory, ids: directory.count_members_of(ids, people.EVERYBODY),
    "holders_of": lambda directory, ids: directory.holders_of(
        ids, role_keys=["purchase"], permissions=["orders:read"], now=NOW
    ),
}


@pytest.mark.parametrize("query", LISTS)
async def test_every_list_costs_one_and_the_same_statement_however_long_it_is(asked: Directory, query: str) -> None:
    ask = LISTS[query]

    with statements(asked._engine) as sent:
        answers = [await ask(asked, [f"id_{number}" for number in range(length)]) for length in (0, 1, 100, 40_000)]

    assert [len(answer) for answer in answers] == [0, 1, 100, 40_000]
    assert len(sent) == 3
    assert len(set(sent)) == 1


async def test_the_caller_costs_one_statement(asked: Directory) -> None:
    with statements(asked._engine) as sent:
        await asked.caller(ANNA.id, None, NOW)
        await asked.caller(ANNA.id, SessionId("ses_unknown"), YESTERDAY)
        await asked.user_id_of_login_name("anna")
        await asked.is_empty()

    assert len(sent) == 4
