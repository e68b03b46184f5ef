"""What is kept from quote to quote never shows: a quoter answers as a fresh one would."""

from copy import replace
from decimal import Decimal

import pytest
from given_model import given_settings, market
from hypothesis import given, settings
from hypothesis import strategies as st

from mm_nautilus.market import Grid, Side
from mm_nautilus.quoting.adjust import NEUTRAL, Adjustment
from mm_nautilus.quoting.finalise import LadderShape, priced_side
from mm_nautilus.quoting.guards import Bounds, Trace, post_only
from mm_nautilus.quoting.ladder import ladder_ticks
from mm_nautilus.quoting.lattice import ticks_away
from mm_nautilus.quoting.pipeline import Funds, Quoter, Wanted
from mm_nautilus.quoting.stance import Sizing, Stance

LOTS = st.integers(0, 30)
ADJUSTMENTS = st.sampled_from(
    (NEUTRAL, Adjustment(1.5, 1.0, 0.5, 1.0), Adjustment(bid_away=True), Adjustment(ask_away=True, bid_size=2.0))
)
ASKED = st.lists(
    st.tuples(
        st.integers(-110, 110),
        ADJUSTMENTS,
        st.none() | st.builds(Funds, LOTS, LOTS),
        st.none() | st.builds(Bounds, st.none() | LOTS, st.none() | LOTS),
        st.floats(99.9, 100.1),
    ),
    min_size=2,
    max_size=6,
)
VENUES = st.tuples(st.sampled_from((1, 3)), st.sampled_from(("0", "15", "150")))
CHANGES = st.fixed_dictionaries(
    {
        "ladder": st.fixed_dictionaries({"levels": st.sampled_from((1, 3)), "size_skew": st.sampled_from((0.0, 1.0))}),
        "adjust": st.fixed_dictionaries({"skew_size": st.sampled_from((0.0, 0.5)), "skew_above": st.just(0.1)}),
        "limits": st.sampled_from(
            ({"max_position": "10"}, {"max_position": "10", "max_notional": "500", "max_order_notional": "80"})
        ),
    }
)


def answers(venue: tuple[int, str], changes: dict[str, object], asked: list, *, fresh: bool = False) -> list[Wanted]:
    min_lots, min_notional = venue
    grid = Grid(Decimal("0.01"), Decimal("0.1"), min_lots, Decimal(min_notional))
    told, found = given_settings(99.97, 100.03, **changes), []
    quoter = Quoter(told, grid, float(grid.lot))
    for position, adjustment, funds, bounds, fair_value in asked:
        if fresh:
            quoter = Quoter(told, grid, float(grid.lot))
        found.append(quoter.decide(market(99.98, 100.02, fair_value), position, 0.0, adjustment, funds, bounds))
    return found


@settings(max_examples=60, deadline=None)
@given(VENUES, CHANGES, ASKED)
def test_a_quoter_remembers_nothing_that_shows(venue: tuple[int, str], changes: dict[str, object], asked: list) -> None:
    assert answers(venue, changes, asked) == answers(venue, changes, asked, fresh=True)


@pytest.mark.parametrize("now", [(90, NEUTRAL), (0, Adjustment(bid_size=0.5))])
def test_a_stance_that_outlives_what_it_was_made_for_shows(
    monkeypatch: pytest.MonkeyPatch, now: tuple[int, Adjustment]
) -> None:
    made, renewed = {}, Sizing.stance

    def kept(self: Sizing, made_for: tuple, fair_value: float) -> Stance:
        _, first = made.setdefault(id(self), (self, renewed(self, made_for, fair_value)))
        return replace(first, made_for=made_for)

    monkeypatch.setattr(Sizing, "stance", kept)
    asked = [(position, adjustment, None, None, 100.0) for position, adjustment in ((0, NEUTRAL), now)]
    assert answers((1, "0"), {}, asked) != answers((1, "0"), {}, asked, fresh=True)


@given(VENUES, CHANGES, ASKED)
@settings(max_examples=60, deadline=None)
def test_the_short_way_past_the_bounds_leads_where_the_long_one_does(
    venue: tuple[int, str], changes: dict[str, object], asked: list
) -> None:
    short, stance = answers(venue, changes, asked), Sizing.stance

    def long_way(self: Sizing, made_for: tuple, fair_value: float) -> Stance:
        found = stance(self, made_for, fair_value)
        return replace(found, bid=replace(found.bid, fits=False), ask=replace(found.ask, fits=False))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Sizing, "stance", long_way)
        assert answers(venue, changes, asked) == short


@given(
    st.sampled_from(Side),
    st.floats(90.0, 110.0),
    st.floats(90.0, 110.0) | st.floats(-4.0, 4.0),
    st.sampled_from((0.01, 0.05, 0.1, 0.25)),
    st.integers(1, 3),
)
def test_a_price_away_from_the_other_side_need_not_be_clamped(
    side: Side, price: float, opposite: float, tick: float, levels: int
) -> None:
    if opposite < 10.0:
        opposite = price + opposite * tick  # near enough for rounding to matter
    ticks = ladder_ticks(side, price, tick, tick, levels)
    post_only(side, ticks, ticks_away(side, opposite, tick), Trace())
    assert priced_side(side, price, 0.0, opposite, LadderShape(levels, tick), tick, Trace()) == ticks
