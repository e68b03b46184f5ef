"""Rows of the exchange's messages, field by field as version 5 of the protocol names them."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from bybit_exchange.ledger import Booked
from bybit_exchange.matching import Order

from mm_nautilus.market import Side

if TYPE_CHECKING:
    from bybit_exchange.venue import Venue

_FUNDING_MS = 28_800_000
_SIDES = {Side.BUY: "Buy", Side.SELL: "Sell"}


def order(venue: Venue, one: Order) -> dict[str, Any]:
    """Return an order."""
    contract = venue.contract
    average = contract.tick * one.value / one.filled if one.filled else None
    return {
        "symbol": contract.symbol,
        "orderId": one.order_id,
        "orderLinkId": one.link,
        "side": _SIDES[one.side],
        "orderType": "Market" if one.price is None else "Limit",
        "price": str(contract.price(one.price or 0)),
        "qty": str(contract.size(one.lots)),
        "timeInForce": one.force,
        "orderStatus": str(one.status),
        "cancelType": one.cancel_type,
        "rejectReason": one.reason,
        "avgPrice": "" if average is None else str(average),
        "leavesQty": str(contract.size(one.leaves)),
        "leavesValue": "0",
        "cumExecQty": str(contract.size(one.filled)),
        "cumExecValue": str(contract.tick * contract.lot * one.value),
        "cumExecFee": str(sum((e.fee for e in venue.ledger.executions if e.order is one), Decimal(0))),
        "positionIdx": 0,
        "reduceOnly": one.reduce_only,
        "createdTime": str(one.created_ms),
        "updatedTime": str(one.updated_ms or one.created_ms),
        "triggerDirection": 0,
        "closeOnTrigger": False,
        "smpType": "None",
        "smpGroup": 0,
        "isLeverage": "0",
        "createType": "CreateByUser",
        **dict.fromkeys(_ORDER_UNUSED, ""),
    }


_ORDER_UNUSED = (
    *("blockTradeId", "stopOrderType", "orderIv", "triggerPrice", "takeProfit", "stopLoss", "tpTriggerBy"),
    *("slTriggerBy", "triggerBy", "lastPriceOnCreated", "smpOrderId", "tpslMode", "tpLimitPrice", "slLimitPrice"),
    "placeType",
)


def execution(venue: Venue, one: Booked) -> dict[str, Any]:
    """Return an execution."""
    contract, of = venue.contract, one.order
    price, size = contract.price(one.price), contract.size(one.lots)
    return {
        "category": "linear",
        "symbol": contract.symbol,
        "execId": one.execution_id,
        "orderId": of.order_id,
        "orderLinkId": of.link,
        "side": _SIDES[of.side],
        "orderType": "Market" if of.price is None else "Limit",
        "orderPrice": str(contract.price(of.price or 0)),
        "orderQty": str(contract.size(of.lots)),
        "leavesQty": str(contract.size(one.leaves)),
        "execPrice": str(price),
        "execQty": str(size),
        "execValue": str(price * size),
        "execFee": str(one.fee),
        "feeRate": str(contract.maker_rate if one.maker else contract.taker_rate),
        "feeCurrency": contract.quote,
        "execType": "Trade",
        "execTime": str(one.time_ms),
        "isMaker": one.maker,
        "seq": one.number,
        "markPrice": str(venue.mark),
        "closedSize": "0",
        "stopOrderType": "UNKNOWN",
        "isLeverage": "0",
        "createType": "CreateByUser",
        **dict.fromkeys(("tradeIv", "markIv", "blockTradeId", "indexPrice", "underlyingPrice"), ""),
    }


def position(venue: Venue) -> dict[str, Any]:
    """Return the position."""
    ledger, contract = venue.ledger, venue.contract
    side = _SIDES[Side.BUY if ledger.position > 0 else Side.SELL] if ledger.position else ""
    size, time = contract.size(abs(ledger.position)), str(_now_ms())
    return {
        "positionIdx": 0,
        "riskId": 1,
        "riskLimitValue": "150",
        "symbol": contract.symbol,
        "side": side,
        "size": str(size),
        "avgPrice": str(ledger.average),
        "entryPrice": str(ledger.average),
        "positionValue": str(size * ledger.average),
        "tradeMode": 0,
        "positionStatus": "Normal",
        "autoAddMargin": 0,
        "adlRankIndicator": 2,
        "leverage": str(contract.leverage),
        "markPrice": str(venue.mark),
        "tpslMode": "Full",
        "seq": venue.contract.numbers_from + len(ledger.executions),
        "isReduceOnly": False,
        "createdTime": time,
        "updatedTime": time,
        **dict.fromkeys(("unrealisedPnl", "curRealisedPnl", "cumRealisedPnl", "positionBalance"), "0"),
        **dict.fromkeys(_POSITION_UNUSED, ""),
    }


_POSITION_UNUSED = (
    *("liqPrice", "bustPrice", "positionMM", "positionIM", "takeProfit", "stopLoss", "trailingStop", "delta"),
    *("mmrSysUpdatedTime", "leverageSysUpdatedTime", "sessionAvgPrice", "gamma", "vega", "theta"),
)


def wallet(venue: Venue) -> dict[str, Any]:
    """Return the wallet of the unified account."""
    money = f"{venue.ledger.wallet:.8f}"
    coin = {
        "coin": venue.contract.quote,
        **dict.fromkeys(("equity", "walletBalance", "availableToWithdraw"), money),
        **dict.fromkeys(_COIN_ZERO, "0"),
        "availableToBorrow": "",
        "collateralSwitch": True,
        "marginCollateral": True,
    }
    return {"accountType": "UNIFIED", **dict.fromkeys(_WALLET_ZERO, "0"), "coin": [coin]}


_COIN_ZERO = (
    *("usdValue", "locked", "borrowAmount", "accruedInterest", "totalOrderIM", "totalPositionIM", "totalPositionMM"),
    *("unrealisedPnl", "cumRealisedPnl", "bonus", "spotBorrow"),
)
_WALLET_ZERO = (
    *("accountIMRate", "accountMMRate", "accountLTV", "totalEquity", "totalWalletBalance", "totalMarginBalance"),
    *("totalAvailableBalance", "totalPerpUPL", "totalInitialMargin", "totalMaintenanceMargin"),
)


def instrument(venue: Venue) -> dict[str, Any]:
    """Return what the exchange says about its contract."""
    contract = venue.contract
    lot = str(contract.lot)
    return {
        "symbol": contract.symbol,
        "contractType": "LinearPerpetual",
        "status": "Trading",
        "baseCoin": contract.base,
        "quoteCoin": contract.quote,
        "settleCoin": contract.quote,
        "launchTime": "1584230400000",
        "deliveryTime": "0",
        "deliveryFeeRate": "",
        "priceScale": "2",
        "leverageFilter": {"minLeverage": "1", "maxLeverage": "100", "leverageStep": "0.01"},
        "priceFilter": {"minPrice": str(contract.tick), "maxPrice": "1999999.8", "tickSize": str(contract.tick)},
        "lotSizeFilter": {
            "maxOrderQty": "1190",
            "minOrderQty": str(contract.size(contract.min_lots)),
            "qtyStep": lot,
            "postOnlyMaxOrderQty": "1190",
            "maxMktOrderQty": "500",
            "minNotionalValue": str(contract.min_notional),
        },
        "unifiedMarginTrade": True,
        "fundingInterval": 480,
        "copyTrading": "none",
        "upperFundingRate": "0.005",
        "lowerFundingRate": "-0.005",
    }


def ticker(venue: Venue) -> dict[str, Any]:
    """Return the summary of the contract's market."""
    contract, matcher, mark = venue.contract, venue.matcher, str(venue.mark)
    bid, ask = matcher.best(Side.BUY) or 0, matcher.best(Side.SELL) or 0
    return {
        "symbol": contract.symbol,
        "tickDirection": "PlusTick",
        "price24hPcnt": "0",
        "nextFundingTime": str((_now_ms() // _FUNDING_MS + 1) * _FUNDING_MS),
        "fundingRate": "0.0001",
        "fundingIntervalHour": "8",
        "bid1Price": str(contract.price(bid)),
        "bid1Size": str(contract.size(matcher.bids.get(bid, 0))),
        "ask1Price": str(contract.price(ask)),
        "ask1Size": str(contract.size(matcher.asks.get(ask, 0))),
        **dict.fromkeys(("lastPrice", "markPrice", "indexPrice", "prevPrice24h", "prevPrice1h"), mark),
        **dict.fromkeys(("highPrice24h", "lowPrice24h"), mark),
        **dict.fromkeys(("turnover24h", "volume24h", "openInterest", "openInterestValue"), "1"),
    }


def _now_ms() -> int:
    from bybit_exchange.venue import now_ms

    return now_ms()
