"""Ticks, lots and the engine's fixed-point types."""

from __future__ import annotations

from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nautilus_trader.model import Money, Price, Quantity
from nautilus_trader.testkit.providers import TestInstrumentProvider

from mm_nautilus.host.instrument import InstrumentLattice


def instrument(tick: str, lot: str, **changes: Any) -> Any:
    """Return what the lattice reads of an instrument."""
    increments = {"price_increment": Price.from_str(tick), "size_increment": Quantity.from_str(lot)}
    fields = {
        "price_precision": Price.from_str(tick).precision,
        "size_precision": Quantity.from_str(lot).precision,
        "min_quantity": None,
        "min_notional": None,
        "multiplier": Quantity.from_str("1"),
        "is_inverse": False,
    }
    return SimpleNamespace(**increments | fields | changes)


LATTICES = [("0.1", "0.001"), ("0.25", "1"), ("0.01", "0.00001"), ("0.00005", "1000"), ("5", "10")]


@pytest.mark.parametrize(("tick", "lot"), LATTICES)
@given(ticks=st.integers(1, 10**7), lots=st.integers(1, 10**6))
def test_conversion_is_exact_both_ways(tick: str, lot: str, ticks: int, lots: int) -> None:
    lattice = InstrumentLattice(instrument(tick, lot))
    price, quantity = lattice.price(ticks), lattice.quantity(lots)
    assert price.as_decimal() == ticks * Decimal(tick)
    assert quantity.as_decimal() == lots * Decimal(lot)
    assert (lattice.ticks(price), lattice.lots(quantity)) == (ticks, lots)
    assert price.precision == Price.from_str(tick).precision


@pytest.mark.parametrize(("minimum", "lots"), [(None, 1), ("0.001", 1), ("0.005", 5), ("0.0055", 6)])
def test_the_smallest_order_is_whole_lots(minimum: str | None, lots: int) -> None:
    quantity = None if minimum is None else Quantity.from_str(minimum)
    assert InstrumentLattice(instrument("0.1", "0.001", min_quantity=quantity)).grid.min_lots == lots


def test_the_smallest_value_is_in_quote_currency() -> None:
    ten = Money.from_str("10 USDT")
    assert InstrumentLattice(instrument("0.1", "0.001", min_notional=ten)).grid.min_notional == 10
    assert InstrumentLattice(instrument("0.1", "1", min_notional=ten, is_inverse=True)).grid.min_notional == 0


def test_prices_and_sizes_are_exact_also_between_the_steps() -> None:
    lattice = InstrumentLattice(instrument("0.50", "0.010"))
    for text in ("100.50", "100.00", "100.25", "-0.50"):
        assert str(lattice.exact_price(Price.from_str(text))) == text
    for text in ("1.230", "0.000", "1.234"):
        assert str(lattice.exact_size(Quantity.from_str(text))) == text
    assert lattice.whole(Decimal("0.30000000000000004")) == Decimal("0.300")
    assert lattice.whole(Decimal("-1.2299999")) == Decimal("-1.230")


def test_a_lot_in_base_units() -> None:
    assert InstrumentLattice(instrument("0.1", "0.001")).base_per_lot(60_000.0) == 0.001
    future = instrument("0.25", "1", multiplier=Quantity.from_str("50"))
    assert InstrumentLattice(future).base_per_lot(5_000.0) == 50.0
    inverse = instrument("0.1", "1", multiplier=Quantity.from_str("100"), is_inverse=True)
    assert InstrumentLattice(inverse).base_per_lot(50_000.0) == 0.002


def test_real_instruments() -> None:
    lattice = InstrumentLattice(TestInstrumentProvider.btcusdt_perp_binance())
    assert (lattice.grid.tick, lattice.grid.lot) == (Decimal("0.1"), Decimal("0.001"))
    assert lattice.inverse is False
