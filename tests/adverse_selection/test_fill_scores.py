"""Scores against scikit-learn's, and calibrations that mean what they say."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, brier_score_loss, roc_auc_score

from mm_nautilus.adverse_selection.classifier import scores
from mm_nautilus.adverse_selection.classifier.calibrator import Calibrator, fit_calibrator

S = 1_000_000_000


def predictions(seed, count=300, levels=20):
    """Return predictions with ties, and outcomes that depend on them."""
    rng = np.random.default_rng(seed)
    predicted = rng.integers(0, levels + 1, count) / levels
    adverse = rng.random(count) < predicted
    adverse[:2] = (False, True)
    return predicted, adverse


@given(st.integers(0, 10_000), st.sampled_from([1, 3, 1000]))
def test_scores_are_those_of_scikit_learn(seed, levels) -> None:
    predicted, adverse = predictions(seed, levels=levels)
    weight = np.random.default_rng(seed).integers(0, 3, len(adverse)).astype(float) + 0.5
    assert scores.auc(predicted, adverse) == pytest.approx(roc_auc_score(adverse, predicted))
    assert scores.auc(predicted, adverse, weight) == pytest.approx(
        roc_auc_score(adverse, predicted, sample_weight=weight)
    )
    assert scores.brier(predicted, adverse) == pytest.approx(brier_score_loss(adverse, predicted))
    curve = scores.precision_recall(predicted, adverse)
    assert curve.average == pytest.approx(average_precision_score(adverse, predicted))
    assert curve.recall[-1] == 1.0


def test_one_class_has_no_area() -> None:
    assert math.isnan(scores.auc(np.array([0.1, 0.2]), np.array([True, True])))


def test_an_interval_covers_one_half_where_nothing_is_known() -> None:
    covered = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        ts = np.sort(rng.integers(0, 1000 * S, 400))
        predicted, adverse = rng.random(400), rng.random(400) < 0.4
        blocks = scores.Blocks(ts, 20 * S, seed)
        found = scores.estimate(
            scores.auc(predicted, adverse), scores.auc_draws(predicted, adverse, blocks.weights()[:200])
        )
        covered += found.low <= 0.5 <= found.high
    # Of sixty 95 % intervals fewer than 51 cover one time in a thousand.
    assert covered >= 51


def test_dependence_within_blocks_widens_the_interval() -> None:
    rng = np.random.default_rng(1)
    shared = np.repeat(rng.random(50), 20)
    adverse = np.repeat(rng.random(50) < 0.4, 20)
    ts = np.arange(1000) * S
    widths = []
    for block_s in (1, 20):
        draws = scores.auc_draws(shared, adverse, scores.Blocks(ts, block_s * S, 0).weights())
        found = scores.estimate(0.5, draws)
        widths.append(found.high - found.low)
    assert widths[1] > 3.0 * widths[0]


def test_too_few_blocks_give_no_interval() -> None:
    blocks = scores.Blocks(np.arange(9) * S, S, 0)
    assert blocks.weights() == []
    assert scores.estimate(0.6, scores.auc_draws(np.arange(9.0), np.arange(9) > 4, [])) == scores.Estimate(
        0.6, None, None
    )


def test_reliability_counts_every_fill_once() -> None:
    predicted, adverse = predictions(3, count=1000)
    bins = scores.reliability(predicted, adverse)
    assert sum(one.fills for one in bins) == 1000
    assert [one.predicted for one in bins] == sorted(one.predicted for one in bins)
    assert all(one.low <= one.observed <= one.high for one in bins)
    assert sum(one.fills * one.observed for one in bins) == pytest.approx(adverse.sum())
    (only,) = scores.reliability(np.full(9, 0.5), np.arange(9) < 3)
    assert (only.fills, only.observed) == (9, pytest.approx(1 / 3))


def test_wilson_by_hand() -> None:
    assert scores.wilson(10, 100) == pytest.approx((0.0552, 0.1744), abs=1e-4)
    assert scores.wilson(0, 10)[0] == 0.0
    assert scores.wilson(10, 10)[1] == 1.0


@pytest.mark.parametrize(("count", "kind"), [(999, "sigmoid"), (20_000, "isotonic")])
def test_a_calibration_undoes_a_distortion(count, kind) -> None:
    rng = np.random.default_rng(0)
    truth = rng.random(count) * 0.8 + 0.1
    logit = np.log(truth / (1.0 - truth))
    distorted = 1.0 / (1.0 + np.exp(-(3.0 * logit - 1.0)))  # far too sure of itself
    calibrator = fit_calibrator(distorted, rng.random(count) < truth)
    assert (calibrator.kind, calibrator.samples) == (kind, count)
    assert np.abs(calibrator.many(distorted) - truth).mean() < 0.03
    assert np.abs(distorted - truth).mean() > 0.1


@given(st.integers(0, 10_000), st.sampled_from([50, 1200]))
@settings(max_examples=20)
def test_a_calibration_is_monotone_and_says_the_same_one_by_one(seed, count) -> None:
    predicted, adverse = predictions(seed, count)
    calibrator = fit_calibrator(predicted, adverse)
    grid = np.linspace(0.0, 1.0, 101)
    many = calibrator.many(grid)
    assert (np.diff(many) >= -1e-12).all()
    assert ((many >= 0.0) & (many <= 1.0)).all()
    assert [calibrator.one(score) for score in grid.tolist()] == pytest.approx(many.tolist(), abs=1e-12)
    assert Calibrator.model_validate_json(calibrator.model_dump_json()) == calibrator


def test_a_score_that_ranks_backwards_is_not_turned_over() -> None:
    predicted, adverse = predictions(5)
    calibrator = fit_calibrator(1.0 - predicted, adverse)
    assert calibrator.slope == 0.0
    assert calibrator.one(0.9) == pytest.approx(adverse.mean(), abs=0.01)


def test_one_class_only_is_not_certainty() -> None:
    assert fit_calibrator(np.array([0.2, 0.9]), np.array([True, True])).one(0.5) == pytest.approx(0.75)


@pytest.mark.parametrize(
    "fields",
    [
        {"kind": "isotonic"},
        {"kind": "isotonic", "scores": (0.1, 0.2), "probabilities": (0.1,)},
        {"kind": "isotonic", "scores": (0.2, 0.1), "probabilities": (0.1, 0.2)},
        {"kind": "isotonic", "scores": (0.1, 0.2), "probabilities": (0.1, 1.2)},
        {"kind": "sigmoid", "slope": -1.0},
    ],
)
def test_a_calibration_that_makes_no_sense_is_refused(fields) -> None:
    with pytest.raises(ValueError, match="1 validation error"):
        Calibrator(samples=1, **fields)
