"""The lines sum to the total to the last digit, whatever was traded and wherever the marks went."""

from decimal import ROUND_HALF_EVEN, Context, Decimal

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from mm_nautilus.analytics import attribution
from mm_nautilus.analytics.attributed_fill import AttributedFill, FillKind
from mm_nautilus.analytics.attribution import attribute, attribute_by_venue
from mm_nautilus.analytics.attribution_lines import Attribution
from mm_nautilus.errors import ParameterError
from mm_nautilus.inventory.accounting import account_for
from mm_nautilus.inventory.contract import Contract
from mm_nautilus.market import Side
from mm_nautilus.messages import FillFact

D = Decimal
SPOT = Contract("USDT", "BTC")
INVERSE = Contract("USD", "BTC", D(100), inverse=True)
LINEAR = st.sampled_from([SPOT, Contract("USD", multiplier=D(50)), Contract("USD", multiplier=D("0.01"))])

_BROKEN_IS_FOUND = settings(
    max_examples=150,
    deadline=None,
    report_multiple_bugs=False,
    derandomize=True,
    database=None,
    phases=(Phase.generate,),
)

prices = st.decimals("0.0001", "99999", places=4)
fills = st.builds(
    AttributedFill,
    ts_ns=st.integers(0, 120),
    side=st.sampled_from(Side),
    size=st.decimals("0.00000001", "5000", places=8),
    price=prices,
    commission=st.decimals("-9", "9", places=10),
    kind=st.sampled_from(FillKind),
    venue=st.sampled_from(["A", "B", "C"]),
)
marks = st.lists(st.tuples(st.integers(1, 100), prices), max_size=15).map(
    lambda later: sorted(later, key=lambda m: m[0])
)
positions = st.decimals("-5000", "5000", places=8)
funding = st.lists(st.tuples(st.integers(0, 120), st.decimals("-50", "50", places=10)), max_size=4)


def fact(fill, contract):
    return FillFact(
        fill.ts_ns, "MM", "X", "", "", "", 0, fill.side.name, 0, fill.price, fill.size, "MAKER",
        fill.commission, contract.settlement_currency, D(0), None, None, 0,
    )  # fmt: skip


@_BROKEN_IS_FOUND
@given(
    st.lists(fills, max_size=25),
    prices,
    marks,
    st.one_of(LINEAR, st.just(INVERSE)),
    st.integers(0, 150),
    positions,
    funding,
)
def the_lines_are_the_total(done, first, later, contract, horizon, opening, flows):
    path = [(0, first), *later]
    found = attribute(done, path, contract, horizon, opening, flows)
    assert found.sum_of_lines == found.total, "the lines sum to the total"
    ordered = sorted(done, key=lambda fill: fill.ts_ns)
    books = account_for([fact(fill, contract) for fill in ordered], path[-1][1], contract, opening, first)
    assert found.total == books.total + sum((amount for _, amount in flows), D(0)), "and it is accounting's"
    assert (found.position, -found.fees, found.rebates) == (books.position, books.fees, books.rebates)


def test_the_lines_are_the_total_on_random_fills_and_marks():
    the_lines_are_the_total()


@_BROKEN_IS_FOUND
@given(
    st.lists(fills, max_size=25),
    prices,
    marks,
    LINEAR,
    st.integers(0, 150),
    st.dictionaries(st.sampled_from("ABC"), positions),
    st.dictionaries(st.sampled_from("ABCD"), funding),
)
def the_venues_are_the_asset(done, first, later, contract, horizon, opening, flows):
    path = [(0, first), *later]
    venues = attribute_by_venue(done, path, contract, horizon, opening, flows)
    whole = attribute(
        done, path, contract, horizon, sum(opening.values(), D(0)), [flow for ours in flows.values() for flow in ours]
    )
    assert sum(venues.values(), Attribution()) == whole, "venue by venue it is the asset's"
    assert all(one.sum_of_lines == one.total for one in venues.values())


def test_the_venues_sum_to_the_asset_line_by_line():
    the_venues_are_the_asset()


def test_marks_that_differ_by_venue_would_not_sum(monkeypatch):
    """The basis between venues would be counted as inventory."""
    whole = attribution.attribute

    def on_its_own_marks(done, path, *rest):
        shift = D("0.01") if any(fill.venue == "B" for fill in done) else D(0)
        return whole(done, [(ts, price + shift) for ts, price in path], *rest)

    monkeypatch.setattr(attribution, "attribute", on_its_own_marks)
    with pytest.raises(AssertionError, match="venue by venue"):
        the_venues_are_the_asset()


def rounded_value(self, position, price):
    return (position * price * self.multiplier).quantize(D("0.01"), ROUND_HALF_EVEN, Context(prec=60))


@pytest.mark.parametrize(
    ("target", "name", "broken", "broken_property", "promise"),
    [
        (attribution, "_drift", lambda *_: D(0), the_lines_are_the_total, "sum to the total"),
        (attribution, "EXACT", Context(prec=12), the_lines_are_the_total, "sum to the total|accounting"),
        (Contract, "value", rounded_value, the_venues_are_the_asset, "venue by venue"),
        (
            attribution,
            "_LINE_OF",
            dict.fromkeys(FillKind, "inventory") | {FillKind.MAKER: "fees"},
            the_lines_are_the_total,
            "accounting|==",
        ),
    ],
)
def test_broken_arithmetic_is_seen(monkeypatch, target, name, broken, broken_property, promise):
    monkeypatch.setattr(target, name, broken)
    with pytest.raises(AssertionError, match=promise):
        broken_property()


def one(ts, side, size, price, kind=FillKind.MAKER, fee="0"):
    return AttributedFill(ts, side, D(size), D(price), D(fee), kind)


def test_a_fill_at_the_instant_of_a_mark_comes_before_it_and_its_markout_after():
    path = [(0, D(100)), (10, D(101)), (20, D(103))]
    found = attribute([one(10, Side.BUY, "2", "99.5")], path, SPOT, 10)
    assert found.spread_capture == D("1.0"), "against 100, not 101"
    assert found.adverse_selection == D(6), "at 103, which was set at the end of the horizon"
    assert found.inventory == 0
    assert found.realised_spread == D("7.0")


def test_the_horizon_ends_with_the_marks():
    path = [(0, D(100)), (10, D(98))]
    found = attribute([one(5, Side.BUY, "1", "99")], path, SPOT, 1000)
    assert (found.spread_capture, found.adverse_selection, found.inventory) == (1, -2, 0)


def test_a_round_trip_of_a_hedged_maker_in_an_inverse_contract():
    path = [(0, D(50000)), (10, D(40000))]
    done = [one(1, Side.BUY, "10", "49900"), one(2, Side.SELL, "10", "49950", FillKind.HEDGE, "0.0001")]
    found = attribute(done, path, INVERSE, 5)
    assert found.position == 0
    assert found.spread_capture > 0 > found.hedging - found.spread_capture
    assert found.inventory + found.adverse_selection == 0, "flat when the mark moved"
    assert found.total == found.sum_of_lines


def test_a_price_below_zero_is_a_price():
    """Spreads trade there, and so did oil in April 2020."""
    found = attribute([one(0, Side.BUY, "1", "-37.63")], [(0, D("-37.60")), (1, D("10.01"))], SPOT, 0)
    assert (found.spread_capture, found.total) == (D("0.03"), D("47.64"))


@pytest.mark.parametrize(
    ("path", "done", "horizon", "field"),
    [
        ([], [], 0, "marks"),
        ([(5, D(1)), (4, D(1))], [], 0, "marks"),
        ([(0, D("NaN"))], [], 0, "marks"),
        ([(0, D(1))], [], -1, "horizon_ns"),
        ([(5, D(1))], [one(4, Side.BUY, "1", "1")], 0, "fills"),
    ],
)
def test_bad_input_names_the_field(path, done, horizon, field):
    with pytest.raises(ParameterError) as caught:
        attribute(done, path, SPOT, horizon)
    assert caught.value.field == field


@pytest.mark.parametrize(("path", "price"), [("-1", "1"), ("1", "0")])
def test_an_inverse_contract_needs_prices_above_zero(path, price):
    with pytest.raises(ParameterError):
        attribute([one(0, Side.BUY, "1", price)], [(0, D(path))], INVERSE, 0)


@pytest.mark.parametrize(
    ("size", "price", "fee"), [("0", "1", "0"), ("-1", "1", "0"), ("1", "NaN", "0"), ("1", "1", "inf")]
)
def test_a_fill_checks_itself(size, price, fee):
    with pytest.raises(ParameterError):
        one(0, Side.BUY, size, price, fee=fee)
