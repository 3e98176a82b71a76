"""What a page of another site makes a browser send is not executed."""

import pytest

from tests.portal import Portal, open_portal

QUERY = "/graphql?query={viewer{id}}"

GETS = [
    ({}, 200),
    ({"cookie": "session=x"}, 403),
    ({"sec-fetch-site": "cross-site"}, 403),
    ({"sec-fetch-site": "Cross-Site "}, 403),
    ({"sec-fetch-site": "same-origin"}, 200),
    ({"sec-fetch-site": "none"}, 200),
    ({"cookie": "session=x", "sec-fetch-site": "same-origin"}, 200),
    ({"cookie": "session=x", "sec-fetch-site": "none"}, 200),
    ({"cookie": "session=x", "sec-fetch-site": "same-site"}, 403),
    ({"cookie": "session=x", "sec-fetch-site": "cross-site"}, 403),
    ({"cookie": "session=x", "sec-fetch-site": ""}, 403),
    ({"cookie": "session=x", "sec-fetch-site": "same-origin, cross-site"}, 403),
    ({"cookie": "session=x", "origin": "http://localhost:8000", "referer": "http://localhost:8000/"}, 403),
    ({"cookie": "session=x", "content-type": "application/json"}, 200),
    ({"sec-fetch-site": "cross-site", "content-type": "application/json; charset=utf-8"}, 200),
    ({"cookie": "session=x", "content-type": "text/plain"}, 415),
    ({"cookie": "session=x", "content-type": ""}, 415),
    ({"cookie": "session=x", "authorization": "Basic eDp5"}, 403),
    ({"cookie": "session=x", "authorization": "Negotiate YII="}, 403),
    ({"cookie": "session=x", "authorization": "Bearer"}, 403),
    ({"cookie": "session=x", "authorization": ""}, 403),
    ({"cookie": "session=x", "authorization": "Bearer {token}"}, 200),
    ({"cookie": "session=x", "authorization": "bearer {token}", "sec-fetch-mode": "cors"}, 200),
    ({"sec-fetch-site": "cross-site", "sec-fetch-mode": "cors", "authorization": "Bearer {token}"}, 200),
    ({"cookie": "session=x", "authorization": "Bearer {token}", "sec-fetch-mode": "navigate"}, 403),
    ({"sec-fetch-site": "cross-site", "authorization": "Bearer {token}", "sec-fetch-mode": "No-Cors"}, 403),
    (
        {
            "cookie": "session=x",
            "authorization": "Bearer {token}",
            "sec-fetch-mode": "navigate",
            "sec-fetch-site": "none",
        },
        200,
    ),
    ({"cookie": "session=x", "apollo-require-preflight": "true"}, 200),
    ({"sec-fetch-site": "cross-site", "x-apollo-operation-name": "A"}, 200),
    ({"sec-fetch-site": "cross-site", "x-apollo-operation-name": ""}, 403),
]


@pytest.mark.parametrize(("headers", "status"), GETS)
async def test_a_get_that_another_site_may_have_sent_needs_a_header_that_no_link_has(
    portal: Portal, headers: dict[str, str], status: int
) -> None:
    person = await portal.person("purchase@helios.example")
    sent = {name: value.replace("{token}", person.token or "") for name, value in headers.items()}

    response = await portal.client.get(QUERY, headers=sent)

    assert response.status_code == status
    if status == 403:
        assert response.json()["errors"][0]["extensions"]["code"] == "CSRF_ERROR"


@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "text/plain;application/json",
    ],
)
@pytest.mark.parametrize("header", [{}, {"apollo-require-preflight": "true"}])
async def test_a_form_is_never_executed(portal: Portal, content_type: str, header: dict[str, str]) -> None:
    with portal.statements() as statements:
        response = await portal.client.post(
            "/graphql", content=b'{"query": "{ viewer { id } }"}', headers={"content-type": content_type} | header
        )

    assert response.status_code == 415
    assert statements == []


async def test_a_post_without_a_content_type_is_not_executed(portal: Portal) -> None:
    response = await portal.client.post("/graphql", content=b'{"query": "{ viewer { id } }"}')

    assert response.status_code == 415


async def test_an_installation_may_name_headers_of_its_own() -> None:
    async with open_portal(csrf_required_headers="x-portal, X-Other") as portal:
        statuses = [
            (await portal.client.get(QUERY, headers={"cookie": "a=b", name: "1"})).status_code
            for name in ("x-portal", "x-other", "apollo-require-preflight")
        ]

    assert statuses == [200, 200, 403]
