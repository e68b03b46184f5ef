"""What a run is judged by: losses and what was done about them, hedges against their deadline, and the reasons."""

from decimal import Decimal

import numpy as np
import pytest

from mm_nautilus.market import RiskStage
from mm_nautilus.messages import HedgeFact
from mm_nautilus.stress.exposure import Execution, OrderEvent, worst_case_path
from mm_nautilus.stress.hedges import FOREVER_NS, HedgeTimes, hedge_times, needed_spans
from mm_nautilus.stress.inventory import Exposure, marks_differing
from mm_nautilus.stress.losses import Crossing, EquityPath, StageChange, crossings
from mm_nautilus.stress.scorecard import Bounds, breaches

S = 10**9
BOUNDS = Bounds(Decimal(10), 30.0, 1.0)
NO_HEDGES = HedgeTimes(0, 0, 0, None, (), 0)


def path(*equity: float) -> EquityPath:
    return EquityPath(S * np.arange(len(equity)), np.array(equity, dtype=np.float64))


def test_losses_are_from_the_start_and_from_the_peak():
    made = path(0, 5, -3, 2, -1)
    assert made.loss_from_start == 3
    assert made.loss_from_peak == 8
    assert path(0, 1, 2).loss_from_start == 0


@pytest.mark.parametrize(
    ("stages", "reactions"),
    [
        ([], [None]),
        ([(3, RiskStage.FLATTEN)], [1.0]),
        ([(2, RiskStage.HALT)], [0.0]),
        ([(3, RiskStage.REDUCE_ONLY)], [None]),
        ([(4, RiskStage.FLATTEN)], [None]),  # one evaluation too late
        ([(1, RiskStage.FLATTEN)], [0.0]),  # it was being flattened already
        ([(0, RiskStage.FLATTEN), (1, RiskStage.NORMAL)], [None]),  # and no longer when the loss came
    ],
)
def test_a_loss_beyond_the_bound_must_be_answered_by_flattening_within_one_evaluation(stages, reactions):
    changes = [StageChange(s * S, stage) for s, stage in stages]
    found = crossings(path(0, -5, -11, -12, -13), 10.0, changes, 1.0)
    assert [(one.ts_ns, one.reaction_s) for one in found] == [(2 * S, reaction) for reaction in reactions]


def test_every_crossing_needs_its_own_answer():
    changes = [StageChange(1 * S, RiskStage.FLATTEN), StageChange(3 * S, RiskStage.NORMAL)]
    found = crossings(path(0, -11, -9, -8, -11, -12), 10.0, changes, 1.0)
    assert found == [Crossing(1 * S, 0.0), Crossing(4 * S, None)]
    assert crossings(path(0, -10, -10), 10.0, [], 1.0) == []  # the bound itself is allowed


def hedge(s: float, event: str, asset: str = "SOL") -> HedgeFact:
    return HedgeFact(
        int(s * S),
        "S-1",
        asset,
        1,
        event,
        "BAND",
        1.0,
        0.0,
        "SOLUSDT.SIM",
        "",
        "SELL",
        Decimal(1),
        None,
        None,
        0.0,
        0.0,
        "",
    )


def test_a_hedge_takes_from_needed_to_done_whatever_happens_in_between():
    facts = [hedge(1, "NEEDED"), hedge(1, "SENT"), hedge(2, "FILLED"), hedge(3, "NEEDED"), hedge(5.5, "DONE")]
    found = hedge_times([*facts, hedge(10, "NEEDED"), hedge(11, "DONE")], 30.0, 100 * S)
    assert found == HedgeTimes(2, 2, 0, 4.5, (), 0)


def test_a_hedge_that_another_takes_over_keeps_its_clock():
    facts = [hedge(1, "NEEDED"), hedge(25, "DONE"), hedge(25, "NEEDED"), hedge(40, "DONE"), hedge(41, "NEEDED")]
    found = hedge_times([*facts, hedge(50, "DONE")], 30.0, 100 * S)
    assert (found.needed, found.done, found.longest_s, len(found.late)) == (3, 3, 39.0, 1)


def test_an_alarm_in_time_is_an_answer_and_silence_is_not():
    alarmed = hedge_times([hedge(1, "NEEDED"), hedge(31, "ALARM"), hedge(90, "DONE")], 30.0, 100 * S)
    assert alarmed == HedgeTimes(1, 1, 1, 30.0, (), 0)
    late = hedge_times([hedge(1, "NEEDED"), hedge(31.5, "ALARM")], 30.0, 100 * S)
    assert late.longest_s == 30.5
    assert len(late.late) == 1
    silent = hedge_times([hedge(1, "NEEDED"), hedge(2, "NEEDED", "ETH"), hedge(3, "DONE", "ETH")], 30.0, 100 * S)
    assert silent.longest_s == 99.0
    assert "SOL: needed at" in silent.late[0]
    cut_short = hedge_times([hedge(90, "NEEDED")], 30.0, 100 * S)
    assert (cut_short.late, cut_short.unfinished) == ((), 1)


def test_a_mark_may_state_a_hedge_that_is_decided_and_never_less_than_there_is():
    orders = [OrderEvent(5 * S, "a", "SELL", "SUBMIT", Decimal(2))]
    counted = worst_case_path(orders, [Execution(7 * S, "a", "SELL", Decimal(1))])

    def differing(s: int, position: int, buys: int, sells: int, *hedging: tuple[int, int]) -> int:
        row = {"ts_ns": s * S, "position": Decimal(position), "open_buy": Decimal(buys), "open_sell": Decimal(sells)}
        return marks_differing([row], counted, hedging)

    assert differing(6, 0, 0, 2) == 0
    assert (differing(5, 0, 0, 0), differing(5, 0, 0, 2)) == (0, 0)  # before or after the submit of that instant
    assert differing(6, 0, 0, 1) == 1
    assert differing(6, 1, 0, 2) == 1
    assert differing(6, 0, 0, 3) == 1
    assert differing(6, 0, 0, 3, (4 * S, 8 * S)) == 0
    assert differing(6, 0, 0, 1, (4 * S, 8 * S)) == 1
    assert differing(9, -1, 0, 3, (4 * S, 8 * S)) == 1  # the hedge is over, and its size still held


def test_a_hedge_decision_is_open_from_needed_to_done():
    facts = [hedge(1, "NEEDED"), hedge(2, "SENT"), hedge(3, "DONE"), hedge(9, "NEEDED", "ETH")]
    assert needed_spans(facts) == [(1 * S, 3 * S), (9 * S, FOREVER_NS)]


def exposure(**changes) -> Exposure:
    fields = {
        "instrument_id": "SOLUSDT.SIM",
        "limit": Decimal(10),
        "largest": Decimal(10),
        "largest_position": Decimal(8),
        "at_ns": 5,
        "instants": 1000,
        "instants_beyond": 0,
        "marks_differing": 0,
    }
    return Exposure(**fields | changes)


def test_nothing_is_broken_where_every_bound_is_kept():
    crossed = [Crossing(5, 1.0)]
    assert breaches([exposure()], 12.0, 10.0, crossed, NO_HEDGES, BOUNDS, "USDT") == []
    assert exposure().share == 1.0
    assert exposure(limit=None).share is None


def test_every_broken_bound_says_what_was_found_and_what_is_allowed():
    late = HedgeTimes(1, 0, 0, 99.0, ("SOL: needed at 1 ns, neither done nor an alarm for 99.000 s",), 0)
    bad = exposure(largest=Decimal("10.5000000000000000"), instants_beyond=3, marks_differing=2)
    found = breaches([bad], 12.0, 10.0, [Crossing(0, None)], late, BOUNDS, "USDT")
    inventory, marks, loss, hedges = found
    assert inventory == (
        "SOLUSDT.SIM: the worst case was 10.5 with a limit of 10, and beyond it at 3 of 1,000 instants"
    )
    assert "2 marks state other open sizes" in marks
    assert "loss of up to 12.00 USDT passed the bound of 10.00, first at 1970-01-01T00:00:00" in loss
    assert "not being flattened within 1 s" in loss
    assert "1 hedges neither done nor alarmed in 30 s: SOL" in hedges
    unwatched = Bounds(None, 30.0, None)
    (loss,) = breaches([exposure()], 12.0, 10.0, [Crossing(0, None)], NO_HEDGES, unwatched, "USDT")
    assert "no [risk] in the run file" in loss
