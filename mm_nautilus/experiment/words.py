"""The numbers of an experiment as a person reads them: one source for the page and the command line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from mm_nautilus.analytics.numbers import NOTHING, compact, duration, share
from mm_nautilus.experiment.effects import FIGURES, Figure
from mm_nautilus.experiment.responses import OFF, TRAINED

type Json = Mapping[str, Any]

_HELPED: Final = {True: "better", False: "worse", None: "not distinguishable"}


def unit_of(figure: Figure, result: Json) -> str:
    """Return the unit of a figure."""
    return {"money": f"{result['currency']}/h", "fills": "per h"}.get(figure.unit, figure.unit)


def helped(figure: Figure, effect: Json) -> bool | None:
    """Return whether a change is for the better, ``None`` where it cannot be told from none or is neither."""
    if figure.more_is_better is None or effect["low"] is None or effect["high"] is None:
        return None
    if effect["low"] > 0.0:
        return figure.more_is_better
    return not figure.more_is_better if effect["high"] < 0.0 else None


def verdict(figure: Figure, effect: Json) -> str:
    """Return in words what may be said of a change."""
    if effect["low"] is None:
        return "too little time for an interval"
    if figure.more_is_better is None and (effect["low"] > 0.0 or effect["high"] < 0.0):
        return "more" if effect["low"] > 0.0 else "fewer"
    return _HELPED[helped(figure, effect)]


def interval(effect: Json) -> str:
    """Return the ends of the interval of a change."""
    if effect["low"] is None:
        return NOTHING
    return f"{compact(effect['low'], 3, signed=True)} to {compact(effect['high'], 3, signed=True)}"


def rows(result: Json) -> list[dict[str, str]]:
    """Return one record for each figure and response, ``off`` first; the changes are to ``off``."""
    found = []
    for name, figure in FIGURES.items():
        for response, figures in result["effects"].items():
            effect = figures[name]
            first = response == OFF
            found.append(
                {
                    "figure": f"{figure.label} ({unit_of(figure, result)})" if first else "",
                    "response": response,
                    "value": compact(effect["value"], 4, signed=figure.unit != "fills"),
                    "change": "" if first else compact(effect["change"], 3, signed=True),
                    "interval": "" if first else interval(effect),
                    "verdict": "" if first else verdict(figure, effect),
                }
            )
    return found


def sentence(result: Json, response: str) -> str:
    """Return in a sentence what a response did to the realised spread net of lost fills, and to the PnL."""
    effect, pnl = (result["effects"][response][name] for name in ("realised_net", "pnl"))
    money = f"{result['currency']} an hour"
    if effect["change"] is None:
        return f"{response}: no fills to compare."
    if effect["low"] is None:
        return f"{response}: {compact(effect['change'], 3, signed=True)} {money}; too little time for an interval."
    level = f"{100 * result['intervals']['level']:.0f} %"
    better = helped(FIGURES["realised_net"], effect)
    verb = {True: "earns more", False: "earns less", None: "cannot be told from doing nothing"}[better]
    said = (
        f"{response} {verb}: realised spread net of lost fills {compact(effect['change'], 3, signed=True)} {money} "
        f"({level} interval {interval(effect)}), PnL {compact(pnl['change'], 3, signed=True)} ({interval(pnl)})."
    )
    if better and not helped(FIGURES["realised_spread"], result["effects"][response]["realised_spread"]):
        said += " It does so by trading less: the fills that are left are not worth more."
    return said


def withdrawn(result: Json) -> list[dict[str, str]]:
    """Return one record for each response: for how much of the time it answered."""
    return [
        {
            "response": name,
            "bid withdrawn": share(one["bid"]),
            "ask withdrawn": share(one["ask"]),
            "a side widened or shrunk": share(one["widened"]),
        }
        for name, one in result["withdrawn"].items()
    ]


def notes(result: Json) -> list[str]:
    """Return how the experiment was made, for whoever wants to repeat it."""
    intervals = result["intervals"]
    blocks = f"{intervals['blocks']:,} blocks of {duration(intervals['block_s'])}"
    drawn = "drawn within each market, the same for both responses"
    found = [
        f"{result['data']}.",
        f"Realised spread at {result['horizon_s']:g} s; intervals from {blocks}, {drawn}.",
    ]
    training = result["training"]
    if training is not None:
        high = training["high_risk"]
        caught = "no band of held-out fills lost money, so that no side is ever widened by the model"
        if high < 1.0:
            caught = f"a side is widened where its chance of an adverse fill is above {high:.3g}"
        found.append(f"{TRAINED}: {training['verdict']} Threshold from the training's held-out fills: {caught}.")
    return found
