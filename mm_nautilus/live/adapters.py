"""From a typed venue section to the engine's data and execution clients."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from nautilus_trader.adapters import (
    binance,
    bybit,
    coinbase,
    deribit,
    dydx,
    hyperliquid,
    interactive_brokers,
    kraken,
    okx,
)
from nautilus_trader.model import AccountId, AccountType, InstrumentId

from mm_nautilus.live.credentials import Credentials
from mm_nautilus.live_settings.venues import (
    BinanceSection,
    BybitSection,
    CoinbaseSection,
    DeribitSection,
    DydxSection,
    HyperliquidSection,
    InteractiveBrokersSection,
    KrakenSection,
    LiveVenueSection,
    OkxSection,
)


@dataclass(frozen=True, slots=True)
class Clients:
    """Factories and configs of one venue; without a key there is no execution."""

    data_factory: Any
    data_config: Any
    execution_factory: Any = None
    execution_config: Any = None


def clients(
    section: LiveVenueSection, credentials: Credentials, instrument_ids: list[str], *, execution: bool
) -> Clients:
    """Return the clients of a venue.

    Parameters
    ----------
    section : LiveVenueSection
        The venue.
    credentials : Credentials
        Its keys; market data alone needs none of most venues.
    instrument_ids : list of str
        What is traded there; venues that do not list everything at once are asked for these.
    execution : bool
        Whether orders are to be sent.

    """
    found: Clients = _BUILDERS[type(section)](section, credentials, instrument_ids)
    return found if execution else Clients(found.data_factory, found.data_config)


def _binance(section: BinanceSection, keys: Credentials, _ids: list[str]) -> Clients:
    common = {
        "product_type": getattr(binance.BinanceProductType, section.product.upper()),
        "environment": getattr(binance.BinanceEnvironment, section.environment.upper()),
        "api_key": keys.get("key"),
        "api_secret": keys.get("secret"),
        "base_url_http": section.endpoints.http,
        "base_url_ws": section.endpoints.ws_public,
    }
    return Clients(
        binance.BinanceDataClientFactory(),
        binance.BinanceDataClientConfig(**common),
        binance.BinanceExecutionClientFactory(),
        binance.BinanceExecutionClientConfig(
            account_id=AccountId(section.account),
            base_url_ws_trading=section.endpoints.ws_trade,
            futures_leverages=section.leverage or None,
            **common,
        ),
    )


def _bybit(section: BybitSection, keys: Credentials, _ids: list[str]) -> Clients:
    name, urls = {"live": "MAINNET"}.get(section.environment, section.environment.upper()), section.endpoints
    common = {
        "product_types": [getattr(bybit.BybitProductType, section.product.upper())],
        "environment": getattr(bybit.BybitEnvironment, name),
        "api_key": keys.get("key"),
        "api_secret": keys.get("secret"),
        "base_url_http": urls.http,
        "base_url_ws_private": urls.ws_private,
        "recv_window_ms": section.recv_window_ms,
    }
    return Clients(
        bybit.BybitDataClientFactory(),
        bybit.BybitDataClientConfig(base_url_ws_public=urls.ws_public, **common),
        bybit.BybitExecutionClientFactory(),
        bybit.BybitExecutionClientConfig(
            account_id=AccountId(section.account), base_url_ws_trade=urls.ws_trade, **common
        ),
    )


def _okx(section: OkxSection, keys: Credentials, _ids: list[str]) -> Clients:
    urls, mode = section.endpoints, section.margin_mode
    common = {
        "instrument_types": [getattr(okx.OKXInstrumentType, section.product.upper())],
        "environment": getattr(okx.OKXEnvironment, section.environment.upper()),
        "region": getattr(okx.OKXRegion, section.region.upper()),
        "api_key": keys.get("key"),
        "api_secret": keys.get("secret"),
        "api_passphrase": keys.get("passphrase"),
        "base_url_http": urls.http,
    }
    return Clients(
        okx.OKXDataClientFactory(),
        okx.OKXDataClientConfig(base_url_ws_public=urls.ws_public, **common),
        okx.OKXExecutionClientFactory(),
        okx.OKXExecutionClientConfig(
            account_id=AccountId(section.account),
            base_url_ws_private=urls.ws_private,
            margin_mode=None if mode is None else getattr(okx.OKXMarginMode, mode.upper()),
            **common,
        ),
    )


def _kraken(section: KrakenSection, keys: Credentials, _ids: list[str]) -> Clients:
    urls = section.endpoints
    common = {
        "product_type": getattr(kraken.KrakenProductType, section.product.upper()),
        "environment": getattr(kraken.KrakenEnvironment, section.environment.upper()),
        "base_url": urls.http,
    }
    key, secret = keys.get("key") or "", keys.get("secret") or ""
    return Clients(
        kraken.KrakenDataClientFactory(),
        kraken.KrakenDataClientConfig(
            ws_public_url=urls.ws_public, api_key=key or None, api_secret=secret or None, **common
        ),
        kraken.KrakenExecutionClientFactory(),
        kraken.KrakenExecutionClientConfig(
            account_id=AccountId(section.account), api_key=key, api_secret=secret, ws_url=urls.ws_private, **common
        ),
    )


def _coinbase(section: CoinbaseSection, keys: Credentials, _ids: list[str]) -> Clients:
    common = {
        "environment": getattr(coinbase.CoinbaseEnvironment, section.environment.upper()),
        "api_key": keys.get("key"),
        "api_secret": keys.get("secret"),
        "base_url_rest": section.endpoints.http,
        "base_url_ws": section.endpoints.ws_public,
    }
    return Clients(
        coinbase.CoinbaseDataClientFactory(),
        coinbase.CoinbaseDataClientConfig(**common),
        coinbase.CoinbaseExecutionClientFactory(),
        coinbase.CoinbaseExecutionClientConfig(
            account_id=AccountId(section.account),
            account_type=AccountType.MARGIN if section.margin else AccountType.CASH,
            default_leverage=section.leverage,
            retail_portfolio_id=keys.get("portfolio"),
            **common,
        ),
    )


def _hyperliquid(section: HyperliquidSection, keys: Credentials, _ids: list[str]) -> Clients:
    name, urls = "MAINNET" if section.environment == "live" else "TESTNET", section.endpoints
    common = {
        "environment": getattr(hyperliquid.HyperliquidEnvironment, name),
        "private_key": keys.get("private_key"),
        "base_url_http": urls.http,
        "base_url_ws": urls.ws_public,
    }
    return Clients(
        hyperliquid.HyperliquidDataClientFactory(),
        hyperliquid.HyperliquidDataClientConfig(**common),
        hyperliquid.HyperliquidExecutionClientFactory(),
        hyperliquid.HyperliquidExecutionClientConfig(
            account_id=AccountId(section.account),
            vault_address=keys.get("vault"),
            account_address=keys.get("address"),
            base_url_exchange=urls.ws_trade,
            market_order_slippage_bps=section.market_order_slippage_bps,
            **common,
        ),
    )


def _dydx(section: DydxSection, keys: Credentials, _ids: list[str]) -> Clients:
    network = dydx.DydxNetwork.MAINNET if section.environment == "live" else dydx.DydxNetwork.TESTNET
    return Clients(
        dydx.DydxDataClientFactory(),
        dydx.DydxDataClientConfig(network=network),
        dydx.DydxExecutionClientFactory(),
        dydx.DydxExecutionClientConfig(
            account_id=AccountId(section.account),
            network=network,
            private_key=keys.get("private_key"),
            wallet_address=keys.get("wallet"),
            subaccount_number=section.subaccount,
        ),
    )


def _deribit(section: DeribitSection, keys: Credentials, _ids: list[str]) -> Clients:
    name = "MAINNET" if section.environment == "live" else "TESTNET"
    common = {
        "product_types": [getattr(deribit.DeribitProductType, section.product.upper())],
        "environment": getattr(deribit.DeribitEnvironment, name),
        "api_key": keys.get("key"),
        "api_secret": keys.get("secret"),
        "base_url_http": section.endpoints.http,
        "base_url_ws": section.endpoints.ws_public,
    }
    return Clients(
        deribit.DeribitDataClientFactory(),
        deribit.DeribitDataClientConfig(**common),
        deribit.DeribitExecutionClientFactory(),
        deribit.DeribitExecutionClientConfig(account_id=AccountId(section.account), **common),
    )


def _interactive_brokers(section: InteractiveBrokersSection, _keys: Credentials, ids: list[str]) -> Clients:
    provider = interactive_brokers.InteractiveBrokersInstrumentProviderConfig(
        load_ids={InstrumentId.from_str(one) for one in ids}
    )
    place: dict[str, Any] = {"host": section.host, "port": section.port, "instrument_provider": provider}
    return Clients(
        interactive_brokers.InteractiveBrokersDataClientFactory(),
        interactive_brokers.InteractiveBrokersDataClientConfig(client_id=section.data_client_id, **place),
        interactive_brokers.InteractiveBrokersExecutionClientFactory(),
        interactive_brokers.InteractiveBrokersExecutionClientConfig(
            client_id=section.execution_client_id, account_id=section.account.partition("-")[2], **place
        ),
    )


_BUILDERS: dict[type[LiveVenueSection], Any] = {
    BinanceSection: _binance,
    BybitSection: _bybit,
    OkxSection: _okx,
    KrakenSection: _kraken,
    CoinbaseSection: _coinbase,
    HyperliquidSection: _hyperliquid,
    DydxSection: _dydx,
    DeribitSection: _deribit,
    InteractiveBrokersSection: _interactive_brokers,
}
