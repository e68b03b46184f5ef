"""The data of many runs: processes that look at one market at once take turns, and none gives up."""

import multiprocessing
from multiprocessing.synchronize import Barrier
from pathlib import Path

from sweep_kit import run_file

from mm_nautilus.host.loading import load_run
from mm_nautilus.sweep.data import PreparedData


def _looked(path: Path, together: Barrier, answers: "multiprocessing.Queue[str]") -> None:
    loaded = load_run(path)
    together.wait(120)
    try:
        answers.put(PreparedData()(loaded)[1].fingerprint)
    except Exception as error:
        answers.put(repr(error))


def test_processes_that_simulate_one_market_at_once_all_find_it(tmp_path: Path) -> None:
    path = run_file(tmp_path, duration_s=120)
    context = multiprocessing.get_context("spawn")
    together, answers = context.Barrier(3), context.Queue()
    processes = [context.Process(target=_looked, args=(path, together, answers)) for _ in range(3)]
    for process in processes:
        process.start()
    found = {answers.get(timeout=240) for _ in processes}
    for process in processes:
        process.join()
    assert found == {PreparedData()(load_run(path))[1].fingerprint}
