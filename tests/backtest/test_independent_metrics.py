"""The figures of a run against a script that shares nothing with the library but the engine's own records."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from nautilus_trader.model import Venue

from mm_nautilus.backtest import run as room

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "tests" / "analytics"))

from independent_metrics import metrics  # noqa: E402

NAME = "SOLUSDT.SIM"


def order_events(cache: Any) -> Iterator[tuple[str, str, int, float, Any]]:
    for order in cache.orders():
        for event in order.events():
            kind = type(event).__name__.removeprefix("Order")
            size = {"Initialized": "quantity", "Updated": "quantity", "Filled": "last_qty"}.get(kind)
            yield (
                str(order.client_order_id),
                kind,
                event.ts_event,
                float(str(getattr(event, size))) if size else 0.0,
                event,
            )


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Run a quarter of an hour of the quickstart in a rougher market, and keep what the engine says at its end."""
    folder, kept, whole = tmp_path_factory.mktemp("independent"), {}, room.run_facts

    def looked_at(loaded: Any, cache: Any, portfolio: Any, *rest: Any) -> Any:
        kept["events"] = list(order_events(cache))
        states = portfolio.account(Venue("SIM")).events
        kept["balances"] = {
            str(first.currency): (float(str(first.total).split()[0]), float(str(last.total).split()[0]))
            for first, last in zip(states[0].balances, states[-1].balances, strict=True)
        }
        return whole(loaded, cache, portfolio, *rest)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(room, "run_facts", looked_at)
        changes = [f"data.catalog={folder / 'data'}", "data.simulation.duration_s=600"]
        changes += ["data.simulation.preset=high_volatility", "strategy.gamma=0.01", "strategy.limits.max_position=20"]
        outcome = room.run_backtest(ROOT / "configs" / "quickstart.toml", changes, output=folder / "runs")
    return kept | {"result": outcome.result, "log": outcome.run_dir / "log"}


@pytest.mark.e2e
def test_an_independent_script_agrees(recorded: dict[str, Any]) -> None:
    one = recorded["result"]["instruments"][NAME]
    span = one["start_ns"], one["end_ns"]
    books = pq.read_table(recorded["log"] / "fills.parquet", columns=["trade_id", "bid", "ask"])
    seen = 0.5 * (books["bid"].to_numpy() + books["ask"].to_numpy())
    executed = {
        str(event.trade_id): (
            event.ts_event,
            1 if str(event.order_side).endswith("BUY") else -1,
            size,
            float(str(event.last_px)),
            float(str(event.commission).split()[0]),
        )
        for _, kind, _, size, event in recorded["events"]
        if kind == "Filled"
    }
    # Of fills at one instant the engine's cache does not say which came first.
    fills = [executed.pop(trade) for trade in books["trade_id"].to_pylist()]
    assert not executed
    marks = pq.read_table(recorded["log"] / "marks.parquet", columns=["ts_ns", "bid", "ask"])
    mids = 0.5 * (marks["bid"].to_numpy() + marks["ask"].to_numpy())
    known = np.isfinite(mids)
    mark_ns, mids = np.append(marks["ts_ns"].to_numpy()[known], span[1]), np.append(mids[known], mids[known][-1])
    assert len(fills) > 100
    events = [event[:4] for event in recorded["events"]]
    marked = (mark_ns, mids)
    found, errors, lines = metrics(fills, events, recorded["balances"], marked, seen, span, "USDT", "SOL")
    told = recorded["result"]["performance"]["instruments"][NAME]["metrics"]
    # The engine never hears what size an amend wanted that found its order filled.
    near = dict.fromkeys(found, 1e-7) | {"fill_rate": 1e-4}
    ours = {key: float(told[key]["value"]) for key in found}
    apart = {key: (ours[key], value) for key, value in found.items() if abs(ours[key] - value) > near[key] * abs(value)}
    assert not apart
    for key, error in errors.items():
        assert told[key]["stderr"] == pytest.approx(error, rel=1e-7), key
    account = recorded["result"]["statement"]["USDT"]["account"]["lines"]
    for line, amount in lines.items():
        assert float(account[line]) == pytest.approx(amount, abs=1e-6), line
