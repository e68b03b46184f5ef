"""One side's fill intensity: depths, verdict, intervals, and the fits it is compared with."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from mm_nautilus.calibrate.settings import CalibrateSettings
from mm_nautilus.calibration import CurveFit, EmpiricalCurve, Estimate, SideCalibration
from mm_nautilus.estimators.intensity_blocks import block_weights, lattice_draws, log_interval
from mm_nautilus.estimators.intensity_censored import Floats, IntensityFit, exponential_censored
from mm_nautilus.estimators.intensity_depths import power_law_lattice_fit
from mm_nautilus.estimators.intensity_judgement import (
    Form,
    JudgedFit,
    by_tick,
    half_spread_half_ticks,
    judged_fit,
)
from mm_nautilus.estimators.intensity_orders import (
    Depths,
    Ints,
    MarketOrders,
    QuotedTime,
    Tops,
    order_depths,
    resting_outcomes,
)

DEEPEST: Final = 40_000
"""Half-ticks beyond which depths are not told apart."""
_RESTING_DEPTHS: Final = 12
_CURVE_POINTS: Final = 200
_Z: Final = 1.959963984540054


@dataclass(frozen=True, slots=True)
class Blocks:
    """Quoted time cut into blocks of one length; the last one is what is left."""

    length_s: float
    quoted_s: Floats

    @classmethod
    def of(cls, clock: QuotedTime, length_s: float) -> Blocks:
        """Cut a clock's time."""
        count = max(math.ceil(clock.total_s / length_s - 1e-9), 1)
        edges = np.minimum(np.arange(count + 1) * length_s, clock.total_s)
        return cls(length_s, np.diff(edges))

    def which(self, clock_s: Floats) -> Ints:
        """Return the block of each instant."""
        found: Ints = np.minimum((clock_s / self.length_s).astype(np.int64), len(self.quoted_s) - 1)
        return found


def median_half_spread(tops: Tops, clock: QuotedTime) -> int:
    """Return the median half-spread in half-ticks, over quoted time."""
    spread = (tops.ask_ticks - tops.bid_ticks)[clock.fit]
    return half_spread_half_ticks(np.bincount(spread, weights=np.diff(clock.before_s)[clock.fit]))


def side_calibration(
    orders: MarketOrders,
    side: int,
    tops: Tops,
    clock: QuotedTime,
    tick: float,
    settings: CalibrateSettings,
    block_s: float,
) -> SideCalibration:
    """Measure the side of our book that market orders of `side` hit.

    Parameters
    ----------
    orders : MarketOrders
        Of that side.
    side : int
        +1 for market buys (our asks), -1 for market sells (our bids).
    tops, clock : Tops, QuotedTime
        The book and its clock.
    tick : float
        Tick size, in price units.
    settings : CalibrateSettings
        Choices.
    block_s : float
        Length of a block of quoted time.

    """
    through = settings.fill_rule == "through"
    depths = order_depths(orders, side, tops, clock, through=through)
    first = median_half_spread(tops, clock)
    if settings.depth_from_price is not None:
        first = math.ceil(2.0 * settings.depth_from_price / tick - 1e-9)
    deepest = DEEPEST if settings.depth_to_price is None else math.floor(2.0 * settings.depth_to_price / tick + 1e-9)
    deepest = max(deepest, first + 2)
    by_half_tick = np.bincount(depths.half_ticks[depths.half_ticks >= 0].clip(max=deepest))
    judged = judged_fit(by_half_tick, clock.total_s, first, tick)
    blocks = Blocks.of(clock, block_s)
    a, k = _intervals(judged, depths, blocks, tick, settings) if judged.usable else (None, None)
    fit, m = judged.fit, len(judged.counts) - 1
    curved = judged.form is Form.EXPONENTIAL
    return SideCalibration(
        verdict=judged.verdict.value,
        form=judged.form.value,
        reason=judged.reason,
        events=int(by_tick(by_half_tick, first).sum()),
        unfit=depths.unfit,
        a_per_s=a,
        k_per_price=k,
        se_ln_a=_finite(fit.se_ln_a),
        se_k=_finite(fit.se_decay),
        correlation=_finite(fit.correlation),
        share_at_first=judged.share_at_first,
        depth_first_price=0.5 * first * tick,
        depth_last_price=(0.5 * first + m) * tick,
        distance=_finite(judged.distance),
        loglik=_finite(fit.loglik),
        aic=_finite(fit.aic),
        power_law=_compared(power_law_lattice_fit(judged.counts, clock.total_s, 0.5 * first * tick, tick))
        if curved
        else None,
        resting=_resting(orders, side, tops, clock, judged, tick, settings, block_s) if judged.usable else None,
        curve=empirical_curve(by_half_tick, clock.total_s, first + 2 * m, tick),
    )


def _intervals(
    judged: JudgedFit, depths: Depths, blocks: Blocks, tick: float, settings: CalibrateSettings
) -> tuple[Estimate, Estimate]:
    fit, first, m = judged.fit, judged.first_half_ticks, len(judged.counts) - 1
    if judged.form is Form.QUANTILE:
        reach = math.exp(_Z / math.sqrt(fit.events))
        a = Estimate(value=fit.a_per_s, low=fit.a_per_s / reach, high=fit.a_per_s * reach)
        return a, Estimate(value=fit.decay, low=fit.decay)
    reached = depths.half_ticks >= first
    step = np.minimum((depths.half_ticks[reached] - first) // 2, m)
    cells = blocks.which(depths.clock_s[reached]) * (m + 1) + step
    shape = (len(blocks.quoted_s), m + 1)
    counts = np.bincount(cells, minlength=shape[0] * shape[1]).reshape(shape).astype(np.float64)
    weights = block_weights(shape[0], settings.bootstrap_draws, settings.seed)
    drawn = lattice_draws(counts, blocks.quoted_s, 0.5 * first * tick, tick, weights)
    a = _estimate(fit.a_per_s, drawn[0], shape[0], fit.se_ln_a)
    return a, _estimate(fit.decay, drawn[1], shape[0], fit.se_decay / fit.decay)


def _estimate(value: float, drawn: Floats, blocks: int, fisher: float) -> Estimate:
    low, high = log_interval(drawn, blocks, fisher).around(value)
    if not (math.isfinite(high) and math.isfinite(low)):
        return Estimate(value=value)
    return Estimate(value=value, low=low, high=high)


def _resting(
    orders: MarketOrders,
    side: int,
    tops: Tops,
    clock: QuotedTime,
    judged: JudgedFit,
    tick: float,
    settings: CalibrateSettings,
    block_s: float,
) -> CurveFit | None:
    first, last = judged.first_half_ticks, judged.first_half_ticks + 2 * (len(judged.counts) - 1)
    grid = np.unique(np.linspace(first, last, _RESTING_DEPTHS).round().astype(np.int64))
    outcomes = resting_outcomes(
        orders, side, tops, clock, grid, settings.resting_window_s, block_s, through=settings.fill_rule == "through"
    )
    prices = 0.5 * tick * outcomes.half_ticks
    return _compared(exponential_censored(prices, outcomes.exposure_s.sum(axis=0), outcomes.hits.sum(axis=0)))


def _compared(fit: IntensityFit) -> CurveFit | None:
    if not (math.isfinite(fit.a_per_s) and math.isfinite(fit.decay)):
        return None
    return CurveFit(
        a_per_s=fit.a_per_s,
        decay=fit.decay,
        se_ln_a=_finite(fit.se_ln_a),
        se_decay=_finite(fit.se_decay),
        d0_price=fit.d0,
        loglik=fit.loglik,
        aic=fit.aic,
        events=fit.events,
    )


def empirical_curve(by_half_tick: Ints, quoted_s: float, last_half_ticks: int, tick: float) -> EmpiricalCurve:
    """Return how many market orders reached a depth, at most two hundred depths up to twice the last one fitted."""
    reached = by_half_tick[::-1].cumsum()[::-1]
    deepest = min(len(reached) - 1, 2 * last_half_ticks)
    at = (
        np.unique(np.linspace(0, deepest, _CURVE_POINTS).round().astype(np.int64)) if deepest >= 0 else np.zeros(0, int)
    )
    return EmpiricalCurve(
        depth_price=(0.5 * tick * at).tolist(),
        orders_at_or_beyond=reached[at].tolist(),
        rate_per_s=(reached[at] / quoted_s).tolist(),
    )


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
