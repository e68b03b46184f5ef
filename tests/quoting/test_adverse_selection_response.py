"""Step 3 under adverse selection: what an assessment does to a quote, and to the record of it."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mm_nautilus.market import Grid, QuoteState, TopOfBook
from mm_nautilus.messages import AdverseSelectionAssessment
from mm_nautilus.quoting.adjust import NEUTRAL, Adjustment, combined, of_assessment
from mm_nautilus.quoting.desk import Desk
from mm_nautilus.quoting.settings import QuotingSettings, settings_with_model

SECOND = 1_000_000_000
FACTORS = st.floats(0.5, 2.0)
ADJUSTMENTS = st.builds(
    Adjustment, FACTORS, FACTORS, FACTORS, FACTORS, st.floats(-1.0, 1.0), st.booleans(), st.booleans()
)


def assessment(**changes):
    """Return an assessment that asks for nothing."""
    plain = {"int": 0, "str": "", "bool": False, "float": 1.0, "tuple[str, ...]": ()}
    values = {name: plain.get(kind) for name, kind in AdverseSelectionAssessment.__annotations__.items()}
    return AdverseSelectionAssessment(**(values | {"adverse_ratio": 0.0} | changes))


def desk(model="glft", position_lots=0, **changes):
    given_fields = ({"gamma": 0.1} if model == "glft" else {}) | {
        "instrument_id": "XYZ.SIM",
        "model": model,
        "order_size": "1",
        "intensity": {"a_per_s": 1.0, "k_per_price": 1.0},
        "limits": {"max_position": "10"},
        "volatility": {"fixed_price_per_sqrt_s": 0.2},
        "guards": {"stale_after_s": 1e6},
    }
    settings = settings_with_model(QuotingSettings, model).model_validate(given_fields | changes)
    made = Desk(settings, Grid(Decimal("0.01"), Decimal("0.1")), "MM-001", lambda _price: 0.1, position_lots)
    made.heard(0)
    made.top = TopOfBook(99.5, 100.5, 5.0, 5.0)
    return made


def decision_of(made):
    requote = made.requote("assessment", SECOND)
    assert requote is not None
    return requote.decision


def test_an_assessment_that_asks_for_nothing_changes_nothing() -> None:
    assert of_assessment(assessment()) == NEUTRAL


def test_the_toxic_side_is_widened_and_shrunk_and_the_record_shows_it() -> None:
    plain, made = decision_of(desk()), desk()
    made.adjustment = of_assessment(assessment(bid_spread_multiplier=1.5, bid_size_multiplier=0.7))
    wary = decision_of(made)
    assert (wary.bid_spread_multiplier, wary.bid_size_multiplier) == (1.5, 0.7)
    assert (wary.ask_spread_multiplier, wary.ask_size_multiplier) == (1.0, 1.0)
    assert wary.ask_prices == plain.ask_prices
    assert wary.ask_sizes == plain.ask_sizes
    assert 100.0 - wary.bid_prices[0] == pytest.approx(1.5 * (100.0 - plain.bid_prices[0]), abs=0.011)
    assert wary.bid_sizes[0] == pytest.approx(0.7)
    assert (wary.quote_state, wary.reasons) == (QuoteState.PASSIVE.value, ("WIDENED",))


@pytest.mark.parametrize(
    ("position_lots", "bids", "reasons"),
    [(0, 0, ("ADVERSE_SELECTION:BID",)), (20, 0, ("ADVERSE_SELECTION:BID",)), (-20, 1, ())],
)
def test_a_side_that_is_picked_off_is_left_alone_unless_it_reduces_the_position(position_lots, bids, reasons) -> None:
    made = desk(position_lots=position_lots)
    made.adjustment = of_assessment(assessment(bid_away_until_ns=5 * SECOND))
    found = decision_of(made)
    assert (len(found.bid_prices), len(found.ask_prices)) == (bids, 1)
    assert found.reasons == reasons
    assert found.quote_state == (QuoteState.ACTIVE if bids else QuoteState.PASSIVE).value


def test_both_sides_away_is_withdrawn_with_both_reasons_and_ends_when_it_is_over() -> None:
    made = desk()
    made.adjustment = of_assessment(assessment(bid_away_until_ns=1, ask_away_until_ns=1))
    found = decision_of(made)
    assert found.quote_state == QuoteState.WITHDRAWN.value
    assert set(found.reasons) == {"ADVERSE_SELECTION:BID", "ADVERSE_SELECTION:ASK"}
    made.adjustment = of_assessment(assessment())
    assert decision_of(made).quote_state == QuoteState.ACTIVE.value


def test_a_tightened_reducing_side_keeps_what_was_asked_for() -> None:
    tightening = {"aggressive_above": 0.5, "aggressive_spread_multiplier": 0.5}
    made = desk(position_lots=80, adjust=tightening)
    made.adjustment = Adjustment(bid_spread=1.5, ask_spread=1.2, bid_size=0.7, bid_away=True)
    found = decision_of(made)
    assert found.ask_spread_multiplier == pytest.approx(0.6)
    assert found.bid_spread_multiplier == 1.5
    assert found.bid_prices == ()
    assert "ADVERSE_SELECTION:BID" in found.reasons


@given(one=ADJUSTMENTS, other=ADJUSTMENTS)
def test_combining_is_symmetric_and_neutral_is_neutral(one, other) -> None:
    assert combined(one, other) == combined(other, one)
    assert combined(one, NEUTRAL) == one == combined(NEUTRAL, one)
    both = combined(one, other)
    assert both.bid_away == (one.bid_away or other.bid_away)
    assert both.ask_size == one.ask_size * other.ask_size


@given(adjustment=ADJUSTMENTS, position=st.integers(-100, 100))
def test_stepping_away_never_takes_the_reducing_side(adjustment, position) -> None:
    made = desk(position_lots=position)
    made.adjustment = adjustment
    found = decision_of(made)
    if position > 0 and "POSITION_LIMIT:ASK" not in found.reasons:
        assert found.ask_prices
    if position < 0 and "POSITION_LIMIT:BID" not in found.reasons:
        assert found.bid_prices
    assert not (found.bid_prices and adjustment.bid_away and position >= 0)
    assert not (found.ask_prices and adjustment.ask_away and position <= 0)


def test_the_adverse_ratio_reaches_models_that_read_it() -> None:
    calm = desk("dynamic_volatility", quote_lifetime_s=10.0, adverse_weight=1.0)
    wary = desk("dynamic_volatility", quote_lifetime_s=10.0, adverse_weight=1.0)
    wary.adverse_ratio = 0.8
    spreads = [found.ask_prices[0] - found.bid_prices[0] for found in (decision_of(calm), decision_of(wary))]
    assert spreads[1] > spreads[0]
