"""The tables of the page: what runs in turn in each, and what is demanded of it."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from copy import replace
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import bench_cross_venue
import bench_sweep
import latency
import long_run
import many
import market
import numpy as np
import short
import stack
import startup
from figures import Figure, Section, figure
from peer import peers
from stack import Outcome, Scenario, scenario
from turns import Spread, in_turn, ratio

from mm_nautilus.host.collector import rare_collections

ENGINE, IDLE, NATIVE = "engine alone", "Python strategy that does nothing", "native Rust GridMarketMaker"
BARE: Final = "Python strategy that only sends the commands"
RECORDED: Final = "our maker, recorded"
AMENDING: Final = "our maker, recorded, amending"
STACK_AT_MOST: Final = {RECORDED: 1.2, AMENDING: 1.2}
"""Demanded of both, beside the native maker."""


@dataclass(frozen=True)
class Size:
    """How often everybody runs, and how long their markets are."""

    turns: int
    scale: float

    def events(self, full: int) -> int:
        """Return how many events that is."""
        return max(1_000, int(full * self.scale))


type Runner = Callable[[], Outcome]


def _compared(
    contestants: dict[str, Runner], base: str, turns: int, at_most: dict[str, float] | None = None
) -> list[Figure]:
    """Run everybody in turn; return the ratios of processor seconds to those of `base`."""
    runs = in_turn(contestants, turns)
    cpu = {name: [one.cpu_seconds for one in some] for name, some in runs.items()}
    return [
        figure(
            name,
            ratio(cpu[name], cpu[base]),
            base=base,
            at_most=(at_most or {}).get(name),
            note=_counts(some[0], Spread.of(cpu[name]).median),
        )
        for name, some in runs.items()
    ]


def _counts(one: Outcome, cpu_seconds: float) -> str:
    sent = f"{one.submits:,} new orders" + (f", {one.amends:,} amends" if one.amends else "")
    return f"{cpu_seconds:.3g} s" + (f"; {sent}, {one.filled:,} filled" if one.orders else "")


def _stack_runs(played: Scenario, levels: int = 1) -> dict[str, Runner]:
    return {
        NATIVE: partial(stack.run_grid, played, levels),
        "our maker, not recorded": partial(stack.run_stack, played, amend=False, levels=levels, record=False),
        RECORDED: partial(stack.run_stack, played, amend=False, levels=levels),
        AMENDING: partial(stack.run_stack, played, amend=True, levels=levels),
        "our maker, all actors": partial(stack.run_stack, played, amend=False, levels=levels, watch=True),
    }


def _warm_up() -> None:
    for run in _stack_runs(scenario("L1", 1, 1_000, seed=0)).values():
        run()


def the_stack(size: Size) -> Section:
    """One level a side, on quotes."""
    _warm_up()
    events = size.events(300_000)
    played = scenario("L1", 1, events, seed=1)
    contestants = {ENGINE: partial(stack.run_engine, played), IDLE: partial(stack.run_idle, played)}
    contestants |= {BARE: partial(stack.run_bare, played)} | _stack_runs(played)
    lines = _compared(contestants, NATIVE, size.turns, STACK_AT_MOST)
    lines += _by_length(size)
    about = (
        f"One level a side on {events:,} quotes and {events * 7 // 30:,} trades, requoted at each tick of the mid. "
        "Our maker amends unless it is told not to; without amending it cancels and submits as the native one does. It "
        "puts as many prices into the market either way. What only sends the commands knows no position, no limit and "
        "no record: any maker in Python costs more than that here. The native maker's cost grows faster than its "
        "orders and ours does not, so the last lines compare a shorter run and a longer one."
    )
    return Section("The whole stack, one level", about, lines, [])


def _by_length(size: Size) -> list[Figure]:
    """Compare runs of a market day's length and of less: the native maker's cost grows faster than its orders."""
    lines: list[Figure] = []
    for full in (60_000, 1_000_000):
        events = size.events(full)
        played = scenario("L1", 1, events, seed=1)
        runners = {name: run for name, run in _stack_runs(played).items() if name in {NATIVE, *STACK_AT_MOST}}
        found = _compared(runners, NATIVE, size.turns, STACK_AT_MOST)
        lines += [
            replace(one, what=f"{one.what}, {events:,} quotes", base=f"{NATIVE}, {events:,} quotes") for one in found
        ]
    return lines


def levels(size: Size) -> Section:
    """Several levels, each beside a native maker of as many."""
    _warm_up()
    events, lines = size.events(60_000), []
    played = scenario("L1", 1, events, seed=1)
    for count in (1, 3, 10):
        found = _compared(_stack_runs(played, count), NATIVE, size.turns)
        lines += [
            replace(line, what=f"{line.what}, {count} levels", base=f"{NATIVE}, {count} levels") for line in found
        ]
    return Section("Levels", f"The same on {events:,} quotes, with more levels on both sides.", lines, [])


def engines(size: Size) -> Section:
    """The same logic on other engines."""
    _warm_up()
    events, skipped = size.events(60_000), list[str]()
    path = market.path(events, events * 7 // 30, 1, move_probability=0.05)
    played = Scenario([market.trades(path), market.quotes(path)], "L1", 1)
    with peers(path, 1, skipped) as others:
        contestants = _stack_runs(played) | {name: peer.run for name, peer in others.items()}
        lines = _compared(contestants, NATIVE, size.turns)
    about = (
        f"One level a side on the same {events:,} quotes, each engine in a process and an environment of its own. "
        "hftbacktest has no life cycle of orders, no messages between components and no accounts, compiles the "
        "strategy, and fills an order in front of the queue at prices that nothing is shown at; compiling and loading "
        "are in none of the figures."
    )
    return Section("Other engines", about, lines, skipped)


def venues(size: Size) -> Section:
    """One maker on the venues of an asset, beside as many makers that know nothing of each other."""
    base, crossed = f"{many.VENUES} makers, one a venue", f"one maker on {many.VENUES} venues"
    markets = many.venues_of_one_asset(size.events(12_000))
    lines = _compared(
        {base: partial(many.run_each_alone, markets), crossed: partial(many.run_cross_venue, markets)}, base, size.turns
    )
    one, five, passes = bench_cross_venue.Five(), bench_cross_venue.Five(), size.events(10_000)
    alone: list[float] = []
    several: list[float] = []
    for _ in range(size.turns):
        with rare_collections():
            alone.append(float(np.median(bench_cross_venue.run(passes, short.alone(one), one)[0])))
            several.append(float(np.median(bench_cross_venue.run(passes, five.tick, five)[0])))
    lines.append(figure("requote of one of 5 venues", Spread.of(several), "us", at_most=bench_cross_venue.CEILING_US))
    lines.append(figure("requote of one of 5 venues", ratio(several, alone), base="requote of one venue alone"))
    about = "Runs are recorded; a requote is timed without an engine, with ten levels on each of the other venues."
    return Section("Several venues", about, lines, [])


def ticks(size: Size) -> Section:
    """Latencies at one market event."""
    lines, bins = [], {}
    for book in ("L1", "L2"):
        runs = [latency.measure(book, size.events(60_000), amend=True) for _ in range(size.turns)]
        demanded = {"tick without a requote": 5.0, "requote": 40.0}
        for name, some in (
            ("tick without a requote", [one.quiet for one in runs]),
            ("requote", [one.requote for one in runs]),
        ):
            medians = [float(np.median(one)) for one in some]
            tail = float(np.median([np.quantile(one, 0.99) for one in some]))
            units = [float(np.median(one.yardstick)) for one in runs]
            note = f"{ratio(medians, units).median:.3g} yardsticks; 99 %: {tail:.3g} us"
            lines.append(
                figure(f"{book}: {name}, our code", Spread.of(medians), "us", at_most=demanded[name], note=note)
            )
        waits = np.concatenate([one.to_order for one in runs])
        lines.append(
            figure(
                f"{book}: tick to order, wall clock",
                Spread.of([float(np.median(one.to_order)) for one in runs]),
                "us",
                note=f"90 %: {np.quantile(waits, 0.9):.3g} us; 99 %: {np.quantile(waits, 0.99):.3g} us",
            )
        )
        bins[f"{book}, share of orders"] = latency.histogram(waits)
    bins["from us"] = [edge if edge != float("inf") else -1.0 for edge in latency.EDGES_US]
    about = (
        "A clock on the maker's market handlers, stopped while the engine carries out its commands. Tick to order is "
        "from the handler's call to the first command. The yardstick is a fixed piece of Python timed between events."
    )
    return Section("Latency, tick to order", about, lines, [], bins)


def instruments(size: Size) -> Section:
    """Instruments of their own makers, the same number of events altogether."""
    events, lines = size.events(60_000), []
    runs = in_turn(
        {count: partial(many.run_each_alone, many.instruments(events, count)) for count in (1, 2, 5, 10)}, size.turns
    )
    one = [run.cpu_seconds for run in runs[1]]
    for count, some in runs.items():
        cpu = [run.cpu_seconds for run in some]
        note = _counts(some[0], Spread.of(cpu).median)
        lines.append(figure(f"{count} instruments", ratio(cpu, one), base="one instrument", note=note))
    about = f"{events:,} quotes altogether, one maker each, recorded: what an event costs among many markets."
    return Section("Instruments", about, lines, [])


def length(size: Size) -> Section:
    """From a thousand to ten million events, each in a process of its own."""
    lines: list[Figure] = []
    lengths = [count for count in long_run.LENGTHS if count <= size.events(long_run.LENGTHS[-1])]
    found = {count: long_run.measure(count, 1 if count > 1_000_000 else size.turns) for count in lengths}
    reference = min(1_000_000, lengths[-1])
    fixed = Spread.of([run.cpu_seconds for run in found[lengths[0]]]).median
    # What a run costs however short it is stands in the first line; an event costs what the rest is, by event.
    base = Spread.of([(run.cpu_seconds - fixed) / (reference - lengths[0]) for run in found[reference]]).median
    for count, some in found.items():
        note = f"{Spread.of([run.cpu_seconds for run in some]).median:.3g} s, {some[0].orders:,} order rows"
        if count >= 100_000:
            each = [(run.cpu_seconds - fixed) / (count - lengths[0]) / base for run in some]
            lines.append(
                figure(
                    f"{count:,} events, seconds an event",
                    Spread.of(each),
                    base=f"{reference:,} events",
                    at_most=1.15,
                    note=note,
                )
            )
        else:
            lines.append(figure(f"{count:,} events", Spread.of([run.cpu_seconds for run in some]), "s", note=note))
        held = Spread.of([run.run_mib for run in some])
        note = f"{Spread.of([run.peak_mib for run in some]).median:.0f} MiB with adding up"
        lines.append(figure(f"{count:,} events, memory", held, "MiB", at_most=long_run.HELD_MIB, note=note))
    about = (
        "A run file on a catalogue, from reading to adding up, without the report. Processor seconds of a run less "
        f"those of {lengths[0]:,} events, an event, against those of {reference:,}. Memory is the peak above "
        "that before the run while it trades: what is over is forgotten, what happened is in the log. Adding up reads "
        "the log, and what it takes grows with the fills."
    )
    return Section("Length of a run", about, lines, [])


def orders(size: Size) -> Section:
    """Memory against how often is quoted anew."""
    events, lines = size.events(300_000), []
    runs = {share: long_run.measure(events, 1, share)[0] for share in (0.01, 0.05, 0.2)}
    base = runs[0.01]
    for share, run in runs.items():
        note = f"{run.orders:,} order rows, {run.cpu_seconds:.3g} s"
        peak = Spread.of([run.peak_mib / base.peak_mib])
        lines.append(
            figure(f"{share:.0%} of events move the mid", peak, base="1%", note=f"{run.peak_mib:.0f} MiB; {note}")
        )
    return Section(
        "Memory and orders",
        f"The same {events:,} book events, moving more and less often: peak above that before the run.",
        lines,
        [],
    )


def sweeps(size: Size) -> Section:
    """Sweeps on two cores and on two nodes."""
    with tempfile.TemporaryDirectory() as folder:
        tasks = bench_sweep.tasks_in(Path(folder), runs=max(12, int(40 * size.scale)))
        turns = max(1, size.turns // 2)
        cores = [
            ratio([bench_sweep.on_ray(tasks, 2)[0]], [bench_sweep.independent(tasks, 2)]).median for _ in range(turns)
        ]
        nodes = [ratio([bench_sweep.on_nodes(tasks, 2)], [bench_sweep.on_nodes(tasks, 1)]).median for _ in range(turns)]
    lines = [
        figure(
            "runs a second on two cores",
            Spread.of(cores),
            base="two processes that share nothing",
            at_least=bench_sweep.DEMANDED,
        ),
        figure(
            "runs a second on two Ray nodes", Spread.of(nodes), base="one node", at_least=bench_sweep.DEMANDED_NODES
        ),
    ]
    return Section(
        "Sweeps", "Wall clock, after the workers are up: half-second runs; nodes of one core each.", lines, []
    )


def start(size: Size) -> Section:
    """The command line."""
    lines = []
    with startup.byte_code() as environment:
        for command in ("", *startup.COMMANDS):
            startup.start(command, environment)
            runs = in_turn(
                {
                    "bare": partial(startup.bare, environment),
                    "help": partial(startup.start, command, environment),
                },
                size.turns,
            )
            wall, cpu = zip(*runs["help"], strict=True)
            times = ratio(cpu, [one for _, one in runs["bare"]])
            note = f"{times.median:.1f} times Python alone; {Spread.of(wall).median:.2f} s on the wall"
            name = f"mm-nautilus {command} --help".replace("  ", " ")
            lines.append(figure(name, Spread.of(cpu), "s", at_most=0.4, note=note))
    about = "Seconds of the processor, byte code being there; on a machine that does nothing else those of the wall."
    return Section("Command-line start", about, lines, [])


SECTIONS: Final[dict[str, Callable[[Size], Section]]] = {
    "stack": the_stack,
    "levels": levels,
    "engines": engines,
    "venues": venues,
    "latency": ticks,
    "instruments": instruments,
    "length": length,
    "orders": orders,
    "sweeps": sweeps,
    "start": start,
}
