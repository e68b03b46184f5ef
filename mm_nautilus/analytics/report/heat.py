"""Where on the ladder and when we were filled, and what those fills were worth soon after."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import numpy as np
import plotly.graph_objects as go
import pyarrow as pa
import pyarrow.compute as pc

from mm_nautilus.analytics.instrument_log import InstrumentLog
from mm_nautilus.analytics.numbers import compact
from mm_nautilus.analytics.report.chart import Chart, plain_figure
from mm_nautilus.analytics.report.markout_charts import horizon_name
from mm_nautilus.analytics.report.palette import BUY, EMPTY, EQUITY, NEUTRAL, SELL
from mm_nautilus.analytics.report.thin import Floats, Ints
from mm_nautilus.analytics.runlog import RunLog
from mm_nautilus.market import Purpose

HORIZON_S: Final = 5.0
"""Markouts are shown at the horizon nearest to this."""
DAY_S: Final = 86_400
_STEPS_S: Final = (60, 300, 600, 1_800, 3_600)
_MOST_COLUMNS: Final = 30
_MOST_LEVELS: Final = 8
_COLUMNS: Final = ("instrument_id", "fill_ts_ns", "side", "level", "liquidity", "size", "mid", "markout", "horizon_s")


@dataclass(frozen=True, slots=True)
class TimeBuckets:
    """Stretches of time, or hours of the day where a run is longer than one.

    Parameters
    ----------
    names : tuple of str
        One for each.
    title : str
        What they are.
    start_ns, step_ns : int
        Where the first one begins, and how long each is.

    """

    names: tuple[str, ...]
    title: str
    start_ns: int
    step_ns: int

    def of(self, ts_ns: Ints) -> Ints:
        """Return which one each instant is in."""
        found: Ints = (ts_ns - self.start_ns) // self.step_ns % len(self.names)
        return found


def time_buckets(start_ns: int, end_ns: int) -> TimeBuckets:
    """Return the hours of the day for a run of several days, else stretches of at most an hour."""
    seconds = (end_ns - start_ns) / 1e9
    step_s = next((step for step in _STEPS_S if seconds / step <= _MOST_COLUMNS), _STEPS_S[-1])
    step_ns = step_s * 1_000_000_000
    begin = start_ns // step_ns * step_ns
    count = min(-(-(end_ns - begin) // step_ns) or 1, DAY_S // step_s)
    if count == DAY_S // step_s:
        begin = start_ns // (DAY_S * 10**9) * DAY_S * 10**9
    starts = [datetime.fromtimestamp((begin + at * step_ns) // 10**9, UTC) for at in range(count)]
    title = "Hour of the day (UTC)" if step_s == _STEPS_S[-1] else f"From (UTC), {horizon_name(float(step_s))} each"
    return TimeBuckets(tuple(f"{at:%H:%M}" for at in starts), title, begin, step_ns)


def fills_and_markouts(log: RunLog, one: InstrumentLog, group: str) -> list[Chart]:
    """Return the maker fills by time and level, and their markouts where they were measured; nothing without fills.

    Parameters
    ----------
    log : RunLog
        With the table ``markouts``.
    one : InstrumentLog
        The instrument.
    group : str
        Prefix of the charts' keys.

    """
    quoted = [fill for fill in one.fills if fill.purpose == Purpose.QUOTE]
    if not quoted:
        return []
    buckets = time_buckets(*one.timeline.span_ns)
    when = buckets.of(np.array([fill.ts_ns for fill in quoted], dtype=np.int64))
    rows = _rows(sorted({(fill.side, fill.level) for fill in quoted}))
    row = {place: at for at, places in enumerate(rows.values()) for place in places}
    at = np.array([row[fill.side, fill.level] for fill in quoted], dtype=np.int64)
    counts = np.zeros((len(rows), len(buckets.names)))
    np.add.at(counts, (at, when), 1.0)
    charts = [_fills(counts, list(rows), buckets, group)]
    marks = log.table("markouts", list(_COLUMNS))
    marks = marks.filter(pc.equal(marks["instrument_id"], one.facts.instrument_id))
    if len(marks):
        charts.append(_markouts(marks, row, list(rows), buckets, group))
    return charts


def _rows(places: Sequence[tuple[str, int]]) -> dict[str, list[tuple[str, int]]]:
    """Return the rungs from the lowest bid to the highest ask, with the sides and levels of each."""
    rows: dict[str, list[tuple[str, int]]] = {}
    for side, order in (("BUY", -1), ("SELL", 1)):
        for level in sorted((level for found, level in places if found == side), reverse=order < 0):
            shown = f"level {level + 1}" if level < _MOST_LEVELS else f"level {_MOST_LEVELS + 1} and beyond"
            name = f"{'Bid' if side == 'BUY' else 'Ask'} {shown if level >= 0 else 'level unknown'}"
            rows.setdefault(name, []).append((side, level))
    return rows


def _fills(counts: Floats, rows: Sequence[str], buckets: TimeBuckets, group: str) -> Chart:
    rung, stretch = divmod(int(np.argmax(counts)), counts.shape[1])
    told = f"{rows[rung]} from {buckets.names[stretch]}, {counts[rung, stretch]:,.0f}"
    return Chart(
        key=f"{group}-fills-heat",
        title="Fills by time and level",
        caption="Fills of our quotes, rung by rung as in the ladder: asks above, bids below.",
        alt=f"Number of fills by stretch of time and level of the ladder; most of them on the {told.lower()}.",
        figure=_heat(
            np.where(counts > 0, counts, np.nan), rows, buckets, [[0.0, EMPTY.light], [1.0, EQUITY.light]],
            "fills", "%{y}, from %{x}: %{z:,.0f} fills<extra></extra>", (0.0, float(counts.max())),
        ),
        height=_height(rows),
        wide=False,
    )  # fmt: skip


def _markouts(
    marks: pa.Table, row: dict[tuple[str, int], int], rows: Sequence[str], buckets: TimeBuckets, group: str
) -> Chart:
    horizons = np.array(sorted(pc.unique(marks["horizon_s"]).to_pylist()))
    horizon = float(horizons[np.argmin(np.abs(np.log(horizons / HORIZON_S)))])
    marks = marks.filter(pc.and_(pc.equal(marks["horizon_s"], horizon), pc.not_equal(marks["liquidity"], "TAKER")))
    places = zip(marks["side"].to_pylist(), marks["level"].to_pylist(), strict=True)
    at = np.array([row.get(place, -1) for place in places], dtype=np.int64)
    when = buckets.of(marks["fill_ts_ns"].to_numpy())
    size = marks["size"].to_numpy()
    bps = 1e4 * marks["markout"].to_numpy() / marks["mid"].to_numpy()
    known = (at >= 0) & np.isfinite(bps)
    worth, weight = np.zeros((2, len(rows), len(buckets.names)))
    np.add.at(worth, (at[known], when[known]), (bps * size)[known])
    np.add.at(weight, (at[known], when[known]), size[known])
    with np.errstate(invalid="ignore"):
        mean = worth / weight
    most = float(np.nanmax(np.abs(mean))) if known.any() else 1.0
    against = int(np.count_nonzero(mean < 0.0))
    return Chart(
        key=f"{group}-markouts-heat",
        title=f"What they were worth {horizon_name(horizon)} later",
        caption="Mean markout of those fills in basis points, weighted by size: blue is with us, orange against us. A "
        "cell of a few fills is mostly chance.",
        alt=f"Mean markout after {horizon_name(horizon)} by time and level: from {compact(_least(mean), 3)} to "
        f"{compact(_least(-mean, -1.0), 3)} basis points; {against} of {int(np.isfinite(mean).sum())} cells are "
        "against us.",
        figure=_heat(
            mean, rows, buckets, [[0.0, SELL.light], [0.5, NEUTRAL.light], [1.0, BUY.light]],
            "bps", "%{y}, from %{x}: %{z:.3~g} bps<extra></extra>", (-most, most),
        ),
        height=_height(rows),
        wide=False,
    )  # fmt: skip


def _least(values: Floats, sign: float = 1.0) -> float | None:
    return sign * float(np.nanmin(values)) if np.isfinite(values).any() else None


def _height(rows: Sequence[str]) -> int:
    return 120 + 30 * max(len(rows), 3)


def _heat(
    values: Floats,
    rows: Sequence[str],
    buckets: TimeBuckets,
    scale: list[list[Any]],
    unit: str,
    hover: str,
    limits: tuple[float, float],
) -> go.Figure:
    figure = plain_figure(
        [
            go.Heatmap(
                z=values,
                x=list(buckets.names),
                y=list(rows),
                colorscale=scale,
                zmin=limits[0],
                zmax=limits[1],
                xgap=1,
                ygap=1,
                hoverongaps=False,
                hovertemplate=hover,
                colorbar={"title": {"text": unit}, "thickness": 10, "outlinewidth": 0, "len": 1.0},
            )
        ]
    )
    figure.update_layout(margin={"l": 20, "r": 10, "t": 10, "b": 48})
    figure.update_xaxes(type="category", title={"text": buckets.title, "standoff": 6}, nticks=13, tickangle=0)
    figure.update_yaxes(type="category", showgrid=False, ticks="", automargin=True)
    return figure
