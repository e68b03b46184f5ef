"""Draw the markout curves of ``docs/adverse-selection.md`` from runs of the run files it is about.

``uv run --group docs docs/markouts.py GEMINI_RUN BINANCE_RUN`` reads the ``result.json`` of each run folder and writes
``docs/adverse-selection.svg``; the same results give the same bytes.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt

PICTURE = Path(__file__).parent / "adverse-selection.svg"
COLOURS = {"all": "#1b1f24", "BUY": "#1d63d8", "SELL": "#c2500a"}
Z_95 = 1.959964


def draw(runs: list[Path]) -> None:
    """Write a panel for each run: mean markout against the horizon, with 95 % intervals."""
    figure, panels = plt.subplots(1, len(runs), figsize=(9.0, 3.4), layout="constrained", squeeze=False)
    for axes, run in zip(panels[0], runs, strict=True):
        result = json.loads((run / "result.json").read_text())
        ((name, one),) = result["instruments"].items()
        markouts = one["markouts"]
        curves = {"all": markouts["all"], **markouts["groups"]["side"]}
        for place, (label, colour) in enumerate(COLOURS.items()):
            curve(axes, label, colour, curves[label], 0.12 * (place - 1))
        axes.set_ylim(*limits(markouts))
        axes.axhline(0.0, color="#9aa0a6", linewidth=0.8)
        axes.set_title(f"{name}: {markouts['fills']:,} fills", fontsize=10, loc="left")
        axes.set_xticks(range(len(markouts["horizons_s"])), [f"{horizon:g} s" for horizon in markouts["horizons_s"]])
        axes.set_xlabel("after the fill")
        axes.spines[["top", "right"]].set_visible(False)
    panels[0][0].set_ylabel("markout (bps)")
    panels[0][0].legend(frameon=False, fontsize=8)
    figure.savefig(PICTURE, metadata={"Date": None, "Creator": None})
    plt.close(figure)


def limits(markouts: dict[str, Any]) -> tuple[float, float]:
    """Return a range around what all fills were worth, so that a horizon few fills reached does not flatten it."""
    known = [one for one in markouts["all"] if 2 * one["fills"] > markouts["fills"]]
    ends = [one["markout_bps"] + sign * Z_95 * one["markout_bps_se"] for one in known for sign in (-1, 1)]
    room = max(ends) - min(ends)
    return min(0.0, *ends) - room, max(0.0, *ends) + room


def curve(axes: Any, label: str, colour: str, summaries: list[dict[str, Any]], shift: float) -> None:
    """Draw one line with its intervals; a horizon without an interval is left out."""
    known = [(x, one) for x, one in enumerate(summaries) if one["markout_bps_se"] is not None]
    axes.errorbar(
        [x + shift for x, _ in known],
        [one["markout_bps"] for _, one in known],
        [Z_95 * one["markout_bps_se"] for _, one in known],
        color=colour,
        label={"BUY": "bought", "SELL": "sold"}.get(label, "all fills"),
        marker="o",
        markersize=3.5,
        linewidth=1.4,
        capsize=2.5,
    )


def main() -> None:
    """Write the picture."""
    mpl.use("svg")
    mpl.rcParams |= {"svg.hashsalt": "mm-nautilus", "svg.fonttype": "none", "font.family": "sans-serif"}
    mpl.rcParams |= {"axes.facecolor": "white", "figure.facecolor": "white"}
    draw([Path(run) for run in sys.argv[1:]])


if __name__ == "__main__":
    main()
