"""``mm-nautilus models``: read from docstrings and fields, for our models and for a user's."""

import re
from typing import ClassVar

import pytest
from pydantic import Field
from typer.testing import CliRunner

from mm_nautilus.cli import app
from mm_nautilus.errors import UserError
from mm_nautilus.market import MarketState, Quote
from mm_nautilus.models import MODELS, BoundedModel, ModelParameters, find_model
from mm_nautilus.models.describe import describe
from mm_nautilus.models.protocol import Price

WIDE = {"COLUMNS": "200"}


class OwnParameters(ModelParameters):
    distance: Price = Field(gt=0, description="How far each side stands.")


class Own(BoundedModel):
    """A model of somebody's own.

    It fails everywhere.
    """

    name: ClassVar[str] = "own"
    parameters_type: ClassVar[type[ModelParameters]] = OwnParameters

    def __init__(self, parameters: OwnParameters, order_size: float, inventory_bound: float) -> None:
        super().__init__(parameters, order_size, inventory_bound)
        self._distance = parameters.distance

    def quote(self, state: MarketState, inventory: float, elapsed_s: float) -> Quote:
        return self.bounded(state.fair_value, self._distance, self._distance, inventory)


class OfTwoArguments:
    name: ClassVar[str] = "two"
    parameters_type: ClassVar[type[ModelParameters]] = ModelParameters

    def __init__(self, parameters: ModelParameters, order_size: float) -> None: ...

    def quote(self, state: MarketState, inventory: float, elapsed_s: float) -> Quote: ...


def output_of(*arguments: str) -> str:
    outcome = CliRunner().invoke(app, ["models", *arguments], env=WIDE, catch_exceptions=False)
    assert outcome.exit_code == 0
    return outcome.stdout


def test_the_table_names_every_model_in_a_line() -> None:
    text = output_of()
    for model in MODELS.values():
        described = describe(model)
        assert described.name in text
        assert described.summary[:30] in text
        for parameter in described.parameters:
            assert parameter.name in text


@pytest.mark.parametrize("name", sorted(MODELS))
def test_a_model_is_printed_with_formula_assumptions_source_and_parameters(name: str) -> None:
    text = output_of(name)
    described = describe(MODELS[name])
    for line in described.text.splitlines():
        assert line in text
    assert "\nFails" in described.text
    assert "Source: " in described.text or name in {"symmetric", "dynamic_volatility"}
    assert re.search(r"=", described.text)
    assert max(map(len, described.text.splitlines())) <= 120
    for parameter in described.parameters:
        row = next(line for line in text.splitlines() if line.startswith(f"│ {parameter.name} "))
        assert parameter.unit in row
        assert parameter.default in row
        assert parameter.allowed in row
        assert parameter.description


@pytest.mark.parametrize("name", sorted(MODELS))
def test_numbers_have_a_unit(name: str) -> None:
    for parameter in describe(MODELS[name]).parameters:
        annotation = MODELS[name].parameters_type.model_fields[parameter.name].annotation
        if annotation is float and parameter.name not in NUMBERS:
            assert parameter.unit != "-", parameter.name


NUMBERS = {
    "volatility_multiple", "adverse_weight", "activity_exponent", "min_activity", "max_activity", "inventory_lean",
}  # fmt: skip


def test_a_model_by_import_path() -> None:
    path = f"{__name__}:Own"
    assert find_model(path) is Own
    text = output_of(path)
    assert "A model of somebody's own." in text
    assert re.search(r"distance +│ price +│ required +│ > 0 +│ How far each side stands", text)


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("gltf", "unknown model 'gltf'; allowed are avellaneda_stoikov"),
        ("nowhere.at.all:Model", "cannot import"),
        (f"{__name__}:OwnParameters", "is not a quoting model: it has no name, parameters_type, quote"),
        (f"{__name__}:OfTwoArguments", r"cannot be constructed with \(parameters, order_size, inventory_bound\)"),
    ],
)
def test_a_model_that_is_none(name: str, complaint: str) -> None:
    with pytest.raises(UserError, match=complaint):
        CliRunner().invoke(app, ["models", name], catch_exceptions=False)
