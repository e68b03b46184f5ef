"""What the stack costs beside the engine it stands on, and beside others: every figure a ratio.

``uv run benchmarks/run.py`` measures everything, interleaved, and draws docs/performance.md and its chart; that takes
about an hour, half of it ten million events. ``--only <section>`` (several times) measures some of it and leaves the
other figures as they were; ``--draw`` draws the page from what was measured before. ``--short`` takes a minute, and
fails where a ratio is 25 % above the committed one; ``--short --commit`` takes what it finds for what is expected.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import sysconfig
import time

import figures
import page
import sections
import short
from rich.console import Console
from rich.table import Table


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--short", action="store_true", help="a few ratios, held against the committed ones")
    parser.add_argument("--commit", action="store_true", help="with --short: commit to what is found")
    parser.add_argument("--only", action="append", choices=list(sections.SECTIONS), help="measure this section")
    parser.add_argument("--draw", action="store_true", help="measure nothing")
    parser.add_argument("--turns", type=int, default=5, help="how often everybody runs")
    parser.add_argument("--scale", type=float, default=1.0, help="of the markets' lengths, for a trial")
    asked = parser.parse_args()
    if asked.short:
        return _short(asked.commit)
    measured = figures.read()
    machine = figures.machine() if asked.draw else _machine(asked.scale)
    for name in [] if asked.draw else asked.only or sections.SECTIONS:
        began = time.perf_counter()
        measured[name] = sections.SECTIONS[name](sections.Size(asked.turns, asked.scale))
        measured = {known: measured[known] for known in sections.SECTIONS if known in measured}
        figures.write(measured, machine)
        _print(measured[name], time.perf_counter() - began)
    page.draw(measured, machine)
    missed = [f"{name}: {line.what}" for name, some in measured.items() for line in some.figures if line.kept is False]
    if missed:
        print(f"missed: {'; '.join(missed)}")
    return int(bool(missed))


def _machine(scale: float) -> str:
    trial = (
        ""
        if scale == 1
        else f" (a trial: markets {scale:g} times as long, so that what a run costs at all weighs more)"
    )
    guided = "--enable-optimizations" in (sysconfig.get_config_var("CONFIG_ARGS") or "")
    build = f"built {'with' if guided else 'without'} profile-guided optimisation"
    python = f"{platform.python_implementation()} {platform.python_version()} {build}"
    return f"{os.cpu_count()} processors, {python}{trial}"


def _print(section: figures.Section, seconds: float) -> None:
    table = Table(*page.HEADINGS, title=f"{section.title} ({seconds:.0f} s)")
    for line in section.figures:
        table.add_row(*page.cells(line))
    console = Console(width=150)
    console.print(table)
    for reason in section.skipped:
        console.print(f"skipped: {reason}", markup=False)


def _short(commit: bool) -> int:
    began = time.perf_counter()
    if commit:
        short.commit({part: short.measure(part) for part in short.PARTS})
    expected = short.committed()
    found, failed = short.check(expected)
    table = Table("ratio", "committed", "found", "of it", "", title=f"short form, {time.perf_counter() - began:.0f} s")
    for part, ratios in found.items():
        for name, value in ratios.items():
            known = expected.get(part, {}).get(name)
            share = "" if known is None else f"{value / known:.2f}"
            verdict = "WORSE" if name in failed else ""
            table.add_row(name, "" if known is None else f"{known:.3g}", f"{value:.3g}", share, verdict)
    Console(width=120).print(table)
    if failed:
        print(f"more than {short.WORSE:g} times what was committed: {', '.join(failed)}")
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
