"""Every run file in configs, cut short: its money adds up, however it is broken down, and is the account's change."""

import os
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from money import adds_up

from mm_nautilus.backtest import run_backtest
from mm_nautilus.backtest.data import prepared_catalog
from mm_nautilus.host.loading import load_run

ROOT = Path(__file__).resolve().parents[2]
CATALOGS = Path(os.environ.get("MM_NAUTILUS_CATALOGS", ROOT / "catalogs"))
SIMULATED_S = {"arbitrage": 200, "portfolio_20": 45}
REAL_S = {"gemini_ethusd": 1800, "cme_es": 86_400, "fx_two_brokers": 43_200}  # until something is filled
RUN_FILES = sorted(path.stem for path in (ROOT / "configs").glob("*.toml"))


def overrides_of(name: str, tmp_path: Path) -> list[str]:
    """Return what makes a run file short: a market of its own, or the beginning of the data that are here."""
    path = ROOT / "configs" / f"{name}.toml"
    section = load_run(path).run_file.data
    if section.simulation is not None:
        return [f"data.catalog={tmp_path / 'catalogs'}", f"data.simulation.duration_s={SIMULATED_S.get(name, 120)}"]
    catalog = CATALOGS / section.catalog.name
    if not catalog.is_dir():
        pytest.skip(f"the data of {name} are not here: {catalog} does not exist")
    where = f"data.catalog={catalog}"
    _, shape = prepared_catalog(load_run(path, [where]))
    end = datetime.fromtimestamp(shape.first_ns / 1e9 + REAL_S.get(name, 120), UTC)
    return [where, f"data.end={end:%Y-%m-%dT%H:%M:%SZ}"]


@pytest.mark.e2e
@pytest.mark.parametrize("name", RUN_FILES)
def test_a_run_file_adds_up(name: str, tmp_path: Path) -> None:
    changes = overrides_of(name, tmp_path)
    outcome = run_backtest(ROOT / "configs" / f"{name}.toml", changes, output=tmp_path / "runs")
    assert sum(one["fills"]["count"] for one in outcome.result["instruments"].values()), "nothing to add up"
    adds_up(outcome.result)
    assert outcome.result["scorecard"]["scores"]
    the_balances_explain_it(outcome.result)


def the_balances_explain_it(result: dict[str, Any]) -> None:
    """Assert the total from balances alone: what the quote currency moved by, and what is held at the last mark."""
    instruments = result["instruments"].values()
    quoted = {one["quote_currency"] for one in instruments}
    if len(quoted) > 1 or any(one["inverse"] or one["fills"]["count"] == 0 for one in instruments):
        return
    (currency,) = quoted
    made, open_pnl = Decimal(0), Decimal(0)
    for money, total in result["total"].items():
        for balance in total["balances"]:
            made += (Decimal(balance["final"]) - Decimal(balance["starting"])) * (1 if money == currency else 0)
    for one in instruments:
        price = Decimal(one["money"]["final_mark"])
        held = Decimal(one["inventory"]["final"])
        cash = cash_account(result, one["venue"], one["base_currency"])
        open_pnl += held * price if cash else Decimal(one["money"]["unrealised"])
    assert made + open_pnl == Decimal(result["statement"][currency]["account"]["total"])


def cash_account(result: dict[str, Any], venue: str, base: str | None) -> bool:
    """Return whether the venue keeps the base currency itself, as cash accounts do."""
    section = next(
        one for one in load_run(Path(result["run"]["folder"]) / "run.toml").run_file.venues if one.name == venue
    )
    return section.account == "CASH" and base is not None
