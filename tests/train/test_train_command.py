"""From a run file to a model to a run that uses it; and the mistakes on the way."""

import re
import shutil
import sys
import zipfile

import orjson
import pytest

from mm_nautilus.adverse_selection.classifier import model_file
from mm_nautilus.adverse_selection.classifier.inference import FillClassifier
from mm_nautilus.adverse_selection.classifier.labels import LabelSettings
from mm_nautilus.adverse_selection.classifier.training import TrainingSettings
from mm_nautilus.analytics.runlog import RunLog
from mm_nautilus.backtest import run_backtest
from mm_nautilus.cli import main
from mm_nautilus.errors import ConfigError, DataError, UserError
from mm_nautilus.messages import AlertFact, FillFeatureFact, QuoteDecision
from mm_nautilus.train import train_model

pytestmark = pytest.mark.e2e

SETTINGS = TrainingSettings(folds=3)

RUN_FILE = """
[run]
name = "maker"
seed = 7
output = "{folder}/runs"

[data]
catalog = "{folder}/catalog"

[data.simulation]
preset = "calm"
duration_s = 1500
seed = 1
set = ["venues.*.informed.share=0.3"]

[[venues]]
name = "SIM"
account = "MARGIN"
starting_balances = ["100000 USDT"]
fees = {{ maker_rate = "0", taker_rate = "0.0005" }}
latency = {{ base_ms = 5 }}

[strategy]
path = "mm_nautilus.strategies:MarketMaker"
instrument_id = "SOLUSDT.SIM"
model = "symmetric"
half_spread = 0.01
order_size = 1.0
intensity = {{ a_per_s = 1.0, k_per_price = 50.0 }}
limits = {{ max_position = 50 }}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    found = tmp_path_factory.mktemp("train")
    (found / "maker.toml").write_text(RUN_FILE.format(folder=found))
    return found


@pytest.fixture(scope="module")
def trained(folder):
    return train_model(folder / "maker.toml", settings=SETTINGS)


@pytest.fixture(scope="module")
def acting(folder, trained):
    """A run file for another market of the same kind, with the model named from beside it."""
    path = folder / "acting.toml"
    name = trained.model.relative_to(folder)
    path.write_text(
        RUN_FILE.format(folder=folder)
        .replace("seed = 1\n", "seed = 2\n")
        .replace("duration_s = 1500", "duration_s = 300")
        + f'[strategy.adverse_selection]\nmodel = "{name}"\n'
    )
    return path


def test_a_training_says_what_it_is_worth(trained) -> None:
    result = orjson.loads((trained.folder / "train.json").read_bytes())
    assert result == trained.result
    assert [score["name"] for score in result["scores"]] == [
        "random forest",
        "gradient boosting",
        "logistic",
        "base rate",
    ]
    assert result["data"]["fills"] > 500
    assert result["splits"]["purge_s"] == result["splits"]["embargo_s"] == 5.0
    assert len(result["importance"]) == len(result["features"]["described"])
    page = trained.page.read_text()
    assert "Fill risk of SOLUSDT.SIM" in page
    assert page.count('class="chart"') == 4
    assert result["verdict"].split(",")[0] in page
    assert model_file.fingerprint(trained.model) == result["model"]["fingerprint"]


def test_features_are_recorded_once_a_fill(trained) -> None:
    log = RunLog.open(trained.folder / "run")
    facts = log.messages(FillFeatureFact)
    fills = log.table("fills").to_pylist()
    # The maker's own volatility takes longer to warm up than the features do.
    assert [(fact.trade_id, fact.price) for fact in facts] == [(fill["trade_id"], fill["price"]) for fill in fills]
    names = trained.result["features"]["described"]
    age, distance = (list(names).index(name) for name in ("trade_age_s", "distance_ticks"))
    # The trade that fills us is not among what is known: the last one before it is some time ago.
    assert sum(fact.values[age] == 0.0 for fact in facts) < 0.02 * len(facts)
    assert sum(abs(fact.values[distance]) < 0.5 for fact in facts) > 0.5 * len(facts)


def test_recording_changes_no_quote(folder, trained) -> None:
    plain = run_backtest(folder / "maker.toml")
    for name in ("decisions", "fills"):
        assert RunLog.open(plain.run_dir).table(name) == RunLog.open(trained.folder / "run").table(name)


def test_a_run_there_is_already_gives_the_same_model(trained) -> None:
    again = train_model(run_dir=trained.folder / "run", settings=SETTINGS)
    assert again.model.read_bytes() == trained.model.read_bytes()
    other = train_model(run_dir=trained.folder / "run", settings=SETTINGS, seed=3)
    assert other.model.read_bytes() != trained.model.read_bytes()


def test_the_model_acts_side_by_side_and_is_pinned(acting, trained) -> None:
    # With thresholds around its median prediction every model has something to say.
    overrides = [
        "strategy.adverse_selection.fill_risk.low_risk=0.3",
        "strategy.adverse_selection.fill_risk.high_risk=0.35",
    ]
    outcome = run_backtest(acting, overrides)
    log = RunLog.open(outcome.run_dir)
    risks = log.table("fill_risks").to_pylist()
    assert len(risks) == pytest.approx(4 * 300, abs=8)
    assert risks[0]["bid_risk"] is None
    warm = [row for row in risks if row["bid_risk"] is not None]
    assert len(warm) > 1000
    assert any(row["bid_risk"] != row["ask_risk"] for row in warm)
    decisions = log.messages(QuoteDecision)
    assert {one.bid_spread_multiplier for one in decisions} >= {1.0, 1.5}
    assert any(one.bid_spread_multiplier != one.ask_spread_multiplier for one in decisions)
    assert not log.messages(AlertFact)
    again = run_backtest(outcome.run_dir / "run.toml", output=acting.parent / "again")
    assert RunLog.open(again.run_dir).table("decisions") == log.table("decisions")
    assert model_file.fingerprint(trained.model) in (outcome.run_dir / "run.toml").read_text()


def test_a_model_that_fails_while_running_is_given_up_with_one_alert(acting, monkeypatch) -> None:
    calls = []
    risk = FillClassifier.risk

    def failing(self, vector):
        calls.append(vector)
        if len(calls) == 101:
            raise RuntimeError("out of order")
        return risk(self, vector)

    monkeypatch.setattr(FillClassifier, "risk", failing)
    log = RunLog.open(run_backtest(acting).run_dir)
    (alert,) = log.messages(AlertFact)
    assert "RuntimeError: out of order" in alert.text
    assert len(calls) == 101
    after = [row for row in log.table("fill_risks").to_pylist() if row["ts_ns"] >= alert.ts_ns]
    assert after
    assert all(row["bid_risk"] is None for row in after)
    assert any(one.ts_ns > alert.ts_ns and one.bid_prices for one in log.messages(QuoteDecision))


def test_a_model_is_not_tested_on_what_it_was_trained_on(folder, trained) -> None:
    model = f"strategy.adverse_selection.model={trained.model}"
    with pytest.raises(ConfigError, match="was trained on these very data"):
        run_backtest(folder / "maker.toml", [model])
    run_backtest(folder / "maker.toml", [model, "strategy.adverse_selection.allow_in_sample=true"])


def test_a_missing_or_damaged_model_stops_the_run_before_it_starts(acting, folder, trained) -> None:
    runs = sorted((folder / "runs").iterdir())
    with pytest.raises(DataError, match=r"gone\.model: no such model file"):
        run_backtest(acting, ["strategy.adverse_selection.model=gone.model"])
    (folder / "cut.model").write_bytes(trained.model.read_bytes()[:1000])
    with pytest.raises(DataError, match=r"cut\.model: is damaged"):
        run_backtest(acting, ["strategy.adverse_selection.model=cut.model"])
    assert sorted((folder / "runs").iterdir()) == runs


def test_a_model_of_another_version_fails_the_start_with_its_reason(acting, folder, trained) -> None:
    metadata, graph = model_file.read(trained.model)
    path = folder / "old.model"
    model_file.save(path, metadata.model_copy(update={"feature_schema_digest": "0" * 16}), graph)
    with pytest.raises(UserError, match="was trained on other features"):
        run_backtest(acting, ["strategy.adverse_selection.model=old.model"])


def test_too_few_fills_are_counted(folder) -> None:
    short = ["data.simulation.duration_s=60"]
    with pytest.raises(DataError, match=r"\d+ of \d+ fills have a markout at 5 s; at least 200 are needed"):
        train_model(folder / "maker.toml", short)
    with pytest.raises(DataError, match="the run has no fills"):
        train_model(folder / "maker.toml", [*short, "strategy.half_spread=5.0"])


def test_one_class_only_is_counted(trained) -> None:
    with pytest.raises(DataError, match=r"0 of \d+ fills are adverse .* at least 30 of either kind"):
        train_model(run_dir=trained.folder / "run", label=LabelSettings(threshold_bps=-900.0))


def test_a_run_that_recorded_nothing_says_how_to_record(folder) -> None:
    plain = run_backtest(folder / "maker.toml", ["data.simulation.duration_s=120"])
    with pytest.raises(DataError, match="none of them with features: record them with"):
        train_model(run_dir=plain.run_dir)


def test_without_the_extra_it_says_what_to_install(folder, trained, acting, monkeypatch) -> None:
    monkeypatch.setattr("mm_nautilus.train.run.find_spec", lambda name: None if name == "sklearn" else name)
    with pytest.raises(DataError, match=r"training needs sklearn, not installed here: pip install 'mm-nautilus\[ml\]'"):
        train_model(folder / "maker.toml")
    inference = "mm_nautilus.adverse_selection.classifier.inference.find_spec"
    monkeypatch.setattr(inference, lambda name: None if name == "onnxruntime" else name)
    with pytest.raises(DataError, match=r"a model needs onnxruntime, not installed here"):
        run_backtest(acting)


def test_data_that_changed_since_the_run_are_refused(trained, tmp_path) -> None:
    copy = tmp_path / "run"
    shutil.copytree(trained.folder / "run", copy)
    text = (copy / "run.toml").read_text()
    (copy / "run.toml").write_text(
        re.sub(r'catalog = ".*"', f'catalog = "{tmp_path}/elsewhere"', text).replace("seed = 1\n", "seed = 5\n")
    )
    with pytest.raises(DataError, match="holds other data than when this run was made"):
        train_model(run_dir=copy, settings=SETTINGS)
    result = orjson.loads((copy / "result.json").read_bytes())
    (copy / "result.json").write_bytes(orjson.dumps(result | {"status": "failed"}))
    with pytest.raises(DataError, match="the run did not complete"):
        train_model(run_dir=copy, settings=SETTINGS)


def test_a_folder_without_a_run_is_named(tmp_path) -> None:
    with pytest.raises(DataError, match="is not the folder of a run"):
        train_model(run_dir=tmp_path)
    with pytest.raises(DataError, match="name either a run file to run, or the folder of a run"):
        train_model()


def test_the_command_prints_tables_and_paths(trained, tmp_path, monkeypatch, capsys) -> None:
    arguments = [
        "mm-nautilus",
        "train",
        "--run",
        str(trained.folder / "run"),
        "--folds",
        "3",
        "--output",
        str(tmp_path),
    ]
    monkeypatch.setattr(sys, "argv", arguments)
    with pytest.raises(SystemExit) as done:
        main()
    assert done.value.code == 0
    printed = capsys.readouterr().out
    for words in ("ROC AUC", "base rate", "What the thresholds would have caught", "fill_risk.model", "train.html"):
        assert words in printed
    (path,) = tmp_path.glob("*/fill_risk.model")
    assert zipfile.is_zipfile(path)


@pytest.mark.parametrize(
    ("option", "value", "complaint"), [("--horizon-s", "0", "horizon_s"), ("--folds", "2", "folds")]
)
def test_an_option_out_of_range_is_named(trained, monkeypatch, capsys, option, value, complaint) -> None:
    monkeypatch.setattr(sys, "argv", ["mm-nautilus", "train", "--run", str(trained.folder / "run"), option, value])
    with pytest.raises(SystemExit) as done:
        main()
    assert done.value.code == 2
    assert complaint in capsys.readouterr().err
