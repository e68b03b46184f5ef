r"""Arrival intensity from resting orders that were hit, or were not hit in time: censored maximum likelihood.

An order that rests at distance :math:`\delta` from the reference price is hit at rate
:math:`\lambda(\delta) = A e^{-k x(\delta)}`, with :math:`x = \delta` (exponential) or
:math:`x = \ln(1 + \delta/d_0)` (power law, :math:`\lambda = A(1 + \delta/d_0)^{-\alpha}`). With exposure :math:`t_i`
(seconds it rested) and :math:`e_i` hits,

.. math:: \ell = \sum_i e_i(\ln A - k x_i) - A \sum_i t_i e^{-k x_i} .

The decay solves :math:`\sum t_i x_i e^{-k x_i}/\sum t_i e^{-k x_i} = \sum e_i x_i/\sum e_i`, whose left side falls
strictly in :math:`k`: the root is unique. Orders that were never hit count through their exposure; leaving them out
(a mean of observed fill times) or dividing hits by windows biases :math:`k` by a third and more.

Assumes independent orders. Orders that share market orders do not make the estimate wrong, but its Fisher standard
errors too small: use a block bootstrap.

Source: maximum likelihood of a Poisson rate under right-censoring; Laruelle, Lehalle and Pagès, SIAM J. Financial
Mathematics 2, 2011, section 5, for the setting.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mm_nautilus.errors import ParameterError

type Floats = npt.NDArray[np.float64]

_ITERATIONS = 200
_MAX_LOG = 600.0


@dataclass(frozen=True, slots=True)
class IntensityFit:
    r"""A fitted :math:`\lambda = A e^{-kx}`; NaN where the data do not identify a number.

    Parameters
    ----------
    a_per_s : float
        :math:`A`, hits per second at zero distance.
    decay : float
        :math:`k` in 1/price for the exponential, the exponent :math:`\alpha` for a power law.
    se_ln_a, se_decay : float
        Fisher standard errors.
    correlation : float
        Between the estimates of :math:`\ln A` and the decay; near 1 only their combination is known.
    loglik : float
        Log-likelihood at the estimate.
    events : int
        Hits.
    parameters : int
        Free parameters, for `aic`.
    d0 : float or None
        Offset of a power law, in price units.

    """

    a_per_s: float
    decay: float
    se_ln_a: float
    se_decay: float
    correlation: float
    loglik: float
    events: int
    parameters: int = 2
    d0: float | None = None

    @property
    def aic(self) -> float:
        """Akaike's information criterion, ``2 parameters - 2 loglik``; smaller is better."""
        return 2.0 * self.parameters - 2.0 * self.loglik


def exponential_censored(depth: npt.ArrayLike, exposure: npt.ArrayLike, events: npt.ArrayLike) -> IntensityFit:
    r"""Fit :math:`A e^{-k\delta}` to resting orders, one by one or aggregated by depth.

    Parameters
    ----------
    depth : float array, shape (n,)
        Distance from the reference price, in price units.
    exposure : float array, shape (n,)
        Seconds the orders at this depth rested.
    events : array, shape (n,)
        How many of them were hit: 0 or 1 for single orders.

    Raises
    ------
    ParameterError
        For arrays of different lengths, numbers that are not finite, or negative exposure or events.

    """
    x, t, e = _checked(depth, exposure, events)
    return _fit(x, t, e)


def power_law_censored(
    depth: npt.ArrayLike, exposure: npt.ArrayLike, events: npt.ArrayLike, d0: float | None = None
) -> IntensityFit:
    r"""Fit :math:`A(1 + \delta/d_0)^{-\alpha}`; the arguments are those of `exponential_censored`.

    Parameters
    ----------
    depth, exposure, events : array, shape (n,)
        As there; ``depth > -d0``.
    d0 : float or None
        Offset in price units. ``None`` profiles it: the value of the greatest likelihood between a hundredth of the
        smallest and a hundred times the largest depth (the far end is the exponential), counted as a parameter.

    Raises
    ------
    ParameterError
        As there, and for ``d0`` not above 0 or a depth at or below ``-d0``.

    """
    delta, t, e = _checked(depth, exposure, events)
    if d0 is None:
        positive = np.abs(delta[delta != 0.0])
        if not positive.size:
            return _unidentified(e, d0=None)
        lowest = max(0.01 * positive.min(), -1.01 * float(delta.min()))
        d0 = profiled_offset(lambda at: _fit(np.log1p(delta / at), t, e).loglik, lowest, 100.0 * float(positive.max()))
        return _fit(np.log1p(delta / d0), t, e, parameters=3, d0=d0)
    if not (np.isfinite(d0) and d0 > 0):
        raise ParameterError("d0", d0, "a finite number > 0")
    if delta.size and delta.min() <= -d0:
        raise ParameterError("depth", float(delta.min()), f"> -d0 = {-d0}")
    return _fit(np.log1p(delta / d0), t, e, d0=d0)


def profiled_offset(loglik_at: Callable[[float], float], lowest: float, highest: float) -> float:
    """Return the offset of the greatest likelihood between two bounds, searched on a logarithmic scale.

    Parameters
    ----------
    loglik_at : callable
        Log-likelihood at an offset.
    lowest, highest : float
        Bounds of the offset, in price units, above 0.

    """
    from scipy.optimize import minimize_scalar  # noqa: PLC0415 - a command line start must not pay for it

    def cost(log_offset: float) -> float:
        value = loglik_at(float(np.exp(log_offset)))
        return -value if np.isfinite(value) else np.inf

    grid = np.linspace(np.log(lowest), np.log(highest), 25)
    values = np.array([cost(at) for at in grid])
    best = int(np.argmin(values))
    bounds = (grid[max(best - 1, 0)], grid[min(best + 1, len(grid) - 1)])
    return float(np.exp(minimize_scalar(cost, bounds=bounds, method="bounded", options={"xatol": 1e-6}).x))


def decay_of(x: Floats, exposure: Floats, mean_event: Floats) -> Floats:
    r"""Solve :math:`\sum t x e^{-kx}/\sum t e^{-kx} = \bar x` for many data sets at once.

    Parameters
    ----------
    x : float array, shape (n,)
        Distances.
    exposure : float array, shape (sets, n)
        Seconds.
    mean_event : float array, shape (sets,)
        :math:`\bar x`, the mean distance of the hits.

    Returns
    -------
    float array, shape (sets,)
        Decay; NaN where the mean is not strictly between the least and the largest distance that was exposed.

    """
    exposed = exposure > 0
    near = np.where(exposed, x, np.inf).min(axis=1, initial=np.inf)
    far = np.where(exposed, x, -np.inf).max(axis=1, initial=-np.inf)
    solvable = (near < mean_event) & (mean_event < far)
    k = np.where(solvable, 0.0, np.nan)
    if not solvable.any():
        return k
    width = np.where(solvable, far - near, 1.0)
    low, high = np.full(len(k), -np.inf), np.full(len(k), np.inf)
    with np.errstate(divide="ignore"):
        log_t = np.where(exposed, np.log(np.where(exposed, exposure, 1.0)), -np.inf)
    centred = x[None, :] - np.where(solvable, mean_event, 0.0)[:, None]
    open_ = solvable.copy()
    for _ in range(_ITERATIONS):
        exponent = log_t - k[:, None] * centred
        weights = np.exp(exponent - exponent.max(axis=1, keepdims=True))
        weights /= weights.sum(axis=1, keepdims=True)
        gap = (weights * centred).sum(axis=1)  # falls in k
        variance = (weights * centred * centred).sum(axis=1) - gap * gap
        low, high = np.where(gap > 0, k, low), np.where(gap < 0, k, high)
        with np.errstate(divide="ignore", invalid="ignore"):
            step = np.where(variance > 0, gap / variance, np.sign(gap) * np.inf)
        limit = np.maximum(4.0 / width, np.abs(k))
        moved = k + np.clip(step, -limit, limit)
        outside = (moved <= low) | (moved >= high)
        with np.errstate(invalid="ignore"):
            middle = 0.5 * (low + high)
        moved = np.where(outside & np.isfinite(middle), middle, moved)
        settled = (np.abs(moved - k) <= 4e-16 * np.abs(moved)) | (gap == 0.0)
        k = np.where(open_ & (gap != 0.0), moved, k)
        open_ &= ~settled
        if not open_.any():
            break
    return k


def amplitude_of(x: Floats, exposure: Floats, events: Floats, decay: Floats) -> Floats:
    r"""Return :math:`\hat A = \sum e/\sum t e^{-kx}` for many data sets at once, shape (sets,)."""
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        result: Floats = events / (exposure * np.exp(-decay[:, None] * x[None, :])).sum(axis=1)
    return result


def _checked(depth: npt.ArrayLike, exposure: npt.ArrayLike, events: npt.ArrayLike) -> tuple[Floats, Floats, Floats]:
    arrays = [np.atleast_1d(np.asarray(values, dtype=np.float64)) for values in (depth, exposure, events)]
    for name, array in zip(("depth", "exposure", "events"), arrays, strict=True):
        if array.shape != arrays[0].shape or array.ndim != 1:
            raise ParameterError(
                name, array.shape, f"one-dimensional with one entry per depth, shape {arrays[0].shape}"
            )
        if not np.isfinite(array).all():
            raise ParameterError(name, float(array[~np.isfinite(array)][0]), "finite")
        if name != "depth" and array.size and array.min() < 0:
            raise ParameterError(name, float(array.min()), ">= 0")
    return arrays[0], arrays[1], arrays[2]


def _fit(x: Floats, t: Floats, e: Floats, parameters: int = 2, d0: float | None = None) -> IntensityFit:
    total = float(e.sum())
    if total <= 0.0:
        return _unidentified(e, d0)
    decay = float(decay_of(x, t[None, :], np.array([float((e * x).sum()) / total]))[0])
    if not np.isfinite(decay) or np.abs(decay * x).max() > _MAX_LOG:
        return _unidentified(e, d0)
    a = float(amplitude_of(x, t[None, :], np.array([total]), np.array([decay]))[0])
    expected = a * t * np.exp(-decay * x)
    mean_x = float((expected * x).sum()) / total
    spread = float((expected * (x - mean_x) ** 2).sum())  # determinant of the information over `total`
    second = spread + total * mean_x * mean_x
    return IntensityFit(
        a_per_s=a,
        decay=decay,
        se_ln_a=float(np.sqrt(second / (total * spread))),
        se_decay=float(1.0 / np.sqrt(spread)),
        correlation=float(mean_x * np.sqrt(total / second)),
        loglik=float(total * np.log(a) - decay * (e * x).sum() - expected.sum()),
        events=round(total),
        parameters=parameters,
        d0=d0,
    )


def _unidentified(e: Floats, d0: float | None) -> IntensityFit:
    nan = float("nan")
    return IntensityFit(nan, nan, nan, nan, nan, nan, round(float(e.sum())), 2, d0)
