"""What the endpoint reads requests with and answers them with."""

import gc

from starlette.types import Message

from gateway.server.fast_http import Answer, GraphqlHttpRequest, raw_headers
from gateway.server.gc_tuning import settle


async def nothing() -> Message:
    return {"type": "http.disconnect"}


def request_with(*headers: tuple[bytes, bytes]) -> GraphqlHttpRequest:
    return GraphqlHttpRequest({"type": "http", "method": "POST", "headers": list(headers)}, nothing)


def test_a_header_is_found_whatever_its_case() -> None:
    headers = request_with((b"accept", b"application/json")).headers

    assert headers.get("Accept") == headers["ACCEPT"] == "application/json"
    assert "accept" in headers
    assert "Accept-Language" not in headers
    assert headers.get("accept-language", "de") == "de"


def test_of_a_header_sent_twice_the_first_is_found_and_both_are_listed() -> None:
    headers = request_with((b"authorization", b"one"), (b"authorization", b"two")).headers

    assert headers["authorization"] == headers.get("authorization") == "one"
    assert headers.getlist("authorization") == ["one", "two"]


async def test_an_answer_says_how_long_it_is() -> None:
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    await Answer(200, raw_headers({"Vary": "accept"}), b"{}")({}, nothing, send)

    assert sent == [
        {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2"), (b"vary", b"accept")]},
        {"type": "http.response.body", "body": b"{}"},
    ]


def test_what_is_there_before_serving_is_not_looked_through_again() -> None:
    thresholds = gc.get_threshold()
    try:
        settle()

        assert gc.get_freeze_count() > 0
        assert gc.get_threshold()[0] > thresholds[0]
    finally:
        gc.unfreeze()
        gc.set_threshold(*thresholds)
