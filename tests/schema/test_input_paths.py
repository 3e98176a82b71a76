"""Where a refusal points: resolvers say it in Python's names, clients read it in those of the graph."""

import ast
from pathlib import Path

from graphql import GraphQLInputObjectType

import resolvers
from resolvers.refusals import Stale
from schema.graph.user_errors import Entry, input_path
from tests.schemas import shared_core


def test_a_path_is_written_in_the_names_of_the_graph() -> None:
    assert input_path(["changes", "0", "role_keys", "12"]) == ["changes", "0", "roleKeys", "12"]
    assert Entry(Stale(2, ["expected_version"], node=None), "").path == ["expectedVersion"]


def test_no_resolver_spells_the_fields_of_inputs_as_the_graph_does() -> None:
    fields = {
        name
        for type_ in shared_core().type_map.values()
        if isinstance(type_, GraphQLInputObjectType)
        for name in type_.fields
        if name != name.lower()
    }

    spelled = [
        f"{path.name}:{node.lineno} writes {node.value}; write it in Python's way, the schema translates paths"
        for path in sorted(Path(resolvers.__file__ or "").parent.rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and node.value in fields
    ]

    assert len(fields) > 20
    assert spelled == []
