"""Decimal text to integer mantissas, exactly: no float ever touches a price, a size or a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

type IntColumn = npt.NDArray[np.int64]
type Mask = npt.NDArray[np.bool_]

_PLAIN_NUMBER: Final = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,2})?$"
_DIGITS: Final = 38
_FRACTION: Final = 18


def mantissas(text: pa.Array, precision: int, shift: int = 0) -> tuple[IntColumn, Mask, Mask]:
    """Return ``text * 10**shift`` in units of ``10**-precision``.

    Parameters
    ----------
    text : pa.Array of string, shape (n,)
        Decimal numbers; surrounding blanks are ignored.
    precision : int
        Decimal places of the result, 0 to 18.
    shift : int
        Power of ten the text is multiplied by, for example -4 for prices in hundredths of a cent.

    Returns
    -------
    values : int array, shape (n,)
        The mantissas; zero where the text is no number.
    unparsable : bool array, shape (n,)
        Where the text is missing, not a finite number, or beyond 64 bits.
    inexact : bool array, shape (n,)
        Where digits beyond the precision were cut off (towards zero).

    """
    # Prices and sizes repeat: each distinct text is read once.
    encoded = text.dictionary_encode(null_encoding="encode")
    index = encoded.indices.to_numpy()
    values, unparsable, inexact = _distinct(encoded.dictionary, precision + shift)
    return values[index], unparsable[index], inexact[index]


def _distinct(text: pa.Array, scale: int) -> tuple[IntColumn, Mask, Mask]:
    try:
        parsed = _parse(text)
        bad: Mask = np.zeros(len(text), dtype=np.bool_)
    except pa.ArrowInvalid:
        cleaned = pc.utf8_trim_whitespace(text.cast(pa.string()))
        good = pc.fill_null(pc.match_substring_regex(cleaned, _PLAIN_NUMBER), fill_value=False)
        cleaned = pc.if_else(good, cleaned, "0")
        parsed, fits = _parse_each(cleaned)
        bad = ~(good.to_numpy(zero_copy_only=False) & fits)
    if parsed.null_count:
        bad |= parsed.is_null().to_numpy(zero_copy_only=False)
        parsed = pc.fill_null(parsed, pa.scalar(0, pa.decimal128(1, 0)).cast(parsed.type))
    # 18 places as read; the wanted unit is a reinterpretation of the scale followed by a cut.
    target = pa.decimal128(_DIGITS, 0)
    shifted = _with_scale(parsed, _FRACTION - scale)
    try:
        whole = shifted.cast(target)
        inexact: Mask = np.zeros(len(text), dtype=np.bool_)
    except pa.ArrowInvalid:
        whole = shifted.cast(target, safe=False)
        inexact = pc.not_equal(whole.cast(shifted.type, safe=False), shifted).to_numpy(zero_copy_only=False)
    low, high = _words(whole)
    overflow = high != low >> 63
    if overflow.any():
        bad |= overflow
    return np.where(bad, 0, low), bad, inexact & ~bad


def texts(values: Sequence[object]) -> pa.Array:
    """Return a string column; what is not text becomes null, and so unparsable."""
    try:
        return pa.array(values, pa.string())
    except (pa.ArrowTypeError, pa.ArrowInvalid):
        return pa.array([value if isinstance(value, str) else None for value in values], pa.string())


def _parse(text: pa.Array) -> pa.Array:
    return text.cast(pa.decimal128(_DIGITS, _FRACTION))


def _parse_each(text: pa.Array) -> tuple[pa.Array, Mask]:
    """Parse one by one what a whole column refused: too many digits for the decimal type."""
    try:
        return _parse(text), np.ones(len(text), dtype=np.bool_)
    except pa.ArrowInvalid:
        pass
    fits = np.ones(len(text), dtype=np.bool_)
    values = text.to_pylist()
    for index, value in enumerate(values):
        try:
            _parse(pa.array([value]))
        except pa.ArrowInvalid:
            fits[index] = False
            values[index] = "0"
    return _parse(pa.array(values, pa.string())), fits


def _with_scale(parsed: pa.Array, scale: int) -> pa.Array:
    """Return the same digits read at another scale."""
    if scale < 0:
        raise ValueError(
            f"precision and shift ask for {_FRACTION - scale} decimal places, at most {_FRACTION} are kept"
        )
    return pa.Array.from_buffers(pa.decimal128(_DIGITS, scale), len(parsed), parsed.buffers(), offset=parsed.offset)


def _words(whole: pa.Array) -> tuple[IntColumn, IntColumn]:
    raw = np.frombuffer(whole.buffers()[1], dtype=np.int64)[2 * whole.offset : 2 * (whole.offset + len(whole))]
    return raw[0::2].copy(), raw[1::2]


def from_engine(column: pa.ChunkedArray, precision: int) -> IntColumn:
    """Return the mantissas of the engine's decimals at the instrument's precision.

    Raises
    ------
    pyarrow.ArrowInvalid
        A value has more decimal places than ``precision``.

    """
    return _words(column.combine_chunks().cast(pa.decimal128(_DIGITS, precision)))[0]
