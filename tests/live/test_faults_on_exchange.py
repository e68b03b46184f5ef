"""Random faults by seed, 50 schedules of them: after each, the venue, the engine and the books hold the same.

Each session trades through several schedules, one after the other, and sessions run side by side: nearly all of their
time is waiting. What is true is what the exchange's own ledger says.
"""

from __future__ import annotations

import random
import re
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from bybit_exchange.faults import KINDS, Incident, schedule
from bybit_exchange.process import Exchange
from live_kit import ACCOUNT, LiveProcess, run_file
from rested_kit import story

from mm_nautilus.inventory.state import load_state

pytestmark = pytest.mark.e2e
LENGTH_S, FAULTS, LIMIT, LOT = 7.0, 6, 100, 0.001
BY_HAND = "by-hand"
SESSIONS, SCHEDULES = 10, 5
"""50 schedules: each session goes through five of them."""
KILLED = 5
"""Sessions more in which the node is killed; they are over long before the others."""


def the_schedule(session: int, number: int) -> list[Incident]:
    return schedule(session * SCHEDULES + number, LENGTH_S, FAULTS)


def test_the_fifty_schedules_hold_every_kind_of_fault() -> None:
    drawn = {fault.kind for session in range(SESSIONS) for n in range(SCHEDULES) for fault in the_schedule(session, n)}
    assert drawn == set(KINDS)


def books_of(folder: Path) -> int:
    """Return the position in the state file, in lots."""
    (path,) = (folder / "state").glob("*.state")
    state = load_state(path)
    assert state is not None
    (line,) = state["books"]["ledger"]["lines"].values()
    return round(float(line["position"]) / LOT)


def ours(truth: dict[str, Any]) -> list[dict[str, Any]]:
    return [order for order in truth["open"] if not order["link"].startswith(BY_HAND)]


def agree(exchange: Exchange, folder: Path, within_s: float = 120.0) -> None:
    """Wait until it quotes again, with one order a side and no other of ours, and the books are the venue's.

    Twice in a row without a trade between: one trade on its way can hide that another was missed.
    """
    end, quoted = time.monotonic() + within_s, exchange.truth()["orders"]
    agreed = -1
    while True:
        truth = exchange.truth()
        mine, books = ours(truth), books_of(folder)
        settled = len(mine) == len({o["side"] for o in mine}) in {1, 2}
        traded = len(truth["executions"])
        agrees = settled and truth["position"] == books and truth["orders"] >= quoted
        if agrees and agreed == traded:
            return
        agreed = traded if agrees else -1
        if time.monotonic() > end:
            raise AssertionError(
                f"books {books}, position {truth['position']}, open {truth['open']}, {truth['happened']}"
            )
        time.sleep(0.2)


def check_dead_feeds(truth: dict[str, Any], process: LiveProcess) -> None:
    """Hold the venue's own record of what rested on a dead feed against the second that it may have rested."""
    rested = [one for one in truth["blind"]["rested"] if not one["excuse"]]
    assert not rested, "\n".join(story(one, process) for one in rested)


def check_limits(truth: dict[str, Any]) -> None:
    """Replay the venue's ledger: our fills may not carry the position past the limit; those by hand may."""
    held = 0
    for one in truth["executions"]:
        held += one["side"] * one["lots"]
        by_us = not one["link"].startswith(BY_HAND)
        if by_us and abs(held) > LIMIT:
            assert held * one["side"] < 0, f"position {held} after {one}"


def check_end(process: LiveProcess, exchange: Exchange, folder: Path) -> None:
    """Stop, and hold everything against the truth."""
    process.ask_to_stop()
    code, printed = process.ended()
    truth = exchange.truth()
    assert code == 0, printed
    assert truth["open"] == []
    assert process.result()["status"] == "completed"
    (held,) = process.result()["live"]["positions"].values()
    position = truth["position"] * LOT
    assert float(held["books"]) == pytest.approx(position)
    assert float(held["engine"]) == pytest.approx(position)
    assert books_of(folder) == truth["position"]
    check_limits(truth)
    check_dead_feeds(truth, process)
    print("dead feeds", truth["blind"])


def logged(process: LiveProcess) -> float:
    """Return what the fills of one life's log add up to."""
    fills = pq.read_table(process.folder / "log/fills.parquet")
    signed = zip(fills["size"].to_pylist(), fills["side"].to_pylist(), strict=True)
    return float(sum(size if side == "BUY" else -size for size, side in signed))


def start(folder: Path, exchange: Exchange, name: str = "runs", *changes: str) -> LiveProcess:
    output = folder / name
    output.mkdir(parents=True)
    return LiveProcess(str(run_file(folder, exchange)), "--confirm", ACCOUNT, *changes, output=output)


def trade_through(folder: Path, session: int, schedules: int) -> None:
    """Let one node live through some schedules; after each it has to be well again without anybody's help."""
    with Exchange(seed=session) as exchange:
        process = start(folder, exchange)
        try:
            process.until(exchange, lambda truth: len(truth["open"]) == 2)
            for number in range(schedules):
                before = len(exchange.truth()["happened"])
                exchange.schedule(the_schedule(session, number))
                process.until(
                    exchange,
                    lambda truth, want=before + FAULTS: len(truth["happened"]) == want and truth["pending"] == 0,
                    LENGTH_S + 120.0,
                )
                agree(exchange, folder)
            check_end(process, exchange, folder)
            assert logged(process) == pytest.approx(exchange.truth()["position"] * LOT)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{process.kill()[-4000:]}") from None
        finally:
            process.kill()


def kill_in_the_middle(folder: Path, session: int) -> None:
    """Kill a node under faults, let somebody trade meanwhile, and start it again."""
    draw = random.Random(session)
    with Exchange(seed=100 + session) as exchange:
        first = start(folder, exchange, "first")
        try:
            first.until(exchange, lambda truth: len(truth["open"]) == 2)
            exchange.schedule(the_schedule(session, 0))
            time.sleep(draw.uniform(1.0, LENGTH_S))
        finally:
            first.kill()
        exchange.left()
        exchange.until(lambda truth: truth["pending"] == 0, LENGTH_S + 120.0)
        exchange.incident("external_trade", lots=2, side=draw.choice(["Buy", "Sell"]))
        second = start(folder, exchange, "second")
        try:
            sent = exchange.truth()["orders"]
            second.until(exchange, lambda truth: truth["orders"] > sent and len(ours(truth)) == 2)
            agree(exchange, folder)
            check_end(second, exchange, folder)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{second.kill()[-4000:]}") from None
        finally:
            second.kill()


def side_by_side(folder: Path, *lives: tuple[Any, int, tuple[int, ...]]) -> None:
    """Live through sessions at once, each a function, its session and more; fail with what every failed one said."""
    with ThreadPoolExecutor(len(lives)) as pool:
        names = [f"{live.__name__}_{session}" for live, session, _ in lives]
        running = {
            name: pool.submit(live, folder / name, session, *more)
            for name, (live, session, more) in zip(names, lives, strict=True)
        }
    failures = {name: error for name, future in running.items() if (error := future.exception()) is not None}
    assert not failures, "\n".join(f"{name}: {type(e).__name__}: {str(e)[-6000:]}" for name, e in failures.items())


def test_quotes_of_a_node_that_stands_still_rest_on_a_dead_feed_and_that_is_told(tmp_path: Path) -> None:
    with Exchange(seed=3) as exchange:
        process = start(tmp_path, exchange, "runs", "--set", "strategy.guards.min_half_spread_bps=20")
        try:
            process.until(exchange, lambda truth: len(truth["open"]) == 2)
            process.ask_to_stop(signal.SIGSTOP)
            exchange.faults(mute_public=True)
            time.sleep(2.5)
            process.ask_to_stop(signal.SIGCONT)
            process.until(exchange, lambda truth: not truth["open"])
            truth = exchange.truth()
            with pytest.raises(AssertionError) as told:
                check_dead_feeds(truth, process)
        finally:
            process.kill()
    # On waking it may quote once more on what had arrived for it meanwhile; the venue excuses that, it goes at once.
    rested = [one["link"] for one in truth["blind"]["rested"] if not one["excuse"]]
    said = str(told.value)
    assert rested
    assert all(link in said for link in rested)
    for words in (
        r"[-+]\d+\.\d+ create: OK",
        r"[-+]\d+\.\d+ told: New at",
        r"\+[12]\.\d+ cancel: OK",
        r"\+[12]\.\d+ .*answered",
    ):
        assert re.search(words, said), said


def test_a_session_through_faults_agrees_when_they_are_over(tmp_path: Path) -> None:
    side_by_side(tmp_path, *((trade_through, session, (1,)) for session in range(2)))


@pytest.mark.slow
def test_no_command_passes_for_longer_than_an_order_is_waited_for(tmp_path: Path) -> None:
    with Exchange(seed=3) as exchange:
        process = start(tmp_path, exchange)
        try:
            process.until(exchange, lambda truth: len(truth["open"]) == 2)
            exchange.faults(refuse_trade=True)
            time.sleep(35.0)
            exchange.faults(refuse_trade=False)
            agree(exchange, tmp_path)
            check_end(process, exchange, tmp_path)
        finally:
            process.kill()


@pytest.mark.slow
@pytest.mark.parametrize("part", range(2), ids=["first", "second"])
def test_fifty_schedules_of_faults_and_nodes_killed_under_them(part: int, tmp_path: Path) -> None:
    through = [(trade_through, session, (SCHEDULES,)) for session in range(part, SESSIONS, 2)]
    killed = [(kill_in_the_middle, session, ()) for session in range(part, KILLED, 2)]
    side_by_side(tmp_path, *through, *killed)
