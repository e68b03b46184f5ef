"""How much of two cores a sweep uses: ``python benchmarks/bench_sweep.py`` runs the same runs with and without Ray.

*Efficiency* is the throughput of `run_on_ray` over that of two processes that share nothing and run the same tasks in
a loop; both are timed over the last two thirds of the rows, when every worker has long been at work: on a busy machine
one may begin many rows after the other. Starting up is printed by itself. ``--nodes`` compares two Ray nodes of one
core each on this machine with one such node.

The two kinds take turns, because a machine that does other things is not the same machine a minute later.
"""

from __future__ import annotations

import argparse
import multiprocessing
import statistics
import tempfile
import time
from pathlib import Path

from mm_nautilus.sweep.cluster import run_on_ray
from mm_nautilus.sweep.plan import Task, plan
from mm_nautilus.sweep.space import grid, parse_parameter
from mm_nautilus.sweep.store import Row
from mm_nautilus.sweep.worker import execute

DEMANDED = 0.9
DEMANDED_NODES = 1.7
_STEP_S = 5.0

RUN_FILE = """
[run]
name = "bench"
[data]
catalog = "catalogs"
[data.simulation]
preset = "calm"
duration_s = {duration_s}
[[venues]]
name = "SIM"
account = "CASH"
starting_balances = ["100000 USDT", "1000 SOL"]
fees = {{ maker_rate = "-0.00005", taker_rate = "0.0005" }}
latency = {{ base_ms = 5 }}
[strategy]
path = "mm_nautilus.strategies:MarketMaker"
instrument_id = "SOLUSDT.SIM"
model = "glft"
gamma = 0.5
order_size = 1.0
[strategy.intensity]
a_per_s = 1.0
k_per_price = 50.0
[strategy.limits]
max_position = 10
"""


def tasks_in(folder: Path, runs: int, duration_s: int = 300) -> list[Task]:
    """Return so many runs of a simulated market of that length, their run file in `folder`."""
    path = folder / "bench.toml"
    path.write_text(RUN_FILE.format(duration_s=duration_s))
    return list(plan(path, grid([parse_parameter(f"strategy.gamma=0.1:1:{runs}")])).tasks)


def _warm_up(rows: int) -> int:
    """Return how many of the rows are not counted."""
    return max(rows // 3, 1)


def _rate(ends: list[float]) -> float:
    """Return runs per second after the warm-up."""
    ends, first = sorted(ends), _warm_up(len(ends))
    return (len(ends) - first) / (ends[-1] - ends[first - 1])


def _alone(tasks: list[Task], ends: multiprocessing.Queue[float]) -> None:
    for task in tasks:
        assert execute(task, _STEP_S).completed
        ends.put(time.time())


def independent(tasks: list[Task], processes: int) -> float:
    """Return the throughput of processes that share nothing."""
    context = multiprocessing.get_context("spawn")
    ends: multiprocessing.Queue[float] = context.Queue()
    workers = [context.Process(target=_alone, args=(tasks[start::processes], ends)) for start in range(processes)]
    for worker in workers:
        worker.start()
    found = [ends.get() for _ in tasks]
    for worker in workers:
        worker.join()
    return _rate(found)


def on_ray(tasks: list[Task], workers: int, address: str | None = None) -> tuple[float, float, float]:
    """Return the throughput of a sweep, the seconds until its first row, and the share of time workers were in runs."""
    ends: list[float] = []
    seconds: list[float] = []

    def ended(row: Row) -> None:
        if not row.completed:
            raise SystemExit(f"a run failed, so there is nothing to measure: {row.reason}")
        ends.append(time.time())
        seconds.append(row.seconds)

    begun = time.time()
    run_on_ray(tasks, _STEP_S, ended, workers=workers, address=address)
    first = _warm_up(len(ends))
    busy = sum(seconds[first:]) / (workers * (ends[-1] - ends[first - 1]))
    return _rate(ends), ends[0] - begun, busy


def on_nodes(tasks: list[Task], nodes: int) -> float:
    """Return the throughput on so many Ray nodes of one core each, all on this machine."""
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    try:
        for _ in range(nodes - 1):
            cluster.add_node(num_cpus=1)
        cluster.wait_for_nodes()
        return on_ray(tasks, nodes, cluster.address)[0]
    finally:
        cluster.shutdown()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=40)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--duration-s", type=int, default=300, help="length of the market of each run")
    parser.add_argument("--nodes", action="store_true", help="two Ray nodes of one core against one")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        tasks = tasks_in(Path(folder), asked.runs, asked.duration_s)
        ratios = []
        for number in range(1, asked.rounds + 1):
            if asked.nodes:
                one, two = on_nodes(tasks, 1), on_nodes(tasks, 2)
                print(
                    f"{number}: one node {one:.2f} runs/s, two nodes {two:.2f} runs/s, {two / one:.2f} times",
                    flush=True,
                )
                ratios.append(two / one)
                continue
            apart = independent(tasks, 2)
            together, first, busy = on_ray(tasks, 2)
            ratios.append(together / apart)
            print(
                f"{number}: two processes {apart:.2f}/s, Ray {together:.2f}/s, efficiency {together / apart:.3f}; "
                f"workers {busy:.3f} of the time in runs; first row after {first:.1f} s",
                flush=True,
            )
        median = statistics.median(ratios)
        demanded = DEMANDED_NODES if asked.nodes else DEMANDED
        print(f"median {median:.3f}, demanded {demanded}: {'kept' if median >= demanded else 'MISSED'}")


if __name__ == "__main__":
    main()
