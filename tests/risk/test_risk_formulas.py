"""The formulas of the rules against the same written plainly, and the losses against the clock."""

from __future__ import annotations

import math
from datetime import UTC, datetime, time
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from risk_kit import BTC, SECOND, decision, fill, inverse, linear, mark
from scipy.stats import poisson

from mm_nautilus.inventory.value_at_risk import inventory_risk
from mm_nautilus.risk.answers import is_post_only
from mm_nautilus.risk.books import Books
from mm_nautilus.risk.exposure import ValueAtRisk
from mm_nautilus.risk.feed import StaleFeed
from mm_nautilus.risk.fill_rate import MOST_SURPRISING, FillRate, rate_of, surprise
from mm_nautilus.risk.losses import DayLoss, Drawdown, HourLoss
from mm_nautilus.risk.settings import FillRateRule, ValueAtRiskRule

PERP = "BTCUSD.CM"


@given(st.integers(0, 400), st.floats(0.1, 300.0))
def test_surprise_is_the_two_sided_poisson_tail(count: int, expected: float) -> None:
    law = poisson(expected)
    chance = min(1.0, 2.0 * min(law.cdf(count), law.sf(count - 1)))
    if chance > 1e-280:
        assert surprise(count, expected) == pytest.approx(-math.log10(chance), rel=1e-6, abs=1e-9)
    assert 0.0 <= surprise(count, expected) <= MOST_SURPRISING


@given(st.integers(0, 60), st.floats(3.0, 60.0), st.floats(0.5, 8.0))
def test_the_quick_bound_never_hides_a_surprise(count: int, expected: float, threshold: float) -> None:
    rule = FillRateRule(window_s=100.0, reduce_only=threshold, recover_share=1.0)
    measure = FillRate(rule)
    measure.decided(decision(0, depths=(0.0,), a_per_s=expected / 2))
    for number in range(count):
        measure.filled(fill(1, "BUY", "1", "100", name=f"O-{number}"))
    exact, quick = measure.value(SECOND), measure.quick(SECOND)
    assert exact is not None
    assert quick is not None
    assert exact == quick if quick >= threshold else exact <= quick + 1e-9


def test_expected_fills_follow_the_depths_of_our_own_quotes() -> None:
    quoted = decision(0, 100.0, depths=(1.0, 2.0), a_per_s=2.0, k_per_price=0.5)
    assert rate_of(quoted) == pytest.approx(2 * 2.0 * (math.exp(-0.5) + math.exp(-1.0)))
    assert rate_of(decision(0, None)) == 0.0


def test_an_execution_in_several_trades_is_one_fill_and_a_hedge_is_none() -> None:
    measure = FillRate(FillRateRule(window_s=100.0))
    measure.decided(decision(0, depths=(0.0,), a_per_s=2.0))
    for name, purpose in (("O-1", "QUOTE"), ("O-1", "QUOTE"), ("H-1", "HEDGE")):
        measure.filled(fill(1, "BUY", "1", "100", name=name, purpose=purpose))
    assert measure.reason(SECOND).startswith("1 fills in 100 s where 4 were expected: too few")


def test_value_at_risk_is_that_of_the_inventory_under_the_sampled_covariance() -> None:
    contracts = {BTC: linear(quote="USD"), PERP: inverse()}
    books = Books(contracts.__getitem__, "USD", {"BTC": BTC})
    rule = ValueAtRiskRule(half_life_s=20.0, horizon_s=50.0, sample_interval_s=1.0, min_samples=10, confidence=0.95)
    measure = ValueAtRisk(books, rule)
    rng = np.random.default_rng(3)
    steps = rng.normal(size=(40, 2)) @ np.array([[0.5, 0.4], [0.0, 0.3]])
    mids = (100.0 + np.cumsum(steps, axis=0)).round(2).tolist()
    values = []
    for second, (spot, perp) in enumerate(mids):
        books.marked(mark(second * SECOND, spot - 0.5, spot + 0.5, position="2"))
        books.marked(mark(second * SECOND, perp - 0.5, perp + 0.5, instrument=PERP, position="-3"))
        values.append((spot, -100.0 / perp * spot))
        result = measure.value(second * SECOND)
    moves = np.diff(np.array(values), axis=0)
    weights = 0.5 ** (np.arange(len(moves))[::-1] / 20.0)
    covariance = (moves * weights[:, None]).T @ moves / weights.sum()
    assert result == pytest.approx(inventory_risk([2.0, -3.0], covariance, 0.95, 50.0).value_at_risk, rel=1e-9)


def test_an_instrument_that_comes_later_has_its_whole_variance() -> None:
    contracts = {BTC: linear(), "ETHUSDT.SIM": linear("ETH")}
    books = Books(contracts.__getitem__)
    measure = ValueAtRisk(books, ValueAtRiskRule(half_life_s=1000.0, sample_interval_s=1.0, min_samples=2))
    for second in range(200):
        books.marked(mark(second * SECOND))
        if second >= 150:
            price = 100.0 + second % 2
            books.marked(mark(second * SECOND, price, price, instrument="ETHUSDT.SIM", position="1"))
        result = measure.value(second * SECOND)
    assert result == pytest.approx(2.3263 * math.sqrt(300.0), rel=1e-3), "a variance of 1 per second for 300 s"


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * SECOND


def test_the_day_begins_at_its_roll_over_from_the_equity_before() -> None:
    equity = Decimal(0)
    loss = DayLoss(lambda: equity, 1.0, time(17, 30))
    seen = []
    for now, worth in (
        ("2024-01-02T10:00:00", 0),
        ("2024-01-02T17:29:59", -30),
        ("2024-01-02T17:30:00", -35),
        ("2024-01-03T17:29:00", -50),
        ("2024-01-03T17:30:01", -10),
        ("2024-01-03T18:00:00", -60),
    ):
        equity = Decimal(worth)
        seen.append(loss.value(at(now)))
    assert seen == [0.0, 30.0, 5.0, 20.0, 0.0, 10.0]


def test_the_hour_looks_back_an_hour_and_no_further() -> None:
    equity = Decimal(0)
    loss = HourLoss(lambda: equity, 1.0, 3600.0)
    seen = {}
    for minute in range(130):
        equity = Decimal(-minute)
        seen[minute] = loss.value(minute * 60 * SECOND)
    assert seen[0] == 0.0
    assert seen[59] == 59.0
    assert all(59.0 <= seen[minute] <= 60.0 for minute in range(61, 130))


def test_the_peak_is_the_start_or_better_and_resuming_accepts_the_loss() -> None:
    equity = Decimal(-5)
    loss = Drawdown(lambda: equity, 10.0)
    assert loss.value(0) == 0.5, "the start is a peak, and ten is the capital"
    equity = Decimal(20)
    assert loss.value(1) == 0.0
    equity = Decimal(12)
    assert loss.value(2) == 0.8
    loss.restart(3)
    assert loss.value(3) == 0.0


def test_silence_between_marks_is_no_silence_of_the_market_until_a_mark_is_overdue() -> None:
    feed = StaleFeed()
    assert feed.value(0) is None
    for second in (60, 120):
        feed.marked(mark(second * SECOND, market_ns=second * SECOND - SECOND))
    assert feed.value(170 * SECOND) == 1.0
    assert feed.value(210 * SECOND) == 1.0
    assert feed.value(211 * SECOND) == 92.0, "the strategy says nothing either"


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("POST_ONLY LIMIT BUY order limit px of 100 would have been a TAKER: bid=99, ask=100", True),
        ("EC_PostOnlyWillTakeLiquidity", True),
        ("Order would immediately match and take.", True),
        ("post only order would cross", True),
        ("INSUFFICIENT_BALANCE", False),
        ("", False),
    ],
)
def test_post_only_rejections_are_recognised(reason: str, expected: bool) -> None:
    assert is_post_only(reason) is expected
