"""Ten markets with nobody, one in ten and three in ten informed: what is measured, and how often wrongly."""

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from mm_nautilus.adverse_selection.evidence import TESTS, critical_t
from mm_nautilus.analytics.runlog import RunLog
from mm_nautilus.backtest.run import run_backtest

ROOT = Path(__file__).resolve().parents[2]
SHARES = (0.0, 0.1, 0.3)
SEEDS = 10
LEVEL = 0.05

pytestmark = pytest.mark.long


@dataclass(frozen=True)
class Market:
    """One run: adverse selection by horizon, and the share of assessments in which each test spoke, by side."""

    adverse_selection: dict[float, float]
    speaks: dict[str, list[float]]
    toxic: list[float]


def play(folder: Path, share: float, seed: int) -> Market:
    text = (ROOT / "configs" / "quickstart.toml").read_text().replace("../catalogs/simulated", str(folder / "catalogs"))
    path = folder / f"{share}_{seed}.toml"
    path.write_text(text.partition("[adverse_selection]")[0] + "\n[adverse_selection]\nreport_interval_s = 1.0\n")
    outcome = run_backtest(
        path,
        ["data.simulation.duration_s=1200", f"data.simulation.seed={seed}",
         f'data.simulation.set=["venues.*.informed.share={share}"]'],
        output=folder / "runs",
    )  # fmt: skip
    report = outcome.result["instruments"]["SOLUSDT.SIM"]["markouts"]
    assessed = RunLog.open(outcome.run_dir).table("assessments")
    sides = ("bid", "ask")
    return Market(
        {one["horizon_s"]: one["adverse_selection"] for one in report["all"]},
        {name: [above(assessed[f"{side}_{name}t"].to_numpy()) for side in sides]
         for name in ("", *(f"{test}_" for test in TESTS))},
        [float(np.mean(assessed[f"{side}_toxic"].to_numpy())) for side in sides],
    )  # fmt: skip


def above(ts: np.ndarray) -> float:
    return float(np.mean(np.nan_to_num(ts, nan=-np.inf) > critical_t(LEVEL)))


@pytest.fixture(scope="module")
def markets(tmp_path_factory: pytest.TempPathFactory) -> dict[float, list[Market]]:
    folder = tmp_path_factory.mktemp("informed")
    return {share: [play(folder, share, seed) for seed in range(SEEDS)] for share in SHARES}


def mean_and_error(values: list[float]) -> tuple[float, float]:
    return float(np.mean(values)), float(np.std(values, ddof=1) / math.sqrt(len(values)))


@pytest.mark.parametrize("horizon_s", [1.0, 5.0, 30.0])
def test_without_informed_flow_there_is_no_adverse_selection(markets, horizon_s: float) -> None:
    """Neither latency nor queue makes any by itself: a requote that comes late is run over without knowledge."""
    mean, error = mean_and_error([one.adverse_selection[horizon_s] for one in markets[0.0]])
    assert abs(mean) < 3.25 * error, "Student's t with 9 degrees of freedom, 1 %"


@pytest.mark.parametrize(("fewer", "more"), [(0.0, 0.1), (0.1, 0.3)])
@pytest.mark.parametrize("horizon_s", [5.0, 30.0])
def test_measured_adverse_selection_grows_with_the_informed_share(markets, fewer, more, horizon_s) -> None:
    """The same prices with more informed takers: paired by market."""
    pairs = zip(markets[fewer], markets[more], strict=True)
    mean, error = mean_and_error([b.adverse_selection[horizon_s] - a.adverse_selection[horizon_s] for a, b in pairs])
    assert mean > 1.83 * error, "Student's t with 9 degrees of freedom, 5 %, one-sided"


@pytest.mark.parametrize("name", ["", *(f"{test}_" for test in TESTS)])
def test_false_alarms_stay_within_the_stated_level(markets, name: str) -> None:
    """The share of instants at which a test speaks; a run's instants are dependent, runs and sides are not."""
    mean, error = mean_and_error([share for one in markets[0.0] for share in one.speaks[name]])
    assert mean <= LEVEL + 2.54 * error, "Student's t with 19 degrees of freedom, 1 %, one-sided"


def test_a_side_is_called_toxic_within_the_level_and_more_often_when_it_is(markets) -> None:
    calm, error = mean_and_error([share for one in markets[0.0] for share in one.toxic])
    assert calm <= LEVEL + 2.54 * error
    informed, _ = mean_and_error([share for one in markets[0.3] for share in one.toxic])
    assert informed > 2.0 * max(calm, LEVEL)
