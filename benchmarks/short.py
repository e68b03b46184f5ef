"""The short form: a few ratios that stand still on a busy machine, held against those that were committed.

What our own code costs is a ratio to a fixed piece of arithmetic that is timed between the events; what a run costs,
one to the native maker beside it. Where a ratio is too high, it is measured again, all in all three times, and the
lowest counts: other work on the machine can only add, and what is slower in our code is slower each time.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

import bench_cross_venue
import latency
import numpy as np
import orjson
import stack
import startup
from stack import scenario
from turns import Spread, in_turn, ratio

from mm_nautilus.host.collector import rare_collections

COMMITTED: Final = Path(__file__).parent / "committed.json"
WORSE: Final = 1.25
"""A ratio this many times the committed one is a failure."""
_ATTEMPTS: Final = 3
_EVENTS: Final = 10_000
_TURNS: Final = 3
_QUANTILE: Final = 0.1
"""Of the latencies: what other work on the machine disturbs least, and code that is slower shifts like any other."""


def ticks() -> dict[str, Spread]:
    """Return what a requote costs in our code, in yardsticks, and what a market costs that calls for none.

    A tick without a requote takes as long as looking at the clock, so that a run of nothing else is what is compared.
    """
    found: dict[str, Spread] = {}
    for book in ("L1", "L2"):
        each = []
        for _ in range(_TURNS):
            timed = latency.measure(book, _EVENTS, amend=True)
            each.append(float(np.quantile(timed.requote, _QUANTILE)) / float(np.quantile(timed.yardstick, _QUANTILE)))
        found[f"{book} requote, yardsticks"] = Spread.of(each)
        played = stack.calm(book, 6 * _EVENTS, seed=1)
        quiet: dict[str, Callable[[], float]] = {
            "idle": lambda played=played: stack.run_idle(played).cpu_seconds,
            "maker": lambda played=played: stack.run_quiet(played).cpu_seconds,
        }
        spent = in_turn(quiet, 2 * _TURNS + 1)
        found[f"{book} market that calls for no requote / strategy that does nothing"] = ratio(
            spent["maker"], spent["idle"]
        )
    return found


def runs() -> dict[str, Spread]:
    """Return what whole runs cost, in runs of the native maker with as many levels."""
    played = scenario("L1", 1, _EVENTS, seed=1)
    contestants: dict[str, Callable[[], float]] = {
        "native": lambda: stack.run_grid(played).cpu_seconds,
        "one level": lambda: stack.run_stack(played, amend=False).cpu_seconds,
        "one level, all actors": lambda: stack.run_stack(played, amend=False, watch=True).cpu_seconds,
        "native, 3 levels": lambda: stack.run_grid(played, 3).cpu_seconds,
        "3 levels": lambda: stack.run_stack(played, amend=False, levels=3).cpu_seconds,
    }
    spent = in_turn(contestants, 2 * _TURNS - 1)
    return {
        "run of the stack, one level / native maker": ratio(spent["one level"], spent["native"]),
        "run with all actors / run of the stack": ratio(spent["one level, all actors"], spent["one level"]),
        "run of the stack, 3 levels / native maker, 3 levels": ratio(spent["3 levels"], spent["native, 3 levels"]),
    }


def cross_venue() -> dict[str, Spread]:
    """Return what a requote of one of five venues costs, in requotes of one alone."""
    found = []
    for _ in range(_TURNS):
        one, five = bench_cross_venue.Five(), bench_cross_venue.Five()
        one_alone = alone(one)
        with rare_collections():
            base, _ = bench_cross_venue.run(2_000, one_alone, one)
            crossed, _ = bench_cross_venue.run(2_000, five.tick, five)
        found.append(float(np.median(crossed)) / float(np.median(base)))
    return {"requote of one of 5 venues / of one alone": Spread.of(found)}


def alone(five: bench_cross_venue.Five) -> Callable[..., object]:
    """Return a pass of a venue that is quoted by itself."""
    return lambda index, top, now_ns: bench_cross_venue.alone(five.desks[index], top, now_ns)


def start() -> dict[str, Spread]:
    """Return what starting the command line costs, in starts of Python."""
    with startup.byte_code() as environment:
        startup.start("backtest", environment)
        spent = in_turn(
            {
                "bare": lambda: startup.bare(environment)[1],
                "help": lambda: startup.start("backtest", environment)[1],
            },
            2 * _TURNS + 1,
        )
    return {"start of the command line / of Python": ratio(spent["help"], spent["bare"])}


PARTS: Final[dict[str, Callable[[], dict[str, Spread]]]] = {
    "ticks": ticks,
    "runs": runs,
    "venues": cross_venue,
    "start": start,
}
type Ratios = dict[str, dict[str, float]]
"""Medians, by part and name."""


def measure(part: str) -> dict[str, float]:
    """Return the ratios of one part."""
    return {name: spread.median for name, spread in PARTS[part]().items()}


def committed(path: Path = COMMITTED) -> Ratios:
    """Return the ratios that were committed."""
    return dict(orjson.loads(path.read_bytes()))


def commit(found: Ratios, path: Path = COMMITTED) -> None:
    """Take what was found for what is expected."""
    rounded = {part: {name: float(f"{value:.3g}") for name, value in some.items()} for part, some in found.items()}
    path.write_bytes(orjson.dumps(rounded, option=orjson.OPT_INDENT_2) + b"\n")


def worse(found: dict[str, float], expected: dict[str, float]) -> list[str]:
    """Return what is too high, and what only one of the two knows: a ratio that is gone is not one that is kept."""
    high = [name for name, value in found.items() if name in expected and value > WORSE * expected[name]]
    return (
        high
        + [f"{name} (not measured)" for name in expected if name not in found]
        + [f"{name} (not committed)" for name in found if name not in expected]
    )


def check(expected: Ratios, once: Callable[[str], dict[str, float]] = measure) -> tuple[Ratios, list[str]]:
    """Measure each part until nothing is too high, at most three times.

    Parameters
    ----------
    expected : dict
        Ratios that were committed.
    once : callable
        Measures a part.

    Returns
    -------
    tuple
        The lowest of each ratio, and the names of what is too high even so.

    """
    found: Ratios = {}
    for part in PARTS:
        known = expected.get(part, {})
        best = once(part)
        for _ in range(_ATTEMPTS - 1):
            if not worse(best, known):
                break
            best = {name: min(value, best[name]) for name, value in once(part).items()}
        found[part] = best
    return found, [name for part, best in found.items() for name in worse(best, expected.get(part, {}))]
