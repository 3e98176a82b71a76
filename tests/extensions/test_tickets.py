"""An extension written in Python, with a help desk behind it: nothing of ours is changed for it."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from gateway.profile_files import load_profile
from schema.graph.build import build_schema, printed
from tests.extensions.profiles import profile_with
from tests.extensions.upstream import Upstream, upstream
from tests.portal import Portal, open_portal

FILES = Path(__file__).with_name("tickets")
TICKETS = """{ viewer { openTickets memberships { nodes { organization { customerNumber tickets(first: 2) {
    number subject openedAt isOld } } } } } }"""


def ticket(customer: str, number: int, **more: Any) -> dict[str, Any]:
    return {
        "customer": customer,
        "number": f"T-{number}",
        "subject": f"Question {number}",
        "openedAt": "2026-11-01T08:00:00+00:00",
    } | more


async def tickets(request: web.Request, _body: Any) -> Any:
    asked = request.query.getall("customer")
    limit = int(request.query["limit"])
    rows = [ticket(customer, number, note="Patience.") for customer in asked for number in range(limit)]
    return {"data": {"tickets": [*reversed(rows), ticket("SOMEBODY-ELSE", 9)]}}


@pytest.fixture(scope="module")
async def desk() -> AsyncIterator[Upstream]:
    async with upstream(
        tickets=tickets,
        counts=lambda _request, body: dict.fromkeys(body["emails"], 3),
        hours=lambda _request, _body: {"text": "9 to 5"},
    ) as server:
        yield server


@pytest.fixture(scope="module")
async def portal(desk: Upstream, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Portal]:
    profile = profile_with(
        tmp_path_factory.mktemp("tickets"),
        "tickets",
        files={name: FILES / name for name in ("tickets.py", "tickets.texts.toml")},
        gives={"purchase": ("TICKETS_VIEW",), "administration": ("TICKETS_VIEW", "TICKETS_AGENT")},
    )
    async with open_portal(str(profile), tickets_url=desk.url, tickets_secret="let me in") as opened:
        yield opened


@pytest.fixture(autouse=True)
def _asked_nothing(desk: Upstream) -> None:
    desk.asked.clear()
    desk.headers.clear()


async def test_a_page_shows_tickets_by_one_call_for_each_field(portal: Portal, desk: Upstream) -> None:
    buyer = await portal.person("purchase@helios.example")

    answer = await buyer.asks(TICKETS)

    assert answer.errors == []
    assert answer.at("viewer.openTickets") == 3
    assert answer.at("viewer.memberships.nodes.0.organization") == {
        "customerNumber": "204718",
        "tickets": [
            {
                "number": f"T-{number}",
                "subject": f"Question {number}",
                "openedAt": "2026-11-01T08:00:00Z",
                "isOld": False,
            }
            for number in (1, 0)
        ],
    }
    assert sorted(desk.asked) == ["GET /tickets?customer=204718&limit=2", "POST /counts"]
    assert {headers["X-Api-Key"] for headers in desk.headers} == {"let me in"}


ONE = "query($id: ID!) { organization(id: $id) { name tickets(first: 1) { number note } } }"


@pytest.mark.parametrize(
    ("login", "tickets", "note"),
    [
        ("administration@helios.example", None, "Patience."),
        ("purchase@helios.example", None, "UNAUTHORIZED_FIELD_OR_TYPE"),
        ("installation@helios.example", "UNAUTHORIZED_FIELD_OR_TYPE", None),
    ],
)
async def test_its_permissions_guard_a_field_of_ours_and_one_of_its_own_type_in_that_organization(
    portal: Portal, desk: Upstream, login: str, tickets: str | None, note: str | None
) -> None:
    organization = await portal.organization_of("purchase@helios.example")
    person = await portal.person(login)

    answer = await person.asks(ONE, id=organization)

    assert answer.codes.get("organization.tickets") == tickets
    assert answer.codes.get("organization.tickets.0.note") == (note if note and note.isupper() else None)
    if tickets is None:
        assert answer.at("organization.tickets.0.note") == (None if note is None or note.isupper() else note)
        assert len(desk.asked) == 1
    else:
        assert answer.at("organization.tickets") is None
        assert desk.asked == []


async def test_nobody_is_asked_for_somebody_who_is_not_signed_in(portal: Portal, desk: Upstream) -> None:
    answer = await portal.anybody().asks("{ supportHours viewer { openTickets } }")

    assert answer.data == {"supportHours": "9 to 5", "viewer": None}
    assert desk.asked == ["GET /hours"]


async def test_a_help_desk_that_is_down_hides_only_its_own_fields(portal: Portal, desk: Upstream) -> None:
    buyer = await portal.person("purchase@helios.example")
    before = dict(desk.answers)
    desk.answers["/tickets"] = lambda _request, _body: web.Response(status=500)

    answer = await buyer.asks(TICKETS)
    desk.answers.update(before)

    where = "viewer.memberships.nodes.0.organization"
    assert answer.codes == {f"{where}.tickets": "BACKEND_UNAVAILABLE"}
    assert answer.at("viewer.openTickets") == 3
    assert answer.at(f"{where}.customerNumber") == "204718"


@pytest.mark.parametrize("said", [{"data": []}, {"data": {"tickets": {}}}, {"data": {"tickets": [1]}}, []])
async def test_an_answer_of_another_shape_is_an_error_that_says_nothing_of_it(
    portal: Portal, desk: Upstream, said: Any
) -> None:
    buyer = await portal.person("purchase@helios.example")
    before = dict(desk.answers)
    desk.answers["/tickets"] = lambda _request, _body: said

    answer = await buyer.asks(TICKETS)
    desk.answers.update(before)

    where = "viewer.memberships.nodes.0.organization.tickets"
    assert answer.codes == {where: "BACKEND_ERROR"}
    assert "list" not in answer.errors[0]["message"]


async def test_rows_of_somebody_else_are_left_out_and_counted_in_the_log(
    portal: Portal, caplog: pytest.LogCaptureFixture
) -> None:
    buyer = await portal.person("purchase@helios.example")

    answer = await buyer.asks(TICKETS)

    assert "T-9" not in str(answer.data)
    (record,) = [record for record in caplog.records if record.message == "rows that nobody asked for"]
    assert (record.backend, record.rows) == ("tickets", 1)  # type: ignore[attr-defined]


async def test_the_schema_and_introspection_know_no_difference_to_ours(portal: Portal) -> None:
    administrator = await portal.person("administration@helios.example")

    shown = await administrator.asks(
        """{ __type(name: "Organization") { fields { name description } }
        permissions { code label description } }"""
    )

    (tickets,) = [field for field in shown.at("__type.fields") if field["name"] == "tickets"]
    assert tickets["description"] == (
        "Its requests to the support, newest first.\n\nNeeds TICKETS_VIEW in the organization."
    )
    assert shown.at("permissions")[-3] == {
        "code": "TICKETS_VIEW",
        "label": "View support tickets",
        "description": "Sees the organization's support tickets.",
    }


async def test_the_schema_says_back_end_cost_and_length(portal: Portal) -> None:
    sdl = " ".join(printed(build_schema(additions=load_profile(portal.settings.profile).additions)).split())

    assert (
        "): [Ticket!] @requiresPermission(anyOf: [TICKETS_VIEW], scope: ORGANIZATION, orSelf: false) "
        '@backend(name: TICKETS) @cost(weight: 5) @listSize(slicingArguments: ["first"])' in sdl
    )
    assert "supportHours: String @backend(name: TICKETS) @cost(weight: 5)" in sdl


async def test_a_refusal_names_the_role_that_would_allow_it(portal: Portal) -> None:
    organization = await portal.organization_of("purchase@helios.example")
    installer = await portal.person("installation@helios.example")

    answer = await installer.asks(ONE, id=organization)

    assert answer.errors[0]["message"].startswith("Organization.tickets requires TICKETS_VIEW in this organization.")
    assert answer.errors[0]["extensions"]["authorization"]["missing"] == ["TICKETS_VIEW"]


async def test_its_back_end_stands_in_the_readiness_under_its_name(portal: Portal) -> None:
    ready = await portal.client.get("/health/ready")

    assert ready.json()["backends"]["tickets"] == "up"
    assert ready.json()["breakers"] == {"tickets": "CLOSED"}
