"""What the asset, the venue, the day and the portfolio leave; trades that reduce are never refused."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pydantic import ValidationError

from mm_nautilus.errors import ParameterError
from mm_nautilus.inventory.limits import ALONE, Held, Holding, Limits, Surroundings, side_bounds, surroundings
from mm_nautilus.market import Side, TopOfBook
from mm_nautilus.quoting.guards import UNBOUNDED, Bounds, Reason
from mm_nautilus.quoting.limit_settings import AgeSettings, LimitSettings

PRICE = 100.0
LOT = 0.1
ASSETS, VENUES = ("BTC", "ETH"), ("A", "B")
# Whole lots, so that what is compared is the rule and not the rounding.
LOTS = st.integers(-60, 60).map(lambda lots: lots * LOT)
OPEN = st.integers(0, 30).map(lambda lots: lots * LOT)
HOLDINGS = st.builds(
    Holding, st.sampled_from(ASSETS), st.sampled_from(VENUES), LOTS, OPEN, OPEN, st.sampled_from((PRICE, 40.0))
)
LIMITS = st.builds(
    Limits,
    st.one_of(st.none(), st.floats(0.5, 20.0)),
    st.one_of(st.none(), st.floats(50.0, 3000.0)),
    st.one_of(st.none(), st.floats(50.0, 3000.0)),
    st.one_of(st.none(), st.floats(50.0, 3000.0)),
)


def limits(**stated: float) -> Limits:
    return Limits(**stated)


@pytest.mark.parametrize(
    ("stated", "around", "position", "expected"),
    [
        ({}, ALONE, 3.0, (None, None)),
        ({"max_asset_position": 5.0}, ALONE, 3.0, (20, 80)),
        ({"max_asset_position": 5.0}, Surroundings(position=-4.0), 3.0, (60, 40)),
        ({"max_asset_position": 5.0}, Surroundings(open_buy=1.0, open_sell=2.0), 3.0, (10, 60)),
        ({"max_asset_position": 5.0}, ALONE, 7.0, (0, 120)),
        ({"max_venue_gross_notional": 500.0}, Surroundings(venue_gross=300.0), 1.0, (10, 30)),
        ({"max_venue_gross_notional": 500.0}, Surroundings(position=-9.0, venue_gross=900.0), 1.0, (0, 10)),
        ({"max_portfolio_notional": 500.0}, Surroundings(portfolio=300.0), -1.0, (30, 10)),
        ({"max_portfolio_notional": 500.0}, Surroundings(portfolio=900.0), -1.0, (10, 0)),
        ({"max_daily_volume": 400.0}, ALONE, 0.0, (20, 20)),
        ({"max_daily_volume": 400.0}, ALONE, 3.0, (20, 30)),
    ],
)
def test_bounds_by_hand(
    stated: dict[str, float], around: Surroundings, position: float, expected: tuple[int | None, int | None]
) -> None:
    found = side_bounds(position, PRICE, LOT, limits(**stated), around)
    assert (found.buy_lots, found.sell_lots) == expected


def test_the_tightest_limit_is_named_on_each_side() -> None:
    both = limits(max_asset_position=5.0, max_daily_volume=700.0)
    assert side_bounds(3.0, PRICE, LOT, both) == Bounds(20, 35, Reason.ASSET_LIMIT, Reason.VOLUME_LIMIT)
    assert side_bounds(3.0, PRICE, LOT, limits()) == UNBOUNDED


def test_a_day_that_is_traded_out_leaves_the_way_to_flat() -> None:
    day = limits(max_daily_volume=400.0)
    assert side_bounds(3.0, PRICE, LOT, day, traded=400.0) == Bounds(0, 30, Reason.VOLUME_LIMIT, Reason.VOLUME_LIMIT)
    hedged = Surroundings(position=-3.0)
    assert side_bounds(3.0, PRICE, LOT, day, hedged, traded=999.0).sell_lots == 0, "the asset is flat already"


@dataclass
class Quoted:
    """An instrument that is quoted, as the limits of others ask about it."""

    top: TopOfBook | None = None
    position_lots: int = 0
    working_lots: tuple[int, int] = (0, 0)


def test_what_is_held_follows_market_position_and_orders_and_is_found_once() -> None:
    quoted, held = Quoted(), Held("BTC", "A", lambda price: 10.0 / price)
    assert held.of(quoted) is None, "no price yet"
    quoted.top = TopOfBook(99.0, 101.0, 1.0, 1.0)
    quoted.position_lots, quoted.working_lots = -20, (30, 40)
    found = held.of(quoted)
    assert found == Holding("BTC", "A", -2.0, 3.0, 4.0, 100.0)
    assert held.of(quoted) is found
    quoted.position_lots = 10
    assert held.of(quoted) == Holding("BTC", "A", 1.0, 3.0, 4.0, 100.0)
    quoted.working_lots = (0, 40)
    assert held.of(quoted) == Holding("BTC", "A", 1.0, 0.0, 4.0, 100.0)
    quoted.top = TopOfBook(49.0, 51.0, 1.0, 1.0)
    assert held.of(quoted) == Holding("BTC", "A", 2.0, 0.0, 8.0, 50.0)
    quoted.top = TopOfBook(0.0, 0.0, 0.0, 0.0)
    assert held.of(quoted) is None


def test_venues_net_for_the_asset_and_add_up_for_the_venue() -> None:
    others = [
        Holding("BTC", "B", -4.0, 0.5, 1.0, 100.0),
        Holding("BTC", "A", 1.0, 1.0, 3.0, 100.0),
        Holding("ETH", "A", -2.0, 0.0, 1.0, 10.0),
        Holding("ETH", "B", 5.0, 0.0, 0.0, 10.0),
    ]
    found = surroundings("BTC", "A", others)
    assert (found.position, found.open_buy, found.open_sell) == (-3.0, 1.5, 4.0)
    assert found.venue_gross == pytest.approx(200.0 + 30.0)
    assert found.portfolio == pytest.approx(30.0), "ETH nets 3, with a sell of 1 in the market"


@given(
    position=LOTS, others=st.lists(HOLDINGS, max_size=5), stated=LIMITS, traded=st.floats(0.0, 4000.0), data=st.data()
)
def test_no_fill_takes_a_measure_past_its_limit_and_none_that_reduces_is_refused(
    position: float, others: list[Holding], stated: Limits, traded: float, data: st.DataObject
) -> None:
    around = surroundings("BTC", "A", others)
    bounds = side_bounds(position, PRICE, LOT, stated, around, traded)
    side = data.draw(st.sampled_from(Side))
    bound = bounds.lots(side)
    worst = measures(position, others, side)
    if bound is not None:
        assert bound >= 0
        after = measures(position + int(side) * bound * LOT, others, side)
        for name, limit in named(stated).items():
            grows = abs(after[name]) > abs(worst[name]) + 1e-9
            assert not grows or abs(after[name]) <= limit + 1e-6, f"{name} grows past its limit"
    # What one more lot reduces, in every measure, after everything that works already.
    net = position + around.position
    working = around.open_buy if side is Side.BUY else around.open_sell
    reduces = min(-int(side) * net - working, -int(side) * position)
    if bound is not None and reduces > 0:
        assert bound >= math.floor(reduces / LOT + 1e-6), "a trade that reduces was refused"


def measures(position: float, others: list[Holding], side: Side) -> dict[str, float]:
    """Return the worst case of each limited measure once everything on `side` elsewhere has filled."""
    net = gross = 0.0
    assets: dict[str, tuple[float, float]] = {}
    for one in others:
        filled = one.position + (one.open_buy if side is Side.BUY else -one.open_sell)
        if one.asset == "BTC":
            net += filled
        else:
            high, low = assets.get(one.asset, (0.0, 0.0))
            assets[one.asset] = (
                high + (one.position + one.open_buy) * one.price,
                low + (one.position - one.open_sell) * one.price,
            )
        if one.venue == "A":
            gross += max(abs(one.position + one.open_buy), abs(one.position - one.open_sell)) * one.price
    elsewhere = sum(max(abs(high), abs(low)) for high, low in assets.values())
    net += position
    return {
        "max_asset_position": net,
        "max_venue_gross_notional": gross + abs(position) * PRICE,
        "max_portfolio_notional": elsewhere + abs(net) * PRICE,
    }


def named(stated: Limits) -> dict[str, float]:
    names = ("max_asset_position", "max_venue_gross_notional", "max_portfolio_notional")
    return {name: getattr(stated, name) for name in names if getattr(stated, name) is not None}


@given(position=LOTS, traded=st.floats(0.0, 4000.0), limit=st.floats(50.0, 4000.0), data=st.data())
def test_both_sides_together_keep_to_the_day(position: float, traded: float, limit: float, data: st.DataObject) -> None:
    bounds = side_bounds(position, PRICE, LOT, limits(max_daily_volume=limit), ALONE, traded)
    buys, sells = (data.draw(st.integers(0, bounds.lots(side) or 0)) for side in Side)
    volume = traded + (buys + sells) * LOT * PRICE
    assume(volume > limit)
    reducing = sells if position > 0 else buys
    assert reducing * LOT <= max(abs(position), (limit - traded) / PRICE / 2) + 1e-6
    assert volume - reducing * LOT * PRICE <= max(limit, traded) + 1e-6, "more than what reduces went past the limit"


# ----------------------------------------------------------------------------------- mistakes


@pytest.mark.parametrize(
    ("stated", "message"),
    [
        ({"max_portfolio_share": "0.2"}, r"capital \(None\) and max_portfolio_share \(0.2\) need each other"),
        ({"capital": "1000"}, "need each other"),
        ({"max_order_notional": "11", "max_notional": "10"}, r"max_order_notional \(11\) is above max_notional \(10\)"),
        ({"max_notional": "11", "max_venue_gross_notional": "10"}, "is above max_venue_gross_notional"),
        ({"max_order_notional": "11", "max_venue_gross_notional": "10"}, "is above max_venue_gross_notional"),
        ({"max_order_notional": "11", "max_daily_volume": "10"}, "is above max_daily_volume"),
        ({"max_asset_position": "0"}, "greater than 0"),
        ({"day_begins_utc": "22:00+02:00"}, "takes no time zone"),
        ({"max_dayly_volume": "1"}, "Extra inputs are not permitted"),
    ],
)
def test_limits_that_contradict_each_other_are_named(stated: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        LimitSettings.model_validate({"max_position": "10"} | stated)


def test_settings_become_limits() -> None:
    settings = LimitSettings.model_validate(
        {"max_position": "10", "max_asset_position": "8", "capital": "5000", "max_portfolio_share": "0.2"}
    )
    assert Limits.of(settings) == limits(max_asset_position=8.0, max_portfolio_notional=1000.0)
    assert settings.reach_beyond_the_instrument
    assert not LimitSettings.model_validate({"max_position": "10"}).reach_beyond_the_instrument
    with pytest.raises(ParameterError, match="max_daily_volume must be > 0"):
        limits(max_daily_volume=0.0)


def test_ages_out_of_order_are_named() -> None:
    with pytest.raises(ValidationError, match=r"warn_after_s \(3600.0\) is above liquidate_after_s \(60.0\)"):
        AgeSettings(liquidate_after_s=60.0)
