"""Runs from a catalogue, each in a process of its own: ``python benchmarks/long_run.py <folder> <events>`` is one."""

from __future__ import annotations

import functools
import json
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import bench_memory

LENGTHS: Final = [1_000, 10_000, 100_000, 1_000_000, 10_000_000]
HELD_MIB: Final = 600
"""What trading may take however long it goes on, the buffers of the log included."""
_MOVES: Final = 0.05


@dataclass(frozen=True)
class Run:
    """What a run took."""

    cpu_seconds: float
    run_mib: float
    """Peak while trading, above what the process held before: Python and everything imported."""
    peak_mib: float
    """The same with adding up afterwards, which reads the log."""
    orders: int


def measure(events: int, repeats: int, moves: float = _MOVES) -> list[Run]:
    """Write a catalogue and run on it, as often as asked, each time in a new process."""
    with tempfile.TemporaryDirectory() as folder:
        write = functools.partial(bench_memory.write_catalog, move_probability=moves)
        write(Path(folder) / "catalog", events, seed=1)
        (Path(folder) / "run.toml").write_text(bench_memory.RUN_FILE)
        return [Run(**json.loads(_child(folder))) for _ in range(repeats)]


def _child(folder: str) -> str:
    done = subprocess.run([sys.executable, __file__, folder], check=True, stdout=subprocess.PIPE, text=True)
    return done.stdout.splitlines()[-1]


def _mib(field: str) -> float:
    # Not getrusage: the high-water mark there is inherited from the process that started this one.
    status = Path("/proc/self/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith(field)) / 1024


def main() -> None:
    """Run once and print what it took; everything that a first run imports is imported before."""
    from datetime import datetime

    from mm_nautilus.analytics.runlog import RunLog
    from mm_nautilus.backtest.run import run_loaded
    from mm_nautilus.host.loading import load_run

    folder = Path(sys.argv[1])
    loaded = load_run(folder / "run.toml", ())

    def made(_started: datetime) -> Path:
        return Path(tempfile.mkdtemp(dir=folder))

    peaks: dict[str, float] = {}
    before_mib, started = _mib("VmRSS"), time.process_time()
    outcome = run_loaded(loaded, made, lambda done_before: peaks.update({done_before: _mib("VmHWM")}), report=False)
    cpu_seconds = time.process_time() - started
    run_mib, peak_mib = peaks["adding up"] - before_mib, _mib("VmHWM") - before_mib
    orders = RunLog.open(outcome.run_dir).table("orders", ["ts_ns"]).num_rows
    print(json.dumps({"cpu_seconds": cpu_seconds, "run_mib": run_mib, "peak_mib": peak_mib, "orders": orders}))


if __name__ == "__main__":
    main()
