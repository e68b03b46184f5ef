"""One instrument a strategy hedges on: its market, what it costs to take there, and the order that is out."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import ClassVar, Protocol

from mm_nautilus.inventory.fill_quality import FillQuality
from mm_nautilus.inventory.hedge_demand import Cause
from mm_nautilus.inventory.hedge_ratio import HedgeRatio
from mm_nautilus.inventory.hedge_settings import TakingTerms
from mm_nautilus.market import Grid, Side, TopOfBook
from mm_nautilus.quoting.guards import book_fault

type Levels = Sequence[tuple[float, float]]
"""Levels of one side of a book as ``(price, size)``, best first; price and base units (contracts)."""


class OwnQuotes(Protocol):
    """What a hedge must know of, and may ask of, the quotes on its instrument."""

    def reserve(self, side: Side, lots: int, *, alone: bool) -> None:
        """Withdraw the quotes a hedge on `side` would meet, all of them if `alone`, and count its lots."""

    def release(self) -> None:
        """Quote again as if there were no hedge."""

    def hedge_room_lots(self, side: Side) -> int:
        """Lots that may be sent on `side` now; 0 while one of our own orders could be met."""

    def open_lots(self, side: Side) -> int:
        """Lots of our quotes that may still fill on `side`."""


@dataclass(frozen=True, slots=True)
class HedgeContract:
    """The lattice of an instrument and how its sizes turn into units of the asset and into money."""

    instrument_id: str
    grid: Grid
    multiplier: Decimal = Decimal(1)
    inverse: bool = False
    units: float = field(init=False, repr=False, compare=False)
    """One lot times the multiplier, which every pass asks for."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "units", float(self.grid.lot * self.multiplier))

    def units_per_lot(self, price: float) -> float:
        """Units of the instrument's own asset whose value moves as one lot's does, at a price."""
        return self.units / price if self.inverse else self.units

    def value(self, lots: int, price: float) -> float:
        """Return what signed lots are worth at a price, in settlement currency."""
        units = lots * self.units
        return -units / price if self.inverse else units * price

    def smallest_lots(self, price: float) -> int:
        """Return the smallest order the venue accepts at a price."""
        grid = self.grid
        if not grid.min_notional:
            return grid.min_lots
        value = self.units_per_lot(price) * price
        return max(grid.min_lots, math.ceil(float(grid.min_notional) / value - 1e-9))


@dataclass(slots=True)
class HedgeOrder:
    """One order sent to hedge, until the venue says that it is gone."""

    client_order_id: str
    instrument_id: str
    side: Side
    lots: int
    limit_ticks: int
    decision_id: int
    cause: Cause
    mid: float
    """Mid of the instrument when the hedge was decided, in price units."""
    sent_ns: int
    filled_lots: int = 0
    asked_ns: int = 0
    """When the venue was last asked what has become of it."""
    beyond: float = 0.0
    """Mean price that it was expected to pay when it was sent, less the mid then; in price units."""

    @property
    def leaves_lots(self) -> int:
        """Lots that may still fill."""
        return self.lots - self.filled_lots


class HedgeMarket:
    """State of one instrument.

    Parameters
    ----------
    contract : HedgeContract
        Lattice and sizes.
    terms : TakingTerms
        What taking costs there.
    stale_after_s : float
        Silence after which the market is not hedged on, in seconds.
    ratio : HedgeRatio or None
        Of a correlated instrument; ``None`` for the asset itself.
    quotes : OwnQuotes or None
        Our quotes on it; ``None`` where it is not quoted.
    funds : callable or None
        ``(side, price) -> lots`` of a cash account; ``None`` where funds do not bound size.

    """

    __slots__ = (
        "_stale_after_ns",
        "_top",
        "clearing_ns",
        "contract",
        "depth",
        "funds",
        "heard_ns",
        "last_resort",
        "last_send_ns",
        "not_before_ns",
        "order",
        "position_lots",
        "quality",
        "quotes",
        "rate",
        "ratio",
        "refusals",
        "terms",
    )

    closes_first: ClassVar[bool] = True
    """Whether a position that hedged the other way is closed before a cheaper market is looked for."""

    def __init__(
        self,
        contract: HedgeContract,
        terms: TakingTerms,
        stale_after_s: float,
        ratio: HedgeRatio | None = None,
        quotes: OwnQuotes | None = None,
        funds: Callable[[Side, float], int] | None = None,
    ) -> None:
        self.contract = contract
        self.terms = terms
        self.ratio = ratio
        self.quotes = quotes
        self.funds = funds
        self._stale_after_ns = int(stale_after_s * 1e9)
        self._top: TopOfBook | None = None
        self.rate = 1.0
        """Currency that the markets are compared in, per unit of the one its prices are in."""
        self.quality = FillQuality()
        """What orders here have lost lately."""
        self.heard_ns = 0
        """When the market was last heard of, in nanoseconds."""
        self.depth: Callable[[Side], Levels] | None = None
        """Levels an order of a side would take; ``None`` where the best prices are all that is known."""
        self.order: HedgeOrder | None = None
        """The order that is out."""
        self.last_resort = False
        """Traded on only for what must go."""
        self.position_lots = 0
        """Signed position on the instrument."""
        self.refusals = 0
        """Orders in a row that found nothing."""
        self.not_before_ns = 0
        """When the next order may be sent."""
        self.clearing_ns: int | None = None
        """Since when our own quotes stand in the way of a hedge."""
        self.last_send_ns: int | None = None
        """After this an order could not be answered before the end of the data."""

    @property
    def name(self) -> str:
        """Instrument id."""
        return self.contract.instrument_id

    @property
    def top(self) -> TopOfBook | None:
        """Best prices as they were last heard."""
        return self._top

    def heard(self, top: TopOfBook | None, now_ns: int) -> None:
        """The market sent something; `top` is the top of its book now."""
        self._top = top
        self.heard_ns = now_ns

    def fit_top(self, now_ns: int) -> TopOfBook | None:
        """Return the best prices where they are fit to be traded on."""
        return None if self.fault(now_ns) is not None else self._top

    def fault(self, now_ns: int) -> str | None:
        """Return why the market must not be hedged on now, or ``None``."""
        if self._top is not None and now_ns - self.heard_ns > self._stale_after_ns:
            return "STALE_BOOK"
        fault = book_fault(self._top, None)
        return None if fault is None else fault.value

    @property
    def weight(self) -> float | None:
        """Units of the asset that one unit of this instrument stands for; ``None`` before it is known."""
        if self.ratio is None:
            return 1.0
        return 1.0 / self.ratio.beta if self.ratio.beta else None

    def asset_per_lot(self) -> float | None:
        """Signed units of the asset that one lot stands for; ``None`` before a price or a ratio is known."""
        weight = self.weight
        if weight is None or (self.contract.inverse and self._top is None):
            return None
        mid = 1.0 if self._top is None else self._top.mid
        return self.contract.units_per_lot(mid) * weight if mid > 0.0 else None

    def exposure(self) -> float:
        """Signed units of the asset that the position stands for; 0 before a price or a ratio is known."""
        return self.position_lots * (self.asset_per_lot() or 0.0)

    def in_flight(self) -> float:
        """Signed units of the asset that the order that is out may still trade."""
        order, unit = self.order, self.asset_per_lot()
        return 0.0 if order is None or unit is None else int(order.side) * order.leaves_lots * unit

    def taking_cost(self, top: TopOfBook) -> float:
        """Half-spread and fee of taking one base unit, in price units of the instrument."""
        per_contract = self.terms.fee_per_contract / float(self.contract.multiplier)
        return 0.5 * top.spread + self.terms.fee_rate * top.mid + per_contract

    def limit_ticks(self, side: Side, mid: float, slippage_bps: float) -> int:
        """Return the worst price an order of `side` may pay, in ticks, rounded toward the mid."""
        worst = mid * (1.0 + int(side) * slippage_bps * 1e-4) / float(self.contract.grid.tick)
        return math.floor(worst + 1e-9) if side is Side.BUY else math.ceil(worst - 1e-9)

    def shown(self, side: Side, limit_ticks: int) -> list[tuple[float, float]]:
        """Return the levels at prices no worse than the limit that an order of `side` would take, best first."""
        top, tick = self._top, float(self.contract.grid.tick)
        if top is None:
            return []
        best = (top.ask, top.ask_size) if side is Side.BUY else (top.bid, top.bid_size)
        levels: Levels = (best,) if self.depth is None else self.depth(side)
        limit = limit_ticks * tick + int(side) * 1e-9 * tick
        found = []
        for price, size in levels:
            if (price - limit) * int(side) > 0.0:
                break
            found.append((price, size))
        return found

    def shown_lots(self, side: Side, limit_ticks: int) -> float:
        """Lots shown at prices no worse than the limit, to an order of `side`."""
        return sum(size for _, size in self.shown(side, limit_ticks)) / float(self.contract.grid.lot)

    def capacity(self, side: Side, price: float) -> float:
        """Units of the asset that a hedge could trade here, our own quotes withdrawn before it; infinite for any."""
        unit = self.asset_per_lot()
        if self.funds is None:
            return math.inf
        return 0.0 if unit is None else self.funds(side, price) * abs(unit)

    def room_lots(self, side: Side, price: float) -> int | None:
        """Lots that limits, our own quotes and funds allow to send on `side` at a price; ``None`` for any."""
        quotes = self.quotes
        room = None if quotes is None else quotes.hedge_room_lots(side)
        if self.funds is not None:
            paid = self.funds(side, price) - (0 if quotes is None else quotes.open_lots(side))
            room = paid if room is None else min(room, paid)
        return room
