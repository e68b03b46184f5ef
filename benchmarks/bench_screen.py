"""How fast screening is: ``python benchmarks/bench_screen.py`` against hftbacktest and the engine, on one market.

The same maker (one level, GLFT) on the same simulated market, in turns; CPU seconds, medians. Events are the changes of
the book and the trades. hftbacktest runs in an environment of its own that lasts as long as the benchmark; where it
cannot be had, that column is left out. Compiling is in none of the figures: the first round is thrown away.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from bench_sweep import RUN_FILE
from peer import MissingPeerError, Peer

from mm_nautilus.backtest.data import end_of_data, prepared_catalog
from mm_nautilus.host.loading import load_run
from mm_nautilus.sweep.plan import plan
from mm_nautilus.sweep.screening import worker
from mm_nautilus.sweep.screening.diff import new_draft
from mm_nautilus.sweep.screening.loop import play
from mm_nautilus.sweep.screening.rules import Rules, compiled
from mm_nautilus.sweep.screening.setup import balances_of, rules_of, venue_of
from mm_nautilus.sweep.screening.state import CLEAR, DELETE, TRADE, Columns, new_run, new_venue
from mm_nautilus.sweep.worker import execute

HFTBACKTEST = "hftbacktest==2.4.4,numba==0.61.2"
"""With a later numba it ends in a segmentation fault."""
DEMANDED_OF_HFT = 0.5
DEMANDED_OF_ENGINE = 20.0
_SEEN_BY_BOTH = (1 << 31) | (1 << 30)
_BUY, _SELL = 1 << 29, 1 << 28
_DEPTH, _TRADED = 1, 2


def exported(path: Path, columns: Columns, rules: Rules) -> int:
    """Write the market as hftbacktest takes it; return how many events it has."""
    rows = []
    for event in columns.events:
        ts_ns = int(event["ts_ns"])
        if event["kind"] == TRADE:
            side = _BUY if event["aggressor"] > 0 else _SELL
            rows.append((_TRADED | side, ts_ns, event["price"] * rules.tick, event["lots"] * rules.lot))
            continue
        for change in columns.changes[event["first"] : event["last"]]:
            if change["action"] == CLEAR:
                continue
            side = _BUY if change["side"] == 0 else _SELL
            lots = 0 if change["action"] == DELETE else change["size"]
            rows.append((_DEPTH | side, ts_ns, change["at"] * rules.tick, lots * rules.lot))
    ev, ts, px, qty = (np.array(column) for column in zip(*rows, strict=True))
    np.savez(path, ev=ev.astype(np.uint64) | np.uint64(_SEEN_BY_BOTH), ts_ns=ts, px=px, qty=qty)
    return len(rows)


def peer_of(market: Path, rules: Rules, a_per_s: float) -> Peer | None:
    """Return hftbacktest, ready to run the same maker on the market, or ``None`` where it cannot be had."""
    asked = {
        "path": str(market), "tick": rules.tick, "lot": rules.lot, "size": rules.order_size, "limit": rules.bound,
        "gamma": rules.gamma, "a": a_per_s, "k": rules.bid_k, "decay": rules.decay, "latency_ns": rules.submit_ns,
    }  # fmt: skip
    try:
        return Peer(HFTBACKTEST, "hftbacktest_glft.py", asked)
    except MissingPeerError as error:
        print(f"hftbacktest: {error}")
        return None


def cpu_seconds(what: Callable[[], Any]) -> tuple[float, Any]:
    """Return the CPU seconds that a call takes, and what it returns."""
    begun = time.process_time()
    found = what()
    return time.process_time() - begun, found


def verdict(ratio: float, demanded: float) -> str:
    """Say whether a ratio is what is demanded."""
    return f"demanded {demanded:g}: {'kept' if ratio >= demanded else 'MISSED'}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--duration-s", type=int, default=1800)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path, market = Path(folder) / "bench.toml", Path(folder) / "market.npz"
        path.write_text(RUN_FILE.format(duration_s=asked.duration_s))
        loaded = load_run(path)
        root, shape = prepared_catalog(loaded)
        settings: Any = loaded.strategy_config.settings
        instrument = worker._instrument(root, settings.instrument_id)  # noqa: SLF001
        columns = worker._columns(root, settings.instrument_id, settings.book, None, None)  # noqa: SLF001
        rules = rules_of(loaded, instrument, end_of_data(loaded, shape))
        events = exported(market, columns, rules)
        peer = peer_of(market, rules, settings.intensity.sides()[0].a_per_s)
        (task,) = plan(path, [{}]).tasks
        named, compact = worker.screened(task), compiled(rules)
        marks = (rules.end_ns - int(columns.events["ts_ns"][0])) // rules.sample_ns + 2
        seconds: dict[str, list[float]] = {"loop": [], "screened": [], "engine": [], "hftbacktest": []}
        for number in range(asked.rounds + 1):
            run = new_run(columns, *balances_of(venue_of(loaded), instrument), rules.burst, marks, 1 << 17)
            venue, draft = new_venue(columns), new_draft()
            taken = {"loop": cpu_seconds(lambda: play(compact, columns, venue, run, draft))[0]}  # noqa: B023
            taken["screened"], row = cpu_seconds(lambda: worker.screen(named, 60.0))
            taken["engine"], confirmed = cpu_seconds(lambda: execute(task, 60.0))
            assert row.completed, row.reason
            assert confirmed.completed, confirmed.reason
            if peer is not None:
                theirs = peer.run()
                taken["hftbacktest"] = theirs.cpu_seconds
            if number > 0:
                for name, one in taken.items():
                    seconds[name].append(one)
        if peer is not None:
            peer.close()
    loop, screened, engine = (statistics.median(seconds[name]) for name in ("loop", "screened", "engine"))
    sent = int(sum(run.state[name][0] for name in ("submits", "amends", "cancels")))
    print(f"{events:,} events; screening sends {sent:,} commands, has {row.fills:,} fills; "
          f"the engine has {confirmed.fills:,}")  # fmt: skip
    print(f"loop {events / loop:,.0f} events/s; a screened run with its accounting {events / screened:,.0f} events/s")
    ratio = engine / screened
    print(f"engine {events / engine:,.0f} events/s; a screened run is {ratio:.0f} times as fast, "
          f"{verdict(ratio, DEMANDED_OF_ENGINE)}")  # fmt: skip
    if peer is not None:
        hft = statistics.median(seconds["hftbacktest"])
        ratio = hft / loop
        print(f"hftbacktest {events / hft:,.0f} events/s ({theirs.submits:,} commands, {theirs.filled:,} fills); "
              f"the loop has {ratio:.2f} of it, {verdict(ratio, DEMANDED_OF_HFT)}; "
              f"with the accounting {hft / screened:.2f}")  # fmt: skip


if __name__ == "__main__":
    main()
