"""The pages of reference are complete: every code, every setting, every dependency, and nothing that is gone."""

import ast
import re
import tomllib
from pathlib import Path

from gateway.pipeline.error_formatting import CODES
from gateway.server.request_errors import MASKED
from resolvers.refusals import ErrorCode
from tests.docs.markdown import ROOT, page_at

_CODE = re.compile(r"[A-Z]{2,}(?:_[A-Z]+)+")
_NO_CODES = {"NOT_A_MEMBER"}
"""Words in capitals in the gateway's code that are no error codes."""

_ROW = re.compile(r"^\| `(?P<name>[^`]+)` \| (?P<second>.*?) \| (?P<third>.*?) \|$", re.MULTILINE)


def test_every_code_of_the_code_is_explained_and_no_other() -> None:
    headings = {heading.strip("`") for heading in page_at(ROOT / "docs" / "errors.md").headings}
    explained = {heading for heading in headings if heading.isupper()}

    assert explained == _codes()


def test_every_dependency_has_its_reason_and_no_other() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    groups = project["dependency-groups"].values()
    wanted = [*project["project"]["dependencies"], *(entry for group in groups for entry in group)]
    names = {re.split(r"[~<>=\[]", entry)[0] for entry in wanted if isinstance(entry, str)}

    explained = {row["name"] for row in _rows("docs/dependencies.md")}

    assert explained == names


def _rows(page: str) -> list[re.Match[str]]:
    return list(_ROW.finditer(page_at(ROOT / page).text))


def _codes() -> set[str]:
    """Return the codes: by the table, by the enum, and what stands in capitals like one where requests are refused."""
    found = {*CODES.values(), MASKED, *(code.value for code in ErrorCode)}
    for room in ("auth", "pipeline", "server"):
        for file in (ROOT / "gateway" / room).rglob("*.py"):
            found |= {text for text in _texts(file) if _CODE.fullmatch(text)}
    return found - _NO_CODES


def _texts(file: Path) -> set[str]:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    return {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}
