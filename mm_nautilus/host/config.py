"""Typed configuration for strategies and actors: the engine's base fields plus validated settings of our own.

The engine reads its fields (``strategy_id``, ``oms_type``, ...) from a Rust config class that accepts
and ignores unknown keywords. The bases here keep those fields working and hand everything else to a
pydantic model, so that a misspelt key is an error on every route a config can take: a run file, an
``ImportableStrategyConfig`` of somebody else's project, or a call in Python.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Self, get_type_hints

from nautilus_trader.common import DataActorConfig
from nautilus_trader.model import ActorId, InstrumentId, OmsType, StrategyId, TimeInForce
from nautilus_trader.trading import StrategyConfig
from pydantic import BaseModel

type _Converter = Callable[[Any], Any]


def _from(kind: type, parse: _Converter) -> _Converter:
    return lambda value: value if isinstance(value, kind) else parse(value)


def _only(kind: type) -> _Converter:
    def checked(value: Any) -> Any:
        if type(value) is not kind:
            raise TypeError(f"should be of type {kind.__name__}")
        return value

    return checked


def _instrument_ids(values: Any) -> list[InstrumentId]:
    return [value if isinstance(value, InstrumentId) else InstrumentId.from_str(value) for value in values]


_STRATEGY_FIELDS: Mapping[str, _Converter] = {
    "strategy_id": _from(StrategyId, StrategyId),
    "order_id_tag": _only(str),
    "oms_type": _from(OmsType, OmsType.from_str),
    "external_order_instrument_ids": _instrument_ids,
    "manage_contingent_orders": _only(bool),
    "manage_gtd_expiry": _only(bool),
    "manage_stop": _only(bool),
    "market_exit_interval_ms": _only(int),
    "market_exit_max_attempts": _only(int),
    "market_exit_time_in_force": _from(TimeInForce, TimeInForce.from_str),
    "market_exit_reduce_only": _only(bool),
    "use_uuid_client_order_ids": _only(bool),
    "use_hyphens_in_client_order_ids": _only(bool),
    "log_events": _only(bool),
    "log_commands": _only(bool),
    "log_rejected_due_post_only_as_warning": _only(bool),
}

_ACTOR_FIELDS: Mapping[str, _Converter] = {
    "actor_id": _from(ActorId, ActorId),
    "log_events": _only(bool),
    "log_commands": _only(bool),
}


class _Typed:
    """The part both config bases share: split the keywords, validate ours, freeze."""

    engine_fields: ClassVar[Mapping[str, _Converter]]
    settings: BaseModel

    @classmethod
    def settings_type(cls, fields: Mapping[str, Any]) -> type[BaseModel]:  # noqa: ARG003 - for subclasses
        """Return the pydantic model that validates our own fields.

        By default the type annotated on ``settings``. A config whose fields depend on a choice among
        them (a quoting model by name) overrides this.
        """
        declared: type[BaseModel] = get_type_hints(cls)["settings"]
        return declared

    def __init__(self, **fields: Any) -> None:
        own = {name: value for name, value in fields.items() if name not in self.engine_fields}
        object.__setattr__(self, "settings", self.settings_type(own).model_validate(own))
        base = {k: v for k, v in fields.items() if k in self.engine_fields and v is not None}
        object.__setattr__(self, "_base", base)

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"{type(self).__name__} is frozen; cannot set {name}")

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as JSON-able values from which an equal config can be built."""
        base: dict[str, Any] = vars(self)["_base"]
        plain = {name: value if isinstance(value, (bool, int)) else _plain(value) for name, value in base.items()}
        return plain | self.settings.model_dump(mode="json", exclude_unset=True)

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and isinstance(other, _Typed) and other.to_dict() == self.to_dict()

    def __hash__(self) -> int:
        return hash((type(self), repr(sorted(self.to_dict().items()))))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{k}={v!r}' for k, v in self.to_dict().items())})"

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.to_dict())


def _plain(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return [str(item) for item in value]
    return value.name if isinstance(value, (OmsType, TimeInForce)) else str(value)


def _rebuild(cls: type[_Typed], fields: dict[str, Any]) -> _Typed:
    return cls(**fields)


def _engine_keywords(fields: Mapping[str, Any], converters: Mapping[str, _Converter]) -> dict[str, Any]:
    keywords = {}
    for name, value in fields.items():
        if name in converters and value is not None:
            try:
                keywords[name] = converters[name](value)
            except (TypeError, ValueError) as error:
                raise ValueError(f"{name}: {error} (found {value!r})") from error
    return keywords


class TypedStrategyConfig(_Typed, StrategyConfig):
    """Base of every strategy config.

    A subclass annotates ``settings`` with a frozen pydantic model that forbids unknown keys:

    >>> class MyConfig(TypedStrategyConfig):
    ...     settings: MySettings

    ``MyConfig(strategy_id="MM-001", gamma=0.1)`` then sets the engine's field and validates ours.

    Raises
    ------
    pydantic.ValidationError
        For a missing, unknown or ill-typed field of ours, naming each.
    ValueError
        For an ill-typed field of the engine's, naming it.

    """

    engine_fields = _STRATEGY_FIELDS

    def __new__(cls, **fields: Any) -> Self:
        """Create the engine's part; ours is validated in ``__init__``."""
        return super().__new__(cls, **_engine_keywords(fields, _STRATEGY_FIELDS))


class TypedActorConfig(_Typed, DataActorConfig):
    """Base of every actor config; see `TypedStrategyConfig`."""

    engine_fields = _ACTOR_FIELDS

    def __new__(cls, **fields: Any) -> Self:
        """Create the engine's part; ours is validated in ``__init__``."""
        return super().__new__(cls, **_engine_keywords(fields, _ACTOR_FIELDS))
