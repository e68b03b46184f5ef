"""What held-out predictions are worth, with intervals that allow for dependence in time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from mm_nautilus.estimators.columns import Floats, Times

type Bools = npt.NDArray[np.bool_]

DRAWS: Final = 1_000
LEVEL: Final = 0.95
FEWEST_BLOCKS: Final = 10
_CURVE_POINTS: Final = 200
_BINS: Final = 10


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure with its interval; ``None`` with fewer than `FEWEST_BLOCKS` blocks of time."""

    value: float
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Bin:
    """Fills of similar prediction: what was predicted, and what happened, with Wilson's interval."""

    fills: int
    predicted: float
    observed: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class PrecisionRecall:
    """The curve, from the highest threshold down, and the area under it (average precision)."""

    average: float
    recall: tuple[float, ...]
    precision: tuple[float, ...]


class Blocks:
    """Resamples blocks of time, so that fills that share a market move come and go together.

    Parameters
    ----------
    ts_ns : int array, shape (n,)
        When the fills happened.
    block_ns : int
        Length of a block.
    seed : int
        Of the draws; the same for every model, so that differences are paired.

    """

    def __init__(self, ts_ns: Times, block_ns: int, seed: int) -> None:
        _, self._block = np.unique((ts_ns - ts_ns[0]) // block_ns, return_inverse=True)
        self.count = int(self._block.max()) + 1
        self._seed = seed

    def standard_error(self, values: Floats, chosen: Bools) -> float | None:
        """Return the standard error of the mean of the chosen values; ``None`` with fewer than two blocks of them.

        Deviations are summed within blocks, and the sums of different blocks taken as independent.
        """
        count = len(np.unique(self._block[chosen]))
        if count < 2:
            return None
        apart = values[chosen] - values[chosen].mean()
        sums = np.bincount(self._block[chosen], weights=apart)
        return float(np.sqrt(count / (count - 1) * (sums @ sums)) / len(apart))

    def weights(self) -> list[Floats]:
        """Return how often each fill counts in each draw; empty where there are too few blocks."""
        if self.count < FEWEST_BLOCKS:
            return []
        rng = np.random.default_rng(self._seed)
        drawn = rng.multinomial(self.count, np.full(self.count, 1.0 / self.count), DRAWS)
        return [row[self._block].astype(np.float64) for row in drawn]


def auc(predicted: Floats, adverse: Bools, weight: Floats | None = None) -> float:
    """Area under the ROC curve, weighted: the chance that an adverse fill is ranked above one that is not.

    NaN with one class only.
    """
    return _auc(*_ranked(predicted), adverse, np.ones(len(predicted)) if weight is None else weight)


def _ranked(predicted: Floats) -> tuple[npt.NDArray[np.intp], int]:
    values, place = np.unique(predicted, return_inverse=True)
    return place, len(values)


def _auc(place: npt.NDArray[np.intp], places: int, adverse: Bools, weight: Floats) -> float:
    hits = np.bincount(place, weight * adverse, places)
    misses = np.bincount(place, weight * ~adverse, places)
    pairs = hits.sum() * misses.sum()
    below = np.cumsum(misses) - misses
    return float(hits @ (below + 0.5 * misses) / pairs) if pairs > 0.0 else float("nan")


def auc_draws(predicted: Floats, adverse: Bools, weights: list[Floats]) -> Floats:
    """`auc` of each draw of `Blocks.weights`."""
    ranked = _ranked(predicted)
    return np.array([_auc(*ranked, adverse, weight) for weight in weights])


def estimate(value: float, draws: Floats) -> Estimate:
    """Return a figure with the percentiles of its draws."""
    kept = draws[np.isfinite(draws)]
    if not len(kept):
        return Estimate(value, None, None)
    low, high = np.quantile(kept, (0.5 - 0.5 * LEVEL, 0.5 + 0.5 * LEVEL))
    return Estimate(value, float(low), float(high))


def brier(predicted: Floats, adverse: Bools) -> float:
    """Mean squared error of the predicted chance."""
    return float(np.mean((predicted - adverse) ** 2))


def reliability(predicted: Floats, adverse: Bools) -> tuple[Bin, ...]:
    """Return fills by prediction, in up to ten parts of about equal numbers; equal predictions stay together."""
    edges = np.unique(np.quantile(predicted, np.linspace(0.0, 1.0, _BINS + 1)[1:-1]))
    part = np.searchsorted(edges, predicted, side="right")
    found = []
    for number in np.unique(part):
        inside = part == number
        low, high = wilson(int(adverse[inside].sum()), int(inside.sum()))
        found.append(Bin(int(inside.sum()), float(predicted[inside].mean()), float(adverse[inside].mean()), low, high))
    return tuple(found)


def wilson(successes: int, trials: int) -> tuple[float, float]:
    """Return Wilson's 95 % interval of a share (Wilson 1927); it takes trials for independent."""
    z = 1.959963984540054
    share, shrink = successes / trials, 1.0 + z * z / trials
    centre = (share + z * z / (2 * trials)) / shrink
    half = z * np.sqrt(share * (1.0 - share) / trials + z * z / (4 * trials * trials)) / shrink
    return float(max(min(centre - half, share), 0.0)), float(min(max(centre + half, share), 1.0))


def precision_recall(predicted: Floats, adverse: Bools) -> PrecisionRecall:
    """Return precision and recall at every threshold, thinned to a drawable number of points."""
    place, places = _ranked(predicted)
    hits = np.bincount(place, adverse.astype(np.float64), places)[::-1].cumsum()
    chosen = np.bincount(place, minlength=places)[::-1].cumsum()
    precision, recall = hits / chosen, hits / hits[-1]
    average = float(np.sum(np.diff(recall, prepend=0.0) * precision))
    kept = np.unique(np.linspace(0, places - 1, min(places, _CURVE_POINTS)).astype(int))
    return PrecisionRecall(average, tuple(recall[kept].tolist()), tuple(precision[kept].tolist()))
