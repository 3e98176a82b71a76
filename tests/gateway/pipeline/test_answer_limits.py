"""How large an answer may become, on the whole gateway: an ordinary member beside twenty administrators."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from gateway.execution import field_errors as field_errors
from resolvers.organizations.queries import MOST_ADMINISTRATORS
from tests.journeys.test_statement_count import organization_data
from tests.portal import UNMEASURED, Answer, Person, Portal, open_portal
from tests.servers import DatabaseKind

ALLOWED = "id status organization { name }"
REFUSED = "roleGrants { validUntil } directGrants { validUntil } effectivePermissions { validUntil }"


def nested(levels: int, leaves: str) -> str:
    """Administrators of the organization of administrators, so many levels deep."""
    for _ in range(levels):
        leaves = f"organization {{ administrators {{ {leaves} }} }}"
    return f"{{ viewer {{ memberships(first: 1) {{ nodes {{ {leaves} }} }} }} }}"


async def load(portal: Portal) -> Person:
    """Store the organization, and return a member of it who administers nothing."""
    directory, _ = organization_data("many", 1, 21)
    ordinary = directory.users[-1]
    grants = [it for it in directory.grants if it.user_id != ordinary.id or it.key == "purchase"]
    await portal.wiring.backends.directory.load(replace(directory, grants=grants))
    return await portal.person("many-20@count.example")


@pytest.fixture(scope="module")
async def member() -> AsyncIterator[Person]:
    """An ordinary member, where the estimate refuses nothing."""
    async with open_portal(**UNMEASURED, max_depth=40) as portal:
        yield await load(portal)


def administrators(answer: Answer, levels: int) -> list[Any]:
    """The administrators on the innermost level, along the first of each."""
    return answer.at("viewer.memberships.nodes.0" + ".organization.administrators.0" * (levels - 1))["organization"][
        "administrators"
    ]


@pytest.mark.parametrize(("rounds", "leaves"), [(4, "id status"), (3, REFUSED)])
async def test_what_would_multiply_within_the_allowed_depth_is_refused_by_the_estimate(
    rounds: int, leaves: str
) -> None:
    inner = "administrators { organization { " * rounds + f"administrators {{ {leaves} }}" + " } }" * rounds
    async with open_portal() as portal:
        person = await load(portal)

        answer = await person.asks(f"{{ viewer {{ defaultOrganization {{ {inner} }} }} }}")

    assert (answer.status, answer.codes) == (400, {"": "COST_ESTIMATED_TOO_EXPENSIVE"})


async def test_no_more_than_eight_administrators_are_named_and_always_the_same(portal_kind: DatabaseKind) -> None:
    async with open_portal(kind=portal_kind) as portal:
        person = await load(portal)

        answers = [await person.asks(nested(1, "id user { displayName }")) for _ in range(2)]

    names = [[one["user"]["displayName"] for one in administrators(answer, 1)] for answer in answers]
    assert MOST_ADMINISTRATORS == 8
    assert names == [[f"Count {number:03}" for number in range(8)]] * 2


@pytest.mark.parametrize("leaves", [ALLOWED, REFUSED])
async def test_an_answer_that_multiplies_is_given_up_when_it_has_become_too_large(member: Person, leaves: str) -> None:
    answer = await member.asks(nested(6, leaves))

    assert (answer.status, answer.data) == (200, None)
    assert answer.errors == [
        {
            "message": "The answer would have more than 50,000 objects (setting max_objects). Please ask for less at "
            "once: smaller pages, fewer fields, or several requests.",
            "extensions": {"code": "COST_ACTUAL_TOO_EXPENSIVE", "limit": 50_000, "setting": "max_objects"},
        }
    ]


async def test_a_refusal_at_four_thousand_paths_is_kept_once(member: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = 0
    real = field_errors.FieldError.__init__

    def init(self: Any, *arguments: Any) -> None:
        nonlocal kept
        kept += 1
        real(self, *arguments)

    monkeypatch.setattr(field_errors.FieldError, "__init__", init)

    answer = await member.asks(nested(4, REFUSED))

    position = "viewer.memberships.nodes.0" + ".organization.administrators.0" * 4
    assert answer.codes == {
        f"{position}.{field}": "UNAUTHORIZED_FIELD_OR_TYPE"
        for field in ("roleGrants", "directGrants", "effectivePermissions")
    }
    assert {error["extensions"]["pathCount"] for error in answer.errors} == {MOST_ADMINISTRATORS**4}
    assert kept < 50
    assert len(administrators(answer, 4)) == MOST_ADMINISTRATORS
    assert administrators(answer, 4)[7] == {"roleGrants": None, "directGrants": None, "effectivePermissions": None}


@pytest.mark.parametrize("execution", ["breadth-first", "graphql-core"])
async def test_the_limit_is_a_setting_on_both_executors(execution: str) -> None:
    async with open_portal(**UNMEASURED, execution=execution, max_objects=1_000, max_depth=40) as portal:
        person = await load(portal)

        within = await person.asks(nested(2, ALLOWED))
        beyond = await person.asks(nested(3, ALLOWED))

    assert within.errors == []
    assert len(administrators(within, 2)) == MOST_ADMINISTRATORS
    assert (beyond.data, beyond.codes) == (None, {"": "COST_ACTUAL_TOO_EXPENSIVE"})


async def test_operations_of_a_batch_count_together() -> None:
    async with open_portal(**UNMEASURED, max_batch=3, max_objects=1_000, max_depth=40) as portal:
        person = await load(portal)
        body = json.dumps(
            [{"query": nested(2, "status organization { administrators { organization { id } } }")}] * 3
        ).encode()
        token = {"authorization": f"Bearer {person.token}", "content-type": "application/json"}

        answer = await portal.client.post("/graphql", content=body, headers=token)

    assert [one["data"] for one in answer.json()][1:] == [None, None]
    assert [one["errors"][0]["extensions"]["code"] for one in answer.json()] == ["COST_ACTUAL_TOO_EXPENSIVE"] * 3


@pytest.mark.parametrize("execution", ["breadth-first", "graphql-core"])
async def test_an_answer_of_too_many_bytes_is_not_sent(execution: str) -> None:
    async with open_portal(**UNMEASURED, execution=execution, max_answer_bytes=100_000, max_depth=40) as portal:
        person = await load(portal)

        answer = await person.asks(nested(4, "id status jobTitle version organization { id name kind status }"))

    assert (answer.status, answer.data) == (200, None)
    assert answer.errors[0]["extensions"] == {
        "code": "COST_ACTUAL_TOO_EXPENSIVE",
        "limit": 100_000,
        "setting": "max_answer_bytes",
    }


@pytest.mark.parametrize("execution", ["breadth-first", "graphql-core"])
async def test_a_mutation_that_answers_too_much_says_that_it_was_executed(execution: str) -> None:
    change = 'mutation { one: updateProfile(input: {firstName: "New", expectedVersion: 1}) { viewer { %s } } }'
    inner = nested(3, ALLOWED).removeprefix("{ viewer { ").removesuffix(" } }")
    async with open_portal(**UNMEASURED, execution=execution, max_objects=1_000, max_depth=40) as portal:
        person = await load(portal)

        answer = await person.asks(change % inner)
        after = await person.asks("{ viewer { user { displayName } } }")

    assert answer.errors[0]["extensions"] == {
        "code": "COST_ACTUAL_TOO_EXPENSIVE",
        "limit": 1_000,
        "setting": "max_objects",
        "executed": True,
    }
    assert answer.data == ({"one": None} if execution == "breadth-first" else None)
    assert after.at("viewer.user.displayName") == "New 020"


async def test_nobody_has_more_than_a_hundred_sessions_and_the_one_seen_longest_ago_ends(portal: Portal) -> None:
    oldest = await portal.person("purchase@helios.example")
    portal.clock.move(timedelta(seconds=1))
    next_to_it = await portal.person("purchase@helios.example")
    portal.clock.move(timedelta(seconds=1))
    for _ in range(98):
        last = await portal.person("purchase@helios.example")
    text = "{ viewer { id } }"
    before = [(await one.asks(text)).status for one in (oldest, next_to_it, last)]

    one_more = await portal.person("purchase@helios.example")

    assert before == [200, 200, 200]
    assert [(await one.asks(text)).status for one in (oldest, next_to_it, last, one_more)] == [401, 200, 200, 200]
