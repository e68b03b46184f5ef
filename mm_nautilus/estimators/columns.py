"""Columns as the vectorised estimators take them."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from mm_nautilus.errors import ParameterError

type Floats = npt.NDArray[np.float64]
type Times = npt.NDArray[np.int64]


def floats(column: Any, field: str = "column") -> Floats:
    """Return a one-dimensional float array; an Arrow null or ``None`` becomes NaN.

    Parameters
    ----------
    column : array-like, pyarrow.Array or pyarrow.ChunkedArray
        Numbers.
    field : str
        Name for the error.

    Raises
    ------
    ParameterError
        When the column is not one-dimensional, not numeric, or holds an infinity.

    """
    values = column.to_numpy() if hasattr(column, "combine_chunks") else column
    values = values.to_numpy(zero_copy_only=False) if hasattr(values, "null_count") else values
    try:
        array = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise ParameterError(field, type(column).__name__, "a column of numbers") from None
    if array.ndim != 1:
        raise ParameterError(field, f"shape {array.shape}", "one-dimensional")
    if np.isinf(array).any():
        raise ParameterError(field, float(array[np.isinf(array)][0]), "finite")
    return array


def numbers(column: Any, field: str = "column") -> Floats:
    """Return `floats` of a column that must be complete.

    Raises
    ------
    ParameterError
        As `floats`, and when a value is missing.

    """
    array = floats(column, field)
    if np.isnan(array).any():
        raise ParameterError(f"{field}[{int(np.argmax(np.isnan(array)))}]", float("nan"), "a number")
    return array


def times(column: Any, field: str = "ts_ns") -> Times:
    """Return timestamps in nanoseconds as integers, which must not go backwards.

    Accepts what `floats` accepts, Arrow timestamps and ``datetime64`` among it.

    Raises
    ------
    ParameterError
        When an instant lies before the one in front of it, or the column is not one of instants.

    """
    array = np.asarray(column.to_numpy(zero_copy_only=False) if hasattr(column, "null_count") else column)
    if array.dtype.kind == "M":
        array = array.astype("datetime64[ns]")
    elif array.size and array.dtype.kind not in "iu":
        raise ParameterError(field, str(array.dtype), "integer nanoseconds or timestamps")
    instants = array.astype(np.int64)
    if (backwards := np.flatnonzero(np.diff(instants) < 0)).size:
        at = int(backwards[0]) + 1
        raise ParameterError(f"{field}[{at}]", int(instants[at]), f"at or after {int(instants[at - 1])}")
    return instants


def same_length(**columns: Floats | Times) -> None:
    """Refuse columns of different lengths.

    Raises
    ------
    ParameterError
        Naming the first column that differs from the one before all.

    """
    (first, leader), *others = columns.items()
    for name, column in others:
        if len(column) != len(leader):
            raise ParameterError(name, f"{len(column)} values", f"as long as {first} ({len(leader)})")


def spliced(prices: Any) -> Floats:
    """Return sampled prices without their gaps (NaN): what comes after a gap is moved onto what came before.

    The move across a gap is not diffusion at the sampling scale (a venue was closed, a book was not fit), so no
    change is counted for it. Prices without a gap come back as they are.
    """
    levels = floats(prices, "prices")
    kept = np.flatnonzero(~np.isnan(levels))
    levels = levels[kept]
    if not len(kept):
        return levels
    reopened = np.flatnonzero(np.diff(kept) > 1) + 1
    if not len(reopened):
        return levels
    shift = np.zeros(len(kept))
    shift[reopened] = levels[reopened - 1] - levels[reopened]
    joined: Floats = np.delete(levels + np.cumsum(shift), reopened)
    return joined
