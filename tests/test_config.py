"""Every mistake a run file can hold is reported at once, with its place, what was found and what is allowed."""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import tomli_w

from mm_nautilus.errors import ConfigError, UserError
from mm_nautilus.host.loading import LoadedRun, load_run

RUN_FILE: dict[str, Any] = {
    "run": {"name": "test", "seed": 1},
    "data": {"catalog": "catalog"},
    "venues": [
        {
            "name": "SIM",
            "account": "CASH",
            "starting_balances": ["100000 USDT", "1 BTC"],
            "fees": {"maker_rate": 0.001},
            "latency": {"base_ms": 1.0, "cancel_ms": 0.5},
        }
    ],
    "strategy": {
        "path": "mm_nautilus.strategies:MarketMaker",
        "instrument_id": "BTCUSDT.SIM",
        "model": "glft",
        "gamma": 0.1,
        "order_size": "0.01",
        "intensity": {"a_per_s": 1.0, "k_per_price": 0.3},
        "limits": {"max_position": "0.05"},
    },
}

type Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Return a function that writes the run file with changes: dotted path to value, or None to leave it out."""

    def written(**changes: Any) -> Path:
        run_file = tomllib.loads(tomli_w.dumps(RUN_FILE))
        for dotted, value in changes.items():
            *parents, last = dotted.split("__")
            table: Any = run_file
            for key in parents:
                table = table[int(key)] if isinstance(table, list) else table.setdefault(key, {})
            if value is None:
                del table[last]
            else:
                table[last] = value
        path = tmp_path / "run.toml"
        path.write_text(tomli_w.dumps(run_file))
        return path

    return written


@pytest.fixture
def own_strategies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Put a module of a user's own strategies on the path."""
    (tmp_path / "my_strategies.py").write_text(
        "from mm_nautilus.strategies import MarketMaker, MarketMakerConfig\n"
        "class Mine(MarketMaker): ...\n"
        "class MineConfig(MarketMakerConfig): ...\n"
        "class Odd(MarketMaker): ...\n"
        "class Bare(MarketMaker): ...\n"
        "class BareConfig: ...\n"
        "class NotAStrategy: ...\n"
    )
    (tmp_path / "my_broken.py").write_text("1 / 0\n")
    monkeypatch.syspath_prepend(tmp_path)
    yield
    for name in ("my_strategies", "my_broken"):
        sys.modules.pop(name, None)


def problems(path: Path, *overrides: str, seed: int | None = None) -> list[str]:
    """Return what is wrong, and check that the error is one screen with file, field and no traceback in it."""
    with pytest.raises(ConfigError) as raised:
        load_run(path, overrides, seed)
    error = raised.value
    text = str(error)
    assert isinstance(error, UserError)
    assert text.startswith(f"{path}: {len(error.problems)} problem")
    assert all(f"  - {problem}" in text for problem in error.problems)
    assert len(text.splitlines()) < 25
    assert "Traceback" not in text
    assert "pydantic" not in text
    return error.problems


def one_problem(path: Path, *overrides: str) -> str:
    found = problems(path, *overrides)
    assert len(found) == 1, found
    return found[0]


# ------------------------------------------------------------------------------- what is right


def test_a_run_is_loaded_with_its_strategy(write: Write) -> None:
    path = write()
    loaded = load_run(path)
    settings: Any = loaded.strategy_config.settings
    assert loaded.strategy_type.__name__ == "MarketMaker"
    assert settings.gamma == 0.1
    assert loaded.instrument_ids == ["BTCUSDT.SIM"]
    assert loaded.catalog == (path.parent / "catalog").resolve()
    assert str(loaded.strategy_config.strategy_id) == "MarketMaker-001"


def test_the_strategy_is_told_about_its_venue(write: Write) -> None:
    settings: Any = load_run(write()).strategy_config.settings
    assert (settings.arrival.submit_ns, settings.arrival.amend_ns) == (1_000_000, 1_000_000)
    assert settings.arrival.cancel_ns == 1_500_000
    assert settings.maker_fee_reserve == 0.001
    rebate: Any = load_run(write(venues__0__fees__maker_rate=-0.0001)).strategy_config.settings
    assert rebate.maker_fee_reserve == 0.0


def test_adverse_selection_is_watched_where_the_run_file_says_so(write: Write) -> None:
    assert load_run(write()).run_file.adverse_selection is None
    watched = load_run(write(adverse_selection={}, strategy__adverse_selection={"act": True})).run_file
    assert watched.adverse_selection is not None
    assert watched.adverse_selection.max_spread_multiplier == 1.5


def test_following_assessments_that_nobody_makes_is_a_mistake(write: Write) -> None:
    found = one_problem(write(strategy__adverse_selection={"act": True}))
    assert "strategy.adverse_selection.act: nobody assesses" in found


def test_a_mistake_in_the_monitors_table_is_named(write: Write) -> None:
    assert "adverse_selection.levle: unknown key, did you mean 'level'" in one_problem(
        write(adverse_selection={"levle": 0.1})
    )


def test_the_strategy_can_be_told_when_the_data_ends(write: Write) -> None:
    loaded = load_run(write())
    settings: Any = loaded.config_until(10_000_000_000).settings
    assert settings.arrival.end_ns == 10_000_000_000
    assert settings.arrival.last_quote_ns == 10_000_000_000 - 3_500_000 - 1
    assert settings.arrival.cancel_ns == 1_500_000
    assert loaded.strategy_config != loaded.config_until(1)


def test_what_was_resolved_can_be_run_again(write: Write, tmp_path: Path) -> None:
    first = load_run(write(strategy__strategy_id="MM-007", strategy__log_events=False), ["strategy.gamma=0.2"])
    again_file = tmp_path / "resolved.toml"
    resolved = first.run_file.model_dump(mode="json", exclude_none=True)
    again_file.write_text(tomli_w.dumps(resolved))
    again = load_run(again_file)
    assert again.run_file == first.run_file
    assert resolved["strategy"]["strategy_id"] == "MM-007"
    assert again.strategy_config.settings.model_dump() == first.strategy_config.settings.model_dump()
    assert not {"arrival", "maker_fee_reserve"} & set(resolved["strategy"]), "they follow from the venue"


def test_overrides_and_seed(write: Write) -> None:
    path = write()
    loaded = load_run(
        path,
        ["strategy.gamma=0.2", "venues.0.account=MARGIN", "strategy.ladder.levels=3", 'run.name="b"'],
        seed=9,
    )
    settings: Any = loaded.strategy_config.settings
    assert (settings.gamma, settings.ladder.levels) == (0.2, 3)
    assert (loaded.run_file.venues[0].account, loaded.run_file.run.name, loaded.run_file.run.seed) == ("MARGIN", "b", 9)


@pytest.mark.parametrize(
    "start",
    [
        datetime(2024, 8, 8, 12, tzinfo=UTC).replace(tzinfo=None),
        "2024-08-08T12:00:00",
        "2024-08-08T12:00:00Z",
        "2024-08-08T14:00:00+02:00",
    ],
)
def test_a_time_without_a_zone_is_utc(write: Write, start: object) -> None:
    found = load_run(write(data__start=start)).run_file.data.start
    assert found == datetime(2024, 8, 8, 12, tzinfo=UTC)


def test_the_parameters_of_the_model_stand_in_the_strategys_table(write: Write) -> None:
    settings: Any = load_run(
        write(strategy__model="avellaneda_stoikov", strategy__horizon_s=60)
    ).strategy_config.settings
    assert settings.horizon_s == 60
    assert "fill_risk" not in type(settings).model_fields


def test_a_strategy_of_ones_own(write: Write, own_strategies: None) -> None:
    loaded = load_run(write(strategy__path="my_strategies:Mine"))
    assert (loaded.strategy_type.__name__, type(loaded.strategy_config).__name__) == ("Mine", "MineConfig")
    path = write(strategy__path="my_strategies:Odd", strategy__config_path="my_strategies:MineConfig")
    odd = load_run(path)
    assert odd.strategy_type.__name__ == "Odd"
    assert odd.run_file.strategy["config_path"] == "my_strategies:MineConfig"


# ------------------------------------------------------------------------------- what is wrong


@pytest.mark.parametrize(
    ("changes", "field", "said"),
    [
        # unknown keys, with a suggestion where one is close
        ({"runn": {}}, "runn", "did you mean 'run'?"),
        ({"run__sed": 1}, "run.sed", "did you mean 'seed'?"),
        ({"venues__0__latency__base": 1}, "venues.0.latency.base", "did you mean 'base_ms'?"),
        ({"strategy__gama": 1}, "strategy.gama", "did you mean 'gamma'?"),
        ({"strategy__ladder__level": 1}, "strategy.ladder.level", "did you mean 'levels'?"),
        ({"strategy__zzz": 1}, "strategy.zzz", "allowed are"),
        ({"data__simulation__duration": 1}, "data.simulation.duration", "did you mean 'duration_s'?"),
        # wrong type
        ({"run__seed": "one"}, "run.seed", "(found 'one')"),
        ({"run": 3}, "run", "(found 3)"),
        ({"strategy": 3}, "strategy", "dictionary"),
        ({"venues": 3}, "venues", "list"),
        ({"strategy__gamma": "much"}, "strategy.gamma", "(found 'much')"),
        ({"strategy__limits__max_position": True}, "strategy.limits.max_position", "(found True)"),
        ({"strategy__manage_stop": "no"}, "strategy.manage_stop", "should be of type bool (found 'no')"),
        ({"strategy__oms_type": "NET"}, "strategy.oms_type", "(found 'NET')"),
        ({"strategy__strategy_id": "MM"}, "strategy.strategy_id", "(found 'MM')"),
        # wrong range or unit
        ({"strategy__gamma": -1}, "strategy.gamma", "greater than 0 (found -1)"),
        ({"strategy__gamma": float("inf")}, "strategy.gamma", "finite"),
        ({"strategy__ladder__levels": 0}, "strategy.ladder.levels", "greater than or equal to 1"),
        ({"strategy__guards__min_half_spread_bps": 20_000}, "strategy.guards.min_half_spread_bps", "less than 10000"),
        ({"strategy__order_size": "0"}, "strategy.order_size", "greater than 0"),
        ({"venues__0__fees__maker_rate": 10}, "venues.0.fees.maker_rate", "less than"),
        ({"venues__0__latency__base_ms": -1}, "venues.0.latency.base_ms", "greater than or equal to 0"),
        ({"venues__0__account": "SPOT"}, "venues.0.account", "'CASH' or 'MARGIN'"),
        (
            {"venues__0__starting_balances": ["lots of money"]},
            "venues.0.starting_balances.0",
            "(found 'lots of money')",
        ),
        ({"run__name": "a b/c"}, "run.name", "(found 'a b/c')"),
        # missing
        ({"strategy__gamma": None}, "strategy.gamma", "is required and not there"),
        ({"strategy__order_size": None}, "strategy.order_size", "is required and not there"),
        ({"strategy__path": None}, "strategy.path", "is required"),
        ({"venues__0__fees": None}, "venues.0.fees", "is required and not there"),
        ({"data": None}, "data", "is required and not there"),
        ({"venues": []}, "venues", "at least 1 item"),
        # parts that do not fit together
        ({"strategy__model": "glf"}, "strategy.model", "allowed are avellaneda_stoikov, avellaneda_stoikov_infinite, "),
        ({"strategy__instrument_id": "BTCUSDT.BINANCE"}, "strategy.instrument_id", "venue 'BINANCE' is not among"),
        ({"strategy__order_size": "0.06"}, "strategy", "limits.max_position (0.05) is below"),
        (
            {"strategy__guards": {"min_price": 10, "max_price": 9}},
            "strategy.guards",
            "max_price (9) is not above min_price (10)",
        ),
        (
            {"data__start": "2024-01-02T00:00:00", "data__end": "2024-01-01T00:00:00"},
            "data",
            "end (2024-01-01T00:00:00+00:00) is not after start (2024-01-02T00:00:00+00:00)",
        ),
        ({"data__start": "yesterday"}, "data.start", "yesterday"),
        ({"venues__0__fees": {"maker_rate": 0.1, "per_contract": "2 USD"}}, "venues.0.fees", "less than"),
        ({"venues__0__fees": {"maker_rate": 0.01, "per_contract": "2 USD"}}, "venues.0.fees", "only one kind"),
    ],
)
def test_each_mistake_names_its_field(write: Write, changes: dict[str, Any], field: str, said: str) -> None:
    found = one_problem(write(**changes))
    assert found.startswith(field), found
    assert said in found


@pytest.mark.parametrize(
    ("path", "field", "said"),
    [
        ("nowhere:Maker", "strategy.path", "No module named 'nowhere'"),
        ("mm_nautilus.strategies:Makre", "strategy.path", "has no attribute 'Makre'"),
        ("mm_nautilus.strategies", "strategy.path", "expected 'package.module:Class'"),
        (".strategies:Maker", "strategy.path", "expected 'package.module:Class'"),
        ("", "strategy.path", "expected 'package.module:Class'"),
        ("my_broken:Maker", "strategy.path", "ZeroDivisionError: division by zero"),
        ("my_strategies:NotAStrategy", "strategy.path", "is not a Strategy"),
        ("my_strategies:Odd", "strategy.config_path", "has no attribute 'OddConfig'"),
        ("my_strategies:Bare", "strategy.config_path", "is not a TypedStrategyConfig"),
    ],
)
def test_a_strategy_that_cannot_be_used(write: Write, own_strategies: None, path: str, field: str, said: str) -> None:
    found = one_problem(write(strategy__path=path))
    assert found.startswith(f"{field}: ")
    assert said in found


def test_a_model_that_cannot_be_imported(write: Write, own_strategies: None) -> None:
    found = one_problem(write(strategy__model="my_broken:Model"))
    assert found.startswith("strategy.model: cannot import the model 'my_broken:Model': ZeroDivisionError")


def test_every_mistake_is_reported_at_once(write: Write) -> None:
    path = write(
        run__seed=-1, data__chunk=1, venues__0__account="X", strategy__gamma=0, strategy__limits__max_positon="1"
    )
    found = problems(path, "strategy.ladder.levels=many", "nonsense", "run.name.x=1")
    fields = ("run.seed", "data.chunk", "venues.0.account", "strategy.gamma", "strategy.limits.max_positon")
    fields += ("strategy.ladder.levels", "--set nonsense", "--set run.name.x=1")
    assert len(found) == len(fields)
    for field in fields:
        assert any(problem.startswith(field) for problem in found), (field, found)


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("strategy.gamma", "expected a.b=value"),
        ("=3", "expected a.b=value"),
        ("strategy..gamma=3", "expected a.b=value"),
        ("run.name.deep=3", "run.name is not a table"),
        ("venues.account=CASH", "venues is a list; name one entry, as in venues.0.account"),
        ("venues.7.account=CASH", "venues.7 is not a table"),
        ("venues.0=3", "name one entry, as in venues.0.account"),
        ("strategy.gamma=high", "strategy.gamma: "),
        ("strategy.gama=1", "did you mean 'gamma'?"),
    ],
)
def test_each_override_that_goes_nowhere_is_named(write: Write, override: str, said: str) -> None:
    assert said in " ".join(problems(write(), override))


def test_a_seed_does_not_hide_a_broken_table(write: Write) -> None:
    assert problems(write(run=3), seed=1)[0].startswith("run: ")


def test_a_file_that_is_not_there_or_is_no_toml(tmp_path: Path) -> None:
    assert one_problem(tmp_path / "none.toml") == "no such file"
    broken = tmp_path / "broken.toml"
    broken.write_text("[run\nname = 1")
    assert "cannot be read as TOML" in one_problem(broken)
    binary = tmp_path / "binary.toml"
    binary.write_bytes(b"\xff\xfe\x00")
    assert "cannot be read as TOML" in one_problem(binary)
    assert "cannot be read as TOML" in one_problem(tmp_path)


def test_venues_are_named_once(write: Write) -> None:
    assert "each name may stand once" in one_problem(write(venues=RUN_FILE["venues"] * 2))


def test_run_files_that_come_with_the_project_load() -> None:
    folder = Path(__file__).resolve().parents[1] / "configs"
    found = [load_run(path) for path in sorted(folder.glob("*.toml"))]
    assert all(isinstance(loaded, LoadedRun) for loaded in found)
    assert found, f"no run files in {folder}"
