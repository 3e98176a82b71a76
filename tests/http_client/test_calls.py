"""What goes out, what comes back, and what each kind of answer is for a connector."""

import asyncio
import gzip
from typing import Any

import pytest

from connectors.errors import (
    AccessRefused,
    BackendTimeout,
    BackendUnavailable,
    Declined,
    OutcomeUnknown,
    UnexpectedAnswer,
)
from connectors.http.current_request import CurrentRequest, answering
from connectors.http.limits import HttpLimits
from tests.http_client.back_end import Asked, BackEnd, reply
from tests.http_client.conftest import Client, Clock
from tests.logs import capture_logs

REQUEST = CurrentRequest(
    deadline=None, request_id="5f2", traceparent="00-" + "a" * 32 + "-" + "b" * 16 + "-01", language="de",
    caller=("usr_1",),
)  # fmt: skip


def request_of(*caller: str, deadline: float | None = None) -> CurrentRequest:
    return CurrentRequest(deadline, "5f2", None, None, caller)


async def test_a_query_names_its_request_and_returns_what_is_answered(back_end: BackEnd, client: Client) -> None:
    plants = client(f"{back_end.url}/api/")
    back_end.answers = [reply({"items": [1]})]

    with answering(REQUEST):
        answer = await plants.get("/plants", [("company", "K-1,K 2"), ("limit", "20")], headers={"X-Language": "de"})

    (asked,) = back_end.asked
    assert answer == {"items": [1]}
    assert (asked.method, asked.target) == ("GET", "/api/plants?company=K-1%2CK%202&limit=20")
    sent = {name: asked.headers.get(name) for name in ("x-request-id", "traceparent", "x-language", "accept")}
    assert sent == {
        "x-request-id": "5f2", "traceparent": REQUEST.traceparent, "x-language": "de", "accept": "application/json",
    }  # fmt: skip


async def test_a_change_sends_json_and_an_empty_answer_is_none(back_end: BackEnd, client: Client) -> None:
    back_end.answers = [reply(status=204, body=b"")]

    answer = await client().post("/orders", {"article": "ä"})

    (asked,) = back_end.asked
    assert answer is None
    assert (asked.method, asked.json, asked.headers["content-type"]) == ("POST", {"article": "ä"}, "application/json")


@pytest.mark.parametrize("url", ["plants.example", "ftp://a", "http://u:p@a", "http://a?x=1", "http://ä.example", ""])
def test_a_url_that_is_none_of_a_back_end_is_refused_with_an_example(url: str) -> None:
    from connectors.http.client import HttpBackend

    with pytest.raises(ValueError, match="the URL of a back end"):
        HttpBackend("plants", url)


@pytest.mark.parametrize(
    "path", ["plants", "/../admin", "/plants/%2e%2E/x", "/a/./b", "/a/..%2fadmin", "/a\\..\\admin", ""]
)
async def test_a_path_leads_nowhere_but_below_the_url(back_end: BackEnd, client: Client, path: str) -> None:
    with pytest.raises(ValueError, match="a path begins with a slash"):
        await client().get(path)

    assert back_end.asked == []


async def test_a_path_cannot_smuggle_a_query_or_another_host(back_end: BackEnd, client: Client) -> None:
    plants = client()

    await plants.get("//elsewhere.example/a?b=c#d")

    assert back_end.targets == ["//elsewhere.example/a%3Fb=c%23d"]


@pytest.mark.parametrize(
    ("status", "problem"),
    [
        (301, UnexpectedAnswer),
        (400, Declined),
        (401, AccessRefused),
        (403, AccessRefused),
        (409, Declined),
        (429, BackendUnavailable),
        (500, BackendUnavailable),
        (501, BackendUnavailable),
    ],
)
async def test_an_error_of_the_back_end_is_one_of_ours(
    back_end: BackEnd, client: Client, status: int, problem: type[Exception]
) -> None:
    back_end.answers = [reply({"why": "because"}, status, Location="http://127.0.0.1:1/")]

    with pytest.raises(problem) as raised:
        await client().get("/plants")

    assert type(raised.value) is problem
    assert f"answered by {status}: " + '{"why": "because"}' in str(raised.value)
    assert len(back_end.asked) == 1


async def test_what_a_back_end_does_not_accept_is_there_for_a_connector_that_understands_it(
    back_end: BackEnd, client: Client
) -> None:
    back_end.answers = [reply({"code": "TAKEN"}, 409)]

    with pytest.raises(Declined) as raised:
        await client().post("/orders", {})

    assert (raised.value.status, raised.value.answer) == (409, {"code": "TAKEN"})


async def test_what_is_not_there_is_none_for_a_query_and_declined_for_a_change(
    back_end: BackEnd, client: Client
) -> None:
    back_end.answers = [reply({}, 404)]
    plants = client()

    assert await plants.get("/plants/7") is None
    assert await plants.post("/search", {}, repeatable=True) is None
    with pytest.raises(Declined):
        await plants.post("/orders", {})


@pytest.mark.parametrize("status", [500, 502, 504])
async def test_a_change_that_may_have_been_carried_out_is_never_sent_again(
    back_end: BackEnd, client: Client, status: int
) -> None:
    back_end.answers = [reply({}, status)]

    with pytest.raises(OutcomeUnknown):
        await client().post("/orders", {})

    assert len(back_end.asked) == 1


@pytest.mark.parametrize("body", [b"<html>", b'{"a": 1', b"", b"\xff"])
async def test_a_change_whose_answer_cannot_be_read_may_have_been_carried_out(
    back_end: BackEnd, client: Client, body: bytes
) -> None:
    back_end.answers = [reply(body=body, content_type="text/html")]

    if not body:
        assert await client().post("/orders", {}) is None
        return
    with pytest.raises(OutcomeUnknown):
        await client().post("/orders", {})


async def test_a_change_that_a_busy_back_end_turned_away_was_not_carried_out(back_end: BackEnd, client: Client) -> None:
    back_end.answers = [reply({}, 503)]

    with pytest.raises(BackendUnavailable) as raised:
        await client().post("/orders", {})

    assert type(raised.value) is BackendUnavailable


async def test_a_change_that_reached_nobody_was_not_carried_out(back_end: BackEnd, client: Client) -> None:
    with pytest.raises(BackendUnavailable) as raised:
        await client("http://127.0.0.1:1").post("/orders", {})

    assert type(raised.value) is BackendUnavailable


LIMITS = HttpLimits(max_bytes=1_000, max_depth=5, max_values=50)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"<html><p>Sign in</p>", "no JSON"),
        (b"[" * 6 + b"]" * 6, "nested more than 5"),
        (b"[" + b"1," * 60 + b"1]", "more than 50 values"),
        (b'"' + b"x" * 1_000 + b'"', "more than 1,000 bytes"),
    ],
)
async def test_an_answer_that_we_do_not_read_is_unexpected_and_its_text_is_for_the_log(
    back_end: BackEnd, client: Client, body: bytes, reason: str
) -> None:
    back_end.answers = [reply(body=body)]

    with pytest.raises(UnexpectedAnswer, match=reason) as raised:
        await client(limits=LIMITS).get("/plants")

    assert len(str(raised.value)) < 400


async def test_a_body_that_grows_while_it_is_unpacked_ends_at_the_limit(back_end: BackEnd, client: Client) -> None:
    back_end.answers = [reply(body=gzip.compress(b"1" * 50_000_000), content_encoding="gzip")]

    with pytest.raises(UnexpectedAnswer, match="more than 5,000,000 bytes"):
        await client().get("/plants")

    assert back_end.opened == 1


async def test_a_cookie_is_not_kept(back_end: BackEnd, client: Client) -> None:
    plants = client()
    back_end.answers = [reply({}, Set_Cookie="session=1")]

    await plants.get("/a")
    await plants.get("/b")

    assert [asked.headers.get("cookie") for asked in back_end.asked] == [None, None]
    assert back_end.opened == 1


async def test_a_call_takes_no_longer_than_its_time_limit(back_end: BackEnd, client: Client, hang: Any) -> None:
    async def hangs(_asked: Asked, _writer: asyncio.StreamWriter) -> None:
        await hang(2.01)

    back_end.answers = [hangs]
    plants = client()

    with pytest.raises(BackendTimeout, match=r"within 2\.000 s"):
        await plants.get("/plants")
    with pytest.raises(OutcomeUnknown):
        await plants.post("/orders", {})


async def test_a_call_takes_no_longer_than_its_request_has_left(
    back_end: BackEnd, client: Client, clock: Clock, hang: Any
) -> None:
    async def hangs(_asked: Asked, _writer: asyncio.StreamWriter) -> None:
        await hang(0.26)

    back_end.answers = [hangs]
    plants = client()

    with answering(request_of(deadline=clock.now + 0.3)), pytest.raises(BackendTimeout, match=r"within 0\.250 s"):
        await plants.get("/plants")
    with answering(request_of(deadline=clock.now + 0.05)), pytest.raises(BackendTimeout, match="no time left"):
        await plants.get("/plants")

    assert len(back_end.asked) == 1


async def test_a_sign_in_that_is_refused_is_reported_once_to_whoever_runs_the_gateway(
    back_end: BackEnd, client: Client
) -> None:
    plants = client()
    back_end.answers = [reply({}, 401), reply({}, 403), reply({}), reply({}, 401)]

    with capture_logs() as logged:
        for _ in range(2):
            with pytest.raises(BackendUnavailable):
                await plants.get("/plants")
        await plants.get("/plants")
        with pytest.raises(BackendUnavailable):
            await plants.get("/plants")

    reported = [entry for entry in logged if entry["event"] == "sign-in refused by a back end"]
    assert [(entry["log_level"], entry["backend"]) for entry in reported] == [("error", "plants")] * 2
