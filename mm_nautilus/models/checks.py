"""Refuse what a formula has no answer for, naming the field; for constructors and solvers, not for hot kernels."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mm_nautilus.errors import ParameterError


def check_finite(**values: float) -> None:
    """Raise `ParameterError` for the first value that is not a finite number."""
    for field, value in values.items():
        if not math.isfinite(value):
            raise ParameterError(field, value, "a finite number")


def check_positive(**values: float) -> None:
    """Raise `ParameterError` for the first value that is not a finite number above 0."""
    for field, value in values.items():
        if not (math.isfinite(value) and value > 0.0):
            raise ParameterError(field, value, "a finite number above 0")


def check_not_negative(**values: float) -> None:
    """Raise `ParameterError` for the first value that is not a finite number of at least 0."""
    for field, value in values.items():
        if not (math.isfinite(value) and value >= 0.0):
            raise ParameterError(field, value, "a finite number of at least 0")


def check_share(**values: float) -> None:
    """Raise `ParameterError` for the first value outside [0, 1]."""
    for field, value in values.items():
        if not 0.0 <= value <= 1.0:
            raise ParameterError(field, value, "between 0 and 1")


def check_inventory(inventory: float, inventory_bound: float) -> None:
    """Raise `ParameterError` when the inventory is not a finite number within the bound."""
    if not abs(inventory) <= inventory_bound:
        raise ParameterError("inventory", inventory, f"within the bound of {inventory_bound:g} base units")


def vector(field: str, values: ArrayLike, length: int | None = None) -> NDArray[np.float64]:
    """Return `values` as finite floats of one dimension, or raise `ParameterError`."""
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1 or (length is not None and len(array) != length):
        raise ParameterError(field, values, "a vector" + ("" if length is None else f" of length {length}"))
    if not np.isfinite(array).all():
        raise ParameterError(field, values, "finite in every element")
    return array


def positive_vector(field: str, values: ArrayLike, length: int | None = None) -> NDArray[np.float64]:
    """Return `values` as positive floats of one dimension, or raise `ParameterError`."""
    array = vector(field, values, length)
    if not (array > 0.0).all():
        raise ParameterError(field, values, "above 0 in every element")
    return array


def covariance_matrix(field: str, values: ArrayLike) -> NDArray[np.float64]:
    """Return `values` as a symmetric positive semi-definite matrix, or raise `ParameterError`.

    Eigenvalues down to minus 1e-12 of the largest pass: they are rounding of a singular matrix.
    """
    matrix = np.asarray(values, dtype=np.float64)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1]:
        raise ParameterError(field, values, "a square matrix")
    if not np.isfinite(matrix).all():
        raise ParameterError(field, values, "finite in every element")
    scale = np.sqrt(np.abs(np.outer(np.diag(matrix), np.diag(matrix))))
    if (np.abs(matrix - matrix.T) > 1e-9 * scale + np.finfo(float).tiny).any():
        raise ParameterError(field, values, "symmetric")
    symmetric = 0.5 * (matrix + matrix.T)
    eigenvalues = np.linalg.eigvalsh(symmetric)
    if eigenvalues[0] < -1e-12 * max(abs(eigenvalues[-1]), np.finfo(float).tiny):
        raise ParameterError(field, values, f"positive semi-definite (smallest eigenvalue {eigenvalues[0]:.3g})")
    return symmetric
