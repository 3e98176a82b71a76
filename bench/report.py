"""The figures as a table, as ratios, and as the page docs/performance.md."""

import os
import platform
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from bench.measure import Figures
from bench.node_peers import PEERS
from bench.plot import growth_plot

PAGE = Path(__file__).parent.parent / "docs" / "performance.md"
PLOT = PAGE.with_name("performance-growth.svg")
_BEGIN, _END = "<!-- figures: written by python -m bench --write-docs -->", "<!-- end of figures -->"
_LIBRARIES = (
    "strawberry-graphql", "graphql-core", "starlette", "uvicorn", "uvloop", "httptools", "sqlalchemy", "asyncpg",
    "orjson",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Growth:
    """CPU microseconds of each contestant for an answer of so many leaf values and bytes."""

    leaves: int
    size: int
    cpu_us: Mapping[str, float]


@dataclass(slots=True)
class Results:
    """All that was measured; figures by query and connections, sizes (leaf values, bytes) by query."""

    figures: dict[tuple[str, int], dict[str, Figures]] = field(default_factory=dict)
    sizes: dict[str, tuple[int, int]] = field(default_factory=dict)
    growth: list[Growth] = field(default_factory=list)
    engine: dict[str, Any] = field(default_factory=dict)


def table(results: Results) -> str:
    """Return the figures as text."""
    return "\n".join(_lines(results))


def ratios(results: Results) -> dict[str, float]:
    """Return how the contestants compare: CPU per request, latency, memory."""
    found: dict[str, float] = {}
    for (query, connections), figures in results.figures.items():
        ours, name = figures["forecourt"], f"{query.lower()}_{connections}"
        found[f"{name}_cpu_to_handwritten"] = round(ours.cpu_us / figures["handwritten"].cpu_us, 2)
        found[f"{name}_cpu_of_graphql_core"] = round(figures["forecourt_graphql_core"].cpu_us / ours.cpu_us, 2)
        found[f"{name}_cpu_of_plain_strawberry"] = round(figures["plain_strawberry"].cpu_us / ours.cpu_us, 2)
        for peer in filter(figures.__contains__, PEERS):
            found[f"{name}_cpu_to_{peer}"] = round(ours.cpu_us / figures[peer].cpu_us, 2)
        found[f"{name}_p99_to_p50"] = round(ours.p99_us / ours.p50_us, 2)
        found[f"{name}_p99_to_handwritten"] = round(ours.p99_us / figures["handwritten"].p99_us, 2)
        found["memory_mb"] = round(max(ours.memory_mb, found.get("memory_mb", 0)), 1)
    return found


def write_docs(results: Results) -> None:
    """Write the figures into docs/performance.md, between its two marks, and the plot beside it."""
    text = PAGE.read_text(encoding="utf-8")
    before, _, rest = text.partition(_BEGIN)
    _, _, after = rest.partition(_END)
    figures = "\n".join(["", "", _circumstances(), "", *_markdown(results), ""])
    PAGE.write_text(f"{before}{_BEGIN}{figures}{_END}{after}", encoding="utf-8")
    PLOT.write_text(growth_plot([(row.leaves, row.cpu_us) for row in results.growth]), encoding="utf-8")


def _circumstances() -> str:
    libraries = ", ".join(f"{name} {version(name)}" for name in _LIBRARIES)
    return (
        f"Measured on {datetime.now(UTC):%Y-%m-%d} with Python {platform.python_version()} on {platform.system()} "
        f"{platform.machine()}, {os.cpu_count()} cores: {libraries}."
    )


def _rows(results: Results) -> list[list[str]]:
    rows = []
    for (query, connections), figures in results.figures.items():
        ours = figures["forecourt"].cpu_us
        for name, it in figures.items():
            rows.append([
                f"{query}, {connections}", name, f"{it.cpu_us:,.0f}", f"{it.cpu_us / ours:.2f}",
                f"{it.per_second:,.0f}", f"{it.p50_us / 1000:.2f}", f"{it.p99_us / 1000:.2f}", f"{it.memory_mb:.0f}",
            ])  # fmt: skip
    return rows


_HEAD = ["query, connections", "contestant", "CPU µs", "to Forecourt", "requests/s", "p50 ms", "p99 ms", "MB"]


def _growth_rows(results: Results) -> tuple[list[str], list[list[str]]]:
    names = list(results.growth[0].cpu_us) if results.growth else []
    head = ["leaf values", "bytes", *(f"{name} µs" for name in names), "Forecourt ns per leaf value"]
    return head, [
        [
            f"{row.leaves:,}",
            f"{row.size:,}",
            *(f"{row.cpu_us[name]:,.0f}" for name in names),
            f"{row.cpu_us['forecourt'] * 1000 / row.leaves:,.0f}",
        ]
        for row in results.growth
    ]


def _engine_rows(results: Results) -> tuple[list[str], list[list[str]]]:
    return ["in memory", "leaf values", "graphql-core µs", "engine µs", "ratio", "ns per leaf value"], [
        [
            name,
            f"{it['leaf_values']:,}",
            f"{it['graphql_core_us']:,.0f}",
            f"{it['engine_us']:,.0f}",
            f"{it['ratio']:.1f}",
            f"{it['engine_ns_per_leaf_value']:.0f}",
        ]
        for name, it in results.engine.items()
    ]


def _lines(results: Results) -> list[str]:
    lines = [_sizes(results), ""]
    for head, rows in ((_HEAD, _rows(results)), _growth_rows(results), _engine_rows(results)):
        if not rows:
            continue
        widths = [max(len(row[column]) for row in [head, *rows]) for column in range(len(head))]
        lines += [
            "  ".join(
                cell.ljust(width) if column == 0 else cell.rjust(width)
                for column, (cell, width) in enumerate(zip(row, widths, strict=True))
            )
            for row in [head, *rows]
        ]
        lines.append("")
    return lines


def _markdown(results: Results) -> list[str]:
    lines = [_sizes(results), ""]
    for head, rows in ((_HEAD, _rows(results)), _growth_rows(results), _engine_rows(results)):
        if rows:
            lines += [_row(head), _row(["---"] * len(head)), *map(_row, rows), ""]
    return [*lines, f"![CPU per request against the size of the answer]({PLOT.name})"]


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _sizes(results: Results) -> str:
    return "; ".join(
        f"{name}: {leaves:,} leaf values, {size:,} bytes" for name, (leaves, size) in results.sizes.items()
    )
