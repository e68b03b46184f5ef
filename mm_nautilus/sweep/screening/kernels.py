"""The library's functions of floats, made known to the compiler as they are.

Nothing is written a second time: numba compiles the very functions that the quoting pipeline calls. Where one of them
asks for a value with names (the top of a book, a trace of what was capped), compiled code hands it a named tuple with
the same names.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final, NamedTuple

import numba
from numba import njit, types
from numba.extending import overload, register_jitable

from mm_nautilus.estimators import fair_value, volatility
from mm_nautilus.models import avellaneda_stoikov, base, fills, glft, lean
from mm_nautilus.quoting import adjust, budget, guards, ladder, lattice, pipeline
from mm_nautilus.sweep.screening.compiled_code import folder_in_use

KERNELS: Final[tuple[Callable[..., Any], ...]] = (
    fair_value.mid,
    fair_value.weighted_mid,
    fair_value.bid_weight,
    fair_value.weighted_price,
    volatility.ewma_variance,
    fills.risk_premium,
    fills.cost_discount,
    fills.quadratic_value,
    base.fill_cost,
    glft.stationary_quote,
    lean.leaning_centre,
    avellaneda_stoikov.time_left,
    avellaneda_stoikov.reservation_price,
    avellaneda_stoikov.half_spread,
    adjust.band_factors,
    budget.refilled,
    budget.whole_messages,
    budget.spent,
    lattice.ticks_away,
    lattice.whole_lots,
    ladder.ladder_ticks,
    ladder.ladder_lots,
    ladder.smallest_lots,
    ladder.fitted,
    ladder.inventory_share,
    ladder.towards_limit,
    ladder.stretched,
    ladder.skewed,
    ladder.held_back_lots,
    guards.book_fault,
    guards.floor_half_spread,
    guards.post_only,
    guards.uncross,
    pipeline.notional_lots,
)
"""Every function of the library that screening compiles."""

_LIBRARY: Final = Path(__file__).parents[2]
_COMPILED: Final = ("kernels", "state", "rules", "maker", "diff", "venue", "loop", "columns")
_ROOMS: Final = ("estimators", "models", "quoting", "sweep/screening")


@cache
def source_sha256() -> str:
    """Return the hash of everything a screened run depends on beside its run file and its data."""
    return _sha256([path for room in _ROOMS for path in sorted((_LIBRARY / room).glob("*.py"))])


def _sha256(paths: Iterable[Path]) -> str:
    digest = hashlib.sha256(f"numba {version('numba')}, llvmlite {version('llvmlite')}".encode())
    for path in (*paths, _LIBRARY / "market.py"):
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()


# What has been compiled is kept, because compiling takes a minute. Numba looks only at the file of the function that
# is called, so the folder is named after all that is compiled into it.
if not numba.config.CACHE_DIR:
    _home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    _sources = {Path(kernel.__code__.co_filename) for kernel in KERNELS}
    _sources |= {Path(__file__).with_name(f"{name}.py") for name in _COMPILED}
    numba.config.CACHE_DIR = str(folder_in_use(_home / "mm-nautilus" / "numba", _sha256(sorted(_sources))[:16]))

for _kernel in KERNELS:
    register_jitable(_nrt=True)(_kernel)

owning: Final = njit(_nrt=True)
"""Compiles what makes lists or arrays."""
borrowing: Final = njit(_nrt=False)
"""Compiles what neither makes nor keeps any: counting who holds which would take two thirds of a run."""


@overload(int)  # type: ignore[untyped-decorator]
def _int_of_side(value):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202 - numba compares the signatures
    """Let compiled code take the number of a `Side`, which the library writes as ``int(side)``."""
    if isinstance(value, types.IntEnumMember):
        return lambda value: value + 0
    return None


class Top(NamedTuple):
    """What the functions read of a `mm_nautilus.market.TopOfBook`."""

    bid: float
    ask: float
    bid_size: float
    ask_size: float
    mid: float


class Silent(NamedTuple):
    """What the functions call of a `mm_nautilus.quoting.guards.Trace`; nobody reads why in a screened run."""

    cap: Callable[..., None]
    reason: Callable[..., None]


@owning  # type: ignore[untyped-decorator]
def _unheard(what: Any, side: Any = None) -> None:  # noqa: ARG001 - the trace's own signature
    return None


SILENT: Final[Any] = Silent(_unheard, _unheard)
