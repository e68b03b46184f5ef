"""From a chance to a quote, and what happens when the model fails."""

from decimal import Decimal

import pytest

from mm_nautilus.adverse_selection.features import FillFeatures
from mm_nautilus.adverse_selection.fill_risk import SideResponse, adjustment_of, side_response
from mm_nautilus.adverse_selection.fill_settings import FillRiskSettings, FillWatchSettings
from mm_nautilus.adverse_selection.fill_watch import FillWatch
from mm_nautilus.errors import DataError
from mm_nautilus.market import Grid, Side, TopOfBook
from mm_nautilus.quoting.adjust import NEUTRAL, Adjustment

S = 1_000_000_000
T0 = 1_700_000_000 * S
SETTINGS = FillRiskSettings()
GRID = Grid(Decimal("0.01"), Decimal("0.001"))


@pytest.mark.parametrize(
    ("risk", "flow", "trades", "expected"),
    [
        (0.71, 0.0, 9.0, SideResponse(1.5, 0.6)),
        (0.7, 0.0, 9.0, SideResponse()),
        (0.5, 0.0, 9.0, SideResponse()),
        (0.3, 0.0, 9.0, SideResponse()),
        (0.29, 0.0, 9.0, SideResponse(0.8, 1.2)),
        (None, 0.0, 9.0, SideResponse()),
        (0.5, 0.6, 5.0, SideResponse(away=True)),
        (0.29, 0.9, 9.0, SideResponse(0.8, 1.2, away=True)),
        (None, 0.9, 9.0, SideResponse(away=True)),
        (0.5, 0.9, 4.9, SideResponse()),
        (0.5, -0.9, 9.0, SideResponse()),
    ],
)
def test_a_side_answers_to_its_own_risk_and_flow(risk, flow, trades, expected) -> None:
    assert side_response(risk, flow, trades, SETTINGS) == expected


def test_flow_can_be_left_out() -> None:
    assert side_response(0.5, 1.0, 99.0, FillRiskSettings(step_away_imbalance=None)) == SideResponse()


def test_nothing_to_do_is_neutral_and_sides_stay_apart() -> None:
    assert adjustment_of(SideResponse(), SideResponse()) is NEUTRAL
    assert adjustment_of(SideResponse(1.5, 0.6), SideResponse(away=True)) == Adjustment(
        1.5, 1.0, 0.6, 1.0, 0.0, False, True
    )


def test_low_risk_lies_below_high() -> None:
    with pytest.raises(ValueError, match=r"low_risk \(0.7\) is not below high_risk \(0.7\)"):
        FillRiskSettings(low_risk=0.7)


class Model:
    """Says what it is told to, and fails from one call on."""

    def __init__(self, bid, ask, fails_at=None):
        self.answers, self.calls, self.fails_at = {1.0: bid, -1.0: ask}, 0, fails_at

    def risk(self, vector):
        self.calls += 1
        if self.calls == self.fails_at:
            raise RuntimeError("out of order")
        return self.answers[vector[-1]]


def watch(model, **settings):
    """Return a watch with a warm book; the inventory share tells the sides apart."""
    found = FillWatch(FillWatchSettings(**settings), "MM-001", "SOLUSDT.SIM", GRID, model)
    found.features.moved(T0, TopOfBook(100.0, 100.02, 1.0, 1.0))
    found.features.traded(T0 + S, 100.0, 1.0, Side.BUY)
    return found


def test_a_prediction_is_recorded_and_holds() -> None:
    watched = watch(Model(0.8, 0.1))
    fact = watched.assess(T0 + 40 * S, 0.02, 1.0)
    assert (fact.bid_risk, fact.ask_risk) == (0.8, 0.1)
    assert watched.adjustment == Adjustment(1.5, 0.8, 0.6, 1.2)
    assert (fact.bid_spread_multiplier, fact.ask_size_multiplier, fact.bid_away) == (1.5, 1.2, False)
    assert watched.alert is None


def test_a_model_that_fails_says_so_once_and_leaves_the_rules() -> None:
    model = Model(0.8, 0.1, fails_at=3)
    watched = watch(model, fill_risk={"step_away_trades": 0.01})
    watched.assess(T0 + 40 * S, 0.02, 1.0)
    fact = watched.assess(T0 + 41 * S, 0.02, 1.0)
    assert (fact.bid_risk, fact.ask_risk) == (None, None)
    # Takers have only bought: the ask still steps away, the bid is as the model of the quotes wants it.
    assert watched.adjustment == Adjustment(ask_away=True)
    assert watched.alert is not None
    assert "RuntimeError: out of order" in watched.alert.text
    watched.assess(T0 + 42 * S, 0.02, 1.0)
    assert watched.alert is None
    assert model.calls == 3


def test_before_there_are_features_nothing_is_predicted() -> None:
    model = Model(0.8, 0.1)
    watched = watch(model)
    assert watched.assess(T0 + 2 * S, 0.02, 1.0).bid_risk is None
    assert model.calls == 0
    assert watched.filled(T0 + 2 * S, Side.BUY, "a", "1", Decimal(100), Decimal(1), 0.02, 0.0) is None


def test_a_fill_is_recorded_as_it_was_before_it() -> None:
    watched = watch(None)
    order = ("a", "1", Decimal("100.00"), Decimal(1), 0.02, 0.0)
    first = watched.filled(T0 + 40 * S, Side.BUY, *order)
    second = watched.filled(T0 + 41 * S, Side.BUY, *order)
    names = FillFeatures(0.01, FillWatchSettings().features).schema.names
    ages = [fact.values[names.index("own_fill_age_s")] for fact in (first, second)]
    assert ages == [600.0, 1.0]
    assert (first.schema, first.side) == (watched.features.schema.digest, "BUY")


def test_nothing_is_watched_where_nothing_is_asked_for(tmp_path) -> None:
    assert FillWatch.of(FillWatchSettings(), "MM-001", "SOLUSDT.SIM", GRID) is None
    watched = FillWatch.of(FillWatchSettings(record_features=True), "MM-001", "SOLUSDT.SIM", GRID)
    assert watched is not None
    assert not watched.acts
    with pytest.raises(DataError, match=r"gone.model: no such model file"):
        FillWatch.of(FillWatchSettings(model=tmp_path / "gone.model"), "MM-001", "SOLUSDT.SIM", GRID)
