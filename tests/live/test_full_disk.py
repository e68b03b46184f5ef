"""A disk that fills up while we trade: the quotes go first, then the node, and what was recorded stays."""

from __future__ import annotations

import resource
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from bybit_exchange.process import Exchange
from live_kit import ACCOUNT, LiveProcess, run_file

from mm_nautilus.backtest.run import RunFailedError
from mm_nautilus.errors import UserError
from mm_nautilus.live.disk import on_a_full_disk

NO_SPACE = OSError(28, "No space left on device")


@pytest.mark.e2e
def test_a_node_that_cannot_write_withdraws_and_stops(tmp_path: Path) -> None:
    output = tmp_path / "runs"
    output.mkdir()
    with Exchange(seed=3) as exchange:
        process = LiveProcess(str(run_file(tmp_path, exchange)), "--confirm", ACCOUNT, output=output)
        exchange.until(lambda truth: len(truth["open"]) == 2)
        exchange.until(lambda _truth: any(output.rglob("log/decisions/*.parquet")))
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (1, 1))  # no file may grow beyond a byte from here on
        code, printed = process.ended()
        truth = exchange.truth()
    assert code == 2, printed
    assert truth["open"] == []
    assert truth["connected"] == {"public": 0, "private": 0, "trade": 0}
    assert "cannot be written any more" in printed
    assert "Traceback" not in printed.partition("cannot be written")[2]
    kept = [pq.read_table(part) for part in output.rglob("log/decisions/part-*.parquet")]
    assert sum(table.num_rows for table in kept) > 0


def test_a_full_disk_is_said_wherever_it_was_noticed() -> None:
    with pytest.raises(UserError, match="runs: cannot be written any more"), on_a_full_disk(Path("runs")):
        raise NO_SPACE
    with pytest.raises(UserError, match="make room"), on_a_full_disk(Path("runs")):
        raise RunFailedError("the recorder failed") from NO_SPACE


def test_other_failures_stay_what_they_are() -> None:
    with pytest.raises(ConnectionError), on_a_full_disk(Path("runs")):
        raise ConnectionError("gone")
    with pytest.raises(RunFailedError), on_a_full_disk(Path("runs")):
        raise RunFailedError("a handler raised") from ValueError("nonsense")
