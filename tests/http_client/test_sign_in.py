"""How the gateway proves to a back end who it is."""

import asyncio
import hashlib
import hmac
from collections.abc import AsyncIterator

import pytest

from connectors.errors import BackendUnavailable, OutcomeUnknown
from connectors.http.limits import HttpLimits
from connectors.http.sign_in import ApiKey, Basic, ClientCredentials, Signed, SignIn
from tests.http_client.back_end import BackEnd, open_back_end, reply
from tests.http_client.conftest import Client, Clock
from tests.logs import capture_logs


@pytest.mark.parametrize(
    ("sign_in", "name", "value"),
    [
        (ApiKey("X-Api-Key", "s3cret"), "x-api-key", "s3cret"),
        (ApiKey("Authorization", "s3cret", prefix="Bearer "), "authorization", "Bearer s3cret"),
        (Basic("forecourt", "pass:wörd"), "authorization", "Basic Zm9yZWNvdXJ0OnBhc3M6d8O2cmQ="),
    ],
)
async def test_a_secret_goes_along_in_its_header(
    back_end: BackEnd, client: Client, sign_in: SignIn, name: str, value: str
) -> None:
    await client(sign_in=sign_in).get("/plants")

    assert back_end.asked[0].headers[name] == value
    assert "s3cret" not in repr(sign_in)
    assert "wörd" not in repr(sign_in)


async def test_a_signature_covers_method_target_body_and_time(back_end: BackEnd, client: Client, clock: Clock) -> None:
    plants = client(f"{back_end.url}/api", sign_in=Signed("forecourt-1", "s3cret", clock=clock))

    await plants.get("/plants", [("company", "K 1")])
    await plants.post("/orders", {"article": 7})

    got, posted = back_end.asked
    for asked, body in ((got, b""), (posted, b'{"article":7}')):
        signed = f"{asked.method}\n{asked.target}\n{hashlib.sha256(body).hexdigest()}\n1000"
        signature = hmac.new(b"s3cret", signed.encode(), "sha256").hexdigest()
        assert asked.headers["forecourt-signature"] == f"key=forecourt-1, time=1000, signature={signature}"
    assert got.target == "/api/plants?company=K%201"


@pytest.fixture
async def tokens() -> AsyncIterator[BackEnd]:
    """Whoever gives out tokens."""
    async with open_back_end() as opened:
        opened.answers = [reply({"access_token": f"t{number}", "expires_in": 100}) for number in range(1, 9)]
        yield opened


@pytest.fixture
def sign_in(tokens: BackEnd, clock: Clock) -> ClientCredentials:
    return ClientCredentials(f"{tokens.url}/token", "fore court", "s:cret", scope="plants", clock=clock)


def bearers(back_end: BackEnd) -> list[str]:
    return [asked.headers["authorization"] for asked in back_end.asked]


async def test_a_token_is_fetched_once_and_kept_until_shortly_before_its_end(
    back_end: BackEnd, client: Client, tokens: BackEnd, sign_in: ClientCredentials, clock: Clock
) -> None:
    plants = client(sign_in=sign_in)

    await asyncio.gather(*[plants.get("/plants") for _ in range(5)])
    clock.now += 89
    await plants.get("/plants")
    clock.now += 2
    await plants.get("/plants")

    assert bearers(back_end) == ["Bearer t1"] * 6 + ["Bearer t2"]
    asked = tokens.asked[0]
    assert (asked.method, asked.target) == ("POST", "/token")
    assert asked.body == b"grant_type=client_credentials&scope=plants"
    assert asked.headers["authorization"] == "Basic Zm9yZStjb3VydDpzJTNBY3JldA=="


async def test_a_token_that_does_not_count_any_more_is_fetched_again_once(
    back_end: BackEnd, client: Client, tokens: BackEnd, sign_in: ClientCredentials
) -> None:
    plants = client(sign_in=sign_in)
    back_end.answers = [reply({}, 401), reply([1]), reply({}, 401)]

    assert await plants.post("/orders", {}) == [1]
    with pytest.raises(BackendUnavailable, match="our sign-in was refused"):
        await plants.get("/plants")

    assert bearers(back_end) == [f"Bearer t{number}" for number in (1, 2, 2, 3)]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (reply({"error": "invalid_client"}, 401), "our sign-in was refused.*invalid_client"),
        (reply({}, 500), "the token endpoint answers 500"),
        (reply(body=b"<html>"), "gives no token"),
        (reply({"access_token": 7}), "gives no token that fits"),
        (reply({"access_token": "a\r\nX: y"}), "gives no token that fits"),
        (reply([]), "gives no token"),
        (None, "the connection ended"),
    ],
)
async def test_without_a_token_the_back_end_is_unavailable_and_was_not_asked(
    back_end: BackEnd,
    client: Client,
    tokens: BackEnd,
    sign_in: ClientCredentials,
    answer: bytes | None,
    reason: str,
) -> None:
    tokens.answers = [answer]
    plants = client(sign_in=sign_in, limits=HttpLimits(attempts=1, breaker_calls=3))

    for call in (plants.get("/plants"), plants.post("/orders", {}), plants.post("/orders", {})):
        with pytest.raises(BackendUnavailable, match=reason) as raised:
            await call
        assert not isinstance(raised.value, OutcomeUnknown)

    assert back_end.asked == []
    before = len(tokens.asked)
    with pytest.raises(BackendUnavailable, match="not asked"):
        await plants.get("/plants")
    assert len(tokens.asked) == before


async def test_a_secret_that_is_wrong_is_an_error_for_whoever_runs_the_gateway(
    client: Client, tokens: BackEnd, sign_in: ClientCredentials
) -> None:
    tokens.answers = [reply({"error": "invalid_client"}, 401)]

    with capture_logs() as logged, pytest.raises(BackendUnavailable):
        await client(sign_in=sign_in).get("/plants")

    (reported,) = [entry for entry in logged if entry["log_level"] == "error"]
    assert reported["event"] == "sign-in refused by a back end"
    assert "invalid_client" in reported["reason"]
