"""Steps 2 to 5, whatever the model says: golden values, and what no quote may ever violate."""

from __future__ import annotations

import json
import math
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from given_model import given_quoter, given_settings, market
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from mm_nautilus.errors import ConfigError
from mm_nautilus.market import Grid, QuoteState, Side
from mm_nautilus.quoting.adjust import NEUTRAL, Adjustment
from mm_nautilus.quoting.desk import Desk
from mm_nautilus.quoting.guards import UNBOUNDED, Bounds, Cap, Reason, reduce_only
from mm_nautilus.quoting.pipeline import Funds, Quoter, Wanted, limit_problems, size_problems
from mm_nautilus.quoting.settings import QuotingSettings, settings_with_model

TICK, LOT = Decimal("0.01"), Decimal("0.1")
BIDS = st.one_of(st.none(), st.floats(90.0, 110.0))
MARKETS = st.tuples(st.integers(9_900, 10_100), st.integers(1, 60))
LADDERS = st.fixed_dictionaries(
    {
        "levels": st.integers(1, 6),
        "spacing_ticks": st.floats(0.1, 20.0),
        "size_decay": st.floats(0.3, 1.0),
        "size_skew": st.floats(0.0, 1.0),
        "widen_inventory_side": st.floats(0.0, 3.0),
    }
)
GUARDS = st.fixed_dictionaries(
    {"min_half_spread_bps": st.floats(0.0, 40.0)},
    optional={
        "max_half_spread_bps": st.floats(40.0, 200.0),
        "min_price": st.floats(95.0, 100.0).map(lambda price: str(round(price, 2))),
        "max_price": st.floats(100.01, 105.0).map(lambda price: str(round(price, 2))),
    },
)
BOUND = st.one_of(st.none(), st.integers(-5, 60))
BOUNDING = st.sampled_from((Reason.ASSET_LIMIT, Reason.VOLUME_LIMIT, Reason.RISK_REDUCE_ONLY, Reason.HEDGING))
BOUNDS = st.builds(Bounds, BOUND, BOUND, BOUNDING, BOUNDING)
ADJUSTMENTS = st.builds(
    Adjustment,
    bid_spread=st.floats(0.5, 3.0),
    ask_spread=st.floats(0.5, 3.0),
    bid_size=st.floats(0.0, 2.0),
    ask_size=st.floats(0.0, 2.0),
    shift=st.floats(-0.5, 0.5),
)


# -------------------------------------------------------------------------- golden values


def approx(value: float | None) -> Any:
    return None if value is None else pytest.approx(value, rel=1e-10)


def finalised(vector: dict[str, Any]) -> tuple[float | None, float, float | None, float]:
    """Return bid, its size, ask and its size for the inputs of a reference vector."""
    grid = Grid(Decimal(str(vector["tick"])), Decimal(str(vector["lot"])), round(vector["min_size"] / vector["lot"]))
    quoter = given_quoter(
        vector["raw_bid"],
        vector["raw_ask"],
        grid,
        order_size=str(vector["base_size"]),
        limits={"max_position": str(vector["q_max"])},
        ladder={"size_skew": 1.0},
        adjust={"skew_size": 0.0, "aggressive_spread_multiplier": 1.0},
        guards={"min_half_spread_bps": 1e4 * vector["half_spread_floor"] / vector["fair"]},
    )
    state = market(vector["best_bid"], vector["best_ask"], vector["fair"])
    ladder = quoter.decide(state, round(vector["q"] / vector["lot"]), 0.0).ladder
    found: list[Any] = []
    for side in Side:
        level = next(iter(ladder.side(side)), None)
        found.append(None if level is None else level.price_ticks * vector["tick"])
        found.append(0.0 if level is None else level.size_lots * vector["lot"])
    return found[0], found[1], found[2], found[3]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, (99.97, 1.0, 100.04, 1.0)),
        ({"raw_ask": 99.981}, (99.97, 1.0, 100.0, 1.0)),
        ({"q": 10.0}, (None, 0.0, 100.04, 1.0)),
        ({"q": 11.0}, (None, 0.0, 100.04, 1.0)),
        ({"q": 5.0}, (99.97, 0.5, 100.04, 1.0)),
        ({"q": -3.0, "tick": 0.05, "base_size": 2.0}, (99.95, 2.0, 100.05, 1.4)),
    ],
)
def test_finalisation_by_hand(changes: dict[str, float], expected: tuple[float | None, ...]) -> None:
    vector = {"raw_bid": 99.973, "raw_ask": 100.031, "best_bid": 99.99, "best_ask": 100.01, "tick": 0.01, "fair": 100.0}
    sizes = {"q": 0.0, "q_max": 10.0, "base_size": 1.0, "lot": 0.1, "min_size": 0.1, "half_spread_floor": 0.0}
    assert [*finalised(vector | sizes | changes)] == [approx(value) for value in expected]


@pytest.mark.real_data
def test_finalisation_reference_vectors(shared_data: Path) -> None:
    vectors = json.loads((shared_data.parent / "vectors.json").read_text())["vectors"]["quote_finalisation"]
    for vector in vectors:
        expected = vector["expected"]
        wanted = expected["bid"], expected["bid_size"], expected["ask"], expected["ask_size"]
        assert [*finalised(vector["inputs"])] == [approx(value) for value in wanted], vector["id"]
    assert len(vectors) >= 6


# ------------------------------------------------------------------------------- any quote


@given(
    bid=BIDS,
    ask=BIDS,
    top=MARKETS,
    position=st.integers(-130, 130),
    ladder=LADDERS,
    guards=GUARDS,
    adjustment=st.one_of(st.just(NEUTRAL), ADJUSTMENTS),
    tighten=st.sampled_from((1.0, 0.5)),
    min_lots=st.sampled_from((1, 4)),
    max_notional=st.sampled_from((None, "300", "1200")),
    funds=st.one_of(st.none(), st.builds(Funds, st.integers(0, 60), st.integers(0, 60))),
    bounds=st.one_of(st.none(), BOUNDS),
    target=st.sampled_from((0.0, 4.0, -9.0)),
)
def test_no_quote_breaks_a_guard(
    bid: float | None,
    ask: float | None,
    top: tuple[int, int],
    position: int,
    ladder: dict[str, Any],
    guards: dict[str, Any],
    adjustment: Adjustment,
    tighten: float,
    min_lots: int,
    max_notional: str | None,
    funds: Funds | None,
    bounds: Bounds | None,
    target: float,
) -> None:
    state = market(top[0] / 100, (top[0] + top[1]) / 100)
    settings: dict[str, Any] = {
        "ladder": ladder,
        "limits": {"max_position": "10", "max_notional": max_notional},
        "adjust": {"aggressive_spread_multiplier": tighten, "skew_size": 0.5, "skew_spread": 0.3},
        "target_inventory": target,
    }
    grid = Grid(TICK, LOT, min_lots)
    quoter = given_quoter(bid, ask, grid, guards=guards, **settings)
    found = quoter.decide(state, position, 0.0, adjustment, funds, bounds)

    check_prices(found, top)
    rooms = check_sizes_fit(found, position, min_lots, max_notional, state.fair_value, funds, bounds)
    check_explained(found, rooms, ladder["levels"])
    check_never_toward_the_market(found, state.fair_value)
    assert (found.quote_state is QuoteState.WITHDRAWN) == (not found.ladder.bids and not found.ladder.asks)

    if "max_half_spread_bps" in guards:
        free = {name: value for name, value in guards.items() if name != "max_half_spread_bps"}
        unbounded = given_quoter(bid, ask, grid, guards=free, **settings)
        everything = unbounded.decide(state, position, 0.0, adjustment, funds, bounds).ladder
        farthest = guards["max_half_spread_bps"] * 1e-4 * state.fair_value
        for side in Side:
            near = [
                level for level in everything.side(side) if abs(level.price_ticks / 100 - state.fair_value) <= farthest
            ]
            assert list(found.ladder.side(side)) == near, "a level too far away is removed, and the others stay"


def check_prices(found: Wanted, top: tuple[int, int]) -> None:
    """On the lattice, apart from each other, outside the market's other side, and not through ourselves."""
    best_bid, best_ask = top[0], top[0] + top[1]
    bids = [level.price_ticks for level in found.ladder.bids]
    asks = [level.price_ticks for level in found.ladder.asks]
    assert all(isinstance(price, int) and price > 0 for price in bids + asks)
    assert bids == sorted(set(bids), reverse=True)
    assert asks == sorted(set(asks))
    assert not bids or bids[0] < best_ask, "a bid would take"
    assert not asks or asks[0] > best_bid, "an ask would take"
    assert not bids or not asks or bids[0] < asks[0], "we would trade with ourselves"


def check_sizes_fit(
    found: Wanted,
    position: int,
    min_lots: int,
    max_notional: str | None,
    fair_value: float,
    funds: Funds | None,
    bounds: Bounds | None,
) -> dict[Side, int]:
    """Within every bound; return the room of each side in lots."""
    rooms = {}
    for side in Side:
        room = 100 - int(side) * position
        if max_notional is not None:
            room = min(room, math.floor(float(max_notional) / (fair_value * 0.1)) - int(side) * position)
        if funds is not None:
            room = min(room, funds.buy_lots if side is Side.BUY else funds.sell_lots)
        if bounds is not None and (bound := bounds.lots(side)) is not None:
            room = min(room, bound)
        sizes = [level.size_lots for level in found.ladder.side(side)]
        assert sum(sizes) <= max(room, 0), "more than the room"
        assert all(size >= min_lots for size in sizes)
        assert room >= min_lots or not sizes, "one-sided at the limit"
        rooms[side] = room
    return rooms


def check_explained(found: Wanted, rooms: dict[Side, int], levels: int) -> None:
    """Every missing side has a reason, every missing level a reason or a cap, at its own side."""
    for side, suffix in ((Side.BUY, ":BID"), (Side.SELL, ":ASK")):
        about = [reason for reason in found.reasons if reason.endswith(suffix)]
        capped = [cap for cap in found.caps if cap.endswith(suffix)]
        if not found.ladder.side(side):
            assert about, f"{side.name} is missing without a reason: {found.reasons}"
        elif len(found.ladder.side(side)) < levels:
            assert about or capped, f"a level of {side.name} is missing without a word"
    assert len(set(found.reasons)) == len(found.reasons)


def check_never_toward_the_market(found: Wanted, fair_value: float) -> None:
    """Bids stand at or below what model and adjustment asked for, asks at or above; the sizes tell nothing here."""
    assert found.quote is not None
    adjusted = found.adjustment
    for side, half_spread, factor in (
        (Side.BUY, found.quote.bid_half_spread, adjusted.bid_spread),
        (Side.SELL, found.quote.ask_half_spread, adjusted.ask_spread),
    ):
        for level in found.ladder.side(side):
            assert half_spread is not None, "quoted although the model does not"
            asked = found.quote.reservation_price + adjusted.shift - int(side) * half_spread * factor
            assert (level.price_ticks / 100 - asked) * int(side) <= 1e-6 * 0.01 + 1e-9, "a guard moved it closer"


# --------------------------------------------------------------------------- single guards


@pytest.mark.parametrize(
    ("bid", "ask"), [(math.nan, 101.0), (99.0, math.inf), (-math.inf, None), (99.0, 1e308), (-1e308, 1e308)]
)
def test_a_model_that_is_not_finite_withdraws(bid: float, ask: float | None) -> None:
    found = given_quoter(bid, ask).decide(market(99.99, 100.01), 0, 0.0)
    assert found.quote_state is QuoteState.WITHDRAWN
    assert found.reasons == ("MODEL_NOT_FINITE",)


def test_a_model_whose_arithmetic_fails_withdraws() -> None:
    found = given_quoter(99.0, 101.0, fails=True).decide(market(99.99, 100.01), 0, 0.0)
    assert (found.quote_state, found.reasons) == (QuoteState.WITHDRAWN, ("MODEL_NOT_FINITE",))


@pytest.mark.parametrize(
    ("settings", "position", "side", "reason"),
    [
        ({}, 100, Side.BUY, "POSITION_LIMIT:BID"),
        ({}, -100, Side.SELL, "POSITION_LIMIT:ASK"),
        ({"limits": {"max_position": "10", "max_notional": "500"}}, 50, Side.BUY, "NOTIONAL_LIMIT:BID"),
        ({"ladder": {"size_skew": 1.0}}, 99, Side.BUY, "BELOW_MIN_SIZE:BID"),
        ({"guards": {"min_price": "99.96"}}, 0, Side.BUY, "PRICE_BAND:BID"),
        ({"guards": {"max_price": "100.04"}}, 0, Side.SELL, "PRICE_BAND:ASK"),
        ({"guards": {"max_half_spread_bps": 4.9}}, 0, Side.SELL, "WIDER_THAN_MAX:ASK"),
        ({"bid": None}, 0, Side.BUY, "MODEL_BOUND:BID"),
    ],
)
def test_each_guard_names_itself(settings: dict[str, Any], position: int, side: Side, reason: str) -> None:
    fields = {"bid": 99.95, "ask": 100.05} | settings
    found = given_quoter(fields.pop("bid"), fields.pop("ask"), **fields).decide(market(99.99, 100.01), position, 0.0)
    assert not found.ladder.side(side)
    assert reason in found.reasons


@pytest.mark.parametrize(
    ("settings", "cap"),
    [
        ({"bid": 99.999, "guards": {"min_half_spread_bps": 3.0}}, "MIN_HALF_SPREAD:BID"),
        ({"bid": 100.02, "fair_value": 100.03}, "POST_ONLY:BID"),
        ({"ask": 99.98, "fair_value": 99.97}, "POST_ONLY:ASK"),
        ({"ladder": {"levels": 4}, "limits": {"max_position": "2.5"}}, "POSITION_LIMIT:BID"),
        ({"limits": {"max_position": "10", "max_order_notional": "50"}}, "ORDER_NOTIONAL:ASK"),
    ],
)
def test_each_cap_names_itself(settings: dict[str, Any], cap: str) -> None:
    fields = {"bid": 99.95, "ask": 100.05} | settings
    state = market(99.99, 100.01, fields.pop("fair_value", None))
    found = given_quoter(fields.pop("bid"), fields.pop("ask"), **fields).decide(state, 0, 0.0)
    assert cap in found.caps
    assert found.ladder.bids
    assert found.ladder.asks


def test_own_quotes_that_cross_are_pushed_apart_by_the_ask() -> None:
    """The fair value keeps them from crossing, and the ask gives way where both would stand on it."""
    found = given_quoter(100.02, 99.98).decide(market(99.9, 100.1), 0, 0.0)
    assert [level.price_ticks for level in found.ladder.bids] == [10_000]
    assert [level.price_ticks for level in found.ladder.asks] == [10_001]
    assert "OWN_CROSS" in found.caps


def test_a_side_that_is_not_quoted_pushes_nothing() -> None:
    found = given_quoter(100.02, 99.98).decide(market(99.9, 100.1), 100, 0.0)
    assert [level.price_ticks for level in found.ladder.asks] == [10_000]
    assert "OWN_CROSS" not in found.caps


@pytest.mark.parametrize(
    ("settings", "position", "adjustment", "state"),
    [
        ({}, 0, NEUTRAL, QuoteState.ACTIVE),
        ({}, 0, Adjustment(bid_spread=2.0), QuoteState.PASSIVE),
        ({"guards": {"min_half_spread_bps": 30.0}}, 0, NEUTRAL, QuoteState.PASSIVE),
        ({"adjust": {"aggressive_spread_multiplier": 0.5}}, 80, NEUTRAL, QuoteState.AGGRESSIVE),
        ({}, 100, NEUTRAL, QuoteState.INVENTORY_LIMIT),
        ({}, 0, Adjustment(bid_size=0.0, ask_size=0.0), QuoteState.WITHDRAWN),
    ],
)
def test_quote_states(settings: dict[str, Any], position: int, adjustment: Adjustment, state: QuoteState) -> None:
    found = given_quoter(99.9, 100.1, **settings).decide(market(99.99, 100.01), position, 0.0, adjustment)
    assert found.quote_state is state
    assert state is QuoteState.ACTIVE or found.reasons


def test_the_reducing_side_alone_is_tightened() -> None:
    quoter = given_quoter(99.8, 100.2, adjust={"aggressive_spread_multiplier": 0.5, "aggressive_above": 0.7})
    for position, bid, ask in ((69, 9980, 10020), (70, 9980, 10010), (-70, 9990, 10020)):
        ladder = quoter.decide(market(99.99, 100.01), position, 0.0).ladder
        assert (ladder.bids[0].price_ticks, ladder.asks[0].price_ticks) == (bid, ask)


def test_the_adding_side_is_held_back_from_the_first_band_on() -> None:
    quoter = given_quoter(99.8, 100.2, adjust={"skew_above": 0.3, "skew_size": 0.5, "skew_spread": 0.5})
    for position, bid, bid_lots, ask_lots in ((30, 9980, 10, 10), (65, 9975, 7, 10), (-65, 9980, 10, 7)):
        ladder = quoter.decide(market(99.99, 100.01), position, 0.0).ladder
        found = ladder.bids[0].price_ticks, ladder.bids[0].size_lots, ladder.asks[0].size_lots
        assert found == (bid, bid_lots, ask_lots)


def test_the_bands_are_on_by_default_and_say_so() -> None:
    quoter = given_quoter(99.8, 100.2)
    assert quoter.decide(market(99.99, 100.01), 30, 0.0).reasons == ()
    assert quoter.decide(market(99.99, 100.01), 50, 0.0).reasons == ("ADDING_SIDE_SKEWED:BID",)
    most = quoter.decide(market(99.99, 100.01), -75, 0.0)
    assert most.reasons == ("ADDING_SIDE_SKEWED:ASK", "REDUCING_SIDE_TIGHTENED")
    assert most.quote_state is QuoteState.AGGRESSIVE


@pytest.mark.parametrize("position", [31, 60, 99])
def test_an_order_of_the_smallest_size_is_not_skewed_away(position: int) -> None:
    quoter = given_quoter(99.8, 100.2, Grid(TICK, LOT, 10))
    ladder = quoter.decide(market(99.99, 100.01), position, 0.0, bounds=UNBOUNDED).ladder
    assert [level.size_lots for level in ladder.bids] == ([10] if position <= 90 else [])


def test_tightening_stops_at_the_floor() -> None:
    quoter = given_quoter(99.8, 100.2, guards={"min_half_spread_bps": 15.0})
    found = quoter.decide(market(99.99, 100.01), 80, 0.0)
    assert found.ladder.asks[0].price_ticks == 10_015
    assert "MIN_HALF_SPREAD:ASK" in found.caps


def test_bands_are_counted_from_the_target() -> None:
    """With a target of 4 of 10, the way to the limit is 6 above it and 14 below it."""
    quoter = given_quoter(99.8, 100.2, target_inventory=4.0)
    states = {
        position: quoter.decide(market(99.99, 100.01), position, 0.0).reasons
        for position in (40, 58, 59, 81, 82, -2, -3, -57, -58)
    }
    skewed, tightened = {":BID": "ADDING_SIDE_SKEWED:BID", ":ASK": "ADDING_SIDE_SKEWED:ASK"}, "REDUCING_SIDE_TIGHTENED"
    assert states == {
        40: (),
        58: (),
        59: (skewed[":BID"],),
        81: (skewed[":BID"],),
        82: (skewed[":BID"], tightened),
        -2: (),
        -3: (skewed[":ASK"],),
        -57: (skewed[":ASK"],),
        -58: (skewed[":ASK"], tightened),
    }


@pytest.mark.parametrize(
    ("changes", "target"),
    [
        ({}, 0.0),
        ({"target_inventory": 3.0}, 3.0),
        ({"drift_price_per_s": 0.002}, 2.0),
        ({"drift_price_per_s": 0.002, "target_inventory": -3.0}, -1.0),
        ({"funding_rate_per_s": 3e-5}, -3.0),
        ({"mean_reversion_per_s": 0.001, "mean_price": 104.0}, 4.0),
        ({"drift_price_per_s": 1.0}, 10.0),
    ],
)
def test_a_stated_drift_moves_the_target_that_the_bands_are_counted_from(
    changes: dict[str, float], target: float
) -> None:
    fields = {"instrument_id": "XYZ.SIM", "order_size": "1", "limits": {"max_position": "10"}, "gamma": 0.001}
    settings = settings_with_model(QuotingSettings, "glft").model_validate(
        fields | {"intensity": {"a_per_s": 1.0, "k_per_price": 1.0}} | changes
    )
    quoter = Quoter(settings, Grid(TICK, LOT), float(LOT))
    found = quoter.decide(market(99.99, 100.01), round(target / float(LOT)), 0.0)
    assert found.target == pytest.approx(target)
    assert "ADDING_SIDE_SKEWED" not in "".join(found.reasons)


@pytest.mark.parametrize(
    ("adjust", "message"),
    [
        ({"skew_above": 0.8}, r"skew_above \(0.8\) is above aggressive_above \(0.7\)"),
        ({"aggressive_above": 0.2}, "thresholds out of order"),
    ],
)
def test_bands_out_of_order_are_refused(adjust: dict[str, float], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        given_settings(99.0, 101.0, adjust=adjust)


def test_bounds_shrink_and_remove_and_name_themselves() -> None:
    quoter = given_quoter(99.8, 100.2)
    for reason in (Reason.ASSET_LIMIT, Reason.VENUE_LIMIT, Reason.VOLUME_LIMIT, Reason.PORTFOLIO_LIMIT, Reason.HEDGING):
        found = quoter.decide(market(99.99, 100.01), 0, 0.0, bounds=Bounds(4, 0, reason, reason))
        assert [level.size_lots for level in found.ladder.bids] == [4]
        assert found.ladder.asks == ()
        assert found.caps == (f"{reason}:BID",)
        assert found.reasons == (f"{reason}:ASK",)
        assert found.quote_state is (QuoteState.PASSIVE if reason is Reason.HEDGING else QuoteState.INVENTORY_LIMIT)


def test_reduce_only_takes_the_position_to_zero_and_no_further() -> None:
    quoter = given_quoter(99.8, 100.2)
    found = quoter.decide(market(99.99, 100.01), 3, 0.0, bounds=reduce_only(3))
    assert found.ladder.bids == ()
    assert [level.size_lots for level in found.ladder.asks] == [3]
    assert (found.caps, found.reasons) == (("RISK_REDUCE_ONLY:ASK",), ("RISK_REDUCE_ONLY:BID",))
    flat = quoter.decide(market(99.99, 100.01), 0, 0.0, bounds=reduce_only(0))
    assert flat.quote_state is QuoteState.WITHDRAWN


def test_of_two_bounds_the_tighter_holds_on_each_side() -> None:
    asset = Bounds(5, None, Reason.ASSET_LIMIT, Reason.ASSET_LIMIT)
    volume = Bounds(7, 3, Reason.VOLUME_LIMIT, Reason.VOLUME_LIMIT)
    for both in (asset.within(volume), volume.within(asset)):
        assert both == Bounds(5, 3, Reason.ASSET_LIMIT, Reason.VOLUME_LIMIT)
    assert UNBOUNDED.within(UNBOUNDED) == UNBOUNDED


@pytest.mark.parametrize("reason", [reason for reason in Reason if reason.name in Cap.__members__])
def test_every_reason_that_can_bound_is_a_cap_as_well(reason: Reason) -> None:
    found = given_quoter(99.8, 100.2).decide(market(99.99, 100.01), 0, 0.0, bounds=Bounds(4, 4, reason, reason))
    assert found.caps == (f"{reason}:BID", f"{reason}:ASK")


def test_sizes_that_do_not_fit_the_lattice_are_reported_together() -> None:
    settings = given_settings(99.0, 101.0, order_size="0.25", limits={"max_position": "1.01"})
    problems = [
        "order_size: 0.25 is not a multiple of the lot size 0.1 of XYZ.SIM",
        "limits.max_position: 1.01 is not a multiple of the lot size 0.1 of XYZ.SIM",
        "order_size: 0.25 is below the venue's smallest order 0.5",
    ]
    assert size_problems(settings, Grid(TICK, LOT, 5)) == problems
    with pytest.raises(ConfigError, match="3 problems"):
        Desk(settings, Grid(TICK, LOT, 5), "MM-001", lambda _price: 0.1)


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"max_notional": "99"}, "limits.max_notional: 99 is below one order: order_size 1 is worth 100 at a price"),
        ({"max_notional": "100"}, None),
        ({"max_order_notional": "9"}, "limits.max_order_notional: 9 is below one order: the venue's smallest order"),
        ({"max_order_notional": "50"}, None),
        ({"max_venue_gross_notional": "99"}, "limits.max_venue_gross_notional: 99 is below one order"),
        ({"max_daily_volume": "99"}, "limits.max_daily_volume: 99 is below one order"),
        ({"capital": "400", "max_portfolio_share": "0.2"}, "limits.max_portfolio_share: 80.0 is below one order"),
        ({"target_inventory": 10.0}, "target_inventory: 10.0 leaves no room below limits.max_position, worth 10"),
        ({"target_inventory": -9.0}, None),
    ],
)
def test_a_limit_below_one_order_is_named(changes: dict[str, Any], problem: str | None) -> None:
    target = changes.pop("target_inventory", 0.0)
    settings = given_settings(99.0, 101.0, limits={"max_position": "10"} | changes, target_inventory=target)
    found = limit_problems(settings, Grid(TICK, LOT), float(LOT), 100.0)
    assert len(found) == (problem is not None)
    assert problem is None or found[0].startswith(problem)


def test_an_asset_limit_below_one_order_is_named() -> None:
    with pytest.raises(ValidationError, match=r"limits.max_asset_position \(0.5\) is below order_size \(1\)"):
        given_settings(99.0, 101.0, limits={"max_position": "10", "max_asset_position": "0.5"})


def test_an_order_worth_less_than_the_venue_takes_is_not_wanted() -> None:
    # One lot is 0.1, worth 9.9 at the bid: an order of at least 25 needs three lots there.
    grid = Grid(TICK, LOT, min_notional=Decimal(25))
    whole = given_quoter(99.0, 101.0, grid, order_size="0.3", limits={"max_position": "0.9"}).decide(
        market(99.5, 100.5), 4, 0.0
    )
    assert [level.size_lots for level in whole.ladder.bids] == [3]
    assert whole.min_lots == 3
    rest = given_quoter(99.0, 101.0, grid, order_size="0.3", limits={"max_position": "0.9"}).decide(
        market(99.5, 100.5), 7, 0.0
    )
    assert rest.ladder.bids == ()
    assert "POSITION_LIMIT:BID" in rest.reasons
    assert [level.size_lots for level in rest.ladder.asks] == [3]
