r"""Was the best of many tries found, or made? Probability of backtest overfitting and the deflated Sharpe ratio.

**Probability of overfitting** (combinatorially symmetric cross-validation). The PnL increments of :math:`N` tries are
cut into :math:`S` blocks of time. For each of the :math:`\binom{S}{S/2}` ways to take half of the blocks, the try with
the highest Sharpe ratio in that half is looked up in the other half: with :math:`r` the rank of its Sharpe ratio
there (1 is the lowest), :math:`\bar\omega = r / (N + 1)` and :math:`\lambda = \ln(\bar\omega / (1 - \bar\omega))`,

.. math:: \mathrm{PBO} = \Pr(\lambda \le 0),

the share of splits in which the best of one half is no better than the median of the other.

**Deflated Sharpe ratio.** The best of :math:`N` independent tries without any edge, whose Sharpe ratios have the
variance :math:`V`, is expected to show

.. math::
    SR_0 = \sqrt V\left[(1 - \gamma)\,\Phi^{-1}\!\left(1 - \tfrac1N\right)
           + \gamma\,\Phi^{-1}\!\left(1 - \tfrac1{N e}\right)\right]

with Euler's :math:`\gamma`. The deflated Sharpe ratio is the probability that the true Sharpe ratio of the best is
above that, given :math:`T` increments of skewness :math:`\gamma_3` and kurtosis :math:`\gamma_4`:

.. math::
    \mathrm{DSR} = \Phi\!\left(\frac{(SR - SR_0)\sqrt{T - 1}}
                   {\sqrt{1 - \gamma_3 SR + \frac{\gamma_4 - 1}{4} SR^2}}\right).

Tries on a parameter grid resemble each other; as many independent ones as they amount to are
:math:`\hat N = \bar\rho + (1 - \bar\rho) N`, with the mean correlation :math:`\bar\rho` of their increments.

:math:`V` is meant to be what chance alone spreads. Over parameters that matter the ratios differ for better reasons
too, and a sweep would raise its own bar: with an edge in a quarter of the tries, no edge whatever is high enough.
So :math:`V` is the variance of the ratios over the tries, as in the paper, or the mean sampling variance of one
try's ratio, whichever is lower. The latter is told from blocks of time, :math:`v_i = \mathrm{Var}_b(\bar x_{ib}) /
(S s_i^2)` with the means :math:`\bar x_{ib}` of try *i* in *S* blocks and its deviation :math:`s_i`, so that increments
that depend on each other within a block count as what they are.

Both are about the increments given: a market in which everything pays makes neither alarm, and nor does a backtest
that fills too kindly. PBO near one half with a high deflated Sharpe ratio means that the tries are equally good.
Both fail where increments depend on each other for longer than a block (PBO) or a step (DSR), and where tries were
made that are not among those given.

Sources: Bailey, Borwein, Lopez de Prado and Zhu, The Probability of Backtest Overfitting, Journal of Computational
Finance 20(4), 2017; Bailey and Lopez de Prado, The Deflated Sharpe Ratio, Journal of Portfolio Management 40(5),
2014, with the number of independent tries of its appendix 3.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import combinations
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mm_nautilus.errors import ParameterError

type Floats = NDArray[np.float64]

BLOCKS: Final = 16
"""Blocks of time that increments are cut into; 12,870 splits."""
MOST_BLOCKS: Final = 20
"""184,756 splits; every two blocks more are four times as many."""
_FEWEST_MEANS: Final = 8
_SPLITS_AT_ONCE: Final = 4_000_000
# Increments that differ by less than this share of their size differ by rounding alone.
_ROUNDING: Final = 1e-14


@dataclass(frozen=True, slots=True)
class Overfitting:
    """What cross-validation says about choosing the best of some tries.

    Parameters
    ----------
    probability : float
        Of overfitting: share of splits in which the best of one half is at or below the median of the other.
    probability_of_loss : float
        Share of splits in which the best of one half loses in the other.
    tries, steps, blocks, splits : int
        Tries compared, increments of each that were used, blocks and splits they were cut into.
    slope : float or None
        Of the Sharpe ratio in the other half on that in the first, over the splits: below zero, what looked better
        was worse. ``None`` where the first does not vary.

    """

    probability: float
    probability_of_loss: float
    tries: int
    steps: int
    blocks: int
    splits: int
    slope: float | None


def probability_of_overfitting(increments: ArrayLike, blocks: int = BLOCKS) -> Overfitting:
    """Return the probability of backtest overfitting; see the module.

    Parameters
    ----------
    increments : float array, shape (steps, tries)
        PnL of each step of time under each try, in money; a try that never earned anything is a column of zeros and
        has a Sharpe ratio of zero.
    blocks : int
        Even, from 2 to `MOST_BLOCKS`; steps that do not fill the last block are left out.

    Raises
    ------
    ParameterError
        For fewer than two tries, blocks out of range, fewer than two steps a block, or increments that are not finite.

    """
    pnl = _matrix(increments)
    if blocks % 2 or not 2 <= blocks <= MOST_BLOCKS:
        raise ParameterError("blocks", blocks, f"even and from 2 to {MOST_BLOCKS}")
    steps, tries = pnl.shape
    if tries < 2:
        raise ParameterError("increments", f"{tries} tries", "of at least 2 tries")
    each = steps // blocks
    if each < 2:
        raise ParameterError("increments", f"{steps} steps", f"at least {2 * blocks} steps for {blocks} blocks")
    # Sharpe ratios do not change with the unit; tries in the same unit keep sums of squares from overflowing.
    used = pnl[: each * blocks] / (np.abs(pnl).max(initial=0.0) or 1.0)
    cut = used.reshape(blocks, each, tries)
    sums, squares = cut.sum(axis=1), (cut * cut).sum(axis=1)
    # Of each pair of complementary halves the one with the first block is listed; both are used.
    chosen = [half for half in combinations(range(blocks), blocks // 2) if half[0] == 0]
    member = np.zeros((len(chosen), blocks))
    for row, half in enumerate(chosen):
        member[row, list(half)] = 1.0
    inside, outside, rank = [], [], []
    at_once = max(1, _SPLITS_AT_ONCE // tries)
    for first in range(0, len(chosen), at_once):
        some = member[first : first + at_once]
        one, other = (_ratios(half @ sums, half @ squares, each * blocks // 2) for half in (some, 1.0 - some))
        for seen, unseen in ((one, other), (other, one)):
            best = np.argmax(seen, axis=1)[:, None]
            there = np.take_along_axis(unseen, best, axis=1)
            inside.append(np.take_along_axis(seen, best, axis=1)[:, 0])
            outside.append(there[:, 0])
            # Equals share a rank, so that tries that are all the same put the best at the median.
            rank.append((unseen < there).sum(axis=1) + 0.5 * ((unseen == there).sum(axis=1) - 1) + 1.0)
    seen_sharpe, unseen_sharpe, ranks = (np.concatenate(parts) for parts in (inside, outside, rank))
    varies = float(np.ptp(seen_sharpe)) > 0.0
    return Overfitting(
        probability=float(np.mean(ranks <= 0.5 * (tries + 1))),
        probability_of_loss=float(np.mean(unseen_sharpe < 0.0)),
        tries=tries,
        steps=each * blocks,
        blocks=blocks,
        splits=len(ranks),
        slope=float(np.polyfit(seen_sharpe, unseen_sharpe, 1)[0]) if varies else None,
    )


def _matrix(increments: ArrayLike) -> Floats:
    pnl = np.asarray(increments, dtype=np.float64)
    if pnl.ndim != 2 or not np.isfinite(pnl).all():
        raise ParameterError("increments", f"shape {pnl.shape}", "finite numbers of shape (steps, tries)")
    return pnl


def _ratios(sums: Floats, squares: Floats, count: int) -> Floats:
    """Return mean over standard deviation (ddof 1); zero where nothing varies and the mean is zero."""
    mean = sums / count
    variance = np.maximum(squares - count * mean * mean, 0.0) / (count - 1)
    steady = variance <= _ROUNDING * squares
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = mean / np.sqrt(variance)
    return np.where(steady, np.where(mean == 0.0, 0.0, np.copysign(math.inf, mean)), ratio) if steady.any() else ratio


@dataclass(frozen=True, slots=True)
class DeflatedSharpe:
    """A Sharpe ratio beside what the luckiest of as many worthless tries would show; ratios are per step.

    Parameters
    ----------
    probability : float
        The deflated Sharpe ratio: probability that the true ratio is above `expected_maximum`.
    sharpe : float
        Of the best try.
    expected_maximum : float
        Expected best of `independent_tries` tries without an edge.
    undeflated : float
        Probability that the true ratio is above zero, had it been the only try.
    tries : int
        Tries made.
    independent_tries : float
        As many independent ones they amount to.
    variance : float
        Of the Sharpe ratios of worthless tries.
    steps : int
        Increments of the best.
    skewness, kurtosis : float
        Of its increments; 0 and 3 for normal ones.

    """

    probability: float
    sharpe: float
    expected_maximum: float
    undeflated: float
    tries: int
    independent_tries: float
    variance: float
    steps: int
    skewness: float
    kurtosis: float


def deflated_sharpe(
    increments: ArrayLike, best: int | None = None, variance: float | None = None
) -> DeflatedSharpe | None:
    """Return the deflated Sharpe ratio of one of several tries; see the module.

    Parameters
    ----------
    increments : float array, shape (steps, tries)
        PnL of each step of time under each try, in money. Tries whose increments do not vary count as tries with a
        Sharpe ratio of zero.
    best : int or None
        Column of the try in question; the one with the highest Sharpe ratio by default.
    variance : float or None
        Of the Sharpe ratios of worthless tries; by default as the module says.

    Returns
    -------
    DeflatedSharpe or None
        ``None`` with fewer than three steps, and where the try's increments do not vary.

    Raises
    ------
    ParameterError
        For increments that are not finite numbers in two dimensions, or a column that is not there.

    """
    pnl = _matrix(increments)
    steps, tries = pnl.shape
    if best is not None and not 0 <= best < tries:
        raise ParameterError("best", best, f"a column from 0 to {tries - 1}")
    if steps < 3 or not tries:
        return None
    deviation = pnl.std(axis=0, ddof=1)
    moves = deviation > _ROUNDING * np.abs(pnl).max(axis=0)
    ratios = np.divide(pnl.mean(axis=0), deviation, out=np.zeros(tries), where=moves)
    column = int(np.argmax(np.where(moves, ratios, -math.inf))) if best is None else best
    if not moves[column]:
        return None
    centred = (pnl[:, column] - pnl[:, column].mean()) / pnl[:, column].std()
    skewness, kurtosis = float(np.mean(centred**3)), float(np.mean(centred**4))
    independent = independent_tries(pnl[:, moves]) + float(np.count_nonzero(~moves))
    if variance is None:
        variance = min(float(ratios.var(ddof=1)), sampling_variance(pnl[:, moves])) if tries > 1 else 0.0
    luck = expected_maximum(variance, independent)
    sharpe = float(ratios[column])
    return DeflatedSharpe(
        probability=probabilistic_sharpe(sharpe, luck, steps, skewness, kurtosis),
        sharpe=sharpe,
        expected_maximum=luck,
        undeflated=probabilistic_sharpe(sharpe, 0.0, steps, skewness, kurtosis),
        tries=tries,
        independent_tries=independent,
        variance=variance,
        steps=steps,
        skewness=skewness,
        kurtosis=kurtosis,
    )


def probabilistic_sharpe(sharpe: float, benchmark: float, steps: int, skewness: float, kurtosis: float) -> float:
    """Return the probability that the true Sharpe ratio is above `benchmark`, both per step.

    Parameters
    ----------
    sharpe, benchmark : float
        Per step, not annual.
    steps : int
        At least 2.
    skewness, kurtosis : float
        Of the increments; 0 and 3 for normal ones.

    Raises
    ------
    ParameterError
        For fewer than two steps.

    References
    ----------
    Bailey and Lopez de Prado, The Sharpe Ratio Efficient Frontier, Journal of Risk 15(2), 2012.

    """
    if steps < 2:
        raise ParameterError("steps", steps, ">= 2")
    from scipy.special import ndtr  # noqa: PLC0415 - most commands never need it

    # Of moments that go together (kurtosis >= skewness**2 + 1) this is never below zero.
    spread = max(1.0 - skewness * sharpe + 0.25 * (kurtosis - 1.0) * sharpe * sharpe, 0.0)
    gap = (sharpe - benchmark) * math.sqrt(steps - 1)
    if spread == 0.0:
        return 0.5 if gap == 0.0 else float(gap > 0.0)
    return float(ndtr(gap / math.sqrt(spread)))


def expected_maximum(variance: float, tries: float) -> float:
    """Return the expected highest Sharpe ratio of independent tries without an edge, in the unit of the ratios.

    Parameters
    ----------
    variance : float
        Of the Sharpe ratios over the tries, at least 0.
    tries : float
        How many, at least 1; the best of one is expected at zero.

    Raises
    ------
    ParameterError
        For values out of range.

    """
    if not 0.0 <= variance < math.inf:
        raise ParameterError("variance", variance, ">= 0 and finite")
    if not 1.0 <= tries < math.inf:
        raise ParameterError("tries", tries, ">= 1 and finite")
    if tries == 1.0:
        return 0.0
    from scipy.special import ndtri  # noqa: PLC0415 - most commands never need it

    quantile = (1.0 - np.euler_gamma) * ndtri(1.0 - 1.0 / tries) + np.euler_gamma * ndtri(1.0 - 1.0 / (math.e * tries))
    # The asymptotic formula goes below zero between one and two tries, where the expectation cannot.
    return math.sqrt(variance) * max(float(quantile), 0.0)


def independent_tries(increments: Floats) -> float:
    r"""Return :math:`\bar\rho + (1 - \bar\rho) N`, with the mean correlation between the tries, at least 1.

    Parameters
    ----------
    increments : float array, shape (steps, tries)
        Each column varies. A mean correlation below zero counts as zero.

    """
    tries = increments.shape[1]
    if tries < 2:
        return float(tries)
    unit = increments - increments.mean(axis=0)
    unit = unit / np.linalg.norm(unit, axis=0)
    # The sum of all correlations is the squared length of the sum of the unit vectors.
    mean = (float(np.square(unit.sum(axis=1)).sum()) - tries) / (tries * (tries - 1))
    correlation = min(max(mean, 0.0), 1.0)
    return float(correlation + (1.0 - correlation) * tries)


def sampling_variance(increments: Floats) -> float:
    """Return the mean sampling variance of the tries' Sharpe ratios, told from the means of blocks; see the module.

    With fewer than `_FEWEST_MEANS` blocks of two steps, increments count as independent: one over their number.

    Parameters
    ----------
    increments : float array, shape (steps, tries)
        At least two steps; each column varies.

    """
    steps, tries = increments.shape
    blocks = min(BLOCKS, steps // 2)
    if blocks < _FEWEST_MEANS:
        return 1.0 / float(steps - 1)
    each = steps // blocks
    means = increments[: blocks * each].reshape(blocks, each, tries).mean(axis=1)
    return float(np.mean(means.var(axis=0, ddof=1) / blocks / increments.var(axis=0, ddof=1)))
