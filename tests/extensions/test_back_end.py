"""The rows of many are asked for together, and each goes to whom it belongs, whatever the back end answers."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import pytest
from aiohttp import web

from connectors.errors import BackendUnavailable, UnexpectedAnswer
from connectors.http.limits import HttpLimits
from schema.extending import Batch, DeclaredBackend, DeclaredSignIn
from schema.graph.backends import Backend
from tests.extensions.upstream import Upstream, upstream

PORTAL = DeclaredBackend("parcels", "parcels", Backend.SHOP, "parcels_url", DeclaredSignIn(), HttpLimits())


@asynccontextmanager
async def opened(server: Upstream) -> AsyncIterator[Any]:
    """The context of a request while the back end is open."""
    backend = PORTAL.opened({"parcels_url": server.url})
    try:
        yield SimpleNamespace(backends=SimpleNamespace(extensions={"parcels": backend}, kept={}))
    finally:
        await backend.close()


def keys_in(request: web.Request) -> list[str]:
    return [key for value in request.query.getall("company", []) for key in value.split(",")]


def rows(keys: list[str]) -> list[dict[str, Any]]:
    return [{"company": key, "of": f"parcel of {key}"} for key in reversed(keys)]


BATCHES = {
    "join": Batch(by="company", join=",", at_most=50),
    "repeat": Batch(by="company", at_most=50),
    "body": Batch(body="ids", at_most=50),
    "each": Batch(by="company", each=True),
    "all": Batch(asks_for_all=True),
}


@pytest.mark.parametrize(
    ("form", "of_one", "of_hundred"),
    [("join", 1, 2), ("repeat", 1, 2), ("body", 1, 2), ("each", 1, 100), ("all", 1, 1)],
)
async def test_each_form_of_a_batch_takes_as_many_calls_as_it_says(form: str, of_one: int, of_hundred: int) -> None:
    everybody = [f"K-{number}" for number in range(100)]

    def parcels(request: web.Request, body: Any) -> Any:
        return rows(everybody if form == "all" else body["ids"] if body else keys_in(request))

    async with upstream(parcels=parcels) as server, opened(server) as context:
        one = await PORTAL.rows_of(context, "/parcels", BATCHES[form], ["K-7"], belongs="company")
        calls_for_one = len(server.asked)
        hundred = await PORTAL.rows_of(context, "/parcels", BATCHES[form], everybody, belongs="company")

    assert one == [rows(["K-7"])]
    assert hundred == [rows([key]) for key in everybody]
    assert (calls_for_one, len(server.asked) - calls_for_one) == (of_one, of_hundred)


async def test_a_slow_back_end_that_is_asked_for_each_gets_no_more_calls_than_it_may_and_answers_all() -> None:
    everybody = [f"K-{number}" for number in range(16)]  # each call takes as long as another would wait in vain
    under_way, most = 0, 0

    async def parcels(request: web.Request, _body: Any) -> Any:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0.15)
        under_way -= 1
        return rows(keys_in(request))

    async with upstream(parcels=parcels) as server, opened(server) as context:
        found = await PORTAL.rows_of(context, "/parcels", BATCHES["each"], everybody, belongs="company")

    assert found == [rows([key]) for key in everybody]
    assert most == HttpLimits().at_once


async def test_who_has_no_key_is_not_asked_for_and_the_same_key_only_once() -> None:
    async with upstream(parcels=lambda request, _body: rows(keys_in(request))) as server, opened(server) as context:
        answers = await PORTAL.get_many(
            context, "/parcels", by="company", keys=["K-1", None, "K-1"], belongs="company", params={"open": True}
        )
        nobody = await PORTAL.get_many(context, "/parcels", by="company", keys=[None], belongs="company")

    assert answers == [rows(["K-1"]), None, rows(["K-1"])]
    assert nobody == [None]
    assert server.asked == ["GET /parcels?company=K-1&open=true"]


async def test_a_call_that_fails_fails_its_keys_and_no_others() -> None:
    def parcels(request: web.Request, _body: Any) -> Any:
        return web.Response(status=500) if "K-2" in keys_in(request) else rows(keys_in(request))

    async with upstream(parcels=parcels) as server, opened(server) as context:
        first, second, third, fourth = await PORTAL.get_many(
            context, "/parcels", by="company", keys=["K-1", "K-2", "K-3", "K-4"], belongs="company", at_most=2
        )

    assert isinstance(first, BackendUnavailable)
    assert isinstance(second, BackendUnavailable)
    assert (third, fourth) == (rows(["K-3"]), rows(["K-4"]))


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ([], []),
        (None, []),
        ([{"company": "K-1", "n": 1}, {"company": "K-1", "n": 1}], [{"company": "K-1", "n": 1}] * 2),
        ([{"company": "K-2"}, {"company": None}, {}], []),
        ([{"company": 1}], []),
    ],
)
async def test_an_answer_goes_to_whom_it_belongs_and_to_nobody_else(said: Any, expected: Any) -> None:
    async with upstream(parcels=lambda *_: web.json_response(said)) as server, opened(server) as context:
        answers = await PORTAL.get_many(context, "/parcels", by="company", keys=["K-1"], belongs="company")

    assert answers == [expected]


async def test_a_number_says_whose_a_row_is_as_well_as_a_text() -> None:
    async with upstream(parcels=lambda *_: [{"company": 17}]) as server, opened(server) as context:
        answers = await PORTAL.get_many(context, "/parcels", by="company", keys=["17"], belongs="company")

    assert answers == [[{"company": 17}]]


async def test_nothing_there_is_no_rows() -> None:
    async with upstream() as server, opened(server) as context:
        assert await PORTAL.get_many(context, "/parcels", by="company", keys=["K-1"], belongs="company") == [[]]


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        ({"a": {"items": 5}}, "parcels: a.items is int and no list"),
        ({"a": []}, "parcels: a.items of the answer: list where an object with items should be"),
        ({"a": {"items": ["x"]}}, "parcels: a.items is a list of something else than objects"),
    ],
)
async def test_an_answer_of_another_shape_is_unexpected(said: Any, problem: str) -> None:
    async with upstream(parcels=lambda *_: said) as server, opened(server) as context:
        (answer,) = await PORTAL.get_many(
            context, "/parcels", by="company", keys=["K-1"], belongs="company", rows="a.items"
        )

    assert isinstance(answer, UnexpectedAnswer)
    assert str(answer) == problem


async def test_a_key_that_would_make_another_path_fails_alone_and_is_not_asked_for() -> None:
    def everything(_request: web.Request, _body: Any) -> Any:
        return rows(["K-1", "K-2"])

    batch = Batch(each=True)
    async with (
        upstream(parcels=everything, **{"parcels/": everything, "parcels/K-1": lambda *_: rows(["K-1"])}) as (server),
        opened(server) as context,
    ):
        keys = ["K-1", "..", ".", "", "../parcels/", "K/../1", "..\\parcels"]
        found = await PORTAL.rows_of(context, "/parcels/{key}", batch, keys, belongs=None)

    assert found[0] == rows(["K-1"])
    assert all(isinstance(one, UnexpectedAnswer) for one in found[1:])
    assert server.asked == ["GET /parcels/K-1"]
