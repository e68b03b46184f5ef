"""An instrument a strategy trades, and what the engine knows of the strategy's orders on it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

from nautilus_trader.model import InstrumentId, OrderBook, OrderFilled

from mm_nautilus.host.execution import Execution, execution_of
from mm_nautilus.host.facts import FactWriter
from mm_nautilus.host.funds import CashFunds
from mm_nautilus.host.instrument import InstrumentLattice, contract_of
from mm_nautilus.inventory.hedge_market import HedgeContract, Levels
from mm_nautilus.market import Purpose, Side

_OURS: Final = re.compile(r"O-\d{8}-\d{6}-[A-Za-z0-9]+-[A-Za-z0-9]+-\d+")


class Traded:
    """One instrument a strategy holds: the engine's, and what ours is made of.

    Parameters
    ----------
    instrument : Instrument
        The engine's.
    strategy_id : str
        For the records.
    funds : CashFunds or None
        Of a cash account.

    """

    def __init__(self, instrument: Any, strategy_id: str, funds: CashFunds | None) -> None:
        self.id: InstrumentId = instrument.id
        self.name = str(instrument.id)
        self.venue = str(instrument.venue)
        self.lattice = InstrumentLattice(instrument)
        self.asset, self.quote_currency = asset_of(instrument), str(instrument.quote_currency)
        self.contract = contract_of(instrument)
        self.facts = FactWriter(strategy_id, self.name, self.lattice)
        self.funds = funds
        self.book: OrderBook | None = None

    def execution(self, event: OrderFilled, purpose: Purpose) -> Execution:
        """Return what the engine says of a fill on the instrument."""
        return execution_of(event, purpose, self.name, self.lattice)

    def hedge_contract(self) -> HedgeContract:
        """Return what a hedge must know of the instrument."""
        return HedgeContract(self.name, self.lattice.grid, self.lattice.multiplier, self.lattice.inverse)

    def funds_of(self, fee_rate: float) -> Callable[[Side, float], int] | None:
        """Return how many lots the account can trade at a price, or ``None`` where funds do not bound size."""
        funds = self.funds
        if funds is None:
            return None

        def lots(side: Side, price: float) -> int:
            available = funds.at(price, fee_rate)
            return available.buy_lots if side is Side.BUY else available.sell_lots

        return lots

    def depth(self, side: Side) -> Levels:
        """Return the levels of our book that an order of `side` would take, best first."""
        book = self.book
        if book is None:
            return ()
        levels = book.asks() if side is Side.BUY else book.bids()
        return [(level.price.as_double(), level.size()) for level in levels]


def asset_of(instrument: Any) -> str:
    """Return what an instrument's price moves with: its base currency, its underlying, or else itself."""
    base = getattr(instrument, "base_currency", None)
    if base is not None:
        return str(base)
    return str(getattr(instrument, "underlying", None) or instrument.id.symbol)


def open_orders(strategy: Any, instrument_id: InstrumentId) -> list[Any]:
    """Return the strategy's orders on an instrument that may still fill, resting or in flight, by id."""
    cache, strategy_id = strategy.cache, strategy.strategy_id
    found = {
        str(order.client_order_id): order
        for orders in (
            cache.orders_open(None, instrument_id, strategy_id),
            cache.orders_inflight(None, instrument_id, strategy_id),
        )
        for order in orders
    }
    return [found[name] for name in sorted(found)]


def is_ours(client_order_id: str) -> bool:
    """Return whether an id is one that the engine gives to orders of strategies; whoever trades by hand has others."""
    return _OURS.fullmatch(client_order_id) is not None


def purpose_of(order: Any) -> Purpose:
    """Return what an order of ours was sent for: hedges say so in their tags, see `mm_nautilus.strategies.hedging`."""
    if not is_ours(str(order.client_order_id)):
        return Purpose.EXTERNAL
    tags = order.tags or []
    return Purpose(tags[0]) if len(tags) == 3 and tags[0] in {Purpose.HEDGE, Purpose.LIQUIDATION} else Purpose.QUOTE
