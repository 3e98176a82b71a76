"""What a request quotes comes back as a short excerpt, wherever it stands in the request."""

from typing import Any

import orjson
import pytest

from tests.portal import Portal

LONG = "a" * 9_000
WORDS = 'it\'s "said" ' * 900

REQUESTS: list[dict[str, Any]] = [
    {"query": "{ " + LONG + " }"},
    {"query": "{ viewer { " + LONG + " } }"},
    {"query": "{ viewer(" + LONG + ": 1) { id } }"},
    {"query": "{ viewer { ...on " + LONG + " { id } } }"},
    {"query": "{ viewer { ..." + LONG + " } }"},
    {"query": "{ viewer @" + LONG + " { id } }"},
    {"query": "query($" + LONG + ": Nothing) { viewer { id } }"},
    {"query": "query($" + LONG + ": ID!) { node(id: $" + LONG + ") { id } }"},
    {"query": "query " + LONG + "($a: Int!) { viewer { id } }"},
    {"query": "{ viewer { id } }", "operationName": LONG},
    {"query": "{ viewer { id } }", "operationName": WORDS},
    {"query": "{ node(id: " + LONG + ") { id } }"},
    {"query": "{ node(id: {" + LONG + ": 1}) { id } }"},
    {"query": 'mutation { signIn(input: "' + LONG + '") { errors { message } } }'},
    {"query": "{ viewer { memberships(status: " + LONG + ") { totalCount } } }"},
    {"query": '{ viewer { memberships(first: "' + LONG + '") { totalCount } } }'},
    {
        "query": "query($s: [MembershipStatus!]) { viewer { memberships(status: $s) { totalCount } } }",
        "variables": {"s": [LONG]},
    },
    {"query": "query($n: Int) { viewer { memberships(first: $n) { totalCount } } }", "variables": {"n": LONG}},
    {"query": "query($n: Int) { viewer { memberships(first: $n) { totalCount } } }", "variables": {"n": [WORDS] * 10}},
    {
        "query": "mutation($i: SignInInput!) { signIn(input: $i) { errors { message } } }",
        "variables": {"i": {"loginName": "x", "password": "y", LONG: 1}},
    },
    {
        "query": "mutation($i: SignInInput!) { signIn(input: $i) { errors { message } } }",
        "variables": {"i": {"loginName": {LONG: WORDS}, "password": WORDS}},
    },
    {"query": '{ viewer { memberships(after: "' + LONG + '") { totalCount nodes { id } } } }'},
    {"query": "{ viewer { id } } " + LONG},
    {"query": '{ viewer { id } } "' + LONG},
    {"query": "{ viewer { id } }", "variables": LONG},
    *(
        {"query": "{ viewer { memberships { nodes { organization { " + field + " { totalCount } } } } } }"}
        for field in (f'members(roleKeys: ["{LONG}"])', f'members(search: "{LONG}")', f'auditEvents(from: "{LONG}")')
    ),
]


@pytest.mark.parametrize("request_", REQUESTS, ids=lambda request: str(request)[:60])
async def test_an_error_quotes_no_more_than_a_short_excerpt(solar: Portal, request_: dict[str, Any]) -> None:
    administrator = await solar.person("administration@helios.example")

    answer = await administrator.posts(orjson.dumps(request_))

    assert answer.body["errors"]
    assert all(len(error["message"]) <= 1_000 for error in answer.body["errors"])
    assert "a" * 400 not in str(answer.body)
    assert len(str(answer.body)) < 4_000
