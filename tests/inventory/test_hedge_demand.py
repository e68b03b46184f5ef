"""How much is hedged and why: bands, limits in money, what must go, and the settings that contradict each other."""

from __future__ import annotations

import re
import tomllib
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from mm_nautilus.errors import ParameterError
from mm_nautilus.inventory.hedge_demand import Band, Cause, hedge_bands, hedge_demand
from mm_nautilus.inventory.hedge_settings import ONLY_WHAT_MUST_GO, HedgeSettings
from mm_nautilus.market import Purpose, RiskStage


def bands(stage: RiskStage = RiskStage.NORMAL, cost: float | None = 0.05, **settings: Any) -> list[Band]:
    return hedge_bands(HedgeSettings(**settings), stage, 10.0, 0.0, 0.1, 0.02, cost)


def test_the_band_is_where_inventory_costs_what_a_taker_pays() -> None:
    """Skew 0.02 and cost 0.05: 2.5 units are left to the quotes; it is asked from 70 % of the limit of 10 on."""
    found = bands()
    assert hedge_demand(7.0, found) is None
    demand = hedge_demand(-7.5, found)
    assert demand is not None
    assert (demand.cause, demand.target, demand.quantity) == (Cause.BAND, -2.5, 5.0)


def test_a_hedge_that_has_begun_goes_on_to_the_end_of_its_band() -> None:
    found = bands()
    assert hedge_demand(4.0, found) is None
    going = hedge_demand(4.0, found, Cause.BAND)
    assert going is not None
    assert going.target == 2.5
    assert hedge_demand(2.5, found, Cause.BAND) is None


def test_a_band_wider_than_what_is_considered_counts_alone() -> None:
    found = bands(cost=0.18)
    assert hedge_demand(8.9, found) is None
    demand = hedge_demand(9.5, found)
    assert demand is not None
    assert demand.target == pytest.approx(9.0)


def test_without_a_market_or_a_skew_there_is_no_band() -> None:
    assert bands(cost=None) == []
    assert hedge_bands(HedgeSettings(), RiskStage.NORMAL, 10.0, 0.0, 0.1, None, 0.05) == []
    assert hedge_bands(HedgeSettings(), RiskStage.NORMAL, 10.0, 0.0, 0.1, 0.0, 0.05) == []
    assert [one.cause for one in hedge_bands(HedgeSettings(skew=1.0), RiskStage.NORMAL, 10.0, 0.0, None, None, 0.05)]


def test_limits_in_money() -> None:
    """One unit at 0.1 per sqrt(s) over 100 s has a deviation of 1: its 99 % VaR is 2.3263, its ES 2.6652."""
    money = {"limit": 11.6317, "confidence": 0.99, "horizon_s": 100.0}
    (var,) = bands(trigger="limits", value_at_risk=money, hedge_to=0.5)
    assert (var.cause, var.above, var.to) == (Cause.VALUE_AT_RISK, pytest.approx(5.0, rel=1e-4), var.above / 2)
    (shortfall,) = bands(trigger="limits", expected_shortfall=money | {"limit": 13.326})
    assert (shortfall.cause, shortfall.above) == (Cause.EXPECTED_SHORTFALL, pytest.approx(5.0, rel=1e-3))
    assert hedge_bands(HedgeSettings(trigger="limits", value_at_risk=money), RiskStage.NORMAL, 10, 0, None, 1, 1) == []


def test_the_tightest_exceeded_band_decides() -> None:
    found = bands(inventory_share=0.8)
    demand = hedge_demand(9.0, found)
    assert demand is not None
    assert demand.cause is Cause.BAND
    only = hedge_demand(9.0, bands(trigger="limits", inventory_share=0.8, hedge_to=0.75))
    assert only is not None
    assert (only.cause, only.target) == (Cause.INVENTORY_SHARE, pytest.approx(6.0))


def test_fills_are_hedged_down_to_what_is_left_alone() -> None:
    found = bands(trigger="fills", max_exposure=Decimal("0.5"))
    demand = hedge_demand(0.75, found)
    assert demand is not None
    assert (demand.cause, demand.target) == (Cause.FILL, 0.5)
    assert hedge_demand(-0.5, found) is None


@pytest.mark.parametrize("settings", [HedgeSettings(), ONLY_WHAT_MUST_GO])
def test_what_must_go_goes_whatever_the_settings(settings: HedgeSettings) -> None:
    flatten = hedge_demand(3.0, hedge_bands(settings, RiskStage.FLATTEN, 10.0, 2.0, None, None, None))
    assert flatten is not None
    assert (flatten.cause, flatten.target) == (Cause.FLATTEN, 0.0)
    halted = hedge_bands(settings, RiskStage.HALT, 10.0, 2.0, None, None, None)
    assert hedge_demand(1.0, halted) is None
    emergency = hedge_demand(-3.0, halted)
    assert emergency is not None
    assert (emergency.cause, emergency.target) == (Cause.EMERGENCY, -1.0)
    assert {flatten.cause.purpose, emergency.cause.purpose} == {Purpose.LIQUIDATION}
    assert hedge_bands(ONLY_WHAT_MUST_GO, RiskStage.REDUCE_ONLY, 10.0, 0.0, 0.1, 1.0, 0.0) == []


@given(
    exposure=st.floats(-50, 50),
    centre=st.floats(-5, 5),
    above=st.floats(0, 10),
    share=st.floats(0, 1),
    working=st.booleans(),
)
def test_a_hedge_only_ever_reduces(exposure: float, centre: float, above: float, share: float, working: bool) -> None:
    band = Band(Cause.BAND, above, above * share, centre)
    demand = hedge_demand(exposure, [band], Cause.BAND if working else None)
    if demand is not None:
        assert abs(demand.target) < abs(exposure)
        assert demand.target * exposure >= 0


def test_numbers_that_are_none_are_refused() -> None:
    with pytest.raises(ParameterError, match="limit"):
        hedge_bands(HedgeSettings(), RiskStage.NORMAL, 0.0, 0.0, 0.1, 0.1, 0.1)
    with pytest.raises(ParameterError, match="centre"):
        hedge_bands(HedgeSettings(), RiskStage.NORMAL, 1.0, float("nan"), 0.1, 0.1, 0.1)
    with pytest.raises(ParameterError, match="exposure"):
        hedge_demand(float("inf"), [])


MONEY = {"limit": 1.0}


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"trigger": "limits"}, "trigger 'limits' needs value_at_risk, expected_shortfall or inventory_share"),
        ({"trigger": "fills", "value_at_risk": MONEY}, "trigger 'fills' asks no limit, but value_at_risk is stated"),
        ({"trigger": "none", "inventory_share": 0.9}, "trigger 'none' asks no limit, but inventory_share is stated"),
        ({"trigger": "fills", "skew": 1.0}, "skew belongs to trigger 'band'"),
        ({"max_exposure": 1}, "max_exposure belongs to trigger 'fills'"),
        ({"inventory_share": 0.5}, r"thresholds out of order: inventory_share \(0.5\) is below consider_above \(0.7\)"),
        ({"urgent_slippage_bps": 10}, r"urgent_slippage_bps \(10.0\) is below max_slippage_bps \(25.0\)"),
        ({"retry_interval_s": 30}, r"retry_interval_s \(30.0\) is not below deadline_s \(30.0\)"),
        ({"min_interval_s": 31}, r"min_interval_s \(31.0\) is not below deadline_s"),
        ({"instruments": ["A.X", "A.X"]}, "instruments: each may stand once, found A.X, A.X"),
        ({"instruments": ["AX"]}, "String should match pattern"),
        ({"instruments": [{"instrument_id": "A.X", "correlated": {"min_beta": 2, "max_beta": 1}}]}, "is not below max"),
        ({"instruments": [{"instrument_id": "A.X", "correlated": {"fixed_beta": 0}}]}, "fixed_beta"),
        ({"slipage": 1}, "Extra inputs are not permitted"),
        ({"max_share_of_depth": 0}, "greater than 0"),
    ],
)
def test_settings_that_contradict_each_other_are_named(fields: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        HedgeSettings(**fields)


def test_names_are_tables() -> None:
    settings = HedgeSettings(instruments=["A.X", {"instrument_id": "B.Y", "correlated": {}}])
    assert [one.instrument_id for one in settings.instruments] == ["A.X", "B.Y"]
    assert settings.instruments[0].correlated is None
    assert HedgeSettings.model_validate(settings.model_dump()) == settings


def test_the_page_shows_settings_that_hold() -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "hedging.md").read_text()
    (example,) = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    settings = HedgeSettings.model_validate(tomllib.loads(example)["strategy"]["hedge"])
    assert settings.instruments[2].correlated is not None
    assert all(f"`{cause}`" in page for cause in Cause)
