"""Values that a formula has no answer for are refused by name, where a model or a solver is made."""

import math
from collections.abc import Callable
from typing import Any

import pytest
from model_kit import PARAMETERS, Desk
from pydantic import ValidationError

from mm_nautilus.errors import ParameterError, UserError
from mm_nautilus.market import Intensity
from mm_nautilus.models import MODELS, avellaneda_stoikov_infinite
from mm_nautilus.models.carry import reversion_target, target_inventories, target_inventory
from mm_nautilus.models.glosten_milgrom import Belief
from mm_nautilus.models.intensities import Exponential, Linear, ShiftedPower, optimal_distance
from mm_nautilus.models.multi_asset import multi_asset_quoter
from mm_nautilus.models.skew_target import gamma_from_skew_target
from mm_nautilus.models.stationary_law import stationary_law
from mm_nautilus.models.symmetric import symmetric_moments

SIDE = Intensity(0.9, 0.3)
NO_NUMBER = [0.0, -1.0, math.nan, math.inf]
CASES = sorted(PARAMETERS)


def test_a_parameter_error_is_the_users_and_says_all() -> None:
    error = ParameterError("gamma", -1.0, "above 0")
    assert isinstance(error, UserError)
    assert isinstance(error, ValueError)
    assert str(error) == "gamma must be above 0, found -1.0"
    assert (error.field, error.found, error.allowed) == ("gamma", -1.0, "above 0")


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("value", NO_NUMBER)
def test_sizes_of_every_model(case: str, value: float) -> None:
    with pytest.raises(ParameterError, match="order_size must be a finite number above 0"):
        Desk(case, order_size=value).model()
    with pytest.raises(ParameterError, match="inventory_bound must be a finite number above 0"):
        Desk(case, bound=value).model()


@pytest.mark.parametrize("case", CASES)
def test_required_parameters_of_every_model(case: str) -> None:
    kind = MODELS[case.partition(":")[0]].parameters_type
    for name, field in kind.model_fields.items():
        if not field.is_required():
            continue
        for value in NO_NUMBER[1:] if name == "informed_share" else NO_NUMBER:
            with pytest.raises(ValidationError, match=name):
                kind(**PARAMETERS[case] | {name: value})
        with pytest.raises(ValidationError, match=name):
            kind(**{key: value for key, value in PARAMETERS[case].items() if key != name})


@pytest.mark.parametrize("case", CASES)
def test_common_parameters_of_every_model(case: str) -> None:
    kind = MODELS[case.partition(":")[0]].parameters_type
    for name, value in [
        ("maker_fee_rate", 0.5),
        ("maker_fee_rate", math.nan),
        ("own_impact_price", -1.0),
        ("mean_reversion_per_s", -0.1),
        ("mean_reversion_per_s", 0.1),  # without a mean
        ("mean_price", 100.0),  # without a speed
        ("target_inventory", math.inf),
        ("gama", 1.0),
    ]:
        with pytest.raises(ValidationError, match=name):
            kind(**PARAMETERS[case] | {name: value})


@pytest.mark.parametrize(
    ("name", "changes", "complaint"),
    [
        ("symmetric", {"skew_price_per_base": 0.0, "target_inventory": 1.0}, "target_inventory has no effect"),
        ("glosten_milgrom", {"drift_price_per_s": 0.1}, "no effect without quote_lifetime_s"),
        ("dynamic_volatility", {"min_spread_bps": 50.0, "max_spread_bps": 20.0}, "max_spread_bps"),
        ("generic_intensity", {"shape": "shifted_power"}, "needs power_alpha and power_d0_price"),
        ("generic_intensity", {"power_alpha": 2.0}, "no effect on shape 'exponential'"),
        ("generic_intensity:power", {"power_alpha": 1.0}, "power_alpha"),
        ("glft", {"fill_risk": "some"}, "fill_risk"),
    ],
)
def test_parameters_that_contradict_each_other(name: str, changes: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ValidationError, match=complaint):
        Desk(name, changes).model()


@pytest.mark.parametrize("case", ["glft_exact", "cartea_jaimungal_penalva"])
def test_a_lattice_needs_a_bound_of_one_order(case: str) -> None:
    with pytest.raises(ParameterError, match="inventory_bound must be at least one order size"):
        Desk(case, bound=0.5).model()


NAN_COVARIANCE = [[1.0, math.nan], [math.nan, 1.0]]
TWO = {"a": [1.0, 1.0], "k": [0.5, 0.5], "order_size": [1.0, 1.0], "gamma": 0.1}
GOOD = [[1.0, 0.2], [0.2, 1.0]]


@pytest.mark.parametrize(
    ("call", "field"),
    [
        (lambda: Intensity(0.0, 1.0), "a_per_s"),
        (lambda: Intensity(1.0, -2.0), "k_per_price"),
        (lambda: Intensity(1.0, math.nan), "k_per_price"),
        (lambda: target_inventory(0.1, 0.0, 1.0), "gamma"),
        (lambda: target_inventory(0.1, 1.0, 0.0), "sigma"),
        (lambda: target_inventory(math.nan, 1.0, 1.0), "drift"),
        (lambda: reversion_target(1.0, 2.0, -0.1, 1.0, 1.0), "reversion_per_s"),
        (lambda: target_inventories(GOOD, [1.0], 0.1), "drift"),
        (lambda: target_inventories([[1.0, 1.0], [1.0, 1.0]], [1.0, -1.0], 0.1), "drift"),
        (lambda: target_inventories([[0.0, 0.0], [0.0, 1.0]], [1.0, 0.0], 0.1), "drift"),
        (lambda: multi_asset_quoter([[1.0, 2.0], [2.0, 1.0]], **TWO), "covariance"),
        (lambda: multi_asset_quoter([[1.0, 0.2], [0.1, 1.0]], **TWO), "covariance"),
        (lambda: multi_asset_quoter([[-1.0, 0.0], [0.0, 1.0]], **TWO), "covariance"),
        (lambda: multi_asset_quoter(NAN_COVARIANCE, **TWO), "covariance"),
        (lambda: multi_asset_quoter([1.0, 2.0], **TWO), "covariance"),
        (lambda: multi_asset_quoter(GOOD, **TWO | {"gamma": 0.0}), "gamma"),
        (lambda: multi_asset_quoter(GOOD, **TWO | {"a": [1.0, 0.0]}), "a"),
        (lambda: multi_asset_quoter(GOOD, **TWO | {"k": [1.0]}), "k"),
        (lambda: multi_asset_quoter(GOOD, **TWO | {"order_size": [1.0, -1.0]}), "order_size"),
        (lambda: multi_asset_quoter(GOOD, **TWO, xi=-1.0), "xi"),
        (lambda: multi_asset_quoter(GOOD, **TWO, tau_s=-1.0), "tau_s"),
        (lambda: multi_asset_quoter(GOOD, **TWO).distances([1.0, math.nan]), "inventory"),
        (lambda: avellaneda_stoikov_infinite.indifference_prices(1.0, 11.0, 0.1, 2.0, 10.0), "inventory"),
        (lambda: avellaneda_stoikov_infinite.indifference_prices(1.0, math.nan, 0.1, 2.0, 10.0), "inventory"),
        (lambda: avellaneda_stoikov_infinite.indifference_prices(1.0, 1.0, 0.0, 2.0, 10.0), "gamma"),
        (lambda: Belief(2.0, 1.0, 0.5, 0.1), "v_low"),
        (lambda: Belief(1.0, 2.0, 1.5, 0.1), "probability_high"),
        (lambda: Belief(1.0, 2.0, 0.5, math.nan), "informed_share"),
        (lambda: Exponential(1.0, 0.0), "k"),
        (lambda: Linear(0.0, 1.0), "alpha"),
        (lambda: ShiftedPower(1.0, 1.0, 1.0), "alpha"),
        (lambda: ShiftedPower(1.0, math.nan, 1.0), "alpha"),
        (lambda: optimal_distance(Exponential(1.0, 1.0), math.nan, 0.0), "cost"),
        (lambda: optimal_distance(Exponential(1.0, 1.0), 0.0, -1.0), "xi_size"),
        (lambda: gamma_from_skew_target(0.0, SIDE, SIDE, 1.0, 10.0), "sigma"),
        (lambda: gamma_from_skew_target(0.3, SIDE, SIDE, 1.0, 10.0, chi=0.0), "chi"),
        (lambda: symmetric_moments(SIDE, 1.0, -1.0, 1.0, 1.0), "sigma"),
        (lambda: symmetric_moments(SIDE, 1.0, 1.0, 1.0, 0.0), "order_size"),
        (lambda: stationary_law([0.0, 1.0], [1.0, 1.0], [1.0], SIDE, SIDE, 1.0, 1.0), "ask_distances"),
        (lambda: stationary_law([0.0, 1.0], [math.nan, 1.0], [1.0, 1.0], SIDE, SIDE, 1.0, 1.0), "bid_distances"),
    ],
)
def test_solvers_name_the_field(call: Callable[[], Any], field: str) -> None:
    with pytest.raises(ParameterError) as caught:
        call()
    assert caught.value.field == field
    assert str(caught.value).startswith(f"{field} must be ")


def test_rounding_of_a_singular_covariance_is_none_of_the_users_mistakes() -> None:
    loadings = [[0.1, 0.3, 0.7]]
    singular = [[x * y for x in loadings[0]] for y in loadings[0]]
    three = {"a": [1.0] * 3, "k": [0.5] * 3, "order_size": [1.0] * 3, "gamma": 0.1}
    assert (multi_asset_quoter(singular, **three).half_spreads > 0.0).all()
