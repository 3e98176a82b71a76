"""A mutation asks in the organization of the object that it names, and says in its payload why it was refused."""

import json
from collections.abc import AsyncIterator
from functools import cache
from typing import Any

import httpx2
import pytest
import strawberry

from connectors.ids import MembershipId
from gateway.app import create_app
from permissions.access_rules import OPEN, any_of
from permissions.vocabulary import Permission, PermissionScope
from resolvers.context import RequestContext
from resolvers.refusals import Conflict
from schema.graph.build import InvalidSchema, Mutation, Schema, build_schema
from schema.graph.mutations import mutation, of_object
from schema.graph.user_errors import Payload
from schema.members.types import Membership
from tests.portal import Person, Portal, open_portal


@strawberry.input
class TouchInput:
    """Whom."""

    id: strawberry.ID = strawberry.field(description="Whom.")
    is_in_the_way: bool = strawberry.field(default=False, description="Whether it is refused.")


class TouchPayload(Payload):
    """What came of it."""

    membership: Membership | None = strawberry.field(description="Who was touched.")


CALLS: list[str] = []


@strawberry.type
class TouchingMutation(Mutation):
    """What may be done."""

    @mutation(requires=any_of(Permission.MEMBER_MANAGE), within=of_object("mbr", "input.id"))
    async def touch_member(self, context: RequestContext, input: TouchInput) -> TouchPayload | None:
        """Touch a member."""
        CALLS.append(input.id)
        (found,) = await context.backends.directory.memberships([MembershipId(input.id)])
        if input.is_in_the_way:
            raise Conflict("This is in the way.", ["id"], node=found)
        return TouchPayload(membership=found)

    @mutation(requires=any_of(Permission.REGISTRATION_REVIEW, scope=PermissionScope.VENDOR))
    async def touch_registrations(self, context: RequestContext, input: TouchInput) -> TouchPayload | None:
        """Touch registrations."""
        CALLS.append(input.id)
        return TouchPayload(membership=None)


TOUCH = """
mutation ($input: TouchInput!) {
  touchMember(input: $input) {
    membership { user { displayName } }
    errors {
      __typename code message path
      ... on PermissionError {
        reason missingPermissions { code } grantableBy { user { displayName } } accessRequestable
      }
      ... on ConflictError { conflictingNode { id } }
    }
  }
}
"""


@cache
def touching_schema() -> Schema:
    """The schema with two mutations more."""
    return build_schema(mutation=TouchingMutation)


@pytest.fixture(params=["breadth-first", "graphql-core"])
async def touching(request: pytest.FixtureRequest) -> AsyncIterator[Portal]:
    """A gateway with two mutations more, on each executor."""
    CALLS.clear()
    async with open_portal(execution=request.param) as opened:
        app = create_app(opened.settings, clock=opened.clock, schema=touching_schema())
        transport = httpx2.ASGITransport(app=app)
        async with (
            app.router.lifespan_context(app),
            httpx2.AsyncClient(transport=transport, base_url="http://portal.example") as client,
        ):
            yield Portal(app, client, opened.clock, opened.settings)


async def member_of(portal: Portal, login_name: str) -> str:
    """The id of somebody's first membership."""
    person = await portal.person(login_name)
    answer = await person.asks("{ viewer { memberships(first: 1) { nodes { id } } } }")
    id: str = answer.at("viewer.memberships.nodes.0.id")
    return id


async def touched(person: Person, id: str, **more: Any) -> Any:
    """What the payload says."""
    answer = await person.asks(TOUCH, input={"id": id, **more})
    assert answer.errors == []
    return answer.at("touchMember")


async def test_who_may_does_it_and_the_payload_says_what_came_of_it(touching: Portal) -> None:
    id = await member_of(touching, "purchase@helios.example")
    administrator = await touching.person("administration@helios.example")

    payload = await touched(administrator, id)

    assert payload == {"membership": {"user": {"displayName": "Jörg Weiß"}}, "errors": []}
    assert [id] == CALLS


async def test_a_member_without_the_permission_learns_what_is_missing_and_who_could_give_it(touching: Portal) -> None:
    id = await member_of(touching, "purchase@helios.example")
    purchaser = await touching.person("purchase@helios.example")

    payload = await touched(purchaser, id)

    (error,) = payload["errors"]
    assert payload["membership"] is None
    assert error["grantableBy"] != []
    assert error | {"grantableBy": []} == {
        "__typename": "PermissionError",
        "code": "FORBIDDEN",
        "message": "This requires the permission “Manage members” in this organization.",
        "path": None,
        "reason": "MISSING_PERMISSION",
        "missingPermissions": [{"code": "MEMBER_MANAGE"}],
        "grantableBy": [],
        "accessRequestable": True,
    }
    assert CALLS == []
    (row,) = await touching.audit("touchMember")
    assert (row.subject_id, row.refused_with, row.organization_id is not None) == (id, "FORBIDDEN", True)


async def test_somebody_elses_object_is_refused_like_one_that_does_not_exist(touching: Portal) -> None:
    id = await member_of(touching, "purchase@helios.example")
    stranger = await touching.person("administration@lumen.example")
    organization = await touching.organization_of("administration@lumen.example")

    foreign = await touched(stranger, id)
    unknown = await touched(stranger, "mbr_00000000000000000000000000")
    other_kind = await touched(stranger, organization)

    assert foreign == unknown == other_kind
    assert foreign["errors"] == [
        {
            "__typename": "NotFoundError", "code": "NOT_FOUND", "path": ["id"],
            "message": "There is no such member, or you may not see them. Please reload the list.",
        }
    ]  # fmt: skip
    assert CALLS == []
    assert {row.organization_id for row in await touching.audit("touchMember")} == {None}


async def test_nobody_learns_anything_without_being_signed_in(touching: Portal) -> None:
    answer = await touching.anybody().asks(TOUCH, input={"id": "mbr_x"})

    assert (answer.data, answer.codes) == ({"touchMember": None}, {"touchMember": "UNAUTHENTICATED"})
    assert CALLS == []


async def test_vendor_permissions_are_asked_of_the_vendors_staff_only(touching: Portal) -> None:
    query = 'mutation { touchRegistrations(input: { id: "reg_x" }) { errors { code message } } }'
    reviewer = await touching.person("review@vendor.example")
    administrator = await touching.person("administration@helios.example")

    assert (await reviewer.asks(query)).at("touchRegistrations.errors") == []
    assert (await administrator.asks(query)).at("touchRegistrations.errors") == [
        {"code": "FORBIDDEN", "message": "This requires the vendor permission “Review registrations”."}
    ]
    assert CALLS == ["reg_x"]
    (row,) = await touching.audit("touchRegistrations")
    assert (row.subject_id, row.refused_with) == ("reg_x", "FORBIDDEN")


async def test_a_suspended_member_learns_so(touching: Portal) -> None:
    suspended = await touching.person("suspended@helios.example")
    id = await member_of(touching, "suspended@helios.example")

    payload = await touched(suspended, id)

    assert [(error["code"], error["reason"]) for error in payload["errors"]] == [("FORBIDDEN", "MEMBERSHIP_SUSPENDED")]


async def test_what_is_in_the_way_is_named(touching: Portal) -> None:
    id = await member_of(touching, "purchase@helios.example")
    administrator = await touching.person("administration@helios.example")

    payload = await touched(administrator, id, isInTheWay=True)

    assert [(error["code"], error["conflictingNode"]) for error in payload["errors"]] == [("CONFLICT", {"id": id})]


async def test_a_refusal_is_on_record_once_an_hour(touching: Portal) -> None:
    id = await member_of(touching, "purchase@helios.example")
    purchaser = await touching.person("purchase@helios.example")

    for _ in range(3):
        await touched(purchaser, id)

    assert len(await touching.audit("touchMember")) == 1


@pytest.mark.parametrize(
    ("level", "message", "reason", "missing"),
    [
        ("none", "You are not permitted to do this.", None, []),
        (
            "code",
            "You are not permitted to do this. "
            "Ask somebody who assigns roles in this organization to give you the permission.",
            "MISSING_PERMISSION",
            [],
        ),
        (
            "permission",
            "This requires the permission “Manage members” in this organization.",
            "MISSING_PERMISSION",
            ["MEMBER_MANAGE"],
        ),
    ],
)
async def test_a_refusal_says_no_more_than_the_deployment_discloses(
    level: str, message: str, reason: str | None, missing: list[str]
) -> None:
    async with open_portal(authorization_disclosure=level) as opened:
        app = create_app(opened.settings, clock=opened.clock, schema=touching_schema())
        transport = httpx2.ASGITransport(app=app)
        async with (
            app.router.lifespan_context(app),
            httpx2.AsyncClient(transport=transport, base_url="http://portal.example") as client,
        ):
            portal = Portal(app, client, opened.clock, opened.settings)
            id = await member_of(portal, "purchase@helios.example")
            body = json.dumps({"query": TOUCH, "variables": {"input": {"id": id}}}).encode()
            answer = await (await portal.person("purchase@helios.example")).posts(body)

    (error,) = answer.at("touchMember.errors")
    assert (error["message"], error["reason"], error["grantableBy"]) == (message, reason, [])
    assert [permission["code"] for permission in error["missingPermissions"]] == missing


def test_a_payload_that_could_not_say_that_nothing_was_done_is_refused() -> None:
    class CountPayload(Payload):
        """How many there are."""

        count: int = strawberry.field(description="How many.")

    async def count(self: Any, _context: RequestContext) -> CountPayload:
        """Count."""
        return CountPayload(count=1)

    count.__annotations__["return"] = CountPayload
    mutations = type("Mutation", (), {"__doc__": "What may be done.", "count": mutation(requires=OPEN)(count)})

    with pytest.raises(InvalidSchema) as refused:
        build_schema(mutation=strawberry.type(mutations))

    assert (
        str(refused.value)
        == "CountPayload.count says nothing when a mutation is refused; write `… | None`, a list or a bool."
    )
