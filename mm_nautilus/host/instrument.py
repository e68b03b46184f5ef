"""An instrument's lattice and contract, and exact conversion between ticks, lots and the engine's types."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final

from nautilus_trader.model import Price, Quantity

from mm_nautilus.inventory.contract import Contract
from mm_nautilus.market import Grid

# Orders come at the same few hundred prices and sizes over and over; making one is dearer than looking it up.
_KEPT: Final = 4096


class InstrumentLattice:
    """Ticks and lots of one instrument.

    Conversions go through the engine's fixed-point integers, so nothing is rounded on the way.

    Parameters
    ----------
    instrument : Instrument
        Any instrument of the engine with a constant price increment.

    """

    __slots__ = (
        "_lot_raw",
        "_price_precision",
        "_size_precision",
        "_tick_raw",
        "_units",
        "grid",
        "inverse",
        "multiplier",
        "price",
        "quantity",
        "sized",
        "valued",
        "whole",
    )

    def __init__(self, instrument: Any) -> None:
        tick, lot = instrument.price_increment, instrument.size_increment
        self._tick_raw: int = tick.raw
        self._lot_raw: int = lot.raw
        self._price_precision: int = instrument.price_precision
        self._size_precision: int = instrument.size_precision
        minimum = 1 if instrument.min_quantity is None else -(-instrument.min_quantity.raw // lot.raw)
        self.grid = Grid(tick.as_decimal(), lot.as_decimal(), max(minimum, 1), _smallest_value(instrument))
        self.multiplier: Decimal = instrument.multiplier.as_decimal()
        self.inverse: bool = instrument.is_inverse
        self._units = float(self.grid.lot * self.multiplier)
        self.price: Callable[[int], Price] = lru_cache(_KEPT)(self._price)
        """The engine's price of so many ticks."""
        self.quantity: Callable[[int], Quantity] = lru_cache(_KEPT)(self._quantity)
        """The engine's quantity of so many lots."""
        self.valued: Callable[[int], Decimal] = lru_cache(_KEPT)(self.grid.tick.__mul__)
        """The price of so many ticks."""
        self.sized: Callable[[int], Decimal] = lru_cache(_KEPT)(self.grid.lot.__mul__)
        """The size of so many lots."""
        self.whole: Callable[[Decimal], Decimal] = lru_cache(_KEPT)(self._whole)
        """The whole lots nearest to a size that was added up in binary floats, whose error is far finer than a lot."""

    def base_per_lot(self, price: float) -> float:
        """Base units whose value in quote currency moves with the price as one lot's does, at `price`."""
        return self._units / price if self.inverse else self._units

    def _price(self, ticks: int) -> Price:
        return Price.from_raw(ticks * self._tick_raw, self._price_precision)

    def _quantity(self, lots: int) -> Quantity:
        return Quantity.from_raw(lots * self._lot_raw, self._size_precision)

    def _whole(self, size: Decimal) -> Decimal:
        return round(size / self.grid.lot) * self.grid.lot

    def ticks(self, price: Price) -> int:
        """Return a price in ticks."""
        ticks: int = price.raw // self._tick_raw
        return ticks

    def lots(self, quantity: Quantity) -> int:
        """Return a quantity in lots."""
        lots: int = quantity.raw // self._lot_raw
        return lots

    def exact_price(self, price: Price) -> Decimal:
        """Return a price as it is, be it between two ticks."""
        ticks, beyond = divmod(price.raw, self._tick_raw)
        return price.as_decimal() if beyond else self.valued(ticks)

    def exact_size(self, quantity: Quantity) -> Decimal:
        """Return a quantity as it is, be it no whole number of lots."""
        lots, beyond = divmod(quantity.raw, self._lot_raw)
        return quantity.as_decimal() if beyond else self.sized(lots)


def _smallest_value(instrument: Any) -> Decimal:
    """Return the smallest value of an order in quote currency; an inverse contract's is stated in coins."""
    if instrument.min_notional is None or instrument.is_inverse:
        return Decimal(0)
    value: Decimal = instrument.min_notional.as_decimal()
    return value


def contract_of(instrument: Any) -> Contract:
    """Return how size and price of an engine's instrument turn into money."""
    base = getattr(instrument, "base_currency", None)  # futures and shares have none
    return Contract(
        str(instrument.quote_currency),
        None if base is None else str(base),
        instrument.multiplier.as_decimal(),
        instrument.is_inverse,
    )
