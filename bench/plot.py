"""A plot as SVG, both axes logarithmic, written by hand: how cost grows with the size of the answer."""

from collections.abc import Mapping, Sequence
from math import ceil, floor, log10

_WIDTH, _HEIGHT = 720, 420
_LEFT, _RIGHT, _TOP, _BOTTOM = 70, 200, 20, 50
_COLOURS = ("#1b9e77", "#7570b3", "#d95f02", "#666666", "#e7298a")


def growth_plot(points: Sequence[tuple[int, Mapping[str, float]]]) -> str:
    """Return the plot of microseconds against leaf values, a line for each contestant."""
    names = list(points[0][1]) if points else []
    costs = [cost for _, of_all in points for cost in of_all.values()]
    across = _Axis([leaves for leaves, _ in points], _LEFT, _WIDTH - _RIGHT)
    upwards = _Axis(costs, _HEIGHT - _BOTTOM, _TOP)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" font-family="sans-serif" '
        'font-size="12">',
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="white"/>',
    ]
    for value in across.marks:
        x = across.position_of(value)
        parts.append(f'<line x1="{x}" x2="{x}" y1="{_TOP}" y2="{_HEIGHT - _BOTTOM}" stroke="#ddd"/>')
        parts.append(_text(x, _HEIGHT - _BOTTOM + 18, f"{value:,.0f}", "middle"))
    for value in upwards.marks:
        y = upwards.position_of(value)
        parts.append(f'<line x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y}" y2="{y}" stroke="#ddd"/>')
        parts.append(_text(_LEFT - 8, y + 4, f"{value:,.0f}", "end"))
    parts.append(_text((_LEFT + _WIDTH - _RIGHT) / 2, _HEIGHT - 10, "leaf values of the answer", "middle"))
    parts.append(_text(_LEFT + 4, _TOP + 12, "µs of CPU per request", "start"))
    for name, colour in zip(names, _COLOURS, strict=False):
        line = [(across.position_of(leaves), upwards.position_of(of_all[name])) for leaves, of_all in points]
        drawn = " ".join(f"{x},{y}" for x, y in line)
        parts.append(f'<polyline points="{drawn}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [f'<circle cx="{x}" cy="{y}" r="3" fill="{colour}"/>' for x, y in line]
        parts.append(_text(line[-1][0] + 10, line[-1][1] + 4, name.replace("_", " "), "start", colour))
    return "\n".join([*parts, "</svg>", ""])


class _Axis:
    def __init__(self, values: Sequence[float], begin: float, end: float) -> None:
        self._least = floor(log10(min(values)))
        self._most = max(ceil(log10(max(values))), self._least + 1)
        self._begin, self._end = begin, end

    @property
    def marks(self) -> list[int]:
        return [10**power for power in range(self._least, self._most + 1)]

    def position_of(self, value: float) -> float:
        share = (log10(value) - self._least) / (self._most - self._least)
        return round(self._begin + share * (self._end - self._begin), 1)


def _text(x: float, y: float, text: str, anchor: str, colour: str = "#333") -> str:
    return f'<text x="{x}" y="{y}" text-anchor="{anchor}" fill="{colour}">{text}</text>'
