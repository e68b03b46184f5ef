"""Keys and secrets: from the environment, never shown, never written."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import SecretStr

from mm_nautilus.live_settings.venues import (
    BinanceSection,
    CoinbaseSection,
    DydxSection,
    HyperliquidSection,
    InteractiveBrokersSection,
    KrakenSection,
    LiveVenueSection,
    OkxSection,
)


@dataclass(frozen=True, slots=True)
class Credentials:
    """What one venue asks for, by the role it plays there; a value shows itself as asterisks."""

    values: Mapping[str, SecretStr]

    def __getitem__(self, role: str) -> str:
        return self.values[role].get_secret_value()

    def get(self, role: str) -> str | None:
        """Return a value that may be left out."""
        value = self.values.get(role)
        return None if value is None else value.get_secret_value()

    def without(self, text: str) -> str:
        """Return a text of somebody else's with asterisks where it repeats one of the values."""
        for value in self.values.values():
            text = text.replace(value.get_secret_value(), "***")
        return text


@dataclass(frozen=True, slots=True)
class Wanted:
    """Environment variables of one venue: those it needs and those it can do without."""

    needed: dict[str, str]
    """Name of the variable by role."""
    optional: dict[str, str]

    def read(self, environment: Mapping[str, str] = os.environ) -> tuple[Credentials, list[str]]:
        """Return what is there, and the names of the variables that are missing or empty."""
        missing = [name for name in self.needed.values() if not environment.get(name, "").strip()]
        there = {
            role: SecretStr(environment[name].strip())
            for role, name in (*self.needed.items(), *self.optional.items())
            if environment.get(name, "").strip()
        }
        return Credentials(there), missing


def wanted(section: LiveVenueSection) -> Wanted:  # noqa: PLR0911 - one a venue
    """Return the variables that a venue's keys are read from; each environment of a venue has its own."""
    live = section.environment == "live"  # type: ignore[attr-defined]
    prefix = f"{section.default_name}_" + ("" if live else f"{section.environment.upper()}_")  # type: ignore[attr-defined]
    match section:
        case BinanceSection() if section.environment == "testnet" and section.product != "spot":
            return _key_and_secret("BINANCE_FUTURES_TESTNET_")
        case KrakenSection():
            return _key_and_secret(f"KRAKEN_{section.product.upper()}_" + ("" if live else "DEMO_"))
        case OkxSection():
            return Wanted(_key_and_secret(prefix).needed | {"passphrase": f"{prefix}API_PASSPHRASE"}, {})
        case CoinbaseSection():
            return Wanted(_key_and_secret(prefix).needed, {"portfolio": f"{prefix}PORTFOLIO_ID"})
        case HyperliquidSection():
            optional = {"vault": f"{prefix}VAULT", "address": f"{prefix}ACCOUNT_ADDRESS"}
            return Wanted({"private_key": f"{prefix}PK"}, optional)
        case DydxSection():
            return Wanted({"private_key": f"{prefix}PRIVATE_KEY", "wallet": f"{prefix}WALLET_ADDRESS"}, {})
        case InteractiveBrokersSection():
            return Wanted({}, {})  # the gateway is logged in already
        case _:
            return _key_and_secret(prefix)


def _key_and_secret(prefix: str) -> Wanted:
    return Wanted({"key": f"{prefix}API_KEY", "secret": f"{prefix}API_SECRET"}, {})
