"""The ``[[live.venues]]`` tables of a run file: one typed section for each kind of venue.

What is here is public: keys and secrets come from the environment alone, see `mm_nautilus.live.credentials`.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Discriminator, Field, Tag, model_validator

from mm_nautilus.settings import Settings

type Url = Annotated[str, Field(pattern=r"^(https?|wss?)://\S+$")]


class Endpoints(Settings):
    """Addresses that replace a venue's own, for a proxy or a test exchange."""

    http: Url | None = Field(default=None, description="Requests.")
    ws_public: Url | None = Field(default=None, description="Market data.")
    ws_private: Url | None = Field(default=None, description="Orders, fills, balances.")
    ws_trade: Url | None = Field(default=None, description="Commands.")


class LiveVenueSection(Settings):
    """What every venue of a live run has."""

    knows: ClassVar[frozenset[str]] = frozenset()
    """Endpoints that the adapter lets us replace."""
    default_name: ClassVar[str] = ""

    name: str = Field(default="", pattern=r"^[A-Z0-9_]*$", description="Venue part of the instrument ids.")
    account: str = Field(
        pattern=r"^[A-Z0-9_]+-[A-Za-z0-9_-]+$",
        description="Account as the engine names it, VENUE-number; what --confirm has to repeat.",
    )
    endpoints: Endpoints = Endpoints()

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        given = {name for name, url in self.endpoints if url is not None}
        if given - self.knows:
            allowed = ", ".join(sorted(self.knows)) or "none"
            raise ValueError(
                f"endpoints: the adapter cannot replace {', '.join(sorted(given - self.knows))} ({allowed})"
            )
        if self.account.partition("-")[0] != self.venue:
            raise ValueError(f"account: is of {self.account.partition('-')[0]!r}, the venue is {self.venue!r}")
        return self

    @property
    def venue(self) -> str:
        """Return the venue part of the instrument ids."""
        return self.name or self.default_name

    @property
    def is_play_money(self) -> bool:
        """Return whether the environment is the venue's testnet, demo or paper account."""
        return getattr(self, "environment", "live") != "live"


class BinanceSection(LiveVenueSection):
    """Binance: one product a section."""

    default_name: ClassVar = "BINANCE"
    knows: ClassVar = frozenset({"http", "ws_public", "ws_trade"})
    adapter: Literal["binance"]
    product: Literal["spot", "usd_m", "coin_m"]
    environment: Literal["live", "testnet", "demo"] = "testnet"
    leverage: dict[str, Annotated[int, Field(ge=1, le=150)]] = Field(
        default_factory=dict, description="Leverage to set by symbol (futures)."
    )


class BybitSection(LiveVenueSection):
    """Bybit, unified account: one product a section."""

    default_name: ClassVar = "BYBIT"
    knows: ClassVar = frozenset({"http", "ws_public", "ws_private", "ws_trade"})
    adapter: Literal["bybit"]
    product: Literal["spot", "linear", "inverse"]
    environment: Literal["live", "testnet", "demo"] = "testnet"
    recv_window_ms: int = Field(default=5000, ge=100, le=60_000, description="Age at which a command is refused.")
    dead_man_s: int | None = Field(
        default=None,
        ge=3,
        le=300,
        description="Seconds without a sign of life after which Bybit cancels all orders of the product (its "
        "disconnection protection, which it has to enable for the account); none where left out.",
    )


class OkxSection(LiveVenueSection):
    """OKX."""

    default_name: ClassVar = "OKX"
    knows: ClassVar = frozenset({"http", "ws_public", "ws_private"})
    adapter: Literal["okx"]
    product: Literal["spot", "margin", "swap", "futures"]
    environment: Literal["live", "demo"] = "demo"
    region: Literal["global", "eea", "us"] = "global"
    margin_mode: Literal["cross", "isolated"] | None = None


class KrakenSection(LiveVenueSection):
    """Kraken spot or futures."""

    default_name: ClassVar = "KRAKEN"
    knows: ClassVar = frozenset({"http", "ws_public", "ws_private"})
    adapter: Literal["kraken"]
    product: Literal["spot", "futures"]
    environment: Literal["live", "demo"] = "live"

    @model_validator(mode="after")
    def _demo_is_futures(self) -> Self:
        if self.environment == "demo" and self.product == "spot":
            raise ValueError("environment: Kraken has a demo of its futures only")
        return self


class CoinbaseSection(LiveVenueSection):
    """Coinbase Advanced Trade."""

    default_name: ClassVar = "COINBASE"
    knows: ClassVar = frozenset({"http", "ws_public"})
    adapter: Literal["coinbase"]
    environment: Literal["live", "sandbox"] = "sandbox"
    margin: bool = Field(default=False, description="Whether derivatives are traded rather than spot.")
    leverage: Decimal | None = Field(default=None, gt=0, description="Default leverage of derivatives.")


class HyperliquidSection(LiveVenueSection):
    """Hyperliquid perpetuals and spot."""

    default_name: ClassVar = "HYPERLIQUID"
    knows: ClassVar = frozenset({"http", "ws_public", "ws_trade"})
    adapter: Literal["hyperliquid"]
    environment: Literal["live", "testnet"] = "testnet"
    market_order_slippage_bps: int = Field(default=50, ge=0, le=1000)


class DydxSection(LiveVenueSection):
    """dYdX v4; its adapter takes no other addresses."""

    default_name: ClassVar = "DYDX"
    adapter: Literal["dydx"]
    environment: Literal["live", "testnet"] = "testnet"
    subaccount: int = Field(default=0, ge=0, le=127)


class DeribitSection(LiveVenueSection):
    """Deribit."""

    default_name: ClassVar = "DERIBIT"
    knows: ClassVar = frozenset({"http", "ws_public"})
    adapter: Literal["deribit"]
    product: Literal["future", "option", "spot"] = "future"
    environment: Literal["live", "testnet"] = "testnet"


class InteractiveBrokersSection(LiveVenueSection):
    """A gateway or workstation of Interactive Brokers that is logged in; its port decides paper or live."""

    default_name: ClassVar = "INTERACTIVE_BROKERS"
    adapter: Literal["interactive_brokers"]
    environment: Literal["live", "paper"] = "paper"
    host: str = Field(default="127.0.0.1", min_length=1)
    port: int = Field(ge=1, le=65_535, description="4001 and 7496 are live by default, 4002 and 7497 paper.")
    data_client_id: int = Field(default=1, ge=0)
    execution_client_id: int = Field(default=2, ge=0)

    @model_validator(mode="after")
    def _ports_and_clients(self) -> Self:
        if self.data_client_id == self.execution_client_id:
            raise ValueError("execution_client_id: must differ from data_client_id")
        if self.environment == "paper" and self.port in {4001, 7496}:
            raise ValueError(f"port: {self.port} is where live accounts are by default, the environment says paper")
        return self


def _adapter_of(found: Any) -> str | None:
    return found.get("adapter") if isinstance(found, dict) else getattr(found, "adapter", None)


# The base of all settings looks at every field before pydantic does, which a plain discriminator does not allow.
type VenueSection = Annotated[
    Annotated[BinanceSection, Tag("binance")]
    | Annotated[BybitSection, Tag("bybit")]
    | Annotated[OkxSection, Tag("okx")]
    | Annotated[KrakenSection, Tag("kraken")]
    | Annotated[CoinbaseSection, Tag("coinbase")]
    | Annotated[HyperliquidSection, Tag("hyperliquid")]
    | Annotated[DydxSection, Tag("dydx")]
    | Annotated[DeribitSection, Tag("deribit")]
    | Annotated[InteractiveBrokersSection, Tag("interactive_brokers")],
    Discriminator(
        _adapter_of,
        custom_error_type="adapter",
        custom_error_message="adapter should be binance, bybit, okx, kraken, coinbase, hyperliquid, dydx, deribit or "
        "interactive_brokers",
    ),
]
"""A section by its ``adapter``."""
