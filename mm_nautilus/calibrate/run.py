"""From a run file to its calibration file and report."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np

from mm_nautilus.analytics.report.calibration_words import disagreement
from mm_nautilus.backtest.data import prepared_catalog
from mm_nautilus.calibrate.page import write_page
from mm_nautilus.calibrate.settings import CalibrateSettings
from mm_nautilus.calibrate.sides import side_calibration
from mm_nautilus.calibrate.sigma import sigma_calibration
from mm_nautilus.calibrate.window import lattice_of, load_for_calibration, quoting_settings, read_window
from mm_nautilus.calibration import (
    CalibrationData,
    CalibrationFile,
    CalibrationMethod,
    GammaCalibration,
    SideCalibration,
    SigmaCalibration,
)
from mm_nautilus.catalog.history import Trades
from mm_nautilus.catalog.inspect import CatalogShape
from mm_nautilus.errors import DataError, ParameterError
from mm_nautilus.estimators.intensity_orders import QuotedTime, Tops, market_orders, sampled_mids
from mm_nautilus.estimators.micro_price import MicroPriceTable, train_micro_price
from mm_nautilus.host.instrument import InstrumentLattice
from mm_nautilus.host.loading import LoadedRun
from mm_nautilus.models.skew_target import gamma_from_skew_target
from mm_nautilus.quoting.settings import QuotingSettings

_BLOCKS: Final = 50


@dataclass(frozen=True, slots=True)
class Calibrated:
    """Where a calibration was written to, and what it says."""

    path: Path
    report: Path
    file: CalibrationFile


def calibrate(
    run_file: Path,
    overrides: Sequence[str] = (),
    *,
    start: datetime | None = None,
    end: datetime | None = None,
    output: Path | None = None,
    settings: CalibrateSettings | None = None,
    say: Callable[[str], None] = lambda _text: None,
) -> Calibrated:
    """Measure a window of a run file's catalogue, and write the calibration file and a report beside it.

    Parameters
    ----------
    run_file : Path
        TOML run file; intensity, gamma and calibration may be missing from it.
    overrides : sequence of str
        ``table.key=value`` changes to it.
    start, end : datetime or None
        Window inside the run file's; all of it by default.
    output : Path or None
        Calibration file; ``calibrations/<instrument>-<date of the data>.toml`` beside the run file by default.
    settings : CalibrateSettings or None
        Choices.
    say : callable
        Told in a few words what is being done.

    Raises
    ------
    UserError
        For mistakes in the run file, and for a window without a book or without trades.

    """
    settings = settings or CalibrateSettings()
    loaded = load_for_calibration(run_file, overrides)
    say("preparing data")
    root, shape = prepared_catalog(loaded)
    quoting = quoting_settings(loaded)
    lattice = lattice_of(root, quoting.instrument_id)
    say("reading the window")
    tops, trades = read_window(loaded, root, shape, lattice, start, end)
    say("fitting")
    file = _measured(loaded, root, shape, quoting, lattice, tops, trades, settings)
    path = output or run_file.parent / "calibrations" / f"{quoting.instrument_id}-{file.data.end:%Y%m%d}.toml"
    file.save(path)
    say("drawing the report")
    return Calibrated(path, write_page(file, path.with_suffix(".html")), file)


def _measured(
    loaded: LoadedRun,
    root: Path,
    shape: CatalogShape,
    quoting: QuotingSettings,
    lattice: InstrumentLattice,
    tops: Tops,
    trades: Trades,
    settings: CalibrateSettings,
) -> CalibrationFile:
    tick = float(lattice.grid.tick)
    fit = tops.fit(quoting.guards.max_book_spread_bps)
    end_ns = max(int(tops.ts_ns[-1]), int(trades.ts_ns[-1]))
    clock = QuotedTime.of(tops.ts_ns, fit, quoting.guards.stale_after_s, end_ns)
    if clock.total_s <= 0:
        raise DataError(
            f"{root}: {quoting.instrument_id}: the book is at no time fit to be quoted on (strategy.guards)"
        )
    block_s = settings.block_s or clock.total_s / _BLOCKS
    sells, buys = (
        market_orders(trades.ts_event, trades.ts_ns, trades.price_ticks, trades.aggressor, side) for side in (-1, 1)
    )
    bid = side_calibration(sells, -1, tops, clock, tick, settings, block_s)
    ask = side_calibration(buys, 1, tops, clock, tick, settings, block_s)
    notes = [
        note
        for name, side in (("bid", bid), ("ask", ask))
        if (note := disagreement(name, side, settings.resting_window_s))
    ]
    sigma = _noted(notes, "sigma", lambda: _sigma(tops, clock, tick, settings, block_s))
    base_per_unit = lattice.base_per_lot(0.5 * tick * float(np.median(tops.mid_half_ticks[fit]))) / float(
        lattice.grid.lot
    )
    gamma = _noted(notes, "gamma", lambda: _gamma(quoting, sigma, bid, ask, settings.chi, base_per_unit))
    table = _noted(notes, "micro_price", lambda: _micro_price(tops, fit, quoting, lattice, shape, settings))
    return CalibrationFile(
        created=datetime.now(UTC).replace(microsecond=0),
        instrument_id=quoting.instrument_id,
        tick=lattice.grid.tick,
        data=CalibrationData(
            fingerprint=shape.fingerprint,
            catalog=str(loaded.run_file.data.catalog),
            book=quoting.book,
            start=datetime.fromtimestamp(int(tops.ts_ns[0]) / 1e9, UTC),
            end=datetime.fromtimestamp(end_ns / 1e9, UTC),
            quoted_s=clock.total_s,
            tops=len(tops.ts_ns),
            trades=len(trades.ts_ns),
            trades_without_aggressor=int(np.count_nonzero(trades.aggressor == 0)),
        ),
        method=CalibrationMethod(
            fill_rule=settings.fill_rule,
            seed=settings.seed,
            bootstrap_draws=settings.bootstrap_draws,
            block_s=block_s,
            blocks=max(round(clock.total_s / block_s + 0.5 - 1e-9), 1),
            depth_from_price=bid.depth_first_price,
            depth_to_price=settings.depth_to_price,
            resting_window_s=settings.resting_window_s,
        ),
        sigma=sigma,
        bid=bid,
        ask=ask,
        gamma=gamma,
        micro_price=table,
        notes=notes,
    )


def _noted[T](notes: list[str], name: str, measure: Callable[[], T]) -> T | None:
    """Return what was measured, or note why it could not be."""
    try:
        return measure()
    except (DataError, ParameterError) as error:
        notes.append(f"{name}: {error}")
        return None


def _sigma(tops: Tops, clock: QuotedTime, tick: float, settings: CalibrateSettings, block_s: float) -> SigmaCalibration:
    mids, _ = sampled_mids(tops, clock, settings.sample_interval_s, tick)
    return sigma_calibration(mids, settings.sample_interval_s, block_s, settings.bootstrap_draws, settings.seed)


def _gamma(
    quoting: QuotingSettings,
    sigma: SigmaCalibration | None,
    bid: SideCalibration,
    ask: SideCalibration,
    chi: float,
    base_per_unit: float,
) -> GammaCalibration:
    hit_bid, hit_ask = bid.intensity(), ask.intensity()
    if sigma is None or hit_bid is None or hit_ask is None:
        missing = [name for name, one in (("sigma", sigma), ("bid", hit_bid), ("ask", hit_ask)) if one is None]
        raise DataError(f"needs {', '.join(missing)}, which could not be told")
    size, bound = float(quoting.order_size) * base_per_unit, float(quoting.limits.max_position) * base_per_unit
    value = gamma_from_skew_target(sigma.price_per_sqrt_s.value, hit_bid, hit_ask, size, bound, chi)
    return GammaCalibration(
        value=value,
        chi=chi,
        order_size=quoting.order_size,
        max_position=quoting.limits.max_position,
        base_per_unit=base_per_unit,
    )


def _micro_price(
    tops: Tops,
    fit: Any,
    quoting: QuotingSettings,
    lattice: InstrumentLattice,
    shape: CatalogShape,
    settings: CalibrateSettings,
) -> MicroPriceTable:
    rows = np.flatnonzero(fit)
    return train_micro_price(
        tops.bid_ticks[rows],
        tops.ask_ticks[rows],
        tops.bid_size[rows],
        tops.ask_size[rows],
        tick=lattice.grid.tick,
        instrument_id=quoting.instrument_id,
        data_fingerprint=shape.fingerprint,
        buckets=settings.micro_price_buckets,
        breaks=np.diff(rows, prepend=rows[:1]) > 1,
    )
