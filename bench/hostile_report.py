"""What hostile requests cost, as a table and as the last section of docs/performance.md."""

import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from statistics import median

from bench.report import PAGE

MEANT_ANSWER_MS = 1_000
MEANT_GROWTH_MB = 50
MEANT_WAIT_MS = 100

_BEGIN, _END = "<!-- hostile: written by python -m bench.hostile --write-docs -->", "<!-- end of hostile -->"
_SHOWN = 10
_HEAD = ["attack", "slowest answer, ms", "growth, MB", "neighbour's longest wait, ms"]


@dataclass(frozen=True, slots=True)
class Row:
    """What one attack costs; `otherwise` counts answers with another status than is listed."""

    name: str
    answer_ms: float
    growth_mb: float
    wait_ms: float
    otherwise: int = 0

    def share_of_the_goals(self) -> float:
        """Return how much of the goal it takes that it comes closest to; more than 1 when it misses one."""
        return max(self.answer_ms / MEANT_ANSWER_MS, self.growth_mb / MEANT_GROWTH_MB, self.wait_ms / MEANT_WAIT_MS)

    def cells(self) -> list[str]:
        """Return the figures as they are shown."""
        return [self.name, f"{self.answer_ms:,.0f}", f"{self.growth_mb:.1f}", f"{self.wait_ms:.0f}"]


def median_of(rows: Sequence[Row]) -> Row:
    """Return the medians of the figures of one attack that was measured several times."""
    return Row(
        rows[0].name,
        median(row.answer_ms for row in rows),
        median(row.growth_mb for row in rows),
        median(row.wait_ms for row in rows),
        sum(row.otherwise for row in rows),
    )


def table(rows: Sequence[Row]) -> str:
    """Return the rows as text, those for which the neighbour waits longest last."""
    cells = [_HEAD, *(row.cells() for row in sorted(rows, key=lambda row: row.wait_ms))]
    widths = [max(len(row[column]) for row in cells) for column in range(len(_HEAD))]
    lines = [
        "  ".join(
            [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        )
        for row in cells
    ]
    lines += [f"Answered otherwise than listed, {row.otherwise} times: {row.name}" for row in rows if row.otherwise]
    return "\n".join(lines)


def worst(rows: Sequence[Row], grown_mb: float) -> str:
    """Return the three worst figures, and what memory was kept after all of the attacks."""
    answer, growth, wait = (max(rows, key=key) for key in (_answer, _growth, _wait))
    return "\n".join([
        f"slowest answer: {answer.answer_ms:,.0f} ms (meant: {MEANT_ANSWER_MS:,}), {answer.name}",
        f"growth: {growth.growth_mb:.1f} MB (meant: {MEANT_GROWTH_MB}), {growth.name}",
        f"growth kept after all: {grown_mb:.1f} MB",
        f"neighbour's wait: {wait.wait_ms:,.0f} ms (meant: {MEANT_WAIT_MS}), {wait.name}",
    ])  # fmt: skip


def write_docs(rows: Sequence[Row], grown_mb: float) -> None:
    """Write the figures into docs/performance.md, between the two marks of their section."""
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(_BEGIN)
    _, _, after = rest.partition(_END)
    PAGE.write_text(f"{before}{_BEGIN}\n\n{_figures(rows, grown_mb)}\n{_END}{after}", encoding="utf-8")


def _figures(rows: Sequence[Row], grown_mb: float) -> str:
    answer, growth, wait = (max(rows, key=key) for key in (_answer, _growth, _wait))
    goals = [
        ["", "meant", "measured", "by"],
        ["slowest answer", f"under {MEANT_ANSWER_MS:,} ms", f"{answer.answer_ms:,.0f} ms", answer.name],
        ["growth of memory", f"under {MEANT_GROWTH_MB} MB", f"{growth.growth_mb:.0f} MB", growth.name],
        ["kept of it after all attacks", "", f"{grown_mb:.0f} MB", ""],
        ["a neighbour's wait", f"under {MEANT_WAIT_MS} ms", f"{wait.wait_ms:.0f} ms", wait.name],
    ]
    most_expensive = sorted(rows, key=Row.share_of_the_goals, reverse=True)[:_SHOWN]
    return "\n".join([
        f"Measured on {datetime.now(UTC):%Y-%m-%d} with Python {platform.python_version()}, {os.cpu_count()} cores, "
        f"{len(rows)} attacks.",
        "",
        *_markdown(goals),
        "",
        f"The {_SHOWN} that come closest to a goal, or pass it:",
        "",
        *_markdown([_HEAD, *(row.cells() for row in most_expensive)]),
    ])  # fmt: skip


def _answer(row: Row) -> float:
    return row.answer_ms


def _growth(row: Row) -> float:
    return row.growth_mb


def _wait(row: Row) -> float:
    return row.wait_ms


def _markdown(cells: Sequence[Sequence[str]]) -> list[str]:
    head, *rows = [f"| {' | '.join(row)} |" for row in cells]
    return [head, f"|{' --- |' * len(cells[0])}", *rows]
