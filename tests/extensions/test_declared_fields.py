"""What a declared extension can ask, beside the example of the page: each in front of a real server, through a page."""

from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import pytest
from aiohttp import web

from connectors.directory.external_ids import ExternalIdRecord
from tests.extensions.profiles import profile_with
from tests.extensions.upstream import Upstream, upstream
from tests.portal import Portal, open_portal

SERVICE = """
api = 1
[permissions.SERVICE_AGENT]
label = { de = "Agent", en = "Agent", fr = "Agent" }
description = { de = "Sieht Notizen.", en = "Sees notes.", fr = "Voit les notes." }
[backend]
url = { setting = "service_url" }
headers = { "Accept-Language" = "{language}" }
[types.Visit]
description = "A visit of a technician."
fields.at = { type = "DateTime!", from = "at", description = "When." }
fields.note = { type = "String", from = "note", description = "What was noted.", requires = ["SERVICE_AGENT"] }
fields.parts = { type = "[Part!]", at_most = 5, from = "used.parts", description = "What was used." }
[types.Part]
description = "A part."
fields.number = { type = "ID!", from = "no", description = "Its number." }
fields.price = { type = "Decimal", from = "price", description = "Its price." }
[fields.Organization.visits]
type = "[Visit!]"
description = "Its visits."
requires = "authenticated"
get = "/visits"
at_most = 5
batch = { body = "ids", of = "external_id.service" }
belongs = "whose"
[fields.Organization.contract]
type = "String"
from = "terms.name"
description = "Its contract."
requires = "open"
get = "/contracts/{key}"
rows = "found"
batch = { each = true, of = "customer_number" }
[fields.Viewer.next_visit]
type = "Visit"
description = "Your next visit."
requires = "authenticated"
get = "/next"
batch = { repeat = true, by = "mail", of = "email" }
belongs = "mail"
[fields.User.calls]
type = "String"
from = "subject"
description = "What they called about last."
requires = "open"
get = "/calls"
batch = { body = "mails", of = "email" }
belongs = "mail"
[fields.Query.service_hours]
type = "String"
from = "text"
description = "When the service answers."
requires = "open"
get = "/hours"
params = { country = "DE" }
"""
PAGE = """{ serviceHours viewer { nextVisit { at } memberships(first: 1) { nodes { organization { id
    contract visits { at note parts { number price } } } } } } }"""
ORGANIZATION = "viewer.memberships.nodes.0.organization"


@pytest.fixture(scope="module")
async def opened(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[Portal, Upstream]]:
    visit = {
        "at": "2026-12-01T09:00:00+01:00",
        "note": "Bring cake.",
        "used": {"parts": [{"no": 5, "price": "1.50"}, {}]},
    }

    def contract(request: web.Request, _body: Any) -> Any:
        return {"found": [{"terms": {"name": "Gold"}}]}

    async with upstream(
        visits=lambda _request, body: [visit | {"whose": key} for key in body["ids"]],
        next=lambda request, _body: [visit | {"mail": mail} for mail in request.query.getall("mail")],
        calls=lambda _request, body: [{"mail": mail, "subject": f"of {mail}"} for mail in body["mails"]],
        hours=lambda request, _body: {"text": f"8 to 5 in {request.query['country']}"},
        **{"contracts/204718": contract},
    ) as server:
        profile = profile_with(tmp_path_factory.mktemp("service"), "service", files={"service.toml": SERVICE})
        async with open_portal(str(profile), service_url=server.url) as portal:
            yield portal, server


async def test_everything_that_can_be_declared_stands_on_one_page(opened: tuple[Portal, Upstream]) -> None:
    portal, server = opened
    buyer = await portal.person("purchase@helios.example")

    answer = await buyer.asks(PAGE)

    assert answer.codes == {f"{ORGANIZATION}.visits.0.note": "UNAUTHORIZED_FIELD_OR_TYPE"}
    assert answer.at("serviceHours") == "8 to 5 in DE"
    assert answer.at("viewer.nextVisit") == {"at": "2026-12-01T08:00:00Z"}
    assert answer.at(f"{ORGANIZATION}.contract") == "Gold"
    assert answer.at(f"{ORGANIZATION}.visits") == [
        {"at": "2026-12-01T08:00:00Z", "note": None, "parts": [{"number": "5", "price": "1.50"}]}
    ]
    assert sorted(server.asked) == [
        "GET /contracts/204718",
        "GET /hours?country=DE",
        "GET /next?mail=purchase%40helios.example",
        "POST /visits",
    ]
    assert {"ids": ["204718"]} in server.bodies  # by the rule: an organization is known by its customer number
    assert {headers["Accept-Language"] for headers in server.headers} == {"en"}


async def test_an_external_id_that_was_mapped_is_asked_for(opened: tuple[Portal, Upstream]) -> None:
    portal, server = opened
    organization = await portal.organization_of("purchase@helios.example")
    directory: Any = portal.wiring.backends.directory
    async with directory.change() as change:
        await change.map_external_ids([], [ExternalIdRecord("service", organization, "S-77")])
    buyer = await portal.person("purchase@helios.example")

    answer = await buyer.asks("query($id: ID!) { organization(id: $id) { visits { at } } }", id=organization)

    assert answer.errors == []
    assert server.bodies[-1] == {"ids": ["S-77"]}


async def test_who_is_not_mapped_has_a_code_that_says_what_to_map(
    opened: tuple[Portal, Upstream], monkeypatch: pytest.MonkeyPatch
) -> None:
    portal, server = opened
    server.asked.clear()
    organization = await portal.organization_of("purchase@helios.example")
    buyer = await portal.person("purchase@helios.example")

    async def nothing(_backend: str, ids: Any) -> list[None]:
        return [None for _ in ids]

    object.__setattr__(portal.wiring.backends, "external_ids", SimpleNamespace(of_organizations=nothing))
    answer = await buyer.asks("query($id: ID!) { organization(id: $id) { visits { at } } }", id=organization)

    assert answer.codes == {"organization.visits": "NOT_MAPPED"}
    assert answer.errors[0]["extensions"]["howToMap"] == (
        f"forecourt external-ids set service ID --organization {organization}"
    )
    assert server.asked == []


async def test_whoever_is_invited_by_an_address_gets_nothing_that_is_kept_for_it(
    opened: tuple[Portal, Upstream],
) -> None:
    portal, server = opened
    admin = await portal.person("administration@helios.example")
    page = """{ viewer { memberships(first: 1) { nodes { organization { members(first: 100) { nodes {
        status user { email calls } } } } } } } }"""

    answer = await admin.asks(page)

    members = answer.at("viewer.memberships.nodes.0.organization.members.nodes")
    invited = [one["user"] for one in members if one["status"] == "INVITED"]
    confirmed = [one["user"] for one in members if one["status"] == "ACTIVE"]
    assert invited
    assert all(one["calls"] is None for one in invited)
    assert confirmed
    assert all(one["calls"] == f"of {one['email']}" for one in confirmed)
    asked = [mail for body in server.bodies if body for mail in body.get("mails", ())]
    assert not {one["email"] for one in invited} & set(asked)
