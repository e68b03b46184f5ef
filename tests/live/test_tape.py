"""What reached a live node is on its tape, as a catalogue, also when the node was killed."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from bybit_exchange.process import Exchange
from live_kit import ACCOUNT, LiveProcess, run_file
from nautilus_trader.persistence import ParquetDataCatalog

from mm_nautilus.catalog.inspect import inspect_catalog
from mm_nautilus.catalog.simulator import PRESETS, override, simulate
from mm_nautilus.catalog.store import CatalogWriter
from mm_nautilus.errors import DataError
from mm_nautilus.live.replay.stream import market_events
from mm_nautilus.live.tape import TAPE, Reel, tape_catalog, whole_batches

SOL = "SOLUSDT.SIM"


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("market")
    simulate(override(PRESETS["calm"], ["seed=3", "duration_s=60"]), root)
    return root


def recorded(market: Path, run_dir: Path, pieces: int = 7) -> None:
    """Put a market on tape as a node does, a few records at a time."""
    folder = run_dir / TAPE
    folder.mkdir(parents=True)
    (folder / "streams.json").write_text(json.dumps([{"instrument_id": SOL, "number": 0}]))
    with CatalogWriter(folder / "catalog") as writer:
        writer.instrument(ParquetDataCatalog(str(market)).instruments()[0])
    reels = {kind: Reel(kind, folder, 0) for kind in ("trades", "deltas")}
    for number, record in enumerate(events(market)):
        reels["trades" if hasattr(record, "trade_id") else "deltas"].waiting.append(record)
        if number % pieces == 0:
            for reel in reels.values():
                reel.write()
    for reel in reels.values():
        reel.write()
        reel.close()


def events(root: Path) -> list[Any]:
    shape = inspect_catalog(root, [SOL], None, None)
    return list(market_events(root, {SOL: "L2"}, set(shape.kinds()), shape.first_ns, shape.last_ns))


def told(records: list[Any]) -> list[Any]:
    return [[delta.to_dict() for delta in one.deltas] if hasattr(one, "deltas") else one.to_dict() for one in records]


def test_a_tape_holds_every_record_as_it_came(market: Path, tmp_path: Path) -> None:
    recorded(market, tmp_path)
    root = tape_catalog(tmp_path)
    assert told(events(root)) == told(events(market))
    assert tape_catalog(tmp_path) == root  # what is there is not made again


def test_what_was_written_before_a_crash_is_there(market: Path, tmp_path: Path) -> None:
    recorded(market, tmp_path)
    (stream,) = (tmp_path / TAPE).glob("deltas-*.arrows")
    whole = len(list(whole_batches(stream)))
    with stream.open("r+b") as file:
        file.truncate(stream.stat().st_size * 2 // 3)
    left = len(list(whole_batches(stream)))
    assert 0 < left < whole
    kept = [one for one in told(events(tape_catalog(tmp_path))) if isinstance(one, list)]
    all_of_them = [one for one in told(events(market)) if isinstance(one, list)]
    assert 0 < len(kept) < len(all_of_them)
    assert kept == all_of_them[: len(kept)]


def test_a_run_without_a_tape_says_so(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="kept no tape"):
        tape_catalog(tmp_path)


@pytest.mark.e2e
@pytest.mark.parametrize("end", [LiveProcess.kill, lambda process: (process.ask_to_stop(), process.ended())])
def test_the_tape_of_a_real_run_is_a_catalogue(tmp_path: Path, end: Callable[[LiveProcess], object]) -> None:
    output = tmp_path / "runs"
    output.mkdir()
    with Exchange(seed=3) as exchange:
        process = LiveProcess(str(run_file(tmp_path, exchange)), "--confirm", ACCOUNT, output=output)
        exchange.until(lambda truth: len(truth["executions"]) >= 2)
        killed_ns = time.time_ns()
        end(process)
    name = "BTCUSDT-LINEAR.BYBIT"
    shape = inspect_catalog(tape_catalog(process.folder), [name], None, None)
    assert set(shape.kinds()) == {"OrderBookDelta", "TradeTick"}
    assert shape.instruments[name].deltas.ends_event
    assert shape.last_ns > killed_ns - 500_000_000  # a tenth of a second, and a machine that has other things to do
