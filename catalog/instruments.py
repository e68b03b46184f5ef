"""Instrument definitions: a TOML table with every field the engine needs."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Final, Literal

from nautilus_trader.model import (
    AssetClass,
    CryptoPerpetual,
    Currency,
    CurrencyPair,
    Equity,
    FuturesContract,
    InstrumentId,
    Money,
    Price,
    Quantity,
    Symbol,
)
from pydantic import AfterValidator, AwareDatetime, Field, model_validator

from mm_nautilus.settings import Settings

type Positive = Annotated[Decimal, Field(gt=0)]
type Rate = Annotated[Decimal, Field(ge=0, le=1)]
type Definition = CurrencyPairDefinition | CryptoPerpetualDefinition | FuturesContractDefinition | EquityDefinition


def _checked_id(value: str) -> str:
    symbol, dot, venue = value.rpartition(".")
    if not (symbol and dot and venue):
        raise ValueError("an instrument id is SYMBOL.VENUE, for example BTCUSDT.BINANCE")
    return value


class _Definition(Settings):
    """What every kind of instrument has."""

    id: Annotated[str, AfterValidator(_checked_id)]
    """Engine instrument id, SYMBOL.VENUE."""
    raw_symbol: str = ""
    """The venue's own symbol; the id's symbol when empty."""
    tick: Positive
    """Smallest price step in quote currency; its decimal places are the price precision, so "0.10" has two."""
    min_size: Positive | None = None
    """Smallest order in base units (contracts for derivatives)."""
    max_size: Positive | None = None
    margin_init: Rate = Decimal(0)
    """Initial margin as a fraction of the notional."""
    margin_maint: Rate = Decimal(0)
    """Maintenance margin as a fraction of the notional."""

    @model_validator(mode="after")
    def _engine_takes_it(self) -> _Definition:
        self.build()
        return self

    def build(self) -> Any:
        """Return the engine's instrument."""
        raise NotImplementedError

    @property
    def symbol(self) -> str:
        """The venue's own symbol."""
        return self.raw_symbol or self.id.rpartition(".")[0]

    @property
    def precisions(self) -> tuple[int, int]:
        """Decimal places of prices and sizes."""
        instrument = self.build()
        return instrument.price_precision, instrument.size_precision

    def _common(self) -> dict[str, Any]:
        tick = Price.from_str(f"{self.tick:f}")
        return {
            "instrument_id": InstrumentId.from_str(self.id),
            "raw_symbol": Symbol(self.symbol),
            "price_precision": tick.precision,
            "price_increment": tick,
            "min_quantity": None if self.min_size is None else _quantity(self.min_size),
            "max_quantity": None if self.max_size is None else _quantity(self.max_size),
            "margin_init": self.margin_init,
            "margin_maint": self.margin_maint,
            # When the definition was valid from is not known; a constant keeps the catalogue reproducible.
            "ts_event": 0,
            "ts_init": 0,
        }


class _Pair(_Definition):
    base: str
    """Base currency code."""
    quote: str
    """Quote currency code."""
    lot: Positive
    """Smallest size step in base units (contracts for derivatives); its decimal places are the size precision."""
    min_notional: Positive | None = None
    """Smallest order value in quote currency."""

    def _pair(self) -> dict[str, Any]:
        lot = Quantity.from_str(f"{self.lot:f}")
        quote = Currency.from_str(self.quote)
        return self._common() | {
            "base_currency": Currency.from_str(self.base),
            "quote_currency": quote,
            "size_precision": lot.precision,
            "size_increment": lot,
            "min_notional": None
            if self.min_notional is None
            else Money.from_str(f"{self.min_notional:f} {quote.code}"),
        }


class CurrencyPairDefinition(_Pair):
    """Spot: one currency against another."""

    kind: Literal["CurrencyPair"]

    def build(self) -> CurrencyPair:
        """Return the engine's instrument."""
        return CurrencyPair(**self._pair())


class CryptoPerpetualDefinition(_Pair):
    """Perpetual swap, linear (settled in the quote currency) or inverse (settled in the base currency)."""

    kind: Literal["CryptoPerpetual"]
    settlement: str
    """Settlement currency code."""
    inverse: bool
    """Whether a contract is worth a fixed amount of quote currency and settles in base currency."""
    multiplier: Positive = Decimal(1)
    """Value of one contract: base units when linear, quote units when inverse."""

    @model_validator(mode="after")
    def _settles_where_it_can(self) -> CryptoPerpetualDefinition:
        if self.inverse and self.settlement != self.base:
            raise ValueError(f"an inverse contract settles in its base currency {self.base}, found {self.settlement}")
        return self

    def build(self) -> CryptoPerpetual:
        """Return the engine's instrument."""
        return CryptoPerpetual(
            **self._pair(),
            settlement_currency=Currency.from_str(self.settlement),
            is_inverse=self.inverse,
            multiplier=_quantity(self.multiplier),
        )


class FuturesContractDefinition(_Definition):
    """Exchange-traded future, sizes in contracts."""

    kind: Literal["FuturesContract"]
    asset_class: Literal["FX", "EQUITY", "COMMODITY", "DEBT", "INDEX", "CRYPTOCURRENCY", "ALTERNATIVE"]
    underlying: str
    currency: str
    """Quote and settlement currency code."""
    multiplier: Positive
    """Quote currency per price unit and contract."""
    lot_size: Positive = Decimal(1)
    """Contracts of one lot."""
    activation: AwareDatetime
    """First trading instant, with its UTC offset."""
    expiration: AwareDatetime
    """Last trading instant, with its UTC offset."""
    exchange: str | None = None
    """ISO 10383 market identifier."""

    def build(self) -> FuturesContract:
        """Return the engine's instrument."""
        return FuturesContract(
            **self._common(),
            asset_class=getattr(AssetClass, self.asset_class),
            underlying=self.underlying,
            activation_ns=_nanoseconds(self.activation),
            expiration_ns=_nanoseconds(self.expiration),
            currency=Currency.from_str(self.currency),
            multiplier=_quantity(self.multiplier),
            lot_size=_quantity(self.lot_size),
            exchange=self.exchange,
        )


class EquityDefinition(_Definition):
    """Share, sizes in whole shares."""

    kind: Literal["Equity"]
    currency: str
    lot_size: Positive = Decimal(1)
    """Shares of a round lot."""
    isin: str | None = None

    def build(self) -> Equity:
        """Return the engine's instrument."""
        return Equity(
            **self._common(),
            currency=Currency.from_str(self.currency),
            lot_size=_quantity(self.lot_size),
            isin=self.isin,
        )


def _quantity(value: Decimal) -> Quantity:
    return Quantity.from_str(f"{value:f}")


def _nanoseconds(instant: datetime) -> int:
    return int(instant.timestamp()) * 10**9 + instant.microsecond * 1000


DEFINITIONS: Final[dict[str, type[_Definition]]] = {
    "CurrencyPair": CurrencyPairDefinition,
    "CryptoPerpetual": CryptoPerpetualDefinition,
    "FuturesContract": FuturesContractDefinition,
    "Equity": EquityDefinition,
}
"""Model of each ``kind`` of instrument."""
