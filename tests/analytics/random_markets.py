"""A run log of three markets of one asset, made up from a seed: states, marks and fills for every purpose."""

from __future__ import annotations

from decimal import Decimal

import numpy as np

from mm_nautilus.analytics.facts import InstrumentFacts
from mm_nautilus.analytics.runlog import RunLog, RunLogWriter
from mm_nautilus.inventory.contract import Contract
from mm_nautilus.messages import FillFact, MarkFact, QuoteDecision

D = Decimal
NS = 1_000_000_000
MARKETS = {
    "BTCUSDT.SPOT": (D("0.01"), Contract("USDT", "BTC"), 0.0),
    "BTCUSDT-PERP.LINEAR": (D("0.1"), Contract("USDT", "BTC"), -25.0),
    "BTCUSD_PERP.INVERSE": (D("0.1"), Contract("USD", "BTC", D(100), inverse=True), -12.0),
}
STATES = ("ACTIVE", "PASSIVE", "WITHDRAWN", "INVENTORY_LIMIT")
PURPOSES = ("QUOTE", "QUOTE", "HEDGE", "ARBITRAGE", "LIQUIDATION")


def facts_of(name):
    tick, contract, _ = MARKETS[name]
    return InstrumentFacts(name, name.rpartition(".")[2], tick, D("0.001"), contract, D(1000))


def decision(ts, name, state, market, strategy="S-001", bids=(), asks=(), number=0):
    size = lambda prices: (1.0,) * len(prices)  # noqa: E731
    return QuoteDecision(
        ts, strategy, name, number, "book", *market, 5.0, 5.0, 0.0, 0.0, 0.0, None, 1.0, 1.0, 1.0, 1.0, 1.0, None, 1.0,
        1.0, 1.0, 1.0, 1.0, 1.0, 0.0, bids, size(bids), asks, size(asks), state, (), (), 0, 0, 0, 0, 0,
    )  # fmt: skip


def fill(
    ts, name, side, price, size, after="0", commission="0", currency=None, purpose="QUOTE", seen=(None, None), level=0
):
    currency = currency or MARKETS[name][1].settlement_currency
    return FillFact(
        int(ts), "S-001", name, f"O-{ts}", "V", f"T-{ts}", 0, side, level, D(price), D(size), "MAKER", D(commission),
        currency, D(after), *seen, int(ts), purpose,
    )  # fmt: skip


def random_messages(seed, names=tuple(MARKETS), steps=60, step_ns=NS):
    """Yield messages of a few strategies' worth of trading; fees are sometimes paid in a currency of their own."""
    rng = np.random.default_rng(seed)
    held = dict.fromkeys(names, D(0))
    price = 60_000.0
    for step in range(1, steps):
        price += rng.normal(0, 25)
        for name in names:
            tick, contract, basis = MARKETS[name]
            ticks = round((price + basis + 3 * np.sin(step / 30) + rng.normal(0, 0.5)) / float(tick))
            bid, ask = (ticks - 1) * float(tick), (ticks + 2) * float(tick)
            if rng.random() < 0.2:
                at = step * step_ns - int(rng.integers(1, step_ns))
                yield decision(at, name, STATES[rng.integers(4)], (bid, ask))
            if rng.random() < 0.4:
                side, ts = ("BUY", "SELL")[rng.integers(2)], step * step_ns - int(rng.integers(1, step_ns))
                size = D(int(rng.integers(1, 50))) * (1 if contract.inverse else D("0.001"))
                held[name] += size if side == "BUY" else -size
                paid = D(int(rng.integers(-20, 20))).scaleb(-6)
                currency = "BNB" if rng.random() < 0.2 else contract.settlement_currency
                seen = (None, None) if rng.random() < 0.1 else (bid, ask)
                at = D(ticks + int(rng.integers(-9, 9))) * tick
                purpose = PURPOSES[rng.integers(len(PURPOSES))]
                level = int(rng.integers(-1, 3))
                yield fill(ts, name, side, at, size, held[name], paid, currency, purpose, seen, level)
            shown = (None, None) if rng.random() < 0.1 else (bid, ask)
            yield MarkFact(step * step_ns, "S-001", name, *shown, 1.0, held[name], D(0), D(0))


def written(folder, messages):
    """Write messages in order of time and open their log."""
    writer = RunLogWriter(folder)
    for message in sorted(messages, key=lambda one: one.ts_ns):
        writer.append(message)
    writer.close()
    return RunLog.open(folder)
