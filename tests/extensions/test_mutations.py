"""A mutation of an extension keeps the rules of ours, and the change in its back end is made once."""

import asyncio
import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from connectors.directory.directory import DirectoryChange
from connectors.directory.records.audit import AuditEntry
from connectors.errors import BackendUnavailable
from gateway.profile_files import load_profile
from resolvers.audit.wording import AddedAction, add_action, forgetting_actions, wordings
from schema.extending import (
    AUTHENTICATED,
    ID,
    Extension,
    InvalidExtension,
    Payload,
    any_of,
    described,
    graph_input,
)
from schema.graph.build import build_schema, core_schema, printed
from schema.graph.cost_directives import cost_of
from tests.audit.test_every_mutation import check_record, log
from tests.audit.test_wording import LANGUAGES, with_codes
from tests.caching.test_consistency import WITHOUT_LIMITS
from tests.caching.test_payloads import answered
from tests.every_mutation.entry import Entry, Row
from tests.extensions.profiles import profile_with
from tests.extensions.test_tickets import FILES
from tests.extensions.upstream import Upstream, upstream
from tests.portal import Answer, Portal, open_portal
from tests.servers import DatabaseKind
from tests.view_as.test_view_as import looking

__all__ = ["log"]

ADMINISTRATION, PURCHASE, ELSEWHERE = (
    "administration@helios.example",
    "purchase@helios.example",
    "administration@lumen.example",
)
OPEN_TICKET = """mutation M($input: OpenTicketInput!) { openTicket(input: $input) {
    ticket { number subject openedAt } viewer { user { email } }
    errors { __typename code message path ... on PermissionError { missingPermissions { code } } } } }"""


async def _helios(portal: Portal) -> dict[str, str]:
    return {"HELIOS": await portal.organization_of(PURCHASE)}


ENTRY = Entry(
    by=PURCHASE,
    prepare=_helios,
    input={"organizationId": "HELIOS", "subject": "Roof of slate", "question": "Which hooks?", "idempotencyKey": "k"},
    secrets=("Which hooks?",),
    rows=(Row("tickets.open_ticket", "HELIOS", PURCHASE, "HELIOS", after={"tickets_number": "T-1"}),),
)


class Desk:
    """A help desk that opens one ticket for each `Idempotency-Key`, however often it is asked."""

    def __init__(self) -> None:
        self.opened: dict[str, dict[str, Any]] = {}
        self.fails_after: list[int] = []
        self.declines: list[int] = []

    async def open(self, request: web.Request, body: Any) -> Any:
        if self.declines:
            return web.json_response({"secret of the desk": 1}, status=self.declines.pop())
        key = request.headers["Idempotency-Key"]
        said = {"number": f"T-{len(self.opened) + 1}", "openedAt": "2026-11-30T08:00:00+00:00", **body}
        ticket = self.opened.setdefault(key, said)
        if self.fails_after:
            return web.json_response({}, status=self.fails_after.pop())
        return ticket


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
async def server(desk: Desk) -> AsyncIterator[Upstream]:
    async with upstream(open=desk.open, tickets=lambda *_: {"data": {"tickets": []}}) as server:
        yield server


@asynccontextmanager
async def portal_with(server: Upstream, tmp_path: Path, **settings: Any) -> AsyncIterator[Portal]:
    source = (FILES / "tickets.py").read_text(encoding="utf-8")
    kept = source.replace('sign_in="api_key"', 'sign_in="api_key", caching=Caching(60, Scope.PUBLIC)')
    profile = profile_with(
        tmp_path,
        "tickets",
        files={
            "tickets.py": kept.replace("    Change,", "    Caching,\n    Change,\n    Scope,"),
            "tickets.texts.toml": FILES / "tickets.texts.toml",
        },
        gives={"purchase": ("TICKETS_VIEW", "TICKETS_OPEN"), "administration": ("TICKETS_OPEN", "AUDIT_VIEW")},
    )
    async with open_portal(str(profile), tickets_url=server.url, tickets_secret="let me in", **settings) as opened:
        yield opened


@pytest.fixture
async def portal(server: Upstream, tmp_path: Path) -> AsyncIterator[Portal]:
    async with portal_with(server, tmp_path) as opened:
        yield opened


async def opens(portal: Portal, who: str = PURCHASE, language: str = "en", **input: Any) -> Answer:
    person = await portal.person(who) if who else portal.anybody()
    person = replace(person, language=language)
    given = {"organizationId": await portal.organization_of(PURCHASE), "subject": "Roof of slate"} | input
    return await person.asks(OPEN_TICKET, input=given)


async def test_it_answers_with_what_was_made_and_puts_it_on_record(
    portal: Portal, desk: Desk, server: Upstream, log: io.StringIO
) -> None:
    await check_record(portal, "openTicket", ENTRY, log)

    assert server.asked == ["POST /open"]
    assert server.bodies == [
        {"customer": "204718", "by": PURCHASE, "subject": "Roof of slate", "question": "Which hooks?"}
    ]


async def test_its_payload_refuses_no_field_because_of_its_change(server: Upstream, tmp_path: Path) -> None:
    async with portal_with(server, tmp_path, **WITHOUT_LIMITS) as portal:
        core = core_schema(build_schema(additions=load_profile(portal.settings.profile).additions))
        payload, refused = await answered(portal, "openTicket", ENTRY, core)

    assert payload["OpenTicketPayload_ticket_0"]["Ticket_number_0"] == "T-1"
    assert refused == []


@pytest.mark.parametrize("language", LANGUAGES)
async def test_the_log_says_it_without_codes(portal: Portal, language: str) -> None:
    (row,) = ENTRY.rows

    assert await with_codes(portal, row, language) == []


async def test_a_reader_of_the_log_finds_it_and_what_was_refused(portal: Portal) -> None:
    await opens(portal)
    await opens(portal, "planning@helios.example")
    reader = await portal.person(ADMINISTRATION)

    shown = await reader.asks(
        """query($id: ID!) { organization(id: $id) { auditActions { key label(locale: "de") }
        auditEvents(actions: ["openTicket", "tickets.open_ticket"]) { nodes {
          action refusedWith summary(locale: "fr") after { label(locale: "de") display } } } } }""",
        id=await portal.organization_of(PURCHASE),
    )

    assert shown.errors == []
    events = {one["action"]: one for one in shown.at("organization.auditEvents.nodes")}
    refused, opened = events["openTicket"], events["tickets.open_ticket"]
    assert (refused["refusedWith"], opened["refusedWith"]) == ("FORBIDDEN", None)
    assert refused["summary"] == "Refusé : Ouvrir une demande d'assistance (Helios Montage GmbH)"
    assert opened["summary"] == "La demande d'assistance T-1 a été ouverte pour Helios Montage GmbH"
    assert opened["after"] == [{"label": "Nummer des Falls", "display": "T-1"}]
    assert {"tickets.open_ticket": "Supportfall eröffnen", "openTicket": "Abgelehnt: Supportfall eröffnen"}.items() <= {
        one["key"]: one["label"] for one in shown.at("organization.auditActions")
    }.items()


@pytest.mark.parametrize(
    ("who", "code"), [("planning@helios.example", "FORBIDDEN"), (ELSEWHERE, "NOT_FOUND")], ids=["here", "elsewhere"]
)
async def test_who_may_not_is_refused_in_the_payload_and_nobody_is_asked(
    portal: Portal, server: Upstream, who: str, code: str
) -> None:
    answer = await opens(portal, who)

    assert answer.errors == []
    (error,) = answer.at("openTicket.errors")
    assert error["code"] == code
    assert error.get("missingPermissions") == ([{"code": "TICKETS_OPEN"}] if code == "FORBIDDEN" else None)
    assert answer.at("openTicket.ticket") is None
    assert server.asked == []


async def test_nobody_signed_in_and_whoever_views_as_a_member_change_nothing(portal: Portal, server: Upstream) -> None:
    nobody = await opens(portal, "")
    view = await looking(portal, PURCHASE)
    given = {"organizationId": await portal.organization_of(PURCHASE), "subject": "Roof of slate"}
    viewing = await view.asks(OPEN_TICKET, input=given)

    assert nobody.codes == {"openTicket": "UNAUTHENTICATED"}
    assert viewing.codes == {"": "VIEW_AS_READ_ONLY"}
    assert server.asked == []


async def test_a_right_that_is_lost_meanwhile_is_asked_for_again_before_the_call(
    portal: Portal, server: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("resolvers.transactions.may", lambda *_: False)

    answer = await opens(portal)

    assert [one["code"] for one in answer.at("openTicket.errors")] == ["FORBIDDEN"]
    assert server.asked == []


async def test_all_that_is_wrong_with_an_input_is_said_at_once(portal: Portal, server: Upstream) -> None:
    answer = await opens(portal, subject=" ", question="x" * 3_000, idempotencyKey="")

    assert [(one["code"], one["path"]) for one in answer.at("openTicket.errors")] == [
        ("INVALID_INPUT", ["idempotencyKey"]),
    ]
    answer = await opens(portal, subject=" ", question="x" * 3_000)
    assert [(one["code"], one["path"]) for one in answer.at("openTicket.errors")] == [
        ("INVALID_INPUT", ["subject"]),
        ("INVALID_INPUT", ["question"]),
    ]
    assert server.asked == []


async def test_a_repeated_request_is_answered_again_and_another_input_is_refused(
    portal: Portal, desk: Desk, server: Upstream
) -> None:
    first, again = await opens(portal, idempotencyKey="k"), await opens(portal, idempotencyKey="k")
    other = await opens(portal, idempotencyKey="k", subject="Another")
    colleague = await opens(portal, ADMINISTRATION, idempotencyKey="k")

    assert first.data == again.data
    assert first.at("openTicket.ticket.number") == "T-1"
    (error,) = other.at("openTicket.errors")
    assert (error["__typename"], error["code"]) == ("ConflictError", "IDEMPOTENCY_KEY_REUSED")
    assert colleague.at("openTicket.ticket.number") == "T-2"
    assert len(server.asked) == len(desk.opened) == 2
    assert len(await portal.audit("tickets.open_ticket")) == 2


async def test_many_who_repeat_a_request_at_once_get_one_ticket(
    portal_kind: DatabaseKind, desk: Desk, server: Upstream, tmp_path: Path
) -> None:
    async with portal_with(server, tmp_path, kind=portal_kind) as portal:
        answers = await asyncio.gather(*(opens(portal, idempotencyKey="k") for _ in range(5)))
        recorded = await portal.audit("tickets.open_ticket")

    assert {answer.at("openTicket.ticket.number") for answer in answers} == {"T-1"}
    assert len(desk.opened) == 1
    assert len(recorded) == 1


async def test_an_unknown_outcome_is_said_and_trying_again_does_it_once(
    portal: Portal, desk: Desk, server: Upstream
) -> None:
    desk.fails_after = [500]

    unknown = await opens(portal, idempotencyKey="k")
    other = await opens(portal, idempotencyKey="k", subject="Another")
    again = await opens(portal, idempotencyKey="k")

    assert unknown.codes == {"openTicket": "OUTCOME_UNKNOWN"}
    assert [one["code"] for one in other.at("openTicket.errors")] == ["IDEMPOTENCY_KEY_REUSED"]
    assert again.at("openTicket.ticket.number") == "T-1"
    assert len(server.asked) == 2
    assert len(desk.opened) == 1
    assert len(await portal.audit("tickets.open_ticket")) == 1


async def test_what_cannot_be_put_on_record_has_an_unknown_outcome_and_is_on_record_once_it_is_repeated(
    portal: Portal, desk: Desk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    record = DirectoryChange.record

    async def away(self: DirectoryChange, entry: AuditEntry, now: datetime) -> None:
        if entry.action == "tickets.open_ticket":
            raise BackendUnavailable("directory")
        await record(self, entry, now)

    with monkeypatch.context() as patched:
        patched.setattr(DirectoryChange, "record", away)
        unknown = await opens(portal, idempotencyKey="k")
    again = await opens(portal, idempotencyKey="k")

    assert unknown.codes == {"openTicket": "OUTCOME_UNKNOWN"}
    assert "change not on record" in caplog.messages
    assert again.at("openTicket.ticket.number") == "T-1"
    assert len(desk.opened) == len(await portal.audit("tickets.open_ticket")) == 1


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("de", "Zu viele Fälle sind offen. Warten Sie, bis einer beantwortet ist."),
        ("fr", "Trop de demandes sont ouvertes. Attendez une réponse."),
    ],
)
async def test_what_its_back_end_refuses_is_said_in_the_readers_language_and_the_key_stays_free(
    portal: Portal, desk: Desk, language: str, said: str
) -> None:
    desk.declines = [409]

    refused = await opens(portal, language=language, idempotencyKey="k")
    corrected = await opens(portal, idempotencyKey="k", subject="Another")

    (error,) = refused.at("openTicket.errors")
    assert (error["code"], error["message"]) == ("CONFLICT", said)
    assert corrected.at("openTicket.ticket.subject") == "Another"


async def test_while_an_earlier_try_may_be_under_way_a_refusal_does_not_free_its_key(
    portal: Portal, desk: Desk
) -> None:
    desk.fails_after = [500]
    await opens(portal, idempotencyKey="k")
    desk.declines = [409]
    await opens(portal, idempotencyKey="k")

    again = await opens(portal, idempotencyKey="k")

    assert again.at("openTicket.ticket.number") == "T-1"
    assert len(desk.opened) == 1


@pytest.mark.parametrize(("status", "code"), [(400, "BACKEND_ERROR"), (503, "BACKEND_UNAVAILABLE")])
async def test_what_was_not_made_is_an_error_that_says_nothing_of_the_back_end(
    portal: Portal, desk: Desk, status: int, code: str
) -> None:
    desk.declines = [status]

    answer = await opens(portal)

    assert answer.codes == {"openTicket": code}
    assert "secret" not in str(answer.body)
    assert await portal.audit("tickets.open_ticket") == []


@pytest.mark.parametrize("fails", [[], [500]], ids=["made", "outcome unknown"])
async def test_what_was_kept_for_the_organization_counts_no_more(
    portal: Portal, desk: Desk, server: Upstream, fails: list[int]
) -> None:
    reads = "query($id: ID!) { organization(id: $id) { tickets { number } } }"
    buyer, organization = await portal.person(PURCHASE), await portal.organization_of(PURCHASE)
    for _ in range(2):
        assert (await buyer.asks(reads, id=organization)).errors == []
    assert len(server.asked) == 1

    desk.fails_after = fails
    await opens(portal)
    await buyer.asks(reads, id=organization)

    assert [call.partition("?")[0] for call in server.asked] == ["GET /tickets", "POST /open", "GET /tickets"]


async def test_the_schema_says_guard_and_back_end_and_a_mutation_costs_what_ours_cost(portal: Portal) -> None:
    built = build_schema(additions=load_profile(portal.settings.profile).additions)
    sdl = " ".join(printed(built).split())
    mutations = core_schema(built).mutation_type
    assert mutations is not None

    assert (
        "OpenTicketPayload @requiresPermission(anyOf: [TICKETS_OPEN], scope: ORGANIZATION, orSelf: false) "
        "@backend(name: TICKETS)" in sdl
    )
    ours, theirs = (mutations.fields[name] for name in ("requestOrganizationChange", "openTicket"))
    assert cost_of(theirs) == cost_of(ours)


@graph_input
class Memo:
    """A memo."""

    organization_id: ID
    idempotency_key: str | None = None


@graph_input
class Unkeyed:
    """A memo."""

    organization_id: ID


class MemoPayload(Payload):
    """What came of it."""

    text: str | None = described("It.")


async def memo(context: Any, input: Any, change: Any) -> Any: ...


def _memos(changed: dict[str, Any]) -> None:
    extension = Extension("memos", api=1, texts="memos.texts.toml")
    declared = {"input": Memo, "payload": MemoPayload, "requires": any_of(extension.permission("MEMOS_MAKE"))}
    backend = extension.http_backend()
    extension.mutation(memo, answer=lambda *_: None, backend=backend, description="Memo.", **declared | changed)


TEXTS = """
[MEMOS_MAKE]
label = { en = "Write memos" }
description = { en = "Writes memos." }
"""
SAID = """
[mutations.memo]
label = { en = "Memo" }
summary = { en = "Memo for {subject}" }
"""


@pytest.mark.parametrize(
    ("texts", "changed", "said"),
    [
        (TEXTS, {}, "the mutation memo of the extension memos has no texts; write [mutations.memo] with label and"),
        (TEXTS + SAID, {"requires": AUTHENTICATED}, "asks for no permission in the organization of its input"),
        (TEXTS + SAID, {"input": Unkeyed}, "the input of the mutation memo lacks idempotency_key; write @graph_input"),
        (TEXTS + SAID, {"payload": dict}, "the payload of the mutation memo is none; write class …Payload(Payload)"),
        (TEXTS + SAID + "values = { number = { en = 'No.' } }", {}, "the values number of memo begin with memos_"),
        (TEXTS + SAID.replace("{subject}", "{what}"), {}, "{what} in the summary of memo is no value of it; known are"),
        (TEXTS + SAID.replace("{subject}", "{"), {}, "the summary of memo cannot be filled in"),
        (TEXTS + SAID.replace("label", "lable"), {}, '"lable" of memo is not known; known are label, summary, values'),
        (TEXTS + SAID.replace("en =", "de =", 1), {}, "memo needs label = "),
    ],
)
def test_one_that_would_not_be_as_ours_does_not_load(
    texts: str, changed: dict[str, Any], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(globals(), "__file__", str(tmp_path / "memos.py"))
    (tmp_path / "memos.texts.toml").write_text(texts, encoding="utf-8")

    with pytest.raises(InvalidExtension) as refused:
        _memos(changed)

    assert said in str(refused.value)


def test_no_action_of_an_extension_is_called_like_ours_and_it_is_forgotten_with_it() -> None:
    text = {"en": "Give"}
    with forgetting_actions():
        add_action(AddedAction("memos.memo", "memo", text, text, {}))
        assert wordings()["de"].actions["memos.memo"] == "Give"
        with pytest.raises(ValueError, match=r"Forecourt has actions called grant\.… in the audit log"):
            add_action(AddedAction("grant.memo", "memo", text, text, {}))
    assert "memos.memo" not in wordings()["de"].actions
