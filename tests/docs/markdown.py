"""Reading a page: its blocks with what is said of them, its headings, its links."""

import re
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).parents[2]

_FENCE = re.compile(r"^(?P<fence>```+|~~~+)(?P<info>.*)$")
_NOTE = re.compile(r"^<!--\s*(?P<key>[a-z]+)(?::\s*(?P<value>.*?))?\s*-->$")
_HEADING = re.compile(r"^#{1,6}\s+(?P<text>.+?)\s*#*$")
_LINK = re.compile(r"!?\[(?:[^\]\[]|\[[^\]]*\])*\]\((?P<target>[^)\s]+)(?:\s+\"[^\"]*\")?\)")


@dataclass(frozen=True)
class Block:
    """One fenced block; `line` is that of its fence, `notes` what comments of one line directly before it say."""

    page: "Page"
    line: int
    kind: str
    text: str
    notes: dict[str, str]

    @property
    def position(self) -> str:
        """Where it stands, for messages."""
        return f"{self.page.name}:{self.line}"


@dataclass(frozen=True)
class Link:
    """A link and the line it stands on."""

    line: int
    target: str


@dataclass(frozen=True)
class Page:
    """One Markdown file."""

    path: Path
    text: str = field(repr=False)

    @property
    def name(self) -> str:
        """The path within the repository."""
        return self.path.relative_to(ROOT).as_posix() if self.path.is_relative_to(ROOT) else self.path.name

    @cached_property
    def blocks(self) -> list[Block]:
        """The fenced blocks in their order."""
        return self._parts[0]

    @cached_property
    def headings(self) -> list[str]:
        """The texts of the headings in their order."""
        return [match["text"] for _, line in self._parts[1] if (match := _HEADING.match(line))]

    @cached_property
    def anchors(self) -> set[str]:
        """What links to this page may have after the ``#``, made of the headings as GitHub does."""
        anchors: set[str] = set()
        for heading in self.headings:
            base = re.sub(r"[^\w\- ]", "", heading.lower().replace("`", "")).replace(" ", "-")
            number, anchor = 0, base
            while anchor in anchors:
                number += 1
                anchor = f"{base}-{number}"
            anchors.add(anchor)
        return anchors

    @cached_property
    def links(self) -> list[Link]:
        """The links outside blocks and code."""
        found = []
        for number, line in self._parts[1]:
            plain = re.sub(r"`[^`]*`", "", line)
            found += [Link(number, match["target"]) for match in _LINK.finditer(plain)]
        return found

    @cached_property
    def _parts(self) -> tuple[list[Block], list[tuple[int, str]]]:
        blocks: list[Block] = []
        prose: list[tuple[int, str]] = []
        notes: dict[str, str] = {}
        lines = iter(enumerate(self.text.splitlines(), 1))
        for number, line in lines:
            if fence := _FENCE.match(line):
                inside = []
                for _, within in lines:
                    if within.startswith(fence["fence"]) and not within.strip(fence["fence"][0]):
                        break
                    inside.append(within)
                else:
                    raise AssertionError(f"{self.name}:{number}: this block is never closed.")
                text = "\n".join(inside) + "\n"
                blocks.append(Block(self, number, fence["info"].strip(), text, notes))
                notes = {}
            elif note := _NOTE.match(line):
                notes = notes | {note["key"]: note["value"] or ""}
            else:
                if line.strip():
                    notes = {}
                prose.append((number, line))
        return blocks, prose


def page_at(path: Path) -> Page:
    """Return the page in a file."""
    return Page(path, path.read_text(encoding="utf-8"))


def pages() -> list[Page]:
    """Return every page that readers are led to."""
    top = [ROOT / name for name in ("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md")]
    return [page_at(path) for path in [*top, *sorted(ROOT.glob("docs/**/*.md"))]]
