"""GraphQL over HTTP: media types, status codes, GET and POST, batches, and what happens when all else fails."""

import json
from typing import Any
from unittest.mock import patch

import pytest

from gateway.pipeline.content_negotiation import answered_type
from gateway.server.request_errors import RefusedRequest
from tests.portal import GRAPHQL_JSON, Portal, open_portal

JSON = "application/json"
VIEWER = b'{"query": "{ viewer { id } }"}'

ACCEPTED = [
    (None, JSON),
    ("", JSON),
    ("*/*", JSON),
    ("application/*", JSON),
    (JSON, JSON),
    (GRAPHQL_JSON, GRAPHQL_JSON),
    (GRAPHQL_JSON.upper(), GRAPHQL_JSON),
    (f"{GRAPHQL_JSON}; charset=utf-8", GRAPHQL_JSON),
    (f"{JSON}, {GRAPHQL_JSON}", GRAPHQL_JSON),
    (f"{GRAPHQL_JSON}, {JSON};q=0.9, text/event-stream, multipart/mixed", GRAPHQL_JSON),
    (f"{GRAPHQL_JSON};q=0.5, {JSON}", JSON),
    (f"{GRAPHQL_JSON};q=0.5, */*;q=0.1", GRAPHQL_JSON),
    (f"{GRAPHQL_JSON};q=0, */*", JSON),
    ("text/html, */*;q=0.8", JSON),
]


@pytest.mark.parametrize(("accept", "media_type"), ACCEPTED)
def test_the_answer_has_the_media_type_that_the_client_likes_best(accept: str | None, media_type: str) -> None:
    assert answered_type(accept) == media_type


@pytest.mark.parametrize("accept", ["text/html", f"{JSON};q=0", f"{JSON};charset=iso-8859-1", "nonsense", "*/*;q=x"])
def test_a_client_that_takes_no_json_gets_none(accept: str) -> None:
    with pytest.raises(RefusedRequest, match="accept one of them"):
        answered_type(accept)


REFUSED: list[tuple[str, dict[str, Any], int, int]] = [
    ("GRAPHQL_PARSE_FAILED", {"query": "{"}, 400, 400),
    ("GRAPHQL_VALIDATION_FAILED", {"query": "{ nothing }"}, 400, 422),
    ("OPERATION_RESOLUTION_FAILURE", {"query": "{ viewer { id } }", "operationName": "X"}, 400, 422),
    ("OPERATION_RESOLUTION_FAILURE", {"query": "query A { roles { key } } query B { roles { key } }"}, 400, 422),
    ("BAD_USER_INPUT", {"query": "query($a: ID!) { node(id: $a) { id } }", "variables": {"a": {}}}, 400, 422),
    ("BAD_USER_INPUT", {"query": "query($a: ID!) { node(id: $a) { id } }"}, 400, 422),
]


@pytest.mark.parametrize(("code", "body", "current", "draft"), REFUSED)
async def test_a_request_that_is_not_executed_has_errors_and_no_data(
    code: str, body: dict[str, Any], current: int, draft: int
) -> None:
    sent = json.dumps(body).encode()
    async with open_portal() as today, open_portal(http_status_profile="draft") as tomorrow:
        answers = [
            await today.anybody().posts(sent),
            await today.anybody().posts(sent, accept=JSON),
            await tomorrow.anybody().posts(sent),
        ]

    assert [answer.status for answer in answers] == [current, 200, draft]
    assert [answer.codes for answer in answers] == [{"": code}] * 3
    assert [list(answer.body) for answer in answers] == [["errors"]] * 3


async def test_errors_beside_data_have_a_status_of_their_own_in_the_draft() -> None:
    query = b'{"query": "{ organization(id: \\"x\\") { id } }"}'
    async with open_portal() as today, open_portal(http_status_profile="draft") as tomorrow:
        answers = [await portal.anybody().posts(query) for portal in (today, tomorrow)]

    assert [answer.status for answer in answers] == [200, 294]
    assert [answer.data for answer in answers] == [{"organization": None}] * 2


# GraphQL over HTTP, draft of August 2026, 5.4 Status Codes and 5.4.1 Examples.
DRAFT: list[tuple[str, bytes, int, int]] = [
    ("JSON parsing failure", b"NONSENSE", 400, 400),
    ("JSON parsing failure", b'{"query":', 400, 400),
    ("Invalid parameters", b'{"qeury": "{__typename}"}', 400, 422),
    ("Invalid parameters", b'{"query": "query Q ($i:Int!) { q(i: $i) }", "variables": [7]}', 400, 422),
    ("Invalid parameters", b'{"query": null}', 400, 422),
    ("Invalid parameters", b'{"query": ["{ __typename }"]}', 400, 422),
    ("Invalid parameters", b'{"query": "{ __typename }", "operationName": 1}', 400, 422),
    ("Invalid parameters", b'{"query": "{ __typename }", "variables": "{}"}', 400, 422),
    ("Invalid parameters", b'{"query": "{ __typename }", "extensions": "x"}', 400, 422),
    ("Invalid parameters", b"null", 400, 422),
    ("Invalid parameters", b'"{ __typename }"', 400, 422),
    ("Invalid parameters", b"7", 400, 422),
    ("Invalid parameters", b"[]", 400, 422),
    ("Invalid parameters", b'[{"query": "{ __typename }"}]', 400, 422),
    ("Document parsing failure", b'{"query": "{"}', 400, 400),
    ("Document parsing failure", b'{"query": ""}', 400, 400),
    ("Document validation failure", b'{"query": "{ nothing }"}', 400, 422),
    ("additional validation rules", b'{"query": "{ ' + b"x {" * 13 + b"}" * 13 + b' }"}', 400, 422),
    ("additional validation rules", b'{"query": "{ node(id: \\"x\\") { id } ' + b"%s" + b'}"}', 400, 422),
]


@pytest.mark.parametrize("accept", [GRAPHQL_JSON, JSON, "*/*"])
@pytest.mark.parametrize(("example", "body", "current", "draft"), DRAFT)
async def test_the_draft_says_of_each_failure_which_status_it_has(
    example: str, body: bytes, current: int, draft: int, accept: str
) -> None:
    many = b" ".join(b"a%d: __typename" % number for number in range(25))
    sent = body.replace(b"%s", many)
    async with open_portal() as today, open_portal(http_status_profile="draft") as tomorrow:
        before = await today.anybody().posts(sent, accept=GRAPHQL_JSON)
        answer = await tomorrow.anybody().posts(sent, accept=accept)

    assert (before.status, answer.status) == (current, draft), example
    assert answer.headers["content-type"] == f"{GRAPHQL_JSON}; charset=utf-8"
    assert list(answer.body) == ["errors"]


@pytest.mark.parametrize(("accept", "media_type"), [(GRAPHQL_JSON, GRAPHQL_JSON), (JSON, JSON), ("*/*", JSON)])
@pytest.mark.parametrize(
    ("query", "status"), [("{ roles { key } }", 200), ('{ organization(id: \\"x\\") { id } }', 294)]
)
async def test_in_the_draft_a_client_of_old_gets_what_succeeds_as_plain_json(
    query: str, status: int, accept: str, media_type: str
) -> None:
    async with open_portal(http_status_profile="draft") as portal:
        answer = await portal.anybody().posts(f'{{"query": "{query}"}}'.encode(), accept=accept)

    assert answer.status == status
    assert answer.headers["content-type"] == f"{media_type}; charset=utf-8"


@pytest.mark.parametrize(
    ("parameters", "current", "draft"),
    [
        ({"query": "{ roles { key } }", "variables": "NONSENSE"}, 400, 422),
        ({"query": "{ roles { key } }", "variables": "[7]"}, 400, 422),
        ({"qeury": "{ roles { key } }"}, 400, 422),
        ({"query": "mutation { signOut(input: {}) { accepted } }"}, 405, 405),
        ({"query": "{"}, 400, 400),
    ],
)
async def test_a_get_that_is_not_well_formed_has_its_status_in_the_draft(
    parameters: dict[str, str], current: int, draft: int
) -> None:
    async with open_portal() as today, open_portal(http_status_profile="draft") as tomorrow:
        statuses = [
            (await portal.client.get("/graphql", params=parameters, headers={"accept": GRAPHQL_JSON})).status_code
            for portal in (today, tomorrow)
        ]

    assert statuses == [current, draft]


NOTHING: list[dict[str, Any]] = [
    {},
    {"operationName": ""},
    {"operationName": None, "variables": None, "extensions": None},
    {"variables": {}, "extensions": {}},
    {"extensions": {"organizationId": None}},
    {"extensions": {"persistedQuery": None}},
    {"anything": "else"},
]


@pytest.mark.parametrize("beside", NOTHING)
async def test_what_clients_send_for_nothing_is_nothing(portal: Portal, beside: dict[str, Any]) -> None:
    body = {"query": "{ viewer { id } }", **beside}
    as_text = {name: value if isinstance(value, str) else json.dumps(value) for name, value in body.items()}
    as_text |= {"operationName": ""} if "operationName" in body else {}

    posted = await portal.anybody().posts(json.dumps(body).encode())
    asked = await portal.client.get("/graphql", params=as_text)
    empty = await portal.client.get("/graphql", params={**dict.fromkeys(beside, ""), "query": body["query"]})

    assert posted.body == asked.json() == empty.json() == {"data": {"viewer": None}}


async def test_an_empty_name_chooses_nothing_of_several_operations(portal: Portal) -> None:
    answer = await portal.anybody().posts(
        b'{"query": "query A { viewer { id } } query B { viewer { id } }", "operationName": ""}'
    )

    assert answer.codes == {"": "OPERATION_RESOLUTION_FAILURE"}


@pytest.mark.parametrize("path", ["/graphqls", "/graphql/x", "/api", "/<script>", "/health"])
async def test_an_address_where_nothing_is_says_where_graphql_is(portal: Portal, path: str) -> None:
    for_program = await portal.client.get(path, headers={"accept": "application/json"})
    for_people = await portal.client.post(path, headers={"accept": "text/html,application/xhtml+xml,*/*;q=0.8"})

    assert (for_program.status_code, for_people.status_code) == (404, 404)
    assert for_program.json()["errors"][0]["extensions"] == {"code": "NOT_FOUND"}
    assert "/graphql" in for_program.json()["errors"][0]["message"]
    assert for_people.headers["content-type"] == "text/html; charset=utf-8"
    assert "/graphql" in for_people.text
    assert "<script" not in for_people.text


async def test_an_address_that_is_asked_in_another_way_says_so_and_which_ways_there_are(portal: Portal) -> None:
    response = await portal.client.post("/.well-known/jwks.json")

    assert response.status_code == 405
    assert response.json()["errors"][0]["extensions"] == {"code": "METHOD_NOT_ALLOWED"}
    assert set(response.headers["allow"].split(", ")) == {"GET", "HEAD"}


async def test_a_query_may_be_asked_by_get(portal: Portal) -> None:
    response = await portal.client.get(
        "/graphql",
        params={
            "query": "query A($id: ID!) { node(id: $id) { id } } query B { viewer { id } }",
            "operationName": "A",
            "variables": '{"id": "nothing"}',
            "extensions": "{}",
        },
        headers={"accept": GRAPHQL_JSON},
    )

    assert response.json() == {"data": {"node": None}}
    assert response.headers["content-type"] == f"{GRAPHQL_JSON}; charset=utf-8"
    assert response.headers["cache-control"] == "no-store"


async def test_what_changes_something_is_sent_by_post(portal: Portal) -> None:
    query = "mutation { signOut(input: {}) { accepted } }"

    response = await portal.client.get("/graphql", params={"query": query})

    assert (response.status_code, response.headers["allow"]) == (405, "POST")


async def test_head_is_answered_like_get_and_options_says_what_there_is(portal: Portal) -> None:
    head = await portal.client.head("/graphql", params={"query": "{ viewer { id } }"})
    options = await portal.client.options("/graphql")
    put = await portal.client.put("/graphql")

    assert (head.status_code, head.headers["content-type"]) == (200, f"{JSON}; charset=utf-8")
    assert (options.status_code, options.headers["allow"]) == (204, "GET, HEAD, POST, OPTIONS")
    assert (put.status_code, put.headers["allow"]) == (405, "GET, HEAD, POST, OPTIONS")


async def test_a_get_with_another_content_type_than_json_is_refused(portal: Portal) -> None:
    answers = [
        await portal.client.get("/graphql?query={viewer{id}}", headers={"content-type": content_type})
        for content_type in ("text/plain", "application/json")
    ]

    assert [answer.status_code for answer in answers] == [415, 200]


async def test_batches_are_off_unless_they_are_switched_on(portal: Portal) -> None:
    answer = await portal.anybody().posts(b"[" + VIEWER + b"]")

    assert (answer.status, answer.codes) == (400, {"": "BATCHING_NOT_ENABLED"})


async def test_a_batch_is_answered_in_its_order_each_operation_for_itself() -> None:
    async with open_portal(max_batch=3) as portal:
        person = await portal.person("administration@helios.example")

        response = await person.posts(
            b'[{"query": "{ viewer { user { displayName } } }"}, {"query": "{ nothing }"}, {"query": "{ __typename }"}]'
        )

    first, second, third = response.body
    assert response.status == 200
    assert list(first["data"]) == ["viewer"]
    assert [error["extensions"]["code"] for error in second["errors"]] == ["GRAPHQL_VALIDATION_FAILED"]
    assert third == {"data": {"__typename": "Query"}}


@pytest.mark.parametrize(
    ("batch", "status", "code"),
    [
        (b"[]", 400, "BAD_REQUEST"),
        (b"[1]", 400, "BAD_REQUEST"),
        (b"[" + b",".join([VIEWER] * 4) + b"]", 422, "BATCH_LIMIT_EXCEEDED"),
        (b"[" + b",".join([b'{"query": "{ permissions { code } }"}'] * 3) + b"]", 400, "COST_ESTIMATED_TOO_EXPENSIVE"),
    ],
)
async def test_a_batch_has_limits_of_its_own_and_costs_what_all_of_it_costs(
    batch: bytes, status: int, code: str
) -> None:
    async with open_portal(max_batch=3, max_cost=70) as portal:
        answer = await portal.anybody().posts(batch)

    assert (answer.status, answer.codes) == (status, {"": code})


async def test_the_documents_of_a_batch_are_together_no_larger_than_one_may_be() -> None:
    viewer = "{ viewer { " + "id " * 40 + "} }"
    same = json.dumps([{"query": viewer}] * 3).encode()
    different = json.dumps([{"query": viewer + " " * number} for number in range(3)]).encode()

    async with open_portal(max_batch=3, max_tokens=100) as portal:
        once, each = [await portal.anybody().posts(body) for body in (same, different)]

    assert once.body == [{"data": {"viewer": None}}] * 3
    assert (each.status, each.codes) == (400, {"": "MAX_TOKENS_LIMIT"})


async def test_signing_in_within_a_batch_changes_nothing_for_the_operations_after_it() -> None:
    async with open_portal(max_batch=2) as portal:
        person = await portal.person("purchase@helios.example")
        body = json.dumps([{"query": "mutation { signOut(input: {}) { accepted } }"}, {"query": "{ viewer { id } }"}])
        answer = await person.posts(body.encode())
        afterwards = await person.asks("{ viewer { id } }")

    assert answer.body[0] == {"data": {"signOut": {"accepted": True}}}
    assert answer.body[1]["data"]["viewer"] is not None
    assert afterwards.status == 401  # the session is over all the same


@pytest.mark.parametrize("execution", ["breadth-first", "graphql-core"])
async def test_both_engines_give_the_same_answer(execution: str) -> None:
    async with open_portal(execution=execution) as portal:
        person = await portal.person("administration@helios.example")
        answer = await person.asks(
            "{ viewer { memberships { nodes { roleGrants { role { key } } organization { name orders { totalCount } } "
            "} } } }"
        )

    assert answer.data["viewer"]["memberships"]["nodes"] == [
        {
            "roleGrants": [{"role": {"key": "administration"}}],
            "organization": {"name": "Helios Montage GmbH", "orders": None},
        }
    ]
    assert list(answer.codes.values()) == ["UNAUTHORIZED_FIELD_OR_TYPE"]


async def test_what_nobody_foresaw_is_answered_with_a_reference_and_nothing_else(portal: Portal) -> None:
    async def fail(*_args: object) -> None:
        raise RuntimeError("the password is hunter2")

    with patch("gateway.auth.request_context.RequestContexts.of", fail):
        response = await portal.client.post("/graphql", content=VIEWER, headers={"content-type": JSON})

    (error,) = response.json()["errors"]
    reference = error["extensions"]["reference"]
    assert response.status_code == 500
    assert error == {
        "message": f"Something unexpected went wrong. Please give the operator this reference: {reference}.",
        "extensions": {"code": "INTERNAL_SERVER_ERROR", "reference": reference},
    }
    assert "hunter2" not in response.text


@pytest.mark.parametrize("path", ["/graphql", "/graphiql", "/health/live", "/mailbox", "/.well-known/jwks.json", "/"])
async def test_a_slash_at_the_end_leads_to_the_same_page_and_nowhere_else(path: str) -> None:
    headers = {"host": "evil.example", "x-forwarded-host": "evil.example", "accept": "*/*"}
    async with open_portal(demo=True) as portal:
        asked = path.removesuffix("/")
        without = await portal.client.get(asked or "/", headers=headers, follow_redirects=False)
        answers = [
            await portal.client.get(asked + more, headers=headers, follow_redirects=False)
            for more in ("/", "/?a=b", "//", "//evil.example/", "/%2fevil.example/", "/\\evil.example/")
        ]

    assert (answers[0].status_code, answers[0].content) == (without.status_code, without.content)
    assert answers[1].status_code == without.status_code
    for answer in (without, *answers):
        assert "evil" not in answer.headers.get("location", "")
        assert "evil" not in answer.text


async def test_what_is_asked_by_post_arrives_with_a_slash_at_the_end_too(portal: Portal) -> None:
    body = {"query": "{ viewer { id } }"}

    answer = await portal.client.post("/graphql/", json=body, headers={"host": "evil.example"})

    assert (answer.status_code, answer.json()) == (200, {"data": {"viewer": None}})
