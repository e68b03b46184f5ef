"""A run held against targets: what was demanded, what came of it, and whether that can be said."""

from __future__ import annotations

from collections.abc import Mapping
from copy import replace
from dataclasses import dataclass
from decimal import Decimal, localcontext
from enum import StrEnum
from typing import Final

from mm_nautilus.analytics.attribution_summary import AttributionSummary
from mm_nautilus.analytics.equity_steps import STEP_S
from mm_nautilus.analytics.hedge_summary import HedgeSummary
from mm_nautilus.analytics.performance import Group, Metric, Performance
from mm_nautilus.config import TargetSettings
from mm_nautilus.inventory.contract import EXACT

_DAY_S: Final = 86_400.0


class Verdict(StrEnum):
    """What may be said of a figure and its target."""

    MET = "met"
    MISSED = "missed"
    UNCERTAIN = "uncertain"
    """The figure is an estimate whose 95 % interval reaches across a bound of the target, or it speaks of a year and
    rests on less than a day."""
    NOT_MEASURED = "not measured"


@dataclass(frozen=True, slots=True)
class Score:
    """One line of the scorecard.

    Parameters
    ----------
    label : str
        What is judged.
    value : float or None
        The figure; ``None`` where `why_not` says so.
    unit : str
        ``bps``, ``share`` (a fraction), ``s``, ``h``, or empty for a plain number.
    low, high : float or None
        Ends of the figure's 95 % interval, where it is an estimate.
    at_least, at_most : float or None
        Bounds of the target, both included.
    verdict : Verdict
        See there.
    how : str
        How the figure is computed.
    why_not : str
        Why there is none.

    """

    label: str
    value: float | None
    unit: str
    low: float | None
    high: float | None
    at_least: float | None
    at_most: float | None
    verdict: Verdict
    how: str
    why_not: str = ""


@dataclass(frozen=True, slots=True)
class Revenue:
    """One source of revenue beside the share expected of it.

    Parameters
    ----------
    amount : Decimal
        In the scorecard's currency, signed.
    score : Score
        Its share of all revenue, judged.

    """

    amount: Decimal
    score: Score


@dataclass(frozen=True, slots=True)
class Scorecard:
    """A run held against ``[report.targets]``.

    Parameters
    ----------
    currency : str
        Of the amounts.
    scores : mapping of key to Score
        ``average_spread``, ``fill_rate``, ``adverse_selection_rate``, ``sharpe``, ``within_limits``,
        ``intraday_loss``, ``hedge_time`` and ``position_age``, in this order.
    revenue : mapping of key to Revenue
        ``spread_capture``, ``rebates`` and ``arbitrage``.

    """

    currency: str
    scores: dict[str, Score]
    revenue: dict[str, Revenue]


def scorecard(
    performance: Performance,
    attribution: AttributionSummary,
    conversion: Mapping[str, Decimal],
    hedges: HedgeSummary,
    targets: TargetSettings,
) -> Scorecard:
    """Return a run held against its targets.

    Parameters
    ----------
    performance : Performance
        Of the run; the figures of the whole run are judged.
    attribution : AttributionSummary
        Of the same.
    conversion : mapping of currency to Decimal
        Reference currency for one unit, at the end; assets in other currencies are left out of the revenue.
    hedges : HedgeSummary
        Of the same.
    targets : TargetSettings
        What is demanded.

    """
    metrics = performance.overall.metrics

    def judged(key: str, at_least: float | None, at_most: float | None, label: str | None = None) -> Score:
        return score_of(metrics[key], at_least, at_most, label)

    held = metrics["longest_held_s"]
    hours = replace(held, value=None if held.value is None else float(held.value) / 3600.0, unit="h")
    scores = {
        "average_spread": judged("average_spread_bps", *targets.average_spread_bps),
        "fill_rate": judged("fill_rate", *targets.fill_rate),
        "adverse_selection_rate": judged("adverse_selection_rate", None, targets.adverse_selection_rate_max),
        "sharpe": _of_a_year(judged("sharpe", targets.sharpe_min, None), metrics["sharpe"]),
        "within_limits": judged("within_limits", targets.within_limits_min, None),
        "intraday_loss": judged("intraday_loss_share", None, targets.intraday_loss_max),
        "hedge_time": score_of(_hedge_time(hedges), None, targets.hedge_s_max),
        "position_age": score_of(hours, None, targets.position_age_h_max),
    }
    return Scorecard(performance.currency, scores, _revenue(attribution, conversion, targets))


def score_of(metric: Metric, at_least: float | None, at_most: float | None, label: str | None = None) -> Score:
    """Return a figure held against bounds; uncertain where its interval lies on both sides of one."""
    value = None if metric.value is None else float(metric.value)
    inside = value is not None and not (
        (at_least is not None and value < at_least) or (at_most is not None and value > at_most)
    )
    verdict = Verdict.MET if inside else Verdict.MISSED
    if value is None:
        verdict = Verdict.NOT_MEASURED
    elif metric.low is not None and metric.high is not None:
        bounds = (bound for bound in (at_least, at_most) if bound is not None)
        if any(metric.low < bound < metric.high for bound in bounds):
            verdict = Verdict.UNCERTAIN
    return Score(
        label or metric.label, value, metric.unit, metric.low, metric.high, at_least, at_most, verdict, metric.how,
        metric.why_not,
    )  # fmt: skip


def _of_a_year(score: Score, metric: Metric) -> Score:
    """Leave an annual figure undecided that rests on less than a day: its interval knows nothing of the other hours."""
    seconds = (metric.n or 0) * STEP_S
    if score.value is None or seconds >= _DAY_S:
        return score
    return replace(score, verdict=Verdict.UNCERTAIN, how=f"{score.how}; {seconds / 60:.0f} min stand for a year here")


def _hedge_time(hedges: HedgeSummary) -> Metric:
    how = "longest time from a hedge being needed to its being done"
    reason = "nothing was hedged" if not hedges.count else "no hedge was done"
    if hedges.open:
        how += f"; {hedges.open} not done at the end have no time"
    return Metric(
        "Time to hedge", Group.RISK, hedges.seconds_max, "s", n=hedges.done, how=how,
        why_not="" if hedges.seconds_max is not None else reason,
    )  # fmt: skip


def _revenue(
    attribution: AttributionSummary, conversion: Mapping[str, Decimal], targets: TargetSettings
) -> dict[str, Revenue]:
    ranges = {
        "spread_capture": ("Spread capture", targets.spread_capture_share),
        "rebates": ("Rebates", targets.rebate_share),
        "arbitrage": ("Arbitrage", targets.arbitrage_share),
    }
    with localcontext(EXACT):
        amounts = {
            line: sum(
                (
                    getattr(one.total, line) * conversion[one.currency]
                    for one in attribution.assets.values()
                    if one.currency in conversion
                ),
                Decimal(0),
            )
            for line in ranges
        }
        whole = sum(amounts.values(), Decimal(0))
    sound = whole > 0 and all(amount >= 0 for amount in amounts.values())
    reason = "" if sound else "a source lost money or none earned any, so that shares mean nothing"
    found = {}
    for line, (label, bounds) in ranges.items():
        value = float(amounts[line]) / float(whole) if sound else None
        how = "its amount over spread capture, rebates and arbitrage together, before fees and adverse selection"
        found[line] = Revenue(
            amounts[line], score_of(Metric(label, Group.MONEY, value, "share", how=how, why_not=reason), *bounds)
        )
    return found
