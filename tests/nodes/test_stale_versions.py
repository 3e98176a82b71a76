"""Whoever sends an old version gets the object as it is now, of every mutation that asks for a version."""

from typing import Any

import pytest
from graphql import GraphQLInputObjectType, get_named_type

from tests.audit.test_every_mutation import _filled
from tests.every_mutation import ENTRIES
from tests.portal import Portal, open_portal
from tests.schemas import shared_core

VERSION = "expectedVersion"
VERSIONS = """
... on Membership { version }
... on Organization { version }
... on OrganizationRegistration { version }
... on Viewer { version: profileVersion }
"""


def _where(input_type: Any) -> list[str] | None:
    """The path of the first version in an input; None where it has none."""
    fields = input_type.fields
    if VERSION in fields:
        return [VERSION]
    for name, field in fields.items():
        inner = get_named_type(field.type)
        if isinstance(inner, GraphQLInputObjectType) and VERSION in inner.fields:
            return [name, "0", VERSION]
    return None


WITH_VERSION = {
    name: where
    for name, field in shared_core().mutation_type.fields.items()  # type: ignore[union-attr]
    if "input" in field.args and (where := _where(get_named_type(field.args["input"].type))) is not None
}


def test_these_mutations_ask_for_a_version() -> None:
    assert len(WITH_VERSION) >= 9, sorted(WITH_VERSION)
    assert "updateMembersAccess" in WITH_VERSION


@pytest.mark.parametrize("mutation", WITH_VERSION)
async def test_an_old_version_is_answered_with_the_object_as_it_is(mutation: str) -> None:
    entry, where = ENTRIES[mutation], WITH_VERSION[mutation]
    async with open_portal(entry.profile) as portal:
        names = dict(await entry.prepare(portal)) if entry.prepare is not None else {}
        input = _with_version(_filled(entry.input, names), where)
        person = await portal.person(entry.by)
        kind = shared_core().mutation_type.fields[mutation].args["input"].type  # type: ignore[union-attr]

        answer = await person.asks(
            f"mutation M($input: {kind}) {{ {mutation}(input: $input) {{ errors {{ code path ... on ConflictError "
            f"{{ currentVersion conflictingNode {{ __typename id {VERSIONS} }} }} }} }} }}",
            input=input,
        )

    assert answer.errors == []
    (error,) = answer.at(mutation)["errors"]
    assert (error["code"], error["path"]) == ("STALE_VERSION", where)
    assert error["conflictingNode"]["version"] == error["currentVersion"] < 99
    refetched = error["conflictingNode"]["id"]
    assert refetched.partition("_")[0] in ("mbr", "org", "reg", "vwr")


def _with_version(value: Any, where: list[str]) -> Any:
    if not where:
        return 99
    if isinstance(value, list):
        first, *rest = value
        return [_with_version(first, where[1:]), *rest]
    return value | {where[0]: _with_version(value.get(where[0]), where[1:])}


async def test_a_repeated_batch_points_to_the_same_objects(portal: Portal) -> None:
    """Row by row, the refusals are kept, and the answer to the same request names the object again."""
    entry = ENTRIES["updateMembersAccess"]
    assert entry.prepare is not None
    names = dict(await entry.prepare(portal))
    input = _with_version(_filled(entry.input, names), WITH_VERSION["updateMembersAccess"])
    person = await portal.person(entry.by)
    text = """
    mutation M($input: UpdateMembersAccessInput!) {
      updateMembersAccess(input: $input) {
        results { errors { code ... on ConflictError { currentVersion conflictingNode { id } } } }
      }
    }
    """

    answers = [await person.asks(text, input=input | {"allOrNothing": False}) for _ in range(2)]

    first = answers[0].at("updateMembersAccess.results.0.errors.0")
    assert first["code"] == "STALE_VERSION"
    assert first["conflictingNode"]["id"].startswith("mbr_")
    assert answers[0].body == answers[1].body
