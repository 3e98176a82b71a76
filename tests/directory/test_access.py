"""What the directory promises about changes of access: counted, published, one after another."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from sqlalchemy import select

from connectors.access_events import AccessChanged, AccessEvent, SessionEnded
from connectors.database.engine import AsyncEngine
from connectors.directory import tables
from connectors.directory.directory import Directory, DirectoryChange
from connectors.directory.errors import RefreshTokenReused, StaleVersion
from connectors.directory.records.access import GrantKind
from connectors.directory.records.audit import AuditEntry, AuditFilter
from connectors.directory.records.caller import CallerRecord
from connectors.directory.records.memberships import MembershipRecord, MembershipStatus
from connectors.directory.records.organizations import OrganizationStatus
from connectors.directory.records.people import UserRecord
from connectors.ids import GrantId, MembershipId, OrganizationId, SessionId, UserId
from tests.directory.people import (
    ANNA,
    ANNA_ADMINISTERS,
    ANNA_AT_HELIOS,
    ANNA_AT_LUMEN,
    BERND,
    BERND_AT_HELIOS,
    CLEO,
    DORA,
    DORA_AT_HELIOS,
    EMIL,
    EMIL_AT_HELIOS,
    FRIEDA,
    FRIEDA_AT_HELIOS,
    HELIOS,
    LUMEN,
    NOW,
    PEOPLE,
    TOMORROW,
    VERA,
    session,
)


@pytest.fixture
def published() -> list[AccessEvent]:
    """What the directory has published of its changes."""
    return []


@pytest.fixture
async def directory(engine: AsyncEngine, published: list[AccessEvent]) -> Directory:
    directory = Directory(engine, published.extend)
    await directory.load(PEOPLE)
    return directory


async def seen(directory: Directory, person: UserRecord) -> CallerRecord:
    """What the next request of a person finds."""
    caller = await directory.caller(person.id, None, NOW)
    assert caller is not None
    return caller


async def keys_of(directory: Directory, person: UserRecord, organization_id: OrganizationId) -> list[str]:
    """The keys of what a person holds in an organization."""
    standing = (await seen(directory, person)).standings.get(organization_id)
    return [grant.key for grant in standing.grants] if standing is not None else []


async def epochs(directory: Directory) -> dict[str, int]:
    """The number of every person and every organization whose access has changed."""
    async with directory._engine.connect() as connection:
        found: dict[str, int] = {}
        for table in (tables.users, tables.organizations):
            found |= {row[0]: row[1] for row in await connection.execute(select(table.c.id, table.c.access_epoch))}
    return {id: epoch for id, epoch in found.items() if epoch}


async def test_a_role_given_counts_at_once_and_is_published(directory: Directory, published: list[AccessEvent]) -> None:
    async with directory.change() as change:
        _, grant = await change.give(
            BERND_AT_HELIOS.id, GrantKind.ROLE, "installation", until=TOMORROW, by=ANNA.id, now=NOW
        )

    assert (await directory.grants([grant.id]))[0] == grant
    assert (grant.kind, grant.key, grant.granted_by_id, grant.valid_until) == (
        GrantKind.ROLE, "installation", ANNA.id, TOMORROW,
    )  # fmt: skip
    assert "installation" in await keys_of(directory, BERND, HELIOS)
    assert await epochs(directory) == {BERND.id: 1, HELIOS: 1}
    assert (await seen(directory, BERND)).access_epoch == 1
    assert published == [AccessChanged(1, BERND.id, HELIOS)]


async def test_a_single_permission_is_given_and_taken_away(directory: Directory, published: list[AccessEvent]) -> None:
    async with directory.change() as change:
        _, grant = await change.give(
            BERND_AT_HELIOS.id, GrantKind.PERMISSION, "ORDER_VIEW", until=None, by=ANNA.id, now=NOW
        )
    async with directory.change() as change:
        taken = await change.revoke(grant.id)

    assert taken == grant
    assert "ORDER_VIEW" not in await keys_of(directory, BERND, HELIOS)
    assert await epochs(directory) == {BERND.id: 2, HELIOS: 2}
    assert published == [AccessChanged(1, BERND.id, HELIOS), AccessChanged(2, BERND.id, HELIOS)]


async def test_a_role_held_already_gets_the_new_end_and_stays_one_grant(directory: Directory) -> None:
    async with directory.change() as change:
        before, first = await change.give(
            BERND_AT_HELIOS.id, GrantKind.ROLE, "purchase", until=None, by=ANNA.id, now=NOW
        )

    assert (await keys_of(directory, BERND, HELIOS)).count("purchase") == 1
    assert (await directory.grants([first.id]))[0] == first
    assert (before is not None and before.valid_until, first.valid_until) == (TOMORROW, None)


async def test_what_is_so_already_changes_nothing(directory: Directory, published: list[AccessEvent]) -> None:
    async with directory.change() as change:
        await change.give(ANNA_AT_HELIOS.id, GrantKind.ROLE, "administration", until=None, by=ANNA.id, now=NOW)
        await change.set_membership_status(BERND_AT_HELIOS.id, MembershipStatus.ACTIVE, now=NOW)
        await change.set_organization_status(HELIOS, OrganizationStatus.ACTIVE)
        await change.set_vendor_permissions(VERA.id, ["vendor:audit", "vendor:review"])
        await change.end_session(SessionId("ses_unknown"), NOW)
        assert await change.revoke(GrantId("grt_unknown")) is None

    assert await epochs(directory) == {}
    assert published == []


async def test_a_member_is_suspended_and_comes_back(directory: Directory, published: list[AccessEvent]) -> None:
    async with directory.change() as change:
        before, suspended = await change.set_membership_status(
            BERND_AT_HELIOS.id, MembershipStatus.SUSPENDED, now=NOW, expected_version=1
        )
    async with directory.change() as change:
        _, back = await change.set_membership_status(BERND_AT_HELIOS.id, MembershipStatus.ACTIVE, now=NOW)

    assert before == BERND_AT_HELIOS
    assert (suspended.status, suspended.version, back.version) == (MembershipStatus.SUSPENDED, 2, 3)
    assert (await directory.memberships([BERND_AT_HELIOS.id]))[0] == back
    assert back.joined_at == BERND_AT_HELIOS.joined_at
    assert published == [AccessChanged(1, BERND.id, HELIOS), AccessChanged(2, BERND.id, HELIOS)]


async def test_a_removed_member_has_no_standing_any_more(directory: Directory) -> None:
    async with directory.change() as change:
        await change.set_membership_status(BERND_AT_HELIOS.id, MembershipStatus.REMOVED, now=NOW)

    assert (await seen(directory, BERND)).standings == {}


@pytest.mark.parametrize("membership", [EMIL_AT_HELIOS, FRIEDA_AT_HELIOS, DORA_AT_HELIOS], ids=lambda one: one.status)
async def test_who_becomes_active_joins_on_that_day_unless_they_were_suspended(
    directory: Directory, membership: Any
) -> None:
    async with directory.change() as change:
        _, after = await change.set_membership_status(membership.id, MembershipStatus.ACTIVE, now=TOMORROW)

    assert after.joined_at == (NOW if membership is DORA_AT_HELIOS else TOMORROW)


async def test_an_organization_that_is_blocked_counts_for_every_member_but_those_removed(
    directory: Directory, published: list[AccessEvent]
) -> None:
    async with directory.change() as change:
        before, after = await change.set_organization_status(HELIOS, OrganizationStatus.BLOCKED)

    assert (before.status, after.status, after.version) == (OrganizationStatus.ACTIVE, OrganizationStatus.BLOCKED, 2)
    assert (await directory.organizations([HELIOS]))[0] == after
    assert await epochs(directory) == {**{one.id: 1 for one in (ANNA, BERND, CLEO, DORA, EMIL)}, HELIOS: 1}
    assert FRIEDA.id not in await epochs(directory)
    assert published == [AccessChanged(1, organization_id=HELIOS)]


async def test_vendor_permissions_are_set_as_a_whole(directory: Directory, published: list[AccessEvent]) -> None:
    async with directory.change() as change:
        before = await change.set_vendor_permissions(VERA.id, ["vendor:review", "vendor:new"])

    assert before == ("vendor:audit", "vendor:review")
    assert (await seen(directory, VERA)).vendor_permissions == ("vendor:new", "vendor:review")
    assert published == [AccessChanged(1, VERA.id)]


async def test_a_session_that_ends_is_published_and_counted(directory: Directory, published: list[AccessEvent]) -> None:
    async with directory.change() as change:
        await change.open_session(session("one", BERND), b"1" * 32, TOMORROW)
        await change.open_session(session("two", BERND), b"2" * 32, TOMORROW)
    async with directory.change() as change:
        await change.end_session(SessionId("ses_one"), NOW)
        await change.end_session(SessionId("ses_one"), NOW)

    assert published == [SessionEnded(SessionId("ses_one"), BERND.id), AccessChanged(1, BERND.id)]
    assert await directory.running([SessionId("ses_one"), SessionId("ses_two"), SessionId("ses_x")], NOW) == [
        False, True, False,
    ]  # fmt: skip
    assert await directory.running([SessionId("ses_two")], TOMORROW) == [False]


async def test_a_session_that_ends_because_its_token_was_stolen_is_published_too(
    directory: Directory, published: list[AccessEvent]
) -> None:
    async with directory.change() as change:
        await change.open_session(session("one", BERND), b"1" * 32, TOMORROW)
        await change.rotate_refresh_token(b"1" * 32, b"2" * 32, now=NOW, expires_at=TOMORROW)

    with pytest.raises(RefreshTokenReused):
        async with directory.change() as change:
            await change.rotate_refresh_token(b"1" * 32, b"3" * 32, now=NOW, expires_at=TOMORROW)

    assert published == [SessionEnded(SessionId("ses_one"), BERND.id), AccessChanged(1, BERND.id)]


async def test_of_a_change_that_fails_nothing_stays_and_nothing_is_published(
    directory: Directory, published: list[AccessEvent]
) -> None:
    async def fail() -> None:
        async with directory.change() as change:
            await change.give(BERND_AT_HELIOS.id, GrantKind.ROLE, "installation", until=None, by=ANNA.id, now=NOW)
            await change.set_organization_status(HELIOS, OrganizationStatus.CLOSED)
            await change.record(AuditEntry("organization.status", ANNA.id, HELIOS, HELIOS, "req_1"), NOW)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()

    assert await epochs(directory) == {}
    assert await directory.audit_log(HELIOS, AuditFilter(), limit=9) == []
    assert published == []


async def test_a_stale_version_is_refused(directory: Directory, published: list[AccessEvent]) -> None:
    with pytest.raises(StaleVersion) as membership:
        async with directory.change() as change:
            await change.set_membership_status(
                BERND_AT_HELIOS.id, MembershipStatus.REMOVED, now=NOW, expected_version=7
            )
    with pytest.raises(StaleVersion) as organization:
        async with directory.change() as change:
            await change.set_organization_status(HELIOS, OrganizationStatus.CLOSED, expected_version=7)

    assert membership.value.current_version == organization.value.current_version == 1
    assert published == []


@pytest.mark.parametrize("method", ["grant", "membership", "organization", "vendor"])
async def test_an_unknown_id_is_a_lookup_error(directory: Directory, method: str) -> None:
    nobody = MembershipId("mem_unknown")

    async def do(change: DirectoryChange) -> None:
        match method:
            case "grant":
                await change.give(nobody, GrantKind.ROLE, "purchase", until=None, by=ANNA.id, now=NOW)
            case "membership":
                await change.set_membership_status(nobody, MembershipStatus.ACTIVE, now=NOW)
            case "organization":
                await change.set_organization_status(OrganizationId("org_unknown"), OrganizationStatus.ACTIVE)
            case "vendor":
                await change.set_vendor_permissions(UserId("usr_unknown"), ["x"])

    with pytest.raises(LookupError):
        async with directory.change() as change:
            await do(change)


async def test_of_twenty_changes_at_once_every_one_is_counted(directory: Directory) -> None:
    async def give(number: int) -> None:
        async with directory.change() as change:
            await change.give(BERND_AT_HELIOS.id, GrantKind.PERMISSION, f"P{number}", until=None, by=ANNA.id, now=NOW)

    await asyncio.gather(*map(give, range(20)))

    assert await epochs(directory) == {BERND.id: 20, HELIOS: 20}
    assert await directory.access_epochs([BERND.id, UserId("usr_x"), ANNA.id]) == [20, None, 0]


async def test_organizations_that_share_members_are_blocked_at_once_without_a_deadlock(
    directory: Directory,
) -> None:
    async def turn(organization_id: OrganizationId, statuses: Sequence[OrganizationStatus]) -> None:
        for status in statuses:
            async with directory.change() as change:
                await change.set_organization_status(organization_id, status)

    turns = [OrganizationStatus.BLOCKED, OrganizationStatus.ACTIVE] * 5
    await asyncio.gather(turn(HELIOS, turns), turn(LUMEN, turns))

    counted = await epochs(directory)
    assert (counted[ANNA.id], counted[CLEO.id], counted[BERND.id]) == (20, 20, 10)


async def test_two_that_each_change_something_of_the_other_do_not_wait_for_one_another(directory: Directory) -> None:
    """Each is locked by the other's change, which names whoever makes it: a reference waits for no lock."""
    both_hold = asyncio.Barrier(2)
    is_sqlite = directory.database == "sqlite"  # there, changes follow one another anyway

    async def let_in(organization_id: OrganizationId, whom: UserRecord, holder: MembershipRecord, by: UserId) -> None:
        async with directory.change() as change:
            await change.lock_organization(organization_id)
            await change.lock_user(whom.id)
            if not is_sqlite:
                await both_hold.wait()
            await change.give(holder.id, GrantKind.PERMISSION, "P", until=None, by=by, now=NOW)

    await asyncio.gather(let_in(HELIOS, BERND, BERND_AT_HELIOS, ANNA.id), let_in(LUMEN, ANNA, ANNA_AT_LUMEN, BERND.id))

    assert await epochs(directory) == {BERND.id: 1, HELIOS: 1, ANNA.id: 1, LUMEN: 1}


async def test_two_that_take_the_same_grant_away_take_it_once(directory: Directory) -> None:
    async def take() -> bool:
        async with directory.change() as change:
            return await change.revoke(ANNA_ADMINISTERS.id) is not None

    assert sorted(await asyncio.gather(take(), take())) == [False, True]
    assert (await epochs(directory))[ANNA.id] == 1


async def test_what_is_recorded_once_an_hour_is_recorded_once_by_all_processes(directory: Directory) -> None:
    entry = AuditEntry("view_as", ANNA.id, BERND_AT_HELIOS.id, HELIOS, "req_1")

    async def record(minute: int, key: str = "ses_1", hour: int = 9) -> bool:
        async with directory.change() as change:
            return await change.record_hourly(entry, NOW.replace(hour=hour, minute=minute), key)

    assert sorted(await asyncio.gather(record(0), record(1), record(59))) == [False, False, True]
    assert await record(0, key="ses_2")
    assert await record(0, hour=10)
    assert len(await directory.audit_log(HELIOS, AuditFilter(), limit=9)) == 3


async def test_a_membership_counts_a_change_as_one_version(directory: Directory) -> None:
    async with directory.change() as change:
        after = await change.renew_membership(BERND_AT_HELIOS.id)

    assert after.version == BERND_AT_HELIOS.version + 1
    assert await directory.memberships([BERND_AT_HELIOS.id]) == [after]
    with pytest.raises(LookupError):
        async with directory.change() as change:
            await change.renew_membership(MembershipId("mbr_x"))


async def test_only_somebody_active_who_holds_it_permanently_keeps_an_organization(directory: Directory) -> None:
    async with directory.change() as change:
        await change.give(BERND_AT_HELIOS.id, GrantKind.ROLE, "administration", until=TOMORROW, by=ANNA.id, now=NOW)
        await change.give(EMIL_AT_HELIOS.id, GrantKind.ROLE, "administration", until=None, by=ANNA.id, now=NOW)
        await change.set_membership_status(EMIL_AT_HELIOS.id, MembershipStatus.SUSPENDED, now=NOW)

    helios, lumen = await directory.lasting_holders_of([HELIOS, LUMEN], role_keys=["administration"])

    assert [member.id for member in helios] == [ANNA_AT_HELIOS.id]
    assert BERND_AT_HELIOS.id not in [member.id for member in lumen]


async def test_a_login_name_denotes_another_person_once_it_is_moved(directory: Directory) -> None:
    (names,) = await directory.login_names_of([ANNA.id])
    name = names[-1]

    async with directory.change() as change:
        before = await change.move_login_name(f" {name.upper()} ", BERND.id)
        nobody = await change.move_login_name("nobody-is-called-so", BERND.id)

    assert (before, nobody) == (ANNA.id, None)
    assert await directory.user_id_of_login_name(name.lower()) == BERND.id
