"""Walking forward with calibration: what is measured, what runs on it, and nothing of what comes later."""

from copy import replace
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from sweep_kit import failure, row, run_file

from mm_nautilus.calibration import CalibrationFile
from mm_nautilus.errors import UserError
from mm_nautilus.host.loading import load_tables
from mm_nautilus.sweep.folds import FOLDER, FoldRuns, Folds, Span, check_calibrated, plan_folds, spans, walked_folds
from mm_nautilus.sweep.judged import Score
from mm_nautilus.sweep.plan import Task, plan
from mm_nautilus.sweep.request import Request
from mm_nautilus.sweep.walk_forward import LeftOut, Windows
from mm_nautilus.sweep.worker import execute

S = 1_000_000_000
WALKING = Request(windows=Windows(60.0, 40.0), calibrate=True, score=Score.PNL)


def test_windows_follow_each_other_and_the_last_may_be_short() -> None:
    found = spans(7, 7 + 10 * S + 5, Windows(4.0, 3.0), 1.0)
    assert found == [Span(7, 7 + 4 * S, 7 + 7 * S), Span(7 + 3 * S, 7 + 7 * S, 7 + 10 * S)]


def test_what_cannot_be_calibrated_once_for_all_points_is_refused() -> None:
    assert check_calibrated(WALKING, [{"strategy.gamma": 1.0}]) == Windows(60.0, 40.0)
    with pytest.raises(UserError, match="give --walk-forward too"):
        check_calibrated(Request(calibrate=True), [])
    for key in ("data.simulation.seed", "strategy.instrument_id", "strategy.book"):
        with pytest.raises(UserError, match=f"{key} changes them"):
            check_calibrated(WALKING, [{key: 1}])


@pytest.fixture(scope="module")
def planned(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, tuple[Task, ...], Folds]:
    folder = tmp_path_factory.mktemp("folds")
    path = run_file(folder, duration_s=120)
    tasks = plan(path, [{"strategy.gamma": 0.5}, {"strategy.intensity.k_per_price": 40.0}]).tasks
    return path, tasks, plan_folds(path, WALKING, tasks, 5.0, folder)


def test_each_window_is_measured_alone_and_trades_the_next(planned: tuple[Path, tuple[Task, ...], Folds]) -> None:
    path, tasks, folds = planned
    assert folds.left_out == ()
    assert [fold.span.trade_from_ns - fold.span.choose_from_ns for fold in folds.runs] == [60 * S] * 2
    for fold in folds.runs:
        (_, chosen), (_, swept) = fold.tasks
        file = CalibrationFile.load(Path(chosen.tables["strategy"]["calibration"]))
        start, end = ((one - datetime.fromtimestamp(0, one.tzinfo)).total_seconds() for one in
                      (file.data.start, file.data.end))  # fmt: skip
        assert fold.span.choose_from_ns / S - 1e-3 <= start
        assert end < fold.span.trade_from_ns / S, "nothing of the window of trading is seen"
        settings = load_tables(path, dict(chosen.tables)).strategy_config.settings
        assert settings.intensity.k_per_price == file.bid.k_per_price.value != 50.0, (
            "what was measured replaces what was stated"
        )
        assert load_tables(path, dict(swept.tables)).strategy_config.settings.intensity.k_per_price == 40.0
        assert chosen.tables["strategy"]["gamma"] == 0.5, "what the run file states besides stays"
    assert len({task.identity for task in (*tasks, *folds.tasks())}) == 6


def test_a_fold_that_is_planned_again_has_the_same_runs(planned: tuple[Path, tuple[Task, ...], Folds]) -> None:
    path, tasks, folds = planned
    assert plan_folds(path, WALKING, tasks, 5.0, path.parent) == folds
    assert len(list((path.parent / FOLDER / "calibrations").glob("*.toml"))) == 2
    other = replace(WALKING, windows=Windows(50.0, 70.0))
    assert not {task.identity for task in plan_folds(path, other, tasks, 5.0, path.parent).tasks()} & {
        task.identity for task in folds.tasks()
    }


def test_its_increments_are_those_of_its_windows(planned: tuple[Path, tuple[Task, ...], Folds]) -> None:
    _, _, folds = planned
    _, task = folds.runs[1].tasks[0]
    found = execute(task, 5.0)
    assert found.completed, found.reason
    assert (found.start_ns, found.end_ns) == task.cut
    assert len(found.increments) == (folds.runs[1].span.trade_to_ns - folds.runs[1].span.choose_from_ns) // (5 * S)
    assert any(found.increments)


def test_windows_without_trades_enough_are_left_out_and_none_at_all_is_an_error(tmp_path: Path) -> None:
    path = run_file(tmp_path)
    tasks = plan(path, [{"strategy.gamma": 0.5}]).tasks
    short = replace(WALKING, windows=Windows(1.0, 20.0))
    with pytest.raises(UserError, match=r"--calibrate: none of \d windows can be calibrated; the first: "):
        plan_folds(path, short, tasks, 1.0, tmp_path)


def made_up() -> tuple[Folds, dict[str, object]]:
    """Return two folds of two points over four steps each, and the rows of their runs."""
    points = [{"s.model": "a"}, {"s.model": "b"}]
    pnl = [[[1, 1, 5, 5], [2, 2, -1, -1]], [[4, 4, 7, 7], [3, 3, 1, 1]]]
    rows, runs = {}, []
    for number, fold in enumerate(pnl):
        tasks = []
        for place, made in enumerate(fold):
            done = row(points[place], np.array(made, dtype=float), 1.0, identity=f"{number}{place}", pnl=Decimal(0))
            rows[done.identity] = done
            tasks.append((place, Task(Path("x"), points[place], {}, done.identity, "f", 0, 6 * S)))
        runs.append(FoldRuns(Span(number * 2 * S, number * 2 * S + 2 * S, number * 2 * S + 4 * S), tuple(tasks)))
    return Folds(0, tuple(runs), (LeftOut(6.0, 8.0, "too few trades"),)), rows


def test_what_was_chosen_trades_the_rest_of_its_own_fold() -> None:
    folds, rows = made_up()
    points = [{"s.model": "a"}, {"s.model": "b"}]
    found = walked_folds(folds, rows, points, 1.0, WALKING)
    assert found is not None
    assert found.calibrated
    assert [fold.chosen for fold in found.folds] == [1, 0]
    assert [fold.traded_pnl for fold in found.folds] == [-2.0, 14.0]
    assert found.traded.total == 12.0
    assert found.best_pnl == 24.0
    assert found.median_pnl == 12.0
    assert [one.reason for one in found.left_out] == ["too few trades"]
    # A point that failed in one fold cannot be chosen there, and is no alternative throughout.
    rows["01"] = replace(failure(points[1]), identity="01")
    found = walked_folds(folds, rows, points, 1.0, WALKING)
    assert found is not None
    assert [fold.chosen for fold in found.folds] == [0, 0]
    assert found.best_pnl == found.median_pnl == 24.0
    # A fold in which none ran is left out with the reason of the first.
    rows["00"] = replace(failure(points[0]), identity="00")
    found = walked_folds(folds, rows, points, 1.0, WALKING)
    assert found is not None
    assert [fold.trade_from_s for fold in found.folds] == [4.0]
    assert found.left_out[0] == LeftOut(2.0, 4.0, "no run of it completed; the first: it broke")
    assert (
        walked_folds(folds, {name: replace(failure({}), identity=name) for name in rows}, points, 1.0, WALKING) is None
    )
