"""What the monitor costs the node: a message taken, and a snapshot of one instrument and of fifty.

``python benchmarks/bench_monitor.py`` runs the quickstart for ten minutes of its market and tells the board what was
recorded, with a snapshot every half second of the run. Times are this thread's CPU. The yardsticks are the recorder's
own taking of the same messages, and the encoding of the finished snapshot. Exits with 1 beyond what is demanded.
"""

import statistics
import sys
import tempfile
from copy import replace
from decimal import Decimal
from pathlib import Path
from time import thread_time_ns

import orjson
from rich.console import Console
from rich.table import Table

from mm_nautilus.analytics.facts import InstrumentFacts
from mm_nautilus.analytics.runlog import RunLog, RunLogWriter
from mm_nautilus.analytics.schema import TABLES
from mm_nautilus.backtest import run_backtest
from mm_nautilus.inventory.contract import Contract
from mm_nautilus.live.monitor.board import Board
from mm_nautilus.live.monitor.facts import BoardFacts
from mm_nautilus.messages import FillFact, MarkFact, MarkoutFact, OrderFact, QuoteDecision

ROOT = Path(__file__).resolve().parents[1]
MESSAGE_US, SNAPSHOT_US = 2.0, 300.0
EVERY_NS, REPEATS, MANY = 500_000_000, 20, 50
KINDS = (QuoteDecision, OrderFact, FillFact, MarkFact, MarkoutFact)


def recorded(home: Path) -> list:
    """Return what a run of the quickstart said, in order of time."""
    overrides = ("data.simulation.duration_s=600",)
    log = RunLog.open(run_backtest(ROOT / "configs" / "quickstart.toml", overrides, output=home).run_dir)
    said = [message for kind in TABLES.values() if kind in KINDS for message in log.messages(kind)]
    return sorted(said, key=lambda message: message.ts_ns)


def board_of(count: int) -> Board:
    """Return an empty board of some instruments, the first the one that was recorded."""
    names = ["SOLUSDT.SIM", *(f"C{number}USDT.SIM" for number in range(1, count))]
    facts = [
        InstrumentFacts(name, "SIM", Decimal("0.01"), Decimal("0.001"), Contract("USDT", name[:-8]), Decimal(10))
        for name in names
    ]
    return Board(BoardFacts("bench", "replay", "MarketMaker", tuple(facts), ("SIM",), "USDT"))


def takers(board: Board) -> dict:
    """Return who takes each kind of message."""
    return {
        QuoteDecision: board.on_decision,
        OrderFact: board.on_order,
        FillFact: board.on_fill,
        MarkFact: board.on_mark,
        MarkoutFact: board.on_markout,
    }


def per_message(messages: list, takes: dict) -> float:
    """Return microseconds of each message, told in one go; the middle of several."""
    spent = []
    for _ in range(REPEATS):
        started = thread_time_ns()
        for message in messages:
            takes[type(message)](message)
        spent.append((thread_time_ns() - started) / 1e3 / len(messages))
    return statistics.median(spent)


def snapshots(messages: list, count: int) -> tuple[list[float], bytes]:
    """Return microseconds of each snapshot of a run, the first minute left out, and the last snapshot."""
    board = board_of(count)
    takes, spent, last = takers(board), [], b""
    names = [f"C{number}USDT.SIM" for number in range(1, count)]
    due = messages[0].ts_ns + EVERY_NS
    for message in messages:
        while message.ts_ns >= due:
            started = thread_time_ns()
            last = board.snapshot(due)
            spent.append((thread_time_ns() - started) / 1e3)
            due += EVERY_NS
        takes[type(message)](message)
        for name in names:
            takes[type(message)](replace(message, instrument_id=name))
    return spent[120:], last


def main() -> int:
    """Measure, print, and say whether it is fast enough."""
    with tempfile.TemporaryDirectory() as home:
        messages = recorded(Path(home))
        table = Table("what", "demanded", "measured", "99 %", "x yardstick", title="The monitor in the node")
        worst = 0.0
        for kind in KINDS:
            some = [message for message in messages if type(message) is kind]
            append = RunLogWriter(Path(home) / kind.__name__, 10**9).append
            yardstick = per_message(some, {kind: append})
            taken = per_message(some, takers(board_of(1)))
            worst = max(worst, taken)
            table.add_row(
                f"a {kind.__name__}",
                f"{MESSAGE_US:g} us",
                f"{taken:.2f} us",
                "",
                f"{taken / yardstick:.2f} recording it",
            )
        medians = []
        for count, some in ((1, messages), (MANY, messages[: len(messages) // 4])):
            spent, last = snapshots(some, count)
            median, high = statistics.median(spent), statistics.quantiles(spent, n=100)[98]
            medians.append(median)
            whole = orjson.loads(last)
            started = thread_time_ns()
            for _ in range(100):
                orjson.dumps(whole)
            encoding = (thread_time_ns() - started) / 1e5
            table.add_row(
                f"a snapshot of {count}, {len(last) / 1000:.0f} kB",
                f"{SNAPSHOT_US:g} us" if count == 1 else "",
                f"{median:.0f} us",
                f"{high:.0f} us",
                f"{median / encoding:.1f} encoding it",
            )
    Console().print(table)
    return int(worst > MESSAGE_US or medians[0] > SNAPSHOT_US)


if __name__ == "__main__":
    sys.exit(main())
