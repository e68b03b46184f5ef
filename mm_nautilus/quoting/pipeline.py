"""Steps 2 to 5: from a market state and an inventory to the ladder we want to rest.

`Quoter.decide` is a pure function of its arguments and the frozen settings; the strategy feeds it
and hands its answer to `reconcile`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import Decimal
from functools import lru_cache
from typing import Final

from msgspec import Struct

from mm_nautilus.market import EMPTY_LADDER, Grid, Ladder, Level, MarketState, Quote, QuoteState, Side
from mm_nautilus.models import QuotingModel, find_model
from mm_nautilus.quoting.adjust import NEUTRAL, Adjustment, Bands, adjusted
from mm_nautilus.quoting.anchor import Anchor
from mm_nautilus.quoting.finalise import LadderShape, priced_side, sized_side
from mm_nautilus.quoting.guards import UNBOUNDED, Bounds, Cap, Reason, Room, Trace, floor_half_spread, uncross
from mm_nautilus.quoting.ladder import smallest_lots
from mm_nautilus.quoting.settings import QuotingSettings
from mm_nautilus.quoting.stance import SideStance, Sizing, Stance
from mm_nautilus.quoting.target import TargetInventory

type ModelOf = Callable[[QuotingSettings, float, float], QuotingModel]

# Quotes come back to the same prices and sizes over and over: one value for each is quicker to get, and ladders of
# the very same levels are quicker to compare.
_level: Final = lru_cache(maxsize=4096)(Level)


class Funds(Struct, frozen=True, gc=False):
    """What a cash account can trade, in lots; funds locked by our own working orders included."""

    buy_lots: int
    """Lots the quote currency pays for."""
    sell_lots: int
    """Lots the base currency holds."""


class Wanted(Struct, frozen=True, gc=False):
    """The ladder we want to rest and how it came about; prices are floats only for the record."""

    ladder: Ladder
    quote_state: QuoteState
    reasons: tuple[str, ...]
    caps: tuple[str, ...]
    quote: Quote | None = None
    """The model's answer, before adjustment."""
    adjustment: Adjustment = NEUTRAL
    limit_lots: int = 0
    """Largest |position| in the worst case; 0 where nothing is wanted."""
    min_lots: int = 1
    """Smallest order the venue accepts at any of these prices."""
    target: float = 0.0
    """Inventory that the bands were counted from, in base units."""


def withdrawn(reason: Reason) -> Wanted:
    """Return the empty ladder with its reason."""
    return Wanted(EMPTY_LADDER, QuoteState.WITHDRAWN, (reason.value,), ())


def size_problems(settings: QuotingSettings, grid: Grid) -> list[str]:
    """Return why the settings do not fit an instrument, one line per mistake.

    An order size and a limit must be whole numbers of lots, an order at least the venue's smallest, and what was
    calibrated must have been so for this instrument and tick.
    """
    sizes = {"order_size": settings.order_size, "limits.max_position": settings.limits.max_position}
    problems = [
        f"{field}: {size} is not a multiple of the lot size {grid.lot} of {settings.instrument_id}"
        for field, size in sizes.items()
        if size % grid.lot
    ]
    smallest = grid.min_lots * grid.lot
    if settings.order_size < smallest:
        problems.append(f"order_size: {settings.order_size} is below the venue's smallest order {smallest}")
    if settings.calibrated is not None:
        problems += settings.calibrated.problems(settings.instrument_id, grid.tick)
    table = settings.micro_price
    if table is not None and (table.instrument_id, table.tick) != (settings.instrument_id, grid.tick):
        problems.append(
            f"micro_price: trained for {table.instrument_id} with a tick of {table.tick}, "
            f"not for {settings.instrument_id} with {grid.tick}"
        )
    return problems


def limit_problems(settings: QuotingSettings, grid: Grid, base_per_lot: float, price: float) -> list[str]:
    """Return which limits leave no room for one order, or contradict the target, one line per mistake.

    What is limited in money can be told only once there is a price.

    Parameters
    ----------
    settings : QuotingSettings
        What the strategy was told.
    grid : Grid
        Lattice of the instrument.
    base_per_lot : float
        See `Quoter`.
    price : float
        In price units.

    """
    limits = settings.limits
    lot_value = base_per_lot * price
    order = float(settings.order_size / grid.lot) * lot_value
    smallest = max(grid.min_lots * lot_value, float(grid.min_notional))
    floors = {
        "max_notional": (limits.max_notional, order, f"order_size {settings.order_size}"),
        "max_order_notional": (limits.max_order_notional, smallest, "the venue's smallest order"),
        "max_venue_gross_notional": (limits.max_venue_gross_notional, order, f"order_size {settings.order_size}"),
        "max_daily_volume": (limits.max_daily_volume, order, f"order_size {settings.order_size}"),
        "max_portfolio_share": (limits.max_portfolio_notional, order, f"order_size {settings.order_size}"),
    }
    problems = [
        f"limits.{name}: {limit} is below one order: {what} is worth {floor:.10g} at a price of {price:.10g}"
        for name, (limit, floor, what) in floors.items()
        if limit is not None and float(limit) < floor * (1.0 - 1e-9)
    ]
    target = getattr(settings, "target_inventory", 0.0)
    largest = float(limits.max_position / grid.lot) * base_per_lot
    if abs(target) >= largest:
        problems.append(f"target_inventory: {target} leaves no room below limits.max_position, worth {largest:.10g}")
    return problems


def notional_lots(max_notional: float, fair_value: float, base_per_lot: float) -> int:
    """Return the whole lots that are worth at most `max_notional` at the fair value."""
    return math.floor(max_notional / (fair_value * base_per_lot))


class Quoter:
    """The settings of one strategy on one instrument, ready to be asked what to quote.

    Parameters
    ----------
    settings : QuotingSettings
        With the fields of the chosen model's parameters.
    grid : Grid
        Tick, lot and smallest order of the instrument.
    base_per_lot : float
        Base units whose value moves with the price as one lot does: the lot itself for spot, times the
        multiplier for a linear contract, divided by the price for an inverse one. The model sees
        inventory and order size in these.

    inventory_limit : float or None
        Largest |inventory| that the model leans with, in base units; the position limit where left out.
    model_of : callable or None
        Makes the model from settings, order size and inventory bound, as `QuotingModel` is made; the class that the
        settings name where left out.

    Assumes that `size_problems` found none.

    """

    def __init__(
        self,
        settings: QuotingSettings,
        grid: Grid,
        base_per_lot: float,
        inventory_limit: float | None = None,
        model_of: ModelOf | None = None,
    ) -> None:
        # Settings models look every field up through a Python hook; a pass asks for twenty.
        ladder, guards = settings.ladder, settings.guards
        farthest = guards.max_half_spread_bps
        self._min_half_spread = guards.min_half_spread_bps * 1e-4  # of the fair value, as the next one
        self._max_half_spread = None if farthest is None else farthest * 1e-4
        self._tick = float(grid.tick)
        self._base_per_lot = base_per_lot
        order_lots = int(settings.order_size / grid.lot)
        self._min_lots, self._min_notional = grid.min_lots, float(grid.min_notional)
        self.limit_lots = int(settings.limits.max_position / grid.lot)
        self._max_notional = _optional_float(settings.limits.max_notional)
        self._min_price = _optional_float(guards.min_price)
        self._max_price = _optional_float(guards.max_price)
        self._any_price = self._min_price is None and self._max_price is None and farthest is None
        self._shape = LadderShape(
            ladder.levels,
            ladder.spacing_ticks * self._tick,
            ladder.size_decay,
            ladder.size_skew,
            ladder.widen_inventory_side,
        )
        model_type: ModelOf = model_of or find_model(settings.model)
        own_limit = self.limit_lots * base_per_lot
        limit = own_limit if inventory_limit is None else inventory_limit
        self._model = model_type(settings, order_lots * base_per_lot, limit)
        self._target = TargetInventory(settings, self._model, limit)
        self._sizing = Sizing(
            self._shape,
            Bands.of(settings.adjust),
            order_lots,
            self.limit_lots,
            self.limit_lots if inventory_limit is None else limit / base_per_lot,
            base_per_lot,
            self._min_lots,
            self._min_notional,
            _optional_float(settings.limits.max_order_notional),
        )
        self._stance: Stance | None = None

    def decide(
        self,
        state: MarketState,
        position_lots: int,
        elapsed_s: float,
        adjustment: Adjustment = NEUTRAL,
        funds: Funds | None = None,
        bounds: Bounds | None = None,
        anchor: Anchor | None = None,
    ) -> Wanted:
        """Price, adjust, ladder and guard one quote.

        Parameters
        ----------
        state : MarketState
            On a book that `book_fault` passed.
        position_lots : int
            Signed position.
        elapsed_s : float
            Seconds since quoting began.
        adjustment : Adjustment
            What actors and other venues ask for.
        funds : Funds or None
            Of a cash account; ``None`` where funds do not bound size.
        bounds : Bounds or None
            What the asset, the venue, the day or a risk stage leaves; ``None`` where nothing but the
            instrument's own limits holds.
        anchor : Anchor or None
            What other markets of the asset say; ``None`` where the instrument is quoted by itself.

        """
        target = self._target.value(state) if self._target.fixed is None else self._target.fixed
        inventory = position_lots * self._base_per_lot if anchor is None else anchor.inventory
        held = position_lots if anchor is None else inventory / self._base_per_lot
        try:
            quote = self._model.quote(state, inventory, elapsed_s)
        except ArithmeticError:  # parameters beyond what floats can hold overflow or divide by zero
            return withdrawn(Reason.MODEL_NOT_FINITE)
        if not _finite(quote):
            reasons = (Reason.MODEL_NOT_FINITE.value,)
            return Wanted(EMPTY_LADDER, QuoteState.WITHDRAWN, reasons, (), quote, adjustment)
        stance, made_for = self._stance, (position_lots, held, target, adjustment)
        if stance is None or stance.made_for != made_for:
            stance = self._stance = self._sizing.stance(made_for, state.fair_value)
        asked, trace = stance.asked, Trace(stance.reasons)
        final = quote if asked is NEUTRAL else adjusted(quote, asked)
        if anchor is not None:
            final = anchor.applied(final, state.top, trace)
        notional_lots = None if self._max_notional is None else self._notional_lots(state.fair_value)
        limited = notional_lots is not None or funds is not None or bounds is not None
        bid_room = ask_room = None
        if limited or not stance.bid.fits:
            bid_room = self._room(Side.BUY, stance.bid, position_lots, notional_lots, funds, bounds)
        if limited or not stance.ask.fits:
            ask_room = self._room(Side.SELL, stance.ask, position_lots, notional_lots, funds, bounds)
        bids, bid_lots = self._side(Side.BUY, final.bid, stance.bid, state, bid_room, trace)
        asks, ask_lots = self._side(Side.SELL, final.ask, stance.ask, state, ask_room, trace)
        if stance.bid.away:
            bids, bid_lots = _stepped_away(Side.BUY, trace)
        if stance.ask.away:
            asks, ask_lots = _stepped_away(Side.SELL, trace)
        if bids and asks and asks[0] <= bids[0] and any(bid_lots) and any(ask_lots):
            uncross(bids, asks, trace)
        smallest = self._min_lots if self._min_notional == 0.0 else self._smallest_lots(bids or asks)
        ladder = Ladder(
            self._levels(Side.BUY, bids, bid_lots, smallest, state.fair_value, trace),
            self._levels(Side.SELL, asks, ask_lots, smallest, state.fair_value, trace),
        )
        return Wanted(
            ladder,
            _state(ladder, trace, quote, final),
            tuple(trace.reasons),
            tuple(trace.caps),
            quote,
            asked,
            self.limit_lots if notional_lots is None else min(self.limit_lots, notional_lots),
            smallest,
            target,
        )

    def skew(self, state: MarketState, position_lots: int, elapsed_s: float) -> float:
        """Return the fall of the reservation price per base unit held, from flat to the position, in price units.

        Of a flat position, over one order; a model that fails there has none.
        """
        held = (position_lots or self._sizing.order_lots) * self._base_per_lot
        try:
            flat = self._model.quote(state, 0.0, elapsed_s).reservation_price
            moved = self._model.quote(state, held, elapsed_s).reservation_price
        except ArithmeticError:
            return 0.0
        skew = (flat - moved) / held
        return skew if math.isfinite(skew) else 0.0

    def _room(
        self,
        side: Side,
        stance: SideStance,
        position_lots: int,
        notional_lots: int | None,
        funds: Funds | None,
        bounds: Bounds | None,
    ) -> Room | None:
        """Return what bounds the sizes of one side, or ``None`` where the stance's fit whatever the price."""
        held = int(side) * position_lots
        notional = None if notional_lots is None else notional_lots - held
        outer = UNBOUNDED if bounds is None else bounds
        if side is Side.BUY:
            balance, bound, reason = None if funds is None else funds.buy_lots, outer.buy_lots, outer.buy_reason
        else:
            balance, bound, reason = None if funds is None else funds.sell_lots, outer.sell_lots, outer.sell_reason
        wanted = stance.lots_in_all
        if (
            stance.fits
            and (notional is None or wanted <= notional)
            and (balance is None or wanted <= balance)
            and (bound is None or wanted <= bound)
        ):
            return None
        return Room(self.limit_lots - held, notional, balance, bound, reason)

    def _notional_lots(self, fair_value: float) -> int:
        assert self._max_notional is not None
        return notional_lots(self._max_notional, fair_value, self._base_per_lot)

    def _side(
        self,
        side: Side,
        price: float | None,
        stance: SideStance,
        state: MarketState,
        room: Room | None,
        trace: Trace,
    ) -> tuple[list[int], list[int]]:
        """Return prices in ticks and sizes in lots of one side, before levels are dropped.

        Without a `room` the sizes of the stance fit.
        """
        if price is None:
            if not trace.names(Reason.NO_HEDGE, side):
                trace.reason(Reason.MODEL_BOUND, side)
            return [], []
        fair_value, towards = state.fair_value, stance.towards
        price = floor_half_spread(side, price, fair_value, self._min_half_spread * fair_value, trace)
        lots = stance.lots
        if lots is None:
            lots = self._sizing.lots(side, towards, stance.before, stance.held_back, fair_value, trace)
        opposite = state.top.ask if side is Side.BUY else state.top.bid
        ticks = priced_side(side, price, towards, opposite, self._shape, self._tick, trace)
        if room is None:
            return ticks, lots
        smallest = self._min_lots if self._min_notional == 0.0 else self._smallest_lots(ticks)
        return ticks, sized_side(side, lots, room, smallest, trace)

    def _smallest_lots(self, ticks: list[int]) -> int:
        return smallest_lots(ticks, self._min_lots, self._min_notional, self._tick * self._base_per_lot)

    def _levels(
        self, side: Side, ticks: list[int], lots: list[int], smallest: int, fair_value: float, trace: Trace
    ) -> tuple[Level, ...]:
        """Drop what stands outside the allowed prices or is too small to send."""
        if self._any_price and len(ticks) == 1 and ticks[0] > 0 and lots[0] >= smallest:
            return (_level(side, 0, ticks[0], lots[0]),)
        levels = []
        farthest = self._max_half_spread
        for index, price_ticks in enumerate(ticks):
            size_lots = lots[index]
            if size_lots < smallest:
                continue
            price = price_ticks * self._tick
            if (
                price_ticks <= 0
                or (self._min_price is not None and price < self._min_price)
                or (self._max_price is not None and price > self._max_price)
            ):
                trace.reason(Reason.PRICE_BAND, side)
            elif farthest is not None and abs(price - fair_value) > farthest * fair_value:
                trace.reason(Reason.WIDER_THAN_MAX, side)
            else:
                levels.append(_level(side, index, price_ticks, size_lots))
        return tuple(levels)


def _stepped_away(side: Side, trace: Trace) -> tuple[list[int], list[int]]:
    trace.reason(Reason.ADVERSE_SELECTION, side)
    return [], []


# Why a side is missing where the other one is left to bring the inventory back.
_AT_LIMIT = (
    Reason.POSITION_LIMIT,
    Reason.NOTIONAL_LIMIT,
    Reason.MODEL_BOUND,
    Reason.ASSET_LIMIT,
    Reason.VENUE_LIMIT,
    Reason.VOLUME_LIMIT,
    Reason.PORTFOLIO_LIMIT,
    Reason.RISK_REDUCE_ONLY,
)


def _state(ladder: Ladder, trace: Trace, quote: Quote, final: Quote) -> QuoteState:
    if not ladder.bids and not ladder.asks:
        return QuoteState.WITHDRAWN
    if not ladder.bids or not ladder.asks:
        missing = ":ASK" if ladder.bids else ":BID"
        at_limit = any(reason + missing in trace.reasons for reason in _AT_LIMIT)
        return QuoteState.INVENTORY_LIMIT if at_limit else QuoteState.PASSIVE
    if trace.reasons and Reason.REDUCING_SIDE_TIGHTENED in trace.reasons:
        return QuoteState.AGGRESSIVE
    widened = final is not quote and _width(final) > _width(quote) * (1.0 + 1e-12)
    if widened or (trace.caps and any(cap.startswith(Cap.MIN_HALF_SPREAD) for cap in trace.caps)):
        trace.reason(Reason.WIDENED)
        return QuoteState.PASSIVE
    return QuoteState.ACTIVE


def _width(quote: Quote) -> float:
    return (quote.bid_half_spread or 0.0) + (quote.ask_half_spread or 0.0)


# No price is meant to be this large, and its number of ticks might overflow.
_LARGEST = 1e100


def _finite(quote: Quote) -> bool:
    bid, ask = quote.bid_half_spread, quote.ask_half_spread
    return (
        -_LARGEST < quote.reservation_price < _LARGEST
        and (bid is None or -_LARGEST < bid < _LARGEST)
        and (ask is None or -_LARGEST < ask < _LARGEST)
    )


def _optional_float(value: Decimal | None) -> float | None:
    return None if value is None else float(value)
