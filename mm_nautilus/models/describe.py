"""What a model says about itself: its module's text, and its parameters as pydantic knows them.

Nothing is written twice: ``mm-nautilus models`` prints what is read from here, and a model named by import path
describes itself the same way.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, get_args, get_origin

from pydantic.fields import FieldInfo

from mm_nautilus.models.protocol import ModelParameters, QuotingModel, Unit


@dataclass(frozen=True, slots=True)
class ParameterDescription:
    """One key of the strategy's table."""

    name: str
    description: str
    unit: str
    default: str
    """``required`` where there is none."""
    allowed: str
    common: bool
    """Whether every model has it."""

    @property
    def required(self) -> bool:
        """Whether a run file must state it."""
        return self.default == "required"


@dataclass(frozen=True, slots=True)
class ModelDescription:
    """One quoting model."""

    name: str
    summary: str
    """One line."""
    text: str
    """Formula, assumptions and source, as plain text."""
    parameters: tuple[ParameterDescription, ...]


def describe(model: type[QuotingModel]) -> ModelDescription:
    """Read a model's docstrings and parameters.

    Parameters
    ----------
    model : type
        A class that `mm_nautilus.models.find_model` accepts.

    Returns
    -------
    ModelDescription
        A model of this library is described by its module, which holds one model; another one by its own
        docstring where it has one.

    """
    module = inspect.cleandoc(sys.modules[model.__module__].__doc__ or "")
    own = inspect.cleandoc(model.__doc__ or "")
    ours = model.__module__.startswith("mm_nautilus.models.")
    text = (module if ours else own or module) or "It has no docstring."
    summary = text.partition("\n")[0]
    plain = text.replace("::\n", ":\n")
    return ModelDescription(model.name, summary, plain, tuple(_parameters(model.parameters_type)))


def _parameters(parameters: type[ModelParameters]) -> Iterator[ParameterDescription]:
    common = ModelParameters.model_fields.keys()
    first = sorted(parameters.model_fields.items(), key=lambda one: (one[0] in common, not one[1].is_required()))
    for name, field in first:
        yield ParameterDescription(
            name=name,
            description=field.description or "",
            unit=_unit(field),
            default="required" if field.is_required() else _plain(field.default),
            allowed=_allowed(field),
            common=name in common,
        )


def _plain(value: object) -> str:
    if value is None:
        return "none"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _unit(field: FieldInfo) -> str:
    parts = [*field.metadata, *(part for one in get_args(field.annotation) for part in get_args(one))]
    return next((part.name for part in parts if isinstance(part, Unit)), "-")


def _allowed(field: FieldInfo) -> str:
    if get_origin(field.annotation) is Literal:
        return ", ".join(str(choice) for choice in get_args(field.annotation))
    signs = {"gt": ">", "ge": ">=", "lt": "<", "le": "<="}
    words = [
        f"{sign} {getattr(limit, name):g}"
        for name, sign in signs.items()
        for limit in field.metadata
        if hasattr(limit, name)
    ]
    return ", ".join(words) or "any number"
