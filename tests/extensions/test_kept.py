"""Answers of an extension's back end that are kept: fewer calls, the same page, and permissions as they are now."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from aiohttp import web

from connectors.cache.embedded import EmbeddedCache
from schema.extending import Batch, Caching, Extension, Scope
from tests.access.changing_access import does, member_of
from tests.extensions import test_plants
from tests.extensions.test_back_end import keys_in, rows
from tests.extensions.test_plants import EXAMPLE, PLANTS, WHERE, portal_with
from tests.extensions.upstream import upstream


def kept_in(scope: str) -> str:
    cache = f'cache = {{ for = "30s", scope = "{scope}", stale_on_error = "10m" }}'
    return EXAMPLE.replace("[backend]", f"[backend]\n{cache}", 1)


@pytest.mark.parametrize(("scope", "calls"), [("public", 1), ("organization", 1), ("viewer", 2)])
async def test_a_page_that_is_asked_for_again_asks_nobody_as_far_as_its_scope_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scope: str, calls: int
) -> None:
    monkeypatch.setattr(test_plants, "EXAMPLE", kept_in(scope))
    async with portal_with(test_plants.plants, tmp_path) as (portal, server):
        logins = ("purchase@helios.example", "purchase.planning@helios.example", "purchase@helios.example")
        pages = [await (await portal.person(login)).asks(PLANTS) for login in logins]

        assert [page.codes for page in pages] == [{}] * 3
        assert pages[0].at(WHERE) == pages[1].at(WHERE) == pages[2].at(WHERE)
        assert len([call for call in server.asked if "plants" in call]) == calls
        other = await (await portal.person("purchase@helios.example")).asks(PLANTS, first=1)
        assert len(other.at(WHERE)) == 1


async def test_a_permission_that_is_taken_counts_at_once_though_the_answer_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(test_plants, "EXAMPLE", kept_in("organization"))
    async with portal_with(test_plants.plants, tmp_path) as (portal, _server):
        administration = await portal.person("administration@helios.example")
        purchase = await portal.person("purchase@helios.example")
        membership = await member_of(portal, "purchase@helios.example")
        assert (await purchase.asks(PLANTS)).codes == {}

        await does(administration, "updateMemberAccess", membershipId=membership, roleKeys=["planning"])

        assert (await purchase.asks(PLANTS)).codes == {WHERE: "UNAUTHORIZED_FIELD_OR_TYPE"}


async def test_while_the_back_end_fails_what_is_kept_is_shown_and_a_stale_answer_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(test_plants, "EXAMPLE", kept_in("organization"))
    async with portal_with(test_plants.plants, tmp_path) as (portal, server):
        purchase = await portal.person("purchase@helios.example")
        kept = portal.wiring.backends.kept["plants"]
        fresh = await purchase.asks(PLANTS)
        server.answers["/plants"] = lambda *_: web.Response(status=500)
        now = kept._clock()
        monkeypatch.setattr(kept, "_clock", lambda: now + 100)

        stale = await purchase.asks(PLANTS)
        none = await purchase.asks(PLANTS, first=1)

        assert stale.at(WHERE) == fresh.at(WHERE)
        (mark,) = stale.body["extensions"]["stale"]
        assert mark["backend"] == "PLANTS"
        assert mark["ageSeconds"] in (100, 101)
        assert none.codes == {WHERE: "BACKEND_UNAVAILABLE"}


async def test_keys_are_kept_one_by_one_for_their_organizations_and_emptied_after_a_change() -> None:
    def sites(request: web.Request, _body: Any) -> Any:
        return rows(keys_in(request) or ["K-1", "K-2", "K-3"])

    portal = Extension("sites", api=1).http_backend(caching=Caching(30, Scope.ORGANIZATION))
    async with upstream(sites=sites) as server:
        backend = portal.opened({"sites_url": server.url})
        store = EmbeddedCache()
        kept_here = portal.kept(backend, store)
        kept = {"sites": kept_here}
        context: Any = SimpleNamespace(backends=SimpleNamespace(extensions={"sites": backend}, kept=kept))

        async def ask(keys: list[str | None], owners: list[str | None], **more: Any) -> list[Any]:
            return await portal.get_many(
                context, "/sites", by="company", keys=keys, belongs="company", organizations=owners, **more
            )

        assert await ask(["K-1", "K-2", None], ["org_1", "org_2", None]) == [rows(["K-1"]), rows(["K-2"]), None]
        assert await ask(["K-3", "K-1"], ["org_3", "org_1"]) == [rows(["K-3"]), rows(["K-1"])]
        await ask(["K-1"], ["org_2"])
        await portal.forget(context, ["K-3"])
        await ask(["K-1", "K-2", "K-3"], ["org_1", "org_2", "org_3"])
        assert server.asked == [f"GET /sites?company={keys}" for keys in ("K-1%2CK-2", "K-3", "K-1", "K-3")]

        server.asked.clear()
        elsewhere = portal.opened({"sites_url": server.url.replace("127.0.0.1", "localhost")})
        context.backends.kept["sites"] = portal.kept(elsewhere, store)
        await ask(["K-1"], ["org_1"])
        assert server.asked == ["GET /sites?company=K-1"]
        await elsewhere.close()
        context.backends.kept["sites"] = kept_here

        server.asked.clear()
        for _ in range(2):
            await ask(["K-1"], [None])  # of no organization
        for _ in range(2):
            everything = Batch(asks_for_all=True)
            answers = await portal.rows_of(context, "/sites", everything, ["K-2", "K-9"], belongs="company")
            assert answers == [rows(["K-2"]), []]
        assert server.asked == ["GET /sites?company=K-1", "GET /sites?company=K-1", "GET /sites"]
        await backend.close()
