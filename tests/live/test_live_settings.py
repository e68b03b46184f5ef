"""Venue sections, credentials and clients of a live run."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from nautilus_trader.common import Environment, LoggerConfig
from nautilus_trader.live import LiveNode
from nautilus_trader.model import TraderId
from pydantic import SecretStr, TypeAdapter, ValidationError

from mm_nautilus.live.adapters import clients
from mm_nautilus.live.credentials import Credentials, wanted
from mm_nautilus.live_settings.table import LiveSettings
from mm_nautilus.live_settings.venues import VenueSection

HTTP, WS = "http://127.0.0.1:9", "ws://127.0.0.1:9"
ED25519 = base64.b64encode(bytes.fromhex("302e020100300506032b657004220420") + bytes(range(32))).decode()
KEYS = {"key": "k", "secret": "c2VjcmV0", "passphrase": "p", "private_key": "0x" + "11" * 32, "wallet": "dydx1abc"}

SECTIONS: list[tuple[dict[str, Any], set[str]]] = [
    (
        {"adapter": "binance", "product": "spot", "environment": "live", "account": "BINANCE-001"},
        {"BINANCE_API_KEY", "BINANCE_API_SECRET"},
    ),
    (
        {"adapter": "binance", "product": "usd_m", "account": "BINANCE-002", "leverage": {"BTCUSDT": 5}},
        {"BINANCE_FUTURES_TESTNET_API_KEY", "BINANCE_FUTURES_TESTNET_API_SECRET"},
    ),
    (
        {"adapter": "binance", "product": "coin_m", "environment": "demo", "account": "BINANCE-003"},
        {"BINANCE_DEMO_API_KEY", "BINANCE_DEMO_API_SECRET"},
    ),
    (
        {"adapter": "bybit", "product": "linear", "environment": "demo", "account": "BYBIT-001"},
        {"BYBIT_DEMO_API_KEY", "BYBIT_DEMO_API_SECRET"},
    ),
    (
        {"adapter": "okx", "product": "swap", "environment": "live", "account": "OKX-001", "margin_mode": "cross"},
        {"OKX_API_KEY", "OKX_API_SECRET", "OKX_API_PASSPHRASE"},
    ),
    (
        {"adapter": "kraken", "product": "futures", "environment": "demo", "account": "KRAKEN-001"},
        {"KRAKEN_FUTURES_DEMO_API_KEY", "KRAKEN_FUTURES_DEMO_API_SECRET"},
    ),
    (
        {"adapter": "coinbase", "environment": "live", "account": "COINBASE-001"},
        {"COINBASE_API_KEY", "COINBASE_API_SECRET"},
    ),
    ({"adapter": "hyperliquid", "account": "HYPERLIQUID-001"}, {"HYPERLIQUID_TESTNET_PK"}),
    ({"adapter": "dydx", "account": "DYDX-001"}, {"DYDX_TESTNET_PRIVATE_KEY", "DYDX_TESTNET_WALLET_ADDRESS"}),
    (
        {"adapter": "deribit", "environment": "live", "account": "DERIBIT-001"},
        {"DERIBIT_API_KEY", "DERIBIT_API_SECRET"},
    ),
    ({"adapter": "interactive_brokers", "port": 4002, "account": "INTERACTIVE_BROKERS-DU123"}, set()),
]


def section(fields: dict[str, Any]) -> Any:
    return TypeAdapter(VenueSection).validate_python(fields)


@pytest.mark.parametrize(
    ("fields", "variables"),
    SECTIONS,
    ids=["-".join(str(fields[key]) for key in ("adapter", "product") if key in fields) for fields, _ in SECTIONS],
)
def test_every_venue_says_what_it_needs_and_becomes_a_node(fields: dict[str, Any], variables: set[str]) -> None:
    made = section(fields)
    asked = wanted(made)
    assert set(asked.needed.values()) == variables
    _, missing = asked.read({})
    assert set(missing) == variables
    values = {role: SecretStr(ED25519 if fields["adapter"] == "binance" else KEYS[role]) for role in asked.needed}
    if fields["adapter"] == "dydx":
        values["private_key"] = SecretStr("11" * 32)
    if fields["adapter"] == "coinbase":
        values["secret"] = SecretStr("-----BEGIN EC PRIVATE KEY-----\nMHcCAQEEIBkg\n-----END EC PRIVATE KEY-----")
    built = clients(made, Credentials(values), [f"BTCUSD.{made.venue}"], execution=True)
    node = (
        LiveNode.builder("N", TraderId("T-001"), Environment.LIVE)
        .with_logging(LoggerConfig(bypass_logging=True))
        .add_data_client(made.venue, built.data_factory, built.data_config)
        .add_exec_client(made.venue, built.execution_factory, built.execution_config)
        .build()
    )
    node.dispose()


def test_data_alone_come_without_execution() -> None:
    built = clients(section(SECTIONS[3][0]), Credentials({}), [], execution=False)
    assert built.execution_factory is None


def test_a_key_shows_itself_to_nobody() -> None:
    asked = wanted(section(SECTIONS[3][0]))
    keys, missing = asked.read({"BYBIT_DEMO_API_KEY": " open-sesame ", "BYBIT_DEMO_API_SECRET": " "})
    assert missing == ["BYBIT_DEMO_API_SECRET"]
    assert keys["key"] == "open-sesame"
    assert "sesame" not in repr(keys) + str(keys)


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({"adapter": "mtgox", "account": "MTGOX-001"}, "adapter should be"),
        ({"adapter": "bybit", "product": "linear", "account": "OKX-001"}, "account: is of 'OKX'"),
        ({"adapter": "bybit", "product": "linear", "account": "BYBIT-001", "api_key": "k"}, "api_key"),
        ({"adapter": "bybit", "product": "futures", "account": "BYBIT-001"}, "product"),
        ({"adapter": "dydx", "account": "DYDX-001", "endpoints": {"http": HTTP}}, "cannot replace http"),
        ({"adapter": "okx", "product": "spot", "account": "OKX-001", "endpoints": {"http": "okx.com"}}, "http"),
        ({"adapter": "kraken", "product": "spot", "environment": "demo", "account": "KRAKEN-001"}, "futures only"),
        (
            {"adapter": "interactive_brokers", "port": 4001, "account": "INTERACTIVE_BROKERS-U1"},
            "where live accounts are",
        ),
    ],
)
def test_a_section_that_cannot_be_meant_is_refused(fields: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ValidationError) as caught:
        LiveSettings(venues=[fields])
    assert complaint in str(caught.value)


def test_a_venue_stands_once() -> None:
    with pytest.raises(ValidationError, match="each may stand once"):
        LiveSettings(venues=[SECTIONS[0][0], SECTIONS[1][0]])
