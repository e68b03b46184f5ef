"""A market-making run made up from a seed: decisions, orders, fills, marks and balances that agree with each other."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from mm_nautilus.analytics.facts import AccountFacts, BalanceFacts, InstrumentFacts, RunFacts
from mm_nautilus.analytics.runlog import RunLogWriter
from mm_nautilus.inventory.contract import Contract
from mm_nautilus.messages import AccountFact, FillFact, MarkFact, OrderFact, QuoteDecision

START_NS = 1_723_075_200_000_000_000
SECOND = 1_000_000_000
TICK, LOT = Decimal("0.1"), Decimal("0.001")
MAKER_FEE = Decimal("-0.00005")
CLIP, LIMIT = 20, 200  # lots


@dataclass(frozen=True)
class SyntheticRun:
    messages: list
    facts: RunFacts

    def of(self, kind):
        return [message for message in self.messages if isinstance(message, kind)]

    def write(self, run_dir, flush_rows=10_000):
        writer = RunLogWriter(run_dir, flush_rows)
        for message in self.messages:
            writer.append(message)
        writer.close()
        return run_dir


def synthetic_run(seed=7, steps=2_000, step_s=2.0, instrument="BTCUSDT.SIM", fill_rate=0.06):
    """Quote around a random walk every `step_s`, filled by chance, skewed by inventory, with pauses of every kind."""
    venue = instrument.rpartition(".")[2]
    rng = np.random.default_rng(seed)
    mids = 600_000 + np.cumsum(rng.integers(-6, 7, steps))  # ticks
    uniform = rng.random((steps, 3))
    step_ns = int(step_s * SECOND)
    messages, position, number, usdt = [], 0, 0, Decimal(0)
    usdt_start, btc_start = Decimal(100_000), Decimal(5)
    messages += balances(START_NS, venue, usdt_start, btc_start)
    for k, mid in enumerate(mids.tolist()):
        ts = START_NS + (k + 1) * step_ns
        bid, ask = (mid - 1) * 0.1, (mid + 1) * 0.1
        seen = one_sided = False
        reasons: tuple[str, ...] = ()
        state, width, skew = "ACTIVE", 14, -position // 25
        buys, sells = position < LIMIT, position > -LIMIT
        if k < 15:
            state, reasons, buys, sells = "WITHDRAWN", ("WARMING_UP",), False, False
        elif (k // 60) % 11 == 5:
            state, reasons, buys, sells, one_sided = "WITHDRAWN", ("ONE_SIDED_BOOK",), False, False, True
        elif not (buys and sells):
            state, reasons = "INVENTORY_LIMIT", ("POSITION_LIMIT:BID" if not buys else "POSITION_LIMIT:ASK",)
        elif (k // 40) % 7 == 3:
            state, reasons, width = "PASSIVE", ("WIDENED",), 24
        bids = tuple((mid - width + skew - 8 * i) * 0.1 for i in range(3)) if buys else ()
        asks = tuple((mid + width + skew + 8 * i) * 0.1 for i in range(3)) if sells else ()
        seen = not one_sided
        messages.append(
            QuoteDecision(
                ts, "MM-001", instrument, k, "book" if k % 10 else "fill",
                bid if seen else None, ask, 1.5 if seen else None, 2.5,
                position * 0.001, (position + 60) * 0.001, (position - 60) * 0.001,
                mid * 0.1 if seen else None, 2.0, 1.0, 0.5, 1.0, 0.5,
                (mid + skew) * 0.1 if seen else None, 1.4, 1.4, 1.0, 1.0, 1.0, 1.0, 0.0,
                bids, (0.02,) * len(bids), asks, (0.02,) * len(asks), state, reasons,
                ("POST_ONLY",) if k % 5 == 0 else (), len(bids), 0, len(asks), 0, 0,
            )
        )  # fmt: skip
        for side, prices in (("BUY", bids), ("SELL", asks)):
            for level, price in enumerate(prices):
                number += 1
                exact = Decimal(round(price * 10)) * TICK
                order = (ts, "MM-001", instrument, f"O-{number}", k, side, level)
                event = ("SUBMIT", "AMEND", "SUBMIT")[number % 3]
                messages.append(OrderFact(*order, event, exact, CLIP * LOT, Decimal(0), ""))
                if number % 97 == 0:
                    messages.append(OrderFact(*order, "REJECTED", exact, CLIP * LOT, Decimal(0), "POST_ONLY"))
                if number % 4 == 0:
                    messages.append(OrderFact(*order, "CANCEL", exact, CLIP * LOT, Decimal(0), ""))
            sign = 1 if side == "BUY" else -1
            if prices and uniform[k, sign] < fill_rate:
                lots = CLIP if uniform[k, 0] < 0.7 else CLIP // 2
                size, price = lots * LOT, Decimal(round(prices[0] * 10)) * TICK
                fee = (size * price * MAKER_FEE).quantize(Decimal("1e-8"))
                position += sign * lots
                usdt -= sign * size * price + fee
                messages.append(
                    FillFact(
                        ts + SECOND // 2, "MM-001", instrument, f"O-{number}", f"V-{number}", f"T-{number}", k, side, 0,
                        price, size, "MAKER", fee, "USDT", position * LOT, bid if seen else None, ask, ts,
                    )
                )  # fmt: skip
        if k % 5 == 0:
            held = position * LOT
            messages.append(MarkFact(ts + SECOND, "MM-001", instrument, bid, ask, 2.0, held, 60 * LOT, 60 * LOT))
    end = START_NS + (steps + 1) * step_ns
    messages += balances(end, venue, usdt_start + usdt, btc_start + position * LOT)
    facts = RunFacts(
        START_NS,
        end,
        (InstrumentFacts(instrument, venue, TICK, LOT, Contract("USDT", "BTC"), LIMIT * LOT),),
        (
            AccountFacts(
                venue,
                False,
                (
                    BalanceFacts("BTC", 8, btc_start, btc_start + position * LOT),
                    BalanceFacts("USDT", 8, usdt_start, usdt_start + usdt),
                ),
            ),
        ),
    )
    return SyntheticRun(messages, facts)


def balances(ts, venue, usdt, btc):
    return [
        AccountFact(ts, venue, f"{venue}-001", currency, total, total, Decimal(0))
        for currency, total in (("BTC", btc), ("USDT", usdt))
    ]
