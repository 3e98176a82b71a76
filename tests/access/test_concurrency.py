"""Many change the same members at the same time, in real transactions: nothing is lost, and nobody is left alone."""

import asyncio
from typing import Any

from connectors.directory.records.access import GrantKind
from connectors.directory.records.audit import Author
from connectors.ids import MembershipId
from resolvers.audit import recorded
from tests.access.changing_access import (
    administrators_of,
    codes_of,
    does,
    holds,
    leave_only,
    member_of,
    organization_named,
    version_of,
)
from tests.portal import Portal

ADMINISTRATION, PURCHASE = "administration@helios.example", "purchase@helios.example"
REGULA, GUENTHER = "two.companies@helios.example", "guenther.strauss@helios.example"
HELIOS = "Helios Montage GmbH"
BY = Author(None, "test")


async def both_administer(portal: Portal, ids: list[MembershipId]) -> None:
    """Let both members administer their organization permanently."""
    async with portal.wiring.backends.directory.change() as change:
        for id in ids:
            await recorded.give(change, id, GrantKind.ROLE, "administration", until=None, by=BY, now=portal.clock())


async def test_two_administrators_who_demote_each_other_never_leave_the_organization_to_nobody(
    each_portal: Portal,
) -> None:
    """In each round exactly one of the two succeeds, whoever it is."""
    annegret, regula = await each_portal.person(ADMINISTRATION), await each_portal.person(REGULA)
    helios = await organization_named(each_portal, HELIOS)
    ids = [await member_of(each_portal, ADMINISTRATION), await member_of(each_portal, REGULA, helios)]
    await leave_only(each_portal, annegret, ADMINISTRATION, GUENTHER)

    for _ in each_portal.rounds:
        await both_administer(each_portal, ids)
        first, second = await asyncio.gather(
            does(annegret, "updateMemberAccess", membershipId=ids[1], roleKeys=["purchase"]),
            does(regula, "updateMemberAccess", membershipId=ids[0], roleKeys=["purchase"]),
        )
        codes = sorted([code for code, _ in codes_of(payload)] for payload in (first, second))
        assert codes == [[], ["FORBIDDEN"]]
        assert len(await administrators_of(each_portal, helios)) == 1


async def test_two_administrators_who_leave_at_the_same_time_do_not_both_go(each_portal: Portal) -> None:
    annegret, regula = await each_portal.person(ADMINISTRATION), await each_portal.person(REGULA)
    helios = await organization_named(each_portal, HELIOS)
    await leave_only(each_portal, annegret, ADMINISTRATION, GUENTHER)

    payloads = await asyncio.gather(
        *(does(person, "leaveOrganization", organizationId=helios) for person in (annegret, regula))
    )

    assert sorted([code for code, _ in codes_of(payload)] for payload in payloads) == [[], ["LAST_ADMINISTRATOR"]]
    assert len(await administrators_of(each_portal, helios)) == 1


async def test_of_twenty_changes_of_the_same_version_exactly_one_is_made(each_portal: Portal) -> None:
    administrator, me = await each_portal.person(ADMINISTRATION), await member_of(each_portal, PURCHASE)
    sets = [["planning"], ["installation"], ["planning", "installation"], []]

    async def change(number: int) -> Any:
        return await does(
            administrator, "updateMemberAccess", membershipId=me, expectedVersion=1, roleKeys=sets[number % len(sets)]
        )

    payloads = await asyncio.gather(*map(change, range(20)))

    made = [payload for payload in payloads if not payload["errors"]]
    assert len(made) == 1
    assert {code for payload in payloads for code, _ in codes_of(payload)} == {"STALE_VERSION"}
    assert await version_of(each_portal, me) == 2
    assert set(await holds(each_portal, me)) == {grant["role"]["key"] for grant in made[0]["membership"]["roleGrants"]}
    assert len(await each_portal.queued_mails(PURCHASE)) == 1


async def test_twenty_clients_with_one_key_change_it_once(each_portal: Portal) -> None:
    administrator, me = await each_portal.person(ADMINISTRATION), await member_of(each_portal, PURCHASE)
    edit: dict[str, Any] = {"membershipId": me, "roleKeys": ["planning"], "idempotencyKey": "k"}

    payloads = await asyncio.gather(*(does(administrator, "updateMemberAccess", **edit) for _ in range(20)))

    assert all(payload == payloads[0] for payload in payloads)
    assert payloads[0]["errors"] == []
    assert await version_of(each_portal, me) == 2
    assert len(await each_portal.queued_mails(PURCHASE)) == 1


async def test_the_same_request_made_twenty_times_at_once_is_one(each_portal: Portal) -> None:
    planner, helios = await each_portal.person("planning@helios.example"), await organization_named(each_portal, HELIOS)

    payloads = await asyncio.gather(
        *(does(planner, "requestAccess", organizationId=helios, roleKeys=["purchase"]) for _ in range(20))
    )

    assert sorted([code for code, _ in codes_of(payload)] for payload in payloads) == [[]] + [["CONFLICT"]] * 19
    assert len(await each_portal.queued_mails(ADMINISTRATION)) == 1


async def test_a_request_is_decided_once_however_many_decide_it(each_portal: Portal) -> None:
    planner, helios = await each_portal.person("planning@helios.example"), await organization_named(each_portal, HELIOS)
    request = await does(planner, "requestAccess", organizationId=helios, roleKeys=["purchase"])
    deciders = [await each_portal.person(email) for email in (ADMINISTRATION, REGULA, GUENTHER)]

    payloads = await asyncio.gather(
        *(
            does(decider, "decideAccessRequest", id=request["accessRequest"]["id"], approve=number % 2 == 0)
            for number, decider in enumerate(deciders * 3)
        )
    )

    assert sorted([code for code, _ in codes_of(payload)] for payload in payloads) == [[]] + [["CONFLICT"]] * 8
    assert len(await each_portal.queued_mails("planning@helios.example")) == 1
