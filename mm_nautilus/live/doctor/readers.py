"""Thin readers: each venue's instruments, balances, fees and best prices, through the adapter's own HTTP client.

Binance, Coinbase and Interactive Brokers have no such client in Python; see `mm_nautilus.live.doctor.connected`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Protocol

from nautilus_trader.adapters import bybit, deribit, dydx, hyperliquid, kraken, okx
from nautilus_trader.model import AccountId, AccountType

from mm_nautilus.live.credentials import Credentials
from mm_nautilus.live.doctor.facts import Rates
from mm_nautilus.live_settings.venues import (
    BybitSection,
    DeribitSection,
    DydxSection,
    HyperliquidSection,
    KrakenSection,
    LiveVenueSection,
    OkxSection,
)

_TIMEOUT_S = 5
_ONCE: Mapping[str, Any] = {"timeout_secs": _TIMEOUT_S, "max_retries": 0}


class Reader(Protocol):
    """Asks one venue; what an adapter cannot ask for comes back as ``None``."""

    async def instruments(self) -> Sequence[Any]:
        """Return the engine's instruments, all that are listed of the section's product."""

    async def book(self, instrument: Any) -> Any:
        """Return the top of the book as the engine's order book, its deltas, or quotes."""

    async def account(self) -> Any:
        """Return the engine's account state."""

    async def rates(self, instrument: Any) -> Rates | None:
        """Return what the account is charged."""


@dataclass(slots=True)
class _Bybit:
    client: Any
    product: Any
    account_id: AccountId

    @classmethod
    def of(cls, section: BybitSection, keys: Credentials, _cash: bool) -> _Bybit:
        client = bybit.BybitHttpClient(
            api_key=keys.get("key"),
            api_secret=keys.get("secret"),
            base_url=section.endpoints.http,
            demo=section.environment == "demo",
            testnet=section.environment == "testnet",
            recv_window_ms=section.recv_window_ms,
            **_ONCE,
        )
        return cls(client, getattr(bybit.BybitProductType, section.product.upper()), AccountId(section.account))

    async def instruments(self) -> Sequence[Any]:
        found: Sequence[Any] = await self.client.request_instruments(self.product)
        return found

    async def book(self, instrument: Any) -> Any:
        self.client.cache_instrument(instrument)
        return await self.client.request_orderbook_snapshot(self.product, instrument.id, 1)

    async def account(self) -> Any:
        return await self.client.request_account_state(bybit.BybitAccountType.UNIFIED, self.account_id)

    async def rates(self, instrument: Any) -> Rates | None:
        symbol = str(instrument.raw_symbol)
        for one in await self.client.request_fee_rates(self.product, symbol):
            if one.symbol == symbol:
                return Rates(maker=Decimal(one.maker_fee_rate), taker=Decimal(one.taker_fee_rate))
        return None


@dataclass(slots=True)
class _Okx:
    client: Any
    kind: Any
    account_id: AccountId
    account_type: AccountType

    @classmethod
    def of(cls, section: OkxSection, keys: Credentials, cash: bool) -> _Okx:
        client = okx.OKXHttpClient(
            api_key=keys.get("key"),
            api_secret=keys.get("secret"),
            api_passphrase=keys.get("passphrase"),
            base_url=section.endpoints.http
            or okx.get_okx_http_base_url(getattr(okx.OKXRegion, section.region.upper())),
            environment=getattr(okx.OKXEnvironment, section.environment.upper()),
            **_ONCE,
        )
        kind = getattr(okx.OKXInstrumentType, section.product.upper())
        return cls(client, kind, AccountId(section.account), _account_type(cash))

    async def instruments(self) -> Sequence[Any]:
        found = await self.client.request_instruments(self.kind)
        listed: Sequence[Any] = found[0] if isinstance(found, tuple) else found
        return listed

    async def book(self, instrument: Any) -> Any:
        self.client.cache_instrument(instrument)
        return await self.client.request_orderbook_snapshot(instrument.id, 1)

    async def account(self) -> Any:
        return await self.client.request_account_state(self.account_id, self.account_type)

    async def rates(self, _instrument: Any) -> Rates | None:
        return None


@dataclass(slots=True)
class _Kraken:
    client: Any
    account_id: AccountId
    more: tuple[AccountType, ...]

    @classmethod
    def of(cls, section: KrakenSection, keys: Credentials, cash: bool) -> _Kraken:
        access: dict[str, Any] = {
            "api_key": keys.get("key"),
            "api_secret": keys.get("secret"),
            "base_url": section.endpoints.http,
        }
        account_id = AccountId(section.account)
        if section.product == "spot":
            return cls(kraken.KrakenSpotHttpClient(**access, **_ONCE), account_id, (_account_type(cash),))
        demo = section.environment == "demo"
        return cls(kraken.KrakenFuturesHttpClient(demo=demo, **access, **_ONCE), account_id, ())

    async def instruments(self) -> Sequence[Any]:
        found: Sequence[Any] = await self.client.request_instruments()
        return found

    async def book(self, instrument: Any) -> Any:
        self.client.cache_instrument(instrument)
        return await self.client.request_book_snapshot(instrument.id, 1)

    async def account(self) -> Any:
        return await self.client.request_account_state(self.account_id, *self.more)

    async def rates(self, _instrument: Any) -> Rates | None:
        return None


@dataclass(slots=True)
class _Deribit:
    client: Any
    product: Any
    account_id: AccountId

    @classmethod
    def of(cls, section: DeribitSection, keys: Credentials, _cash: bool) -> _Deribit:
        environment = getattr(deribit.DeribitEnvironment, "MAINNET" if section.environment == "live" else "TESTNET")
        client = deribit.DeribitHttpClient(
            api_key=keys.get("key"),
            api_secret=keys.get("secret"),
            base_url=section.endpoints.http,
            environment=environment,
            **_ONCE,
        )
        product = getattr(deribit.DeribitProductType, section.product.upper())
        return cls(client, product, AccountId(section.account))

    async def instruments(self) -> Sequence[Any]:
        found: Sequence[Any] = await self.client.request_instruments(deribit.DeribitCurrency.ANY, self.product)
        return found

    async def book(self, instrument: Any) -> Any:
        self.client.cache_instrument(instrument)
        return await self.client.request_book_snapshot(instrument.id, 1)

    async def account(self) -> Any:
        return await self.client.request_account_state(self.account_id)

    async def rates(self, _instrument: Any) -> Rates | None:
        return None


@dataclass(slots=True)
class _Hyperliquid:
    client: Any

    @classmethod
    def of(cls, section: HyperliquidSection, keys: Credentials, _cash: bool) -> _Hyperliquid:
        name = "MAINNET" if section.environment == "live" else "TESTNET"
        client = hyperliquid.HyperliquidHttpClient(
            private_key=keys.get("private_key"),
            vault_address=keys.get("vault"),
            account_address=keys.get("address"),
            environment=getattr(hyperliquid.HyperliquidEnvironment, name),
            timeout_secs=_TIMEOUT_S,
        )
        client.set_account_id(section.account)
        return cls(client)

    async def instruments(self) -> Sequence[Any]:
        found: Sequence[Any] = await self.client.load_instrument_definitions()
        return found

    async def book(self, instrument: Any) -> Any:
        self.client.cache_instrument(instrument)
        return await self.client.request_quote_ticks(instrument.id, limit=1)

    async def account(self) -> Any:
        return await self.client.request_account_state()

    async def rates(self, _instrument: Any) -> Rates | None:
        return None


@dataclass(slots=True)
class _Dydx:
    client: Any
    wallet: str
    subaccount: int
    account_id: AccountId

    @classmethod
    def of(cls, section: DydxSection, keys: Credentials, _cash: bool) -> _Dydx:
        network = dydx.DydxNetwork.MAINNET if section.environment == "live" else dydx.DydxNetwork.TESTNET
        client = dydx.DydxHttpClient(network=network)
        return cls(client, keys.get("wallet") or "", section.subaccount, AccountId(section.account))

    async def instruments(self) -> Sequence[Any]:
        found: Sequence[Any] = await self.client.request_instruments()
        return found

    async def book(self, instrument: Any) -> Any:
        self.client.cache_instruments([instrument])
        return await self.client.request_orderbook_snapshot(instrument.id)

    async def account(self) -> Any:
        return await self.client.request_account_state(self.wallet, self.subaccount, self.account_id)

    async def rates(self, _instrument: Any) -> Rates | None:
        return None


def reader(section: LiveVenueSection, keys: Credentials, *, cash: bool) -> Reader | None:
    """Return what asks a venue, ``None`` where its adapter has no HTTP client in Python.

    Parameters
    ----------
    section : LiveVenueSection
        The venue.
    keys : Credentials
        Its keys; instruments and prices need none.
    cash : bool
        Whether the account is one without borrowing.

    """
    if isinstance(section, HyperliquidSection) and section.endpoints.http is not None:
        return None  # its client knows the venue's own addresses alone
    if isinstance(section, OkxSection) and keys.get("key") is None:
        return None  # its client is not made without keys
    make = _READERS.get(type(section))
    made: Reader | None = None if make is None else make(section, keys, cash)
    return made


def _account_type(cash: bool) -> AccountType:
    return AccountType.CASH if cash else AccountType.MARGIN


_READERS: dict[type[LiveVenueSection], Any] = {
    BybitSection: _Bybit.of,
    OkxSection: _Okx.of,
    KrakenSection: _Kraken.of,
    DeribitSection: _Deribit.of,
    HyperliquidSection: _Hyperliquid.of,
    DydxSection: _Dydx.of,
}
