"""Models by name and by import path."""

import pytest

from mm_nautilus.market import MarketState, Quote
from mm_nautilus.models import MODELS, ModelParameters, find_model
from mm_nautilus.models.glft import Glft


class FlatModel:
    """A user's own model."""

    name = "flat"
    parameters_type = ModelParameters

    def __init__(self, parameters: ModelParameters, order_size: float, inventory_bound: float) -> None: ...

    def quote(self, state: MarketState, inventory: float, elapsed_s: float) -> Quote:
        return Quote(state.fair_value, 1.0, 1.0)


class OldModel(FlatModel):
    """Takes no inventory bound."""

    def __init__(self, parameters: ModelParameters, order_size: float) -> None: ...


class NoModel:
    name = "none"


def test_every_model_is_registered_under_its_own_name() -> None:
    assert set(MODELS) == {
        "avellaneda_stoikov",
        "avellaneda_stoikov_infinite",
        "cartea_jaimungal_penalva",
        "cost_components",
        "dynamic_volatility",
        "generic_intensity",
        "glft",
        "glft_exact",
        "glosten_milgrom",
        "ho_stoll",
        "symmetric",
    }
    assert all(find_model(name).name == name for name in MODELS)
    assert find_model("glft") is Glft


def test_a_model_of_ones_own_is_found_by_its_path() -> None:
    assert find_model(f"{__name__}:FlatModel") is FlatModel


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("glf", "unknown model 'glf'; allowed are avellaneda_stoikov, "),
        ("no_such_module:Model", "cannot import the model 'no_such_module:Model'"),
        (f"{__name__}:Missing", "cannot import the model"),
        (f"{__name__}:OldModel", "cannot be constructed with (parameters, order_size, inventory_bound)"),
        (f"{__name__}:NoModel", "is not a quoting model: it has no parameters_type, quote"),
        (":Model", "cannot import the model ':Model'"),
        (".relative:Model", "cannot import the model '.relative:Model'"),
    ],
)
def test_says_what_is_wrong_with_a_name(name: str, said: str) -> None:
    with pytest.raises(ValueError, match="model") as raised:
        find_model(name)
    assert said in str(raised.value)
