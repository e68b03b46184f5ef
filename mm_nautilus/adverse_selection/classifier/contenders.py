"""The models that are trained, and how: two forests of trees and the logistic baseline."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

LOGISTIC: Final = "logistic"
BASE_RATE: Final = "base rate"


def _random_forest(seed: int, fills: int) -> Any:
    """Breiman (2001); a leaf holds at least one in two hundred fills, so that its share is not a coin's."""
    from sklearn.ensemble import RandomForestClassifier  # noqa: PLC0415 - the [ml] extra

    return RandomForestClassifier(
        n_estimators=200, min_samples_leaf=max(5, fills // 200), max_features="sqrt", random_state=seed
    )


def _gradient_boosting(seed: int, fills: int) -> Any:
    """Friedman (2001), stochastic (2002): shallow trees, small steps, half of the fills for each."""
    from sklearn.ensemble import GradientBoostingClassifier  # noqa: PLC0415

    return GradientBoostingClassifier(
        n_estimators=150,
        learning_rate=0.05,
        max_depth=3,
        min_samples_leaf=max(5, fills // 200),
        subsample=0.5,
        max_features="sqrt",
        random_state=seed,
    )


def _logistic(seed: int, fills: int) -> Any:  # noqa: ARG001 - nothing is drawn
    """Ridge-penalised logistic regression on standardised features."""
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415
    from sklearn.pipeline import make_pipeline  # noqa: PLC0415
    from sklearn.preprocessing import StandardScaler  # noqa: PLC0415

    return make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=1000))


CONTENDERS: Final[Mapping[str, Callable[[int, int], Any]]] = MappingProxyType(
    {"random forest": _random_forest, "gradient boosting": _gradient_boosting, LOGISTIC: _logistic}
)
"""Name -> untrained estimator of scikit-learn, given a seed and the number of fills to learn from."""
