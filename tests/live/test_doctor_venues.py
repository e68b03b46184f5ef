"""What venues answer becomes plain facts: Deribit, OKX and Kraken futures, each with answers in its own words."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import orjson
import pytest
from pydantic import SecretStr, TypeAdapter

from mm_nautilus.live.credentials import Credentials
from mm_nautilus.live.doctor.asking import asked
from mm_nautilus.live.doctor.facts import Holding, VenueFacts
from mm_nautilus.live.doctor.readers import reader
from mm_nautilus.live_settings.venues import VenueSection

KEYS = Credentials({"key": SecretStr("k"), "secret": SecretStr("c2VjcmV0"), "passphrase": SecretStr("p")})
TIME_MS = "1767225600000"


def numbers(**values: float) -> dict[str, float]:
    return dict(values)


DERIBIT: dict[str, Any] = {
    "public/get_instruments": [
        {
            "instrument_name": "BTC-PERPETUAL",
            "instrument_type": "reversed",
            "instrument_id": 210_838,
            "kind": "future",
            "base_currency": "BTC",
            "quote_currency": "USD",
            "counter_currency": "USD",
            "settlement_currency": "BTC",
            "settlement_period": "perpetual",
            "price_index": "btc_usd",
            "is_active": True,
            "rfq": False,
            "tick_size_steps": [],
            "creation_timestamp": 1_534_167_754_000,
            "expiration_timestamp": 32_503_708_800_000,
            "block_trade_min_trade_amount": 200_000,
            "max_leverage": 50,
        }
        | numbers(tick_size=0.5, contract_size=10.0, min_trade_amount=10.0, maker_commission=0.0)
        | numbers(taker_commission=0.0005, max_liquidation_commission=0.0075, block_trade_commission=0.00025)
        | numbers(block_trade_tick_size=0.01)
    ],
    "public/get_order_book": {
        "instrument_name": "BTC-PERPETUAL",
        "timestamp": int(TIME_MS),
        "state": "open",
        "change_id": 1,
        "bids": [[59_999.5, 100.0]],
        "asks": [[60_000.0, 50.0]],
        "stats": {"volume": 1.0, "price_change": 0.0, "low": 1.0, "high": 1.0},
    }
    | numbers(best_bid_price=59_999.5, best_bid_amount=100.0, best_ask_price=60_000.0, best_ask_amount=50.0)
    | numbers(mark_price=60_000.0, index_price=60_000.0, last_price=60_000.0, settlement_price=60_000.0)
    | numbers(open_interest=1.0, min_price=1.0, max_price=100_000.0, current_funding=0.0, funding_8h=0.0),
    "private/get_account_summaries": {
        "id": 1,
        "summaries": [
            {"currency": "BTC"}
            | numbers(equity=2.0, balance=2.0, margin_balance=2.0, available_funds=1.5, available_withdrawal_funds=1.5)
            | numbers(initial_margin=0.5, maintenance_margin=0.2, session_upl=0.0, session_rpl=0.0, total_pl=0.0)
        ],
    },
    "public/auth": {
        "access_token": "t",
        "refresh_token": "r",
        "expires_in": 900,
        "scope": "connection",
        "token_type": "bearer",
    },
}

_OKX_SIZES = (
    "maxLmtSz",
    "maxMktSz",
    "maxLmtAmt",
    "maxMktAmt",
    "maxTwapSz",
    "maxIcebergSz",
    "maxTriggerSz",
    "maxStopSz",
)
_OKX_ACCOUNT = (
    *("adjEq", "borrowFroz", "imr", "isoEq", "mgnRatio", "mmr", "notionalUsd", "ordFroz", "upl", "availEq", "delta"),
    *("notionalUsdForBorrow", "notionalUsdForFutures", "notionalUsdForOption", "notionalUsdForSwap"),
)
_OKX_COIN = (
    *("isoEq", "disEq", "fixedBal", "ordFrozen", "liab", "upl", "uplLiab", "crossLiab", "isoLiab", "rewardBal"),
    *("mgnRatio", "interest", "twap", "maxLoan", "eqUsd", "borrowFroz", "notionalLever", "stgyEq", "isoUpl"),
    *("spotInUseAmt", "clSpotInUseAmt", "maxSpotInUse", "spotIsoBal", "imr", "mmr", "smtSyncEq", "spotCopyTradingEq"),
    *("spotBal", "openAvgPx", "accAvgPx", "spotUpl", "spotUplRatio", "totalPnl", "totalPnlRatio"),
)
OKX: dict[str, Any] = {
    "/api/v5/public/instruments": [
        {
            "instType": "SWAP",
            "instId": "BTC-USDT-SWAP",
            "uly": "BTC-USDT",
            "instFamily": "BTC-USDT",
            "category": "1",
            "settleCcy": "USDT",
            "ctVal": "0.01",
            "ctMult": "1",
            "ctValCcy": "BTC",
            "ctType": "linear",
            "lever": "100",
            "tickSz": "0.1",
            "lotSz": "0.01",
            "minSz": "0.01",
            "state": "live",
            "ruleType": "normal",
            "listTime": TIME_MS,
            "instIdCode": 1,
        }
        | dict.fromkeys(("baseCcy", "quoteCcy", "optType", "stk", "expTime", "alias"), "")
        | dict.fromkeys(_OKX_SIZES, "1000")
    ],
    "/api/v5/market/books": [
        {"asks": [["60000.1", "1", "0", "1"]], "bids": [["60000.0", "2", "0", "1"]], "ts": TIME_MS, "seqId": 1}
    ],
    "/api/v5/account/balance": [
        dict.fromkeys(_OKX_ACCOUNT, "")
        | {"totalEq": "1000", "uTime": TIME_MS}
        | {
            "details": [
                dict.fromkeys(_OKX_COIN, "0")
                | {"ccy": "USDT", "eq": "1000", "cashBal": "1000", "availEq": "900", "availBal": "900"}
                | {"frozenBal": "100", "uTime": TIME_MS, "collateralEnabled": False}
            ]
        }
    ],
}

_KRAKEN = {"result": "success", "serverTime": "2026-01-01T00:00:00.000Z"}
KRAKEN: dict[str, Any] = {
    "/derivatives/api/v3/instruments": _KRAKEN
    | {
        "instruments": [
            {
                "symbol": "PF_XBTUSD",
                "type": "flexible_futures",
                "base": "BTC",
                "quote": "USD",
                "pair": "BTC:USD",
                "tickSize": 1.0,
                "contractSize": 1.0,
                "contractValueTradePrecision": 4,
                "impactMidSize": 1.0,
                "maxPositionSize": 1_000_000.0,
                "tradeable": True,
                "openingDate": "2022-03-22T15:18:58.000Z",
                "marginLevels": [{"numNonContractUnits": 0, "initialMargin": 0.02, "maintenanceMargin": 0.01}],
                "fundingRateCoefficient": 8,
                "maxRelativeFundingRate": 0.001,
                "postOnly": False,
                "feeScheduleUid": "x",
                "mtf": False,
                "hasExpiry": False,
                "isin": "",
                "tags": [],
            }
        ]
    },
    "/derivatives/api/v3/orderbook": _KRAKEN | {"orderBook": {"bids": [[59_999, 1]], "asks": [[60_001, 2]]}},
    "/derivatives/api/v3/accounts": _KRAKEN
    | {
        "accounts": {
            "flex": {
                "type": "multiCollateralMarginAccount",
                "currencies": {"USD": numbers(quantity=1000.0, value=1000.0, collateral=1000.0, available=900.0)},
            }
            | numbers(initialMargin=0.0, initialMarginWithOrders=0.0, maintenanceMargin=0.0, balanceValue=1000.0)
            | numbers(portfolioValue=1000.0, collateralValue=1000.0, pnl=0.0, unrealizedFunding=0.0)
            | numbers(totalUnrealized=0.0, totalUnrealizedAsMargin=0.0, availableMargin=900.0, marginEquity=1000.0)
        }
    },
}


class Answers(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self._answer(b"")

    def do_POST(self) -> None:
        self._answer(self.rfile.read(int(self.headers.get("Content-Length", 0))))

    def _answer(self, said: bytes) -> None:
        path = self.path.partition("?")[0]
        if path == "/api/v2":
            asks = orjson.loads(said)
            found = {"jsonrpc": "2.0", "id": asks["id"], "result": DERIBIT[asks["method"]], "testnet": True}
            found |= {"usIn": 1, "usOut": 2, "usDiff": 1}
        elif path in KRAKEN:
            found = KRAKEN[path]
        else:
            found = {"code": "0", "msg": "", "data": OKX.get(path, [])}
        body = orjson.dumps(found)
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_args: object) -> None:
        return


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def ask(fields: dict[str, Any], http: str, *names: str) -> VenueFacts:
    account = f"{fields['adapter'].upper()}-001"
    section = TypeAdapter(VenueSection).validate_python(fields | {"account": account, "endpoints": {"http": http}})
    reads = reader(section, KEYS, cash=False)
    assert reads is not None
    return asyncio.run(asked(reads, names, account=True))


def test_deribit(url: str) -> None:
    facts = ask({"adapter": "deribit"}, f"{url}/api/v2", "BTC-PERPETUAL.DERIBIT")
    listed = facts.listed["BTC-PERPETUAL.DERIBIT"]
    assert (listed.tick, listed.lot, listed.inverse, listed.settlement) == (Decimal("0.5"), 10, True, "BTC")
    assert (listed.bid, listed.ask) == (Decimal("59999.5"), 60_000)
    assert facts.holdings == (Holding(currency="BTC", total=Decimal(2), free=Decimal("1.5")),)
    assert facts.rates == {}


def test_okx(url: str) -> None:
    facts = ask({"adapter": "okx", "product": "swap"}, url, "BTC-USDT-SWAP.OKX", "BTC-USD-SWAP.OKX")
    listed = facts.listed["BTC-USDT-SWAP.OKX"]
    assert (listed.tick, listed.lot, listed.multiplier) == (Decimal("0.1"), Decimal("0.01"), Decimal("0.01"))
    assert listed.mid == Decimal("60000.05")
    assert listed.worth(Decimal(1), Decimal(60_000)) == 600
    assert facts.similar == {"BTC-USD-SWAP.OKX": ("BTC-USDT-SWAP.OKX",)}
    assert facts.refusal == ""
    assert facts.holdings == (Holding(currency="USDT", total=Decimal(1000), free=Decimal(900)),)


def test_kraken_futures(url: str) -> None:
    facts = ask({"adapter": "kraken", "product": "futures"}, url, "PF_XBTUSD.KRAKEN")
    listed = facts.listed["PF_XBTUSD.KRAKEN"]
    assert (listed.tick, listed.lot, listed.settlement) == (1, Decimal("0.0001"), "USD")
    assert listed.mid == 60_000
    assert facts.holdings == (Holding(currency="USD", total=Decimal(1000), free=Decimal(900)),)


def test_a_venue_that_says_nonsense_is_a_venue_that_did_not_answer(url: str) -> None:
    facts = ask({"adapter": "deribit"}, url, "BTC-PERPETUAL.DERIBIT")
    assert facts.failure
    assert facts.listed == {}
