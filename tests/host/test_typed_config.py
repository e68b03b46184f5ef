"""Typed configs: the engine's fields and ours, strict, frozen, and the same after any journey."""

from __future__ import annotations

import json
import pickle
from typing import Any

import pytest
from nautilus_trader.model import ActorId, InstrumentId, OmsType, StrategyId
from nautilus_trader.trading import ImportableStrategyConfig
from pydantic import Field, ValidationError

from mm_nautilus.host.config import TypedActorConfig, TypedStrategyConfig
from mm_nautilus.settings import Settings


class RiskSettings(Settings):
    """Nested settings."""

    max_orders: int = Field(default=3, ge=1)


class MakerSettings(Settings):
    """Settings of a small strategy."""

    gamma: float = Field(gt=0)
    venue: str = "SIM"
    risk: RiskSettings = RiskSettings()


class SmallConfig(TypedStrategyConfig):
    """Strategy config under test."""

    settings: MakerSettings


class OtherConfig(TypedStrategyConfig):
    """The same fields under another name."""

    settings: MakerSettings


class WatcherConfig(TypedActorConfig):
    """Actor config under test."""

    settings: RiskSettings


FIELDS: dict[str, Any] = {
    "strategy_id": "MM-001",
    "order_id_tag": "007",
    "oms_type": "NETTING",
    "manage_stop": True,
    "external_order_instrument_ids": ["BTCUSDT.SIM"],
    "gamma": 0.1,
    "risk": {"max_orders": 5},
}


def test_the_engine_gets_its_fields_and_we_get_ours() -> None:
    config = SmallConfig(**FIELDS)
    assert (config.strategy_id, config.order_id_tag) == (StrategyId("MM-001"), "007")
    assert config.oms_type == OmsType.NETTING
    assert config.manage_stop is True
    assert config.external_order_instrument_ids == [InstrumentId.from_str("BTCUSDT.SIM")]
    assert config.settings == MakerSettings(gamma=0.1, risk=RiskSettings(max_orders=5))


def test_takes_the_engines_own_types_as_well() -> None:
    assert SmallConfig(strategy_id=StrategyId("MM-001"), oms_type=OmsType.NETTING, gamma=0.1) == SmallConfig(
        strategy_id="MM-001", oms_type="NETTING", gamma=0.1
    )


def test_survives_pickle_and_json() -> None:
    config = SmallConfig(**FIELDS)
    for again in (pickle.loads(pickle.dumps(config)), SmallConfig(**json.loads(json.dumps(config.to_dict())))):
        assert again == config
        assert hash(again) == hash(config)
        assert again.strategy_id == config.strategy_id
        assert again.manage_stop is True
        assert again.settings == config.settings


def test_a_field_set_to_nothing_stays_unset() -> None:
    config = SmallConfig(gamma=0.1, order_id_tag=None, strategy_id=None)
    again = pickle.loads(pickle.dumps(config))
    assert again == config
    assert again.order_id_tag is None
    assert config.to_dict() == {"gamma": 0.1}


def test_equality_is_by_type_and_value() -> None:
    config = SmallConfig(**FIELDS)
    assert config != SmallConfig(**FIELDS | {"gamma": 0.2})
    assert config != SmallConfig(**FIELDS | {"strategy_id": "MM-002"})
    assert config != OtherConfig(**FIELDS)
    assert len({config, SmallConfig(**FIELDS), OtherConfig(**FIELDS)}) == 2


def test_says_what_it_holds() -> None:
    assert repr(SmallConfig(strategy_id="MM-001", gamma=0.1)) == "SmallConfig(strategy_id='MM-001', gamma=0.1)"


@pytest.mark.parametrize("name", ["gamma", "settings", "strategy_id", "anything"])
def test_is_frozen(name: str) -> None:
    config = SmallConfig(**FIELDS)
    with pytest.raises(AttributeError, match=f"SmallConfig is frozen; cannot set {name}"):
        setattr(config, name, 1)
    with pytest.raises(ValidationError):
        config.settings.gamma = 3.0  # type: ignore[misc]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"gama": 0.2}, "gama"),
        ({"gamma": -1}, "gamma"),
        ({"gamma": float("nan")}, "gamma"),
        ({"risk": {"max_order": 1}}, "risk.max_order"),
    ],
)
def test_refuses_what_ours_do_not_allow(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError) as raised:
        SmallConfig(**FIELDS | changes)
    assert said in str(raised.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("strategy_id", "no hyphen"),
        ("strategy_id", 3),
        ("oms_type", "NETING"),
        ("manage_stop", "false"),
        ("manage_stop", 1),
        ("order_id_tag", 7),
        ("market_exit_interval_ms", True),
        ("market_exit_time_in_force", "SOON"),
        ("external_order_instrument_ids", ["BTCUSDT"]),
    ],
)
def test_refuses_what_the_engine_would_not_understand(name: str, value: object) -> None:
    """A bare engine config reads "false" as true; here the field is named."""
    with pytest.raises(ValueError, match=f"{name}: ") as raised:
        SmallConfig(**FIELDS | {name: value})
    assert f"(found {value!r})" in str(raised.value)


def test_missing_fields_are_named() -> None:
    with pytest.raises(ValidationError, match="gamma"):
        SmallConfig(strategy_id="MM-001")


def test_the_engine_can_build_it_from_its_path() -> None:
    """What somebody else's project hands the engine: two paths and plain values."""
    importable = ImportableStrategyConfig("a:B", f"{__name__}:SmallConfig", FIELDS)
    assert SmallConfig(**importable.config) == SmallConfig(**FIELDS)


def test_actors_alike() -> None:
    config = WatcherConfig(actor_id="Watcher-001", max_orders=2)
    assert config.actor_id == ActorId("Watcher-001")
    assert pickle.loads(pickle.dumps(config)) == config
    with pytest.raises(ValidationError):
        WatcherConfig(actor_id="Watcher-001", strategy_id="MM-001")
