"""What the doctor reads: clocks of venues, this machine, terms of strategies, other people's words."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import orjson
import pytest
from pydantic import SecretStr, TypeAdapter

from mm_nautilus.host.loading import load_run
from mm_nautilus.live.credentials import Credentials
from mm_nautilus.live.doctor import machine
from mm_nautilus.live.doctor.clocks import UnreachableError, measured, time_endpoint
from mm_nautilus.live.doctor.readers import reader
from mm_nautilus.live.doctor.terms import terms_of
from mm_nautilus.live_settings.venues import VenueSection

CONFIGS = Path(__file__).resolve().parents[2] / "configs"
KEYS = {"key": "k", "secret": "c2VjcmV0", "passphrase": "p", "private_key": "0x" + "11" * 32, "wallet": "dydx1abc"}
AHEAD_S = 3.0

VENUES = {
    "binance-spot": ({"adapter": "binance", "product": "spot"}, lambda ms, _ns: {"serverTime": ms}),
    "binance-usd_m": ({"adapter": "binance", "product": "usd_m"}, lambda ms, _ns: {"serverTime": ms}),
    "binance-coin_m": ({"adapter": "binance", "product": "coin_m"}, lambda ms, _ns: {"serverTime": ms}),
    "bybit": ({"adapter": "bybit", "product": "linear"}, lambda _ms, ns: {"result": {"timeNano": str(ns)}}),
    "okx": ({"adapter": "okx", "product": "swap"}, lambda ms, _ns: {"code": "0", "data": [{"ts": str(ms)}]}),
    "kraken-spot": ({"adapter": "kraken", "product": "spot"}, lambda ms, _ns: {"result": {"unixtime": ms // 1000}}),
    "kraken-futures": (
        {"adapter": "kraken", "product": "futures"},
        lambda ms, _ns: {"serverTime": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(ms / 1e3)) + f".{ms % 1000:03}Z"},
    ),
    "coinbase": ({"adapter": "coinbase"}, lambda ms, _ns: {"iso": "", "epochMillis": str(ms)}),
    "hyperliquid": ({"adapter": "hyperliquid"}, None),
    "deribit": ({"adapter": "deribit"}, lambda ms, _ns: {"jsonrpc": "2.0", "result": ms}),
}


def section(fields: dict[str, object]) -> VenueSection:
    account = f"{str(fields['adapter']).upper()}-001"
    return TypeAdapter(VenueSection).validate_python(fields | {"account": account})


class Clock(ThreadingHTTPServer):
    """A venue that knows what time it is, and nothing else."""

    said = None
    asked: str = ""
    status = 200

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answer)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Answer(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        server = self.server
        assert isinstance(server, Clock)
        server.asked = self.path
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        now_ns = time.time_ns() + round(AHEAD_S * 1e9)
        body = b"null" if server.said is None else orjson.dumps(server.said(now_ns // 10**6, now_ns))
        self.send_response_only(server.status)
        self.send_header("Date", formatdate(now_ns / 1e9, usegmt=True))
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        self.do_GET()

    def log_message(self, *_args: object) -> None:
        return


@pytest.fixture
def clock() -> Iterator[Clock]:
    server = Clock()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("name", VENUES)
def test_every_venue_is_asked_for_its_time(name: str, clock: Clock) -> None:
    fields, clock.said = VENUES[name]
    endpoint = time_endpoint(section(fields | {"endpoints": {"http": clock.url}}))
    assert endpoint is not None
    reading = measured(endpoint, samples=2)
    assert abs(reading.ahead_s - AHEAD_S) <= reading.uncertainty_s + 0.01
    assert reading.source == ("Date header" if clock.said is None else "time endpoint")
    assert reading.uncertainty_s < 0.6


def test_a_venue_without_a_time_endpoint_has_a_header(clock: Clock) -> None:
    endpoint = time_endpoint(section({"adapter": "coinbase", "endpoints": {"http": clock.url}}))
    assert endpoint is not None
    clock.status = 404
    reading = measured(endpoint)
    assert reading.source == "Date header"
    assert abs(reading.ahead_s - AHEAD_S) <= reading.uncertainty_s + 0.01
    clock.status = 503
    with pytest.raises(UnreachableError, match="HTTP status 503"):
        measured(endpoint)


def test_nobody_there_is_said() -> None:
    endpoint = time_endpoint(section({"adapter": "deribit", "endpoints": {"http": "http://127.0.0.1:9"}}))
    assert endpoint is not None
    with pytest.raises(UnreachableError, match="refused"):
        measured(endpoint)


def test_venues_without_an_own_address_are_asked_at_their_own() -> None:
    dydx, gateway = section({"adapter": "dydx"}), {"adapter": "interactive_brokers", "port": 4002}
    assert "testnet" in time_endpoint(dydx).url  # type: ignore[union-attr]
    assert time_endpoint(section(gateway)) is None
    for name, (fields, _) in VENUES.items():
        assert time_endpoint(section(fields)).url.startswith("https://"), name  # type: ignore[union-attr]


@pytest.mark.parametrize("name", [*VENUES, "dydx"])
def test_a_reader_is_made_wherever_the_adapter_has_a_client(name: str) -> None:
    keys = Credentials({role: SecretStr(value) for role, value in KEYS.items()})
    made = reader(section(VENUES[name][0] if name in VENUES else {"adapter": "dydx"}), keys, cash=False)
    assert (made is None) == name.startswith(("binance", "coinbase"))


def test_somebody_elses_words_do_not_repeat_a_key() -> None:
    keys = Credentials({"key": SecretStr("open-sesame")})
    assert keys.without("key open-sesame is unknown") == "key *** is unknown"


def test_this_machine() -> None:
    python, (first, beyond) = machine.python_versions()
    assert first <= python < beyond
    installed, pinned = machine.engine_versions()
    assert installed == pinned
    assert machine.is_there("numpy")
    assert not machine.is_there("no_such_module_at_all")
    assert machine.free_mb(Path("/no/such/folder/anywhere")) > 0


def test_a_port_is_free_or_not(clock: Clock) -> None:
    assert "in use" in machine.why_not_listen("127.0.0.1", clock.server_port)
    assert machine.why_not_connect("127.0.0.1", clock.server_port) == ""
    assert "refused" in machine.why_not_connect("127.0.0.1", 9)


@pytest.mark.parametrize("name", ["quickstart", "cross_btc", "arbitrage", "portfolio_20", "fx_two_brokers"])
def test_every_strategy_says_what_it_trades(name: str) -> None:
    loaded = load_run(CONFIGS / f"{name}.toml")
    terms = terms_of(loaded.strategy_config.settings, loaded.instrument_ids)
    assert [one.instrument_id for one in terms] == loaded.instrument_ids
    assert any(one.max_position for one in terms)
    if name == "quickstart":
        assert (terms[0].order_size, terms[0].max_position) == (1, 10)
