"""An instrument's lattice and contract, and exact conversion between ticks, lots and the engine's types."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from nautilus_trader.model import Price, Quantity

from mm_nautilus.inventory.contract import Contract
from mm_nautilus.market import Grid


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

    def base_per_lot(self, price: float) -> float:
        """Base units whose value in quote currency moves with the price as one lot's does, at `price`."""
        return self._units / price if self.inverse else self._units

    def price(self, ticks: int) -> Price:
        """Return the engine's price of so many ticks."""
        return Price.from_raw(ticks * self._tick_raw, self._price_precision)

    def quantity(self, lots: int) -> Quantity:
        """Return the engine's quantity of so many lots."""
        return Quantity.from_raw(lots * self._lot_raw, self._size_precision)

    def ticks(self, price: Price) -> int:
        """Return a price in ticks."""
        ticks: int = price.raw // self._tick_raw
        return ticks

    def lots(self, quantity: Quantity) -> int:
        """Return a quantity in lots."""
        lots: int = quantity.raw // self._lot_raw
        return lots


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
