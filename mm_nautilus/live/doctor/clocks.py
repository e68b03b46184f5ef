"""What time it is at a venue, asked as NTP does: our clock before and after, the venue's in between."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final

from nautilus_trader.adapters.deribit import DeribitEnvironment, get_deribit_http_base_url
from nautilus_trader.adapters.dydx import DydxNetwork, get_dydx_http_url
from nautilus_trader.adapters.okx import OKXRegion, get_okx_http_base_url

from mm_nautilus.live.doctor.facts import Reading
from mm_nautilus.live_settings.venues import (
    BinanceSection,
    BybitSection,
    CoinbaseSection,
    DeribitSection,
    DydxSection,
    HyperliquidSection,
    KrakenSection,
    LiveVenueSection,
    OkxSection,
)

SAMPLES: Final = 3
TIMEOUT_S: Final = 5.0

_BINANCE: Final = {
    ("spot", "live"): "https://api.binance.com",
    ("spot", "testnet"): "https://testnet.binance.vision",
    ("spot", "demo"): "https://demo-api.binance.com",
    ("usd_m", "live"): "https://fapi.binance.com",
    ("usd_m", "testnet"): "https://testnet.binancefuture.com",
    ("usd_m", "demo"): "https://demo-fapi.binance.com",
    ("coin_m", "live"): "https://dapi.binance.com",
    ("coin_m", "testnet"): "https://testnet.binancefuture.com",
    ("coin_m", "demo"): "https://demo-dapi.binance.com",
}
_BINANCE_PATHS: Final = {"spot": "/api/v3/time", "usd_m": "/fapi/v1/time", "coin_m": "/dapi/v1/time"}
_BYBIT: Final = {"live": "https://api.bybit.com", "testnet": "https://api-testnet.bybit.com"}
_KRAKEN: Final = {
    ("spot", "live"): "https://api.kraken.com",
    ("futures", "live"): "https://futures.kraken.com",
    ("futures", "demo"): "https://demo-futures.kraken.com",
}


class UnreachableError(Exception):
    """Nobody answered."""


@dataclass(frozen=True, slots=True)
class TimeEndpoint:
    """Where a venue tells its time, and how to read the answer."""

    url: str
    read_s: Callable[[Any], float] | None
    """Seconds since 1970 from the JSON; ``None`` where only the ``Date`` header tells."""
    resolution_s: float = 0.001
    body: bytes | None = None


def time_endpoint(section: LiveVenueSection) -> TimeEndpoint | None:  # noqa: PLR0911 - one a venue
    """Return where a venue tells its time; ``None`` for a gateway that does not."""
    own = section.endpoints.http
    match section:
        case BinanceSection():
            place = own or _BINANCE[section.product, section.environment]
            return TimeEndpoint(place + _BINANCE_PATHS[section.product], lambda said: said["serverTime"] / 1e3)
        case BybitSection():
            place = own or _BYBIT.get(section.environment, "https://api-demo.bybit.com")
            return TimeEndpoint(f"{place}/v5/market/time", lambda said: int(said["result"]["timeNano"]) / 1e9)
        case OkxSection():
            place = own or get_okx_http_base_url(getattr(OKXRegion, section.region.upper()))
            return TimeEndpoint(f"{place}/api/v5/public/time", lambda said: int(said["data"][0]["ts"]) / 1e3)
        case KrakenSection(product="spot"):
            place = own or _KRAKEN[section.product, section.environment]
            return TimeEndpoint(f"{place}/0/public/Time", lambda said: float(said["result"]["unixtime"]), 1.0)
        case KrakenSection():
            place = own or _KRAKEN[section.product, section.environment]
            return TimeEndpoint(f"{place}/derivatives/api/v3/instruments/status", lambda said: _iso(said["serverTime"]))
        case CoinbaseSection():
            name = "api" if section.environment == "live" else "api-sandbox"
            place = own or f"https://{name}.coinbase.com"
            return TimeEndpoint(f"{place}/api/v3/brokerage/time", lambda said: int(said["epochMillis"]) / 1e3)
        case HyperliquidSection():
            name = "hyperliquid" if section.environment == "live" else "hyperliquid-testnet"
            place = (own or f"https://api.{name}.xyz").removesuffix("/info")
            return TimeEndpoint(f"{place}/info", None, body=b'{"type":"exchangeStatus"}')
        case DydxSection():
            network = DydxNetwork.MAINNET if section.environment == "live" else DydxNetwork.TESTNET
            return TimeEndpoint(f"{get_dydx_http_url(network)}/v4/time", lambda said: float(said["epoch"]))
        case DeribitSection():
            name = "MAINNET" if section.environment == "live" else "TESTNET"
            place = own or get_deribit_http_base_url(getattr(DeribitEnvironment, name))
            root = place.removesuffix("/api/v2")
            return TimeEndpoint(f"{root}/api/v2/public/get_time", lambda said: int(said["result"]) / 1e3)
        case _:
            return None


def measured(endpoint: TimeEndpoint, samples: int = SAMPLES, timeout_s: float = TIMEOUT_S) -> Reading:
    """Return how far a venue's clock is ahead of ours, from the quickest of a few answers.

    With our clock at `sent` and `received`, and the venue's answer `there`: ahead = there - (sent + received) / 2,
    uncertain by half of the round trip and half of the answer's resolution. Assumes that both ways take equally long.

    Parameters
    ----------
    endpoint : TimeEndpoint
        Whom to ask.
    samples : int
        How often.
    timeout_s : float
        How long one answer may take, in seconds.

    Raises
    ------
    UnreachableError
        With the reason, where there was no answer.

    """
    readings = [_asked(endpoint, timeout_s) for _ in range(samples)]
    return min(readings, key=lambda reading: reading.uncertainty_s)


def _asked(endpoint: TimeEndpoint, timeout_s: float) -> Reading:
    headers = {"User-Agent": "mm-nautilus", "Content-Type": "application/json"}
    request = urllib.request.Request(endpoint.url, endpoint.body, headers)
    sent_s, began_s = time.time(), time.monotonic()
    try:
        with urllib.request.urlopen(request, timeout=timeout_s) as answer:
            date, said = answer.headers.get("Date"), answer.read()
    except urllib.error.HTTPError as error:
        if error.code >= 500:
            raise UnreachableError(f"{endpoint.url}: HTTP status {error.code}") from None
        date, said = error.headers.get("Date"), b""  # whoever refuses us has a clock, too
        error.close()
    except OSError as error:
        raise UnreachableError(f"{endpoint.url}: {getattr(error, 'reason', error)}") from None
    round_trip_s = time.monotonic() - began_s
    there_s, resolution_s, source = _read(endpoint, date, said)
    # A clock that is cut off to whole seconds is behind by half of one on average.
    ahead_s = there_s + resolution_s / 2 - (sent_s + round_trip_s / 2)
    return Reading(ahead_s=ahead_s, uncertainty_s=(round_trip_s + resolution_s) / 2, source=source)


def _read(endpoint: TimeEndpoint, date: str | None, said: bytes) -> tuple[float, float, str]:
    if endpoint.read_s is not None:
        try:
            return endpoint.read_s(json.loads(said)), endpoint.resolution_s, "time endpoint"
        except (ValueError, KeyError, TypeError, IndexError):
            pass
    if date is None:
        raise UnreachableError(f"{endpoint.url}: the answer tells no time")
    return parsedate_to_datetime(date).timestamp(), 1.0, "Date header"


def _iso(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()
