"""Ten markets with three in ten takers informed, and ten with none: what following the rules or a model is worth."""

import os
from pathlib import Path

import pytest

from mm_nautilus.experiment import Experiment, adverse_selection

pytestmark = [pytest.mark.e2e, pytest.mark.long]

ROOT = Path(__file__).resolve().parents[2]
ANSWERS = pytest.mark.parametrize("response", ["rules", "trained"])


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    found = tmp_path_factory.mktemp("loop")
    text = (
        (ROOT / "configs" / "informed_flow.toml").read_text().replace("../catalogs/simulated", str(found / "catalog"))
    )
    (found / "run.toml").write_text(text)
    return found


def played(folder: Path, share: float) -> Experiment:
    market = [f"venues.*.informed.share={share}", "assets.*.sigma_price_per_sqrt_s=0.02"]
    changes = ["data.simulation.duration_s=900", f"data.simulation.set={market}"]
    return adverse_selection(
        folder / "run.toml", changes, seeds=10, output=folder / f"share-{share}", jobs=min(4, os.cpu_count() or 1)
    )


@pytest.fixture(scope="module")
def informed(folder: Path) -> Experiment:
    return played(folder, 0.3)


@pytest.fixture(scope="module")
def uninformed(folder: Path) -> Experiment:
    return played(folder, 0.0)


@ANSWERS
def test_answering_informed_flow_earns_more_net_of_lost_fills(informed, response) -> None:
    found = informed.effects.by_response[response]
    assert found["realised_net"].low > 0.0
    assert found["adverse_cost"].high < 0.0
    assert found["realised_spread"].low > 0.0, "by better fills, and not only by fewer"
    assert found["fill_rate"].high < 0.0, "fills are lost, and were counted as such"


@ANSWERS
def test_where_nobody_is_informed_it_costs_less_than_a_twentieth_of_the_money(uninformed, response) -> None:
    for figure in ("pnl", "realised_net"):
        before = uninformed.effects.by_response["off"][figure].value
        assert before > 0.0
        assert uninformed.effects.by_response[response][figure].change > -0.05 * before


def test_what_is_learnt_is_learnt_elsewhere(informed) -> None:
    assert "seed 1 to 10; trained on: the market of seed 1001" in informed.result["data"]
    assert 0.0 < informed.result["training"]["high_risk"] < 1.0


def test_no_threshold_is_found_where_there_is_nothing_to_avoid(uninformed) -> None:
    assert uninformed.result["training"]["high_risk"] == 1.0
