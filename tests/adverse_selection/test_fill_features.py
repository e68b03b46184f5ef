"""What is known at a fill: by hand, by symmetry, and never from what comes after."""

import math
import random
from copy import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mm_nautilus.adverse_selection.feature_schema import feature_schema
from mm_nautilus.adverse_selection.features import FillFeatures
from mm_nautilus.adverse_selection.fill_settings import FeatureSettings
from mm_nautilus.adverse_selection.past_values import PastValues
from mm_nautilus.estimators.order_flow import flow_of_event
from mm_nautilus.market import Side, TopOfBook

S = 1_000_000_000
T0 = 1_700_000_000 * S
TICK, SIGMA = 0.01, 0.02


def tracker(**settings):
    return FillFeatures(TICK, FeatureSettings(**settings))


def named(features, side, now_ns, share=0.0, order=None):
    vector = features.vector(side, now_ns, SIGMA, share, order)
    return dict(zip(features.schema.names, vector, strict=True))


def history(seed, seconds=60, per_s=5):
    """Return random tops and trades in order of time, several of them at one instant."""
    rng = random.Random(seed)
    events, bid, now = [], 10_000, T0
    for _ in range(seconds * per_s):
        now += rng.choice((0, 1, 1, 1)) * rng.randrange(1, int(2 * S / per_s))
        if rng.random() < 0.2:
            events.append((now, (bid * TICK, rng.choice((0.5, 1.0, 4.0)), rng.choice((Side.BUY, Side.SELL, None)))))
        else:
            bid += rng.choice((-1, 0, 0, 0, 1))
            spread = rng.choice((1, 1, 2))
            events.append(
                (now, TopOfBook(bid * TICK, (bid + spread) * TICK, rng.randrange(1, 9) / 2, rng.randrange(1, 9) / 2))
            )
    return events


def feed(features, events):
    for now, event in events:
        if isinstance(event, TopOfBook):
            features.moved(now, event)
        else:
            features.traded(now, *event)
    return events[-1][0] + 1


def mirrored(event):
    """Return the event of a market in which up is down."""
    if isinstance(event, TopOfBook):
        return TopOfBook(200.0 - event.ask, 200.0 - event.bid, event.ask_size, event.bid_size)
    price, size, aggressor = event
    return 200.0 - price, size, None if aggressor is None else aggressor.opposite


def test_every_feature_by_hand() -> None:
    features = tracker()
    features.moved(T0, TopOfBook(100.00, 100.02, 4.0, 4.0))
    features.moved(T0 + 40 * S, TopOfBook(99.99, 100.01, 3.0, 1.0))  # the mid falls by a tick: OFI -4 - 1
    features.traded(T0 + 40 * S + S // 2, 99.99, 2.0, Side.SELL)
    features.rested("mine", Side.BUY, 99.99, T0 + 41 * S)
    features.filled(T0 + 41 * S, Side.SELL)
    now = T0 + 42 * S + S // 2  # two seconds after the trade
    found = named(features, Side.BUY, now, share=0.25, order="mine")
    decayed = 2.0**-0.2
    # The average size is that of the first book, which stood for forty seconds, 4; the second one has not ended.
    assert found == pytest.approx(
        {
            "queue_imbalance_against": -(3.0 - 1.0) / 4.0,
            "spread_ticks": 2.0,
            "return_1s_against": 0.0,
            "return_5s_against": 0.01 / (SIGMA * math.sqrt(5.0)),
            "return_30s_against": 0.01 / (SIGMA * math.sqrt(30.0)),
            "ofi_1s_against": 0.0,
            "ofi_10s_against": 5.0 / 4.0,
            "trade_imbalance_against": 1.0,
            "trade_flow_2s_against": 2.0 * 2.0**-1.0 / 4.0,
            "trade_flow_10s_against": 2.0 * decayed / 4.0,
            "trade_rate_per_s": decayed * math.log(2.0) / 10.0 / (1.0 - 2.0**-4.25),
            "volume_ratio": features._activity.value(now),
            "trade_age_s": 2.0,
            "own_fill_age_s": 600.0,
            "own_fills_60s": 0.0,
            "own_fills_60s_opposite": 1.0,
            "distance_sigma": 0.01 / SIGMA,
            "distance_ticks": 0.0,
            "order_age_s": 1.5,
            "queue_ahead": 3.0 / 4.0,
            "displayed": 3.0 / 4.0,
            "volatility_ratio": 0.01 * math.sqrt(2.0**-0.25 * math.log(2.0) / 10.0 / (1.0 - 2.0**-4.25)) / SIGMA,
            "inventory_share": 0.25,
        },
        abs=1e-9,
    )
    sold = named(features, Side.SELL, now, share=0.25)
    assert sold["queue_imbalance_against"] == pytest.approx(0.5)
    assert sold["inventory_share"] == -0.25
    assert (sold["own_fill_age_s"], sold["order_age_s"], sold["displayed"]) == pytest.approx((1.5, 0.0, 0.25))


def test_nothing_is_said_before_it_is_known() -> None:
    features = tracker()
    now = T0 + 31 * S
    features.moved(T0, TopOfBook(100.0, 100.02, 1.0, 1.0))
    assert features.vector(Side.BUY, now, SIGMA, 0.0) is None  # nobody has traded
    features.traded(now - S, 100.0, 1.0, Side.BUY)
    assert features.vector(Side.BUY, T0 + 29 * S, SIGMA, 0.0) is None  # thirty seconds have not passed
    assert features.vector(Side.BUY, now, None, 0.0) is None
    assert features.vector(Side.BUY, now, 0.0, 0.0) is None
    assert features.vector(Side.BUY, now, SIGMA, 0.0) is not None
    features.moved(now, TopOfBook(100.0, 0.0, 1.0, 0.0))
    assert features.vector(Side.BUY, now + 1, SIGMA, 0.0) is None  # no ask
    features.moved(now + 2, TopOfBook(100.02, 100.0, 1.0, 1.0))
    assert features.vector(Side.BUY, now + 3, SIGMA, 0.0) is None  # crossed
    features.moved(now + 4, TopOfBook(100.0, 100.02, 1.0, 1.0))
    assert features.vector(Side.BUY, now + 5, SIGMA, 0.0) is not None


@given(st.integers(0, 10_000))
def test_a_bid_in_a_market_is_an_ask_in_its_mirror_image(seed) -> None:
    events = history(seed)
    there, here = tracker(), tracker()
    now = feed(here, events)
    feed(there, [(ts, mirrored(event)) for ts, event in events])
    here.rested("a", Side.BUY, 99.9, now)
    there.rested("a", Side.SELL, 100.1, now)
    for features, side in ((here, Side.BUY), (there, Side.SELL)):
        features.filled(now, side)
    one = here.vector(Side.BUY, now + S, SIGMA, 0.3)
    other = there.vector(Side.SELL, now + S, SIGMA, -0.3)
    assert one is not None
    assert one == pytest.approx(other, abs=1e-6)


@given(st.integers(0, 10_000), st.integers(0, 10_000))
def test_what_comes_after_changes_nothing(seed, other) -> None:
    events, later = history(seed), history(other, seconds=3)
    alone, followed = tracker(), tracker()
    now = feed(alone, events)
    feed(followed, events)
    feed(followed, [(now, event) for _, event in later])  # all of it at the instant of the fill
    assert alone.vector(Side.SELL, now, SIGMA, 0.0) == followed.vector(Side.SELL, now, SIGMA, 0.0)


def test_an_instant_counts_when_it_is_over() -> None:
    features = tracker()
    now = feed(features, history(3))
    before = named(features, Side.BUY, now)
    features.traded(now, 100.0, 50.0, Side.SELL)
    features.filled(now, Side.BUY)
    assert named(features, Side.BUY, now) == before
    features.over(now)
    after = named(features, Side.BUY, now)
    assert after["trade_flow_2s_against"] > before["trade_flow_2s_against"]
    assert (after["trade_age_s"], after["own_fill_age_s"], after["own_fills_60s"]) == (0.0, 0.0, 1.0)


@given(st.integers(0, 10_000), st.sampled_from([None, 3.0]))
def test_a_vector_is_finite_and_as_long_as_its_schema(seed, bucket) -> None:
    features = tracker(vpin_bucket_volume=bucket)
    now = feed(features, history(seed))
    for side in Side:
        vector = features.vector(side, now, SIGMA, 0.0)
        assert vector is not None
        assert len(vector) == len(features.schema.names)
        assert all(math.isfinite(value) for value in vector)
    assert ("vpin_rank" in features.schema.names) == (bucket is not None)


def test_order_flow_is_that_of_the_estimator() -> None:
    events = history(11, seconds=120)
    features = tracker()
    now = feed(features, events)
    tops = [(ts, event) for ts, event in events if isinstance(event, TopOfBook)]
    slice_ns = S // 10
    begin = (now // slice_ns - 100 + 1) * slice_ns  # a look back ends with its slice
    flow = sum(
        flow_of_event(a.bid, a.bid_size, a.ask, a.ask_size, b.bid, b.bid_size, b.ask, b.ask_size)
        for (_, a), (ts, b) in pairwise(tops)
        if ts >= begin
    )
    found = named(features, Side.SELL, now)["ofi_10s_against"]
    assert flow != 0.0
    assert found * features._depth == pytest.approx(flow, abs=1e-6)


def test_memory_does_not_grow() -> None:
    features = tracker(vpin_bucket_volume=1.0)
    for round_ in range(20):
        feed(features, [(ts + round_ * 200 * S, event) for ts, event in history(round_)])
        features.filled(T0 + round_ * 200 * S, Side.BUY)
        features.rested(str(round_), Side.BUY, 100.0, T0 + round_ * 200 * S)
        features.gone(str(round_), T0 + round_ * 200 * S)
    for _ in range(1000):
        features.filled(T0 + 4000 * S, Side.BUY)
    features.over(T0 + 4000 * S)
    assert len(features._past._ring) == 301
    assert len(features._fills[Side.BUY]) == 256
    assert not features._pending
    assert len(features.orders) == 0


def test_past_values_are_those_that_held() -> None:
    past = PastValues(30)
    assert past.ago(T0, 1) is None
    past.moved(T0, (1.0, 10.0))
    past.moved(T0 + 5 * S, (2.0, 20.0))
    assert past.ago(T0 + 5 * S, 1) == (1.0, 10.0)
    assert past.ago(T0 + 6 * S, 1) == (2.0, 20.0)
    assert past.ago(T0 + 29 * S, 30) is None
    assert past.ago(T0 + 30 * S, 30) == (1.0, 10.0)
    assert past.ago(T0 + 1000 * S, 30) == (2.0, 20.0)


def test_the_schema_is_known_by_what_it_means() -> None:
    plain = feature_schema(FeatureSettings())
    bucketed = [feature_schema(FeatureSettings(vpin_bucket_volume=volume)) for volume in (1.0, 2.0)]
    assert len({schema.digest for schema in (plain, *bucketed)}) == 3
    assert feature_schema(FeatureSettings()).digest == plain.digest
    renamed = replace(plain, described=dict(plain.described) | {"spread_ticks": "something else"})
    assert renamed.digest != plain.digest
    assert all(plain.described.values())
