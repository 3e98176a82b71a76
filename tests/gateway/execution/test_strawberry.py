"""A strawberry schema needs one argument to run on the engine, and none to run without it."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any
from uuid import UUID

import pytest
import strawberry
from graphql import parse
from strawberry.extensions import SchemaExtension
from strawberry.permission import BasePermission
from strawberry.types import Info

from gateway.execution import HANDED_OVER, BreadthFirstExecutor
from gateway.execution.field_plans import AttributeField, ResolvedField
from gateway.execution.planner import Plan
from tests.gateway.execution.both import StrawberrysExecutor, as_text, error_facts


@strawberry.enum
class Color(Enum):
    RED = "red"
    GREEN = strawberry.enum_value("green", name="VERT")


@strawberry.interface
class Node:
    id: strawberry.ID


class Never(BasePermission):
    message = "never"

    def has_permission(self, source: Any, info: Info, **kwargs: Any) -> bool:
        return False


@strawberry.input
class Filter:
    color: Color = Color.RED
    names: list[str] = strawberry.field(default_factory=list)


@strawberry.type
class Book(Node):
    title: str
    color: Color
    price: Decimal
    published: date
    pages: int | None = None

    @strawberry.field
    def path(self, info: Info) -> str:
        return f"{info.path.as_list()} {info.field_name} {info.variable_values} {info.operation_extensions}"

    @strawberry.field(permission_classes=[Never])
    def secret(self) -> str | None:
        return "secret"

    @strawberry.field
    async def later(self, plus: int = 1) -> int:
        await asyncio.sleep(0)
        return (self.pages or 0) + plus


@strawberry.type
class Magazine(Node):
    issue: int


@strawberry.type
class Plain:
    uuid: UUID
    at: datetime
    snake_case: float
    flags: list[bool]


@dataclass(slots=True)
class PlainRecord:
    """No strawberry type, but its attributes are those that `Plain` reads."""

    uuid: UUID
    at: datetime
    snake_case: float
    flags: list[bool]


def book(number: int, **changes: Any) -> Book:
    values = {"title": f"T{number}", "color": Color.GREEN, "price": Decimal("1.50"), "published": date(2024, 1, number)}
    return Book(id=strawberry.ID(str(number)), **{**values, **changes})


@strawberry.type
class Query:
    @strawberry.field
    def books(self, filter: Filter | None = None) -> list[Book]:
        return [book(1), book(2, color=filter.color if filter else Color.RED), book(3, title=None)]

    @strawberry.field
    def maybe_books(self) -> list[Book | None]:
        return [book(1, pages=5), book(2, color="no color"), book(3, pages="x")]

    @strawberry.field
    def nodes(self) -> list[Node]:
        return [book(1), Magazine(id=strawberry.ID("m"), issue=3)]

    @strawberry.field
    def search(self) -> list[Annotated[Book | Magazine, strawberry.union("Found")]]:
        return [Magazine(id=strawberry.ID("m"), issue=3), book(1)]

    @strawberry.field
    def plain(self) -> list[Plain]:
        record: Any = PlainRecord(UUID(int=1), datetime(2024, 1, 1, tzinfo=UTC), 1.5, [True, False])
        return [record, record]


@strawberry.type
class Mutation:
    @strawberry.mutation
    async def rename(self, title: str) -> Book:
        await asyncio.sleep(0)
        return book(1, title=title)


@strawberry.type
class Subscription:
    @strawberry.subscription
    async def count(self, info: Info, to: int = 2) -> AsyncIterator[int]:
        for number in range(to):
            yield number


def schemas(**further: Any) -> tuple[strawberry.Schema, strawberry.Schema]:
    """Return the schema without and with the engine."""
    parts: dict[str, Any] = {
        "query": Query,
        "mutation": Mutation,
        "subscription": Subscription,
        "types": [Magazine],
        **further,
    }
    return strawberry.Schema(**parts), strawberry.Schema(**parts, execution_context_class=StrawberrysExecutor)


OPERATIONS = [
    "{ plain { uuid at snakeCase flags __typename } }",
    "{ nodes { id __typename ... on Book { title price published color } ... on Magazine { issue } } }",
    "{ search { ... on Node { id } ... on Book { title } ... on Magazine { issue __typename } } }",
    "{ maybeBooks { title color pages } }",
    "{ books { title } }",
    "query ($f: Filter) { books(filter: $f) { color path } }",
    "{ maybeBooks { secret id } }",
    "{ __schema { types { name fields { name args { name defaultValue } type { name } } } } }",
]


@pytest.mark.parametrize("text", OPERATIONS)
@pytest.mark.parametrize("is_sync", [True, False])
async def test_both_give_the_same_answer(text: str, is_sync: bool) -> None:
    variables = {"f": {"color": "VERT", "names": ["a"]}}
    handed_over = HANDED_OVER.total()

    answers = []
    for schema in schemas():
        if is_sync:
            answers.append(schema.execute_sync(text, variables, operation_extensions={"a": 1}))
        else:
            answers.append(await schema.execute(text, variables, operation_extensions={"a": 1}))

    expected, answered = answers
    assert as_text(answered.data) == as_text(expected.data)
    assert error_facts(answered) == error_facts(expected)  # type: ignore[arg-type]
    assert HANDED_OVER.total() == handed_over


@pytest.mark.parametrize(
    "text", ["{ maybeBooks { a: later later(plus: 5) } }", 'mutation { rename(title: "N") { title later } }']
)
async def test_asynchronous_resolvers_give_the_same_answer(text: str) -> None:
    expected, answered = [await schema.execute(text) for schema in schemas()]

    assert as_text(answered.data) == as_text(expected.data)
    assert error_facts(answered) == error_facts(expected)  # type: ignore[arg-type]


async def test_subscriptions_run_on_the_engine() -> None:
    _, schema = schemas()

    stream: Any = await schema.subscribe("subscription { count(to: 3) }")

    assert [event.data async for event in stream] == [{"count": 0}, {"count": 1}, {"count": 2}]


async def test_an_extension_that_wraps_resolvers_is_left_to_graphql_core() -> None:
    class Loud(SchemaExtension):
        def resolve(self, _next: Any, root: Any, info: Any, *args: Any, **kwargs: Any) -> Any:
            value = _next(root, info, *args, **kwargs)
            return value.upper() if isinstance(value, str) else value

    before = HANDED_OVER["middleware"]

    expected, answered = [await schema.execute("{ nodes { id } }") for schema in schemas(extensions=[Loud])]

    assert answered.data == expected.data == {"nodes": [{"id": "1"}, {"id": "M"}]}
    assert HANDED_OVER["middleware"] == before + 1


def test_plain_fields_are_recognised_as_attributes() -> None:
    core = schemas()[1]._schema
    executor: Any = BreadthFirstExecutor.build(
        core, parse("{ title color price published pages path secret later id }")
    )
    book_type: Any = core.type_map["Book"]

    selection = Plan().root_of(executor, book_type)

    read_by_attribute = {field.key for field in selection.fields if type(field) is AttributeField}
    assert read_by_attribute == {"title", "color", "price", "published", "pages", "id"}
    assert {type(field) for field in selection.fields if field.key not in read_by_attribute} == {ResolvedField}
