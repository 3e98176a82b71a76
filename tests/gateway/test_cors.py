"""Pages of the origins that are listed may read answers in a browser, and no others."""

import pytest

from gateway.settings import InvalidSettings, read_settings
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


async def test_a_listed_origin_is_allowed_by_name_and_a_stranger_is_told_nothing() -> None:
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


@pytest.mark.parametrize("origins", ["*", "https://portal.example/", "portal.example", "https://*.example"])
def test_an_origin_is_written_out(origins: str) -> None:
    with pytest.raises(InvalidSettings, match=r"FORECOURT_CORS_ORIGINS: .* is no origin"):
        read_settings({"FORECOURT_CORS_ORIGINS": origins})
