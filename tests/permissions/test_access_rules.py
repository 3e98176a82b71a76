"""What fields, look-ups and mutations ask of a caller has one name, and is asked by it."""

import ast
from pathlib import Path

import pytest

from permissions import access_rules
from permissions.access_rules import AccessRule
from permissions.vocabulary import Permission

ROOT = Path(access_rules.__file__).parent.parent
RULES = {name: rule for name, rule in vars(access_rules).items() if isinstance(rule, AccessRule)}


def test_no_two_names_stand_for_one_rule() -> None:
    assert len(set(RULES.values())) == len(RULES)


@pytest.mark.parametrize("name", RULES)
def test_every_rule_is_asked_somewhere(name: str) -> None:
    assert any(name in path.read_text(encoding="utf-8") for path in _sources("schema", "resolvers"))


def test_no_permission_is_named_but_by_a_rule() -> None:
    named = [
        f"{path.relative_to(ROOT)}:{node.lineno} names {node.attr}; ask by a rule of permissions/access_rules.py"
        for path in _sources("schema", "resolvers", "connectors", "gateway")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and node.attr in Permission.__members__
    ]

    assert named == []


def _sources(*packages: str) -> list[Path]:
    return [path for package in packages for path in sorted((ROOT / package).rglob("*.py"))]
