"""What the directory promises about requests for access."""

from dataclasses import replace
from datetime import timedelta

import pytest

from connectors.database.sql_errors import ChangeConflict
from connectors.directory.approvals import ACCESS_REQUESTS
from connectors.directory.directory import Directory
from connectors.directory.records.access_requests import AccessRequestRecord
from connectors.directory.records.requests import RequestStatus
from connectors.errors import InvalidCursor
from connectors.ids import AccessRequestId, new_id
from connectors.pages import Slice
from tests.directory.people import ANNA_AT_HELIOS, BERND_AT_HELIOS, HELIOS, LUMEN, NOW

EXPIRY = NOW + timedelta(days=30)


def request(*role_keys: str, permissions: tuple[str, ...] = (), by: object = BERND_AT_HELIOS) -> AccessRequestRecord:
    """A new request of a member of Helios."""
    member = by
    return AccessRequestRecord(
        AccessRequestId(new_id("arq")), member.id, HELIOS, member.user_id, role_keys, permissions, "Please.",  # type: ignore[attr-defined]
        RequestStatus.PENDING, NOW, EXPIRY,
    )  # fmt: skip


async def add(directory: Directory, *requests: AccessRequestRecord) -> None:
    """Store requests."""
    async with directory.change() as change:
        for one in requests:
            await change.add_approval(ACCESS_REQUESTS, one)


async def test_a_request_comes_back_as_it_was_stored(directory: Directory) -> None:
    made = request("purchase", "planning", permissions=("ORDER_VIEW",))

    await add(directory, made)

    assert await directory.approvals(ACCESS_REQUESTS, [made.id, AccessRequestId("arq_x")]) == [made, None]


async def test_the_same_is_open_once_whatever_the_order_and_again_when_it_expired(directory: Directory) -> None:
    first = request("purchase", "planning")
    await add(directory, first)

    with pytest.raises(ChangeConflict):
        await add(directory, request("planning", "purchase"))
    await add(directory, request("planning"), request(permissions=("planning",)))
    async with directory.change() as change:
        await change.expire_approvals_of(ACCESS_REQUESTS, "membership_id", BERND_AT_HELIOS.id, EXPIRY)
    later = replace(request("planning", "purchase"), created_at=EXPIRY, expires_at=EXPIRY + timedelta(days=30))
    await add(directory, later)

    (stored,) = await directory.approvals(ACCESS_REQUESTS, [first.id])
    assert stored is not None
    assert stored.status is RequestStatus.EXPIRED
    assert first.status_at(EXPIRY - timedelta(seconds=1)) is RequestStatus.PENDING
    assert first.status_at(EXPIRY) is RequestStatus.EXPIRED


async def test_a_request_ends_once(directory: Directory) -> None:
    made = request("purchase")
    await add(directory, made)
    values = {"decided_by_id": BERND_AT_HELIOS.user_id, "decided_at": NOW, "note": "Welcome.", "valid_until": EXPIRY}

    async with directory.change() as change:
        await change.close_approval(ACCESS_REQUESTS, made.id, RequestStatus.APPROVED, **values)

    ended = replace(made, status=RequestStatus.APPROVED, **values)
    assert await directory.approvals(ACCESS_REQUESTS, [made.id]) == [ended]
    with pytest.raises(ChangeConflict):
        async with directory.change() as change:
            await change.close_approval(ACCESS_REQUESTS, ended.id, RequestStatus.DECLINED)


async def test_pages_go_from_the_newest_to_the_oldest_and_status_is_what_counts_then(directory: Directory) -> None:
    made = [request(key) for key in ("a", "b", "c")]
    other = request("a", by=ANNA_AT_HELIOS)
    await add(directory, *made, other)
    of_both = ACCESS_REQUESTS, "organization_id", [HELIOS, LUMEN]
    by_bernd = ACCESS_REQUESTS, "membership_id", [BERND_AT_HELIOS.id]
    pending, expired = [RequestStatus.PENDING], [RequestStatus.EXPIRED]

    first, nothing = await directory.approvals_of(*of_both, Slice(2), now=NOW)
    after = first.cursor_of(first.items[-1])
    second, _ = await directory.approvals_of(*of_both, Slice(2, after), now=NOW)
    (own,) = await directory.approvals_of(*by_bernd, Slice(9), status=pending, now=NOW)
    (late,) = await directory.approvals_of(*by_bernd, Slice(9), status=pending, now=EXPIRY)

    assert [*first.items, *second.items] == [other, *made[::-1]]
    assert (first.has_next_page, second.has_next_page, nothing.items) == (True, False, [])
    assert (own.items, late.items) == (made[::-1], [])
    assert await directory.count_approvals_of(*of_both, None, NOW) == [4, 0]
    assert await directory.count_approvals_of(*by_bernd, expired, EXPIRY) == [3]
    with pytest.raises(InvalidCursor):
        await directory.approvals_of(*by_bernd, Slice(1, after), now=NOW)
