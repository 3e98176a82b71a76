"""A token for tools opens introspection, for a while, and nothing else; access tokens open what they opened before."""

import json
import logging
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import jwt
import pytest

from connectors.identity.tokens import INTROSPECTION_TYPE, TOKEN_TYPE
from gateway.cli.command import CommandRefused
from gateway.cli.token import introspection_token
from resolvers.context import RequestContext
from resolvers.introspection_tokens import issue_introspection_token
from tests.portal import Answer, Person, Portal, open_portal

MEMBERS = '{ __type(name: "Organization") { fields { name } } }'
LIFETIME = timedelta(minutes=10)
SIGN_IN = (
    'mutation { signIn(input: {loginName: "purchase@helios.example", password: "forecourt-demo"}) { accessToken } }'
)


@pytest.fixture
async def portal() -> AsyncIterator[Portal]:
    """A gateway that takes batches."""
    async with open_portal(max_batch=3) as opened:
        yield opened


async def tool_of(portal: Portal) -> Person:
    """A tool with a token for introspection."""
    backends, policy = portal.wiring.backends, portal.wiring.policy
    context = RequestContext(backends=backends, policy=policy, now=portal.clock(), request_id="test")
    token, _ = await issue_introspection_token(context, LIFETIME)
    return Person(portal.client, token)


def fields_in(answer: Answer) -> set[str]:
    return {field["name"] for field in answer.at("__type.fields")}


def code_of(answer: Answer) -> tuple[int, Any, Any]:
    (error,) = answer.errors
    assert "data" not in answer.body
    return answer.status, error["extensions"]["code"], error["extensions"].get("reason")


async def test_a_tool_sees_the_whole_schema_where_others_see_what_they_may_use(portal: Portal) -> None:
    tool, stranger = await tool_of(portal), portal.anybody()
    buyer = await portal.person("purchase@helios.example")

    seen = [fields_in(await one.asks(MEMBERS)) for one in (tool, buyer)]
    by_stranger = await stranger.asks('{ __type(name: "Mutation") { fields { name } } }')
    by_tool = await tool.asks('{ __type(name: "Mutation") { fields { name } } }')

    assert {"members", "orders", "auditEvents"} <= seen[0]
    assert "members" not in seen[1]
    assert fields_in(by_stranger) < fields_in(by_tool)


@pytest.mark.parametrize(
    "query",
    [
        "{ viewer { id } }",
        "{ roles { key } }",
        "{ __schema { queryType { name } } roles { key } }",
        "{ ...Hidden __typename } fragment Hidden on Query { ... { roles { key } } }",
        "{ __schema { queryType { name } } viewer @skip(if: true) { id } }",
        SIGN_IN,
    ],
)
async def test_it_opens_nothing_else(portal: Portal, query: str) -> None:
    tool = await tool_of(portal)

    answer = await tool.asks(query)

    assert code_of(answer) == (403, "INTROSPECTION_ONLY", None)


async def test_it_opens_nothing_else_in_a_batch_nor_as_a_member_nor_elsewhere(portal: Portal) -> None:
    tool = await tool_of(portal)
    membership = (await (await portal.person("purchase@helios.example")).asks(
        "{ viewer { memberships { nodes { id } } } }"
    )).at("viewer.memberships.nodes.0.id")  # fmt: skip
    one, other = ({"query": query} for query in (MEMBERS, "{ roles { key } }"))

    mixed = await tool.posts(json.dumps([one, other]).encode())
    alike = await tool.posts(json.dumps([one, one]).encode())
    as_member = await tool.posts(json.dumps(one).encode(), forecourt_view_as=membership)
    download = await portal.client.get("/account/export/exp_1", headers={"authorization": f"Bearer {tool.token}"})

    assert code_of(mixed) == (403, "INTROSPECTION_ONLY", None)
    assert [set(answer) for answer in alike.body] == [{"data"}, {"data"}]
    assert code_of(as_member) == (403, "INTROSPECTION_ONLY", None)
    assert download.status_code in (403, 404)


async def test_it_counts_until_its_end(portal: Portal) -> None:
    tool = await tool_of(portal)

    portal.clock.move(LIFETIME + timedelta(minutes=1, seconds=1))

    assert code_of(await tool.asks(MEMBERS)) == (401, "UNAUTHENTICATED", "ACCESS_TOKEN_EXPIRED")


async def test_neither_kind_of_token_can_be_passed_off_as_the_other(portal: Portal) -> None:
    tool, buyer = await tool_of(portal), await portal.person("purchase@helios.example")
    key = portal.wiring.tokens.keys.current.signing_at(portal.clock())

    def retyped(token: str | None, type_: str) -> Person:
        assert token is not None
        claims = jwt.decode(token, options={"verify_signature": False})
        return Person(portal.client, jwt.encode(claims, key.private, "EdDSA", headers={"typ": type_, "kid": key.id}))

    for forged in (retyped(tool.token, TOKEN_TYPE), retyped(buyer.token, INTROSPECTION_TYPE)):
        answer = await forged.asks("{ viewer { id } }")
        assert code_of(answer) == (401, "UNAUTHENTICATED", "ACCESS_TOKEN_INVALID")


async def test_that_it_was_issued_is_on_record_and_each_use_is_logged(
    portal: Portal, caplog: pytest.LogCaptureFixture
) -> None:
    tool = await tool_of(portal)

    with caplog.at_level(logging.INFO, "forecourt.introspection"):
        await tool.asks(MEMBERS)

    (issued,) = await portal.audit("introspection_token.issue")
    (used,) = [record for record in caplog.records if record.name == "forecourt.introspection"]
    assert tool.token is not None
    token_id = jwt.decode(tool.token, options={"verify_signature": False})["jti"]
    assert (issued.subject_id, issued.actor_id, issued.organization_id) == (token_id, None, None)
    assert used.getMessage() == "schema read with an introspection token"
    assert used.token == token_id  # type: ignore[attr-defined]
    assert tool.token not in caplog.text


async def test_where_introspection_is_off_it_is_off_for_such_a_token_too() -> None:
    async with open_portal(introspection="off") as portal:
        tool = await tool_of(portal)

        answer = await tool.asks(MEMBERS)

        assert code_of(answer) == (400, "INTROSPECTION_DISABLED", None)
        with pytest.raises(CommandRefused, match="Introspection is switched off"):
            await introspection_token(portal.settings, LIFETIME, clock=portal.clock)
