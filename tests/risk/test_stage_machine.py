"""Stages go up at once, come down late, and a halt stays."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from mm_nautilus.market import RiskStage
from mm_nautilus.risk.machine import StageMachine
from mm_nautilus.risk.settings import Rule

SECOND = 10**9
FULL: dict[str, Any] = {"widen": 1.0, "reduce_only": 2.0, "flatten": 3.0, "halt": 4.0}


def machine(**changes: Any) -> StageMachine:
    return StageMachine(Rule(**FULL | {"recover_share": 0.8, "hold_s": 10.0} | changes))


def run(subject: StageMachine, *values: float | None) -> list[str]:
    """Return the stage after each value, a second apart."""
    found = []
    for second, value in enumerate(values):
        subject.update(value, second * SECOND)
        found.append(subject.stage.name)
    return found


def test_up_at_once_and_over_several_stages() -> None:
    assert run(machine(), 0.9, 1.0, 3.5) == ["NORMAL", "WIDEN", "FLATTEN"]


def test_down_only_below_the_recover_share_and_after_the_hold() -> None:
    subject = machine()
    assert run(subject, 2.0, *[1.7] * 30)[-1] == "REDUCE_ONLY", "1.7 is above 80 % of 2"
    assert [subject.update(1.5, (40 + second) * SECOND) for second in range(11)] == [False] * 10 + [True]
    assert subject.stage is RiskStage.WIDEN


def test_one_value_above_starts_the_hold_anew() -> None:
    assert run(machine(), 2.0, *[0.1] * 9, 1.7, *[0.1] * 10)[-1] == "REDUCE_ONLY"
    assert run(machine(), 2.0, *[0.1] * 9, 1.7, *[0.1] * 11)[-1] == "NORMAL"


def test_it_comes_down_to_what_was_held_during_the_hold() -> None:
    assert run(machine(), 3.0, *[0.1] * 5, 1.2, *[0.1] * 5)[-1] == "WIDEN"


def test_nothing_known_changes_nothing_and_is_no_recovery() -> None:
    assert run(machine(), 2.0, *[0.1] * 9, None, *[0.1] * 10)[-1] == "REDUCE_ONLY"
    assert run(machine(), None, None) == ["NORMAL", "NORMAL"]


def test_warm_up() -> None:
    assert run(machine(warm_up_s=2.0), None, 9.0, 9.0, 9.0) == ["NORMAL", "NORMAL", "NORMAL", "HALT"]


def test_a_rule_without_thresholds_never_acts() -> None:
    assert set(run(StageMachine(Rule()), 0.0, 1e300)) == {"NORMAL"}


levels = st.none() | st.floats(0, 6)


@given(st.lists(levels, max_size=60), st.floats(0.1, 1.0), st.integers(0, 5), st.integers(0, 5))
def test_any_values(values: list[float | None], share: float, hold_s: int, warm_up_s: int) -> None:
    subject = machine(recover_share=share, hold_s=hold_s, warm_up_s=warm_up_s)
    before, first = RiskStage.NORMAL, next((n for n, value in enumerate(values) if value is not None), 0)
    for second, value in enumerate(values):
        changed = subject.update(value, second * SECOND)
        after = subject.stage
        assert changed == (after is not before), "a change is never kept to itself"
        if value is None or second - first < warm_up_s:
            assert not changed
        else:
            thresholds = [(FULL[stage.name.lower()], stage) for stage in RiskStage if stage]
            asked = max((stage for threshold, stage in thresholds if value >= threshold), default=RiskStage.NORMAL)
            assert after >= asked
        if before is RiskStage.HALT:
            assert after is RiskStage.HALT
        assert not (subject.idle and after is not RiskStage.NORMAL)
        before = after


@given(st.lists(st.floats(0, 6), max_size=60))
def test_skipping_what_idle_allows_to_skip_changes_nothing(values: list[float]) -> None:
    told, spared = machine(hold_s=2.0), machine(hold_s=2.0)
    for second, value in enumerate(values):
        told.update(value, second * SECOND)
        if not (spared.idle and value < spared.lowest):
            spared.update(value, second * SECOND)
        assert told.stage is spared.stage


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"widen": 2.0}, "reduce_only .2. is not above widen .2."),
        ({"halt": 2.5}, "halt .2.5. is not above flatten .3."),
        ({"recover_share": 0.0}, "recover_share"),
        ({"recover_share": 1.1}, "recover_share"),
        ({"hold_s": -1.0}, "hold_s"),
        ({"widen_by": 0.5}, "widen_by"),
        ({"widen": 0.0}, "widen"),
        ({"wide": 1.0}, "wide"),
    ],
)
def test_settings_that_make_no_sense(wrong: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        Rule(**FULL | wrong)
