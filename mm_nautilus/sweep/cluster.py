"""Runs on Ray: the cores of this machine, or a cluster by its address."""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from mm_nautilus.errors import UserError
from mm_nautilus.sweep.plan import Task
from mm_nautilus.sweep.store import FAILED, Row
from mm_nautilus.sweep.worker import execute

ATTEMPTS: Final = 2
"""A run whose worker died is started once more: a machine may be shut down under it, but a run that kills what runs
it must not go on for ever."""
_ANSWER_S: Final = 5.0
_LEAST_STORE_BYTES: Final = 80 * 1024 * 1024


def run_on_ray(
    tasks: Sequence[Task],
    step_s: float,
    ended: Callable[[Row], None],
    *,
    workers: int | None = None,
    address: str | None = None,
    keep_in: Path | None = None,
    started: Callable[[int], None] = lambda _workers: None,
) -> None:
    """Run every task and hand its row on as soon as it is there.

    A worker that dies takes one run with it, which is started again; when that dies too its row says so. The others
    never notice.

    Parameters
    ----------
    tasks : sequence of Task
        In the order in which they are started.
    step_s : float
        Length of the steps that PnL is cut into, in seconds.
    ended : callable
        Given each row, in the order in which runs end.
    workers : int or None
        Runs at a time; by default as many as there are cores that this process, or the cluster, may use.
    address : str or None
        Of a cluster, ``auto`` for the one this machine belongs to; its machines need the same packages, the run
        file's catalogue and the strategy under the same paths. A Ray of our own on this machine by default.
    keep_in : Path or None
        Folder that run folders are left in.
    started : callable
        Told how many runs go on at a time.

    Raises
    ------
    UserError
        Where Ray is not installed or the cluster does not answer.

    """
    with _ray(workers, address) as (ray, places):
        started(places)
        remote = ray.remote(num_cpus=1, max_retries=0)(execute)
        waiting: dict[Any, tuple[Task, int]] = {}
        queue = [(task, 1) for task in reversed(tasks)]
        while queue or waiting:
            # Nothing is in line behind a run: a worker that dies takes with it only what it was running.
            while queue and len(waiting) < places:
                task, attempt = queue.pop()
                waiting[remote.remote(task, step_s, keep_in, attempt)] = (task, attempt)
            done, _ = ray.wait(list(waiting), num_returns=1)
            for reference in done:
                task, attempt = waiting.pop(reference)
                row = _row_of(ray, reference, task, attempt)
                if row is None:
                    queue.append((task, attempt + 1))
                else:
                    ended(row)


def check_address(address: str) -> None:
    """Refuse an address that nobody listens at, which Ray would go on trying for minutes.

    Raises
    ------
    UserError
        For anything but ``auto`` or ``HOST:PORT``, and where no connection can be made.

    """
    if address == "auto":
        return
    host, _, port = address.rpartition(":")
    if not host or "/" in host or not port.isdecimal() or not 0 < int(port) < 65_536:
        raise UserError(f"--address {address}: expected HOST:PORT of the head node, or auto for this machine's cluster")
    try:
        with socket.create_connection((host.strip("[]"), int(port)), timeout=_ANSWER_S):
            pass
    except OSError as error:
        raise UserError(f"--address {address}: no Ray cluster answers there ({error})") from None


def _row_of(ray: Any, reference: Any, task: Task, attempt: int) -> Row | None:
    """Return the row of a run that ended; ``None`` where it is to be started again."""
    try:
        row: Row = ray.get(reference)
    except ray.exceptions.RayTaskError as error:
        return Row(task.identity, task.point, FAILED, f"the worker could not run it: {error.cause!r}", attempt)
    except ray.exceptions.RayError as error:
        if attempt < ATTEMPTS:
            return None
        why = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        reason = f"the worker that ran it died {attempt} times (out of memory, or killed): {why}"
        return Row(task.identity, task.point, FAILED, reason, attempt)
    return row


@contextmanager
def _ray(workers: int | None, address: str | None) -> Iterator[tuple[Any, int]]:
    """Start or join Ray; yield it and how many runs it can do at a time."""
    # Started by 'uv run', Ray would ship the working folder, catalogues and all, and build an environment a worker.
    os.environ.setdefault("RAY_ENABLE_UV_RUN_RUNTIME_ENV", "0")
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    # Ray would warn that later versions leave a variable alone that no run reads.
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    try:
        import ray  # noqa: PLC0415 - an extra
    except ImportError:
        raise UserError("sweep: Ray is not installed; pip install 'mm-nautilus[sweep]'") from None

    if address is None:
        cores = workers or os.process_cpu_count() or 1
        # Left out, the address would be that of any cluster that happens to run on this machine.
        ray.init(
            address="local",
            num_cpus=cores,
            include_dashboard=False,
            log_to_driver=False,
            logging_level=logging.ERROR,
            object_store_memory=_LEAST_STORE_BYTES,
        )
    else:
        check_address(address)
        try:
            ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR)
        except (ConnectionError, ValueError, RuntimeError, TimeoutError) as error:
            hint = "one that asks for a token needs RAY_AUTH_MODE and RAY_AUTH_TOKEN as it was started with"
            raise UserError(f"--address {address}: no Ray cluster answers there ({error}); {hint}") from None
        cores = int(ray.cluster_resources().get("CPU", 0.0))  # type: ignore[no-untyped-call]
        if not cores:
            ray.shutdown()
            raise UserError(f"--address {address}: the cluster there has no CPUs to run on")
        cores = min(workers or cores, cores)
    try:
        yield ray, cores
    finally:
        ray.shutdown()
