"""How fast screening is: ``python benchmarks/bench_screen.py`` against hftbacktest and the engine, on one market.

The same maker (one level, GLFT) on the same simulated market, in turns; CPU seconds, medians. Events are the changes of
the book and the trades. hftbacktest is installed for the benchmark alone (``uv run --with hftbacktest``); without it
that column is left out. Compilation is not in it: the first round of each is thrown away.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from bench_sweep import RUN_FILE

from mm_nautilus.backtest.data import end_of_data, prepared_catalog
from mm_nautilus.host.loading import load_run
from mm_nautilus.sweep.plan import plan
from mm_nautilus.sweep.screening import worker
from mm_nautilus.sweep.screening.diff import new_draft
from mm_nautilus.sweep.screening.loop import play
from mm_nautilus.sweep.screening.rules import compiled
from mm_nautilus.sweep.screening.setup import balances_of, rules_of, venue_of
from mm_nautilus.sweep.screening.state import CLEAR, TRADE, new_run, new_venue
from mm_nautilus.sweep.worker import execute

DEMANDED_OF_HFT = 0.5
DEMANDED_OF_ENGINE = 20.0
_EXCH, _LOCAL, _BUY, _SELL = 1 << 31, 1 << 30, 1 << 29, 1 << 28
_DEPTH, _TRADED = 1, 2


def export(path: Path, columns, rules) -> int:
    """Write the market as hftbacktest takes it; return how many events it has."""
    rows = []
    for event in columns.events:
        ts = int(event["ts_ns"])
        if event["kind"] == TRADE:
            side = _BUY if event["aggressor"] > 0 else _SELL
            rows.append((_TRADED | side | _EXCH | _LOCAL, ts, event["price"] * rules.tick, event["lots"] * rules.lot))
            continue
        for change in columns.changes[event["first"] : event["last"]]:
            if change["action"] == CLEAR:
                continue
            side = _BUY if change["side"] == 0 else _SELL
            lots = 0 if change["action"] == 3 else change["size"]
            rows.append((_DEPTH | side | _EXCH | _LOCAL, ts, change["at"] * rules.tick, lots * rules.lot))
    ev, ts, px, qty = (np.array(column) for column in zip(*rows, strict=True))
    np.savez(
        path, ev=ev.astype(np.uint64), exch_ts=ts, local_ts=ts, px=px, qty=qty, tick=rules.tick, lot=rules.lot,
        size=rules.order_size, limit=rules.bound, gamma=rules.gamma, a=1.0, k=rules.bid_k, decay=rules.decay,
        latency_ns=rules.submit_ns,
    )  # fmt: skip
    return len(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--duration-s", type=int, default=1800)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "bench.toml"
        path.write_text(RUN_FILE.format(duration_s=asked.duration_s))
        loaded = load_run(path)
        root, shape = prepared_catalog(loaded)
        settings = loaded.strategy_config.settings
        instrument = worker._instrument(root, settings.instrument_id)  # noqa: SLF001
        columns = worker._columns(root, settings.instrument_id, settings.book, None, None)  # noqa: SLF001
        rules = rules_of(loaded, instrument, end_of_data(loaded, shape))
        market = Path(folder) / "market.npz"
        events = export(market, columns, rules)
        (task,) = plan(path, [{}]).tasks
        named = worker.screened(task)
        marks = (rules.end_ns - int(columns.events["ts_ns"][0])) // rules.sample_ns + 2
        baseline = ["uv", "run", "--no-project", "--python", sys.executable, "--with", "hftbacktest", "python",
                    str(Path(__file__).with_name("hft_maker.py")), str(market), "2"]  # fmt: skip
        loop, whole, engine, hft = [], [], [], []
        sent = fills = hft_sent = hft_fills = 0
        for number in range(asked.rounds + 1):
            run = new_run(columns, *balances_of(venue_of(loaded), instrument), rules.burst, marks, 1 << 17)
            begun = time.process_time()
            play(compiled(rules), columns, new_venue(columns), run, new_draft())
            loop_s = time.process_time() - begun
            begun = time.process_time()
            assert worker.screen(named, 60.0).completed
            whole_s = time.process_time() - begun
            begun = time.process_time()
            assert execute(task, 60.0).completed
            engine_s = time.process_time() - begun
            made = subprocess.run(baseline, capture_output=True, text=True, check=False)
            if number == 0:
                continue
            loop.append(loop_s)
            whole.append(whole_s)
            engine.append(engine_s)
            sent = int(sum(run.state[name][0] for name in ("submits", "amends", "cancels")))
            fills = int(run.state["fills"][0])
            if made.returncode == 0:
                last = json.loads(made.stdout.splitlines()[-1])
                hft.append(last["seconds"])
                hft_sent, hft_fills = last["sent"], last["fills"]
            else:
                print(f"hftbacktest ended with {made.returncode}: {made.stderr[-800:]}")
        median = statistics.median
        print(f"{events:,} events; screening sends {sent:,} commands, {fills:,} fills")
        print(f"loop {events / median(loop):,.0f} events/s, whole screened run {events / median(whole):,.0f} events/s")
        ratio = median(engine) / median(whole)
        verdict = "kept" if ratio >= DEMANDED_OF_ENGINE else "MISSED"
        print(f"engine {events / median(engine):,.0f} events/s; a screened run is {ratio:.0f} times as fast, "
              f"demanded {DEMANDED_OF_ENGINE:.0f}: {verdict}")  # fmt: skip
        if hft:
            ratio = median(hft) / median(loop)
            verdict = "kept" if ratio >= DEMANDED_OF_HFT else "MISSED"
            print(f"hftbacktest {events / median(hft):,.0f} events/s ({hft_sent:,} commands, {hft_fills:,} fills); "
                  f"screening has {ratio:.2f} of it, demanded {DEMANDED_OF_HFT}: {verdict}")  # fmt: skip


if __name__ == "__main__":
    main()
