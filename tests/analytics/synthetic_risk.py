"""A made-up run in which everything about risk happened: quotes that rest, hedges elsewhere, stages, an incident."""

from __future__ import annotations

from copy import replace
from decimal import Decimal

from synthetic_run import LOT, SECOND, START_NS, TICK, SyntheticRun, synthetic_run

from mm_nautilus.analytics.facts import InstrumentFacts
from mm_nautilus.inventory.contract import Contract
from mm_nautilus.messages import (
    FillFact,
    HedgeFact,
    IncidentFact,
    MarkFact,
    OrderFact,
    QuoteDecision,
    RiskFact,
    RiskState,
)
from mm_nautilus.venues.obligation import ObligationSettings

D = Decimal
SIM, PERP = "BTCUSDT.SIM", "BTCUSDT-PERP.HDG"
RULE = ObligationSettings(uptime=0.6, max_spread_bps=10, min_size="0.03", max_size_difference="0.5")
STRICT = ObligationSettings(name="top tier", uptime=0.95, max_spread_bps="0.5", min_size="0.02")


def risky_run(seed=3, steps=600):
    run = synthetic_run(seed=seed, steps=steps)
    end = run.facts.end_ns
    messages = [*run.messages, *resting(run.of(QuoteDecision)), *hedged(), *risk(end)]
    perp = InstrumentFacts(PERP, "HDG", TICK, LOT, Contract("USDT", "BTC"), None)
    facts = replace(
        run.facts,
        instruments=(*run.facts.instruments, perp),
        obligations={"SIM": (RULE, STRICT)},
        engine_positions={SIM: run.of(FillFact)[-1].position_after, PERP: D("-0.05")},
    )
    return SyntheticRun(sorted(messages, key=lambda message: message.ts_ns), facts)


def resting(decisions):
    """Every wanted level rests from 5 ms after its decision to 5 ms after the next one."""
    ends = [decision.ts_ns for decision in decisions[1:]] + [decisions[-1].ts_ns + 2 * SECOND]
    for decision, end in zip(decisions, ends, strict=True):
        for side, prices, sizes in (
            ("BUY", decision.bid_prices, decision.bid_sizes),
            ("SELL", decision.ask_prices, decision.ask_sizes),
        ):
            for level, (price, size) in enumerate(zip(prices, sizes, strict=True)):
                order = ("MM-001", SIM, f"R-{decision.decision_id}-{side}-{level}", decision.decision_id, side, level)
                exact, lots = D(round(price * 10)) * TICK, D(str(size))
                yield OrderFact(decision.ts_ns + 5_000_000, *order, "ACCEPTED", exact, lots, D(0), "")
                yield OrderFact(end + 5_000_000, *order, "CANCELED", exact, lots, D(0), "")


def at(second):
    return START_NS + second * SECOND


def hedge(second, number, event, size="0", price=None, cost=0.0, elapsed=0.0, order="", side="SELL", cause="BAND"):
    return HedgeFact(
        at(second), "MM-001", "BTC", number, event, cause, 0.16, 0.06, PERP, order, side, D(size),
        None if price is None else D(price), 60000.0, cost, elapsed, "",
    )  # fmt: skip


def hedge_fill(second, trade, side, size, price, after):
    return FillFact(
        at(second), "MM-001", PERP, f"H-{trade}", f"V-{trade}", f"HT-{trade}", 1, side, -1, D(price), D(size), "TAKER",
        D("0.6"), "USDT", D(after), 59999.0, 60001.0, at(second), "HEDGE",
    )  # fmt: skip


def hedged():
    """Done at once; done after two alarms; never done."""
    return [
        hedge(100, 1, "NEEDED", "0.1"),
        hedge(100, 1, "SENT", "0.1", "59990", order="H-1"),
        hedge_fill(101, 1, "SELL", "0.06", "59998", "-0.06"),
        hedge(101, 1, "FILLED", "0.06", "59998", 0.72, 1.0, "H-1"),
        hedge_fill(102, 2, "SELL", "0.04", "59997", "-0.1"),
        hedge(102, 1, "FILLED", "0.04", "59997", 0.72, 2.0, "H-1"),
        hedge(102, 1, "DONE", elapsed=2.0),
        hedge(300, 2, "NEEDED", "0.05", side="BUY", cause="FLATTEN"),
        hedge(300, 2, "SENT", "0.05", "60010", order="H-3", side="BUY", cause="FLATTEN"),
        hedge(301, 2, "REFUSED", "0.05", order="H-3", side="BUY", cause="FLATTEN"),
        hedge(330, 2, "ALARM", "0.05", elapsed=30.0, side="BUY", cause="FLATTEN"),
        hedge(360, 2, "ALARM", "0.05", elapsed=60.0, side="BUY", cause="FLATTEN"),
        hedge(361, 2, "SENT", "0.05", "60012", order="H-4", side="BUY", cause="FLATTEN"),
        hedge_fill(362, 4, "BUY", "0.05", "60011", "-0.05"),
        hedge(362, 2, "FILLED", "0.05", "60011", 1.15, 62.0, "H-4", "BUY", "FLATTEN"),
        hedge(362, 2, "DONE", elapsed=62.0, side="BUY", cause="FLATTEN"),
        hedge(1100, 3, "NEEDED", "0.05"),
        hedge(1130, 3, "ALARM", "0.05", elapsed=30.0),
        MarkFact(at(50), "MM-001", PERP, 59999.0, 60001.0, None, D(0), D(0), D(0)),
        MarkFact(at(1200), "MM-001", PERP, 59989.0, 59991.0, None, D("-0.05"), D(0), D(0)),
    ]


def state(second, stage, scope="", multiplier=1.0, rules=("drawdown",), reason="drawdown 120 is above 100"):
    return RiskState(at(second), stage, scope, multiplier, rules, reason)


def risk(end):
    """Widened for a while, one instrument alone reduced only, halted by the operator, resumed."""
    return [
        *(RiskFact(at(second), "drawdown", "", 2.0 * second, "NORMAL", "") for second in range(60, 240, 60)),
        RiskFact(at(240), "drawdown", "", 480.0, "WIDEN", "480 is above 400"),
        RiskFact(at(300), "drawdown", "", 80.0, "NORMAL", ""),
        RiskFact(at(300), "stale_feed", SIM, None, "NORMAL", ""),
        state(240, "WIDEN", multiplier=1.5),
        state(400, "NORMAL", reason="drawdown 80 has been below 300 for 60 s"),
        state(500, "REDUCE_ONLY", SIM, rules=("stale_feed",), reason="silent for 16 s"),
        state(600, "HALT", rules=("operator",), reason="drill <1>"),
        IncidentFact(at(600), 1, "RAISED", "operator", "HALT", "drill <1>", "{}"),
        IncidentFact(at(600), 1, "NOTIFIED", "operator", "HALT", "log", "{}"),
        IncidentFact(at(605), 1, "FLAT", "operator", "HALT", "nothing above 10 % of the limit", "{}"),
        IncidentFact(at(700), 1, "RESUMED", "operator", "NORMAL", "drill over", "{}"),
        state(700, "NORMAL", rules=("operator",), reason="drill over"),
        state(800, "NORMAL", SIM, rules=("stale_feed",), reason="heard of again"),
    ]
