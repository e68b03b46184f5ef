"""Leads, bases and correlations of a run's instruments are those that were put in."""

import numpy as np
import pytest

from mm_nautilus.analytics.hedged_edge import Fees, Ticks, hedged_edge
from mm_nautilus.analytics.relations import PutIn, relations

NS = 1_000_000_000


def walk(seed, seconds=900, step_s=0.02):
    rng = np.random.default_rng(seed)
    n = round(seconds / step_s)
    return np.arange(n) * round(step_s * NS), 100 + np.cumsum(rng.normal(0, 0.01, n))


def shown(ts, price, seed, lag_s=0.0, basis=0.0, share=0.3):
    """Ticks of a market that shows a price late, now and then."""
    rng = np.random.default_rng(seed)
    at = np.flatnonzero(rng.random(len(ts)) < share)
    lagged = price[np.maximum(at - round(lag_s * NS / (ts[1] - ts[0])), 0)] + basis
    return Ticks.of(ts[at], lagged - 0.01, lagged + 0.01)


def test_a_lead_and_a_basis_are_found_beside_what_was_put_in():
    ts, price = walk(1)
    ticks = {"A": shown(ts, price, 2), "B": shown(ts, price, 3, 0.3, 0.5), "C": shown(ts, price, 4, 1.0, -0.2)}
    put_in = {"A": PutIn(0.0, 0.0), "B": PutIn(0.3, 0.5), "C": PutIn(1.0, -0.2)}
    found = relations(ticks, dict.fromkeys(ticks, "X"), put_in=put_in).assets["X"]
    for pair in found.pairs:
        assert pair.clear
        assert pair.lead_s == pytest.approx(pair.put_in_lead_s, abs=0.06)
        assert pair.basis == pytest.approx(pair.put_in_basis, abs=0.05)
    assert found.weights["A"] > found.weights["B"] > found.weights["C"]
    assert sum(found.weights.values()) == pytest.approx(1.0)


def test_assets_have_correlations_but_no_lead():
    (ts, one), (_, other) = walk(5), walk(6)
    both = {"A": shown(ts, one, 1), "B": shown(ts, 0.8 * one + 0.6 * other, 2), "C": shown(ts, other, 3)}
    found = relations(both, {name: name for name in both})
    assert found.assets == {}
    matrix, errors = (np.array(values) for values in (found.correlations.correlation, found.correlations.errors))
    wanted = np.array([[1, 0.8, 0], [0.8, 1, 0.6], [0, 0.6, 1]])
    assert (np.abs(matrix - wanted) <= 4 * errors + 1e-9).all()


def test_what_never_moved_has_no_relations():
    still = Ticks.of(np.array([0, NS]), np.array([1.0, 1.0]), np.array([2.0, 2.0]))
    ts, price = walk(7, 60)
    moving = shown(ts, price, 1)
    assert len(still.ts_ns) == 1, "only changes count"
    assert relations({"A": still, "B": moving}, {"A": "X", "B": "X"}) is None
    assert relations({"A": moving}, {"A": "X"}) is None
    one_sided = Ticks.of(np.array([0, NS]), np.array([1.0, np.nan]), np.array([2.0, 2.0]))
    assert one_sided.mids()[1].tolist() == [1.5]


def test_a_hedge_earns_what_the_venues_are_apart_and_less_the_later_it_comes():
    """The hedge venue leads: what is left is the difference of the spreads, less the moves it has made before."""
    ts, price = walk(8)
    late = price[np.maximum(np.arange(len(price)) - 10, 0)]
    ticks = {"lead": Ticks.of(ts, price - 0.01, price + 0.01), "late": Ticks.of(ts, late - 0.05, late + 0.05)}
    fees = {"lead": Fees(taker=1e-4), "late": Fees(maker=-5e-5)}
    found = hedged_edge("late", "lead", ticks, fees)
    at_once = found.edges[0]
    # Four hundredths between the spreads and half a basis point of fees, of a price near 100.
    assert at_once.any_time_bps == pytest.approx(1e4 * 0.04 / price.mean() - 0.5, abs=0.05)
    assert (at_once.any_time_kept, at_once.when_gone_kept is None) == (1.0, at_once.when_gone_bps <= 0)
    means = [edge.any_time_bps for edge in found.edges]
    assert means == pytest.approx([means[0]] * 3, abs=3 * found.edges[2].any_time_error_bps + 0.01), (
        "time tells nothing"
    )
    gone = [edge.when_gone_bps for edge in found.edges]
    step_bps = 1e4 * 0.01 * np.sqrt(2 / np.pi) / price.mean()
    assert gone[0] == pytest.approx(means[0] - step_bps, abs=0.1), "by then the leader had made that move"
    assert found.gone > 1000


def test_a_stale_market_is_no_hedge():
    ts, price = walk(10, 60)
    open_market = Ticks.of(ts, price - 0.01, price + 0.01)
    closed = Ticks.of(np.array([ts[0] - 100 * NS, ts[-1] + 100 * NS]), np.array([1.0, 2.0]), np.array([2.0, 3.0]))
    assert hedged_edge("A", "B", {"A": open_market, "B": closed}, dict.fromkeys("AB", Fees())) is None
