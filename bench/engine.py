"""Measures the engine alone against graphql-core: CPU time, data in memory, the contestants in alternation.

Run `python -m bench.engine` from the root of the repository. The last line is JSON.
"""

import asyncio
import gc
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from inspect import isawaitable
from statistics import median
from time import process_time
from typing import Any

from aiodataloader import DataLoader
from graphql import (
    DocumentNode,
    ExecutionResult,
    GraphQLField,
    GraphQLFloat,
    GraphQLID,
    GraphQLInt,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLString,
    execute,
    parse,
)

from gateway.execution import HANDED_OVER, BreadthFirstExecutor

LEAVES = 10
"""Leaf values of each row of the flat answers."""

BATCH_SECONDS = 0.15


@dataclass(frozen=True, slots=True)
class Row:
    a: str
    b: str
    c: int
    d: str
    e: int
    f: str
    g: str
    h: int
    i: float
    j: str


@dataclass(frozen=True, slots=True)
class User:
    id: str
    name: str
    email: str


@dataclass(frozen=True, slots=True)
class Role:
    id: str
    name: str


@dataclass(frozen=True, slots=True)
class Member:
    id: str
    user_id: str
    since: str
    status: str
    language: str


@dataclass(frozen=True, slots=True)
class Order:
    id: str
    number: str
    placed_by: str
    placed_at: str
    status: str
    total: float
    currency: str


@dataclass(frozen=True, slots=True)
class Line:
    id: str
    position: int
    article: str
    title: str
    quantity: int
    price: float


@dataclass(frozen=True, slots=True)
class Organization:
    id: str
    name: str
    number: str
    city: str


class Shop:
    """One organization with 25 members with roles and 20 orders of 5 lines, as a back end would have them."""

    def __init__(self) -> None:
        self.organizations = [Organization("1", "Acme", "C-100", "Berlin")]
        self.users = {str(n): User(str(n), f"Person {n}", f"person{n}@acme.example") for n in range(25)}
        self.roles = [Role(str(n), f"Role {n}") for n in range(6)]
        self.members = {"1": [Member(f"m{n}", str(n), "2024-01-01", "ACTIVE", "de") for n in range(25)]}
        self.roles_of = {f"m{n}": [self.roles[n % 6], self.roles[(n + 2) % 6]] for n in range(25)}
        self.orders = {
            "1": [
                Order(f"o{n}", f"2024-{n:04}", str(n % 25), "2024-05-01T10:00:00Z", "SHIPPED", 100.5 + n, "EUR")
                for n in range(20)
            ]
        }
        self.lines = {
            f"o{n}": [Line(f"l{n}-{k}", k, f"A-{k}", f"Article {k}", k + 1, 9.5 * (k + 1)) for k in range(5)]
            for n in range(20)
        }


@dataclass(frozen=True, slots=True)
class Relation:
    """Where a relation is read, for a batch field and for a loader alike."""

    name: str
    key: str
    source: Callable[[Shop], dict[str, Any]]

    async def answer(self, context: "Context", parents: Sequence[Any], _arguments: dict[str, Any]) -> list[Any]:
        found = self.source(context.shop)
        key = self.key
        return [found[getattr(parent, key)] for parent in parents]

    def resolve(self, parent: Any, info: Any, **_arguments: Any) -> Any:
        return info.context.loader(self).load(getattr(parent, self.key))


class Context:
    """What a request brings: the shop, and the loaders that plain resolvers go through."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self.loaders: dict[str, DataLoader[str, Any]] = {}

    def loader(self, relation: Relation) -> DataLoader[str, Any]:
        loader = self.loaders.get(relation.name)
        if loader is None:
            found = relation.source(self.shop)

            async def load(keys: list[str]) -> list[Any]:
                return [found[key] for key in keys]

            loader = self.loaders[relation.name] = DataLoader(load)
        return loader


def flat_schema() -> GraphQLSchema:
    """Return a schema whose rows are plain attributes."""
    kinds = {"c": GraphQLInt, "e": GraphQLInt, "h": GraphQLInt, "i": GraphQLFloat, "a": GraphQLID}
    row = GraphQLObjectType(
        "Row", {name: GraphQLField(GraphQLNonNull(kinds.get(name, GraphQLString))) for name in "abcdefghij"}
    )
    return GraphQLSchema(GraphQLObjectType("Query", {"rows": GraphQLField(_list(row))}))


def shop_schema() -> GraphQLSchema:
    """Return the dashboard's schema; each relation is a batch field for the engine, a loader for graphql-core."""
    text = GraphQLNonNull(GraphQLString)

    def relation(type_: Any, name: str, key: str, source: Callable[[Shop], dict[str, Any]]) -> GraphQLField:
        described = Relation(name, key, source)
        return GraphQLField(type_, resolve=described.resolve, extensions={"batch": described})

    def attributes(**types: Any) -> dict[str, GraphQLField]:
        return {name: GraphQLField(type_) for name, type_ in types.items()}

    identity = GraphQLNonNull(GraphQLID)
    number, price = GraphQLNonNull(GraphQLInt), GraphQLNonNull(GraphQLFloat)
    user = GraphQLObjectType("User", attributes(id=identity, name=text, email=text))
    role = GraphQLObjectType("Role", attributes(id=identity, name=text))
    member = GraphQLObjectType(
        "Member",
        attributes(id=identity, since=text, status=text, language=text)
        | {
            "user": relation(user, "users", "user_id", lambda shop: shop.users),
            "roles": relation(_list(role), "roles", "id", lambda shop: shop.roles_of),
        },
    )
    line = GraphQLObjectType(
        "Line", attributes(id=identity, position=number, article=text, title=text, quantity=number, price=price)
    )
    order = GraphQLObjectType(
        "Order",
        attributes(id=identity, number=text, placed_at=text, status=text, total=price, currency=text)
        | {
            "placed_by": relation(user, "users", "placed_by", lambda shop: shop.users),
            "lines": relation(_list(line), "lines", "id", lambda shop: shop.lines),
        },
    )
    organization = GraphQLObjectType(
        "Organization",
        attributes(id=identity, name=text, number=text, city=text)
        | {
            "members": relation(_list(member), "members", "id", lambda shop: shop.members),
            "orders": relation(_list(order), "orders", "id", lambda shop: shop.orders),
        },
    )
    organizations = GraphQLField(_list(organization), resolve=lambda _source, info: info.context.shop.organizations)
    return GraphQLSchema(GraphQLObjectType("Query", {"organizations": organizations}))


FLAT = "{ rows { a b c d e f g h i j } }"
DASHBOARD = """{
  organizations {
    id name number city
    members { id since status language user { id name email } roles { id name } }
    orders {
      id number placed_at status total currency
      placed_by { id name }
      lines { id position article title quantity price }
    }
  }
}"""


def leaf_values(data: Any) -> int:
    """Return how many leaf values an answer has."""
    if isinstance(data, dict):
        return sum(map(leaf_values, data.values()))
    if isinstance(data, list):
        return sum(map(leaf_values, data))
    return 1


@dataclass(frozen=True, slots=True)
class Case:
    """An operation on data in memory."""

    name: str
    schema: GraphQLSchema
    document: DocumentNode
    root: Any
    context: Callable[[], Any]

    def run(self, executor: type[BreadthFirstExecutor] | None, times: int) -> tuple[float, ExecutionResult]:
        """Return the CPU seconds of one execution, averaged over `times`, and the last answer."""

        async def repeat() -> tuple[float, Any]:
            result: Any = None
            begin = process_time()
            for _ in range(times):
                result = execute(self.schema, self.document, self.root, self.context(), executor_class=executor)
                if isawaitable(result):
                    result = await result
            return (process_time() - begin) / times, result

        gc.collect()
        return asyncio.run(repeat())


def cases() -> list[Case]:
    """Return what is measured."""
    flat = flat_schema()
    found = []
    for size in (20, 1_000, 10_000, 100_000):
        rows = [
            Row(f"{n}", f"b{n}", n, f"d{n}", n * 2, "f", f"g{n}", n * 3, n * 0.5, "j") for n in range(size // LEAVES)
        ]
        found.append(Case(f"{size:,} leaf values", flat, parse(FLAT), {"rows": rows}, lambda: None))
    shop = Shop()
    found.append(Case("dashboard with relations", shop_schema(), parse(DASHBOARD), None, lambda: Context(shop)))
    return found


def measured(case: Case, rounds: int) -> dict[str, Any]:
    """Return the medians of both executors for this case, run in alternation."""
    once, expected = case.run(None, 1)
    _, answered = case.run(BreadthFirstExecutor, 1)
    assert answered.data == expected.data, case.name
    assert not answered.errors, case.name
    assert not expected.errors, case.name
    fast_once, _ = case.run(BreadthFirstExecutor, 3)
    slow_times, fast_times = max(1, round(BATCH_SECONDS / once)), max(3, round(BATCH_SECONDS / fast_once))
    slow, fast = [], []
    for _ in range(rounds):
        slow.append(case.run(None, slow_times)[0] * 1e6)
        fast.append(case.run(BreadthFirstExecutor, fast_times)[0] * 1e6)
    values = leaf_values(answered.data)
    return {
        "leaf_values": values,
        "graphql_core_us": round(median(slow), 1),
        "engine_us": round(median(fast), 1),
        "ratio": round(median(slow) / median(fast), 1),
        "engine_ns_per_leaf_value": round(median(fast) * 1_000 / values, 1),
    }


def main(rounds: int = 9) -> None:
    """Print the table and the JSON line."""
    results = {}
    print(f"{'':26}{'leaf values':>12}{'graphql-core µs':>17}{'engine µs':>12}{'ratio':>8}{'ns/leaf':>9}")  # noqa: T201
    for case in cases():
        result = results[case.name] = measured(case, rounds)
        print(  # noqa: T201
            f"{case.name:26}{result['leaf_values']:>12,}{result['graphql_core_us']:>17,.1f}{result['engine_us']:>12,.1f}"
            f"{result['ratio']:>8.1f}{result['engine_ns_per_leaf_value']:>9.1f}"
        )
    assert not HANDED_OVER
    print(json.dumps({"bench": "engine", "results": results}))  # noqa: T201


def _list(type_: Any) -> Any:
    return GraphQLNonNull(GraphQLList(GraphQLNonNull(type_)))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 9)
