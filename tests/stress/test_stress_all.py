"""All five scenarios, ten seeds each, on the run file that is shipped: what a strategy is judged by in CI."""

from pathlib import Path

import pytest

from mm_nautilus.catalog.simulator import STRESS_SCENARIOS
from mm_nautilus.market import RiskStage
from mm_nautilus.stress import StressOutcome, stress

ROOT = Path(__file__).resolve().parents[2]
SEEDS = 10

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> StressOutcome:
    folder = tmp_path_factory.mktemp("all")
    return stress(ROOT / "configs" / "stress.toml", [f"data.catalog={folder / 'catalogs'}"], seeds=SEEDS, output=folder)


def test_every_run_keeps_every_bound(outcome: StressOutcome) -> None:
    assert [(one.folder, reason) for one in outcome.judged for reason in one.reasons] == []
    assert [(one.scenario, one.seed) for one in outcome.judged] == [
        (name, seed) for name in STRESS_SCENARIOS for seed in range(1, SEEDS + 1)
    ]


def test_the_worst_case_is_within_the_limit_at_every_instant(outcome: StressOutcome) -> None:
    exposures = [exposure for one in outcome.judged for exposure in one.score.exposures]
    assert sum(one.instants for one in exposures) > 100_000
    assert sum(one.instants_beyond for one in exposures) == 0
    assert sum(one.marks_differing for one in exposures) == 0
    assert all(one.largest <= one.limit for one in exposures)
    assert max(one.share for one in exposures) > 0.9, "a limit that is never approached is not tested"


def test_a_loss_beyond_the_bound_is_flattened_within_one_evaluation(outcome: StressOutcome) -> None:
    crashes = [one.score for one in outcome.judged if one.scenario == "flash_crash"]
    crossed = [crossing.reaction_s for one in outcome.judged for crossing in one.score.crossings]
    assert all(reaction is not None and reaction <= 1.0 for reaction in crossed)
    assert sum(bool(one.crossings) for one in crashes) >= SEEDS // 2, "the crash costs more than the bound"
    assert all(RiskStage[one.stage] >= RiskStage.FLATTEN for one in crashes if one.crossings)


def test_every_hedge_is_done_or_alarmed_in_time(outcome: StressOutcome) -> None:
    hedges = [one.score.hedges for one in outcome.judged]
    assert sum(one.needed for one in hedges) > 50
    assert sum(one.unfinished for one in hedges) <= 1
    assert all(one.longest_s is None or one.longest_s <= 30.0 for one in hedges)
