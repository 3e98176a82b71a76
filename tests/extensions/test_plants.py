"""The first example of the page on extensions, word by word, in front of a real plants portal."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from aiohttp import web

from gateway.extensions.declared import extension_from_toml
from gateway.profile_files import load_profile
from schema.graph.build import build_schema, printed
from schema.graph.fields import DECLARATION, Declaration
from tests.docs.markdown import ROOT, Page
from tests.extensions.profiles import profile_with
from tests.extensions.upstream import Upstream, upstream
from tests.portal import Portal, open_portal

PAGE = ROOT / "docs" / "extensions.md"
EXAMPLE = Page(PAGE, PAGE.read_text(encoding="utf-8")).blocks[0].text
PLANTS = """query($first: Int = 2) { viewer { memberships { nodes { organization {
    name plants(first: $first) { serial peakPower city commissioned } } } } } }"""
WHERE = "viewer.memberships.nodes.0.organization.plants"


def plant(company: str, number: int, **more: Any) -> dict[str, Any]:
    return {
        "company": company,
        "serialNumber": f"S-{number}",
        "specs": {"kwp": 9.5},
        "site": {"address": {"city": "Freiburg"}},
        "commissionedOn": "2020-05-01",
    } | more


def plants(request: web.Request, _body: Any) -> Any:
    if request.headers["Authorization"] != "Bearer of plants":
        return web.Response(status=401)
    asked, limit = request.query["company"].split(","), int(request.query["limit"])
    return {"items": [plant(company, number) for number in range(limit) for company in reversed(asked)]}


@asynccontextmanager
async def portal_with(plants: Any, folder: Path) -> AsyncIterator[tuple[Portal, Upstream]]:
    async with upstream(plants=plants, token=lambda *_: {"access_token": "of plants", "expires_in": 300}) as server:
        profile = profile_with(folder, "plants", files={"plants.toml": EXAMPLE}, gives={"purchase": ("PLANTS_VIEW",)})
        settings = {
            "plants_url": server.url,
            "plants_token_url": f"{server.url}/token",
            "plants_secret": "of the gateway",
        }
        async with open_portal(str(profile), **settings) as portal:
            yield portal, server


@pytest.fixture(scope="module")
async def opened(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[Portal, Upstream]]:
    async with portal_with(plants, tmp_path_factory.mktemp("plants")) as both:
        yield both


@pytest.fixture
def portal(opened: tuple[Portal, Upstream]) -> Portal:
    return opened[0]


@pytest.fixture
def server(opened: tuple[Portal, Upstream]) -> Upstream:
    opened[1].asked.clear()
    opened[1].answers["/plants"] = plants
    return opened[1]


async def test_the_plants_of_an_organization_stand_on_its_page_by_one_call(portal: Portal, server: Upstream) -> None:
    buyer = await portal.person("purchase@helios.example")

    answer = await buyer.asks(PLANTS)

    assert answer.errors == []
    assert answer.at(WHERE) == [
        {"serial": f"S-{number}", "peakPower": 9.5, "city": "Freiburg", "commissioned": "2020-05-01"}
        for number in (0, 1)
    ]
    assert [call for call in server.asked if "plants" in call] == ["GET /plants?company=204718&limit=2"]


async def test_the_test_that_stands_in_the_file_holds(portal: Portal, server: Upstream) -> None:
    (extension,) = load_profile(portal.settings.profile).extensions
    ((asks, calls),) = extension.tests
    buyer = await portal.person("purchase@helios.example")

    answer = await buyer.asks(asks)

    assert answer.errors == []
    assert calls == {"PLANTS": len([call for call in server.asked if "plants" in call])}


@pytest.mark.parametrize(
    ("login", "code"),
    [("purchase@helios.example", None), ("installation@helios.example", "UNAUTHORIZED_FIELD_OR_TYPE")],
)
async def test_who_lacks_the_permission_sees_the_rest_of_the_page_and_nobody_is_asked(
    portal: Portal, server: Upstream, login: str, code: str | None
) -> None:
    person = await portal.person(login)

    answer = await person.asks(PLANTS)

    assert answer.codes.get(WHERE) == code
    assert answer.at("viewer.memberships.nodes.0.organization.name") == "Helios Montage GmbH"
    assert (server.asked == []) == (code is not None)


@pytest.mark.parametrize(
    ("row", "shown"),
    [
        ({"specs": None, "site": {}, "commissionedOn": None}, (None, None, None)),
        ({"specs": {"kwp": 3}, "site": {"address": None}}, (3.0, None, "2020-05-01")),
    ],
)
async def test_what_is_missing_is_null(portal: Portal, server: Upstream, row: Any, shown: Any) -> None:
    server.answers["/plants"] = lambda *_: {"items": [plant("204718", 1, **row)]}
    buyer = await portal.person("purchase@helios.example")

    answer = await buyer.asks(PLANTS)

    (seen,) = answer.at(WHERE)
    assert (seen["peakPower"], seen["city"], seen["commissioned"]) == shown


async def test_a_row_without_its_serial_number_is_left_out_and_counted(
    portal: Portal, server: Upstream, caplog: pytest.LogCaptureFixture
) -> None:
    server.answers["/plants"] = lambda *_: {"items": [plant("204718", 1, serialNumber=None), plant("204718", 2)]}
    buyer = await portal.person("purchase@helios.example")

    answer = await buyer.asks(PLANTS)

    assert [one["serial"] for one in answer.at(WHERE)] == ["S-2"]
    (record,) = [record for record in caplog.records if record.message == "rows without what is required"]
    assert record.rows == 1  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"serialNumber": 5}, "plants: serialNumber: int where String was expected"),
        ({"specs": {"kwp": "9,5"}}, "plants: specs.kwp: str where Float was expected"),
        ({"specs": {"kwp": True}}, "plants: specs.kwp: bool where Float was expected"),
        ({"specs": []}, "plants: specs: an object was expected"),
        ({"site": {"address": "secret street"}}, "plants: site.address: an object was expected"),
        ({"commissionedOn": "1.5.2020"}, "plants: commissionedOn: str where Date was expected"),
    ],
)
async def test_a_value_of_another_shape_is_an_error_whose_path_is_in_the_log_only(
    portal: Portal, server: Upstream, caplog: pytest.LogCaptureFixture, row: Any, reason: str
) -> None:
    server.answers["/plants"] = lambda *_: {"items": [plant("204718", 1, **row)]}
    buyer = await portal.person("purchase@helios.example")
    caplog.set_level("INFO", "forecourt.graphql")

    answer = await buyer.asks(PLANTS)

    assert answer.codes == {WHERE: "BACKEND_ERROR"}
    assert answer.at("viewer.memberships.nodes.0.organization.name") == "Helios Montage GmbH"
    assert reason.split(": ", 1)[1] not in answer.errors[0]["message"]
    assert reason in [getattr(record, "reason", "") for record in caplog.records]


async def test_rows_of_another_organization_are_never_shown(portal: Portal, server: Upstream) -> None:
    server.answers["/plants"] = lambda *_: {
        "items": [plant("204719", 1), plant("", 2), plant("204718", 3), {"serialNumber": "S-4"}]
    }
    buyer = await portal.person("purchase@helios.example")

    answer = await buyer.asks(PLANTS)

    assert [one["serial"] for one in answer.at(WHERE)] == ["S-3"]


@pytest.mark.parametrize("first", [-1, 101])
async def test_a_limit_outside_of_what_is_allowed_is_refused_before_anybody_is_asked(
    portal: Portal, server: Upstream, first: int
) -> None:
    buyer = await portal.person("purchase@helios.example")

    answer = await buyer.asks(PLANTS, first=first)

    assert answer.codes == {WHERE: "BAD_USER_INPUT"}
    assert answer.errors[0]["message"] == "`first` must be between 0 and 100."
    assert server.asked == []


async def test_more_rows_than_were_asked_for_are_cut(portal: Portal, server: Upstream) -> None:
    server.answers["/plants"] = lambda *_: {"items": [plant("204718", number) for number in range(5)]}
    buyer = await portal.person("purchase@helios.example")

    answer = await buyer.asks(PLANTS, first=1)

    assert [one["serial"] for one in answer.at(WHERE)] == ["S-0"]


async def test_it_signs_in_by_its_settings(portal: Portal, server: Upstream) -> None:
    buyer = await portal.person("purchase@helios.example")
    await buyer.asks(PLANTS)

    assert {headers.get("Authorization") for headers in server.headers if "Bearer" in headers["Authorization"]} == {
        "Bearer of plants"
    }


def test_the_same_file_with_all_that_a_back_end_can_say_declares_the_same(tmp_path: Path) -> None:
    (tmp_path / "plants.toml").write_text(EXAMPLE, encoding="utf-8")
    complete = Path(__file__).with_name("plants.toml")

    of_page, of_file = (
        printed(build_schema(additions=[extension_from_toml(file).addition]))
        for file in (tmp_path / "plants.toml", complete)
    )

    assert of_page == of_file


@pytest.mark.parametrize("organizations", [1, 100])
async def test_one_organization_and_a_hundred_are_asked_for_by_one_call(tmp_path: Path, organizations: int) -> None:
    """As many as `at_most` allows; the example's 50 would make it two."""
    (tmp_path / "plants.toml").write_text(EXAMPLE.replace("at_most = 50", "at_most = 100"), encoding="utf-8")
    extension = extension_from_toml(tmp_path / "plants.toml")
    (declared,) = extension.addition.fields["Organization"]
    declaration: Declaration = declared.metadata[DECLARATION]
    parents: Any = [SimpleNamespace(id=f"org_{n}", customer_number=f"K-{n}") for n in range(organizations)]

    async with upstream(plants=plants, token=lambda *_: {"access_token": "of plants"}) as server:
        values = {"plants_url": server.url, "plants_token_url": f"{server.url}/token", "plants_secret": "x"}
        backend = extension.back_ends[0].opened(values)
        context: Any = SimpleNamespace(backends=SimpleNamespace(extensions={"plants": backend}, kept={}))
        answers = await declaration.answer_all(context, parents, first=1)
        await backend.close()

    assert [[record.serial for record in answer] for answer in answers] == [["S-0"]] * organizations
    assert [record.organization_id for (record,) in answers] == [parent.id for parent in parents]
    assert len([call for call in server.asked if call.startswith("GET /plants")]) == 1
