"""An introspection is charged for what its answer has, by bytes: no shape of it gets much more for a point."""

from collections.abc import AsyncIterator

import orjson
import pytest
from graphql import FragmentDefinitionNode, execute, get_introspection_query, parse
from hypothesis import given
from hypothesis import strategies as st

from gateway.execution import BreadthFirstExecutor
from gateway.pipeline.limits.introspection_cost import IntrospectionCost
from gateway.settings import Limits
from tests.examples import examples
from tests.gateway.pipeline.hostile import query
from tests.gateway.pipeline.test_cost_of_schema import CORE
from tests.portal import Portal, open_portal

LEAST_BYTES, MOST_BYTES = 100, 500
"""Of an answer, for a point."""


def _of_type(levels: int) -> str:
    """A reference to a type as tools ask for it, with so many types within types."""
    return "kind name" if not levels else f"kind name ofType {{ {_of_type(levels - 1)} }}"


def tools_query(levels: int, *, deprecated: bool = True) -> str:
    """The introspection of GraphiQL, Apollo's tools and GraphQL Code Generator, but for how deep a type is followed."""
    too = "(includeDeprecated: true)" if deprecated else ""
    return f"""
    query IntrospectionQuery {{
      __schema {{
        description
        queryType {{ name kind }} mutationType {{ name kind }} subscriptionType {{ name kind }}
        types {{ ...FullType }}
        directives {{ name description isRepeatable locations args{too} {{ ...InputValue }} }}
      }}
    }}
    fragment FullType on __Type {{
      kind name description specifiedByURL
      fields(includeDeprecated: true) {{
        name description args{too} {{ ...InputValue }} type {{ ...TypeRef }} isDeprecated deprecationReason
      }}
      inputFields{too} {{ ...InputValue }}
      interfaces {{ ...TypeRef }}
      enumValues(includeDeprecated: true) {{ name description isDeprecated deprecationReason }}
      possibleTypes {{ ...TypeRef }}
    }}
    fragment InputValue on __InputValue {{
      name description type {{ ...TypeRef }} defaultValue {"isDeprecated deprecationReason" if deprecated else ""}
    }}
    fragment TypeRef on __Type {{ {_of_type(levels)} }}
    """


TOOLS = {
    "seven-deep": tools_query(7),
    "nine-deep": tools_query(9),
    "nine-deep-without-deprecated": tools_query(9, deprecated=False),
    "graphql-core": get_introspection_query(),
    "graphql-core-all": get_introspection_query(
        specified_by_url=True, directive_is_repeatable=True, schema_description=True, input_value_deprecation=True
    ),
    "graphql-core-without-descriptions": get_introspection_query(descriptions=False),
}

SHAPES = TOOLS | {
    "names": "{ __schema { types { name } } }",
    "kinds": "{ __schema { types { a: kind b: kind c: kind } } }",
    "descriptions": "{ __schema { types { description fields { description args { description } } } } }",
    "possible types": "{ __schema { types { possibleTypes { name description } } } }",
    "fields of possible types": '{ __type(name: "Node") { possibleTypes { fields { name description } } } }',
    "interfaces": "{ __schema { types { interfaces { name possibleTypes { name } } } } }",
    "of type": "{ __schema { types { fields { type { ofType { ofType { ofType { name } } } } } } } }",
    "enum values": "{ __schema { types { enumValues { name description } } } }",
    "input fields": "{ __schema { types { inputFields { name defaultValue type { name } } } } }",
    "arguments": "{ __schema { types { fields { args { name type { ofType { name } } } } } } }",
    "directives": "{ __schema { directives { name locations args { name description } } } }",
    "a large type": '{ __type(name: "Organization") { name fields { name description args { name } } } }',
    "a union": '{ __type(name: "PermissionSource") { possibleTypes { name fields { name description } } } }',
}


@pytest.fixture(scope="module")
async def open_schema() -> AsyncIterator[Portal]:
    """A gateway that shows everybody the whole schema, and lets them ask whatever they like about it."""
    async with open_portal(introspection="on", max_cost=1_000_000) as portal:
        yield portal


@pytest.mark.parametrize("name", SHAPES)
async def test_bytes_per_point_differ_little(name: str, open_schema: Portal) -> None:
    answer = await open_schema.client.post(
        "/graphql", content=query(SHAPES[name]), headers={"content-type": "application/json", "forecourt-cost": "true"}
    )

    body = answer.json()
    estimate = body["extensions"]["cost"]["estimated"]
    assert "errors" not in body
    assert len(answer.content) / estimate < MOST_BYTES
    if len(answer.content) > 5_000:  # of a small answer, the first point is most
        assert len(answer.content) / estimate > LEAST_BYTES, (len(answer.content), estimate)


@pytest.mark.parametrize("name", TOOLS)
def test_the_introspection_of_tools_is_allowed_twice(name: str) -> None:
    document = parse(TOOLS[name])
    fragments = {it.name.value: it for it in document.definitions if isinstance(it, FragmentDefinitionNode)}
    (schema,) = document.definitions[0].selection_set.selections  # type: ignore[attr-defined]

    assert 2 * IntrospectionCost(CORE, fragments).of_schema(schema.selection_set) < Limits().max_cost


@st.composite
def introspections(draw: st.DrawFn, type_name: str = "__Schema", depth: int = 6) -> str:
    """A selection of introspection, of whatever fields."""
    fields = {
        "__Schema": {"types": "__Type", "queryType": "__Type", "directives": "__Directive"},
        "__Type": {
            "fields": "__Field",
            "interfaces": "__Type",
            "possibleTypes": "__Type",
            "enumValues": "__EnumValue",
            "inputFields": "__InputValue",
            "ofType": "__Type",
            "kind": "",
            "name": "",
            "description": "",
        },
        "__Field": {"args": "__InputValue", "type": "__Type", "name": "", "description": "", "isDeprecated": ""},
        "__InputValue": {"type": "__Type", "name": "", "defaultValue": ""},
        "__EnumValue": {"name": "", "description": "", "deprecationReason": ""},
        "__Directive": {"args": "__InputValue", "name": "", "locations": "", "isRepeatable": ""},
    }[type_name]
    possible = [name for name, within in fields.items() if depth or not within] or ["__typename"]
    names = draw(st.lists(st.sampled_from(possible), min_size=1, max_size=3, unique=True))
    parts = [name + (draw(introspections(fields[name], depth - 1)) if fields.get(name) else "") for name in names]
    return "{" + " ".join(parts) + "}"


@examples(60)
@given(introspections())
def test_whatever_is_asked_about_the_schema_bytes_per_point_are_bounded(text: str) -> None:
    document = parse(f"{{ __schema {text} }}")
    (schema,) = document.definitions[0].selection_set.selections  # type: ignore[attr-defined]
    estimate = IntrospectionCost(CORE, {}).of_schema(schema.selection_set)

    if estimate <= Limits().max_cost:
        result = execute(CORE, document, executor_class=BreadthFirstExecutor)
        assert len(orjson.dumps(result.data)) / estimate < MOST_BYTES  # type: ignore[union-attr]


def test_an_introspection_that_leads_round_in_circles_is_estimated_without_answering_it() -> None:
    round_ = "fields { type { ...R# ofType { ...R# ofType { ...R# } } } }"
    fragments = " ".join(f"fragment R{n} on __Type {{ {round_.replace('#', str(n + 1))} }}" for n in range(8))
    document = parse(f"{{ __schema {{ types {{ ...R0 }} }} }} {fragments} fragment R8 on __Type {{ name }}")
    known = {it.name.value: it for it in document.definitions if isinstance(it, FragmentDefinitionNode)}
    (schema,) = document.definitions[0].selection_set.selections  # type: ignore[attr-defined]

    costs = IntrospectionCost(CORE, known)

    assert costs.of_schema(schema.selection_set) > Limits().max_cost
    assert costs._looked_at < 60_000
