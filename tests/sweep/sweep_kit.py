"""Rows of a sweep that never ran."""

import hashlib
from decimal import Decimal

import numpy as np

from mm_nautilus.sweep.space import Point
from mm_nautilus.sweep.store import COMPLETED, FAILED, Row


def identity_of(point: Point) -> str:
    """Return a name for a point, the same in every process."""
    return hashlib.sha256(repr(sorted(point.items())).encode()).hexdigest()


def row(point: Point, increments: np.ndarray, step_s: float = 60.0, **other: object) -> Row:
    """Return the row of a run that made these increments."""
    found = {
        "identity": identity_of(point),
        "point": point,
        "status": COMPLETED,
        "currency": "USD",
        "pnl": Decimal(str(round(float(increments.sum()), 9))),
        "fills": 10,
        "start_ns": 0,
        "end_ns": int(len(increments) * step_s * 1e9),
        "step_s": step_s,
        "increments": tuple(increments.tolist()),
    }
    return Row(**found | other)


def failure(point: Point, reason: str = "it broke") -> Row:
    """Return the row of a run that failed."""
    return Row(identity_of(point), point, FAILED, reason)
