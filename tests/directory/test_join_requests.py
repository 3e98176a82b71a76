"""Requests to join an organization are listed for it and for the person, and only one of them is open at a time."""

from dataclasses import replace
from datetime import timedelta

import pytest

from connectors.database.sql_errors import ChangeConflict
from connectors.directory.approvals import JOIN_REQUESTS
from connectors.directory.directory import Directory
from connectors.directory.records.join_requests import JoinRequestRecord
from connectors.directory.records.requests import RequestStatus
from connectors.errors import InvalidCursor
from connectors.ids import JoinRequestId, OrganizationId, UserId, new_id
from connectors.pages import Slice
from tests.directory.people import ANNA, HELIOS, LUMEN, NOW, user

OF_HELIOS = JOIN_REQUESTS, "organization_id", [HELIOS]
OF_BOTH = JOIN_REQUESTS, "organization_id", [HELIOS, LUMEN]
BERT = user("bertolt", "Bertolt", "Brecht")


def request(person: UserId = ANNA.id, of: OrganizationId | None = HELIOS, **other: object) -> JoinRequestRecord:
    """Somebody's request to join an organization."""
    id = JoinRequestId(new_id("jrq"))
    record = JoinRequestRecord(id, of, person, "Helios", None, RequestStatus.PENDING, NOW, NOW + timedelta(days=30))
    return replace(record, **other)  # type: ignore[arg-type]


@pytest.fixture
async def organizations(directory: Directory) -> Directory:
    """Two organizations, and two people who would like to join them."""
    async with directory.change() as change:
        await change.add_user(BERT)
    return directory


async def added(directory: Directory, *requests: JoinRequestRecord) -> None:
    """Store requests."""
    async with directory.change() as change:
        for one in requests:
            await change.add_approval(JOIN_REQUESTS, one)


async def test_requests_come_newest_first_in_pages_by_organization(organizations: Directory) -> None:
    expired = request(expires_at=NOW)
    declined = request(BERT.id, status=RequestStatus.DECLINED)
    elsewhere, nowhere = request(of=LUMEN), request(of=None)
    await added(organizations, expired, declined, elsewhere, nowhere)

    of_helios, of_lumen = await organizations.approvals_of(
        JOIN_REQUESTS, "organization_id", [HELIOS, LUMEN], Slice(5), now=NOW
    )
    assert (of_helios.items, of_lumen.items) == ([declined, expired], [elsewhere])
    (page,) = await organizations.approvals_of(*OF_HELIOS, Slice(1), now=NOW)
    assert (page.items, page.has_next_page) == ([declined], True)
    after = page.cursor_of(declined)
    (page,) = await organizations.approvals_of(JOIN_REQUESTS, "organization_id", [HELIOS], Slice(1, after), now=NOW)
    assert (page.items, page.has_next_page) == ([expired], False)
    assert await organizations.count_approvals_of(JOIN_REQUESTS, "organization_id", [LUMEN, HELIOS], None, NOW) == [
        1,
        2,
    ]
    with pytest.raises(InvalidCursor):
        await organizations.approvals_of(*OF_HELIOS, Slice(1, "x"), now=NOW)


async def test_a_request_past_its_time_is_found_as_expired(organizations: Directory) -> None:
    expired = request(expires_at=NOW)
    await added(organizations, expired)

    for status, expected in ((RequestStatus.EXPIRED, [expired]), (RequestStatus.PENDING, [])):
        (page,) = await organizations.approvals_of(
            JOIN_REQUESTS, "organization_id", [HELIOS], Slice(5), status=[status], now=NOW
        )
        assert page.items == expected
        assert await organizations.count_approvals_of(*OF_HELIOS, [status], NOW) == [len(expected)]
    assert expired.status_at(NOW) is RequestStatus.EXPIRED


async def test_somebody_sees_their_own_requests_found_or_not(organizations: Directory) -> None:
    first, second, third = request(), request(of=None), request(of=LUMEN)
    of_bert = request(BERT.id)
    await added(organizations, first, second, third, of_bert)

    pages = await organizations.approvals_of(JOIN_REQUESTS, "user_id", [ANNA.id, BERT.id], Slice(2), now=NOW)
    assert [page.items for page in pages] == [[third, second], [of_bert]]
    assert await organizations.approvals(JOIN_REQUESTS, [second.id, JoinRequestId("jrq_x")]) == [second, None]


async def test_one_request_of_a_person_for_an_organization_is_open_at_a_time(organizations: Directory) -> None:
    first = request()
    await added(organizations, first, request(BERT.id), request(of=LUMEN))

    with pytest.raises(ChangeConflict):
        await added(organizations, request())
    async with organizations.change() as change:
        await change.close_approval(JOIN_REQUESTS, first.id, RequestStatus.WITHDRAWN)
    await added(organizations, request())


async def test_a_closed_request_is_closed_once(organizations: Directory) -> None:
    open = request()
    values = {"decided_at": NOW, "decided_by_id": BERT.id, "note": "Welcome."}
    await added(organizations, open)
    async with organizations.change() as change:
        await change.close_approval(JOIN_REQUESTS, open.id, RequestStatus.APPROVED, **values)

    with pytest.raises(ChangeConflict):
        async with organizations.change() as change:
            await change.close_approval(JOIN_REQUESTS, open.id, RequestStatus.DECLINED)
    assert await organizations.approvals(JOIN_REQUESTS, [open.id]) == [
        replace(open, status=RequestStatus.APPROVED, **values)
    ]
