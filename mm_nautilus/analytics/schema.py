"""The tables of the run log: one Arrow schema per message kind, derived from the message itself.

A field added to a message in `mm_nautilus.messages` is a column of its table from then on; there is
no second list of columns to keep in step.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from types import NoneType, UnionType
from typing import Any, Final, get_args, get_origin, get_type_hints

import pyarrow as pa
from msgspec.structs import fields

from mm_nautilus.messages import (
    AccountFact,
    AdverseSelectionAssessment,
    AlertFact,
    ControlFact,
    FillFact,
    FillFeatureFact,
    FillRiskFact,
    FundingFact,
    HedgeFact,
    IncidentFact,
    MarkFact,
    MarkoutFact,
    OpportunityFact,
    OrderFact,
    PositionFact,
    QuoteDecision,
    RiskFact,
    RiskState,
)

type Message = (
    QuoteDecision
    | OrderFact
    | FillFact
    | MarkFact
    | AccountFact
    | PositionFact
    | HedgeFact
    | RiskState
    | RiskFact
    | IncidentFact
    | MarkoutFact
    | AdverseSelectionAssessment
    | FillFeatureFact
    | FillRiskFact
    | AlertFact
    | OpportunityFact
    | ControlFact
    | FundingFact
)

TABLES: Final[Mapping[str, type[Message]]] = {
    "decisions": QuoteDecision,
    "orders": OrderFact,
    "fills": FillFact,
    "marks": MarkFact,
    "accounts": AccountFact,
    "positions": PositionFact,
    "hedges": HedgeFact,
    "risk_states": RiskState,
    "risk_values": RiskFact,
    "incidents": IncidentFact,
    "markouts": MarkoutFact,
    "assessments": AdverseSelectionAssessment,
    "fill_features": FillFeatureFact,
    "fill_risks": FillRiskFact,
    "alerts": AlertFact,
    "opportunities": OpportunityFact,
    "controls": ControlFact,
    "funding": FundingFact,
}
"""Table name in the run log -> the message each of its rows holds."""

MONEY: Final = pa.decimal128(38, 16)
"""How exact numbers are stored: 16 digits after the point, the engine's own resolution."""

_LOOKED_AT: Final = 512
"""Values of a column that say whether few of them differ."""

_SCALARS: Final[Mapping[Any, pa.DataType]] = {
    int: pa.int64(),
    float: pa.float64(),
    str: pa.string(),
    bool: pa.bool_(),
    Decimal: MONEY,
}


def _arrow_type(hint: Any) -> tuple[pa.DataType, bool]:
    """Return the column type of an annotation and whether it may be null."""
    if isinstance(hint, UnionType):
        (member,) = [part for part in get_args(hint) if part is not NoneType]
        return _arrow_type(member)[0], True
    if get_origin(hint) is tuple:
        item = get_args(hint)[0]
        return pa.list_(pa.field("item", _SCALARS[item], nullable=False)), False
    return _SCALARS[hint], False


def _derive(kind: type[Message]) -> pa.Schema:
    hints = get_type_hints(kind)
    columns = []
    for field in fields(kind):
        arrow, nullable = _arrow_type(hints[field.name])
        columns.append(pa.field(field.name, arrow, nullable=nullable))
    return pa.schema(columns)


_SCHEMAS: Final[Mapping[type[Message], pa.Schema]] = {kind: _derive(kind) for kind in TABLES.values()}


def arrow_schema(kind: type[Message]) -> pa.Schema:
    """Return the Arrow schema of one message kind.

    ``int`` is int64, ``float`` float64, ``Decimal`` decimal128(38, 16), ``str`` string and
    ``tuple[X, ...]`` a list; ``| None`` makes a column nullable.

    Parameters
    ----------
    kind : type
        A message class of `TABLES`.

    """
    return _SCHEMAS[kind]


def _compile(kind: type[Message]) -> Callable[[Sequence[Any]], list[list[Any]]]:
    """Return a function that takes messages apart into one list per field.

    The attribute accesses are spelled out in generated code, as `collections.namedtuple` does it:
    looking forty fields up by name costs more than twice as much.
    """
    columns = ", ".join(f"[row.{field.name} for row in rows]" for field in fields(kind))
    extract: Callable[[Sequence[Any]], list[list[Any]]] = eval(f"lambda rows: [{columns}]")
    return extract


_COLUMNS: Final = {kind: _compile(kind) for kind in TABLES.values()}


def to_table(kind: type[Message], messages: Sequence[Message]) -> pa.Table:
    """Return the messages as a table of `arrow_schema(kind)`, one row each, in the order given.

    Raises
    ------
    pyarrow.ArrowInvalid
        When an exact number needs more than 16 digits after the point or 38 in all.

    """
    schema = arrow_schema(kind)
    columns = zip(_COLUMNS[kind](messages), schema, strict=True)
    return pa.Table.from_arrays([_array(values, field.type) for values, field in columns], schema=schema)


def _array(values: list[Any], arrow: pa.DataType) -> pa.Array:
    """Return a column, by way of its different values where these are few: converting each anew is the dearer one.

    Floats are left alone: 0.0 and -0.0 are equal and yet two values.
    """
    first = values[0] if values else None
    repeats = bool(values) and first is values[-1] and (first is None or not _has_floats(arrow))
    if repeats and values.count(first) == len(values):
        return pa.nulls(len(values), arrow) if first is None else pa.repeat(pa.scalar(first, arrow), len(values))
    if arrow == MONEY and len(set(values[:_LOOKED_AT])) <= _LOOKED_AT // 4:
        places: dict[Any, int] = {}
        place = [places.setdefault(value, len(places)) for value in values]
        return pa.array(list(places), arrow).take(pa.array(place, pa.int32()))
    return pa.array(values, arrow)


def _has_floats(arrow: pa.DataType) -> bool:
    return bool(pa.types.is_floating(arrow) or pa.types.is_list(arrow))


def to_messages[M: Message](kind: type[M], table: pa.Table) -> Iterable[M]:
    """Yield the rows of a table as the messages they were written from.

    Parameters
    ----------
    kind : type
        The message class the table holds.
    table : pyarrow.Table
        All columns of `arrow_schema(kind)`, in its order.

    """
    is_list = [pa.types.is_list(field.type) for field in table.schema]
    for batch in table.to_batches():
        columns = [
            map(tuple, column.to_pylist()) if listed else column.to_pylist()
            for column, listed in zip(batch.columns, is_list, strict=True)
        ]
        for row in zip(*columns, strict=True):
            yield kind(*row)
