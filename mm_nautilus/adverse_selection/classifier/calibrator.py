r"""From a model's score to a probability: isotonic regression, or Platt's sigmoid where there are few samples.

Fitted on predictions for fills that the model had not seen. The sigmoid is
:math:`1/(1 + e^{-(a + b\,\mathrm{logit}\,p)})`, which leaves a calibrated ``p`` as it is (a = 0, b = 1); the isotonic
fit needs no shape but about a thousand samples (Niculescu-Mizil and Caruana 2005).
"""

from __future__ import annotations

import math
from typing import Annotated, Final, Literal, Self

import numpy as np
import numpy.typing as npt
from pydantic import Field, model_validator

from mm_nautilus.estimators.columns import Floats
from mm_nautilus.settings import Settings

ISOTONIC_FROM: Final = 1000
"""Samples from which the isotonic fit is used."""
_EDGE: Final = 1e-6

type Share = Annotated[float, Field(ge=0, le=1)]


class Calibrator(Settings):
    """A monotone map from scores to probabilities, in [0, 1]."""

    kind: Literal["isotonic", "sigmoid"]
    samples: int = Field(ge=0, description="Held-out fills it was fitted on.")
    intercept: float = Field(default=0.0, description="a of the sigmoid.")
    slope: float = Field(default=1.0, ge=0, description="b of the sigmoid.")
    scores: tuple[Share, ...] = Field(default=(), description="Knots of the isotonic fit, rising.")
    probabilities: tuple[Share, ...] = Field(default=(), description="Probabilities at the knots, rising.")

    @model_validator(mode="after")
    def _knots(self) -> Self:
        if self.kind == "isotonic":
            if not self.scores or len(self.scores) != len(self.probabilities):
                raise ValueError("an isotonic fit needs as many probabilities as scores, at least one")
            if any(np.diff(self.scores) < 0) or any(np.diff(self.probabilities) < 0):
                raise ValueError("the knots of an isotonic fit must rise")
        return self

    def one(self, score: float) -> float:
        """Return the probability of one score."""
        if self.kind == "isotonic":
            return float(np.interp(score, self.scores, self.probabilities))
        clipped = min(max(score, _EDGE), 1.0 - _EDGE)
        return 1.0 / (1.0 + math.exp(-self.intercept - self.slope * math.log(clipped / (1.0 - clipped))))

    def many(self, scores: Floats) -> Floats:
        """Return the probabilities of scores; shape (n,)."""
        if self.kind == "isotonic":
            return np.asarray(np.interp(scores, self.scores, self.probabilities), dtype=np.float64)
        return np.asarray(1.0 / (1.0 + np.exp(-self.intercept - self.slope * _logit(scores))), dtype=np.float64)


def fit_calibrator(scores: Floats, adverse: npt.NDArray[np.bool_]) -> Calibrator:
    """Return the calibration of held-out scores.

    Parameters
    ----------
    scores : float array, shape (n,)
        In [0, 1].
    adverse : bool array, shape (n,)
        What happened.

    Notes
    -----
    The sigmoid's slope is kept at 0 or above: a model that ranks the wrong way round on held-out fills has learnt
    nothing, and turning it over would be fitting noise. With one class only, it answers that class's share, pulled
    towards one half as by Laplace's rule.

    """
    from sklearn.isotonic import IsotonicRegression  # noqa: PLC0415 - the [ml] extra
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415

    count, positive = len(adverse), int(adverse.sum())
    constant = Calibrator(
        kind="sigmoid", samples=count, intercept=math.log((positive + 1) / (count - positive + 1)), slope=0.0
    )
    if positive in (0, count):
        return constant
    if count >= ISOTONIC_FROM:
        fit = IsotonicRegression(y_min=0.0, y_max=1.0, out_of_bounds="clip").fit(scores, adverse.astype(np.float64))
        knots, values = fit.X_thresholds_, np.clip(fit.y_thresholds_, 0.0, 1.0)
        return Calibrator(
            kind="isotonic", samples=count, scores=tuple(knots.tolist()), probabilities=tuple(values.tolist())
        )
    logistic = LogisticRegression(C=1e6).fit(_logit(scores)[:, None], adverse)
    slope = float(logistic.coef_[0, 0])
    if slope <= 0.0:
        return constant
    return Calibrator(kind="sigmoid", samples=count, intercept=float(logistic.intercept_[0]), slope=slope)


def _logit(scores: Floats) -> Floats:
    clipped = np.clip(scores, _EDGE, 1.0 - _EDGE)
    return np.asarray(np.log(clipped / (1.0 - clipped)), dtype=np.float64)
