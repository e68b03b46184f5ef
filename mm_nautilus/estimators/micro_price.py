r"""Micro-price: the mid plus what the imbalance and the spread say about its next moves.

States :math:`x` are pairs of (imbalance bucket, spread class). From one state of the top of the book to the next,
:math:`Q_{xy}` is the probability of going to :math:`y` without a move of the mid, :math:`T_{xy}` with one, and
:math:`R_{xm}` that of a move by :math:`K_m`:

.. math::
    G^1 = (I - Q)^{-1} R K, \quad B = (I - Q)^{-1} T, \quad G^* = \sum_{i \ge 0} B^i G^1, \quad P = M + G^*(x) .

The sum converges only where :math:`G^1` averages to nothing under the stationary law of :math:`B`; training
therefore adds the mirror image of every transition (bid and ask exchanged, the move reversed).

Its horizon is the next moves of the mid, not a time. Assumes that displayed sizes are genuine and that the book of
tomorrow behaves as that of the training window.

Source: Stoikov, "The micro-price: a high-frequency estimator of future prices", Quantitative Finance 18, 2018.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt
from pydantic import Field, ValidationError, model_validator

from mm_nautilus.errors import ConfigError, ParameterError
from mm_nautilus.estimators.intensity_censored import Floats
from mm_nautilus.market import TopOfBook
from mm_nautilus.settings import Settings

type Ints = npt.NDArray[np.int64]

_NEGLIGIBLE = 1e-13
_MOST_TERMS = 100_000


@dataclass(frozen=True, slots=True)
class MicroPriceMatrices:
    """Transition probabilities of one step: ``stay`` (Q), ``moved`` (T), the mean move ``drift`` (R K).

    ``largest_move`` is the size of the largest move, in price units: the scale of what is negligible.
    """

    stay: Floats
    moved: Floats
    drift: Floats
    largest_move: float


@dataclass(frozen=True, slots=True)
class MicroPriceSolution:
    """First-move expectation ``first`` (G1), its transition ``next`` (B) and the limit ``total`` (G*)."""

    first: Floats
    next: Floats
    total: Floats

    def after(self, terms: int) -> Floats:
        """Return the sum of the first so many terms, in price units."""
        total, term = np.zeros_like(self.first), self.first
        for _ in range(terms):
            total, term = total + term, self.next @ term
        return total


def solve_micro_price(matrices: MicroPriceMatrices) -> MicroPriceSolution:
    """Return the adjustments of every state.

    Raises
    ------
    ParameterError
        When the terms do not die out: the first-move expectation does not average to zero (the data were not
        symmetrised), or a state never sees a move.

    """
    size = len(matrices.drift)
    try:
        answer = np.linalg.solve(np.eye(size) - matrices.stay, np.column_stack([matrices.drift, matrices.moved]))
    except np.linalg.LinAlgError:
        raise ParameterError(
            "stay", "a state from which the mid never moves", "such that every state leads to a move"
        ) from None
    first, next_ = answer[:, 0], answer[:, 1:]
    total, term = np.zeros(size), first
    for _ in range(_MOST_TERMS):
        total, term = total + term, next_ @ term
        if float(np.abs(term).max(initial=0.0)) <= _NEGLIGIBLE * matrices.largest_move:
            return MicroPriceSolution(first, next_, total)
    raise ParameterError("transitions", "moves that do not average to zero", "symmetrised, so that the sum converges")


def symmetrised(before: Ints, moves: Floats, after: Ints, mirror: Ints) -> tuple[Ints, Floats, Ints]:
    """Return steps and, after them, their mirror images: bid and ask exchanged, the move reversed."""
    return (
        np.concatenate([before, mirror[before]]),
        np.concatenate([moves, -moves]),
        np.concatenate([after, mirror[after]]),
    )


def count_transitions(before: Ints, moves: Floats, after: Ints, size: int) -> MicroPriceMatrices:
    """Return the transition probabilities of observed steps.

    Parameters
    ----------
    before, after : int array, shape (n,)
        State before and after each step, below `size`.
    moves : float array, shape (n,)
        Change of the mid, in price units; 0 where it stayed.
    size : int
        Number of states.

    """
    stayed = moves == 0
    flat = before * size + after
    stay = np.bincount(flat[stayed], minlength=size * size).reshape(size, size).astype(np.float64)
    moved = np.bincount(flat[~stayed], minlength=size * size).reshape(size, size).astype(np.float64)
    visits = np.maximum(stay.sum(axis=1) + moved.sum(axis=1), 1.0)
    drift = np.bincount(before, weights=moves, minlength=size) / visits
    largest = float(np.abs(moves).max(initial=0.0))
    return MicroPriceMatrices(stay / visits[:, None], moved / visits[:, None], drift, largest)


class MicroPriceTable(Settings):
    """A trained micro-price: what to add to the mid, by spread class and imbalance bucket."""

    instrument_id: str = Field(description="Instrument it was trained on.")
    tick: Decimal = Field(gt=0, description="Its tick size, in quote currency.")
    data_fingerprint: str = Field(description="Identity of the data it was trained on.")
    steps: int = Field(ge=1, description="Changes of the top of the book it was trained on.")
    spread_edges_ticks: list[float] = Field(
        min_length=1, description="Least spread of each class, in ticks, ascending; the last class is open."
    )
    adjustment_price: list[list[float]] = Field(
        description="One row per spread class, one number per bucket of bid share, low to high, in price units."
    )

    @model_validator(mode="after")
    def _shaped(self) -> Self:
        edges = self.spread_edges_ticks
        if any(b <= a for a, b in pairwise(edges)):
            raise ValueError(f"spread_edges_ticks must ascend, found {edges}")
        lengths = {len(row) for row in self.adjustment_price}
        if len(self.adjustment_price) != len(edges) or len(lengths) != 1 or 0 in lengths:
            raise ValueError(
                f"adjustment_price needs {len(edges)} rows of one length, one per spread class, "
                f"found {[len(row) for row in self.adjustment_price]}"
            )
        return self

    def lookup(self) -> Callable[[TopOfBook], float]:
        """Return the fair value as a function of the top of the book: O(1), no allocation that grows."""
        rows = [tuple(row) for row in self.adjustment_price]
        buckets = len(rows[0])
        # Half a tick of slack: a spread of two ticks computed in floats may be a hair less.
        edges = [(edge - 0.5) * float(self.tick) for edge in self.spread_edges_ticks]

        def micro_price(top: TopOfBook) -> float:
            """Mid plus the adjustment of this imbalance and spread, in price units."""
            share = top.bid_size / (top.bid_size + top.ask_size)
            row = rows[max(bisect_right(edges, top.ask - top.bid) - 1, 0)]
            return 0.5 * (top.bid + top.ask) + row[min(int(share * buckets), buckets - 1)]

        return micro_price

    def save(self, path: Path) -> None:
        """Write the table as TOML."""
        import tomli_w  # noqa: PLC0415

        path.write_text(tomli_w.dumps(self.model_dump(mode="json")), encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a table.

        Raises
        ------
        ConfigError
            For a file that is missing or holds no such table.

        """
        import tomllib  # noqa: PLC0415

        try:
            return cls.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise ConfigError(path, [f"cannot be read as TOML: {error}"]) from None
        except ValidationError as error:
            problems = [f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()]
            raise ConfigError(path, problems) from None


def spread_classes(spread_ticks: Ints, least_share: float = 0.01) -> list[float]:
    """Return the least spread of each class: 1, 2, 4, ... ticks while at least this share of the rows is as wide."""
    edges = [1.0]
    while np.count_nonzero(spread_ticks >= 2.0 * edges[-1]) >= least_share * len(spread_ticks):
        edges.append(2.0 * edges[-1])
    return edges


def train_micro_price(
    bid_ticks: Ints,
    ask_ticks: Ints,
    bid_size: Floats,
    ask_size: Floats,
    *,
    tick: Decimal,
    instrument_id: str,
    data_fingerprint: str,
    buckets: int = 10,
    breaks: npt.NDArray[np.bool_] | None = None,
) -> MicroPriceTable:
    """Train on successive tops of the book.

    Steps that change neither bucket, spread nor mid do not enter: they cancel in every formula above.

    Parameters
    ----------
    bid_ticks, ask_ticks : int array, shape (n,)
        Best prices, in ticks; the ask above the bid.
    bid_size, ask_size : float array, shape (n,)
        Sizes shown there, above 0, in any one unit.
    tick : Decimal
        Tick size, in quote currency.
    instrument_id, data_fingerprint : str
        Kept with the table.
    buckets : int
        Buckets of the bid's share of the size shown.
    breaks : bool array, shape (n,), optional
        Rows that do not follow the row before (a gap in the data).

    Raises
    ------
    ParameterError
        For fewer than two rows, or data in which the mid never moves.

    """
    if len(bid_ticks) < 2:
        raise ParameterError("bid_ticks", f"{len(bid_ticks)} rows", "at least two rows")
    if buckets < 2:
        raise ParameterError("buckets", buckets, ">= 2")
    spread = ask_ticks - bid_ticks
    edges = spread_classes(spread)
    bucket = np.minimum((bid_size / (bid_size + ask_size) * buckets).astype(np.int64), buckets - 1)
    state = (np.searchsorted(edges, spread, side="right") - 1).clip(0) * buckets + bucket
    mid = bid_ticks + ask_ticks
    moves = np.diff(mid)
    used = (moves != 0) | (np.diff(state) != 0)
    if breaks is not None:
        used &= ~breaks[1:]
    states = np.arange(len(edges) * buckets)
    mirror = states // buckets * buckets + (buckets - 1 - states % buckets)
    price_moves = 0.5 * float(tick) * moves[used]
    if not np.any(price_moves):
        raise ParameterError("bid_ticks", "a mid that never moves", "prices whose mid moves")
    seen = np.unique([state[:-1][used], state[1:][used]])
    visited = np.isin(states, np.concatenate([seen, mirror[seen]]))
    steps = symmetrised(state[:-1][used], price_moves, state[1:][used], mirror)
    matrices = count_transitions(*steps, len(states))
    solution = solve_micro_price(_with_way_out(matrices))
    adjustment = np.where(visited, solution.total, 0.0).reshape(len(edges), buckets)
    return MicroPriceTable(
        instrument_id=instrument_id,
        tick=tick,
        data_fingerprint=data_fingerprint,
        steps=int(used.sum()),
        spread_edges_ticks=edges,
        adjustment_price=adjustment.tolist(),
    )


def _with_way_out(matrices: MicroPriceMatrices) -> MicroPriceMatrices:
    """Let states from which no move of the mid is ever reached say nothing: they would make the system singular."""
    size = len(matrices.drift)
    reaches = matrices.moved.sum(axis=1) > 0
    for _ in range(size):
        wider = reaches | ((matrices.stay > 0) @ reaches.astype(np.float64) > 0)
        if np.array_equal(wider, reaches):
            break
        reaches = wider
    stay = np.where(reaches[:, None], matrices.stay, 0.0)
    return MicroPriceMatrices(stay, matrices.moved, np.where(reaches, matrices.drift, 0.0), matrices.largest_move)
