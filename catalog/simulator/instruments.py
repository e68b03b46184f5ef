"""Engine instruments of simulated venues."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

from nautilus_trader import model
from nautilus_trader.model import CryptoPerpetual, Currency, CurrencyPair, InstrumentId, Price, Quantity, Symbol

from mm_nautilus.catalog.simulator.params import Venue, decimal_places

_MARGIN: Final = Decimal("0.05")


def instrument(venue: Venue, ts_ns: int) -> Any:
    """Return what a venue trades: as defined, or a spot pair, or a linear perpetual settled in its quote currency."""
    if venue.definition is not None:
        kind = getattr(model, str(venue.definition["type"]))
        return kind.from_dict(venue.definition | {"ts_event": ts_ns, "ts_init": ts_ns})
    quote = Currency.from_str(venue.quote_currency)
    fields: dict[str, Any] = {
        "instrument_id": InstrumentId.from_str(venue.instrument_id),
        "raw_symbol": Symbol(venue.symbol),
        "base_currency": Currency.from_str(venue.asset),
        "quote_currency": quote,
        "price_precision": decimal_places(venue.tick_price),
        "size_precision": decimal_places(venue.lot_base),
        "price_increment": Price.from_str(f"{venue.tick_price.normalize():f}"),
        "size_increment": Quantity.from_str(f"{venue.lot_base.normalize():f}"),
        "min_quantity": Quantity.from_str(f"{venue.lot_base.normalize():f}"),
        "margin_init": _MARGIN,
        "margin_maint": _MARGIN / 2,
        "ts_event": ts_ns,
        "ts_init": ts_ns,
    }
    if venue.kind == "spot":
        return CurrencyPair(**fields)
    return CryptoPerpetual(settlement_currency=quote, is_inverse=False, **fields)
