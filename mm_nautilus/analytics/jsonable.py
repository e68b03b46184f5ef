"""From frozen results to what a JSON file can hold, and money to text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from decimal import Decimal
from math import isfinite
from typing import Any

from msgspec import Struct
from msgspec.structs import asdict
from pydantic import BaseModel

from mm_nautilus.inventory.contract import EXACT


def plain(amount: Decimal) -> str:
    """Return an exact number without exponent, trailing zeros or negative zero: ``-0.0500`` is ``-0.05``."""
    return format(amount.normalize(EXACT), "f") if amount else "0"


def jsonable(value: Any) -> Any:
    """Return `value` as JSON-able values: records as objects, Decimals as text, NaN and infinities as null."""
    if isinstance(value, Decimal):
        return plain(value)
    if isinstance(value, float):
        return value if isfinite(value) else None
    if isinstance(value, BaseModel):
        value = value.model_dump(exclude_none=True)
    if isinstance(value, Struct):
        value = asdict(value)
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: jsonable(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): jsonable(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [jsonable(item) for item in value]
    return value
