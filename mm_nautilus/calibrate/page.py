"""The calibration as a page: numbers with their intervals, the fitted curve over the empirical one."""

from __future__ import annotations

from html import escape
from pathlib import Path

from mm_nautilus.analytics.numbers import compact, duration, share
from mm_nautilus.analytics.report.calibration_charts import intensity_chart, micro_price_chart
from mm_nautilus.analytics.report.calibration_words import interval, side_rows
from mm_nautilus.analytics.report.fragments import flatten, pairs_table
from mm_nautilus.analytics.report.page import document
from mm_nautilus.analytics.report.section import figure_card
from mm_nautilus.calibration import CalibrationFile, SideCalibration

_TONES = {"fitted": "good", "fallback": "warning", "refused": "severe"}


def write_page(file: CalibrationFile, path: Path) -> Path:
    """Write the page and return its path."""
    charts = [intensity_chart(file.bid, "bid"), intensity_chart(file.ask, "ask")]
    if file.micro_price is not None:
        charts.append(micro_price_chart(file.micro_price))
    body = "".join(
        (
            _top(file),
            "<main><section><h2>In numbers</h2>",
            _tiles(file),
            "</section><section><h2>How often the market reaches a quote</h2>",
            "".join(figure_card(chart) for chart in charts[:2]),
            "</section>",
            f"<section><h2>Micro-price</h2>{figure_card(charts[2])}</section>" if len(charts) > 2 else "",
            "<section><h2>How it was measured</h2>",
            *(f'<div class="card">{table}</div>' for table in _tables(file)),
            "</section></main>",
        )
    )
    path.write_text(document(f"Calibration of {file.instrument_id}", body, charts), encoding="utf-8")
    return path


def _top(file: CalibrationFile) -> str:
    data = file.data
    span = f"{data.start:%Y-%m-%d %H:%M:%S} to {data.end:%Y-%m-%d %H:%M:%S} UTC"
    meta = [span, f"{duration(data.quoted_s)} fit to be quoted on", f"{data.trades:,} trades", f"tick {file.tick}"]
    notices = [f"{name}: {side.reason}" for name, side in (("bid", file.bid), ("ask", file.ask)) if side.reason]
    warnings = "".join(
        f'<p class="meta"><span class="badge warning">note</span> {escape(one)}</p>' for one in [*notices, *file.notes]
    )
    return (
        f'<header class="top"><h1>Calibration of {escape(file.instrument_id)}</h1>'
        f'<p class="meta">{escape(" \N{MIDDLE DOT} ".join(meta))}</p>{warnings}</header>'
    )


def _tiles(file: CalibrationFile) -> str:
    sigma, gamma = file.sigma, file.gamma
    items = [
        _side_tiles("Bid", file.bid),
        _side_tiles("Ask", file.ask),
        _tile(
            "Volatility",
            compact(sigma.price_per_sqrt_s.value) if sigma else "not told",
            "price/\N{SQUARE ROOT}s",
            f"{interval(sigma.price_per_sqrt_s)}; {sigma.estimator.replace('_', '-')}" if sigma else "",
        ),
        _tile(
            "Gamma",
            compact(gamma.value) if gamma else "not told",
            "1/quote currency",
            f"skew at {gamma.max_position} is {gamma.chi:g} half-spreads, order size {gamma.order_size}"
            if gamma
            else "",
        ),
    ]
    return f'<dl class="tiles">{"".join(items)}</dl>'


def _side_tiles(name: str, side: SideCalibration) -> str:
    tone = _TONES[side.verdict]
    badge = f'<span class="badge {tone}">{escape(side.verdict)}</span>'
    if side.a_per_s is None or side.k_per_price is None:
        return _tile(f"{name}", "refused", "", side.reason) + _tile(f"{name}, orders", f"{side.events:,}", "", "")
    return (
        f'<div class="tile"><dt>{name}: A{badge}</dt><dd><div class="figure">{compact(side.a_per_s.value)} '
        f'<small>1/s</small></div><div class="detail">{escape(interval(side.a_per_s))}; '
        f"{side.events:,} orders</div></dd></div>"
        + _tile(
            f"{name}: k",
            compact(side.k_per_price.value),
            "1/price",
            f"{interval(side.k_per_price)}; {share(side.share_at_first)} at the first depth",
        )
    )


def _tile(name: str, figure: str, small: str, detail: str) -> str:
    return (
        f'<div class="tile"><dt>{escape(name)}</dt><dd><div class="figure">{escape(figure)} '
        f'<small>{escape(small)}</small></div><div class="detail">{escape(detail)}</div></dd></div>'
    )


def _tables(file: CalibrationFile) -> list[str]:
    tables = [pairs_table(f"{name} in full", side_rows(side)) for name, side in (("Bid", file.bid), ("Ask", file.ask))]
    if file.sigma is not None:
        rows = [(name.replace("_", " "), compact(value, 5)) for name, value in file.sigma.estimates.items()]
        rows.append(("floor", compact(file.sigma.floor_price_per_sqrt_s, 5)))
        tables.append(pairs_table("Volatility, price per square-root second", rows, numbers=True))
    for name, part in (("Method", file.method), ("Data", file.data)):
        tables.append(pairs_table(name, flatten(part.model_dump(mode="json"))))
    return tables
