"""Correlations that were measured pair by pair, made into a matrix that a portfolio can have.

Pairs that were seen at different times, or asynchronously, need not fit together: some portfolio would have a negative
variance.

Source: Higham, IMA Journal of Numerical Analysis 22(3), 2002.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from mm_nautilus.errors import ParameterError
from mm_nautilus.estimators.columns import Floats, numbers

# Smallest eigenvalue of a repaired correlation matrix: clear of what rounding makes of 0.
_SMALLEST_EIGENVALUE: Final = 1e-10


def nearest_correlation(matrix: ArrayLike, tolerance: float = 1e-9, rounds: int = 200) -> Floats:
    """Return the positive semi-definite correlation matrix nearest to `matrix`, or `matrix` where it is one.

    Alternates between the two properties with Dykstra's correction (Higham 2002); what is then left of a negative
    eigenvalue is cut and the diagonal scaled back to 1.

    Parameters
    ----------
    matrix : array_like, shape (n, n)
        Symmetric with ones on the diagonal.
    tolerance : float
        Largest change of an element between rounds at which to stop.
    rounds : int
        Rounds after which to stop in any case.

    Raises
    ------
    ParameterError
        For a matrix that is not square, symmetric, finite, or without ones on the diagonal.

    """
    wanted = np.array(matrix, dtype=np.float64)
    if wanted.ndim != 2 or wanted.shape[0] != wanted.shape[1] or not np.isfinite(wanted).all():
        raise ParameterError("matrix", f"shape {wanted.shape}", "a square matrix of finite numbers")
    if (np.abs(wanted - wanted.T) > 1e-9).any() or (np.abs(np.diag(wanted) - 1.0) > 1e-9).any():
        raise ParameterError("matrix", wanted.tolist(), "symmetric with ones on the diagonal")
    if not wanted.size or np.linalg.eigvalsh(wanted)[0] >= -1e-12:
        return wanted
    unit, correction = wanted, np.zeros_like(wanted)
    for _ in range(rounds):
        shifted = unit - correction
        positive = _positive_part(shifted, 0.0)
        correction = positive - shifted
        before, unit = unit, positive.copy()
        np.fill_diagonal(unit, 1.0)
        if np.abs(unit - before).max() < tolerance:
            break
    positive = _positive_part(unit, _SMALLEST_EIGENVALUE)
    root = np.sqrt(np.diag(positive))
    scaled: Floats = positive / np.outer(root, root)
    scaled = 0.5 * (scaled + scaled.T)
    np.fill_diagonal(scaled, 1.0)
    return scaled


def _positive_part(matrix: Floats, smallest: float) -> Floats:
    values, vectors = np.linalg.eigh(matrix)
    part: Floats = (vectors * np.maximum(values, smallest)) @ vectors.T
    return part


def with_volatilities(correlation: ArrayLike, sigmas: ArrayLike) -> Floats:
    """Return the covariance per second of correlations from one source and volatilities from a better one.

    Hayashi-Yoshida correlations with noise-robust volatilities, for example; the correlations are repaired first.

    Parameters
    ----------
    correlation : array_like, shape (n, n)
        Ones on the diagonal.
    sigmas : array_like, shape (n,)
        Volatilities in price per square-root second, at least 0.

    Raises
    ------
    ParameterError
        For a matrix that cannot be one of correlations, or volatilities that are negative or of another length.

    """
    deviation = numbers(np.asarray(sigmas, dtype=np.float64), "sigmas")
    known = nearest_correlation(correlation)
    if len(deviation) != len(known) or (deviation < 0.0).any():
        raise ParameterError("sigmas", sigmas, f"{len(known)} numbers of at least 0")
    values: Floats = known * np.outer(deviation, deviation)
    return values
