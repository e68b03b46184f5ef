"""One venue an arbitrage may trade on: its book as the engine sends it, what is left of it, and what we could trade.

It stands where a quoted leg stands towards `mm_nautilus.strategies.hedging.Hedger`: nothing rests on it, but its
limits bound the hedges that are sent there.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from nautilus_trader.model import BookType, MarketStatusAction, OrderBook, OrderBookDeltas, QuoteTick

from mm_nautilus.estimators.volatility import Volatility
from mm_nautilus.host.traded import Traded
from mm_nautilus.inventory.contract import EXACT
from mm_nautilus.inventory.hedge_settings import TakingTerms
from mm_nautilus.market import Purpose, Side, TopOfBook
from mm_nautilus.messages import OrderFact
from mm_nautilus.venues.consumed import Consumed
from mm_nautilus.venues.crossing import Means, Trader
from mm_nautilus.venues.legs import Leg
from mm_nautilus.venues.venue import Health

_OPEN = {MarketStatusAction.TRADING, MarketStatusAction.NONE, MarketStatusAction.SHORT_SELL_RESTRICTION_CHANGE}
_NOTHING = Decimal(0)
_PURPOSE = str(Purpose.ARBITRAGE)

type Levels = list[tuple[Decimal, Decimal]]


class ArbitrageLeg:
    """See the module.

    Parameters
    ----------
    place : int
        Among the venues of the strategy.
    traded : Traded
        The instrument; linear.
    terms : TakingTerms
        What taking costs there.
    max_position : Decimal
        Largest |position|, in base units (contracts).
    max_order_size : Decimal or None
        Largest order, likewise; ``None`` for up to the position limit.
    book_type : BookType or None
        ``None`` where quotes are all that is known.
    max_levels : int
        Levels of a book that are looked at.
    volatility : Volatility
        Of its mid.

    """

    target = 0.0
    """Exposure that legs in flight are about to bring back, in units of the asset; counted on the first venue."""

    def __init__(
        self,
        place: int,
        traded: Traded,
        terms: TakingTerms,
        max_position: Decimal,
        max_order_size: Decimal | None,
        book_type: BookType | None,
        max_levels: int,
        volatility: Volatility,
    ) -> None:
        self.place, self.traded, self.terms, self.volatility = place, traded, terms, volatility
        self.name: str = traded.name
        self.top: TopOfBook | None = None
        self.market_ns = 0
        self.position_lots = 0
        self.halted = False
        self.clock_off = False
        """Whether the clock of the venue is further from the others' than its prices can be compared across."""
        self.consumed = Consumed()
        self.shown: dict[Side, Levels] = {}
        """Levels as the venue showed them when `levels` was asked last, in base units of the asset."""
        self.in_flight = {Side.BUY: 0, Side.SELL: 0}
        """Lots of arbitrage orders that may still fill."""
        grid = traded.lattice.grid
        self.unit: Decimal = EXACT.multiply(grid.lot, traded.lattice.multiplier)
        """Base units of the asset per lot."""
        self.limit_lots = int(max_position / grid.lot)
        self.order_lots = self.limit_lots if max_order_size is None else int(max_order_size / grid.lot)
        self._book_type, self._max_levels = book_type, max_levels
        self._size_step = float(grid.lot)
        self._quote: QuoteTick | None = None

    @property
    def desk(self) -> ArbitrageLeg:
        """What a hedge asks about a venue of the strategy's own."""
        return self

    def trader(self) -> Trader:
        """Return the venue as the scanner knows it."""
        grid, terms = self.traded.lattice.grid, self.terms
        fee, least = Decimal(repr(terms.fee_rate)), EXACT.multiply(grid.min_lots, self.unit)
        return Trader(self.name, fee, terms.submit_ns * 1e-9, self.unit, least, grid.min_notional)

    # ---------------------------------------------------------------- market

    def subscribe(self, strategy: Any) -> None:
        """Ask for the market and its status."""
        if self._book_type is None:
            strategy.subscribe_quotes(self.traded.id)
        else:
            self.traded.book = OrderBook(self.traded.id, self._book_type)
            strategy.subscribe_book_deltas(self.traded.id, self._book_type)
        strategy.subscribe_instrument_status(self.traded.id)

    def on_quote(self, quote: QuoteTick) -> None:
        """Take the best prices."""
        self._quote, self.market_ns = quote, quote.ts_init
        self.top = TopOfBook(
            quote.bid_price.as_double(),
            quote.ask_price.as_double(),
            quote.bid_size.as_double(),
            quote.ask_size.as_double(),
        )

    def on_book_deltas(self, deltas: OrderBookDeltas) -> None:
        """Bring the book up to date."""
        book = self.traded.book
        assert book is not None
        book.apply_deltas(deltas)
        self.market_ns = deltas.ts_init
        found = book.best_bid_price(), book.best_ask_price(), book.best_bid_size(), book.best_ask_size()
        self.top = TopOfBook(*(0.0 if value is None else value.as_double() for value in found))

    def on_status(self, action: MarketStatusAction) -> None:
        """Trade only where the venue says that it does."""
        self.halted = action not in _OPEN

    @property
    def health(self) -> Health:
        """Whether the venue counts now; that its quote is old is seen by whoever compares it."""
        if self.halted:
            return Health.HALTED
        top = self.top
        if top is None or not (top.bid > 0.0 and top.ask > 0.0 and top.bid_size > 0.0 and top.ask_size > 0.0):
            return Health.NO_BOOK
        return Health.CLOCK_OFFSET if self.clock_off else Health.LIVE

    def best(self) -> tuple[float, float]:
        """Return the best bid and ask of what we have not taken; 0 for a side that is gone."""
        top, consumed = self.top, self.consumed
        if top is None:
            return 0.0, 0.0
        bid, ask = top.bid, top.ask
        if consumed.any(Side.SELL):
            left = self.levels(Side.SELL)
            bid = float(left[0][0]) if left else 0.0
        if consumed.any(Side.BUY):
            left = self.levels(Side.BUY)
            ask = float(left[0][0]) if left else 0.0
        return bid, ask

    def levels(self, side: Side) -> Levels:
        """Return what an order of a side would take and we have not taken, best first, in base units of the asset."""
        self.shown[side] = shown = self._shown(side)
        return self.consumed.left(side, shown)

    def _shown(self, side: Side) -> Levels:
        book, quote, unit = self.traded.book, self._quote, self.unit
        if book is not None:
            levels = (book.asks if side is Side.BUY else book.bids)(self._max_levels)
            return [(level.price.as_decimal(), unit * round(level.size() / self._size_step)) for level in levels]
        if quote is None:
            return []
        price, size = (quote.ask_price, quote.ask_size) if side is Side.BUY else (quote.bid_price, quote.bid_size)
        return [(price.as_decimal(), EXACT.multiply(size.as_decimal(), self.traded.lattice.multiplier))]

    def mid(self, now_ns: int, stale_after_s: float) -> float | None:
        """Return the mid where the market is fit to be sampled."""
        top = self.top
        fit = self.health is Health.LIVE and top is not None and top.bid < top.ask
        return top.mid if top is not None and fit and now_ns - self.market_ns <= stale_after_s * 1e9 else None

    # ------------------------------------------------------------- our means

    def means(self, exposure: Decimal, balances: dict[str, Decimal] | None) -> Means:
        """Return what we could trade here.

        Parameters
        ----------
        exposure : Decimal
            What is open already, in base units of the asset: a leg that fills alone must not add to it beyond the
            limit.
        balances : dict of currency to Decimal, or None
            Of a cash account; ``None`` where money does not bind.

        """
        held, unit = self.position_lots, self.unit
        most = max(min(self.order_lots, self.limit_lots) * unit - abs(exposure), _NOTHING)
        base, room = (min(max(self.limit_lots + sign * held, 0) * unit, most) for sign in (1, -1))
        if balances is None:
            return Means(base, None, room)
        traded = self.traded
        return Means(
            max(min(base, balances[traded.asset]), _NOTHING), max(balances[traded.quote_currency], _NOTHING), room
        )

    def order_fact(self, strategy_id: str, number: int, leg: Leg, event: str, ts_ns: int, reason: str) -> OrderFact:
        """Return what happened to a leg of the opportunity `number`."""
        grid = self.traded.lattice.grid
        return OrderFact(
            ts_ns,
            strategy_id,
            self.name,
            leg.client_order_id,
            number,
            leg.side.name,
            -1,
            event,
            leg.limit_ticks * grid.tick,
            leg.lots * grid.lot,
            leg.filled_lots * grid.lot,
            reason,
            _PURPOSE,
        )

    # ------------------------------------------------- what a hedge asks of it

    def reserve(self, side: Side, lots: int, *, alone: bool) -> None:
        """Nothing of ours rests here that would have to make way; no arbitrage is taken while a hedge is worked."""

    def release(self) -> None:
        """See `reserve`."""

    def open_lots(self, side: Side) -> int:
        """Lots of arbitrage orders that may still fill."""
        return self.in_flight[side]

    def hedge_room_lots(self, side: Side) -> int:
        """Lots that the position limit leaves to a hedge."""
        return max(self.limit_lots - int(side) * self.position_lots - self.in_flight[side], 0)

    def skew(self, now_ns: int) -> None:
        """Return nothing: no model prices the inventory of an arbitrage."""


def problem_of(traded: Traded, terms: TakingTerms | None) -> str:
    """Return why an instrument cannot be one of these at all."""
    if traded.lattice.inverse:
        return "is an inverse contract: what it earns is paid in the asset, and no profit in money is locked"
    if terms is None:
        return f"is on {traded.venue}, whose taker fee is not known; state taking.{traded.venue}, also where it is 0"
    return "pays a fee per contract, not a share of the notional" if terms.fee_per_contract else ""


def difference_of(
    traded: Traded, kind: tuple[str, int | None], first: Traded, first_kind: tuple[str, int | None]
) -> str:
    """Return why an instrument cannot be held against the first one."""
    if traded.asset != first.asset:
        return f"is on {traded.asset}, not on {first.asset} as {first.name} is"
    if traded.quote_currency != first.quote_currency:
        return f"is priced in {traded.quote_currency}, not in {first.quote_currency} as {first.name} is"
    if kind != first_kind:
        return (
            f"is a {kind[0]}, {first.name} a {first_kind[0]}, or they expire at different times: their prices differ "
            "by a basis, which nobody pays out at once"
        )
    return ""
