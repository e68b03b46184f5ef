"""Which parameters each model of a comparison runs with, and which mistakes are found before anything runs."""

import math
from pathlib import Path

import pytest

from mm_nautilus.backtest.contenders import Contender, contenders
from mm_nautilus.errors import ConfigError
from mm_nautilus.models.symmetric import Symmetric

RUN_FILE = """
[run]
name = "rivals"
[data]
catalog = "unused"
[[venues]]
name = "SIM"
account = "MARGIN"
starting_balances = ["1000 USDT"]
fees = { maker_rate = 0 }
[strategy]
path = "mm_nautilus.strategies:MarketMaker"
instrument_id = "SOLUSDT.SIM"
model = "glft"
gamma = 0.5
fill_risk = "none"
maker_fee_rate = 0.0001
order_size = 1
intensity = { a_per_s = 2, k_per_price = 50, ask = { a_per_s = 4, k_per_price = 25 } }
limits = { max_position = 10 }
"""


class Mine(Symmetric):
    """A model of the user's own."""

    name = "mine"


@pytest.fixture
def run_file(tmp_path: Path) -> Path:
    path = tmp_path / "rivals.toml"
    path.write_text(RUN_FILE)
    return path


def by_name(found: list[Contender]) -> dict[str, Contender]:
    return {one.name: one for one in found}


def with_tables(run_file: Path, text: str) -> Path:
    run_file.write_text(RUN_FILE + text)
    return run_file


def problems(run_file: Path, *names: str, overrides: tuple[str, ...] = ()) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        contenders(run_file, names, overrides)
    return caught.value.problems


def test_each_model_takes_over_what_it_knows_and_leaves_out_what_it_does_not(run_file: Path) -> None:
    found = by_name(contenders(run_file, ["glft", "avellaneda_stoikov", "symmetric"]))
    assert found["glft"].parameters == {"gamma": 0.5, "fill_risk": "none", "maker_fee_rate": 0.0001}
    assert found["glft"].left_out == ()
    assert found["avellaneda_stoikov"].parameters["gamma"] == 0.5
    assert found["avellaneda_stoikov"].left_out == ("fill_risk",)
    assert set(found["symmetric"].left_out) == {"gamma", "fill_risk"}
    for one in found.values():
        strategy = one.loaded.run_file.strategy
        assert strategy["model"] == one.model
        assert strategy["maker_fee_rate"] == 0.0001
        assert strategy["order_size"] == "1"
        assert not one.loaded.run_file.compare
        assert not set(one.left_out) & set(strategy)


def test_required_parameters_follow_from_intensity_and_limit(run_file: Path) -> None:
    found = by_name(contenders(run_file, ["symmetric", "avellaneda_stoikov", "dynamic_volatility"]))
    assert found["symmetric"].parameters["half_spread"] == pytest.approx((1 / 50 + 1 / 25) / 2)
    assert found["dynamic_volatility"].parameters["quote_lifetime_s"] == pytest.approx(math.e / 3)
    assert found["avellaneda_stoikov"].parameters["horizon_s"] == pytest.approx(10 * math.e / 3)
    for name, key in (("symmetric", "half_spread"), ("avellaneda_stoikov", "horizon_s")):
        assert key in found[name].derived
        assert found[name].loaded.run_file.strategy[key] == found[name].parameters[key]


def test_a_table_of_the_model_wins_over_what_is_taken_over_and_derived(run_file: Path) -> None:
    path = with_tables(run_file, "[compare.symmetric]\nhalf_spread = 0.3\n[compare.avellaneda_stoikov]\ngamma = 2.0\n")
    found = by_name(contenders(path, ["symmetric", "avellaneda_stoikov"]))
    assert found["symmetric"].parameters["half_spread"] == 0.3
    assert found["symmetric"].derived == {}
    assert found["avellaneda_stoikov"].parameters["gamma"] == 2.0


def test_the_command_line_wins_over_the_table(run_file: Path) -> None:
    path = with_tables(run_file, "[compare.symmetric]\nhalf_spread = 0.3\n")
    found = by_name(contenders(path, ["glft", "symmetric"], ["compare.symmetric.half_spread=0.4"]))
    assert found["symmetric"].parameters["half_spread"] == 0.4


def test_one_model_runs_against_itself_under_another_name(run_file: Path) -> None:
    path = with_tables(run_file, '[compare.patient]\nmodel = "glft"\ngamma = 0.01\n')
    found = contenders(path, ["glft", "patient"])
    assert [(one.name, one.model, one.parameters["gamma"]) for one in found] == [
        ("glft", "glft", 0.5),
        ("patient", "glft", 0.01),
    ]


def test_a_model_of_the_users_own_needs_a_name_for_its_folder(run_file: Path) -> None:
    location = f"{__name__}:Mine"
    assert any("cannot name a folder" in line for line in problems(run_file, "glft", location))
    path = with_tables(run_file, f'[compare.mine]\nmodel = "{location}"\nhalf_spread = 0.1\n')
    assert contenders(path, ["glft", "mine"])[1].model == location


def test_seed_and_overrides_reach_every_run(run_file: Path) -> None:
    for one in contenders(run_file, ["glft", "symmetric"], ["strategy.order_size=2"], seed=9):
        assert one.loaded.run_file.run.seed == 9
        assert one.loaded.run_file.strategy["order_size"] == "2"


@pytest.mark.parametrize(
    ("tables", "names", "expected"),
    [
        ("", ["glft"], "--models: at least two names, as in glft,symmetric; found glft"),
        ("", ["glft", "symmetric", "glft"], "--models: each name may stand once, found glft again"),
        ("", ["glft", "glfd"], "--models: unknown model 'glfd'"),
        ("[compare.symmetric]\nhalf_spred = 1\n", ["glft", "symmetric"], "did you mean 'half_spread'?"),
        ("[compare.simmetric]\nhalf_spread = 1\n", ["glft", "symmetric"], "compare.simmetric: unknown model"),
        ("[compare.a]\nmodel = 3\n", ["glft", "symmetric"], "compare.a.model: should be the name of a model, found 3"),
        ("[compare.a]\nmodel = 'glfd'\n", ["glft", "symmetric"], "compare.a.model: unknown model 'glfd'"),
        (
            "[compare.symmetric]\nhalf_spread = -1\n",
            ["glft", "symmetric"],
            "compare.symmetric.half_spread: should be greater",
        ),
        ("", ["glft", "glosten_milgrom"], "compare.glosten_milgrom.jump_price: is required and not there"),
    ],
)
def test_mistakes_name_their_place(run_file: Path, tables: str, names: list[str], expected: str) -> None:
    found = problems(with_tables(run_file, tables), *names)
    assert any(expected in line for line in found), found


def test_what_a_model_refuses_to_take_over_names_the_model(run_file: Path) -> None:
    text = RUN_FILE.replace("gamma = 0.5", "gamma = 0.5\ntarget_inventory = 1.0")
    run_file.write_text(text)
    expected = "compare.symmetric: target_inventory has no effect without skew_price_per_base"
    assert problems(run_file, "glft", "symmetric") == [expected]
    run_file.write_text(text + "[compare.symmetric]\ntarget_inventory = 0.0\n")
    assert len(contenders(run_file, ["glft", "symmetric"])) == 2


def test_a_key_the_run_files_own_model_does_not_know_stays_an_error(run_file: Path) -> None:
    run_file.write_text(RUN_FILE.replace("gamma = 0.5", "gamma = 0.5\nhalf_spread = 0.1"))
    assert any("strategy.half_spread: unknown key" in line for line in problems(run_file, "glft", "symmetric"))
