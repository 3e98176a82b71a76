"""One deadline for a request: what is late is null, what was answered stands."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tests.portal import open_portal

LIMIT = 300.0
"""Seconds that a request may take."""

Hanging = Callable[..., Awaitable[Any]]


@pytest.fixture
def hanging(hang: Callable[[float], Awaitable[None]]) -> Hanging:
    """What never answers: when it is asked, the time of the request is over."""
    return lambda *_args, **_more: hang(LIMIT)


async def test_a_shop_that_hangs_hides_only_its_fields_when_the_time_of_the_request_is_over(
    hanging: Hanging,
) -> None:
    async with open_portal(request_timeout_seconds=LIMIT) as portal:
        buyer = await portal.person("purchase@helios.example")
        portal.wiring.backends.shop.orders_of = hanging  # type: ignore[method-assign]
        answer = await buyer.asks(
            "{ viewer { memberships { nodes { organization { name orders { totalCount } } } } } }"
        )

    assert answer.status == 200
    assert answer.at("viewer.memberships.nodes.0.organization") == {"name": "Helios Montage GmbH", "orders": None}
    assert answer.codes == {"viewer.memberships.nodes.0.organization.orders": "GATEWAY_TIMEOUT"}


@pytest.mark.parametrize("method", ["caller", "memberships"])
async def test_a_directory_that_hangs_ends_the_request_when_its_time_is_over(method: str, hanging: Hanging) -> None:
    async with open_portal(request_timeout_seconds=LIMIT) as portal:
        buyer = await portal.person("purchase@helios.example")
        setattr(portal.wiring.backends.directory, method, hanging)
        header = {"forecourt_view_as": "mbr_1"} if method == "memberships" else {}
        answer = await buyer.posts(b'{"query": "{ viewer { id } }"}', **header)
        export = await portal.client.get(
            "/account/export/exp_1",
            headers={"authorization": f"Bearer {buyer.token}"} | ({"forecourt-view-as": "mbr_1"} if header else {}),
        )

    assert (answer.status, answer.codes) == (504, {"": "GATEWAY_TIMEOUT"})
    assert (export.status_code, export.json()["errors"][0]["extensions"]["code"]) == (504, "GATEWAY_TIMEOUT")


async def test_a_refusal_comes_without_names_when_they_are_not_there_in_time(hanging: Hanging) -> None:
    async with open_portal(request_timeout_seconds=LIMIT) as portal:
        buyer = await portal.person("purchase@helios.example")
        portal.wiring.backends.directory.holders_of = hanging  # type: ignore[method-assign]
        answer = await buyer.asks("{ viewer { defaultOrganization { name members(first: 1) { totalCount } } } }")

    (error,) = answer.errors
    assert answer.at("viewer.defaultOrganization") == {"name": "Helios Montage GmbH", "members": None}
    assert error["extensions"]["code"] == "UNAUTHORIZED_FIELD_OR_TYPE"
    assert error["extensions"]["authorization"]["grantableBy"] == []


@pytest.mark.parametrize("execution", ["breadth-first", "graphql-core"])
async def test_a_change_that_is_cut_off_may_have_been_carried_out_whichever_engine_executes(
    execution: str, hanging: Hanging
) -> None:
    async with open_portal(request_timeout_seconds=LIMIT, execution=execution) as portal:
        buyer = await portal.person("purchase@helios.example")
        portal.wiring.backends.directory.change = begins_with(hanging)  # type: ignore[assignment, method-assign]
        answer = await buyer.asks("mutation { signOut(input: {}) { accepted } }")

    assert [error["extensions"]["code"] for error in answer.errors] == ["OUTCOME_UNKNOWN"]
    assert "could not confirm in time whether this change was stored" in answer.errors[0]["message"]


async def test_a_change_that_was_never_begun_is_not_said_to_be_possibly_carried_out(hanging: Hanging) -> None:
    async with open_portal(request_timeout_seconds=LIMIT) as portal:
        buyer = await portal.person("purchase@helios.example")
        portal.wiring.backends.directory.change = begins_with(hanging)  # type: ignore[assignment, method-assign]
        answer = await buyer.asks(
            "mutation { first: signOut(input: {}) { accepted } second: signOut(input: {}) { accepted } }"
        )

    assert answer.codes == {"first": "OUTCOME_UNKNOWN", "second": "GATEWAY_TIMEOUT"}


def begins_with(hanging: Hanging) -> Callable[[], Any]:
    """A change that never begins."""

    @asynccontextmanager
    async def change() -> AsyncIterator[None]:
        await hanging()
        yield

    return change
