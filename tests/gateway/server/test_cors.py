"""Pages of the origins that are listed may read answers in a browser, and no others."""

import httpx2
import pytest

from gateway.settings_sources import InvalidSettings, read_settings
from tests.portal import Portal, open_portal

PORTAL, STRANGER = "https://portal.example", "https://portal.example.evil.example"
PREFLIGHT = {"access-control-request-method": "POST", "access-control-request-headers": "content-type"}
BODY = b'{"query": "{ viewer { id } }"}'


async def test_without_a_list_nobody_is_allowed(portal: Portal) -> None:
    response = await portal.client.post(
        "/graphql", content=BODY, headers={"content-type": "application/json", "origin": PORTAL}
    )
    preflight = await portal.client.options("/graphql", headers={"origin": PORTAL} | PREFLIGHT)

    for answer in (response, preflight):
        assert [name for name in answer.headers if name.startswith("access-control")] == []


async def test_a_listed_origin_is_allowed_by_name_and_a_stranger_learns_nothing() -> None:
    async with open_portal(cors_origins=f"{PORTAL}, https://Other.example") as portal:
        answers = {
            origin: await portal.client.post(
                "/graphql", content=BODY, headers={"content-type": "application/json", "origin": origin}
            )
            for origin in (PORTAL, "https://other.example", STRANGER, "null", "*")
        }
        none = await portal.client.post("/graphql", content=BODY, headers={"content-type": "application/json"})

    allowed = {origin: answer.headers.get("access-control-allow-origin") for origin, answer in answers.items()}
    assert allowed == {
        PORTAL: PORTAL,
        "https://other.example": "https://other.example",
        STRANGER: None,
        "null": None,
        "*": None,
    }
    assert answers[PORTAL].headers["access-control-allow-credentials"] == "true"
    assert "www-authenticate" in answers[PORTAL].headers["access-control-expose-headers"]
    for answer in (*answers.values(), none):
        assert "origin" in answer.headers["vary"].lower()


async def test_a_preflight_is_answered_and_kept() -> None:
    async with open_portal(cors_origins=(PORTAL,)) as portal:
        allowed = await portal.client.options("/graphql", headers={"origin": PORTAL} | PREFLIGHT)
        refused = await portal.client.options("/graphql", headers={"origin": STRANGER} | PREFLIGHT)

    assert allowed.status_code == refused.status_code == 204
    assert allowed.headers["access-control-allow-origin"] == PORTAL
    assert allowed.headers["access-control-allow-methods"] == "GET, POST, OPTIONS"
    assert "content-type" in allowed.headers["access-control-allow-headers"]
    assert allowed.headers["access-control-max-age"] == "7200"
    assert [name for name in refused.headers if name.startswith("access-control")] == []
    assert refused.headers["vary"] == allowed.headers["vary"] == "Origin"


@pytest.mark.parametrize(
    "name",
    [
        *("traceparent", "tracestate", "baggage", "sentry-trace", "x-request-id", "b3", "x-datadog-trace-id"),
        *("apollographql-client-name", "apollographql-client-version", "apollo-require-preflight"),
        *("x-apollo-operation-name", "graphql-client-name", "graphql-client-version", "authorization"),
        *("content-type", "accept-language", "idempotency-key"),
        *("forecourt-cost", "forecourt-organization", "forecourt-view-as"),
    ],
)
async def test_what_clients_and_observability_add_may_be_sent(name: str) -> None:
    async with open_portal(cors_origins=(PORTAL,)) as portal:
        answer = await preflight(portal, name)

    assert name in allowed_by(answer)


async def test_a_header_that_is_not_allowed_is_missing_in_the_list_so_that_the_browser_says_which() -> None:
    async with open_portal(cors_origins=(PORTAL,)) as portal:
        answer = await preflight(portal, "content-type, x-own")

    assert answer.status_code == 204
    assert answer.headers["access-control-allow-origin"] == PORTAL
    assert "content-type" in allowed_by(answer)
    assert "x-own" not in allowed_by(answer)


async def test_headers_of_ones_own_are_set_beside_the_usual_ones() -> None:
    own = {"cors_headers": "X-Own, x-other", "cors_expose_headers": "X-Told", "cors_max_age_seconds": 60}
    async with open_portal(cors_origins=(PORTAL,), csrf_required_headers="x-not-forged", **own) as portal:
        answer = await preflight(portal, "x-own")
        answered = await portal.client.post(
            "/graphql", content=BODY, headers={"content-type": "application/json", "origin": PORTAL}
        )

    assert {"x-own", "x-other", "x-not-forged", "content-type", "traceparent"} <= set(allowed_by(answer))
    assert answer.headers["access-control-max-age"] == "60"
    assert answered.headers["access-control-expose-headers"] == "x-told"


async def test_pages_may_read_refusals_and_what_nobody_foresaw(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_arguments: object) -> None:
        raise RuntimeError("nobody foresaw it")

    headers = {"content-type": "application/json", "origin": PORTAL}
    async with open_portal(cors_origins=(PORTAL,)) as portal:
        answers = {
            "no media type": await portal.client.post("/graphql", content=BODY, headers={"origin": PORTAL}),
            "bad token": await portal.client.post(
                "/graphql", content=BODY, headers=headers | {"authorization": "Bearer x"}
            ),
            "no page": await portal.client.get("/nowhere", headers={"origin": PORTAL}),
        }
        monkeypatch.setattr("gateway.pipeline.endpoint.answered_type", fails)
        answers["unforeseen"] = await portal.client.post("/graphql", content=BODY, headers=headers)
        monkeypatch.setattr("gateway.server.health._work", fails)
        answers["unforeseen elsewhere"] = await portal.client.get("/health/ready", headers={"origin": PORTAL})

    assert {what: answer.status_code for what, answer in answers.items()} == {
        "no media type": 415,
        "bad token": 401,
        "no page": 404,
        "unforeseen": 500,
        "unforeseen elsewhere": 500,
    }
    for answer in answers.values():
        assert answer.headers["access-control-allow-origin"] == PORTAL
        assert "origin" in answer.headers["vary"].lower()


async def preflight(portal: Portal, names: str) -> httpx2.Response:
    """Ask as a browser does before a page of the portal sends these headers."""
    headers = {"origin": PORTAL} | PREFLIGHT | {"access-control-request-headers": names}
    return await portal.client.options("/graphql", headers=headers)


def allowed_by(answer: httpx2.Response) -> list[str]:
    """Return the headers that a preflight allows."""
    return answer.headers["access-control-allow-headers"].split(", ")


@pytest.mark.parametrize(
    "origins",
    [
        *("*", "https://portal.example/", "portal.example", "https://*.example", "null", "https://portal.example/app"),
        *("https://somebody@portal.example", "https://portal.example:99999", "https://portal.example:0"),
        *("https://bücher.example", "file://", "https://", "https://portal.example?x", "ftp://portal.example"),
    ],
)
def test_an_origin_is_written_out(origins: str) -> None:
    with pytest.raises(InvalidSettings, match=r"FORECOURT_CORS_ORIGINS: .* is no origin"):
        read_settings({"FORECOURT_CORS_ORIGINS": origins})


def test_an_origin_is_kept_as_browsers_send_it() -> None:
    origins = "https://Portal.example:443 http://portal.example:80 http://localhost:3000, https://[::1]:8443"

    assert read_settings({"FORECOURT_CORS_ORIGINS": origins}).cors_origins == (
        "https://portal.example",
        "http://portal.example",
        "http://localhost:3000",
        "https://[::1]:8443",
    )


@pytest.mark.parametrize("setting", ["CORS_HEADERS", "CORS_EXPOSE_HEADERS", "CSRF_REQUIRED_HEADERS"])
@pytest.mark.parametrize("name", ["*", "x:y", "x-ä", 'x"'])
def test_a_header_is_written_out(setting: str, name: str) -> None:
    with pytest.raises(InvalidSettings, match=rf"FORECOURT_{setting}: .* is no name of a header"):
        read_settings({f"FORECOURT_{setting}": name})
