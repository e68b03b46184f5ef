"""One run in a worker: its row, its failure, and nothing left behind."""

import sys
import tempfile
from copy import replace
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from sweep_kit import run_file

from mm_nautilus.backtest import run_backtest
from mm_nautilus.errors import UserError
from mm_nautilus.sweep.cluster import run_on_ray
from mm_nautilus.sweep.plan import Task, plan
from mm_nautilus.sweep.worker import execute


@pytest.fixture(scope="module")
def tasks(tmp_path_factory: pytest.TempPathFactory) -> tuple[Task, ...]:
    path = run_file(tmp_path_factory.mktemp("worker"))
    return plan(path, [{"strategy.gamma": 0.1}, {"strategy.gamma": 0.2}, {"strategy.gamma": 0.1}]).tasks


def test_the_same_run_is_planned_once_and_others_have_other_names(tasks: tuple[Task, ...]) -> None:
    assert [task.point["strategy.gamma"] for task in tasks] == [0.1, 0.2]
    assert len({task.identity for task in tasks}) == 2
    again = plan(tasks[0].path, [{"strategy.gamma": 0.2}], ["run.name=other", "run.output=elsewhere"]).tasks
    assert again[0].identity == tasks[1].identity, "what it is called and where it is kept is not what it is"
    other = plan(tasks[0].path, [{"strategy.gamma": 0.2}], ["run.seed=8"]).tasks
    assert other[0].identity != tasks[1].identity


def test_a_row_is_what_a_backtest_says(
    tasks: tuple[Task, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "scratch"))
    (tmp_path / "scratch").mkdir()
    row = execute(tasks[0], 5.0, keep_in=tmp_path / "kept")
    assert row.completed, row.reason
    alone = run_backtest(tasks[0].path, ["strategy.gamma=0.1"], output=tmp_path).result
    assert row.pnl == Decimal(alone["total"]["USDT"]["total"])
    assert row.fills == alone["total"]["USDT"]["fills"] > 0
    one = alone["instruments"]["SOLUSDT.SIM"]
    assert len(row.increments) == (one["end_ns"] - one["start_ns"]) // 5_000_000_000
    assert abs(np.sum(row.increments)) <= row.max_drawdown + abs(float(row.pnl)) + 1.0
    assert (tmp_path / "kept" / row.identity[:16] / "result.json").is_file()
    again = execute(tasks[0], 5.0)
    assert replace(again, seconds=row.seconds) == row
    assert [path.name for path in (tmp_path / "scratch").iterdir() if path.is_dir()] == []


def test_other_data_or_packages_are_refused_not_handed_in(tasks: tuple[Task, ...]) -> None:
    other = execute(replace(tasks[0], data_fingerprint="0" * 64), 5.0)
    assert not other.completed
    assert "the data here are not those of the sweep" in other.reason
    other = execute(replace(tasks[0], identity="0" * 64), 5.0)
    assert "the packages, the strategy or the Python here" in other.reason


def test_without_ray_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(UserError, match=r"pip install 'mm-nautilus\[sweep\]'"):
        run_on_ray([], 1.0, print)
