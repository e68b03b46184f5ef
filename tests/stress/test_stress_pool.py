"""Work in processes of its own: order kept, failures isolated, a dead process named."""

import os
import signal
import time

from mm_nautilus.stress.pool import Failed, in_processes


def work(task: int) -> int:
    """Square a number; 3 fails, 5 dies without a word, 0 takes its time."""
    if task == 0:
        time.sleep(0.3)
    if task == 3:
        raise ValueError("three is not allowed")
    if task == 5:
        os.kill(os.getpid(), signal.SIGKILL)
    return task * task


def test_outcomes_come_in_the_order_of_the_tasks_and_failures_stay_alone() -> None:
    done: list[int] = []
    found = in_processes(work, [0, 1, 2, 3, 4], 2, done.append)
    assert [one for one in found if not isinstance(one, Failed)] == [0, 1, 4, 16]
    failed = found[3]
    assert isinstance(failed, Failed)
    assert failed.reason == "ValueError: three is not allowed"
    assert "in work" in failed.trace
    assert sorted(done) == [0, 1, 2, 3, 4]


def test_there_may_be_many_more_tasks_than_processes() -> None:
    assert in_processes(work, [2] * 40, 2) == [4] * 40


def test_a_process_that_dies_takes_no_other_run_with_it() -> None:
    done: list[int] = []
    found = in_processes(work, [1, 5, 2], 1, done.append)
    assert (found[0], found[2]) == (1, 4)
    assert isinstance(found[1], Failed)
    assert "died" in found[1].reason
    assert sorted(done) == [0, 1, 2]
