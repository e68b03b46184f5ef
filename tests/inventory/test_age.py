"""Age by lots: first in, first out, against a plain list of them."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mm_nautilus.errors import ParameterError
from mm_nautilus.inventory.age import LotQueue

D = Decimal
SECOND = 10**9


def queue(*trades):
    lots = LotQueue()
    for t, size in trades:
        lots.trade(t * SECOND, D(size))
    return lots


def plain(trades):
    """Return position, open lots and the time of leaving zero, lot by lot."""
    open_lots, since = [], None
    for t, size in trades:
        sign, units = (1 if size > 0 else -1), abs(size)
        for _ in range(units):
            if open_lots and open_lots[0][1] != sign:
                open_lots.pop(0)
            else:
                if not open_lots:
                    since = t
                open_lots.append((t, sign))
        if not open_lots:
            since = None
    return open_lots, since


@given(
    st.lists(st.tuples(st.integers(0, 50), st.integers(-5, 5).filter(bool)), max_size=40),
    st.integers(0, 100),
)
def test_ages_are_those_of_single_units(steps, later):
    t, trades = 0, []
    for wait, size in steps:
        t += wait
        trades.append((t, size))
    lots, (units, since), now = queue(*trades), plain(trades), t + later
    assert lots.position == sum(sign for _, sign in units)
    if not units:
        assert lots.lots == ()
        assert lots.weighted_age_s(now * SECOND) is None
        assert lots.oldest_age_s(now * SECOND) is None
        assert lots.since_flat_or_flip_s(now * SECOND) is None
        return
    assert lots.weighted_age_s(now * SECOND) == pytest.approx(sum(now - opened for opened, _ in units) / len(units))
    assert lots.oldest_age_s(now * SECOND) == now - units[0][0]
    assert lots.since_flat_or_flip_s(now * SECOND) == now - since


def test_a_fill_does_not_make_the_position_young():
    lots = queue((0, "1"), (99, "0.001"))
    assert lots.weighted_age_s(100 * SECOND) == pytest.approx(99.9010989010989)
    assert lots.oldest_age_s(100 * SECOND) == 100


def test_what_is_open_stays_exact_over_many_trades():
    lots = queue(*((t, "0.1") for t in range(1000)), (1000, "-99.9"))
    assert lots.lots == ((999 * SECOND, D("0.1")),)
    lots.trade(1001 * SECOND, D("-0.1"))
    assert lots.position == 0
    assert lots.lots == ()


def test_flipping_through_zero_starts_anew():
    lots = queue((0, "2"), (10, "2"), (50, "-5"))
    assert lots.lots == ((50 * SECOND, D(-1)),)
    assert lots.since_flat_or_flip_s(60 * SECOND) == 10


@pytest.mark.parametrize(
    ("size", "t", "field"), [("0", 5, "signed_size"), ("NaN", 5, "signed_size"), ("1", 4, "ts_ns")]
)
def test_a_trade_that_cannot_be_is_named(size, t, field):
    lots = queue((5, "1"))
    with pytest.raises(ParameterError) as caught:
        lots.trade(t * SECOND, D(size))
    assert caught.value.field == field
    assert lots.position == 1


def test_ages_do_not_look_back():
    with pytest.raises(ParameterError, match="now_ns"):
        queue((5, "1")).oldest_age_s(4 * SECOND)
