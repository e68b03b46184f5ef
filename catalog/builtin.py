"""The instruments of the captures we ship specifications for, and how a specification names one."""

from __future__ import annotations

from typing import Annotated, Any, Final, cast

from pydantic import AfterValidator, Discriminator, Tag

from mm_nautilus.catalog.instruments import (
    DEFINITIONS,
    CryptoPerpetualDefinition,
    CurrencyPairDefinition,
    Definition,
    EquityDefinition,
    FuturesContractDefinition,
)
from mm_nautilus.settings import Settings


def _binance(symbol: str, venue_symbol: str, **fields: Any) -> dict[str, Any]:
    return {"id": f"{symbol}.BINANCE", "raw_symbol": venue_symbol, **fields}


def _perpetual(base: str, **fields: Any) -> dict[str, Any]:
    margins = {"margin_init": "0.05", "margin_maint": "0.025"}
    return {"kind": "CryptoPerpetual", "base": base, **margins, **fields}


_BUILTIN: Final[tuple[dict[str, Any], ...]] = (
    _binance("BTCUSDT", "BTCUSDT", kind="CurrencyPair", base="BTC", quote="USDT", tick="0.01", lot="0.00001",
             min_size="0.00001", min_notional="5"),
    _binance("ETHUSDT", "ETHUSDT", kind="CurrencyPair", base="ETH", quote="USDT", tick="0.01", lot="0.0001",
             min_size="0.0001", min_notional="5"),
    _binance("BTCUSDT-PERP", "BTCUSDT", quote="USDT", settlement="USDT", inverse=False, tick="0.1", lot="0.001",
             min_size="0.001", min_notional="100", **_perpetual("BTC")),
    _binance("ETHUSDT-PERP", "ETHUSDT", quote="USDT", settlement="USDT", inverse=False, tick="0.01", lot="0.001",
             min_size="0.001", min_notional="20", **_perpetual("ETH")),
    _binance("BTCUSD_PERP", "BTCUSD_PERP", quote="USD", settlement="BTC", inverse=True, tick="0.1", lot="1",
             min_size="1", multiplier="100", **_perpetual("BTC")),
    _binance("ETHUSD_PERP", "ETHUSD_PERP", quote="USD", settlement="ETH", inverse=True, tick="0.01", lot="1",
             min_size="1", multiplier="10", **_perpetual("ETH")),
    {"id": "ETH-USD.GEMINI", "kind": "CurrencyPair", "base": "ETH", "quote": "USD", "tick": "0.01", "lot": "0.000001",
     "min_size": "0.001"},
    *({"id": f"EUR/USD.{broker}", "kind": "CurrencyPair", "base": "EUR", "quote": "USD", "tick": "0.00001", "lot": "1",
       "min_size": "1", "margin_init": "0.03", "margin_maint": "0.03"} for broker in ("FXCM", "OANDA")),
    {"id": "ESH4.GLBX", "kind": "FuturesContract", "asset_class": "INDEX", "underlying": "ES", "currency": "USD",
     "tick": "0.25", "multiplier": "50", "min_size": "1", "exchange": "XCME",
     "activation": "2022-09-16T13:30:00Z", "expiration": "2024-03-15T13:30:00Z"},
    *({"id": f"{symbol}.XNYS", "kind": "Equity", "currency": "USD", "tick": "0.01", "lot_size": "100", "min_size": "1"}
      for symbol in ("AIG", "BAC")),
)  # fmt: skip
"""Contract specifications as they were when the captures that ship a specification were taken."""


BUILTIN: Final[dict[str, Definition]] = {
    fields["id"]: cast("Definition", DEFINITIONS[fields["kind"]].model_validate(fields)) for fields in _BUILTIN
}
"""Definitions of the instruments the shipped specifications use, by id."""


def _known(name: str) -> str:
    if name not in BUILTIN:
        raise ValueError(f"no built-in instrument {name!r}; there are {', '.join(BUILTIN)}")
    return name


class BuiltinDefinition(Settings):
    """One of the definitions we ship, by its instrument id."""

    builtin: Annotated[str, AfterValidator(_known)]

    @property
    def definition(self) -> Definition:
        """The full definition."""
        return BUILTIN[self.builtin]


def _which(value: Any) -> str:
    fields = value if isinstance(value, dict) else vars(value)
    return "builtin" if "builtin" in fields else str(fields.get("kind"))


type InstrumentTable = Annotated[
    Annotated[BuiltinDefinition, Tag("builtin")]
    | Annotated[CurrencyPairDefinition, Tag("CurrencyPair")]
    | Annotated[CryptoPerpetualDefinition, Tag("CryptoPerpetual")]
    | Annotated[FuturesContractDefinition, Tag("FuturesContract")]
    | Annotated[EquityDefinition, Tag("Equity")],
    Discriminator(
        _which,
        custom_error_type="instrument_kind",
        custom_error_message=f"an instrument has builtin = '<id>' or kind = one of {', '.join(DEFINITIONS)}",
    ),
]
"""One ``[[instruments]]`` table: ``builtin = "<id>"``, or ``kind`` and every field of that kind."""


def definition_of(table: BuiltinDefinition | Definition) -> Definition:
    """Return the full definition of an ``[[instruments]]`` table."""
    return table.definition if isinstance(table, BuiltinDefinition) else table
