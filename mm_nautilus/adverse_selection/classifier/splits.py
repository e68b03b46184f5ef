"""Walk-forward splits in time that are purged and embargoed (Lopez de Prado 2018, chapter 7).

A model is tested on a stretch of time after being trained on what was *known* before it. A label is known only a
horizon after its fill, so that fills whose horizon reaches into the test are purged; an embargo keeps a further
distance, because what happens in the market is dependent for longer than that.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mm_nautilus.errors import ParameterError
from mm_nautilus.estimators.columns import Times

type Indices = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Fold:
    """Rows to train on and rows to test on, in order of time."""

    train: Indices
    test: Indices


def walk_forward(ts_ns: Times, known_ns: Times, folds: int, embargo_ns: int) -> list[Fold]:
    """Cut the fills into ``folds + 1`` stretches of equal numbers; each but the first is tested on in turn.

    Every label that a fold trains on was known more than `embargo_ns` before the first fill it is tested on. Fills of
    one instant stay together, so that a stretch may be longer than the others, or vanish with its fold.

    Parameters
    ----------
    ts_ns : int array, shape (n,)
        When each fill happened, never backwards.
    known_ns : int array, shape (n,)
        When each label was known.
    folds : int
        At least 1.
    embargo_ns : int
        At least 0.

    Raises
    ------
    ParameterError
        When an argument is out of range or times go backwards.

    """
    if folds < 1:
        raise ParameterError("folds", folds, "an integer >= 1")
    if embargo_ns < 0:
        raise ParameterError("embargo_ns", embargo_ns, "an integer >= 0")
    if (np.diff(ts_ns) < 0).any():
        raise ParameterError("ts_ns", "times that go backwards", "in order of time")
    cuts = np.linspace(0, len(ts_ns), folds + 2).astype(np.intp)[1:-1]
    begins = np.unique(np.searchsorted(ts_ns, ts_ns[cuts], side="left")) if len(ts_ns) else cuts[:0]
    ends = [*begins[1:], len(ts_ns)]
    return [
        Fold(known_before(known_ns, int(ts_ns[begin]), embargo_ns), np.arange(begin, end))
        for begin, end in zip(begins.tolist(), ends, strict=True)
        if begin > 0
    ]


def known_before(known_ns: Times, begin_ns: int, embargo_ns: int) -> Indices:
    """Return the rows whose labels were known more than an embargo before an instant."""
    return np.flatnonzero(known_ns + embargo_ns < begin_ns)
