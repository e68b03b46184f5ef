r"""Arrival intensity from how deep market orders reach: for quotes that follow the mid (pegged).

A market order that reaches :math:`D` from the mid hits every order resting at :math:`\delta \le D`, so a quote kept at
:math:`\delta` is hit at rate :math:`\lambda(\delta) = \#\{D \ge \delta\}/T`. With :math:`\lambda = Ae^{-k\delta}` the
excess :math:`D - d_{min}` is exponential, on a price lattice of step :math:`h` geometric with
:math:`\rho = e^{-kh}`:

.. math::
    \hat k = \frac{1}{\bar D - d_{min}}, \quad se = \frac{\hat k}{\sqrt n}; \qquad
    \hat k_h = \frac1h \ln\Bigl(1 + \frac{h}{\bar D - d_{min}}\Bigr), \quad
    se = \frac{1 - \rho}{h\sqrt{n\rho}}; \qquad \hat A = \frac nT e^{\hat k d_{min}} .

On a coarse tick the first form is wrong by multiples (k = 2, h = 1: 6.4), the second is not. The lattice form also
takes counts that are cut at some depth: whatever reaches deeper only counts as having come that far, so a heavy tail
far from where anybody quotes does not decide the decay.

Assumes market orders that do not react to our quote.

Source: the mark distribution behind Avellaneda and Stoikov, Quantitative Finance 8, 2008, section 2.5; the geometric
law is its image on a lattice.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from mm_nautilus.errors import ParameterError
from mm_nautilus.estimators.intensity_censored import Floats, IntensityFit, profiled_offset

type Counts = npt.NDArray[np.int64]


def intensity_from_trade_depths(
    depths: npt.ArrayLike, duration_s: float, d_min: float, tick: float | None = None
) -> IntensityFit:
    """Fit the pegged intensity to the depths of market orders.

    Parameters
    ----------
    depths : float array, shape (n,)
        Farthest price of each market order from the mid before it, in price units, at least `d_min`.
    duration_s : float
        Seconds over which they were collected.
    d_min : float
        Least depth, in price units: the half-spread.
    tick : float or None
        Step of the price lattice; ``None`` for continuous depths.

    Returns
    -------
    IntensityFit
        NaN for the decay without depths beyond `d_min`.

    Raises
    ------
    ParameterError
        For a duration or tick not above 0, a depth below `d_min` or a number that is not finite.

    """
    values = np.atleast_1d(np.asarray(depths, dtype=np.float64))
    for name, value in (("duration_s", duration_s), ("tick", tick)):
        if value is not None and not (np.isfinite(value) and value > 0):
            raise ParameterError(name, value, "a finite number > 0")
    if not np.isfinite(values).all() or not np.isfinite(d_min):
        raise ParameterError("depths", "a number that is not finite", "finite, as d_min")
    scale = max(abs(d_min), float(np.abs(values).max(initial=0.0)))
    if values.size and values.min() < d_min - 1e-9 * scale:
        raise ParameterError("depths", float(values.min()), f">= d_min = {d_min}")
    n = values.size
    excess = float((values - d_min).sum())
    if n == 0 or excess <= 1e-12 * n * max(scale, 1e-300):
        return _without_decay(n)
    if tick is None:
        k = n / excess
        loglik = n * np.log(n / duration_s) - n + n * np.log(k) - n
        return _pegged(k, k / np.sqrt(n), n, duration_s, d_min, float(loglik))
    return _lattice(excess / tick, float(n), n, duration_s, d_min, tick)


def lattice_fit(
    counts: npt.ArrayLike, duration_s: float, d_min: float, tick: float, *, cut: bool = True
) -> IntensityFit:
    """Fit the pegged intensity on a price lattice to counts by depth.

    Parameters
    ----------
    counts : int array, shape (m + 1,)
        Market orders that reached ``d_min + j tick`` and no farther; with `cut` the last entry also holds
        whatever reached deeper.
    duration_s : float
        Seconds.
    d_min, tick : float
        First depth and step of the lattice, in price units.
    cut : bool
        Whether the last entry is right-censored.

    """
    c = np.asarray(counts, dtype=np.float64)
    continued, stopped = lattice_statistics(c[None, :], cut=cut)
    n = round(float(c.sum()))
    if n == 0 or continued[0] == 0 or stopped[0] == 0:
        return _without_decay(n)
    return _lattice(float(continued[0]), float(stopped[0]), n, duration_s, d_min, tick)


def lattice_statistics(counts: Floats, *, cut: bool = True) -> tuple[Floats, Floats]:
    """Return how often orders went one tick farther and how often they stopped, for many sets, shape (sets,)."""
    steps = np.arange(counts.shape[1])
    continued: Floats = counts @ steps.astype(np.float64)
    stopped: Floats = counts[:, : -1 if cut else None].sum(axis=1)
    return continued, stopped


def lattice_decay(continued: Floats, stopped: Floats, tick: float) -> Floats:
    r"""Return :math:`\hat k = \ln(1 + s/c)/h` from continuations and stops; infinite without continuations."""
    with np.errstate(divide="ignore", invalid="ignore"):
        decay: Floats = np.log1p(stopped / continued) / tick
    return decay


def power_law_lattice_fit(
    counts: npt.ArrayLike, duration_s: float, d_min: float, tick: float, d0: float | None = None
) -> IntensityFit:
    r"""Fit :math:`A(1 + \delta/d_0)^{-\alpha}` to counts by depth, the last of which is right-censored.

    Parameters are those of `lattice_fit`; `d0` as in `power_law_censored`. The likelihood is comparable with
    that of `lattice_fit` on the same counts.
    """
    c = np.asarray(counts, dtype=np.float64)
    n = round(float(c.sum()))
    if n == 0 or c.size < 2 or c[1:].sum() == 0 or c[:-1].sum() == 0:
        return _without_decay(n)
    depths = d_min + tick * np.arange(c.size)
    if d0 is None:
        d0 = profiled_offset(lambda at: _exponent(c, np.log1p(depths / at))[1], 0.01 * tick, 100.0 * float(depths[-1]))
        parameters = 3
    else:
        parameters = 2
    x = np.log1p(depths / d0)
    alpha, shape, curvature = _exponent(c, x)
    se = float(1.0 / np.sqrt(curvature)) if curvature > 0 else float("nan")
    log_a = np.log(n / duration_s) + alpha * x[0]
    variance = 1.0 / n + (x[0] * se) ** 2
    return IntensityFit(
        float(np.exp(log_a)) if log_a < 700 else float("inf"),
        alpha,
        float(np.sqrt(variance)),
        se,
        float(x[0] * se / np.sqrt(variance)),
        float(n * np.log(n / duration_s) - n + shape),
        n,
        parameters,
        d0,
    )


def _exponent(c: Floats, x: Floats) -> tuple[float, float, float]:
    """Return the likeliest exponent, its log-likelihood and the curvature there (multinomial over the lattice)."""
    steps = np.diff(x)
    reached = c[::-1].cumsum()[::-1][1:]  # continued past step j
    stopped = c[:-1]
    used = (reached + stopped) > 0
    steps, reached, stopped = steps[used], reached[used], stopped[used]
    alpha = float(stopped.sum() / (reached * steps).sum())
    for _ in range(100):
        odds = np.expm1(alpha * steps)  # 1/P(go on) - 1
        slope = float((stopped * steps / odds).sum() - (reached * steps).sum())
        bend = float((stopped * steps * steps * (odds + 1.0) / odds**2).sum())
        if bend == 0.0:
            break
        moved = alpha + slope / bend
        moved = moved if moved > 0 else 0.5 * alpha
        if abs(moved - alpha) <= 1e-14 * alpha:
            alpha = moved
            break
        alpha = moved
    odds = np.expm1(alpha * steps)
    loglik = float((stopped * np.log(-np.expm1(-alpha * steps))).sum() - alpha * (reached * steps).sum())
    return alpha, loglik, float((stopped * steps * steps * (odds + 1.0) / odds**2).sum())


def _lattice(continued: float, stopped: float, n: int, duration_s: float, d_min: float, tick: float) -> IntensityFit:
    k = float(np.log1p(stopped / continued)) / tick
    rho = continued / (continued + stopped)
    se = float(np.sqrt((1.0 - rho) / (rho * (continued + stopped)))) / tick
    loglik = n * np.log(n / duration_s) - n + continued * np.log(rho) + stopped * np.log1p(-rho)
    return _pegged(k, se, n, duration_s, d_min, float(loglik))


def _pegged(k: float, se: float, n: int, duration_s: float, d_min: float, loglik: float) -> IntensityFit:
    log_a = np.log(n / duration_s) + k * d_min
    variance = 1.0 / n + (d_min * se) ** 2
    return IntensityFit(
        float(np.exp(log_a)) if log_a < 700 else float("inf"),
        float(k),
        float(np.sqrt(variance)),
        float(se),
        float(d_min * se / np.sqrt(variance)),
        loglik,
        n,
    )


def _without_decay(n: int) -> IntensityFit:
    nan = float("nan")
    return IntensityFit(nan, nan, nan, nan, nan, nan, n)
