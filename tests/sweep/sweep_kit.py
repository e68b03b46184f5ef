"""Rows of a sweep that never ran, and a run file that takes no time."""

import hashlib
from decimal import Decimal
from pathlib import Path

import numpy as np

from mm_nautilus.sweep.space import Point
from mm_nautilus.sweep.store import COMPLETED, FAILED, Row

RUN_FILE = """
[run]
name = "tiny"
seed = 7

[data]
catalog = "catalogs"

[data.simulation]
preset = "calm"
duration_s = {duration_s}
seed = 1

[[venues]]
name = "SIM"
account = "CASH"
starting_balances = ["100000 USDT", "1000 SOL"]
fees = {{ maker_rate = "-0.00005", taker_rate = "0.0005" }}
latency = {{ base_ms = 5 }}

[strategy]
path = "mm_nautilus.strategies:MarketMaker"
instrument_id = "SOLUSDT.SIM"
model = "glft"
gamma = 0.5
order_size = 1.0

[strategy.intensity]
a_per_s = 1.0
k_per_price = 50.0

[strategy.limits]
max_position = 10
"""


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


def run_file(folder: Path, duration_s: int = 60) -> Path:
    """Write a run file of a minute on a simulated market, and return its path."""
    path = folder / "tiny.toml"
    path.write_text(RUN_FILE.format(duration_s=duration_s))
    return path
