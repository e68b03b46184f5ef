"""Quoting models, one file each: market state and inventory in, reservation price and half-spreads out."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Mapping
from types import MappingProxyType

from mm_nautilus.models.avellaneda_stoikov import AvellanedaStoikov
from mm_nautilus.models.avellaneda_stoikov_infinite import AvellanedaStoikovInfinite
from mm_nautilus.models.base import BoundedModel
from mm_nautilus.models.cartea_jaimungal_penalva import CarteaJaimungalPenalva
from mm_nautilus.models.cost_components import CostComponents
from mm_nautilus.models.dynamic_volatility import DynamicVolatility
from mm_nautilus.models.generic_intensity import GenericIntensity
from mm_nautilus.models.glft import Glft
from mm_nautilus.models.glft_exact import GlftExact
from mm_nautilus.models.glosten_milgrom import GlostenMilgrom
from mm_nautilus.models.ho_stoll import HoStoll
from mm_nautilus.models.protocol import ModelParameters, QuotingModel
from mm_nautilus.models.symmetric import Symmetric

MODELS: Mapping[str, type[QuotingModel]] = MappingProxyType(
    {
        model.name: model
        for model in (
            AvellanedaStoikov,
            AvellanedaStoikovInfinite,
            CarteaJaimungalPenalva,
            CostComponents,
            DynamicVolatility,
            GenericIntensity,
            Glft,
            GlftExact,
            GlostenMilgrom,
            HoStoll,
            Symmetric,
        )
    }
)


def find_model(name: str) -> type[QuotingModel]:
    """Return the model registered under `name`, or the class that ``package.module:Class`` points at.

    Raises
    ------
    ValueError
        When nothing is registered under `name`, and no class that is a quoting model can be imported from it.

    """
    if ":" not in name:
        if name in MODELS:
            return MODELS[name]
        raise ValueError(f"unknown model {name!r}; allowed are {', '.join(sorted(MODELS))} or 'package.module:Class'")
    module_name, _, class_name = name.partition(":")
    try:
        found: type[QuotingModel] = getattr(importlib.import_module(module_name), class_name)
    except Exception as error:  # a user's module may fail to import in any way
        raise ValueError(f"cannot import the model {name!r}: {type(error).__name__}: {error}") from error
    missing = [need for need in ("name", "parameters_type", "quote") if not hasattr(found, need)]
    if missing:
        raise ValueError(f"{name!r} is not a quoting model: it has no {', '.join(missing)}")
    try:
        inspect.signature(found).bind("parameters", "order_size", "inventory_bound")
    except TypeError as error:
        raise ValueError(
            f"{name!r} cannot be constructed with (parameters, order_size, inventory_bound): {error}"
        ) from error
    return found


__all__ = ["MODELS", "BoundedModel", "ModelParameters", "QuotingModel", "find_model"]
