"""What the directory promises about change requests, address books and the data of an organization."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from connectors.database.sql_errors import ChangeConflict
from connectors.directory.approvals import CHANGE_REQUESTS
from connectors.directory.directory import Directory
from connectors.directory.errors import StaleVersion
from connectors.directory.records.addresses import AddressRecord
from connectors.directory.records.change_requests import ChangeRequestRecord
from connectors.directory.records.organizations import OrganizationChange
from connectors.directory.records.requests import RequestStatus
from connectors.errors import InvalidCursor
from connectors.ids import AddressId, ChangeRequestId, OrganizationId, new_id
from connectors.pages import Slice, cursor
from tests.directory.people import ADDRESS, ANNA, BERND, HELIOS, LUMEN, NOW, UNUSED, VERA


def request(organization_id: OrganizationId = HELIOS, name: str = "Neu") -> ChangeRequestRecord:
    """A request that was not stored yet."""
    return ChangeRequestRecord(
        ChangeRequestId(new_id("chg")), organization_id, ANNA.id, name, None, ADDRESS, "Bitte", RequestStatus.PENDING,
        NOW,
    )  # fmt: skip


def entry(organization_id: OrganizationId = HELIOS, *, billing: bool = False, shipping: bool = False) -> AddressRecord:
    """An entry that was not stored yet."""
    return AddressRecord(AddressId(new_id("adr")), organization_id, ADDRESS, billing, shipping, NOW)


async def stored(directory: Directory, *requests: ChangeRequestRecord) -> None:
    """Store requests, each ended but the last of an organization."""
    async with directory.change() as change:
        for number, one in enumerate(requests):
            await change.add_approval(CHANGE_REQUESTS, one)
            if any(later.organization_id == one.organization_id for later in requests[number + 1 :]):
                await change.close_approval(CHANGE_REQUESTS, one.id, RequestStatus.WITHDRAWN)


async def test_a_request_comes_back_as_it_was_stored(directory: Directory) -> None:
    asked = request()
    await stored(directory, asked)

    assert await directory.approvals(CHANGE_REQUESTS, [asked.id, ChangeRequestId("chg_x")]) == [asked, None]


async def test_an_organization_has_one_open_request(directory: Directory) -> None:
    await stored(directory, request())

    with pytest.raises(ChangeConflict):
        await stored(directory, request())
    await stored(directory, request(LUMEN))


async def test_a_request_ends_once(directory: Directory) -> None:
    asked = request()
    await stored(directory, asked)
    later = NOW + timedelta(hours=1)

    values = {"decided_by_id": VERA.id, "note": "Nein", "decided_at": later}

    async with directory.change() as change:
        await change.close_approval(CHANGE_REQUESTS, asked.id, RequestStatus.DECLINED, **values)
    with pytest.raises(ChangeConflict):
        async with directory.change() as change:
            await change.close_approval(CHANGE_REQUESTS, asked.id, RequestStatus.APPROVED)

    assert await directory.approvals(CHANGE_REQUESTS, [asked.id]) == [
        replace(asked, status=RequestStatus.DECLINED, **values)
    ]


async def test_requests_are_paged_newest_first_in_each_organization_and_in_all(directory: Directory) -> None:
    at_helios = [request(name=str(number)) for number in range(5)]
    at_lumen = [request(LUMEN, str(number)) for number in range(2)]
    await stored(directory, *at_helios, *at_lumen)

    names: list[list[str | None]] = []
    after = None
    while True:
        helios, lumen = await directory.approvals_of(
            CHANGE_REQUESTS, "organization_id", [HELIOS, LUMEN], Slice(2, after), now=NOW
        )
        names.append([one.name for one in helios.items])
        if after is None:
            assert [one.name for one in lumen.items] == ["1", "0"]
            assert not lumen.has_next_page
        if not helios.has_next_page:
            break
        after = helios.cursor_of(helios.items[-1])

    assert names == [["4", "3"], ["2", "1"], ["0"]]
    assert await directory.count_approvals_of(
        CHANGE_REQUESTS, "organization_id", [HELIOS, LUMEN, UNUSED], None, NOW
    ) == [5, 2, 0]
    (open_page,) = await directory.approvals_of(
        CHANGE_REQUESTS, "organization_id", [HELIOS], Slice(9), status=[RequestStatus.PENDING], now=NOW
    )
    assert [one.name for one in open_page.items] == ["4"]
    everywhere = await directory.all_approvals(CHANGE_REQUESTS, Slice(3), status=None)
    assert [one.id for one in everywhere.items] == [at_lumen[1].id, at_lumen[0].id, at_helios[4].id]
    rest = await directory.all_approvals(
        CHANGE_REQUESTS, Slice(9, everywhere.cursor_of(everywhere.items[-1])), status=None
    )
    assert [one.name for one in rest.items] == ["3", "2", "1", "0"]
    assert await directory.count_all_approvals(CHANGE_REQUESTS, None) == 7
    assert await directory.count_all_approvals(CHANGE_REQUESTS, [RequestStatus.PENDING]) == 2


async def test_a_cursor_of_another_list_leads_nowhere(asked: Directory) -> None:
    with pytest.raises(InvalidCursor):
        await asked.approvals_of(
            CHANGE_REQUESTS, "organization_id", [HELIOS], Slice(1, cursor("members", "x")), now=NOW
        )
    with pytest.raises(InvalidCursor):
        await asked.all_approvals(CHANGE_REQUESTS, Slice(1, "nonsense"), status=None)


async def test_an_address_book_keeps_its_entries_in_their_order(directory: Directory) -> None:
    first, second, elsewhere = entry(billing=True), entry(shipping=True), entry(LUMEN, billing=True)
    async with directory.change() as change:
        for one in (first, second, elsewhere):
            await change.add_address(one)
    changed = replace(second, address=replace(ADDRESS, city="Fulda"), is_default_shipping=False)
    async with directory.change() as change:
        await change.change_address(changed)

    assert await directory.addresses_of([LUMEN, HELIOS, UNUSED]) == [[elsewhere], [first, changed], []]
    assert await directory.addresses([second.id, AddressId("adr_x")]) == [changed, None]

    async with directory.change() as change:
        await change.remove_address(first.id)
    assert await directory.addresses_of([HELIOS]) == [[changed]]


@pytest.mark.parametrize("use", ["billing", "shipping"])
async def test_a_book_has_one_default_of_each_kind(directory: Directory, use: str) -> None:
    async with directory.change() as change:
        await change.add_address(entry(**{use: True}))

    with pytest.raises(ChangeConflict):
        async with directory.change() as change:
            await change.add_address(entry(**{use: True}))

    assert [len(book) for book in await directory.addresses_of([HELIOS])] == [1]


async def test_an_organizations_data_change_in_the_named_parts_only(directory: Directory) -> None:
    (was,) = await directory.organizations([HELIOS])
    assert was is not None
    seat = replace(ADDRESS, city="Äpfelstadt")

    async with directory.change() as change:
        before, after = await change.update_organization(
            HELIOS, OrganizationChange({"name": "Ärger & Söhne", "seat": seat, "phone": "+49561"}), expected_version=1
        )

    assert before == was
    assert after == replace(was, name="Ärger & Söhne", seat=seat, phone="+49561", version=2)
    assert await directory.organizations([HELIOS]) == [after]
    (page,) = await directory.memberships_of([ANNA.id], Slice(9))
    assert page.items[1].organization_id == HELIOS  # by its new name, between Äolus and lumen


async def test_of_two_changes_of_one_version_of_an_organization_one_is_stored(directory: Directory) -> None:
    async def rename(number: int) -> None:
        async with directory.change() as change:
            await change.update_organization(HELIOS, OrganizationChange({"phone": f"+{number}"}), expected_version=1)

    answers = await asyncio.gather(*map(rename, range(5)), return_exceptions=True)

    assert answers.count(None) == 1
    assert sum(isinstance(answer, StaleVersion) and answer.current_version == 2 for answer in answers) == 4


async def test_only_an_organizations_data_can_be_changed_and_only_of_one_that_exists(directory: Directory) -> None:
    with pytest.raises(ValueError, match="status"):
        async with directory.change() as change:
            await change.update_organization(HELIOS, OrganizationChange({"status": "CLOSED"}))
    with pytest.raises(LookupError):
        async with directory.change() as change:
            await change.update_organization(UNUSED, OrganizationChange({"phone": None}))


async def test_an_organization_is_found_by_its_customer_number(asked: Directory) -> None:
    found = await asked.organizations_with_numbers(["10002", "1", "10001"])

    assert [one and one.id for one in found] == [LUMEN, None, HELIOS]


async def test_who_belongs_or_belonged_is_known(asked: Directory) -> None:
    assert set(await asked.who_belonged([HELIOS], [ANNA.id, VERA.id])) == {(HELIOS, ANNA.id)}
    assert set(await asked.who_belonged([LUMEN], [BERND.id])) == set()
    everybody = await asked.who_belonged([HELIOS, LUMEN], [ANNA.id])
    assert set(everybody) == {(HELIOS, ANNA.id), (LUMEN, ANNA.id)}


async def test_the_vendors_staff_is_found_by_what_they_hold(asked: Directory) -> None:
    assert list(await asked.holders_of_vendor_permission("vendor:review")) == [VERA]
    assert list(await asked.holders_of_vendor_permission("vendor:nothing")) == []
