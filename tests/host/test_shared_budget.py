"""One budget for several processes, on a real server and with real processes."""

import bisect
import contextlib
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import redis
from pydantic import ValidationError
from redis_server import BUDGET, GONE_S, LEASE_S, POLL_S, TIMEOUT_S, free_port, server, settings

from mm_nautilus.host.budget_store import BudgetStore
from mm_nautilus.host.shared_budget import SharedBudget, SharedBudgetSettings
from mm_nautilus.models.budget_register import LeaseTerms

SCRIPT = Path(__file__).with_name("redis_server.py")
needs_redis = pytest.mark.skipif(shutil.which("redis-server") is None, reason="redis-server is not installed here")


@pytest.fixture
def redis_server(tmp_path):
    with server(tmp_path) as one:
        yield one


_OPENED = []


@pytest.fixture(autouse=True)
def _close():
    yield
    while _OPENED:
        _OPENED.pop().close()


def part(url, process, clock=time.monotonic, budget=BUDGET, unit="test", **fields):
    told = SharedBudgetSettings.model_validate(settings(url, process, **fields))
    _OPENED.append(SharedBudget(told, budget, unit, clock=clock))
    return _OPENED[-1]


@contextlib.contextmanager
def running(url, log, process, wanted):
    with log.open("w") as out:
        child = subprocess.Popen([sys.executable, str(SCRIPT), url, process, str(wanted)], stdout=out)
        try:
            yield child
        finally:
            child.kill()
            child.wait()


def rows(log):
    lines = log.read_text().splitlines()
    whole = [line.split() for line in lines if len(line.split()) == 3]
    return [tuple(float(value) for value in line) for line in whole]


def in_force(log, until=None):
    """What a process used from when on; nothing after its death, when `until` says when that was."""
    found = [(at, used) for at, used, *_ in rows(log)]
    return found if until is None else [*found, (until, 0.0)]


def largest_sum(*series):
    """The largest sum of what was used at any instant.

    A change of one process between two of its lines counts from the later: a larger use is not in force before it is
    written, a smaller one was before.
    """
    instants = sorted({at for one in series for at, _ in one})
    most = 0.0
    for at in instants:
        total = 0.0
        for one in series:
            place = bisect.bisect_right(one, (at, float("inf"))) - 1
            total += one[place][1] if place >= 0 else 0.0
        most = max(most, total)
    return most


def reported(url, process):
    """What a process last reported to use, as the register has it."""
    with redis.Redis.from_url(url) as client:
        entries = BudgetStore(client, "test", LeaseTerms(BUDGET, LEASE_S, GONE_S), "test").entries()
    return entries[process].used if process in entries else 0.0


def until(what, seconds=60.0):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if what():
            return
        time.sleep(0.02)
    pytest.fail("it did not happen")


@needs_redis
def test_two_processes_share_and_what_a_killed_one_used_stays_counted(redis_server, tmp_path):
    first, second = tmp_path / "first", tmp_path / "second"
    with (
        running(redis_server.url, first, "first", 1000.0) as doomed,
        running(redis_server.url, second, "second", 1000.0),
    ):
        until(lambda: first.exists() and second.exists() and rows(first) and rows(second))
        # Both want everything, whoever came first: each comes to have half.
        until(lambda: abs(rows(first)[-1][1] - 50.0) < 0.1 and abs(rows(second)[-1][1] - 50.0) < 0.1)
        until(lambda: abs(reported(redis_server.url, "first") - 50.0) < 0.1)
        doomed.kill()
        doomed.wait()
        died = time.monotonic()
        time.sleep(LEASE_S + GONE_S - 2 * POLL_S - 0.1)
        left = BUDGET - reported(redis_server.url, "first")
        assert rows(second)[-1][1] <= left + 1e-6
        time.sleep(0.8)
        # It used all it was granted, and positions do not go by themselves: nothing is there to free.
        assert rows(second)[-1][1] <= left + 1e-6
        assert left < 50.2
    assert largest_sum(in_force(first, died), in_force(second)) <= BUDGET * (1 + 1e-9)


@needs_redis
def test_what_a_killed_process_did_not_use_is_freed_after_its_orders_must_be_gone(redis_server, tmp_path):
    modest, greedy = tmp_path / "modest", tmp_path / "greedy"
    with (
        running(redis_server.url, modest, "modest", 5.0) as doomed,
        running(redis_server.url, greedy, "greedy", 1000.0),
    ):
        until(lambda: modest.exists() and greedy.exists() and rows(modest) and rows(greedy))
        until(lambda: reported(redis_server.url, "modest") == 5.0 and rows(greedy)[-1][1] > 40.0)
        doomed.kill()
        doomed.wait()
        died = time.monotonic()
        granted = rows(modest)[-1][2]
        until(lambda: rows(greedy)[-1][1] > 94.9)
        freed = next(at for at, used, *_ in rows(greedy) if used > BUDGET - granted + 0.1 and at > died)
        assert freed >= died + LEASE_S + GONE_S - POLL_S - TIMEOUT_S - 0.05
        assert rows(greedy)[-1][1] <= 95.0 + 1e-6
    assert largest_sum(in_force(modest), in_force(greedy)) <= BUDGET * (1 + 1e-9)


@needs_redis
def test_a_process_that_cannot_reach_the_server_adds_nothing_and_then_only_reduces(redis_server):
    now_s = [0.0]
    one = part(redis_server.url, "one", clock=lambda: now_s[0])
    one.report(20.0, 20.0)
    assert one.renew()
    assert one.allowed() == pytest.approx(BUDGET)
    redis_server.pause()
    began = time.monotonic()
    assert not one.renew()
    assert time.monotonic() - began < 100 * TIMEOUT_S, "a server that never answers is not waited for"
    assert "Timeout" in one.fault
    assert one.allowed() == pytest.approx(20.0)  # what it last reported, and no more
    now_s[0] += LEASE_S
    assert one.allowed() == 0.0
    redis_server.go_on()
    until(one.renew)
    assert one.allowed() == pytest.approx(BUDGET)
    assert one.fault is None


@needs_redis
def test_a_lower_grant_counts_as_the_old_one_until_it_is_acted_on(redis_server):
    one, two = part(redis_server.url, "one"), part(redis_server.url, "two")
    assert one.renew()
    assert one.allowed() == pytest.approx(BUDGET)
    assert two.renew()
    assert one.renew()  # hears half, but nobody has asked yet what is allowed
    assert two.renew()
    assert two.allowed() < 1e-6
    assert one.renew()
    assert two.renew()
    assert two.allowed() < 1e-6
    assert one.allowed() == pytest.approx(50.0)
    assert one.renew()
    assert two.renew()
    assert two.allowed() == pytest.approx(50.0)


@needs_redis
def test_stopping_in_order_leaves_what_is_held_and_versions_rise(redis_server):
    one, two = part(redis_server.url, "one"), part(redis_server.url, "two")
    one.start()
    until(lambda: one.allowed() > 0.0)
    one.stop(30.0)
    entry = two._store.entries()["one"]
    assert (entry.used, entry.counts) == (30.0, 30.0)
    assert two.renew()
    assert two.allowed() == pytest.approx(70.0)
    assert two.version > entry.version
    assert two._store.release("one")
    assert not two._store.release("one")
    assert two.renew()
    assert two.allowed() == pytest.approx(BUDGET)


@needs_redis
def test_two_of_one_name_and_other_terms_are_refused(redis_server):
    one = part(redis_server.url, "one")
    assert one.renew()
    twin = part(redis_server.url, "one")
    assert not twin.renew()
    assert "calls itself 'one'" in str(twin.refused)
    other = part(redis_server.url, "two", budget=2 * BUDGET)
    assert not other.renew()
    assert "stop them all" in str(other.refused)
    other = part(redis_server.url, "two", unit="EUR")
    assert not other.renew()
    assert other.refused is not None
    assert other.allowed() == 0.0
    time.sleep(LEASE_S + 0.05)
    changed = part(redis_server.url, "two", budget=2 * BUDGET)
    assert changed.renew()


@needs_redis
def test_many_who_write_at_once_lose_nothing(redis_server):
    """Optimistic transactions that lose are tried again: nobody's write undoes another's."""
    parts = [part(redis_server.url, f"p{i}", timeout_s=0.3, lease_s=60.0) for i in range(6)]

    def renewals(one):
        for _ in range(15):
            one.renew()
            one.allowed()

    threads = [threading.Thread(target=renewals, args=(one,)) for one in parts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for _ in range(20):
        for one in parts:
            one.renew()
            one.allowed()
    entries = parts[0]._store.entries()
    assert len(entries) == 6
    assert sum(entry.counts for entry in entries.values()) <= BUDGET * (1 + 1e-9)
    assert sum(one.allowed() for one in parts) == pytest.approx(BUDGET)
    assert len({entry.version for entry in entries.values()}) == 6


def test_asking_never_waits_for_the_network():
    """The line hangs in the middle of a renewal, for as long as the test likes."""

    class Hanging:
        def __init__(self):
            self.asked, self.free = threading.Event(), threading.Event()

        def renew(self, report):
            self.asked.set()
            assert self.free.wait(10.0)
            raise ConnectionError("hung up")

        def leave(self, *_):
            raise ConnectionError("hung up")

        def close(self):
            """Nothing is open."""

    one = part("redis://127.0.0.1:1/0", "one")
    one.close()
    one._store = line = Hanging()
    one.start()
    assert line.asked.wait(10.0)
    for _ in range(1000):  # each would hang with it
        assert one.allowed() == 0.0
        one.report(0.0, 0.0)
    thread = one._thread
    begin = time.monotonic()
    one.stop(0.0)
    assert time.monotonic() - begin < 5.0
    line.free.set()
    thread.join(10.0)
    assert not thread.is_alive()


def test_without_a_server_nothing_is_allowed_and_nobody_waits():
    one = part(f"redis://127.0.0.1:{free_port()}/0", "one")
    assert not one.renew()
    assert one.allowed() == 0.0
    assert "Connection" in one.fault


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"lease_s": 0.3}, "two renewals"),
        ({"url": "http://x"}, "url"),
        ({"process": "a b"}, "process"),
        ({"naem": "x"}, "naem"),
        ({"weight": -1}, "weight"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused(fields, message):
    with pytest.raises(ValidationError, match=message):
        SharedBudgetSettings.model_validate(settings("redis://127.0.0.1:1/0", "one") | fields)
