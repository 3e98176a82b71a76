"""Every block of every page does what the page says, and every link leads somewhere."""

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack

import pytest

from tests.docs.blocks import Reading
from tests.docs.markdown import ROOT, Page, page_at, pages
from tests.docs.shell import Workspace

PAGES = pages()
NAMES = [page.name for page in PAGES]
LONG = tuple(f"docs/{name}.md" for name in ("operations", "permissions", "mail", "audit", "configuration", "frontend"))
"""These start a command of ours for almost every block, and some of them the tests."""


@pytest.fixture(scope="module")
def shared_workspace() -> Iterator[Workspace]:
    """The workspace of all pages that leave the code as it is."""
    workspace = Workspace()
    yield workspace
    workspace.close()


@pytest.fixture
async def opened() -> AsyncIterator[AsyncExitStack]:
    """What a page opens, closed after it."""
    async with AsyncExitStack() as stack:
        yield stack


@pytest.mark.parametrize(
    "page", [pytest.param(page, id=page.name, marks=pytest.mark.slow if page.name in LONG else ()) for page in PAGES]
)
async def test_every_block_does_what_the_page_says(
    page: Page, shared_workspace: Workspace, opened: AsyncExitStack
) -> None:
    workspace = shared_workspace
    if any(block.notes.keys() & {"adds", "replaces"} for block in page.blocks):
        workspace = Workspace(copied=True)
        opened.callback(workspace.close)

    problems = await Reading(page, workspace, opened).problems()

    assert not problems, "\n\n".join(problems)


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_every_link_leads_somewhere(page: Page) -> None:
    problems = []
    for link in page.links:
        target, _, anchor = link.target.partition("#")
        if target.startswith(("https://", "http://", "mailto:")):
            continue
        file = (page.path.parent / target).resolve() if target else page.path
        if not file.is_relative_to(ROOT) or not file.exists():
            problems.append(f"{page.name}:{link.line}: there is no {link.target}")
        elif anchor and (file.suffix != ".md" or anchor not in page_at(file).anchors):
            problems.append(f"{page.name}:{link.line}: {file.name} has no heading #{anchor}")

    assert not problems, "\n".join(problems)


def test_the_index_leads_to_every_page() -> None:
    index = next(page for page in PAGES if page.name == "docs/README.md")
    linked = {(index.path.parent / link.target.partition("#")[0]).resolve() for link in index.links}

    forgotten = [page.name for page in PAGES if page.name.startswith("docs/") and page.path not in linked]

    assert forgotten == ["docs/README.md"]
