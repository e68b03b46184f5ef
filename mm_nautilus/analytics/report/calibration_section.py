"""What a run's model was calibrated on, how well the fit holds, and whether the run was part of it."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Final

from mm_nautilus.analytics.numbers import compact, duration
from mm_nautilus.analytics.report.calibration_charts import intensity_chart
from mm_nautilus.analytics.report.calibration_words import side_rows, with_interval
from mm_nautilus.analytics.report.fragments import flatten, pairs_table
from mm_nautilus.analytics.report.rows import rows_table
from mm_nautilus.analytics.report.section import Section
from mm_nautilus.calibration import CalibrationFile

CALIBRATION_FILE: Final = "calibration.toml"
"""The calibration file of a run, as it was when the run started."""

TITLE: Final = "Calibration"


def calibration_section(run_dir: Path, run_toml: str, span_ns: tuple[int, int]) -> Section | None:
    """Return the section of a run's calibration; ``None`` where nothing was calibrated.

    Parameters
    ----------
    run_dir : Path
        The run's folder.
    run_toml : str
        The resolved run file, which says where the numbers came from even if the file itself is not there.
    span_ns : tuple of int
        The run's first and last instant.

    Raises
    ------
    ConfigError
        For a calibration file that cannot be read.

    """
    path = run_dir / CALIBRATION_FILE
    if path.is_file():
        return _section(CalibrationFile.load(path), span_ns)
    try:
        origin = tomllib.loads(run_toml).get("strategy", {}).get("calibrated")
    except tomllib.TOMLDecodeError:
        return None
    if not origin:
        return None
    table = pairs_table("Numbers taken over from", flatten(origin))
    return Section(TITLE, [table, '<p class="hint">The file itself is not in the run folder: no fit to show.</p>'])


def _section(file: CalibrationFile, span_ns: tuple[int, int]) -> Section:
    sides = [("Bid", file.bid), ("Ask", file.ask)]
    rows: Sequence[tuple[str, ...]] = [
        (name, mine, other) for (name, mine), (_, other) in zip(side_rows(file.bid), side_rows(file.ask), strict=False)
    ]
    fit = rows_table("How often the market reaches a quote: A exp(-k distance)", ("", "Bid", "Ask"), rows)
    data = file.data
    pairs = [
        ("instrument", file.instrument_id),
        ("made", f"{file.created:%Y-%m-%d %H:%M:%S} UTC"),
        ("window", f"{data.start:%Y-%m-%d %H:%M:%S} to {data.end:%Y-%m-%d %H:%M:%S} UTC"),
        ("of it fit to be quoted on", f"{duration(data.quoted_s)}, {data.trades:,} trades"),
        ("data", data.fingerprint),
    ]
    if file.sigma is not None:
        pairs.append(("volatility, price/sqrt(s)", with_interval(file.sigma.price_per_sqrt_s)))
    if file.gamma is not None:
        pairs.append(("gamma, 1/quote currency", compact(file.gamma.value)))
    begin, end = (round(one.timestamp() * 1e9) for one in (data.start, data.end))
    overlaps = begin < span_ns[1] and end > span_ns[0]
    tone, word, words = (
        ("warning", "in sample", "The run trades data that the calibration has seen; a live run never does.")
        if overlaps
        else ("good", "out of sample", "The run trades data that the calibration has not seen.")
    )
    verdict = f'<p><span class="badge {tone}">{word}</span> {words}</p>'
    notes = "".join(f'<p class="hint">{note}</p>' for note in map(escape, file.notes))
    charts = [intensity_chart(side, name.lower()) for name, side in sides]
    return Section(TITLE, [verdict + pairs_table("What was calibrated on what", pairs) + notes, fit], charts)
