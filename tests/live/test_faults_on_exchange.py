"""Random faults by seed: at the end the venue, the engine and the log hold the same, and nothing of ours rests."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest
from bybit_exchange.faults import KINDS, schedule
from bybit_exchange.process import Exchange
from live_kit import ACCOUNT, LiveProcess, run_file

pytestmark = [pytest.mark.e2e, pytest.mark.slow]
LENGTH_S, FAULTS, LIMIT = 12.0, 6, 100
# Somebody else's trades on our account are refused by the strategy's own count of its position, by design so far.
OURS = [kind for kind in KINDS if kind != "external_trade"]


@pytest.mark.parametrize("seed", range(50))
def test_everything_agrees_when_the_faults_are_over(seed: int, tmp_path: Path) -> None:
    output = tmp_path / "runs"
    output.mkdir()
    with Exchange(seed=seed) as exchange:
        process = LiveProcess(str(run_file(tmp_path, exchange)), "--confirm", ACCOUNT, output=output)
        exchange.until(lambda truth: len(truth["open"]) == 2, 30.0)
        exchange.schedule(schedule(seed, LENGTH_S, FAULTS, OURS))
        exchange.until(lambda truth: len(truth["happened"]) == FAULTS and truth["pending"] == 0, LENGTH_S + 10.0)
        sent = exchange.truth()["orders"]
        exchange.until(lambda truth: truth["orders"] > sent and any(o["link"][:1] == "O" for o in truth["open"]), 15.0)
        process.ask_to_stop()
        code, printed = process.ended()
        truth = exchange.truth()
    assert code == 0, printed
    assert [order for order in truth["open"] if not order["link"].startswith("by-hand")] == []
    fills = pq.read_table(process.folder / "log/fills.parquet")
    signed = zip(fills["size"].to_pylist(), fills["side"].to_pylist(), strict=True)
    logged = sum(size if side == "BUY" else -size for size, side in signed)
    positions, held = [], 0
    for one in truth["executions"]:
        held += one["side"] * one["lots"]
        positions.append(abs(held))
    assert float(logged) == pytest.approx(truth["position"] * 0.001)
    assert max(positions, default=0) <= LIMIT
