"""One request of the operator's to end is one, however often it is delivered; a later one is another."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from bybit_exchange.process import Exchange
from live_kit import ACCOUNT, LiveProcess, run_file

from mm_nautilus.live import interrupts
from mm_nautilus.live.interrupts import SIGNALS, Interrupts

type Clock = Callable[[float], None]


@pytest.fixture(autouse=True)
def interrupts_are_heard() -> Iterator[None]:
    """What a shell starts in the background is told to ignore Ctrl-C, these tests too."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Return what sets the clock."""
    now = [100.0]
    monkeypatch.setattr(interrupts.time, "monotonic", lambda: now[0])

    def to(now_s: float) -> None:
        now[0] = 100.0 + now_s

    return to


def press() -> None:
    signal.raise_signal(signal.SIGINT)


def test_before_anybody_listens_the_first_ends_it_at_once_and_its_copy_does_not_disturb_that(at: Clock) -> None:
    with Interrupts():
        with pytest.raises(KeyboardInterrupt):
            press()
        at(0.9)
        press()
        at(1.0)
        with pytest.raises(KeyboardInterrupt):
            press()


def test_whoever_listens_hears_every_one_and_nothing_is_ended_at_once(at: Clock) -> None:
    heard: list[str] = []
    with Interrupts() as hearing, hearing.heard_by(heard.append):
        press()
        signal.raise_signal(signal.SIGTERM)
        at(30.0)
        press()
    assert heard == ["SIGINT", "SIGTERM", "SIGINT"]


@pytest.mark.parametrize("asked", [True, False], ids=["asked", "by itself"])
def test_what_comes_while_the_result_is_written_is_heeded_and_only_a_later_one_ends_it(asked: bool, at: Clock) -> None:
    with Interrupts() as hearing:
        with hearing.heard_by(lambda _name: None):
            if asked:
                press()
        press()
        at(0.99)
        press()
        at(1.0)
        with pytest.raises(KeyboardInterrupt):
            press()


def test_afterwards_signals_are_heard_by_whom_they_were_heard_before() -> None:
    before = [signal.getsignal(number) for number in SIGNALS]
    with Interrupts():
        assert before != [signal.getsignal(number) for number in SIGNALS]
    assert before == [signal.getsignal(number) for number in SIGNALS]


WRITING = """
import signal, sys, time
from mm_nautilus.live.interrupts import Interrupts

signal.signal(signal.SIGINT, signal.default_int_handler)

with Interrupts() as hearing:
    with hearing.heard_by(print):
        print("listening", flush=True)
        sys.stdin.readline()
    print("writing", flush=True)
    time.sleep(float(sys.argv[1]))
    print("written", flush=True)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize(("again_s", "written"), [(0.005, True), (2.0, False)])
def test_a_second_one_while_a_process_writes(number: int, again_s: float, written: bool) -> None:
    command = [sys.executable, "-c", WRITING, "0.2" if written else "60"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, "text": True}
    with subprocess.Popen(command, **pipes) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == "listening\n"
        process.send_signal(number)
        assert process.stdout.readline() == signal.Signals(number).name + "\n"
        began_s = time.monotonic()
        process.stdin.write("go on\n")
        process.stdin.flush()
        assert process.stdout.readline() == "writing\n"
        time.sleep(max(began_s + again_s - time.monotonic(), 0.0))
        process.send_signal(number)
        said = process.stdout.read()
    assert said == ("written\n" if written else "")
    assert (process.returncode == 0) == written


@pytest.mark.e2e
@pytest.mark.parametrize("again_s", [0.005, 0.3])
def test_one_press_that_arrives_twice_ends_a_replay_with_its_report(
    again_s: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "runtime"))
    output = tmp_path / "runs"
    output.mkdir()
    process = LiveProcess(output=output)
    end_s = time.monotonic() + 240.0
    while not list(output.glob("*/live.json")):
        assert time.monotonic() < end_s, process.kill()
        time.sleep(0.1)
    time.sleep(2.0)
    process.ask_to_stop()
    time.sleep(again_s)
    process.ask_to_stop()
    code, printed = process.ended()
    assert code == 0, printed
    assert process.result()["live"]["ended_by"] == "SIGINT"
    assert (process.folder / "report.html").exists()


@pytest.mark.e2e
def test_one_press_that_arrives_twice_withdraws_the_quotes_and_ends_with_a_report(tmp_path: Path) -> None:
    output = tmp_path / "runs"
    output.mkdir()
    with Exchange(seed=3) as exchange:
        process = LiveProcess(str(run_file(tmp_path, exchange)), "--confirm", ACCOUNT, output=output)
        process.until(exchange, lambda truth: len(truth["open"]) == 2)
        process.ask_to_stop()
        time.sleep(0.005)
        process.ask_to_stop()
        code, printed = process.ended()
        assert code == 0, printed
        assert exchange.truth()["open"] == []
    assert process.result()["live"]["ended_by"] == "SIGINT"
    assert (process.folder / "report.html").exists()
