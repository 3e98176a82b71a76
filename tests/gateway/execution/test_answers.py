"""What operations answer, feature by feature; each answer is compared with graphql-core's as well."""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLError,
    GraphQLField,
    GraphQLList,
    GraphQLObjectType,
    GraphQLResolveInfo,
    GraphQLSchema,
    GraphQLString,
    build_schema,
    execute,
    get_introspection_query,
    parse,
)

from gateway.execution import BreadthFirstExecutor
from tests.gateway.execution.both import error_facts, in_declared_sync, in_sync

SCHEMA = build_schema(
    """
    interface Named { name: String }
    type Person implements Named { name: String, age: Int!, friends: [Person!]!, parts: [[Int!]] }
    type Organization implements Named { name: String, staff(first: Int = 2, after: ID): [Person] }
    union Party = Person | Organization
    type Query {
      person: Person
      people: [Person]
      strict: [Person!]!
      named: [Named]
      parties: [Party!]
      organization: Organization
      echo(text: String! = "default", list: [Int]): String
      texts: [String]
    }
    type Mutation { person: Person, organization: Organization!, people: [Person] }
    """
)


def person(name: str, age: Any = 1, **more: Any) -> SimpleNamespace:
    return SimpleNamespace(_SimpleNamespace__typename="Person", name=name, age=age, **{"friends": [], **more})


def test_aliases_fragments_and_repeated_fields_merge_in_document_order() -> None:
    text = """
      { ...People who: person { age } people { name } person { friends { age } ... { friends { name } } } }
      fragment People on Query { people { years: age ...Name } }
      fragment Name on Named { name __typename }
    """

    answer = in_sync(SCHEMA, text, lambda: {"person": person("A", friends=[person("B")]), "people": [person("C")]})

    assert answer.data == {
        "people": [{"years": 1, "name": "C", "__typename": "Person"}],
        "who": {"age": 1},
        "person": {"friends": [{"age": 1, "name": "B"}]},
    }


@pytest.mark.parametrize("skipped", [True, False])
@pytest.mark.parametrize("included", [True, False])
def test_one_document_is_planned_for_each_choice_of_its_conditions(skipped: bool, included: bool) -> None:
    document = parse(
        """query ($s: Boolean!, $i: Boolean = true) {
          person @skip(if: $s) { name ... @include(if: $i) { age } }
          people @skip(if: true) { name }
        }"""
    )
    root = {"person": {"name": "A", "age": 5}}

    for _ in range(2):
        answers = [
            execute(SCHEMA, document, root, variable_values={"s": skipped, "i": included}, executor_class=executor)
            for executor in (None, BreadthFirstExecutor)
        ]
        assert answers[0] == answers[1]

    expected = {} if skipped else {"person": {"name": "A", "age": 5} if included else {"name": "A"}}
    assert answers[1].data == expected  # type: ignore[union-attr]


def test_nothing_selected_leaves_an_empty_object_for_each_parent() -> None:
    answer = in_sync(SCHEMA, "{ people { name @skip(if: true) } }", lambda: {"people": [person("A"), person("B")]})

    assert answer.data == {"people": [{}, {}]}


def test_arguments_come_with_defaults_and_variables_and_a_mutable_one_is_fresh_for_each_object() -> None:
    seen: list[Any] = []

    def staff(_source: Any, _info: Any, **arguments: Any) -> list[Any]:
        seen.append(dict(arguments))
        return [{"name": str(arguments), "age": 1}]

    schema = build_schema("type Q { staff(first: Int = 2, ids: [Int]): [S] } type S { name: String } schema {query: Q}")
    schema.query_type.fields["staff"].resolve = staff  # type: ignore[union-attr]

    text = "query ($f: Int, $ids: [Int]) { a: staff b: staff(first: $f) c: staff(first: null, ids: [1]) { name } }"
    in_sync(schema, text.replace("b:", "{ name } b:").replace("c:", "{ name } c:"), variable_values={"ids": [3]})

    assert seen[:3] == [{"first": 2}, {"first": 2}, {"first": None, "ids": [1]}]


def test_an_argument_that_cannot_be_coerced_fails_its_field_for_every_object() -> None:
    text = "query ($n: Int) { organization { staff(first: [$n]) { name } } echo(text: null) }"

    answer = in_sync(SCHEMA, text, lambda: {"organization": {"staff": []}})

    assert [path for _, path, _ in error_facts(answer)] == [["organization", "staff"], ["echo"]]


def test_lists_of_lists_keep_their_shape_and_a_broken_item_breaks_its_list_only() -> None:
    root = {"people": [person("A", parts=[[1, 2], [], None, [3, None], [4]]), person("B", parts=None)]}

    answer = in_sync(SCHEMA, "{ people { parts } }", lambda: root)

    assert answer.data == {"people": [{"parts": [[1, 2], [], None, None, [4]]}, {"parts": None}]}
    assert error_facts(answer) == [
        ("Cannot return null for non-nullable field Person.parts.", ["people", 0, "parts", 3, 1], [(1, 12)])
    ]


def test_whatever_can_be_iterated_is_a_list_but_texts_and_mappings_are_none() -> None:
    def root() -> dict[str, Any]:
        def generated() -> Iterator[Any]:
            yield person("A")
            raise ValueError("the generator fails")

        return {"people": generated(), "texts": {"a"}, "strict": "text", "named": {"a": 1}}

    answer = in_sync(SCHEMA, "{ people { name } texts named { name } }", root)

    assert answer.data == {"people": None, "texts": ["a"], "named": None}
    in_sync(SCHEMA, "{ strict { name } }", root)


def test_a_null_goes_up_to_the_nearest_nullable_position() -> None:
    root = {
        "strict": [person("A", friends=[person("B"), person("C", age=None)])],
        "people": [person("A"), person("B", age="x"), None],
    }

    answer = in_sync(SCHEMA, "{ people { age name } }", lambda: root)
    assert answer.data == {"people": [{"age": 1, "name": "A"}, None, None]}

    answer = in_sync(SCHEMA, "{ people { name } strict { name friends { age } } }", lambda: root)
    assert answer.data is None
    assert error_facts(answer) == [
        ("Cannot return null for non-nullable field Person.age.", ["strict", 0, "friends", 1, "age"], [(1, 43)])
    ]


def test_errors_come_in_document_order_and_stop_at_the_one_that_breaks_their_object() -> None:
    def fail(_info: Any) -> None:
        raise ValueError("failed")

    root = {"people": [person(name=fail, age=fail, parts=fail), person(name=fail, parts=fail)]}  # type: ignore[arg-type]

    answer = in_sync(SCHEMA, "{ people { name age parts } texts }", lambda: {**root, "texts": [ValueError("item")]})

    assert [(message, path) for message, path, _ in error_facts(answer)] == [
        ("failed", ["people", 0, "name"]),
        ("failed", ["people", 0, "age"]),
        ("failed", ["people", 1, "name"]),
        ("failed", ["people", 1, "parts"]),
        ("item", ["texts", 0]),
    ]


def test_an_error_with_a_path_of_its_own_keeps_it_and_extensions_pass() -> None:
    elsewhere = GraphQLError("elsewhere", path=["x", 1])
    coded = GraphQLError("coded", extensions={"code": "C"})

    answer = in_sync(
        SCHEMA, "{ person { name } organization { name } }", lambda: {"person": elsewhere, "organization": coded}
    )

    assert answer.errors is not None
    assert [(error.path, error.extensions) for error in answer.errors] == [
        (["x", 1], {}),
        (["organization"], {"code": "C"}),
    ]


def test_abstract_types_are_grouped_by_what_each_value_is() -> None:
    organization = {"__typename": "Organization", "name": "Acme", "staff": [person("S")]}
    root = {
        "parties": [person("A"), organization, person("B"), organization],
        "named": [
            organization,
            None,
            {"__typename": "Query"},
            {"__typename": 7},
            {},
            person("C"),
            {"__typename": "Party"},
        ],
    }
    text = """{
      parties { ... on Named { name } ... on Organization { staff { name } } ... on Person { age } __typename }
      named { name ... on Person { age } }
    }"""

    answer = in_sync(SCHEMA, text, lambda: root)

    assert answer.data is not None
    assert [party["name"] for party in answer.data["parties"]] == ["A", "Acme", "B", "Acme"]
    assert answer.data["named"] == [{"name": "Acme"}, None, None, None, None, {"name": "C", "age": 1}, None]


def test_a_type_that_disowns_a_value_fails_it() -> None:
    schema = build_schema("type A { x: Int } type Query { a: A, as: [A] }")
    schema.type_map["A"].is_type_of = lambda value, info: bool(info.path) and value["x"] > 1  # type: ignore[attr-defined]

    answer = in_sync(schema, "{ a { x } as { x } }", lambda: {"a": {"x": 1}, "as": [{"x": 2}, {"x": "y"}, {"x": 3}]})

    assert answer.data == {"a": None, "as": [{"x": 2}, None, {"x": 3}]}


def test_a_type_that_names_its_class_is_not_asked_about_its_instances() -> None:
    class Mine(SimpleNamespace):
        pass

    asked: list[Any] = []

    def is_type_of(value: Any, _info: Any) -> bool:
        asked.append(value)
        return isinstance(value, Mine)

    is_type_of.instances_of = Mine  # type: ignore[attr-defined]
    schema = build_schema("type A { x: Int } type Query { as: [A] }")
    schema.type_map["A"].is_type_of = is_type_of  # type: ignore[attr-defined]

    answer = in_sync(schema, "{ as { x } }", lambda: {"as": [Mine(x=1), Mine(x=2)]})
    assert answer.data == {"as": [{"x": 1}, {"x": 2}]}
    assert asked == [Mine(x=1), Mine(x=2)], "by graphql-core only"

    answer = in_sync(schema, "{ as { x } }", lambda: {"as": [Mine(x=1), SimpleNamespace(x=2)]})
    assert answer.data == {"as": [{"x": 1}, None]}


def test_a_type_of_some_instances_of_a_class_disowns_the_others() -> None:
    def is_type_of(value: Any, _info: Any) -> bool:
        return isinstance(value, SimpleNamespace) and bool(value.x > 1)

    is_type_of.instances_of = SimpleNamespace  # type: ignore[attr-defined]
    is_type_of.that_are = lambda value: value.x > 1  # type: ignore[attr-defined]
    schema = build_schema("type A { x: Int } type Query { as: [A] }")
    schema.type_map["A"].is_type_of = is_type_of  # type: ignore[attr-defined]

    mine = in_sync(schema, "{ as { x } }", lambda: {"as": [SimpleNamespace(x=2), SimpleNamespace(x=3)]})
    mixed = in_sync(schema, "{ as { x } }", lambda: {"as": [SimpleNamespace(x=n) for n in (1, 2, "y")]})

    assert mine.data == {"as": [{"x": 2}, {"x": 3}]}
    assert mixed.data == {"as": [None, {"x": 2}, None]}


def test_values_that_are_not_of_the_type_are_coerced_or_refused_one_by_one() -> None:
    schema = build_schema("type Query { i: [Int] f: [Float] s: [String] b: [Boolean] d: [ID] e: [E] } enum E { A B }")
    values: list[Any] = [1, True, 1.0, 1.5, "1", "x", None, 2**31, -(2**31), float("nan"), float("inf"), [], {}, b"b"]

    for name in "ifsbde":
        in_sync(schema, f"{{ {name} }}", lambda name=name: {name: values})  # type: ignore[misc]
        for value in values:
            in_sync(schema, f"{{ {name} }}", lambda name=name, value=value: {name: [value]})  # type: ignore[misc]


def test_enums_of_any_value_are_named_and_strangers_refused() -> None:
    enum = GraphQLEnumType("E", {"ONE": 1, "TEXT": "text", "LIST": [1]})
    schema = GraphQLSchema(GraphQLObjectType("Query", {"e": GraphQLField(GraphQLList(enum))}))

    answer = in_sync(schema, "{ e }", lambda: {"e": [1, "text", [1], True, 1.0, 2, None, "ONE"]})

    assert answer.data == {"e": ["ONE", "TEXT", "LIST", "ONE", "ONE", None, None, None]}


def test_the_answer_shares_no_list_with_the_data() -> None:
    texts = ["a", "b"]

    answer = in_sync(SCHEMA, "{ texts }", lambda: {"texts": texts})

    assert answer.data is not None
    assert answer.data["texts"] == texts
    assert answer.data["texts"] is not texts


def test_resolvers_see_their_path() -> None:
    schema = build_schema("type A { as: [[A]] path: String here: B } type B { path: String } type Query { a: A }")

    def path(_source: Any, info: GraphQLResolveInfo[Any]) -> str:
        return f"{info.path.as_list()} {info.path.typename} {info.parent_type} {info.return_type} {info.field_name}"

    for name in "AB":
        schema.type_map[name].fields["path"].resolve = path  # type: ignore[attr-defined]
    root = {"a": {"as": [[{"here": {}}], [None, {"here": None}, {"here": {}}]], "here": {}}}

    answer = in_sync(schema, "{ a { path as { p: path here { path } } } }", lambda: root)

    assert answer.data is not None
    assert answer.data["a"]["as"][1][2]["here"]["path"] == "['a', 'as', 1, 2, 'here', 'path'] B B String path"


def test_methods_and_mapping_keys_answer_fields_without_a_resolver() -> None:
    class Person(dict[str, Any]):
        pass

    class Employee:
        age = 3

        def name(self, info: GraphQLResolveInfo[Any]) -> str:
            return f"{info.field_name} of {type(self).__name__}"

    root = {"people": [Employee(), {"name": lambda _info: "called", "age": 1}, Person(name="P", age=2), 5]}

    answer = in_sync(SCHEMA, "{ people { name age @skip(if: false) } }", lambda: root)

    assert answer.data == {
        "people": [{"name": "name of Employee", "age": 3}, {"name": "called", "age": 1}, {"name": "P", "age": 2}, None]
    }


def test_an_attribute_that_fails_fails_its_object_only() -> None:
    class Fragile:
        def __init__(self, number: int) -> None:
            self.number = number

        @property
        def name(self) -> str:
            if self.number == 1:
                raise ValueError("fragile")
            if self.number == 2:
                raise AttributeError("missing within")
            return "whole"

    people = [Fragile(number) for number in range(4)]
    answer = in_sync(SCHEMA, "{ people { name } }", lambda: {"people": people})

    assert answer.data == {"people": [{"name": "whole"}, {"name": None}, {"name": None}, {"name": "whole"}]}


def test_resolvers_given_to_the_executor_are_used() -> None:
    arguments = {
        "field_resolver": lambda source, info, **_arguments: f"{info.field_name} of {source}",
        "type_resolver": lambda _value, _info, _type: "Person",
    }

    answer = in_sync(SCHEMA, "{ named { name } echo }", lambda: "root", **arguments)
    assert answer.data == {"named": None, "echo": "echo of root"}

    schema = build_schema("interface N { n: String } type A implements N { n: String } type Query { n: N }")
    answer = in_sync(schema, "{ n { n __typename } }", lambda: 1, **(arguments | {"type_resolver": lambda *_: "A"}))
    assert answer.data == {"n": {"n": "n of n of 1", "__typename": "A"}}


def test_introspection_is_answered_by_the_engine() -> None:
    text = get_introspection_query(specified_by_url=True, directive_is_repeatable=True, schema_description=True)

    answer = in_sync(SCHEMA, text)

    assert answer.data is not None
    assert len(answer.data["__schema"]["types"]) == len(SCHEMA.type_map)
    in_sync(
        SCHEMA,
        '{ __type(name: "Person") { fields { name type { name ofType { name } } } } a: __type(name: "-") { name } }',
    )


def test_mutations_run_one_after_another_and_stop_at_a_broken_root() -> None:
    done: list[str] = []

    def root() -> dict[str, Any]:
        def command(name: str, answer: Any) -> Any:
            def do(_info: Any) -> Any:
                done.append(name)
                return answer

            return do

        return {
            "person": command("person", person("A")),
            "organization": command("organization", None),
            "people": command("people", []),
        }

    answer = in_sync(SCHEMA, "mutation { person { name } organization { name } people { name } }", root)

    assert answer.data is None
    assert done == ["person", "organization"] * 2
    assert in_sync(SCHEMA, "mutation { b: person { name } a: people { age } }", root).data == {
        "b": {"name": "A"},
        "a": [],
    }


def test_a_field_that_the_type_does_not_have_is_left_out() -> None:
    assert in_sync(SCHEMA, "{ missing texts }", lambda: {"texts": []}).data == {"texts": []}


def test_execute_sync_takes_awaitables_for_values() -> None:
    schema = GraphQLSchema(GraphQLObjectType("Query", {"a": GraphQLField(GraphQLString)}))

    class Later:
        def __await__(self) -> Iterator[None]:
            raise AssertionError

        def __str__(self) -> str:
            return "a value"

    assert in_declared_sync(schema, "{ a }", lambda: {"a": Later()}).data == {"a": "a value"}
