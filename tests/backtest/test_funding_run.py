"""Funding rates in the catalogue: what positions would have paid is said beside the result, and is in no line of it."""

from __future__ import annotations

import shutil
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import tomli_w
from nautilus_trader.common import Cache, Clock
from nautilus_trader.model import FundingRateUpdate, InstrumentId, NautilusDataType
from nautilus_trader.persistence import ParquetDataCatalog, StreamingFeatherWriter

from mm_nautilus.analytics.runlog import RunLog
from mm_nautilus.analytics.schema import TABLES
from mm_nautilus.backtest.rebuild import rebuilt
from mm_nautilus.backtest.run import Outcome, run_backtest
from mm_nautilus.catalog.simulator import SimulationParams, simulate
from mm_nautilus.catalog.simulator.params import Asset, Hits, Venue
from mm_nautilus.live import run as live_run
from mm_nautilus.live.run import Replay, run_live

PERPETUAL = "SOLUSDT-PERP.SIM"
SECOND = 1_000_000_000
IDS = {"client_order_id", "venue_order_id", "trade_id"}


def updates(first_ns: int) -> list[FundingRateUpdate]:
    """Return a rate every ten seconds, due half a minute after the first that states it, and one that is not dated."""
    found = []
    for second in range(0, 120, 10):
        at_ns = first_ns + second * SECOND
        due_ns = None if second == 50 else first_ns + (second // 30 + 1) * 30 * SECOND
        rate = Decimal("0.0001") * (second // 10 + 1)
        found.append(FundingRateUpdate(InstrumentId.from_str(PERPETUAL), rate, at_ns, at_ns, 480, due_ns))
    return found


def add_funding_rates(catalog: Path, rates: list[FundingRateUpdate]) -> None:
    """Write funding rates into a catalogue, the way the engine has for them."""
    writer = StreamingFeatherWriter(str(catalog / "backtest" / "rates"), Cache(), Clock.new_test())
    for rate in rates:
        writer.write(rate)
    writer.flush()
    writer.close()
    ParquetDataCatalog(str(catalog)).convert_stream_to_data("rates", NautilusDataType.FundingRateUpdate)
    shutil.rmtree(catalog / "backtest")


@pytest.fixture(scope="module")
def run_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder, wide = tmp_path_factory.mktemp("funding"), Hits(k_per_price=20.0)
    market = SimulationParams(
        duration_s=120, seed=4, assets=(Asset(name="SOL"),), venues=(Venue(kind="perpetual", bid=wide, ask=wide),)
    )
    simulate(market, folder / "without")
    shutil.copytree(folder / "without", folder / "with")
    tables: dict[str, Any] = {
        "run": {"name": "funding", "output": str(folder / "runs")},
        "data": {"catalog": "with"},
        "venues": [
            {
                "name": "SIM",
                "account": "MARGIN",
                "starting_balances": ["100000 USDT"],
                "fees": {"maker_rate": "0.0001", "taker_rate": "0.0005"},
                "latency": {"base_ms": 5},
            }
        ],
        "strategy": {
            "path": "mm_nautilus.strategies:MarketMaker",
            "instrument_id": PERPETUAL,
            "model": "glft",
            "gamma": 0.05,
            "order_size": 1.0,
            "intensity": {"a_per_s": 1.0, "k_per_price": 20.0},
            "volatility": {"warm_up_samples": 5},
            "limits": {"max_position": 20},
        },
    }
    path = folder / "funding.toml"
    path.write_text(tomli_w.dumps(tables))
    return path


@pytest.fixture(scope="module")
def without(run_file: Path) -> Outcome:
    return run_backtest(run_file, ['data.catalog="without"'])


@pytest.fixture(scope="module")
def outcome(run_file: Path, without: Outcome) -> Outcome:
    first_ns = RunLog.open(without.run_dir).table("marks", ["ts_ns"])["ts_ns"][0].as_py()
    add_funding_rates(run_file.parent / "with", updates(first_ns // SECOND * SECOND))
    return run_backtest(run_file)


def caveats(result: dict[str, Any]) -> dict[str, str]:
    return {one["code"]: one["message"] for one in result["realism"]["caveats"] if one["code"].startswith("FUNDING")}


@pytest.mark.e2e
def test_what_would_have_been_paid_is_said_and_booked_nowhere(outcome: Outcome, without: Outcome) -> None:
    funding = outcome.result["funding"][PERPETUAL]
    log = RunLog.open(outcome.run_dir)
    fills, marks = log.table("fills").to_pylist(), log.table("marks").to_pylist()
    rates = updates(marks[0]["ts_ns"] // SECOND * SECOND)
    expected = []
    for due_ns in sorted({one.next_funding_ns for one in rates if one.next_funding_ns}):
        held = sum(
            ((1 if one["side"] == "BUY" else -1) * one["size"] for one in fills if one["ts_ns"] <= due_ns), Decimal(0)
        )
        seen = [one for one in marks if one["ts_ns"] <= due_ns and one["bid"] and one["ask"]][-1]
        mid = (Decimal(str(seen["bid"])) + Decimal(str(seen["ask"]))) / 2
        rate = [one.rate for one in rates if one.next_funding_ns == due_ns][-1]
        if held and due_ns <= marks[-1]["ts_ns"]:
            expected.append((due_ns, -held * mid * rate))
    assert len(expected) >= 2
    assert [(one["ts_ns"], Decimal(one["amount"])) for one in funding["payments"]] == expected
    assert Decimal(funding["total"]) == sum(amount for _, amount in expected)
    assert (funding["currency"], funding["rates"], funding["undated"]) == ("USDT", 12, 1)
    said = caveats(outcome.result)
    assert said.keys() == {"FUNDING_APART"}
    assert str(abs(Decimal(funding["total"])).normalize()) in said["FUNDING_APART"]
    assert said["FUNDING_APART"].endswith("; 1 of 12 rates do not say when.")
    for part in ("total", "instruments", "attribution", "statement"):
        assert outcome.result[part] == without.result[part], part
    assert outcome.result["provenance"] != without.result["provenance"], "the data are others"


@pytest.mark.e2e
def test_a_perpetual_without_rates_says_that_something_is_missing(without: Outcome) -> None:
    assert "funding" not in without.result
    assert caveats(without.result).keys() == {"FUNDING_UNKNOWN"}


@pytest.mark.e2e
def test_a_killed_run_says_it_as_well(outcome: Outcome) -> None:
    killed = outcome.run_dir.with_name("killed")
    shutil.copytree(outcome.run_dir, killed)
    (killed / "result.json").unlink()
    assert rebuilt(killed).result["funding"] == outcome.result["funding"]


@pytest.mark.e2e
def test_a_replay_says_the_same_and_a_node_that_hears_the_rates_settles_nothing(
    outcome: Outcome, run_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run whose balance moved by more than its fills say would not add up."""
    events = live_run.market_events

    def with_rates(*args: Any) -> Any:
        waiting = updates(RunLog.open(outcome.run_dir).table("marks")["ts_ns"][0].as_py() // SECOND * SECOND)
        for record in events(*args):
            while waiting and waiting[0].ts_init <= record.ts_init:
                yield waiting.pop(0)
            yield record

    monkeypatch.setattr(live_run, "market_events", with_rates)
    replayed = run_live(run_file, (), Replay(speed=None), output=run_file.parent / "replays")
    assert replayed.result["funding"] == outcome.result["funding"]
    assert caveats(replayed.result) == caveats(outcome.result)
    assert replayed.result["total"] == outcome.result["total"]
    for name in TABLES:
        there, here = (RunLog.open(run_dir).table(name) for run_dir in (outcome.run_dir, replayed.run_dir))
        left_out = list(IDS & set(there.column_names))
        assert here.drop_columns(left_out).equals(there.drop_columns(left_out)), name
