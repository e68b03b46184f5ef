"""The better half of the fills taken out: the right ones, and an account that adds up to the last digit."""

from copy import replace
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from synthetic_run import synthetic_run

from mm_nautilus.analytics.adverse_removal import change_of, without_the_best
from mm_nautilus.analytics.instrument_log import InstrumentLog, instrument_log
from mm_nautilus.analytics.runlog import RunLog
from mm_nautilus.errors import ParameterError
from mm_nautilus.market import Side
from mm_nautilus.messages import FillFact


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> InstrumentLog:
    run = synthetic_run(steps=600)
    folder = run.write(tmp_path_factory.mktemp("run"))
    return instrument_log(RunLog.open(folder), run.facts.instruments[0], run.facts.start_ns, run.facts.end_ns)


def by_hand(log: InstrumentLog, fills: list) -> Decimal:
    """Return minus what was paid, less commissions, and what is held at the last mark."""
    paid = sum((fill.size * Side[fill.side] * fill.price + fill.commission for fill in fills), Decimal(0))
    held = sum((fill.size * Side[fill.side] for fill in fills), Decimal(0))
    return held * log.books.final_mark - paid


def gain(log: InstrumentLog, fill, horizon_s: float) -> float:
    """Look the mid up mark by mark."""
    later = None
    for ts, mid in zip(log.curve.ts_ns.tolist(), log.curve.mid.tolist(), strict=True):
        if later is None or ts <= fill.ts_ns + horizon_s * 1e9:
            later = mid
    return float(fill.size) * int(Side[fill.side]) * (later - float(fill.price))


@pytest.mark.parametrize("horizon_s", [1.0, 5.0, 60.0, 1e6])
def test_the_best_go_and_the_rest_adds_up_by_hand(log: InstrumentLog, horizon_s: float) -> None:
    after = without_the_best(log, 0.5, horizon_s)
    assert after.makers == len(log.fills) > 40
    assert after.removed == len(log.fills) // 2
    gains = {fill.trade_id: gain(log, fill, horizon_s) for fill in log.fills}
    kept = [gains[fill.trade_id] for fill in after.kept]
    gone = [gains[name] for name in gains.keys() - {fill.trade_id for fill in after.kept}]
    assert max(kept) <= min(gone) + 1e-9
    assert after.books.total == by_hand(log, list(after.kept))
    assert log.books.total == by_hand(log, log.fills)
    assert change_of(log, after, "USDT") == after.books.total - log.books.total
    assert change_of(log, after, "EUR") == 0
    assert float(after.curve.equity[-1]) == pytest.approx(float(after.books.total))


def test_nothing_removed_is_the_account_and_everything_is_nothing(log: InstrumentLog) -> None:
    same = without_the_best(log, 0.0)
    assert same.books == log.books
    assert same.max_drawdown == pytest.approx(
        float(np.max(np.maximum.accumulate(np.append(0.0, log.curve.equity)) - np.append(0.0, log.curve.equity)))
    )
    nothing = without_the_best(log, 1.0)
    assert (nothing.removed, nothing.kept, nothing.books.total) == (len(log.fills), (), 0)
    assert nothing.inventory_max == 0.0


@given(share=st.floats(0, 1), horizon_s=st.floats(0.001, 1e5))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_more_removed_keeps_a_part_of_what_less_removed_keeps(
    log: InstrumentLog, share: float, horizon_s: float
) -> None:
    one, other = without_the_best(log, share / 2, horizon_s), without_the_best(log, share, horizon_s)
    assert {fill.trade_id for fill in other.kept} <= {fill.trade_id for fill in one.kept}
    assert other.books.total == by_hand(log, list(other.kept))


def test_takers_stay(tmp_path: Path) -> None:
    run = synthetic_run(steps=200)
    messages = [replace(one, liquidity="TAKER") if isinstance(one, FillFact) else one for one in run.messages]
    folder = replace(run, messages=messages).write(tmp_path / "run")
    log = instrument_log(RunLog.open(folder), run.facts.instruments[0], run.facts.start_ns, run.facts.end_ns)
    after = without_the_best(log, 1.0)
    assert (after.makers, after.removed) == (0, 0)
    assert after.books == log.books


def test_a_run_without_fills_has_nothing_to_remove(tmp_path: Path) -> None:
    run = synthetic_run(steps=60, fill_rate=0.0)
    log = instrument_log(
        RunLog.open(run.write(tmp_path / "run")), run.facts.instruments[0], run.facts.start_ns, run.facts.end_ns
    )
    after = without_the_best(log)
    assert (after.removed, after.books.total) == (0, 0)


def test_shares_and_horizons_out_of_range_are_refused(log: InstrumentLog) -> None:
    with pytest.raises(ParameterError, match="share"):
        without_the_best(log, 1.5)
    with pytest.raises(ParameterError, match="horizon_s"):
        without_the_best(log, 0.5, 0.0)
