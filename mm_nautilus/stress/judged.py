"""One run of a stress run and the worst of several, with the words the page and the command line show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from mm_nautilus.analytics.jsonable import jsonable
from mm_nautilus.analytics.numbers import NOTHING, compact, duration, share
from mm_nautilus.market import RiskStage
from mm_nautilus.stress.scorecard import Score
from mm_nautilus.stress.traces import Trace

type Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Judged:
    """A case and what came of it: its score, or why there is none."""

    scenario: str
    seed: int | None
    folder: str
    score: Score | None
    failure: str | None
    trace: Trace | None

    @property
    def passed(self) -> bool:
        """Whether it ran to the end of its data and kept every bound."""
        return self.score is not None and not self.score.breaches

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why it did not pass."""
        if self.failure is not None:
            return (self.failure,)
        return () if self.score is None else self.score.breaches

    def described(self) -> dict[str, Any]:
        """Return its entry in ``stress.json``."""
        return {
            "scenario": self.scenario,
            "seed": self.seed,
            "folder": self.folder,
            "passed": self.passed,
            "reasons": list(self.reasons),
            "score": None if self.score is None else jsonable(self.score),
        }


def by_scenario(judged: Sequence[Judged]) -> dict[str, list[Judged]]:
    """Return runs by their scenario or window, in the order they came."""
    found: dict[str, list[Judged]] = {}
    for one in judged:
        found.setdefault(one.scenario, []).append(one)
    return found


def worst_of(runs: Sequence[Judged]) -> dict[str, Any]:
    """Return the worst of some runs in each respect; what cannot be told is None."""
    scores = [one.score for one in runs if one.score is not None]

    def largest(values: Sequence[float | None]) -> float | None:
        return max((value for value in values if value is not None), default=None)

    reactions = [crossing.reaction_s for one in scores for crossing in one.crossings]
    gravest = max((RiskStage[one.stage] for one in scores), default=None)
    reached = [one.stage_after_s for one in scores if gravest is not None and one.stage == gravest.name]
    return {
        "runs": len(runs),
        "passed": sum(one.passed for one in runs),
        "inventory_share": largest([one.inventory_share for one in scores]),
        "currency": scores[0].currency if scores else None,
        "max_loss": largest([one.max_loss for one in scores]),
        "loss_from_start": largest([one.loss_from_start for one in scores]),
        "loss_from_peak": largest([one.loss_from_peak for one in scores]),
        "withdrawn_share": largest([one.withdrawn_share for one in scores]),
        "withdrawn_s": largest([one.withdrawn_s for one in scores]),
        "cancels": sum(one.cancels for one in scores),
        "fills": sum(one.fills for one in scores),
        "hedges": sum(one.hedges.needed for one in scores),
        "longest_hedge_s": largest([one.hedges.longest_s for one in scores]),
        "alarms": sum(one.hedges.alarms for one in scores),
        "stage": None if gravest is None else gravest.name,
        "stage_after_s": min((after for after in reached if after is not None), default=None),
        "crossings": len(reactions),
        "slowest_reaction_s": largest(reactions),
        "breaches": sum(len(one.reasons) for one in runs),
    }


COLUMNS: Final = (
    "passed",
    "inventory of limit",
    "loss from start",
    "loss from peak",
    "withdrawn",
    "cancels",
    "fills",
    "hedges",
    "longest hedge",
    "alarms",
    "stage",
    "after",
    "bound crossed",
    "reaction",
)


def cells(worst: Json) -> list[str]:
    """Return what `COLUMNS` show of the worst of some runs (`worst_of`)."""

    def seconds(name: str) -> str:
        value = worst[name]
        return NOTHING if value is None else duration(value)

    return [
        f"{worst['passed']} of {worst['runs']}",
        share(worst["inventory_share"]),
        compact(worst["loss_from_start"]),
        compact(worst["loss_from_peak"]),
        share(worst["withdrawn_share"]),
        f"{worst['cancels']:,}",
        f"{worst['fills']:,}",
        f"{worst['hedges']:,}",
        seconds("longest_hedge_s"),
        f"{worst['alarms']:,}",
        str(worst["stage"] or NOTHING),
        seconds("stage_after_s"),
        f"{worst['crossings']:,}",
        seconds("slowest_reaction_s"),
    ]


def bounds_in_words(bounds: Json, worst: Sequence[Json]) -> str:
    """Return what had to be kept, in one sentence.

    Parameters
    ----------
    bounds : mapping
        Of ``stress.json``.
    worst : sequence of mapping
        `worst_of` each scenario.

    """
    losses = sorted({(round(one["max_loss"], 8), one["currency"]) for one in worst if one["max_loss"] is not None})
    money = " or ".join(f"{compact(loss)} {currency}" for loss, currency in losses[:1])
    if len(losses) > 1:
        money += f" to {compact(losses[-1][0])} {losses[-1][1]}"
    origin = "as the run file states" if bounds["max_loss"] is not None else "1 % of the position limit's value"
    watched = (
        f"flattening within {bounds['evaluation_s']:g} s of passing that"
        if bounds["evaluation_s"] is not None
        else "no [risk] in the run file, so nothing flattens"
    )
    return (
        f"Worst case within the limit at every instant; loss of at most {money or NOTHING} ({origin}), or {watched}; "
        f"hedges done or alarmed within {bounds['hedge_deadline_s']:g} s."
    )
