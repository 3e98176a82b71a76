"""What the directory answers about who belongs to which organization, and what they were given there."""

import json
from base64 import urlsafe_b64decode
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as some
from sqlalchemy import delete

from connectors.directory import tables
from connectors.directory.directory import Directory
from connectors.directory.records.data import DirectoryData
from connectors.directory.records.memberships import MemberFilter, MembershipFilter, MembershipRecord, MembershipStatus
from connectors.errors import InvalidCursor
from connectors.folding import folded
from connectors.ids import GrantId, MembershipId, OrganizationId
from connectors.pages import Page, Slice, cursor
from tests.directory import people
from tests.directory.people import (
    ANNA,
    ANNA_AT_AEOLUS,
    ANNA_AT_CLOSED,
    ANNA_AT_HELIOS,
    ANNA_AT_LUMEN,
    BERND_AT_HELIOS,
    CLEO_AT_HELIOS,
    CLEO_AT_LUMEN,
    DORA_AT_HELIOS,
    EMIL_AT_HELIOS,
    EVERYBODY,
    FRIEDA,
    FRIEDA_AT_HELIOS,
    FRIEDA_AT_LUMEN,
    HELIOS,
    LUMEN,
    NOW,
    ORGANIZATIONS,
    PAUL,
    TOMORROW,
)
from tests.examples import examples

AT_HELIOS = [EMIL_AT_HELIOS, BERND_AT_HELIOS, ANNA_AT_HELIOS, CLEO_AT_HELIOS, DORA_AT_HELIOS]
"""By last name: Adam, Mueller, Müller and Muller (the same: Anna before Cléo), Weiß; Zapf is removed."""

UNKNOWN = OrganizationId("org_unknown")


async def test_memberships_are_answered_in_the_order_they_are_asked_for(asked: Directory) -> None:
    found = await asked.memberships([FRIEDA_AT_HELIOS.id, MembershipId("mem_unknown"), EMIL_AT_HELIOS.id])

    assert found == [FRIEDA_AT_HELIOS, None, EMIL_AT_HELIOS]


async def test_members_come_by_last_name_as_people_read_it(asked: Directory) -> None:
    helios, unknown, lumen = await _members(asked, [HELIOS, UNKNOWN, LUMEN])

    assert helios == AT_HELIOS
    assert unknown == []
    assert lumen == [ANNA_AT_LUMEN, CLEO_AT_LUMEN, FRIEDA_AT_LUMEN]


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        (MemberFilter(status=(MembershipStatus.REMOVED,)), [FRIEDA_AT_HELIOS]),
        (MemberFilter(status=(MembershipStatus.INVITED, MembershipStatus.SUSPENDED)), [EMIL_AT_HELIOS, DORA_AT_HELIOS]),
        (MemberFilter(status=()), []),
        (MemberFilter(search="MULLER"), [ANNA_AT_HELIOS, CLEO_AT_HELIOS]),
        (MemberFilter(search="Müll"), [ANNA_AT_HELIOS, CLEO_AT_HELIOS]),
        (MemberFilter(search="ueller"), [BERND_AT_HELIOS]),
        (MemberFilter(search="weiss"), [DORA_AT_HELIOS]),
        (MemberFilter(search="WEIẞ"), [DORA_AT_HELIOS]),
        (MemberFilter(search="cleo"), [CLEO_AT_HELIOS]),
        (MemberFilter(search="anna mü"), [ANNA_AT_HELIOS]),
        (MemberFilter(search=" lumen.EXAMPLE "), [CLEO_AT_HELIOS]),
        (MemberFilter(search="Müller,  Anna"), [ANNA_AT_HELIOS]),
        (MemberFilter(search="müller anna lumen"), []),
        (MemberFilter(search="zapf"), []),
        (MemberFilter(search="Müll%"), []),
        (MemberFilter(search="M_ller"), []),
        (MemberFilter(search="%"), []),
        (MemberFilter(search="_"), []),
        (MemberFilter(search="\\"), []),
        (MemberFilter(search="\0"), []),
        (MemberFilter(search="a" * 200_000), []),
        (MemberFilter(search=""), AT_HELIOS),
        (MemberFilter(search="  "), AT_HELIOS),
        (MemberFilter(role_keys=("administration",), now=NOW), [ANNA_AT_HELIOS, DORA_AT_HELIOS]),
        (MemberFilter(role_keys=("purchase",), now=NOW), [BERND_AT_HELIOS]),
        (MemberFilter(role_keys=("purchase",), now=TOMORROW), []),
        (MemberFilter(role_keys=("orders:read",), now=NOW), []),
        (MemberFilter(role_keys=("unknown",), now=NOW), []),
        (MemberFilter(role_keys=(), now=NOW), []),
        (MemberFilter(status=(MembershipStatus.ACTIVE,), search="a", role_keys=("administration",), now=NOW),
         [ANNA_AT_HELIOS]),
    ],
)  # fmt: skip
async def test_members_are_filtered_and_counted_alike(
    asked: Directory, where: MemberFilter, expected: list[MembershipRecord]
) -> None:
    assert await _members(asked, [HELIOS], where) == [expected]
    assert await asked.count_members_of([HELIOS, UNKNOWN], where) == [len(expected), 0]


async def test_an_organization_that_is_asked_for_twice_has_its_members_twice_and_each_once(asked: Directory) -> None:
    (once,) = await asked.members_of([HELIOS], Slice(3), where=EVERYBODY)
    first, second = await asked.members_of([HELIOS, HELIOS], Slice(3), where=EVERYBODY)

    assert [entry.id for entry in first.items] == [entry.id for entry in once.items]
    assert second.items == first.items


async def test_a_page_of_members_knows_whether_there_is_more(asked: Directory) -> None:
    helios, lumen, unknown = await asked.members_of([HELIOS, LUMEN, UNKNOWN], Slice(3), where=EVERYBODY)

    assert (helios.items, helios.has_next_page, helios.has_previous_page) == (AT_HELIOS[:3], True, False)
    assert (len(lumen.items), lumen.has_next_page, lumen.has_previous_page) == (3, False, False)
    assert (unknown.items, unknown.has_next_page, unknown.has_previous_page) == ([], False, False)


async def test_the_next_page_goes_on_after_the_cursor(asked: Directory) -> None:
    (start,) = await asked.members_of([HELIOS], Slice(2), where=EVERYBODY)
    (rest,) = await asked.members_of([HELIOS], Slice(9, start.cursor_of(start.items[-1])), where=EVERYBODY)

    assert (rest.items, rest.has_next_page, rest.has_previous_page) == (AT_HELIOS[2:], False, True)


async def test_a_page_of_none_still_says_that_there_are_some(asked: Directory) -> None:
    (page,) = await asked.members_of([HELIOS], Slice(0), where=EVERYBODY)

    assert (page.items, page.has_next_page) == ([], True)


async def test_a_negative_page_is_refused(asked: Directory) -> None:
    with pytest.raises(ValueError, match="negative"):
        await asked.members_of([HELIOS], Slice(-1), where=EVERYBODY)


@pytest.mark.parametrize(
    "broken",
    [
        "",
        "x",
        "\0",
        "ü",
        cursor("memberships", "a", "b"),
        cursor("members", "a"),
        cursor("members", "a", "b", "c", "d"),
        cursor("members", "n\0", "a", "b"),
        cursor("members", "n", "\ud800", "b"),
    ],
)
async def test_a_cursor_of_another_list_is_refused(asked: Directory, broken: str) -> None:
    with pytest.raises(InvalidCursor):
        await asked.members_of([HELIOS], Slice(1, broken), where=EVERYBODY)


async def test_a_forged_cursor_of_the_right_shape_shows_nothing_but_the_same_list(asked: Directory) -> None:
    (page,) = await asked.members_of([HELIOS], Slice(9, cursor("members", "n", "zz", "")), where=EVERYBODY)

    assert page.items == [DORA_AT_HELIOS]


async def test_a_cursor_does_not_show_more_than_the_page_does(asked: Directory) -> None:
    (page,) = await asked.members_of([HELIOS], Slice(1), where=EVERYBODY)

    opened = json.loads(urlsafe_b64decode(page.cursor_of(page.items[0]) + "=="))

    assert opened == ["members", "adam", "emil", EMIL_AT_HELIOS.id]


async def test_memberships_come_by_name_of_the_organization(asked: Directory) -> None:
    anna, paul, frieda = await asked.memberships_of([ANNA.id, PAUL.id, FRIEDA.id], Slice(9))

    assert anna.items == [ANNA_AT_AEOLUS, ANNA_AT_HELIOS, ANNA_AT_LUMEN, ANNA_AT_CLOSED]
    assert paul.items == []
    assert frieda.items == [FRIEDA_AT_LUMEN]


@pytest.mark.parametrize(
    ("status", "expected"),
    [(None, [4, 1]), ([MembershipStatus.REMOVED], [0, 1]), (list(MembershipStatus), [4, 2]), ([], [0, 0])],
)
async def test_memberships_are_filtered_and_counted_alike(
    asked: Directory, status: list[MembershipStatus] | None, expected: list[int]
) -> None:
    where = MembershipFilter(tuple(status) if status is not None else None)

    pages = await asked.memberships_of([ANNA.id, FRIEDA.id], Slice(9), where=where)

    assert [len(page.items) for page in pages] == expected
    assert await asked.count_memberships_of([ANNA.id, FRIEDA.id], where) == expected


async def test_the_next_page_of_memberships_goes_on_after_the_cursor(asked: Directory) -> None:
    (start,) = await asked.memberships_of([ANNA.id], Slice(1))
    after = start.cursor_of(start.items[0])
    anna, frieda = await asked.memberships_of([ANNA.id, FRIEDA.id], Slice(2, after))

    assert (start.items, start.has_next_page) == ([ANNA_AT_AEOLUS], True)
    assert (anna.items, anna.has_next_page) == ([ANNA_AT_HELIOS, ANNA_AT_LUMEN], True)
    assert frieda.items == [FRIEDA_AT_LUMEN]


async def test_grants_come_roles_first_then_by_key_expired_ones_too(asked: Directory) -> None:
    found = await asked.grants_of([ANNA_AT_HELIOS.id, MembershipId("mem_unknown"), EMIL_AT_HELIOS.id])

    assert found == [[people.ANNA_ADMINISTERS, people.ANNA_BUYS_NO_MORE, people.ANNA_READS_ORDERS], [], []]


async def test_grants_are_answered_in_the_order_they_are_asked_for(asked: Directory) -> None:
    found = await asked.grants([people.CLEO_INVITES.id, GrantId("grt_unknown"), people.ANNA_BUYS_NO_MORE.id])

    assert found == [people.CLEO_INVITES, None, people.ANNA_BUYS_NO_MORE]


@pytest.mark.parametrize(
    ("roles", "permissions", "expected"),
    [
        (["administration"], [], [[ANNA_AT_HELIOS], [CLEO_AT_LUMEN]]),
        (["purchase"], [], [[BERND_AT_HELIOS], [ANNA_AT_LUMEN]]),
        ([], ["members:invite"], [[CLEO_AT_HELIOS], []]),
        (["administration"], ["members:invite"], [[ANNA_AT_HELIOS, CLEO_AT_HELIOS], [CLEO_AT_LUMEN]]),
        (["members:invite"], ["administration"], [[], []]),
        ([], [], [[], []]),
    ],
)
async def test_holders_are_active_members_whose_grant_has_not_expired(
    asked: Directory, roles: list[str], permissions: list[str], expected: list[list[MembershipRecord]]
) -> None:
    found = await asked.holders_of([HELIOS, UNKNOWN, LUMEN], role_keys=roles, permissions=permissions, now=NOW)

    assert found == [expected[0], [], expected[1]]
    assert await asked.holders_of(
        [HELIOS, UNKNOWN, LUMEN], role_keys=roles, permissions=permissions, now=NOW, limit=1
    ) == [of_one[:1] for of_one in found]


async def test_a_grant_ends_at_the_instant_until_which_it_is_valid(asked: Directory) -> None:
    last = await asked.holders_of(
        [HELIOS], role_keys=["purchase"], permissions=[], now=TOMORROW - timedelta(microseconds=1)
    )
    over = await asked.holders_of([HELIOS], role_keys=["purchase"], permissions=[], now=TOMORROW)

    assert (last, over) == ([[BERND_AT_HELIOS]], [[]])


NAMES = some.sampled_from(
    ["Müller", "Muller", "muller", "MÜLLER", "Weiß", "Weiss", "", "Åström", "Zoë", "zoe", "Ωmega"]
)


@examples(25)
@given(names=some.lists(some.tuples(NAMES, NAMES, some.booleans()), max_size=14), first=some.integers(1, 6))
async def test_walking_the_pages_meets_each_member_exactly_once_in_order(
    walked: Directory, names: list[tuple[str, str, bool]], first: int
) -> None:
    await _clear(walked)
    persons = [people.user(f"u{number}", name[0], name[1]) for number, name in enumerate(names)]
    members = [
        people.membership(person, organization)
        for person, name in zip(persons, names, strict=True)
        for organization in ((HELIOS, LUMEN) if name[2] else (HELIOS,))
    ]
    await walked.load(DirectoryData(persons, [], ORGANIZATIONS, members, [], []))
    by_id = {person.id: person for person in persons}

    def position(member: MembershipRecord) -> tuple[str, str, str]:
        person = by_id[member.user_id]
        return folded(person.last_name), folded(person.first_name), member.id

    for organization in (HELIOS, LUMEN):
        met = await _walk(walked, organization, first)

        expected = sorted((m for m in members if m.organization_id == organization), key=position)
        assert met == expected
        assert await walked.count_members_of([organization], EVERYBODY) == [len(expected)]


async def test_whoever_joins_or_leaves_while_pages_are_walked_moves_nobody_else(directory: Directory) -> None:
    (start,) = await directory.members_of([HELIOS], Slice(2), where=EVERYBODY)
    early, late = people.user("early", "Aa", "Aa"), people.user("late", "Zz", "Zz")
    joining = [people.membership(early, HELIOS), people.membership(late, HELIOS)]
    await directory.load(DirectoryData([early, late], [], [], joining, [], []))

    (rest,) = await directory.members_of([HELIOS], Slice(9, start.cursor_of(start.items[-1])), where=EVERYBODY)

    assert rest.items == [*AT_HELIOS[2:], joining[1]]


async def test_of_a_word_longer_than_the_index_is_asked_for_every_letter_counts(directory: Directory) -> None:
    short, long = (people.user(name, "Ann", "a" * length) for name, length in (("short", 50), ("long", 60)))
    members = [people.membership(short, HELIOS), people.membership(long, HELIOS)]
    await directory.load(DirectoryData([short, long], [], [], members, [], []))

    where = MemberFilter(search="a" * 60)

    assert await _members(directory, [HELIOS], where) == [[members[1]]]
    assert await directory.count_members_of([HELIOS], where) == [1]


@pytest.fixture
def walked(directory: Directory) -> Directory:
    return directory


async def _clear(directory: Directory) -> None:
    async with directory._engine.begin() as connection:
        for table in (tables.grants, tables.vendor_permissions, tables.login_names, tables.memberships, tables.users):
            await connection.execute(delete(table))
        await connection.execute(delete(tables.organizations))


async def _members(
    directory: Directory, organizations: list[OrganizationId], where: MemberFilter = EVERYBODY
) -> list[list[MembershipRecord]]:
    pages = await directory.members_of(organizations, Slice(100), where=where)
    return [list(page.items) for page in pages]


async def _walk(directory: Directory, organization: OrganizationId, first: int) -> list[MembershipRecord]:
    met: list[MembershipRecord] = []
    after: str | None = None
    while True:
        page: Page[MembershipRecord]
        (page,) = await directory.members_of([organization], Slice(first, after), where=EVERYBODY)
        assert len(page.items) <= first
        met.extend(page.items)
        if not page.has_next_page:
            return met
        after = page.cursor_of(page.items[-1])
