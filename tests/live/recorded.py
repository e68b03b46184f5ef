"""The messages of a short backtest, as a live run would have said them."""

from __future__ import annotations

from copy import replace
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from board_kit import TAKES
from simulated_kit import TWO_LEVELS, simulated

from mm_nautilus.analytics.facts import InstrumentFacts
from mm_nautilus.analytics.runlog import RunLog
from mm_nautilus.backtest import run_backtest
from mm_nautilus.inventory.contract import Contract

CONFIGS = Path(__file__).resolve().parents[2] / "configs"
RISK = {
    "report_interval_s": 10,
    "drawdown": {"widen": 1000, "halt": 5000},
    "value_at_risk": {"widen": 1000, "min_samples": 5},
}

SOL = InstrumentFacts("SOLUSDT.SIM", "SIM", Decimal("0.01"), Decimal("0.001"), Contract("USDT", "SOL"), Decimal(10))


@dataclass(frozen=True, repr=False)
class Recorded:
    messages: list[Any]
    result: dict[str, Any]


THREE_VENUES = tuple(
    replace(SOL, instrument_id=name, venue=name.rpartition(".")[2], position_limit=Decimal(20))
    for name in ("SOLUSDT.SIMA", "SOLUSDT.SIMB", "SOLUSDT-PERP.SIMC")
)


def recorded(home: Path) -> Recorded:
    """Run a market maker for a short while and return what was said."""
    return said(simulated(home, "recorded", 150, strategy={"ladder": TWO_LEVELS}, risk=RISK), home)


def recorded_on_three_venues(home: Path) -> Recorded:
    """Run a market maker that quotes on three venues and hedges, and return what was said."""
    path = home / "three_venues.toml"
    path.write_text((CONFIGS / "three_venues.toml").read_text())
    return said(path, home, 'data.catalog="catalogs"', "data.simulation.duration_s=120")


def said(path: Path, home: Path, *overrides: str) -> Recorded:
    """Run a backtest and return what was said in it, in order of time, and what it came to."""
    outcome = run_backtest(path, overrides, output=home / "runs")
    log = RunLog.open(outcome.run_dir)
    messages = [message for kind in TAKES for message in log.messages(kind)]
    messages.sort(key=lambda message: message.ts_ns)
    return Recorded(messages, outcome.result)
