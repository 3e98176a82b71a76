"""All that is kept of a person, given to them and to nobody else (GDPR, Articles 15 and 20)."""

import json
from datetime import timedelta
from typing import Any

import httpx2
import pytest

from connectors.errors import BackendUnavailable
from resolvers.account.data_exports import DATA_EXPORT, expire_data_exports
from tests.account.own_account import PURCHASE, as_the_portal, carry_out, queued
from tests.portal import Person, Portal

REQUEST = """
mutation Request($key: String) {
  requestDataExport(input: { idempotencyKey: $key }) {
    viewer { dataExports { status requestedAt downloadUrl expiresAt } }
    errors { __typename code path ... on RateLimitError { retryAfterSeconds } }
  }
}
"""
EXPORTS = "{ viewer { dataExports { id status downloadUrl expiresAt } } }"


async def fetches(portal: Portal, url: str, person: Person | None = None, **headers: str) -> httpx2.Response:
    """The answer to somebody who follows the link."""
    if person is not None:
        headers["authorization"] = f"Bearer {person.token}"
    return await portal.client.get(url, headers=headers)


async def made(portal: Portal, person: Person) -> str:
    """The link of an export that the worker has made."""
    await person.asks(REQUEST)
    await carry_out(portal)
    url: str = (await person.asks(EXPORTS)).at("viewer.dataExports.0.downloadUrl")
    return url


async def test_a_person_gets_all_that_is_kept_of_them(each_portal: Portal) -> None:
    person = await each_portal.person(PURCHASE)
    await person.asks("mutation { setNewsletterSubscription(input: { subscribed: true }) { errors { code } } }")

    asked = await person.asks(REQUEST)
    await carry_out(each_portal, times=2)
    url = (await person.asks(EXPORTS)).at("viewer.dataExports.0.downloadUrl")
    response = await fetches(each_portal, url, person)

    assert asked.at("requestDataExport") == {
        "viewer": {
            "dataExports": [
                {
                    "status": "PENDING",
                    "requestedAt": "2026-11-21T09:00:00Z",
                    "downloadUrl": None,
                    "expiresAt": "2026-11-28T09:00:00Z",
                }
            ]
        },
        "errors": [],
    }
    (mail,) = await each_portal.queued_mails()
    assert (mail.template, mail.to) == ("data_export_ready", PURCHASE)
    assert mail.values == {"name": "Jörg Weiß", "expires_at": "2026-11-28T09:00:00+00:00"}
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json; charset=utf-8"
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["content-disposition"] == 'attachment; filename="forecourt-data.json"'
    kept: dict[str, Any] = json.loads(response.content)
    assert (kept["profile"][0]["email"], kept["profile"][0]["first_name"]) == (PURCHASE, "Jörg")
    assert [one["organization"] for one in kept["memberships"]] == ["Helios Montage GmbH"]
    assert [one["key"] for one in kept["grants"]] == ["purchase"]
    assert [(one["purpose"], one["granted"]) for one in kept["consents"]] == [("NEWSLETTER", True)]
    assert [one["action"] for one in kept["audit_events"]] == ["session.begin", "consent.set", "data_export.request"]
    assert "hash" not in response.text
    for colleague in ("Annegret", "Kästner", "administration@helios.example"):
        assert colleague not in response.text
    assert len(await each_portal.audit("data_export.fetch")) == 1


async def test_an_export_is_there_for_its_owner_only_and_signed_in(portal: Portal) -> None:
    person, colleague = await portal.person(PURCHASE), await portal.person("administration@helios.example")
    url = await made(portal, person)
    membership = (await person.asks("{ viewer { memberships { nodes { id } } } }")).at("viewer.memberships.nodes.0.id")

    stranger = await fetches(portal, url)
    forged = await fetches(portal, url, authorization="Bearer x.y.z")
    foreign = await fetches(portal, url, colleague)
    unknown = await fetches(portal, "/account/export/exp_00000000000000000000000000", colleague)
    looking = await fetches(portal, url, colleague, **{"forecourt-view-as": membership})
    by_post = await portal.client.post(url, headers={"authorization": f"Bearer {person.token}"})

    assert (stranger.status_code, forged.status_code) == (401, 401)
    assert stranger.headers["www-authenticate"].startswith("Bearer ")
    assert (foreign.status_code, foreign.content) == (unknown.status_code, unknown.content)
    assert foreign.json()["errors"][0]["extensions"]["code"] == "NOT_FOUND"
    assert (looking.status_code, by_post.status_code) == (404, 405)
    assert await portal.audit("data_export.fetch") == []
    export = (await person.asks(EXPORTS)).at("viewer.dataExports.0.id")
    node = "query N($id: ID!) { node(id: $id) { __typename id } }"
    assert (await person.asks(node, id=export)).at("node") == {"__typename": "DataExport", "id": export}
    assert (await colleague.asks(node, id=export)).at("node") is None


async def test_a_directory_that_is_away_is_said_to_be(portal: Portal, monkeypatch: pytest.MonkeyPatch) -> None:
    person = await portal.person(PURCHASE)
    url = await made(portal, person)

    async def away(*_args: Any, **_more: Any) -> None:
        raise BackendUnavailable("directory", "down for the test")

    monkeypatch.setattr(portal.wiring.backends.directory, "caller", away)
    response = await fetches(portal, url, person)

    assert response.status_code == 503
    assert response.json()["errors"][0]["extensions"]["code"] == "BACKEND_UNAVAILABLE"


@pytest.mark.parametrize("name", ["x", "exp_", "%00", "..%2F..%2Fgraphql", "x" * 2_000])
async def test_what_is_no_export_is_not_found(portal: Portal, name: str) -> None:
    response = await fetches(portal, f"/account/export/{name}", await portal.person(PURCHASE))

    assert response.status_code == 404


async def test_an_export_is_erased_after_seven_days(each_portal: Portal) -> None:
    url = await made(each_portal, await each_portal.person(PURCHASE))

    each_portal.clock.move(timedelta(days=7))
    person = await each_portal.person(PURCHASE)
    too_late = await fetches(each_portal, url, person)
    await expire_data_exports(as_the_portal(each_portal))
    after = await person.asks(EXPORTS)

    assert too_late.status_code == 404
    assert after.at("viewer.dataExports.0.status") == "EXPIRED"
    assert after.at("viewer.dataExports.0.downloadUrl") is None
    directory = each_portal.wiring.backends.directory
    assert await directory.content_of_data_export(after.at("viewer.dataExports.0.id")) is None


async def test_there_is_one_export_a_day_at_most(portal: Portal) -> None:
    person = await portal.person(PURCHASE)

    await person.asks(REQUEST)
    portal.clock.move(timedelta(hours=23))
    again = await (await portal.person(PURCHASE)).asks(REQUEST)
    portal.clock.move(timedelta(hours=1))
    next_day = await (await portal.person(PURCHASE)).asks(REQUEST)

    assert again.at("requestDataExport") == {
        "viewer": None,
        "errors": [{"__typename": "RateLimitError", "code": "RATE_LIMITED", "path": None, "retryAfterSeconds": 3600}],
    }
    assert next_day.at("requestDataExport.errors") == []
    assert len(await queued(portal, DATA_EXPORT)) == 2


async def test_a_repeated_request_with_its_key_is_done_once(each_portal: Portal) -> None:
    person = await each_portal.person(PURCHASE)

    answers = [await person.asks(REQUEST, key="one") for _ in range(2)]

    assert [answer.at("requestDataExport.errors") for answer in answers] == [[], []]
    assert len(await queued(each_portal, DATA_EXPORT)) == 1


async def test_a_key_that_is_none_is_refused_by_its_path(portal: Portal) -> None:
    person = await portal.person(PURCHASE)

    for key in ("", "x" * 201):
        answer = await person.asks(REQUEST, key=key)
        assert answer.at("requestDataExport.errors") == [
            {"__typename": "ValidationError", "code": "INVALID_INPUT", "path": ["idempotencyKey"]}
        ]

    assert await queued(portal, DATA_EXPORT) == []
