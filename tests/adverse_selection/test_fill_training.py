"""What a classifier learns on a market whose informed flow is known, and what it must not learn from noise."""

from copy import replace

import numpy as np
import pytest
from simulated_fills import market, simulated_fills

from mm_nautilus.adverse_selection.classifier.contenders import BASE_RATE, LOGISTIC
from mm_nautilus.adverse_selection.classifier.labels import LabelSettings
from mm_nautilus.adverse_selection.classifier.training import TrainingSettings, train
from mm_nautilus.catalog.simulator.params import Asset, Episode
from mm_nautilus.errors import DataError

DURATION_S, SPELL_S = 4800.0, 60.0
SETTINGS = TrainingSettings(folds=3, seed=1)

pytestmark = pytest.mark.e2e


def spells():
    """Return a market of minutes: in every other one sixty of a hundred takers are informed, thirty overall.

    The informed trade while prices move fast. In the quiet minutes between, takers flock to one side without knowing
    anything: the same flow means one thing here and another there, which no weighted sum of features can say.
    """
    episodes = []
    for number, start in enumerate(np.arange(0.0, DURATION_S, SPELL_S).tolist()):
        if number % 2:
            episodes.append(Episode(start_s=start, duration_s=SPELL_S, informed_share=0.6, volatility_multiplier=2.0))
        else:
            up, down = (2.0, 0.2) if number % 4 else (0.2, 2.0)
            episodes.append(Episode(start_s=start, duration_s=SPELL_S, bid_hit_multiplier=up, ask_hit_multiplier=down))
    return market([f"duration_s={DURATION_S}"], assets=(Asset(episodes=tuple(episodes)),))


@pytest.fixture(scope="module")
def informed(tmp_path_factory):
    data = simulated_fills(tmp_path_factory.mktemp("informed"), spells())
    return data, train(data, SETTINGS)


def score(trained, name):
    return next(score for score in trained.scores if score.name == name)


def test_the_forest_sees_what_the_logistic_model_cannot(informed) -> None:
    data, trained = informed
    assert 0.3 < data.base_rate < 0.4
    assert trained.best == "random forest"
    forest, logistic = score(trained, "random forest"), score(trained, LOGISTIC)
    assert forest.auc.low > 0.55
    assert forest.auc_over_logistic.low > 0.0
    assert forest.brier < logistic.brier < score(trained, BASE_RATE).brier + 0.002
    assert forest.brier_skill > 0.0
    assert trained.importance[0].feature == "volatility_ratio"
    assert {one.feature for one in trained.importance[:6]} & {"trade_flow_2s_against", "trade_imbalance_against"}


def test_predictions_mean_what_they_say(informed) -> None:
    _, trained = informed
    for one in score(trained, "random forest").reliability:
        # Four standard errors of a part, and what a market of an hour leaves open.
        assert abs(one.predicted - one.observed) < 4.0 * np.sqrt(0.25 / one.fills) + 0.05
    low, *_, high = trained.fifths
    assert low.adverse < high.adverse
    assert low.markout_bps > 0.0 > high.markout_bps
    for bands in (trained.bands, trained.fifths):
        assert sum(band.fills for band in bands) == trained.tested
    assert [band.name for band in trained.bands] == ["up to 0.3", "0.3 to 0.7", "above 0.7"]


def test_models_are_tested_on_what_comes_after_and_calibrated_before(informed) -> None:
    data, trained = informed
    assert trained.tested == sum(len(fold.test) for fold in trained.folds[1:])
    assert trained.calibrator.samples == sum(len(fold.test) for fold in trained.folds)
    for fold in trained.folds:
        assert data.known_ns[fold.train].max() + data.label.horizon_ns < data.ts_ns[fold.test].min()


def test_shuffled_labels_teach_nothing(informed) -> None:
    data, _ = informed
    order = np.random.default_rng(3).permutation(len(data.adverse))
    shuffled = train(replace(data, adverse=data.adverse[order]), SETTINGS)
    for name in ("random forest", "gradient boosting", LOGISTIC):
        found = score(shuffled, name)
        # Shuffled labels are independent: the standard error of an AUC is that of Hanley and McNeil at one half.
        positives = shuffled.base_rate * shuffled.tested
        error = np.sqrt((shuffled.tested + 1) / (12.0 * positives * (shuffled.tested - positives)))
        assert abs(found.auc.value - 0.5) < 3.5 * error
        assert found.brier_skill < 0.005


def test_the_same_seed_gives_the_same_training(informed) -> None:
    data, _ = informed
    part = replace(
        data,
        ts_ns=data.ts_ns[:800],
        features=data.features[:800],
        adverse=data.adverse[:800],
        markout_bps=data.markout_bps[:800],
    )
    one, other = train(part, SETTINGS), train(part, SETTINGS)
    assert (one.scores, one.importance, one.calibrator) == (other.scores, other.importance, other.calibrator)
    assert train(part, TrainingSettings(folds=3, seed=2)).scores != one.scores


def test_a_stretch_with_too_little_to_learn_from_is_named(informed) -> None:
    data, _ = informed
    with pytest.raises(
        DataError, match=r"before fold 1 of 3 there are \d+ adverse fills and \d+ others .* at least 30"
    ):
        train(replace(data, label=LabelSettings(horizon_s=1200.0)), SETTINGS)


def test_one_instant_cannot_be_walked_through(informed) -> None:
    data, _ = informed
    with pytest.raises(DataError, match="at least 4 are needed"):
        train(replace(data, ts_ns=np.zeros_like(data.ts_ns)), SETTINGS)
