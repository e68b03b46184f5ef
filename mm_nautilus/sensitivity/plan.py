"""What a result is made to stand: the same run under worse, or kinder, assumptions.

- *Latency* times 0, 3 and 10: base and every command's own latency, at every venue (times 1 is the run as it is).
- *Queue position off*: a resting order fills when its price is traded, as if it were always first in line.
- *Rebates zero*: every negative fee rate becomes 0; rates above 0 stay.
- *Fees one tier worse*: every maker and taker rate, rebates included, rises by a tenth of its size and by at least
  half a basis point, which is the step between neighbouring tiers of the fee schedules of crypto venues; money per
  contract rises by a tenth, rounded up to the last digit stated.
- *Seeds*: another seed of the run and, where the market is simulated, another market.

The other case is no run but made from the fills of the run as it is (`mm_nautilus.analytics.adverse_removal`). Which of
them are tried, and how many seeds, is for ``[report.sensitivity]`` of the run file to say
(`mm_nautilus.config.SensitivitySettings`).
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_UP, Decimal
from typing import Any, Final

from mm_nautilus.config import FeeSection, LatencySection, RunFile, SensitivitySettings, VenueSection

BASE: Final = "base"
REMOVED: Final = "half-the-fills-removed"
LATENCIES: Final = (0, 3, 10)
WORSE_SHARE: Final = Decimal("0.1")
WORSE_RATE: Final = Decimal("0.00005")
# A run file takes rates below a tenth.
_HIGHEST_RATE: Final = Decimal("0.099999")
_HIGHEST_MS: Final = 60_000.0


@dataclass(frozen=True, slots=True)
class Case:
    """One run.

    Parameters
    ----------
    name : str
        Also of its folder.
    label : str
        As tables call it.
    words : str
        What is different, with the numbers.
    tables : mapping
        Of the run file.

    """

    name: str
    label: str
    words: str
    tables: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Cases:
    """The runs, the one as it is first, and a line for each case that would be that one again."""

    runs: tuple[Case, ...]
    same: tuple[str, ...]


def cases(raw: Mapping[str, Any], run_file: RunFile, asked: SensitivitySettings) -> Cases:
    """Return the runs of a sensitivity table.

    Parameters
    ----------
    raw : mapping
        Tables of the run file, overrides applied.
    run_file : RunFile
        The same, validated.
    asked : SensitivitySettings
        Which of the assumptions are tried.

    """
    base = copy.deepcopy(dict(raw))
    if isinstance(base.get("risk"), dict):
        base["risk"].pop("webhook", None)  # nobody is to be woken by incidents that are none
    if isinstance(base.get("report"), dict):
        base["report"].pop("sensitivity", None)
    runs = [Case(BASE, "as it is", "the run file, latency times 1", base)]
    same = []
    for name, label, change, words in _changes():
        if name not in asked.assumptions:
            continue
        tables = _with_venues(base, run_file, change)
        if [change(venue) for venue in run_file.venues] == [_stated(venue) for venue in run_file.venues]:
            same.append(f"{label}: changes nothing, {words}")
            continue
        runs.append(Case(name, label, _differences(run_file.venues, change), tables))
    if _by_chance(run_file):
        runs += [_seeded(base, run_file, number) for number in range(1, asked.seeds + 1)]
    elif asked.seeds:
        same.append("seeds: change nothing, recorded data and a fill model without chance")
    return Cases(tuple(runs), tuple(same))


type Change = Callable[[VenueSection], dict[str, Any]]


def _changes() -> list[tuple[str, str, Change, str]]:
    latencies: list[tuple[str, str, Change, str]] = [
        (f"latency-x{factor}", f"latency x{factor}", _slower(factor), "the run file states no latency")
        for factor in LATENCIES
    ]
    return [
        *latencies,
        ("queue-off", "queue position off", lambda venue: _stated(venue, queue_position=False), "it is off already"),
        (
            "rebates-zero",
            "rebates zero",
            lambda venue: _stated(venue, fees=without_rebates(venue.fees)),
            "there are none",
        ),
        ("fees-worse", "fees one tier worse", lambda venue: _stated(venue, fees=worse(venue.fees)), "at their highest"),
    ]


def _slower(factor: int) -> Change:
    return lambda venue: _stated(venue, latency=slower(venue.latency, factor))


def _stated(
    venue: VenueSection,
    *,
    latency: LatencySection | None = None,
    fees: FeeSection | None = None,
    queue_position: bool | None = None,
) -> dict[str, Any]:
    """Return what the cases change about a venue, as its table states it."""
    return {
        "latency": (latency or venue.latency).model_dump(mode="json"),
        "fees": (fees or venue.fees).model_dump(mode="json", exclude_none=True),
        "queue_position": venue.queue_position if queue_position is None else queue_position,
    }


def _with_venues(base: Mapping[str, Any], run_file: RunFile, change: Change) -> dict[str, Any]:
    tables = copy.deepcopy(dict(base))
    tables["venues"] = [table | change(venue) for table, venue in zip(tables["venues"], run_file.venues, strict=True)]
    return tables


def slower(latency: LatencySection, factor: float) -> LatencySection:
    """Return a latency times a factor, at most a minute each."""
    return LatencySection(
        **{name: min(getattr(latency, name) * factor, _HIGHEST_MS) for name in LatencySection.model_fields}
    )


def without_rebates(fees: FeeSection) -> FeeSection:
    """Return fees with every negative rate at 0."""
    rates = {"maker_rate": max(fees.maker_rate, Decimal(0)), "taker_rate": max(fees.taker_rate, Decimal(0))}
    return fees.model_copy(update=rates)


def worse(fees: FeeSection) -> FeeSection:
    """Return the fees one tier worse; see the module."""
    if fees.per_contract is not None:
        money, currency = fees.per_contract.split()
        raised = (Decimal(money) * (1 + WORSE_SHARE)).quantize(Decimal(money), ROUND_UP)
        return fees.model_copy(update={"per_contract": f"{raised} {currency}"})
    return fees.model_copy(update={"maker_rate": _worse(fees.maker_rate), "taker_rate": _worse(fees.taker_rate)})


def _worse(rate: Decimal) -> Decimal:
    return max(rate, min(rate + max(WORSE_RATE, WORSE_SHARE * abs(rate)), _HIGHEST_RATE))


def _differences(venues: Sequence[VenueSection], change: Change) -> str:
    """Return what a case changes, venue by venue, as in ``SIM: base_ms 5 to 15``."""
    lines = []
    for venue in venues:
        before, after = _flat(_stated(venue)), _flat(change(venue))
        changed = [f"{key} {before[key]} to {after[key]}" for key in after if before.get(key) != after[key]]
        if changed:
            lines.append(f"{venue.name}: {', '.join(changed)}")
    return "; ".join(lines)


def _flat(stated: Mapping[str, Any]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in stated.items():
        if isinstance(value, Mapping):
            found |= {key: _shown(key, one) for key, one in value.items()}
        else:
            found[name.replace("_", " ")] = "on" if value else "off"
    return {key.replace("_rate", "").replace("_", " "): value for key, value in found.items()}


def _shown(key: str, value: Any) -> str:
    return (
        f"{float(value) * 1e4:g} bps" if key.endswith("_rate") else f"{value:g}" if isinstance(value, float) else value
    )


def _by_chance(run_file: RunFile) -> bool:
    """Whether another seed makes another run."""
    drawn = any(venue.fill.prob_fill_on_limit < 1.0 or venue.fill.prob_slippage > 0.0 for venue in run_file.venues)
    return drawn or run_file.data.simulation is not None


def _seeded(base: Mapping[str, Any], run_file: RunFile, number: int) -> Case:
    tables = copy.deepcopy(dict(base))
    seed = run_file.run.seed + number
    tables["run"]["seed"] = seed
    words = f"run.seed {seed}"
    if run_file.data.simulation is not None:
        market = run_file.data.simulation.seed + number
        tables["data"]["simulation"]["seed"] = market
        words += f", another market: data.simulation.seed {market}"
    return Case(f"seed-{number}", f"another seed, {number}", words, tables)
