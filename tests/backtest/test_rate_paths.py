"""Rates that the run file takes from an instrument, read from the catalogue once a second."""

from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from mm_nautilus.analytics.facts import InstrumentFacts, RunFacts
from mm_nautilus.backtest.data import prepared_catalog
from mm_nautilus.backtest.relations import rate_paths, stated_rates
from mm_nautilus.host.loading import load_run
from mm_nautilus.inventory.contract import Contract

ROOT = Path(__file__).resolve().parents[2]
NAME = "SOLUSDT.SIM"


def asking_for(**rates):
    return SimpleNamespace(strategy_config=SimpleNamespace(settings=SimpleNamespace(rates=rates)))


def test_a_rate_is_the_mid_of_its_instrument_or_one_over_it(tmp_path):
    overrides = [f"data.catalog={tmp_path}", "data.simulation.duration_s=60"]
    root, shape = prepared_catalog(load_run(ROOT / "configs" / "quickstart.toml", overrides))
    facts = InstrumentFacts(NAME, "SIM", Decimal("0.01"), Decimal("0.001"), Contract("USDT", "SOL"), None)
    run = RunFacts(shape.first_ns, shape.last_ns, (facts,), ())
    sol = rate_paths(asking_for(SOL=NAME, USD=Decimal(1)), root, shape, run)
    assert set(sol) == {"SOL"}, "a number is no path"
    path = sol["SOL"]
    assert 30 <= len(path.ts_ns) <= 61, "once a second, while it changes"
    assert (np.diff(path.ts_ns // 10**9) > 0).all()
    assert path.ts_ns[-1] <= shape.last_ns
    assert 90 < path.rate.min() <= path.rate.max() < 110
    other = rate_paths(asking_for(USDT=NAME), root, shape, run)["USDT"]
    assert other.rate * path.rate == pytest.approx(1)
    early = rate_paths(
        asking_for(SOL=NAME), root, shape, RunFacts(shape.first_ns, shape.first_ns + 30 * 10**9, (facts,), ())
    )
    assert early["SOL"].ts_ns[-1] <= shape.first_ns + 30 * 10**9
    assert (path.at(np.array([0, path.ts_ns[3], 2**62])) == path.rate[[0, 3, -1]]).all()


def test_stated_rates_are_numbers_of_any_kind():
    assert stated_rates(asking_for(USD=Decimal("1.01"), EUR=1.1, GBP="GBPUSD.FX")) == {
        "USD": Decimal("1.01"),
        "EUR": Decimal("1.1"),
    }
