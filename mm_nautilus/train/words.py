"""The numbers of a training as a person reads them: one source for the page and the command line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mm_nautilus.analytics.numbers import NOTHING, compact, share

type Json = Mapping[str, Any]


def interval(estimate: Json | None) -> str:
    """Return the ends of an interval, or why there is none."""
    if estimate is None:
        return NOTHING
    if estimate["low"] is None:
        return "too little time for an interval"
    return f"{_plain(estimate['low'])} to {_plain(estimate['high'])}"


def score_rows(result: Json) -> list[dict[str, str]]:
    """Return one record a model, for a table of models side by side."""
    return [
        {
            "model": score["name"],
            "ROC AUC": _plain(score["auc"]["value"]),
            "95 % interval": interval(score["auc"]),
            "over logistic": NOTHING
            if score["auc_over_logistic"] is None
            else _signed(score["auc_over_logistic"]["value"]),
            "its interval": interval(score["auc_over_logistic"]),
            "average precision": _plain(score["average_precision"]),
            "Brier score": f"{score['brier']:.4f}",
            "saved of base rate's": share(score["brier_skill"])
            if score["brier_skill"] >= 0
            else f"{100 * score['brier_skill']:.1f} %",
        }
        for score in result["scores"]
    ]


def band_rows(bands: Sequence[Json]) -> list[dict[str, str]]:
    """Return one record a band of predicted chance."""
    return [
        {
            "predicted chance": band["name"],
            "fills": f"{band['fills']:,}",
            "adverse": share(band["adverse"]),
            "mean markout, bps": compact(band["markout_bps"], 3, signed=True),
        }
        for band in bands
    ]


def _plain(value: float | None) -> str:
    return NOTHING if value is None else f"{value:.3f}"


def _signed(value: float) -> str:
    return f"{value:+.3f}"
