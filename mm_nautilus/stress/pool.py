"""Runs side by side in processes of their own, so that one that fails or dies takes no other with it."""

from __future__ import annotations

import multiprocessing
import traceback
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Failed:
    """Why something has no outcome: one line, and the traceback where there is one."""

    reason: str
    trace: str = ""


def in_processes[T, R](
    work: Callable[[T], R], tasks: Sequence[T], jobs: int, done: Callable[[int], None] = lambda _index: None
) -> list[R | Failed]:
    """Return what `work` makes of each task, in their order, whatever order they finish in.

    Parameters
    ----------
    work : callable
        A function of a module, of a task; both are pickled.
    tasks : sequence
        At least one; each must give the same outcome in whichever process and order it runs.
    jobs : int
        Processes at a time.
    done : callable
        Told the index of each task that ended.

    """
    outcomes: dict[int, R | Failed] = {}
    orphans = _round(work, dict(enumerate(tasks)), jobs, outcomes, done)
    # A process that died took its pool with it, and which task it was nobody knows: each gets a pool of its own.
    for index in sorted(orphans):
        for lost in _round(work, {index: tasks[index]}, 1, outcomes, done):
            outcomes[lost] = Failed("the process that ran it died (out of memory, or killed)")
            done(lost)
    return [outcomes[index] for index in range(len(tasks))]


def _round[T, R](
    work: Callable[[T], R],
    tasks: dict[int, T],
    jobs: int,
    outcomes: dict[int, R | Failed],
    done: Callable[[int], None],
) -> list[int]:
    """Run tasks in one pool; return those that were lost with it."""
    orphans: list[int] = []
    # Threads and a forked engine do not go together.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(jobs, len(tasks)), mp_context=context) as pool:
        waiting: dict[Future[R], int] = {}
        try:
            for index, task in tasks.items():
                waiting[pool.submit(work, task)] = index
        except BrokenProcessPool:
            orphans += [index for index in tasks if index not in waiting.values()]
        while waiting:
            ended, _ = wait(waiting, return_when=FIRST_COMPLETED)
            for future in ended:
                index = waiting.pop(future)
                error = future.exception()
                if isinstance(error, BrokenProcessPool):
                    orphans.append(index)
                    continue
                trace = "".join(traceback.format_exception(error)) if error else ""
                outcomes[index] = Failed(f"{type(error).__name__}: {error}", trace) if error else future.result()
                done(index)
    return orphans
