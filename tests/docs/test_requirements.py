"""The page of requirements has each row once, and says which tests show it or that it does not work yet."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from itertools import chain
from pathlib import Path

from tests.docs.markdown import ROOT

PAGE = ROOT / "docs" / "requirements.md"
ROWS = [*(f"K{number}" for number in range(1, 64)), *(f"D{number}" for number in range(1, 42))]

_ROW = r"(?:K(?:6[0-3]|[1-5]\d|[1-9])|D(?:4[01]|[1-3]\d|[1-9]))"
_NAMED = re.compile(rf"\b({_ROW})(?:-({_ROW}))?\b")
_UNPUBLISHED = re.compile(r"\b(?:DOMAIN|SEMANTICS|ENGINE)\b|\b(?:DESIGN|EXTENSION|PARTS|SIGNIN|STYLE)\.md\b")
_WORKS = re.compile(r"\*\*Works\.\*\*|\*\*Works in part:\*\* \w")
_NOT_YET = re.compile(r"\*\*Not yet:\*\* \w")
_TEST = re.compile(r"^- `(?P<file>tests/[\w/]+\.py)::(?P<function>test_\w+)`$", re.MULTILINE)

_PRODUCT = ("bench", "connectors", "docs", "gateway", "permissions", "resolvers", "schema", "scripts")
_WRITTEN = {".graphql", ".html", ".js", ".json", ".jsx", ".md", ".py", ".sh", ".toml", ".yaml"}
_MADE = {"node_modules", "dist", "package-lock.json"}


def test_every_row_stands_on_the_page_once_and_in_order() -> None:
    titles = re.findall(r"^### (.+)$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)

    assert titles == ROWS


def test_a_row_that_works_is_shown_by_tests_and_one_that_does_not_says_so() -> None:
    problems = []
    for row, text in _rows().items():
        tests = _TEST.findall(text)
        if len(_WORKS.findall(text)) != bool(tests) or len(_NOT_YET.findall(text)) != (not tests):
            problems.append(f"{row}: **Works.** or **Works in part:** … and its tests, or **Not yet:** … and none.")
        if len(tests) != text.count("\n- "):
            problems.append(f"{row}: write a test as - `tests/file.py::test_name`")

    assert problems == []


def test_every_test_on_the_page_exists() -> None:
    missing = [f"{row}: {file}::{name}" for row in ROWS for file, name in _tests_of(row) if name not in _names_in(file)]

    assert missing == []


def test_a_test_that_names_a_row_is_in_a_file_that_the_page_names_for_it() -> None:
    problems = []
    for path in _files("tests"):
        file = path.relative_to(ROOT).as_posix()
        if path.name.startswith("test_") and path != Path(__file__):
            problems += [
                f"{file} names {row}: name one of its tests at {row} in docs/requirements.md, or do not name the row."
                for row in _rows_in(path)
                if file not in {shown for shown, _ in _tests_of(row)}
            ]

    assert problems == []


def test_nothing_else_names_a_row_and_nothing_at_all_a_page_that_is_not_published() -> None:
    problems = [
        f"{path.relative_to(ROOT)} names {row}: say what is meant."
        for path in _files(*_PRODUCT)
        if path != PAGE
        for row in _rows_in(path)
    ]
    problems += [
        f"{path.relative_to(ROOT)} names {match[0]}, which nobody else has: say what is meant."
        for path in _files(*_PRODUCT, "tests")
        if path != Path(__file__)
        for match in _UNPUBLISHED.finditer(path.read_text(encoding="utf-8"))
    ]

    assert problems == []


@cache
def _rows() -> dict[str, str]:
    """Return what stands below the heading of each row."""
    parts = re.split(r"^### (.+)$", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def _tests_of(row: str) -> list[tuple[str, str]]:
    """Return file and name of each test that shows the row."""
    return _TEST.findall(_rows()[row])


@cache
def _names_in(file: str) -> set[str]:
    path = ROOT / file
    tree = ast.parse(path.read_text(encoding="utf-8") if path.exists() else "")
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


def _rows_in(path: Path) -> list[str]:
    """Return the rows that a file names, those within a range too."""
    return [
        row
        for first, last in _NAMED.findall(path.read_text(encoding="utf-8"))
        for row in ROWS[ROWS.index(first) : ROWS.index(last or first) + 1]
    ]


def _files(*folders: str) -> Iterator[Path]:
    """Return what people have written in these folders, and beside them."""
    for path in chain(ROOT.glob("*"), *((ROOT / folder).rglob("*") for folder in folders)):
        if path.suffix in _WRITTEN and path.is_file() and _MADE.isdisjoint(path.relative_to(ROOT).parts):
            yield path
