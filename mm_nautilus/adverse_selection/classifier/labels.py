"""Which fills were adverse, once their horizon has passed; and the fills a classifier learns from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from pydantic import Field

from mm_nautilus.adverse_selection.markouts import markouts
from mm_nautilus.errors import DataError
from mm_nautilus.estimators.columns import Floats, Times
from mm_nautilus.settings import Settings

type Bools = npt.NDArray[np.bool_]

FEWEST_LABELS: Final = 200
FEWEST_OF_A_CLASS: Final = 30


class LabelSettings(Settings):
    """What makes a fill adverse."""

    horizon_s: float = Field(default=5.0, gt=0, le=3600, description="Markout horizon tau*, in seconds.")
    threshold_bps: float = Field(
        default=0.0, ge=-1000, le=1000, description="A fill is adverse where its markout is below this, in bps of mid."
    )

    @property
    def horizon_ns(self) -> int:
        """Return the horizon in nanoseconds."""
        return round(self.horizon_s * 1e9)


@dataclass(frozen=True, slots=True)
class Dataset:
    """Fills in order of time, with what was known at each and what became of it."""

    ts_ns: Times
    """Shape (fills,)."""
    features: npt.NDArray[np.float32]
    """Shape (fills, features); single precision, as the model file computes."""
    adverse: Bools
    """Shape (fills,)."""
    markout_bps: Floats
    """At the label's horizon, in bps of the mid at the fill; shape (fills,)."""
    names: tuple[str, ...]
    label: LabelSettings

    @property
    def known_ns(self) -> Times:
        """Return when each label was known; shape (fills,)."""
        return self.ts_ns + self.label.horizon_ns

    @property
    def base_rate(self) -> float:
        """Return the share of adverse fills."""
        return float(self.adverse.mean())


def labelled(
    fill_ts_ns: Any,
    side: Any,
    price: Any,
    features: Any,
    names: tuple[str, ...],
    mid_ts_ns: Any,
    mid: Any,
    label: LabelSettings,
    data_end_ns: int | None = None,
) -> Dataset:
    """Label fills by their signed markout; those whose horizon the data do not reach are left out.

    Parameters
    ----------
    fill_ts_ns : array-like
        Instants, never backwards.
    side : array-like
        Ours, +1 bought or -1 sold.
    price : array-like
        Price units.
    features : array-like
        Shape (fills, len(names)).
    names : tuple of str
        Of the features.
    mid_ts_ns, mid : array-like
        Path of the mid, see `markouts`.
    label : LabelSettings
        What is adverse.
    data_end_ns : int or None
        Until when the path is complete; its last instant by default.

    Raises
    ------
    DataError
        For no fills, too few labels, one class only or features that are not finite, with the count and what is
        needed.

    """
    matrix = np.asarray(features, dtype=np.float32).reshape(len(fill_ts_ns), len(names))
    if not len(matrix):
        raise DataError(f"there are no fills to learn from; at least {FEWEST_LABELS} labelled ones are needed")
    _check_finite(matrix, names)
    marked = markouts(fill_ts_ns, side, np.ones(len(matrix)), price, mid_ts_ns, mid, (label.horizon_s,), data_end_ns)
    bps = marked.markout_bps[:, 0]
    known = np.isfinite(bps)
    adverse = bps[known] < label.threshold_bps
    _check_classes(adverse, len(matrix), label)
    return Dataset(np.asarray(fill_ts_ns, dtype=np.int64)[known], matrix[known], adverse, bps[known], names, label)


def _check_finite(matrix: npt.NDArray[np.float32], names: tuple[str, ...]) -> None:
    wrong = ~np.isfinite(matrix)
    if wrong.any():
        which = ", ".join(f"{names[column]} ({int(wrong[:, column].sum())})" for column in np.flatnonzero(wrong.any(0)))
        raise DataError(
            f"{int(wrong.any(1).sum())} of {len(matrix)} fills have features that are not finite numbers: {which}; "
            "none is allowed"
        )


def _check_classes(adverse: Bools, fills: int, label: LabelSettings) -> None:
    if len(adverse) < FEWEST_LABELS:
        raise DataError(
            f"{len(adverse)} of {fills} fills have a markout at {label.horizon_s:g} s; at least {FEWEST_LABELS} are "
            "needed: run longer, or quote tighter"
        )
    for name, count in (("adverse", int(adverse.sum())), ("not adverse", int((~adverse).sum()))):
        if count < FEWEST_OF_A_CLASS:
            raise DataError(
                f"{count} of {len(adverse)} fills are {name} at {label.horizon_s:g} s and {label.threshold_bps:g} bps; "
                f"at least {FEWEST_OF_A_CLASS} of either kind are needed: run longer, or change the label"
            )
