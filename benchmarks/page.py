"""docs/performance.md and its chart, from what was measured."""

from __future__ import annotations

import itertools
from html import escape
from math import log
from pathlib import Path
from typing import Final

from figures import Figure, Section

DOCS: Final = Path(__file__).resolve().parents[1] / "docs"
HEADINGS: Final = ("what", "median", "range", "ratio to", "demanded", "")
_CHARTED: Final = ("stack", "levels", "engines", "venues")
_OURS, _OTHERS, _INK, _FAINT = "#2a6f97", "#b8c4cc", "#1b1b1b", "#dddddd"
_LABEL, _PLOT, _ROW = 330, 420, 20

_OPENING: Final = """# What it costs

Drawn by `uv run benchmarks/run.py` from `benchmarks/measured.json`; do not edit. Every ratio is of two things that ran
side by side, in turn, in seconds of the processor: the median over the turns, and the range. Below one is less than
what it is compared with. `uv run benchmarks/run.py --short` is the part of it that every change is held against.

![What a run costs beside the engine's native maker](performance.svg)
"""


def cells(line: Figure) -> tuple[str, ...]:
    """Return a line of a table."""
    unit = "" if line.unit == "x" else f" {line.unit}"
    demanded = "" if line.kept is None else _demand(line)
    spread = "" if line.low == line.high else f"{line.low:.3g} to {line.high:.3g}"
    return (line.what, f"{line.median:.3g}{unit}", spread, line.base, demanded, line.note)


def _demand(line: Figure) -> str:
    words = f"at most {line.at_most:g}" if line.at_most is not None else f"at least {line.at_least:g}"
    return words if line.kept else f"{words}: MISSED"


def text(sections: dict[str, Section], machine: str) -> str:
    """Return the page."""
    parts = [_OPENING, f"Measured on {machine}.\n"]
    for section in sections.values():
        parts.append(f"## {section.title}\n\n{section.about}\n")
        rows = [HEADINGS, ("---", "---:", "---:", "---", "---", "---"), *map(cells, section.figures)]
        parts.append("\n".join(f"| {' | '.join(row)} |" for row in rows) + "\n")
        parts += [f"Not measured: {reason}\n" for reason in section.skipped]
        if section.histogram is not None:
            parts.append(_histogram(section.histogram))
    return "\n".join(parts)


def _histogram(bins: dict[str, list[float]]) -> str:
    edges = bins["from us"]
    series = [name for name in bins if name != "from us"]
    lines = ["```text", f"{'microseconds':>16}  " + "  ".join(f"{name:<30}" for name in series)]
    for number, (low, high) in enumerate(itertools.pairwise(edges)):
        shares = [bins[name][number] for name in series]
        if max(shares) < 0.001:
            continue
        span = f"{low:g} to {high:g}" if high > 0 else f"from {low:g}"
        lines.append(f"{span:>16}  " + "  ".join(f"{'#' * round(40 * s):<22} {s:6.1%}" for s in shares).rstrip())
    return "\n".join([*lines, "```\n"])


def chart(sections: dict[str, Section]) -> str:
    """Return bars of the ratios of runs, on a logarithmic scale around one, with their range."""
    rows: list[tuple[str, Figure | None]] = []
    for name in _CHARTED:
        lines = [line for line in sections[name].figures if line.unit == "x"] if name in sections else []
        rows += [(sections[name].title, None), *((line.what, line) for line in lines)] if lines else []
    shown = [line for _, line in rows if line is not None]
    lowest = min([0.5, *(line.low for line in shown)]) * 0.9
    highest = max([2.0, *(line.high for line in shown)]) * 1.1
    height, drawn = _ROW * (len(rows) + 2), []
    for power in range(-3, 4):
        for factor in (1, 2, 5):
            tick = factor * 10.0**power
            if lowest <= tick <= highest:
                x = _place(tick, lowest, highest)
                colour, at = (_INK if tick == 1 else _FAINT), height - 6
                drawn.append(f'<line x1="{x:.1f}" y1="8" x2="{x:.1f}" y2="{height - 22}" stroke="{colour}"/>')
                drawn.append(f'<text x="{x:.1f}" y="{at}" text-anchor="middle">{tick:g}</text>')
    for number, (name, line) in enumerate(rows):
        y = _ROW * number + 24
        if line is None:
            drawn.append(f'<text x="8" y="{y}" font-weight="bold">{escape(name)}</text>')
            continue
        drawn.append(f'<text x="{_LABEL - 8}" y="{y}" text-anchor="end">{escape(name)}</text>')
        one, x = _place(1.0, lowest, highest), _place(line.median, lowest, highest)
        colour = _OURS if "our maker" in name or "one maker" in name or "requote" in name else _OTHERS
        drawn.append(
            f'<rect x="{min(one, x):.1f}" y="{y - 11}" width="{abs(x - one):.1f}" height="13" fill="{colour}"/>'
        )
        low, high = _place(line.low, lowest, highest), _place(line.high, lowest, highest)
        drawn.append(f'<line x1="{low:.1f}" y1="{y - 4.5}" x2="{high:.1f}" y2="{y - 4.5}" stroke="{_INK}"/>')
        drawn.append(f'<text x="{max(one, x, high) + 5:.1f}" y="{y}">{line.median:.3g}</text>')
    width = _LABEL + _PLOT + 60
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif"'
    body = f'<rect width="{width}" height="{height}" fill="white"/>'
    return "\n".join([f'{head} font-size="12" fill="{_INK}">', body, *drawn, "</svg>\n"])


def _place(value: float, lowest: float, highest: float) -> float:
    return _LABEL + _PLOT * log(value / lowest) / log(highest / lowest)


def draw(sections: dict[str, Section], machine: str) -> None:
    """Write the page and its chart."""
    (DOCS / "performance.md").write_text(text(sections, machine))
    (DOCS / "performance.svg").write_text(chart(sections))
