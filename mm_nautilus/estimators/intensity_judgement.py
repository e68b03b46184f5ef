r"""Which fit of a side's arrival intensity is to be trusted, and what to use where none is.

One function serves the calibration of a day and the rolling fit inside a strategy: counts of market orders by depth in,
a verdict out. A curve is refused where the data do not carry it; every refusal has a reason and names what stands in.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from math import isfinite, log
from typing import Final

import numpy as np

from mm_nautilus.estimators.intensity_censored import Floats, IntensityFit
from mm_nautilus.estimators.intensity_depths import lattice_fit
from mm_nautilus.estimators.intensity_orders import Ints

LEAST_EVENTS: Final = 20
"""Market orders below which nothing is fitted, and orders that must reach the deepest step that is."""
_TAIL: Final = 0.01
_MOST_AT_FIRST: Final = 0.5
_MOST_CORRELATED: Final = 0.999
_Z: Final = 1.959963984540054


class Verdict(StrEnum):
    """What became of a fit."""

    FITTED = "fitted"
    FALLBACK = "fallback"
    REFUSED = "refused"


class Form(StrEnum):
    """Where the numbers come from."""

    EXPONENTIAL = "exponential"
    """The curve over all depths up to the cut."""
    TICK_DISCRETE = "tick_discrete"
    """The rates at the first two prices alone."""
    QUANTILE = "quantile"
    """The rate at the first price; the decay at its lower 95 % bound, which quotes wide."""
    NONE = "none"


class Refusal(StrEnum):
    """Why a curve is not trusted, in a word."""

    TOO_FEW_EVENTS = "TOO_FEW_EVENTS"
    LARGE_TICK = "LARGE_TICK"
    NO_DECAY = "NO_DECAY"
    NOT_TOLD_APART = "NOT_TOLD_APART"


@dataclass(frozen=True, slots=True)
class JudgedFit:
    """A fit with its verdict.

    Parameters
    ----------
    verdict, form : Verdict, Form
        Whether the curve is trusted, and where the numbers come from.
    refusal : Refusal or None
        Why it is not, in a word.
    reason : str
        Why it is not, in numbers; empty where it is.
    fit : IntensityFit
        The numbers; NaN where refused.
    counts : int array, shape (m + 1,)
        Market orders by ticks beyond the first depth, the last entry cut: what `fit` was made from.
    first_half_ticks : int
        First depth, in half-ticks from the mid.
    share_at_first : float
        Share of the orders that reach the first depth and no farther.
    distance : float
        Largest distance between fitted and observed share of orders that reach a depth (Kolmogorov-Smirnov).

    """

    verdict: Verdict
    form: Form
    refusal: Refusal | None
    reason: str
    fit: IntensityFit
    counts: Ints
    first_half_ticks: int
    share_at_first: float
    distance: float

    @property
    def usable(self) -> bool:
        """Whether there are numbers to quote with."""
        return self.verdict is not Verdict.REFUSED


def judged_fit(by_half_tick: Ints, duration_s: float, first_half_ticks: int, tick: float) -> JudgedFit:
    """Fit the intensity of one side and decide whether it is to be trusted.

    Parameters
    ----------
    by_half_tick : int array, shape (depths,)
        Market orders whose depth is 0, 1, 2, ... half-ticks; the last entry also holds the deeper ones.
    duration_s : float
        Seconds of quoted time they came in.
    first_half_ticks : int
        Depth the fit starts at, in half-ticks: the half-spread.
    tick : float
        Tick size, in price units.

    """
    counts = by_tick(by_half_tick, first_half_ticks)
    n = int(counts.sum())
    share = float(counts[0] / n) if n else 0.0
    first_price = 0.5 * first_half_ticks * tick
    if n < LEAST_EVENTS or duration_s <= 0:
        reason = f"{n} market orders reached {first_price:g} from the mid; at least {LEAST_EVENTS} are needed"
        return _refused(Refusal.TOO_FEW_EVENTS, reason, counts[:1], first_half_ticks, share)
    cut = last_step(counts)
    curve = cut_at(counts, cut)
    fit = lattice_fit(curve, duration_s, first_price, tick)
    beyond = n - int(counts[0])
    if share > _MOST_AT_FIRST:
        reason = f"{share:.1%} of {n} market orders trade at {first_price:g} from the mid and no farther (large tick)"
        if beyond < LEAST_EVENTS:
            reason += f"; {beyond} reach the next tick, at least {LEAST_EVENTS} are needed for its rate"
            return _quantile(reason, counts, duration_s, first_half_ticks, tick, share)
        pair = cut_at(counts, 1)
        fit = lattice_fit(pair, duration_s, first_price, tick)
        return _judged(
            Verdict.FALLBACK, Form.TICK_DISCRETE, Refusal.LARGE_TICK, reason, fit, pair, first_half_ticks, share, tick
        )
    if not fit.decay - _Z * fit.se_decay > 0:
        told = isfinite(fit.decay)
        found = f"k = {fit.decay:.4g} +- {fit.se_decay:.2g} cannot be told from 0" if told else "no decay"
        reason = f"{found}: deeper orders are hit as often"
        return _refused(Refusal.NO_DECAY, reason, curve, first_half_ticks, share)
    if not fit.correlation < _MOST_CORRELATED or not isfinite(fit.a_per_s):
        reason = f"A and k are not told apart (correlation {fit.correlation:.4f}): every order trades far from the mid"
        return _refused(Refusal.NOT_TOLD_APART, reason, curve, first_half_ticks, share)
    return _judged(Verdict.FITTED, Form.EXPONENTIAL, None, "", fit, curve, first_half_ticks, share, tick)


def by_tick(by_half_tick: Ints, first_half_ticks: int) -> Ints:
    """Return market orders by whole ticks beyond the first depth; half-ticks between count as the tick before."""
    beyond = by_half_tick[first_half_ticks:]
    padded = np.concatenate([beyond, np.zeros(len(beyond) % 2, dtype=np.int64)])
    counts: Ints = padded.reshape(-1, 2).sum(axis=1) if padded.size else np.zeros(1, dtype=np.int64)
    return counts


def last_step(counts: Ints) -> int:
    """Return the deepest tick that a hundredth of the orders, and `LEAST_EVENTS` of them, still reach; at least 1."""
    reached = counts[::-1].cumsum()[::-1]
    enough = np.flatnonzero(reached >= max(LEAST_EVENTS, _TAIL * reached[0]))
    return max(int(enough[-1]) if enough.size else 1, 1)


def cut_at(counts: Ints, step: int) -> Ints:
    """Return the counts up to a step, what reaches deeper added to it."""
    padded = np.concatenate([counts, np.zeros(max(step + 1 - len(counts), 0), dtype=np.int64)])
    return np.concatenate([padded[:step], [padded[step:].sum()]])


def fit_distance(counts: Ints, decay: float, tick: float) -> float:
    """Return the largest distance between the fitted and the observed share of orders that reach a depth."""
    reached = counts[::-1].cumsum()[::-1] / counts.sum()
    return float(np.abs(reached - np.exp(-decay * tick * np.arange(len(counts)))).max())


def _judged(
    verdict: Verdict,
    form: Form,
    refusal: Refusal | None,
    reason: str,
    fit: IntensityFit,
    counts: Ints,
    first: int,
    share: float,
    tick: float,
) -> JudgedFit:
    return JudgedFit(verdict, form, refusal, reason, fit, counts, first, share, fit_distance(counts, fit.decay, tick))


def _refused(refusal: Refusal, reason: str, counts: Ints, first: int, share: float) -> JudgedFit:
    nan = float("nan")
    nothing = IntensityFit(nan, nan, nan, nan, nan, nan, int(counts.sum()))
    return JudgedFit(Verdict.REFUSED, Form.NONE, refusal, reason, nothing, counts, first, share, nan)


def _quantile(reason: str, counts: Ints, duration_s: float, first: int, tick: float, share: float) -> JudgedFit:
    n = int(counts.sum())
    rho = float(wilson_upper(np.array([n - int(counts[0])]), np.array([n]))[0])
    decay = -log(rho) / tick
    d_min = 0.5 * first * tick
    nan = float("nan")
    fit = IntensityFit(n / duration_s * float(np.exp(decay * d_min)), decay, nan, nan, nan, nan, n)
    pair = cut_at(counts, 1)
    return _judged(Verdict.FALLBACK, Form.QUANTILE, Refusal.LARGE_TICK, reason, fit, pair, first, share, tick)


def wilson_upper(hits: Ints, of: Ints) -> Floats:
    """Return the upper 95 % bound of a share by Wilson's score interval."""
    p, z2 = hits / of, _Z * _Z
    bound: Floats = (p + z2 / (2 * of) + _Z * np.sqrt(p * (1 - p) / of + z2 / (4 * of * of))) / (1 + z2 / of)
    return bound


def half_spread_half_ticks(seconds_by_half_spread: Floats) -> int:
    """Return the median half-spread in half-ticks, weighted by the time it stood; at least 1.

    Parameters
    ----------
    seconds_by_half_spread : float array, shape (n,)
        Seconds the half-spread was 0, 1, 2, ... half-ticks (the spread that many ticks).

    """
    total = seconds_by_half_spread.cumsum()
    return max(int(np.searchsorted(total, 0.5 * total[-1])), 1) if total.size and total[-1] > 0 else 1
