"""Arrival intensity and micro-price: names of the reference vectors to the library's functions."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from mm_nautilus.estimators.intensity_censored import IntensityFit, exponential_censored, power_law_censored
from mm_nautilus.estimators.intensity_depths import intensity_from_trade_depths
from mm_nautilus.estimators.micro_price import MicroPriceMatrices, count_transitions, solve_micro_price, symmetrised


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _censored(fit: IntensityFit, decay: str) -> dict[str, Any]:
    return {
        "A": _number(fit.a_per_s),
        decay: _number(fit.decay),
        "loglik": _number(fit.loglik),
        "se_lnA": _number(fit.se_ln_a),
        f"se_{decay}": _number(fit.se_decay),
        "n_events": fit.events,
    }


def _exponential(inputs: dict[str, Any]) -> dict[str, Any]:
    return _censored(exponential_censored(inputs["depth"], inputs["exposure"], inputs["event"]), "k")


def _power_law(inputs: dict[str, Any]) -> dict[str, Any]:
    fit = power_law_censored(inputs["depth"], inputs["exposure"], inputs["event"], inputs.get("d0"))
    return _censored(fit, "alpha")


def _trade_depths(inputs: dict[str, Any]) -> dict[str, Any]:
    fit = intensity_from_trade_depths(inputs["depths"], inputs["T"], inputs["d_min"], inputs.get("tick"))
    return {"k": _number(fit.decay), "A": _number(fit.a_per_s), "n": fit.events, "se_k": _number(fit.se_decay)}


def _micro_price(inputs: dict[str, Any]) -> dict[str, Any]:
    moves = np.array(inputs["K"], dtype=np.float64)
    shown: dict[str, Any] = {}
    if "transitions" in inputs:
        steps = inputs["transitions"]
        before, after = (np.array([step[at] for step in steps], dtype=np.int64) for at in (0, 2))
        by = np.array([step[1] for step in steps], dtype=np.float64)
        size = inputs["n_buckets"]
        if inputs.get("symmetrise", False):
            before, by, after = symmetrised(before, by, after, np.arange(size)[::-1])
        matrices = count_transitions(before, by, after, size)
        by_move = [count_transitions(before, np.where(by == move, 1.0, 0.0), after, size).drift for move in moves]
        shown = {"Q": matrices.stay.tolist(), "T": matrices.moved.tolist(), "R": np.column_stack(by_move).tolist()}
    else:
        matrices = MicroPriceMatrices(
            np.array(inputs["Q"]), np.array(inputs["T"]), np.array(inputs["R"]) @ moves, abs(moves).max()
        )
    solution = solve_micro_price(matrices)
    return shown | {
        "G1": solution.first.tolist(),
        "B": solution.next.tolist(),
        "G2": solution.after(2).tolist(),
        "G6": solution.after(6).tolist(),
        "G_star": solution.total.tolist(),
    }


ADAPTERS = {
    "intensity_exponential_censored_mle": _exponential,
    "intensity_power_law_censored_mle": _power_law,
    "intensity_from_trade_depths": _trade_depths,
    "micro_price_markov": _micro_price,
}
