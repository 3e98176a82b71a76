"""The page of the audit log names every action that can stand in it, and no other."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from tests.docs.markdown import ROOT, page_at
from tests.every_mutation import ENTRIES

_ACTION = re.compile(r"[a-z]+(?:_[a-z]+)*\.[a-z]+(?:_[a-z]+)*")
_ROW = re.compile(r"^\| `(?P<action>[a-z_.]+)` \| [^|]+ \| [^|]+ \|$", re.MULTILINE)
_WRITES = [*(ROOT / "resolvers").rglob("*.py"), *(ROOT / "connectors" / "directory").glob("*.py")]
_NO_ACTIONS = ("getLogger", "attrgetter", "attribute", "get_template")
"""Functions whose arguments look like actions and are none."""


def test_every_action_is_explained_and_no_other() -> None:
    explained = _explained()

    assert explained == sorted(explained)
    assert explained == sorted({"view_as", *(action for file in _WRITES for action in _actions_in(file))})


def test_every_action_of_a_command_is_explained() -> None:
    """However its name is written in the code."""
    assert {row.action for entry in ENTRIES.values() for row in entry.rows} <= set(_explained())


def _explained() -> list[str]:
    return [row["action"] for row in _ROW.finditer(page_at(ROOT / "docs" / "audit.md").text)]


def _actions_in(file: Path) -> Iterator[str]:
    """Return what is handed to a function, or stands in a table of actions, and is written like an action."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        match node:
            case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)) if name not in _NO_ACTIONS:
                texts = [*node.args, *(keyword.value for keyword in node.keywords)]
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Dict(values=texts)) if "ACTIONS" in name:
                pass
            case ast.Assign(targets=[ast.Name(id="action")], value=value):
                texts = [value]
            case _:
                continue
        for text in texts:
            if isinstance(text, ast.Constant) and isinstance(text.value, str) and _ACTION.fullmatch(text.value):
                yield text.value
