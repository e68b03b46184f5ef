"""The shipped arbitrage run: every order traces, and what the opportunities earned is what the accounts gained."""

from collections import defaultdict
from decimal import Decimal
from pathlib import Path

from mm_nautilus.analytics.audit import audit
from mm_nautilus.analytics.runlog import RunLog
from mm_nautilus.backtest import run_backtest
from mm_nautilus.messages import AccountFact, FillFact, OpportunityFact

SHIPPED = Path(__file__).resolve().parents[2] / "configs" / "arbitrage.toml"


def test_profit_of_the_opportunities_and_their_hedges_is_the_difference_in_cash(tmp_path):
    path = tmp_path / "run.toml"
    path.write_text(SHIPPED.read_text().replace("../catalogs/simulated", str(tmp_path / "catalogs")))
    outcome = run_backtest(path, ["data.simulation.duration_s=180"], output=tmp_path / "runs")
    log = RunLog.open(outcome.run_dir)
    found = audit(log)
    assert found.findings == ()
    facts, fills = log.messages(OpportunityFact), log.messages(FillFact)
    done = [one for one in facts if one.event == "DONE"]
    assert found.opportunities == len(done) > 10
    by_order = defaultdict(Decimal)
    for fill in fills:
        sign = 1 if fill.side == "SELL" else -1
        by_order[fill.client_order_id] += sign * fill.price * fill.size - fill.commission
    for one in done:
        assert one.net_profit == by_order.pop(one.buy_order_id, 0) + by_order.pop(one.sell_order_id, 0)
    balances = defaultdict(list)
    for fact in log.messages(AccountFact):
        balances[fact.venue, fact.currency].append(fact.total)
    gained = {key: totals[-1] - totals[0] for key, totals in balances.items()}
    hedges = sum(by_order.values())
    assert sum(amount for (_, currency), amount in gained.items() if currency == "USDT") == (
        sum(one.net_profit for one in done) + hedges
    )
    held = sum((fill.size if fill.side == "BUY" else -fill.size) for fill in fills)
    assert sum(amount for (_, currency), amount in gained.items() if currency == "SOL") == held == 0
    filled = [one for one in done if one.verdict == "FILLED"]
    assert filled
    for one in filled:  # the limits of both legs hold the least edge of 1 bps; commissions are rounded to eight digits
        assert one.net_profit > one.buy_notional * Decimal("0.0001") - Decimal("0.0000001")
