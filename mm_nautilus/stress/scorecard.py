"""What a stressed run is judged by: one value for each run, with the reason where it failed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from mm_nautilus.analytics.instrument_log import InstrumentLog, instrument_log
from mm_nautilus.analytics.jsonable import plain
from mm_nautilus.analytics.runlog import RunLog
from mm_nautilus.analytics.summary import facts_in
from mm_nautilus.catalog.stamps import utc_text
from mm_nautilus.market import RiskStage
from mm_nautilus.messages import HedgeFact
from mm_nautilus.stress.exposure import WorstCasePath, logged_path
from mm_nautilus.stress.hedges import HedgeTimes, hedge_times, needed_spans
from mm_nautilus.stress.inventory import Exposure, exposure_of
from mm_nautilus.stress.losses import Crossing, EquityPath, StageChange, crossings, equity_path

DEFAULT_MOVE: Final = Decimal("0.01")
"""Move of the price whose cost to a position at its limit is the loss allowed where none is stated."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a run must keep.

    Parameters
    ----------
    max_loss : Decimal or None
        Loss since the start, in settlement currency of the quoted instrument; None for what a move of `DEFAULT_MOVE`
        costs a position at its limit.
    hedge_deadline_s : float
        Within this a hedge must be done or have raised an alarm.
    evaluation_s : float or None
        Seconds between two evaluations of the risk monitor; None where there is none.

    """

    max_loss: Decimal | None
    hedge_deadline_s: float
    evaluation_s: float | None


@dataclass(frozen=True, slots=True)
class Score:
    """One run, judged.

    Parameters
    ----------
    exposures : tuple of Exposure
        Of each instrument.
    inventory_share : float
        Largest worst case over its limit, of all instruments that have one.
    currency : str
        Of the money below.
    max_loss : float
        The bound in force.
    pnl, loss_from_start, loss_from_peak : float
        At the end, and the largest ones.
    crossings : tuple of Crossing
        Times at which the loss passed the bound.
    hedges : HedgeTimes
        How long they took.
    withdrawn_s, withdrawn_share : float
        Time during which nothing was quoted.
    fills, cancels : int
        How many.
    stage : str
        Gravest risk stage reached.
    stage_after_s : float or None
        When it was first reached, in seconds since the start; None for NORMAL.
    breaches : tuple of str
        Why it failed; empty where it passed.

    """

    exposures: tuple[Exposure, ...]
    inventory_share: float
    currency: str
    max_loss: float
    pnl: float
    loss_from_start: float
    loss_from_peak: float
    crossings: tuple[Crossing, ...]
    hedges: HedgeTimes
    withdrawn_s: float
    withdrawn_share: float
    fills: int
    cancels: int
    stage: str
    stage_after_s: float | None
    breaches: tuple[str, ...]


def score(
    run_dir: Path, result: Mapping[str, Any], quoted: str, bounds: Bounds
) -> tuple[Score, EquityPath, WorstCasePath]:
    """Judge a finished run by its log.

    Parameters
    ----------
    run_dir : Path
        Folder of the run.
    result : mapping
        Its ``result.json``.
    quoted : str
        The instrument that is quoted: the losses are in its settlement currency.
    bounds : Bounds
        What it must keep.

    """
    log = RunLog.open(run_dir)
    logs = {
        name: instrument_log(log, facts_in(one), one["start_ns"], one["end_ns"])
        for name, one in result["instruments"].items()
    }
    start_ns, end_ns = (result["instruments"][quoted][key] for key in ("start_ns", "end_ns"))
    paths = {name: logged_path(log, name, Decimal(str(float(one.path.position[0])))) for name, one in logs.items()}
    hedge_facts = log.messages(HedgeFact)
    hedging = needed_spans(hedge_facts)
    exposures = tuple(exposure_of(log, logs[name], path, hedging) for name, path in paths.items())
    currency = logs[quoted].facts.contract.settlement_currency
    mine = [one for one in logs.values() if one.facts.contract.settlement_currency == currency]
    equity, stages = equity_path(mine), stage_changes(log)
    max_loss = float(bounds.max_loss if bounds.max_loss is not None else default_loss(logs[quoted]))
    crossed = crossings(equity, max_loss, stages, bounds.evaluation_s or 0.0)
    hedges = hedge_times(hedge_facts, bounds.hedge_deadline_s, end_ns)
    gravest = max(stages, key=lambda change: change.stage, default=StageChange(start_ns, RiskStage.NORMAL))
    restrained = gravest.stage > RiskStage.NORMAL
    quoting, money = result["instruments"][quoted]["quoting"], result["total"].get(currency)
    found = Score(
        exposures=exposures,
        inventory_share=max((one.share for one in exposures if one.share is not None), default=0.0),
        currency=currency,
        max_loss=max_loss,
        pnl=float(money["total"]) if money else 0.0,
        loss_from_start=equity.loss_from_start,
        loss_from_peak=equity.loss_from_peak,
        crossings=tuple(crossed),
        hedges=hedges,
        withdrawn_s=quoting["none"]["seconds"],
        withdrawn_share=quoting["none"]["share"],
        fills=sum(one["fills"]["count"] for one in result["instruments"].values()),
        cancels=sum(one.orders["event"].to_pylist().count("CANCEL") for one in logs.values()),
        stage=gravest.stage.name,
        stage_after_s=(gravest.ts_ns - start_ns) / 1e9 if restrained else None,
        breaches=tuple(breaches(exposures, equity.loss_from_start, max_loss, crossed, hedges, bounds, currency)),
    )
    return found, equity, paths[quoted]


def breaches(
    exposures: Sequence[Exposure],
    loss: float,
    max_loss: float,
    crossed: Sequence[Crossing],
    hedges: HedgeTimes,
    bounds: Bounds,
    currency: str,
) -> list[str]:
    """Return why a run failed, one line for each bound it did not keep."""
    found = []
    for one in exposures:
        if one.instants_beyond and one.limit is not None:
            found.append(
                f"{one.instrument_id}: the worst case was {plain(one.largest)} with a limit of {plain(one.limit)}, and "
                f"beyond it at {one.instants_beyond:,} of {one.instants:,} instants"
            )
        if one.marks_differing:
            found.append(
                f"{one.instrument_id}: {one.marks_differing:,} marks state other open sizes or another position than "
                "the orders and fills of the log add up to"
            )
    unanswered = [crossing for crossing in crossed if crossing.reaction_s is None]
    if unanswered:
        when = "and nothing watched it (no [risk] in the run file)"
        if bounds.evaluation_s is not None:
            when = f"and the position was not being flattened within {bounds.evaluation_s:g} s of that"
        found.append(
            f"the loss of up to {loss:.2f} {currency} passed the bound of {max_loss:.2f}, first at "
            f"{utc_text(unanswered[0].ts_ns)}, {when}"
        )
    if hedges.late:
        found.append(
            f"{len(hedges.late)} hedges neither done nor alarmed in {bounds.hedge_deadline_s:g} s: {hedges.late[0]}"
        )
    return found


def default_loss(one: InstrumentLog) -> Decimal:
    """Return what a move of `DEFAULT_MOVE` costs a position at its limit, at the first price of the run.

    Parameters
    ----------
    one : InstrumentLog
        The quoted instrument.

    """
    limit, mid = one.facts.position_limit, one.curve.mid
    if limit is None or not len(mid):
        return Decimal(0)
    price = Decimal(repr(float(mid[0])))
    return abs(one.facts.contract.value(limit, price)) * DEFAULT_MOVE


def stage_changes(log: RunLog) -> list[StageChange]:
    """Return when the gravest stage in force changed: for all instruments together, the gravest of their own."""
    in_force: dict[str, RiskStage] = {}
    changes: list[StageChange] = []
    for row in log.table("risk_states", ["ts_ns", "instrument_id", "stage"]).to_pylist():
        in_force[row["instrument_id"]] = RiskStage[row["stage"]]
        gravest = max(in_force.values())
        if not changes or changes[-1].stage is not gravest:
            changes.append(StageChange(row["ts_ns"], gravest))
    return changes
