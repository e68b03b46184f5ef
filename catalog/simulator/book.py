"""The order book of one venue: what the mid, the market orders and the passive flow make of its levels.

Every event leaves ``levels`` valid levels per side around the same mid, uncrossed. A level that a market order empties
is restored at once by new orders, so market orders never move the mid: who trades against uninformed flow loses
nothing to adverse selection. Only the price process moves the mid, and sizes stay with their prices when it does.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil
from typing import Final

import numpy as np

from mm_nautilus.catalog.columns import Action
from mm_nautilus.catalog.simulator.flow import ASK, BID
from mm_nautilus.catalog.simulator.params import Venue
from mm_nautilus.catalog.simulator.tape import Tape
from mm_nautilus.errors import UserError

_ADD: Final = int(Action.ADD)
_UPDATE: Final = int(Action.UPDATE)
_DELETE: Final = int(Action.DELETE)
_CLEAR: Final = int(Action.CLEAR)


class PriceRangeError(UserError):
    """A simulated price that fell so far that the book no longer fits above zero."""


class Book:
    """Displayed levels of one venue, best first: ``levels`` prices per side, ``step_ticks`` apart.

    Parameters
    ----------
    venue : Venue
        Sizes, lots and number of levels.
    rng : numpy.random.Generator
        Draws displayed sizes.
    mid, half_spread : int
        In ticks.
    size_multiplier : float
        On every displayed size drawn from now on.

    Raises
    ------
    PriceRangeError
        The lowest bid would not be positive.

    """

    def __init__(
        self, venue: Venue, rng: np.random.Generator, *, mid: int, half_spread: int, size_multiplier: float
    ) -> None:
        self._venue = venue
        self._levels = venue.levels
        self._step = venue.step_ticks
        self._lots = 1.0 / float(venue.lot_base)
        self._least_trade = ceil(venue.sizes.trade_min_base * self._lots - 1e-9)
        self._fresh = _gamma_sizes(venue, rng)
        self._multiplier = size_multiplier
        self._mid = mid
        self._half = half_spread
        self._check_range()
        self._sizes = {side: [self._draw() for _ in range(venue.levels)] for side in (BID, ASK)}
        self._top = (0, 0, 0, 0)
        self.tape = Tape()

    def flush(self) -> Tape:
        """Hand over what was written and begin anew."""
        tape, self.tape = self.tape, Tape()
        return tape

    def restate(self, event: int) -> None:
        """Write the whole book: a CLEAR, then every level."""
        self.tape.delta(event, _CLEAR, 0, 0, 0)
        for side in (BID, ASK):
            for level, size in enumerate(self._sizes[side]):
                self.tape.delta(event, _ADD, side, self._price(side, level), size)
        self._quote(event)

    def move(self, event: int, mid: int, half_spread: int, size_multiplier: float) -> None:
        """Move the book to another mid, spread or size multiplier, deletes before adds; write only what changed."""
        inward = {
            BID: self._levels_moved((mid - half_spread) - (self._mid - self._half)),
            ASK: self._levels_moved((self._mid + self._half) - (mid + half_spread)),
        }
        for side in (BID, ASK):
            self._drop(event, side, inward[side])
        self._mid, self._half = mid, half_spread
        self._check_range()
        if size_multiplier != self._multiplier:
            ratio, self._multiplier = size_multiplier / self._multiplier, size_multiplier
            for side in (BID, ASK):
                self._rescale(event, side, ratio)
        for side in (BID, ASK):
            self._add(event, side, inward[side])
        self._quote(event)

    def take(self, event: int, hit_side: int, extra_levels: int, size_base: float) -> None:
        """Execute a market order: one trade per level swept, then one book event with what is left and what came back.

        Levels before the last trade their displayed size, the last one ``size_base``, and none less than the least
        trade size. Levels beyond the displayed book are not traded one by one: only the last one reached is.
        """
        tape, sizes, least = self.tape, self._sizes[hit_side], self._least_trade
        deepest = min(extra_levels, self._levels)
        for level in range(deepest):
            tape.trade(event, hit_side, self._price(hit_side, level), max(sizes[level], least))
            sizes[level] = self._draw()
        last = max(round(size_base * self._lots), least)
        tape.trade(event, hit_side, self._price(hit_side, extra_levels), last)
        if extra_levels < self._levels:
            left = sizes[extra_levels] - last
            sizes[extra_levels] = left if left > 0 else self._draw()
        for level in range(min(extra_levels + 1, self._levels)):
            tape.delta(event, _UPDATE, hit_side, self._price(hit_side, level), sizes[level])
        tape.order(self._mid, self._half + extra_levels * self._step, deepest + 1)
        self._quote(event)

    def resize(self, event: int, side: int, level: int, weight: float) -> None:
        """Move one displayed size the fraction ``weight`` of the way to a fresh draw."""
        sizes = self._sizes[side]
        old = sizes[level]
        new = max(1, round(old + weight * (self._draw() - old)))
        sizes[level] = new if new != old else old + 1
        self.tape.delta(event, _UPDATE, side, self._price(side, level), sizes[level])
        if level == 0:
            self._quote(event)

    def _levels_moved(self, ticks: int) -> int:
        """Return by how many levels a side moves inward; all of them are new where it leaves its lattice."""
        levels, rest = divmod(ticks, self._step)
        return self._levels if rest else levels

    def _drop(self, event: int, side: int, inward: int) -> None:
        """Delete levels that left the book: the deepest when it moves inward, the best when it moves outward."""
        count = min(abs(inward), self._levels)
        if not count:
            return
        first = self._levels - count if inward > 0 else 0
        for level in range(first, first + count):
            self.tape.delta(event, _DELETE, side, self._price(side, level), 0)
        sizes = self._sizes[side]
        fresh = [0] * count
        self._sizes[side] = fresh + sizes[: self._levels - count] if inward > 0 else sizes[count:] + fresh

    def _rescale(self, event: int, side: int, ratio: float) -> None:
        sizes = self._sizes[side]
        for level in range(self._levels):
            if sizes[level]:
                sizes[level] = max(1, round(sizes[level] * ratio))
                self.tape.delta(event, _UPDATE, side, self._price(side, level), sizes[level])

    def _add(self, event: int, side: int, inward: int) -> None:
        count = min(abs(inward), self._levels)
        first = 0 if inward > 0 else self._levels - count
        sizes = self._sizes[side]
        for level in range(first, first + count):
            sizes[level] = self._draw()
            self.tape.delta(event, _ADD, side, self._price(side, level), sizes[level])

    def _price(self, side: int, level: int) -> int:
        ticks = self._half + level * self._step
        return self._mid - ticks if side == BID else self._mid + ticks

    def _draw(self) -> int:
        return max(1, round(next(self._fresh) * self._multiplier))

    def _quote(self, event: int) -> None:
        top = (self._mid - self._half, self._mid + self._half, self._sizes[BID][0], self._sizes[ASK][0])
        if top != self._top:
            self._top = top
            self.tape.quote(event, *top)

    def _check_range(self) -> None:
        if self._mid - self._half - (self._levels - 1) * self._step <= 0:
            tick = self._venue.tick_price
            raise PriceRangeError(
                f"{self._venue.instrument_id}: the simulated price fell to {self._mid * tick}, where {self._levels} "
                f"levels of {self._step * tick} no longer fit above zero; lower the volatility, the price_change of "
                "the episodes or the duration, or start from a higher price"
            )


def _gamma_sizes(venue: Venue, rng: np.random.Generator) -> Iterator[float]:
    """Yield displayed sizes in lots, before the size multiplier."""
    sizes = venue.sizes
    scale = sizes.level_mean_base / sizes.level_shape / float(venue.lot_base)
    while True:
        yield from rng.gamma(sizes.level_shape, scale, 1024).tolist()
