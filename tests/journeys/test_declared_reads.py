"""What a field reads of a record it declares, and no field says too little: alone in an operation, which reads of the
records what this one field needs, it answers as graphql-core does, which is given whole records.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest
from graphql import GraphQLObjectType, get_named_type

from gateway.execution.contract import READS, RECORD
from schema.graph.fields import DECLARATION
from tests.caching.test_consistency import LIVED_IN, VIEWERS, WITHOUT_LIMITS, Viewer, values_of
from tests.caching.walk import Operations, Values
from tests.portal import open_portal, open_portal_at
from tests.schemas import shared_core
from tests.view_as.test_view_as import membership_of

BY_IDS = {("Query", "node"), ("Query", "nodes")}


def read_in_part() -> dict[type, list[GraphQLObjectType]]:
    """Return the types of the records of which some field is handed what to read."""
    types: dict[type, list[GraphQLObjectType]] = {}
    wanted = {record for _, _, wants in fields_that_read() for record in wants}
    for type_ in object_types():
        if (record := type_.extensions.get(RECORD)) in wanted:
            types.setdefault(record, []).append(type_)
    return types


def object_types() -> list[GraphQLObjectType]:
    """Return the object types of the schema."""
    return [one for one in shared_core().type_map.values() if isinstance(one, GraphQLObjectType)]


def fields_that_read() -> Iterator[tuple[GraphQLObjectType, str, set[type]]]:
    """Yield the fields that are handed what to read, with the types of the records."""
    for type_ in object_types():
        for name, field in type_.fields.items():
            definition = field.extensions.get("strawberry-definition")
            declared = DECLARATION in definition.metadata if definition is not None else False
            if declared and (wants := definition.metadata[DECLARATION].wants):
                yield type_, name, set(wants.values())


def test_every_field_of_a_record_that_is_read_in_part_says_what_it_reads() -> None:
    undeclared = [
        f"{type_.name}.{name}"
        for types in read_in_part().values()
        for type_ in types
        for name, field in type_.fields.items()
        if field.extensions[READS].names is None
    ]

    assert undeclared == []
    assert {type_.name for types in read_in_part().values() for type_ in types} == {
        "AccessRequest", "AuditEvent", "ChangeRequest", "DirectGrant", "Invitation", "JoinRequest", "Membership",
        "Order", "OrderEvent", "OrderLine", "Organization", "OrganizationRegistration", "RoleGrant", "User",
    }  # fmt: skip


@dataclass(frozen=True)
class Alone:
    """An operation in which a relation is asked for with one field of the records it leads to."""

    of: str
    name: str
    text: str


def alone(values: Values) -> Iterator[Alone]:
    """Yield an operation for each relation that is handed what to read, with each field of each type it leads to."""
    operations, ways = Operations(values), ways_to_types(values)
    types = read_in_part()
    for parent, relation, records in fields_that_read():
        if parent.name not in ways:
            continue
        for asked in operations.field(parent, relation, 0):
            for type_ in {one.name: one for record in records for one in types[record]}.values():
                inside = way_within(get_named_type(parent.fields[relation].type), type_)
                if inside is None:
                    continue
                for name in type_.fields:
                    for field in operations.field(type_, name, 0):
                        shown = within(inside, f"{{ __typename ... on {type_.name} {{ {field} }} }}")
                        text = within(ways[parent.name], f"{{ {asked.key}: {asked.stored_as} {shown} }}")
                        yield Alone(type_.name, name, text)


COME_WITH_CALLER = ("Viewer", "User", "Organization", "AccessDecision", "ApplicationTile", "RoleGrant", "DirectGrant")


def alone_of_caller(values: Values) -> Iterator[str]:
    """Yield an operation for each field of what is read along with whoever asks, and is not asked for otherwise."""
    operations, ways = Operations(values), ways_to_types(values)
    for type_ in object_types():
        if type_.name in COME_WITH_CALLER and type_.name in ways:
            for name in type_.fields:
                for field in operations.field(type_, name, 1):
                    yield within(ways[type_.name], f"{{ {field} }}")


def ways_to_types(values: Values) -> dict[str, list[str]]:
    """Return by which fields each type is reached the shortest way, not by ids: those read whole records."""
    operations, schema = Operations(values), shared_core()
    assert schema.query_type is not None
    ways: dict[str, list[str]] = {schema.query_type.name: []}
    waiting = deque([schema.query_type])
    while waiting:
        type_ = waiting.popleft()
        for name, declared in type_.fields.items():
            inner = get_named_type(declared.type)
            if (type_.name, name) in BY_IDS or not isinstance(inner, GraphQLObjectType) or inner.name in ways:
                continue
            for asked in operations.field(type_, name, 0):
                ways[inner.name] = [*ways[type_.name], asked.stored_as]
                waiting.append(inner)
                break
    return ways


def way_within(given: object, sought: GraphQLObjectType) -> list[str] | None:
    """Return by which fields a relation's own answer leads to records: those of a page, or what a record has in it."""
    possible = Operations(Values({})).objects_of(given)  # type: ignore[arg-type]
    if sought in possible:
        return []
    for type_ in possible:
        for name, inside in (("nodes", type_), ("sources", type_), ("grantedBy", type_)):
            if name in inside.fields and sought in Operations(Values({})).objects_of(
                get_named_type(inside.fields[name].type)
            ):
                return [name]
    return None


def within(way: list[str], selection: str) -> str:
    """Return a selection, asked for along a way."""
    for step in reversed(way):
        selection = f"{{ {step} {selection} }}"
    return selection


ASKED_AS = ("administrator", "vendor staff", "a member of two organizations", "a private person", "a licence holder")
IN_EACH_RUN = ("administrator", "vendor staff")
"""The others ask in `make test-all`."""


@pytest.mark.parametrize(
    "viewer",
    [
        pytest.param(viewer, id=viewer.name, marks=[] if viewer.name in IN_EACH_RUN else pytest.mark.slow)
        for viewer in VIEWERS
        if viewer.name in ASKED_AS
    ],
)
async def test_a_field_alone_is_answered_as_from_whole_records(viewer: Viewer) -> None:
    async with open_portal(viewer.profile, **WITHOUT_LIMITS) as portal:
        await LIVED_IN[viewer.profile](portal)
        colleague = await membership_of(portal, viewer.colleague) if viewer.colleague is not None else None
        values = await values_of(portal, viewer.login_name, colleague)
        ask = await portal.person(viewer.login_name)
        same = {"signing_key_file": portal.settings.key_file, **WITHOUT_LIMITS}
        async with open_portal_at(portal.settings.database, viewer.profile, execution="graphql-core", **same) as whole:
            ask_whole = replace(ask, client=whole.client).asks
            for text in (*(one.text for one in alone(values)), *alone_of_caller(values)):
                answered, expected = await ask.asks(text), await ask_whole(text)

                assert answered.data == expected.data, text
                assert answered.codes.items() <= expected.codes.items(), text  # each refusal is reported once
