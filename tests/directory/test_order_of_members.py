"""That members are listed and found by who they are now, whoever changed what, with hundreds beside them."""

import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import product

import pytest
from sqlalchemy import select

from connectors.database import lists
from connectors.directory import tables
from connectors.directory.directory import Directory
from connectors.directory.memberships import _members
from connectors.directory.records.access import GrantKind
from connectors.directory.records.data import DirectoryData
from connectors.directory.records.memberships import (
    MemberFilter,
    MemberOrder,
    MemberOrderField,
    MembershipRecord,
    MembershipStatus,
)
from connectors.directory.records.people import ProfileChange, UserRecord
from connectors.folding import folded, search_words, searchable
from connectors.ids import OrganizationId, UserId
from connectors.pages import Slice, SortDirection
from tests.directory.people import HELIOS, NOW, grant, membership, organization, user
from tests.directory.test_invitations import invitation, new

NAMES = ["Weiß", "Weiss", "Müller", "Muller", "Łuczak", "adam", "Zapf", "O\u2019Neill", "Żak", ""]
SEARCHES = ["weiss", "ull", "le", "z", "helios", "adam weiß", "50@", "%", "nobody", "x y"]
STATUSES = list(MembershipStatus)
FIRST, LAST = datetime(1, 1, 1, tzinfo=NOW.tzinfo), datetime(9999, 12, 31, tzinfo=NOW.tzinfo)
MANY = 400
"""More than are walked through before those that fulfil a condition are looked up."""


@pytest.fixture(autouse=True)
def _few_are_walked_through(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(lists, "_WALKED_INSIDE", lists._WALKED)
    _members.cache_clear()
    yield
    _members.cache_clear()


class Change:
    """Changes something at random, through each command that changes who somebody is or what they belong to."""

    def __init__(self, directory: Directory, seed: int) -> None:
        self.directory, self.draw, self.number = directory, random.Random(seed), 0

    async def one(self) -> None:
        people, members = await everybody(self.directory), await everyone_in(self.directory, HELIOS)
        change = self.draw.choice([self.rename, self.move, self.join, self.stand, self.forget, self.invite])
        await change(self.draw.choice([one for one in people if one.id in {member.user_id for member in members}]))

    def name(self) -> dict[str, str]:
        return {"first_name": self.draw.choice(NAMES), "last_name": self.draw.choice(NAMES)}

    async def rename(self, person: UserRecord) -> None:
        async with self.directory.change() as change:
            profile = ProfileChange(self.name())
            await change.update_profile(person.id, profile, expected_version=person.profile_version, now=NOW)

    async def move(self, person: UserRecord) -> None:
        self.number += 1
        async with self.directory.change() as change:
            await change.set_email(person.id, f"moved{self.number}@{self.draw.choice(['helios', 'lumen'])}.example")

    async def join(self, _person: UserRecord) -> None:
        self.number += 1
        someone = user(f"new{self.number}", **self.name())
        async with self.directory.change() as change:
            await change.add_user(someone)
            await change.add_membership(membership(someone, HELIOS))

    async def stand(self, person: UserRecord) -> None:
        (member,) = await self.directory.memberships_among([person.id], [HELIOS])
        later = NOW + timedelta(days=self.draw.randrange(9))
        async with self.directory.change() as change:
            await change.set_membership_status(member.id, self.draw.choice(STATUSES), now=later)

    async def forget(self, person: UserRecord) -> None:
        async with self.directory.change() as change:
            await change.forget_person(person.id, NOW)

    async def invite(self, _person: UserRecord) -> None:
        """Invite somebody, whose name is corrected, and hand the membership over to an account."""
        self.number += 1
        sent = invitation(f"{self.number}")
        owner, stand_in = user(f"owner{self.number}", **self.name()), new(sent)
        assert stand_in.person is not None
        async with self.directory.change() as change:
            await change.add_user(owner)
            await change.add_invitations([stand_in])
            await change.update_invited(
                user(stand_in.person.id[4:], "Jörg", self.draw.choice(NAMES), email=sent.email, email_verified=False)
            )
        if self.draw.random() < 0.6:
            async with self.directory.change() as change:
                await change.hand_over(sent, owner.id)


@pytest.mark.parametrize("seed", range(2))
async def test_members_are_listed_and_found_by_who_they_are_after_any_changes(directory: Directory, seed: int) -> None:
    change = Change(directory, seed)
    for _ in range(2):
        for _ in range(12):
            await change.one()

        for order in all_orders():
            where = MemberFilter(order=order, status=tuple(change.draw.sample(STATUSES, change.draw.randint(1, 4))))
            search = change.draw.choice(SEARCHES)
            for filtered in (where, MemberFilter(status=where.status, order=order, search=search)):
                expected = await as_computed(directory, filtered)
                assert await as_listed(directory, filtered) == expected, filtered
                assert await directory.count_members_of([HELIOS], filtered) == [len(expected)]


FEW_AND_MANY: list[tuple[str | None, str | None]] = [
    ("weiss", None),
    ("p7", None),
    ("p399", None),
    ("ro", None),
    ("q", None),
    ("@", None),
    ("9 zap", None),
    ("longer long", None),
    ("nobody", None),
    ("large", "administration"),
    (None, "administration"),
    (None, "purchase"),
]
"""Searches and roles that one, some, all or none of the members fulfil."""


async def test_few_and_many_are_found_among_hundreds_in_every_order(directory: Directory) -> None:
    large = OrganizationId("org_large")
    people = [
        user(f"p{number}", f"Vorname{number % 7}", NAMES[number % 9], email=f"p{number}@large.example")
        for number in range(MANY)
    ]
    people += [user(f"long{number}", "Long" * 60, "Er", email=f"longer{number}@large.example") for number in range(3)]
    members = [membership(person, large, STATUSES[number % 5 % 4]) for number, person in enumerate(people)]
    grants = [grant(member, GrantKind.ROLE, "purchase") for member in members]
    grants += [grant(member, GrantKind.ROLE, "administration") for member in members[::80]]
    await directory.load(DirectoryData(people, [], [organization(large, "Large")], members, grants, []))

    for (search, role), order in product(FEW_AND_MANY, all_orders()):
        where = MemberFilter(search=search, role_keys=(role,) if role is not None else None, now=NOW, order=order)
        expected = await as_computed(directory, where, large, {one.membership_id for one in grants if one.key == role})
        assert await as_listed(directory, where, large) == expected
        assert await as_listed(directory, where, large, backward=True) == expected
        assert await directory.count_members_of([large, large], where) == [len(expected)] * 2


async def test_a_text_is_found_among_more_than_a_thousand_who_hold_a_role(directory: Directory) -> None:
    """Then the text is looked up, and of whom it finds, whether they hold the role; else the other way round."""
    large, number_of = OrganizationId("org_large"), 1_100
    people = [
        user(f"p{number}", f"Vorname{number % 7}", NAMES[number % 9], email=f"p{number}@large.example")
        for number in range(number_of)
    ]
    members = [membership(person, large) for person in people]
    grants = [grant(member, GrantKind.ROLE, "purchase") for number, member in enumerate(members) if number % 50]
    grants += [grant(member, GrantKind.ROLE, "administration") for member in members[:40]]
    await directory.load(DirectoryData(people, [], [organization(large, "Large")], members, grants, []))

    for search, role in product(
        ("large.example p10", "large.example p1099@", "weiss large", "p50"), ("purchase", "administration")
    ):
        where = MemberFilter(search=search, role_keys=(role,), now=NOW)
        expected = await as_computed(directory, where, large, {one.membership_id for one in grants if one.key == role})
        assert await as_listed(directory, where, large) == expected
        assert await as_listed(directory, where, large, backward=True) == expected
        assert await directory.count_members_of([large], where) == [len(expected)]


def all_orders() -> list[MemberOrder]:
    """Every order that the schema offers."""
    return [MemberOrder(field, direction) for field in MemberOrderField for direction in SortDirection]


async def as_listed(
    directory: Directory, where: MemberFilter, of: OrganizationId = HELIOS, *, backward: bool = False
) -> list[str]:
    """Return the members page by page, from either end."""
    found: list[str] = []
    asked = Slice(150, backward=backward)
    while True:
        (page,) = await directory.members_of([of], asked, where=where)
        ids = [member.id for member in page.items]
        found = [*ids, *found] if backward else [*found, *ids]
        if not (page.has_previous_page if backward else page.has_next_page):
            return found
        cursor = page.cursor_of(page.items[0 if backward else -1])
        asked = Slice(150, before=cursor, backward=True) if backward else Slice(150, cursor)


async def as_computed(
    directory: Directory, where: MemberFilter, of: OrganizationId = HELIOS, holders: set[str] | None = None
) -> list[str]:
    """Return the members as Python sorts and finds them, by the people themselves."""
    people = {person.id: person for person in await everybody(directory)}
    words, asked = search_words(where.search or ""), where.status or STATUSES[:3]
    field, descending = where.order.field, where.order.direction is SortDirection.DESC

    def key(member: MembershipRecord) -> tuple[object, ...]:
        person = people[member.user_id]
        by_name = folded(person.last_name).encode(), folded(person.first_name).encode(), member.id
        if field is MemberOrderField.STATUS:
            return (STATUSES.index(member.status), *by_name)
        never = FIRST if descending else LAST
        return (member.joined_at or never, *by_name) if field is MemberOrderField.JOINED_AT else by_name

    found = [
        member
        for member in await everyone_in(directory, of)
        if member.status in asked
        and all(word in _text(people[member.user_id]) for word in words)
        and (where.role_keys is None or holders is None or member.id in holders)
    ]
    return [member.id for member in sorted(found, key=key, reverse=descending)]


def _text(person: UserRecord) -> str:
    return searchable(f"{person.first_name} {person.last_name}", person.email)


async def everybody(directory: Directory) -> list[UserRecord]:
    """Return all people there are."""
    ids = [UserId(row[0]) for row in await directory.read(select(tables.users.c.id).order_by(tables.users.c.id))]
    return [person for person in await directory.users(ids) if person is not None]


async def everyone_in(directory: Directory, of: OrganizationId) -> list[MembershipRecord]:
    """Return all who belong to an organization, or did."""
    people = [person.id for person in await everybody(directory)]
    return list(await directory.memberships_among(people, [of]))
