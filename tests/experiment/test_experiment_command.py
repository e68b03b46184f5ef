"""From the command line to a page: what is written, what is refused, and that it can be repeated."""

import sys
from pathlib import Path

import orjson
import pytest

from mm_nautilus.cli import main
from mm_nautilus.errors import ConfigError
from mm_nautilus.experiment import adverse_selection
from mm_nautilus.experiment.effects import FIGURES

pytestmark = pytest.mark.e2e

ROOT = Path(__file__).resolve().parents[2]
SHORT = ["data.simulation.duration_s=400"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    found = tmp_path_factory.mktemp("experiment")
    text = (
        (ROOT / "configs" / "informed_flow.toml").read_text().replace("../catalogs/simulated", str(found / "catalog"))
    )
    (found / "run.toml").write_text(text)
    return found


@pytest.fixture(scope="module")
def done(folder: Path):
    return adverse_selection(folder / "run.toml", SHORT, responses=["rules"], seeds=2, output=folder / "runs")


def test_everything_is_written_and_says_the_same(done) -> None:
    assert orjson.loads((done.folder / "experiment.json").read_bytes()) == done.result
    assert set(done.result["effects"]) == {"off", "rules"}
    assert set(done.result["effects"]["rules"]) == set(FIGURES)
    page = done.page.read_text()
    for said in (
        "What fills were worth later",
        "What each response changed",
        "How much of the time it answered",
        "PnL",
    ):
        assert said in page
    for folders in done.result["folders"].values():
        assert all((done.folder / name / "report.html").is_file() for name in folders)


def test_figures_are_those_of_the_runs(done) -> None:
    hours, effects = done.result["hours"], done.result["effects"]
    for response, folders in done.result["folders"].items():
        results = [orjson.loads((done.folder / name / "result.json").read_bytes()) for name in folders]
        ones = [result["instruments"]["SOLUSDT.SIM"] for result in results]
        assert hours == pytest.approx(sum(one["end_ns"] - one["start_ns"] for one in ones) / 3.6e12)
        pnl = sum(float(one["money"]["total"]) for one in ones)
        assert effects[response]["pnl"]["value"] == pytest.approx(pnl / hours, abs=1e-6)
        assert effects[response]["fill_rate"]["value"] == pytest.approx(
            sum(one["fills"]["count"] for one in ones) / hours
        )
        at = [next(mark for mark in one["markouts"]["all"] if mark["horizon_s"] == 10.0) for one in ones]
        spread = 2e4 * sum(mark["markout"] for mark in at) / len(at) / 100.0
        assert effects[response]["realised_spread"]["value"] == pytest.approx(spread, abs=0.1)


def test_processes_change_nothing(folder: Path, done) -> None:
    again = adverse_selection(folder / "run.toml", SHORT, responses=["rules"], seeds=2, output=folder / "more", jobs=2)
    assert again.result == done.result


def test_the_command_prints_the_verdict(folder: Path, capsys, monkeypatch) -> None:
    command = ["mm-nautilus", "experiment", "adverse-selection", str(folder / "run.toml"), "--set", SHORT[0]]
    monkeypatch.setattr(
        sys, "argv", [*command, "--responses", "off,rules", "--jobs", "1", "--output", str(folder / "c")]
    )
    with pytest.raises(SystemExit) as exit_:
        main()
    assert exit_.value.code == 0
    said = capsys.readouterr().out
    assert "realised spread" in said
    assert "traded: simulated markets of seed 1" in said


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"responses": ["of"]}, "'of' is no response"),
        ({"seeds": 0}, "--seeds"),
        ({"horizon_s": -1.0}, "--horizon-s"),
        ({"seeds": 2, "training_seed": 2}, "--training-seed: 2 is traded"),
    ],
)
def test_mistakes_are_named_before_anything_runs(folder: Path, fields, words) -> None:
    with pytest.raises(ConfigError, match=words):
        adverse_selection(folder / "run.toml", SHORT, output=folder / "never", **fields)
    assert not (folder / "never").exists()


def test_a_users_mistake_crosses_from_another_process_in_words(folder: Path) -> None:
    changes = ["data.simulation.duration_s=60", "data.simulation.set=['venues.*.informed.shore=1']"]
    with pytest.raises(Exception, match="shore"):
        adverse_selection(folder / "run.toml", changes, responses=["rules"], output=folder / "wrong", jobs=2)
