"""A market through a live node: how fast, how soon after an update a command is out, and whether memory stays flat.

``python benchmarks/bench_replay.py`` replays the quickstart's market as fast as it goes, recorder and monitor on, and
runs the backtest of the same file in turn, each in a process of its own: what both need is the engine and the
decisions, what the replay needs more is the live node. Ratios are of CPU time, which a busy machine changes little.
The second market is that of the other benchmarks, where one book update in twenty moves the price.
``--hours 24`` replays that much of the same market and says how much memory it took after each hour of it.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from time import thread_time_ns
from typing import Any

from bench_memory import RUN_FILE, write_catalog
from rich.console import Console
from rich.table import Table

from mm_nautilus.strategies import MarketMaker, MarketMakerConfig

ROOT = Path(__file__).resolve().parents[1]
DEMANDED_RECORDS_PER_S = 20_000
DEMANDED_US = (60.0, 250.0)
"""From an update to the first command: median and 99th percentile."""
_PAGE_MIB = 4096 / 2**20


class TimedMaker(MarketMaker):
    """Our maker with a clock between a market update and the first command that it leads to.

    The clock is that of the thread's CPU: nothing on the way waits, and what a busy machine adds is not ours.
    """

    called_us: list[float]
    """Until the engine is called with the command."""
    taken_us: list[float]
    """Until the engine has checked it and sent it on."""
    _since_ns: int | None = None

    def on_start(self) -> None:
        """Begin with no times."""
        TimedMaker.called_us, TimedMaker.taken_us = [], []
        super().on_start()

    def on_quote(self, quote: Any) -> None:
        """Take the time of a quote."""
        self._since_ns = thread_time_ns()
        super().on_quote(quote)
        self._since_ns = None

    def on_book_deltas(self, deltas: Any) -> None:
        """Take the time of a book update."""
        self._since_ns = thread_time_ns()
        super().on_book_deltas(deltas)
        self._since_ns = None


def _timed(name: str) -> Callable[..., None]:
    command = getattr(MarketMaker, name)

    def send(self: TimedMaker, *args: Any, **kwargs: Any) -> None:
        since_ns, called_ns = self._since_ns, thread_time_ns()
        command(self, *args, **kwargs)
        if since_ns is not None:
            self.called_us.append((called_ns - since_ns) / 1e3)
            self.taken_us.append((thread_time_ns() - since_ns) / 1e3)
            self._since_ns = None

    return send


for _name in ("submit_order", "submit_order_list", "modify_order", "modify_orders", "cancel_order", "cancel_orders"):
    setattr(TimedMaker, _name, _timed(_name))


class TimedMakerConfig(MarketMakerConfig):
    """Config of `TimedMaker`."""


class Phase:
    """Clock and CPU of what lies between two words of a run."""

    def __init__(self, begins: str) -> None:
        self._begins = begins
        self._began: tuple[float, float] | None = None
        self.wall_s = self.cpu_s = 0.0

    def say(self, what: str) -> None:
        """Hear what a run does next."""
        now = time.perf_counter(), time.process_time()
        if what.startswith(self._begins):
            self._began = now
        elif self._began is not None:
            self.wall_s, self.cpu_s = now[0] - self._began[0], now[1] - self._began[1]
            self._began = None


def backtested(path: Path, overrides: list[str], output: Path) -> None:
    """Print seconds of the clock and of the CPU that the engine's part of a backtest takes."""
    from mm_nautilus.backtest import run_backtest

    phase = Phase("running")
    run_backtest(path, overrides, output=output, say=phase.say)
    print(phase.wall_s, phase.cpu_s)


def replayed(path: Path, overrides: list[str], output: Path) -> None:
    """Print the same of a replay, and how many records it was."""
    from mm_nautilus.live.run import Replay, run_live

    phase = Phase("replaying")
    outcome = run_live(path, overrides, Replay(speed=None), output=output, say=phase.say)
    print(phase.wall_s, phase.cpu_s, outcome.result["live"]["records"])


def ticked(path: Path, overrides: list[str], output: Path) -> None:
    """Print how often an update led to a command, and median and 99th percentile of the microseconds that took."""
    from bench_replay import TimedMaker as Timed

    from mm_nautilus.live.run import Replay, run_live

    # Commands that travel are handed over later: without latency they are handed over in the handler.
    changes = ["strategy.path=bench_replay:TimedMaker", "venues.0.latency={ base_ms = 0 }"]
    run_live(path, [*overrides, *changes], Replay(speed=None), output=output)
    figures = [
        figure(times)
        for times in (Timed.called_us, Timed.taken_us)
        for figure in (statistics.median, lambda spent: statistics.quantiles(spent, n=100)[98])
    ]
    print(len(Timed.called_us), *figures)


def remembered(path: Path, overrides: list[str], output: Path) -> None:
    """Print the resident memory after each hour of the market."""
    import mm_nautilus.live.run as live
    from mm_nautilus.live.replay.staging import stage_of

    stages: list[Any] = []

    def kept(loaded: Any) -> Any:
        stages.append(stage_of(loaded))
        return stages[-1]

    live.stage_of = kept
    done = threading.Event()

    def watch() -> None:
        first_ns = hours = 0
        while not done.wait(0.2):
            now_ns = stages[0].timeline.now_ns if stages else 0
            first_ns = first_ns or now_ns
            if now_ns and now_ns - first_ns >= hours * 3600 * 10**9:
                resident = int(Path("/proc/self/statm").read_text().split()[1]) * _PAGE_MIB
                seconds = f"{time.perf_counter() - began:.0f} {time.process_time():.0f}"
                print(hours, f"{resident:.1f}", seconds, flush=True)
                hours += 1

    began = time.perf_counter()
    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    live.run_live(
        path,
        overrides,
        live.Replay(speed=None),
        output=output,
        say=lambda what: (print(what, flush=True), done.set() if what == "adding up" else None),
    )


def _of(what: str, path: Path, overrides: list[str], folder: str, *, echo: bool = False) -> list[float]:
    """Run one of the functions above in a process of its own, and return the numbers it printed last."""
    command = [sys.executable, __file__, str(path), "--only", what, "--output", folder]
    command += [part for change in overrides for part in ("--set", change)]
    with subprocess.Popen(command, text=True, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        lines = []
        for line in process.stdout:
            lines.append(line)
            if echo:
                print(line, end="", flush=True)
    if process.returncode:
        raise SystemExit(f"{what} failed")
    return [float(part) for part in lines[-1].split()] if not echo else []


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run_file", type=Path, nargs="?", default=ROOT / "configs" / "quickstart.toml")
    parser.add_argument("--set", action="append", default=[], dest="overrides")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--events", type=int, default=200_000, help="book updates of the second market")
    parser.add_argument("--hours", type=float, help="market time to replay for memory, instead of all else")
    parser.add_argument("--only", choices=("backtested", "replayed", "ticked", "remembered"), help=argparse.SUPPRESS)
    parser.add_argument("--output", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.only:
        sys.path.insert(0, str(Path(__file__).parent))
        globals()[options.only](options.run_file, options.overrides, options.output)
        return
    with tempfile.TemporaryDirectory() as folder:
        if options.hours:
            changes = [*options.overrides, f"data.simulation.duration_s={options.hours * 3600:.0f}"]
            print("hour of the market, MiB resident, seconds of ours, of them CPU")
            _of("remembered", options.run_file, changes, folder, echo=True)
            return
        measure(options.run_file, options.overrides, folder, options.repeats)
        write_catalog(Path(folder) / "catalog", options.events, seed=1)
        dense = Path(folder) / "dense.toml"
        dense.write_text(RUN_FILE.replace("[strategy]", "latency = { base_ms = 5 }\n[adverse_selection]\n[strategy]"))
        measure(dense, [], folder, options.repeats)


def measure(path: Path, overrides: list[str], folder: str, repeats: int) -> None:
    """Compare replay and backtest, and time ticks."""
    rows = []
    for _ in range(repeats):
        test_wall, test_cpu = _of("backtested", path, overrides, folder)
        wall, cpu, records = _of("replayed", path, overrides, folder)
        rows.append((records / wall, records / cpu, records / test_cpu, cpu / test_cpu, wall / test_wall))
    middle = [statistics.median(column) for column in zip(*rows, strict=True)]
    table = Table("what", "measured", "demanded", title=path.stem)
    table.add_row("records a second, by the clock", f"{middle[0]:,.0f}", f"{DEMANDED_RECORDS_PER_S:,}")
    table.add_row("records a second of CPU", f"{middle[1]:,.0f}", f"{DEMANDED_RECORDS_PER_S:,}")
    table.add_row("the backtest's records a second of CPU", f"{middle[2]:,.0f}", "")
    table.add_row("replay over backtest, CPU", f"{middle[3]:.2f}", "")
    table.add_row("replay over backtest, clock", f"{middle[4]:.2f}", "")
    count, *spent_us = _of("ticked", path, overrides, folder)
    table.add_row("updates that led to a command", f"{count:,.0f}", "")
    whats = [
        f"update to {until}, {which} us" for until in ("engine called", "engine done") for which in ("median", "99 %")
    ]
    for what, us, demanded_us in zip(whats, spent_us, DEMANDED_US * 2, strict=True):
        table.add_row(what, f"{us:.1f}", f"{demanded_us:.0f}")
    Console().print(table)


if __name__ == "__main__":
    main()
