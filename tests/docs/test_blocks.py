"""The reader of the pages finds what is wrong, and says where."""

from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.docs.blocks import Reading
from tests.docs.markdown import Page
from tests.docs.shell import Workspace, commands_of


@pytest.fixture(scope="module")
def workspace() -> Iterator[Workspace]:
    """A workspace whose server is never started."""
    workspace = Workspace()
    yield workspace
    workspace.close()


async def problems_of(text: str, workspace: Workspace) -> list[str]:
    async with AsyncExitStack() as opened:
        return await Reading(Page(Path("page.md"), text), workspace, opened).problems()


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("```mermaid\ngraph\n```\n", "page.md:1: a block of the kind 'mermaid' cannot be checked"),
        ("```\nwhat?\n```\n", "page.md:1: a block of the kind '' cannot be checked"),
        ("```json\n{}\n```\n", "page.md:1: nothing stands before this block"),
        ("text\n\n```graphql\n{ viewr }\n```\n", "page.md:3: the query fails"),
        ("<!-- part -->\n```graphql\n{ viewer { id } }\n```\n", "page.md:2: the comment 'part' means nothing"),
        ("```graphql\n{ viewer { id } }\n```\n```json\n{}\n```\n", "page.md:4: an empty answer says nothing"),
        (
            '```graphql\n{ viewer { id } }\n```\n\nanswers\n\n```json\n{"data": {"viewer": "x"}}\n```\n',
            "page.md:7: .data.viewer is None, not 'x'",
        ),
        ("<!-- schema -->\n```graphql\ntype Viewer { no: Int }\n```\n", "page.md:2: in the schema"),
        ("```python\nassert False\n```\n", "page.md:1: AssertionError()"),
        ("```toml\nkey = 1\n```\n", "page.md:1: say what reads this file"),
        ("<!-- reads: settings -->\n```toml\nprofil = 'x'\n```\n", "page.md:2: There is no setting profil"),
        ("```sh\nmake rnu\n```\n", "page.md:1: make rnu: "),
        ("```sh\nmake run PROT=1\n```\n", "page.md:1: make run PROT=1: the Makefile knows no PROT"),
        ("```sh\nrm -rf data\n```\n", "page.md:1: rm -rf data: nobody here can check this command"),
        ("```sh\nforecourt serve --prot 1\n```\n", "page.md:1: forecourt serve --prot 1: "),
        ("```sh\nFORECOURT_PROT=1 forecourt serve\n```\n", "page.md:1: FORECOURT_PROT=1 forecourt serve: There is no"),
    ],
)
async def test_a_block_that_is_wrong_is_found(text: str, problem: str, workspace: Workspace) -> None:
    (found,) = await problems_of(text, workspace)

    assert found.startswith(problem)


async def test_what_is_right_passes(workspace: Workspace) -> None:
    text = (
        '```graphql\n{ viewer { id } }\n```\n```json\n{ "data": { "viewer": null } }\n```\n'
        "```sh\nmake run   # a comment\n```\n```python\nprint(1)\n```\n```text\n1\n```\n"
    )

    assert await problems_of(text, workspace) == []


def test_a_command_goes_on_over_lines_and_quotations() -> None:
    commands = commands_of("token=$(forecourt token a)\ncurl -d '{\n}' \\\n  -s x\nmake run # now\n")

    assert [command.words for command in commands] == [(), ("curl", "-d", "{\n}", "-s", "x"), ("make", "run")]


def test_anchors_are_made_as_on_github() -> None:
    page = Page(Path("page.md"), "# A `code` & more\n## Same\n## Same\n```sh\n# not one\n```\n")

    assert page.anchors == {"a-code--more", "same", "same-1"}
