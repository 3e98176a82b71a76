"""The part of Vendure's schema that we keep is what a live Vendure has."""

from pathlib import Path
from typing import Any

import httpx2
import pytest
from graphql import (
    GraphQLSchema,
    build_client_schema,
    build_schema,
    get_introspection_query,
    is_enum_type,
    is_input_object_type,
    is_object_type,
)

from connectors.shop import vendure as connector
from tests.vendure.live import running_vendure

SCHEMA = Path(connector.__file__).with_name("schema.graphql")

pytestmark = pytest.mark.slow


async def _theirs() -> GraphQLSchema:
    vendure = await running_vendure()
    async with httpx2.AsyncClient(timeout=60) as client:
        answer = await client.post(vendure.url, json={"query": get_introspection_query()})
    return build_client_schema(answer.json()["data"])


async def test_every_field_and_argument_that_we_know_is_there_with_the_same_type() -> None:
    theirs: Any = (await _theirs()).type_map
    ours = build_schema(SCHEMA.read_text(encoding="utf-8"))

    different = []
    mine: Any
    for name, mine in ours.type_map.items():
        other = theirs.get(name)
        if type(other) is not type(mine):
            different.append(f"{name} is {type(other).__name__}")
        elif is_enum_type(mine):
            different += [f"{name}.{value}" for value in mine.values if value not in other.values]
        elif (is_object_type(mine) or is_input_object_type(mine)) and not name.startswith("__"):
            for field, it in mine.fields.items():
                found = other.fields.get(field)
                if found is None or str(found.type) != str(it.type):
                    different.append(f"{name}.{field}: {found and found.type}")
                for argument, asked in getattr(it, "args", {}).items():
                    if str(found.args[argument].type) != str(asked.type):
                        different.append(f"{name}.{field}({argument}:)")
    assert different == []
