"""End of day: a real run over a roll-over agrees with the engine; whatever does not agree is listed."""

from copy import replace
from decimal import Decimal
from pathlib import Path

import orjson
import pytest
from synthetic_run import LOT, SyntheticRun, synthetic_run

from mm_nautilus.analytics.day_result import Books
from mm_nautilus.analytics.runlog import RunLog
from mm_nautilus.analytics.summary import summarise
from mm_nautilus.backtest import run_backtest
from mm_nautilus.inventory.contract import Contract
from mm_nautilus.inventory.reconciliation import AccountingError
from mm_nautilus.messages import AccountFact, FillFact, MarkFact, PositionFact
from mm_nautilus.venues.trading_hours import DAY_NS

QUICKSTART = Path(__file__).resolve().parents[2] / "configs" / "quickstart.toml"
SIM = "BTCUSDT.SIM"
D = Decimal
ROLL_OVER = 1_800 * 10**9
"""Half past midnight: in the middle of a synthetic run of 2,000 steps of two seconds that begins at midnight."""


@pytest.fixture(scope="module")
def run():
    run = synthetic_run(seed=5)
    fills = run.of(FillFact)
    facts = replace(run.facts, roll_over_ns=ROLL_OVER, engine_positions={SIM: fills[-1].position_after})
    return SyntheticRun(run.messages, facts)


def at_roll_over(run):
    """The engine's books at the roll-over, as the fills until then leave them."""
    ts = run.facts.start_ns + ROLL_OVER
    fills = [fill for fill in run.of(FillFact) if fill.ts_ns <= ts]
    account = run.facts.accounts[0]
    btc, usdt = account.balances[0].starting, account.balances[1].starting
    for fill in fills:
        sign = 1 if fill.side == "BUY" else -1
        btc, usdt = btc + sign * fill.size, usdt - sign * fill.size * fill.price - fill.commission
    totals = (("BTC", btc), ("USDT", usdt))
    facts = [AccountFact(ts, "SIM", "SIM-001", currency, total, total, D(0)) for currency, total in totals]
    return [PositionFact(ts, SIM, fills[-1].position_after), *facts]


def days_of(run, folder, extra=(), facts=None):
    run = SyntheticRun([*run.messages, *extra], facts or run.facts)
    summary = summarise(RunLog.open(run.write(folder)), run.facts)
    return summary, summary.end_of_day


def test_days_agree_and_add_up_to_the_run(run, tmp_path):
    summary, days = days_of(run, tmp_path, at_roll_over(run))
    assert [(day.day, day.rolled_over) for day in days] == [("2024-08-07", True), ("2024-08-08", False)]
    assert days[0].end_ns == run.facts.start_ns + ROLL_OVER
    assert all(day.differences == () for day in days)
    assert all(len(day.balances) == 2 for day in days)
    money, fills = summary.instruments[SIM].money, summary.instruments[SIM].fills
    held = [day.positions[0] for day in days]
    assert min(one.fills for one in held) > 20
    for name in ("realised", "fees", "rebates"):
        assert sum(getattr(one, name) for one in held) == getattr(money, name), name
    assert held[-1].unrealised == money.unrealised
    assert (sum(one.volume for one in held), sum(one.turnover for one in held)) == (fills.volume, fills.turnover)
    assert sum(one.fills for one in held) == fills.count
    assert all(one.position == one.counted == one.engine == one.by_purpose["QUOTE"] for one in held)


def test_the_first_day_is_the_run_cut_there(run, tmp_path):
    _, days = days_of(run, tmp_path / "whole")
    end = days[0].end_ns
    cut = [one for one in run.messages if one.ts_ns <= end]
    facts = replace(run.facts, end_ns=end, accounts=(), engine_positions={})
    alone, _ = days_of(SyntheticRun(cut, facts), tmp_path / "cut")
    money, one = alone.instruments[SIM].money, days[0].positions[0]
    assert (one.realised, one.unrealised, one.mark) == (money.realised, money.unrealised, money.final_mark)
    assert (one.average_price, one.rebates) == (money.average_price, money.rebates)
    assert days[0].balances == (), "nobody took the balances"
    assert one.engine is None


def test_an_engine_that_holds_something_else_is_listed(run, tmp_path):
    position, *balances = at_roll_over(run)
    wrong = replace(position, position=position.position + LOT)
    _, days = days_of(run, tmp_path, [wrong, *balances])
    (found,) = days[0].differences
    assert (found.books, found.subject) == (Books.ENGINE, SIM)
    assert found.theirs - found.ledger == LOT
    assert days[1].differences == ()


def test_a_balance_that_moved_by_itself_is_listed(run, tmp_path):
    position, btc, usdt = at_roll_over(run)
    _, days = days_of(run, tmp_path, [position, btc, replace(usdt, total=usdt.total - 1)])
    (found,) = days[0].differences
    assert (found.books, found.subject, found.ledger - found.theirs) == (Books.ACCOUNT, "SIM USDT", 1)


def test_a_strategy_that_counted_differently_is_listed(run, tmp_path):
    mark = [one for one in run.of(MarkFact) if one.ts_ns <= run.facts.start_ns + ROLL_OVER][-1]
    wrong = [replace(one, position=one.position + LOT) if one is mark else one for one in run.messages]
    quiet = [
        one for one in wrong if not (isinstance(one, FillFact) and mark.ts_ns < one.ts_ns <= mark.ts_ns + 10 * 10**9)
    ]
    facts = replace(run.facts, accounts=(), engine_positions={})
    _, days = days_of(SyntheticRun(quiet, facts), tmp_path)
    assert [(one.books, one.theirs - one.ledger) for one in days[0].differences] == [(Books.STRATEGY, LOT)]


def test_a_fill_that_was_not_recorded_shows_at_the_end(run, tmp_path):
    last = run.of(FillFact)[-1]
    lost = [one for one in run.messages if one is not last]
    with pytest.raises(AccountingError):
        days_of(SyntheticRun(lost, run.facts), tmp_path / "account")
    _, days = days_of(SyntheticRun(lost, replace(run.facts, accounts=())), tmp_path / "engine")
    assert Books.ENGINE in {one.books for one in days[-1].differences}


@pytest.mark.parametrize("contract", [Contract("USDT", "BTC", inverse=True), Contract("USDT", multiplier=D(5))])
def test_days_add_up_for_other_contracts(run, tmp_path, contract):
    instrument = replace(run.facts.instruments[0], contract=contract)
    summary, days = days_of(run, tmp_path, facts=replace(run.facts, instruments=(instrument,), accounts=()))
    money = summary.instruments[SIM].money
    held = [day.positions[0] for day in days]
    assert sum(one.realised for one in held) == money.realised
    assert sum(one.realised - one.fees + one.rebates for one in held) + held[-1].unrealised == money.total


def test_every_day_of_a_long_run_is_there(run, tmp_path):
    facts = replace(run.facts, end_ns=run.facts.start_ns + 3 * DAY_NS, accounts=())
    _, days = days_of(run, tmp_path, facts=facts)
    assert [day.day for day in days] == ["2024-08-07", "2024-08-08", "2024-08-09", "2024-08-10"]
    assert [day.positions[0].fills for day in days[2:]] == [0, 0]
    assert {day.positions[0].position for day in days[1:]} == {days[1].positions[0].position}


def test_a_real_run_over_a_roll_over_agrees_with_the_engine(tmp_path):
    path = tmp_path / "run.toml"
    text = QUICKSTART.read_text().replace("../catalogs/simulated", str(tmp_path / "catalogs"))
    path.write_text(text + "\n[risk]\nrollover_utc = 00:01:00\n")
    result = run_backtest(path, ["data.simulation.duration_s=150"], output=tmp_path / "runs").result
    assert orjson.loads(orjson.dumps(result))["end_of_day"] == result["end_of_day"]
    first, last = result["end_of_day"]
    assert (first["day"], first["rolled_over"], last["rolled_over"]) == ("2023-12-31", True, False)
    for day in (first, last):
        assert day["differences"] == []
        assert len(day["balances"]) == 2
        (held,) = day["positions"]
        assert held["fills"] > 3
        assert held["position"] == held["counted"] == held["engine"] != "0"
