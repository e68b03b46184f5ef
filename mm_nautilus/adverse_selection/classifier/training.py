"""Train on the past, test on what came after, calibrate, compare; then train the best on everything.

Assumes that the market after the data is like the market in them, and that fills come as they would have come anyway:
a strategy that acts on the model is filled on other occasions than the one that was recorded.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from pydantic import Field

from mm_nautilus.adverse_selection.classifier import scores
from mm_nautilus.adverse_selection.classifier.calibrator import Calibrator, fit_calibrator
from mm_nautilus.adverse_selection.classifier.contenders import BASE_RATE, CONTENDERS, LOGISTIC
from mm_nautilus.adverse_selection.classifier.labels import FEWEST_OF_A_CLASS, Dataset
from mm_nautilus.adverse_selection.classifier.splits import Fold, Indices, known_before, walk_forward
from mm_nautilus.errors import DataError
from mm_nautilus.estimators.columns import Floats
from mm_nautilus.settings import Settings

_PERMUTATIONS: Final = 5


class TrainingSettings(Settings):
    """How models are trained and tested."""

    seed: int = Field(default=0, ge=0, description="Seed of the models, the bootstrap and the permutations.")
    folds: int = Field(default=5, ge=3, le=20, description="Stretches of time that are tested on.")
    embargo_s: float | None = Field(
        default=None, ge=0, description="Distance between the last known label and the test; the horizon by default."
    )
    block_s: float | None = Field(
        default=None, gt=0, description="Bootstrap block in seconds; ten horizons, at most a fiftieth of the time."
    )


@dataclass(frozen=True, slots=True)
class Score:
    """What one model's held-out, calibrated predictions are worth."""

    name: str
    auc: scores.Estimate
    auc_over_logistic: scores.Estimate | None
    """Paired difference to the logistic baseline."""
    average_precision: float
    brier: float
    brier_skill: float
    """Share of the base rate's Brier score that is saved; below 0 the base rate predicts better."""
    reliability: tuple[scores.Bin, ...]
    precision_recall: scores.PrecisionRecall


@dataclass(frozen=True, slots=True)
class Band:
    """Held-out fills by predicted chance, and what they were worth."""

    name: str
    above: float | None
    """Chances in the band are above this; ``None`` in the lowest."""
    fills: int
    adverse: float | None
    markout_bps: float | None
    markout_bps_se: float | None
    """Standard error of that mean, blocks of time taken as independent."""


@dataclass(frozen=True, slots=True)
class Importance:
    """How much the AUC falls when one feature is shuffled among held-out fills, over folds and repeats."""

    feature: str
    auc_loss: float
    standard_deviation: float


@dataclass(frozen=True, slots=True)
class Trained:
    """The result of a training."""

    best: str
    model: Any
    """The best contender, trained on every fill; an estimator of scikit-learn."""
    calibrator: Calibrator
    scores: tuple[Score, ...]
    """The contenders and the base rate."""
    importance: tuple[Importance, ...]
    """Of the best contender, most important first."""
    bands: tuple[Band, ...]
    """What the thresholds in use would have caught."""
    fifths: tuple[Band, ...]
    """Parts of equal number, to choose thresholds by."""
    tested: int
    """Held-out fills that were scored."""
    base_rate: float
    """Share of adverse ones among them."""
    folds: tuple[Fold, ...]
    blocks: int
    settings: TrainingSettings


@dataclass(slots=True)
class _Walk:
    """One contender's way through the folds."""

    models: list[Any] = field(default_factory=list)
    raw: list[Floats] = field(default_factory=list)


def train(
    data: Dataset,
    settings: TrainingSettings,
    bands: tuple[float, float] = (0.3, 0.7),
    say: Callable[[str], None] = lambda _text: None,
) -> Trained:
    """Train and compare the contenders.

    The predictions for each fold are calibrated on those for the folds before it, as far as their labels were known:
    the first fold calibrates and is not scored.

    Parameters
    ----------
    data : Dataset
        Labelled fills.
    settings : TrainingSettings
        How.
    bands : tuple of float
        Low and high risk, for the table of what the thresholds would have caught.
    say : callable
        Told in a few words what is being done.

    Raises
    ------
    DataError
        When a stretch of time holds too few fills to learn from, with the count and what is needed.

    """
    embargo_ns = data.label.horizon_ns if settings.embargo_s is None else round(settings.embargo_s * 1e9)
    folds = walk_forward(data.ts_ns, data.known_ns, settings.folds, embargo_ns)
    _check_folds(data, folds, embargo_ns)
    walks = {name: _Walk() for name in CONTENDERS}
    for name, make in CONTENDERS.items():
        for number, fold in enumerate(folds, 1):
            say(f"{name}: fold {number} of {len(folds)}")
            model = make(settings.seed, len(fold.train)).fit(data.features[fold.train], data.adverse[fold.train])
            walks[name].models.append(model)
            walks[name].raw.append(chance(model, data.features[fold.test]))
    held_out = np.concatenate([fold.test for fold in folds])
    scored = np.concatenate([fold.test for fold in folds[1:]])
    adverse = data.adverse[scored]
    predicted = {name: _calibrated(walk.raw, folds, data, embargo_ns) for name, walk in walks.items()}
    predicted[BASE_RATE] = np.concatenate(
        [np.full(len(fold.test), data.adverse[fold.train].mean()) for fold in folds[1:]]
    )
    block_ns = _block_ns(data, settings)
    blocks = scores.Blocks(data.ts_ns[scored], block_ns, settings.seed)
    table = _scores(predicted, adverse, blocks)
    best = min((score for score in table if score.name != BASE_RATE), key=lambda score: score.brier).name
    say(f"{best}: importance of features")
    importance = _importance(data, folds[1:], walks[best].models[1:], settings.seed)
    say(f"{best}: training on all fills")
    final = CONTENDERS[best](settings.seed, len(data.adverse)).fit(data.features, data.adverse)
    return Trained(
        best=best,
        model=final,
        calibrator=fit_calibrator(np.concatenate(walks[best].raw), data.adverse[held_out]),
        scores=table,
        importance=importance,
        bands=_bands(predicted[best], adverse, data.markout_bps[scored], bands, blocks),
        fifths=_bands(predicted[best], adverse, data.markout_bps[scored], _fifths(predicted[best]), blocks),
        tested=len(scored),
        base_rate=float(adverse.mean()),
        folds=tuple(folds),
        blocks=blocks.count,
        settings=settings,
    )


def chance(model: Any, features: npt.NDArray[np.float32]) -> Floats:
    """Return a scikit-learn classifier's chance of an adverse fill; shape (n,)."""
    return np.asarray(model.predict_proba(features)[:, 1], dtype=np.float64)


def _check_folds(data: Dataset, folds: list[Fold], embargo_ns: int) -> None:
    if len(folds) < 3:
        raise DataError(f"the fills lie at {len(folds) + 1} instants that can be told apart; at least 4 are needed")
    for number, fold in enumerate(folds, 1):
        for what, rows in (("before", fold.train), ("in", fold.test)):
            counts = np.bincount(data.adverse[rows].astype(int), minlength=2)
            fewest = FEWEST_OF_A_CLASS if what == "before" else 1
            if counts.min() < fewest:
                raise DataError(
                    f"{what} fold {number} of {len(folds)} there are {counts[1]} adverse fills and {counts[0]} others "
                    f"({embargo_ns / 1e9 + data.label.horizon_s:g} s before it left out); at least {fewest} of "
                    "either kind are needed: run longer, or take fewer folds"
                )


def _calibrated(raw: list[Floats], folds: list[Fold], data: Dataset, embargo_ns: int) -> Floats:
    found = []
    for number in range(1, len(folds)):
        past: Indices = np.concatenate([fold.test for fold in folds[:number]])
        usable = known_before(data.known_ns[past], int(data.ts_ns[folds[number].test[0]]), embargo_ns)
        calibrator = fit_calibrator(np.concatenate(raw[:number])[usable], data.adverse[past[usable]])
        found.append(calibrator.many(raw[number]))
    return np.concatenate(found)


def _block_ns(data: Dataset, settings: TrainingSettings) -> int:
    if settings.block_s is not None:
        return round(settings.block_s * 1e9)
    span = int(data.ts_ns[-1] - data.ts_ns[0])
    return max(min(10 * data.label.horizon_ns, span // 50), data.label.horizon_ns)


def _scores(predicted: dict[str, Floats], adverse: npt.NDArray[np.bool_], blocks: scores.Blocks) -> tuple[Score, ...]:
    weights = blocks.weights()
    draws = {name: scores.auc_draws(one, adverse, weights) for name, one in predicted.items()}
    areas = {name: scores.auc(one, adverse) for name, one in predicted.items()}
    reference = scores.brier(predicted[BASE_RATE], adverse)
    table = []
    for name, one in predicted.items():
        error, curve = scores.brier(one, adverse), scores.precision_recall(one, adverse)
        over = None
        if name not in (LOGISTIC, BASE_RATE):
            over = scores.estimate(areas[name] - areas[LOGISTIC], draws[name] - draws[LOGISTIC])
        table.append(
            Score(
                name,
                scores.estimate(areas[name], draws[name]),
                over,
                curve.average,
                error,
                1.0 - error / reference,
                scores.reliability(one, adverse),
                curve,
            )
        )
    return tuple(table)


def _importance(data: Dataset, folds: list[Fold], models: list[Any], seed: int) -> tuple[Importance, ...]:
    rng = np.random.default_rng(seed)
    losses = np.zeros((len(data.names), len(folds) * _PERMUTATIONS))
    for number, (fold, model) in enumerate(zip(folds, models, strict=True)):
        features, adverse = data.features[fold.test], data.adverse[fold.test]
        whole = scores.auc(chance(model, features), adverse)
        for column in range(len(data.names)):
            shuffled = np.tile(features, (_PERMUTATIONS, 1))
            for repeat in range(_PERMUTATIONS):
                rows = slice(repeat * len(features), (repeat + 1) * len(features))
                shuffled[rows, column] = rng.permutation(features[:, column])
            for repeat, part in enumerate(np.split(chance(model, shuffled), _PERMUTATIONS)):
                losses[column, number * _PERMUTATIONS + repeat] = whole - scores.auc(part, adverse)
    found = [
        Importance(name, float(row.mean()), float(row.std(ddof=1)))
        for name, row in zip(data.names, losses, strict=True)
    ]
    return tuple(sorted(found, key=lambda one: -one.auc_loss))


def _fifths(predicted: Floats) -> tuple[float, ...]:
    return tuple(np.unique(np.quantile(predicted, (0.2, 0.4, 0.6, 0.8))).tolist())


def _bands(
    predicted: Floats,
    adverse: npt.NDArray[np.bool_],
    markout_bps: Floats,
    edges: tuple[float, ...],
    blocks: scores.Blocks,
) -> tuple[Band, ...]:
    """Return the fills between the edges; an edge itself is no more than the lower of its two bands."""
    names = [f"up to {edges[0]:.3g}", *(f"{low:.3g} to {high:.3g}" for low, high in pairwise(edges))]
    found = []
    for number, name in enumerate([*names, f"above {edges[-1]:.3g}"]):
        inside = np.searchsorted(edges, predicted, side="left") == number
        some = bool(inside.any())
        found.append(
            Band(
                name,
                edges[number - 1] if number else None,
                int(inside.sum()),
                float(adverse[inside].mean()) if some else None,
                float(markout_bps[inside].mean()) if some else None,
                blocks.standard_error(markout_bps, inside),
            )
        )
    return tuple(found)
