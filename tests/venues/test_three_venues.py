"""Three venues of one asset with a lead and a basis put in: measured, weighed, and better than a venue's own mid."""

import numpy as np
import pytest

from mm_nautilus.estimators.component_share import component_shares
from mm_nautilus.estimators.lead_lag import bounded_shares, lead_lag, lead_lag_weights
from mm_nautilus.market import Quote, Side, TopOfBook
from mm_nautilus.venues.bounds import BoundTerms, HedgeBook, anchored, side_bound
from mm_nautilus.venues.consolidated import ConsolidatedFairValue
from mm_nautilus.venues.venue import Venue

NS = 1_000_000_000
STEP_NS = NS // 50
LEADS_S, BASIS = (0.0, 0.1, 0.3), (0.0, 4.0, -3.0)


@pytest.fixture(scope="module")
def ticks():
    """Rows ``(ts_ns, venue, mid)`` of a random walk that venue 0 shows at once and the others later."""
    rng = np.random.default_rng(11)
    n = 50 * 900
    price = 1_000.0 + np.cumsum(rng.normal(0, 0.05, n))
    rows = []
    for venue, (lead, basis) in enumerate(zip(LEADS_S, BASIS, strict=True)):
        at = np.flatnonzero(rng.random(n) < 0.3)
        seen = price[np.maximum(at - round(lead * 50), 0)] + basis + rng.normal(0, 0.02, len(at))
        rows += list(zip((at * STEP_NS).tolist(), [venue] * len(at), seen.tolist(), strict=True))
    return sorted(rows)


def series(ticks, venue):
    rows = [(ts, mid) for ts, one, mid in ticks if one == venue]
    return [ts for ts, _ in rows], [mid for _, mid in rows]


def test_leads_and_weights_are_those_put_in(ticks):
    shares = np.full((3, 3), 0.5)
    lags = [k / 50 for k in range(-25, 26)]
    for first in range(3):
        for second in range(3):
            if first != second:
                found = lead_lag(*series(ticks, first), *series(ticks, second), lags)
                assert found.lead_s == pytest.approx(LEADS_S[second] - LEADS_S[first], abs=0.061)
                assert found.clear
                shares[first, second] = found.first_share
    weights = lead_lag_weights(shares, floor=0.05)
    assert weights[0] > weights[1] > weights[2] >= 0.05


def sampled(ticks, step_ns):
    last, rows, due = [np.nan] * 3, [], 0
    for ts, venue, mid in ticks:
        while ts > due:
            rows.append(list(last))
            due += step_ns
        last[venue] = mid
    return np.array(rows)


def test_the_common_price_is_made_on_the_leader(ticks):
    found = component_shares(sampled(ticks, NS // 5), lags=3)
    assert found.shares[0] > 0.8
    assert found.basis - found.basis[0] == pytest.approx(np.array(BASIS), abs=0.1)


def test_the_fair_value_of_a_follower_foresees_its_mid(ticks):
    venues = [Venue(name, "X", "USD", 0.0, 0.0) for name in ("lead", "second", "third")]
    shares = component_shares(sampled(ticks, NS // 5), lags=3).shares
    fair = ConsolidatedFairValue(venues, "USD", 60.0, 5.0, bounded_shares(shares, floor=0.02).tolist())
    mids, due, asked, misses = [np.nan] * 3, NS, [], []
    for ts, venue, mid in ticks:
        while ts > due:
            fair.sample(due)
            asked.append((due + round(LEADS_S[2] * NS), fair.own_value(2, due), mids[2]))
            due += NS
        fair.update(venue, mid - 0.5, mid + 0.5, ts)
        mids[venue] = mid
        while asked and venue == 2 and ts >= asked[0][0]:
            _, own, before = asked.pop(0)
            misses.append((own - mid, before - mid))
    of_fair, of_mid = np.sqrt(np.mean(np.array(misses[60:]) ** 2, axis=0))
    assert len(misses) > 800
    assert of_fair < 0.6 * of_mid
    assert [fair.basis(i) - fair.basis(0) for i in (1, 2)] == pytest.approx(BASIS[1:], abs=0.1)


def test_hedged_at_the_bound_the_fill_leaves_less_to_chance(ticks):
    # Bought on the third venue and sold on the leader 0.1 s later, against being kept for a minute.
    prices = sampled(ticks, STEP_NS)[200:]
    terms = BoundTerms(0.0, min_edge=1e-4, z=0.0)
    hedged, kept = [], []
    for at in range(0, len(prices) - 3_001, 101):
        lead = prices[at, 0]
        book = HedgeBook("lead", [(lead - 0.5, 10.0)], [(lead + 0.5, 10.0)], 0.0)
        bounds = [side_bound(side, [book], 1.0, terms) for side in (Side.BUY, Side.SELL)]
        top = TopOfBook(prices[at, 2] - 0.5, prices[at, 2] + 0.5, 1.0, 1.0)
        bid = anchored(Quote(lead, 0.0, 0.0), *bounds, top).bid
        hedged.append(prices[at + 5, 0] - 0.5 - bid)
        kept.append(prices[at + 3_000, 0] - 0.5 - bid)
    assert np.mean(hedged) == pytest.approx(0.1, abs=0.03)
    ratio = np.var(hedged) / np.var(kept)
    rng = np.random.default_rng(0)
    draws = rng.integers(0, len(hedged), (500, len(hedged)))
    ratios = np.array(hedged)[draws].var(axis=1) / np.array(kept)[draws].var(axis=1)
    assert ratio < np.quantile(ratios, 0.99) < 0.05
