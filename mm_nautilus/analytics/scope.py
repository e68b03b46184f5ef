"""Everything a scope is judged by: its money, its risk, its quotes and fills, its periods and benchmarks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal, localcontext

from mm_nautilus.analytics.consolidated_marks import exact_price
from mm_nautilus.analytics.equity_steps import path_of, steps_of
from mm_nautilus.analytics.money_metrics import money_metrics
from mm_nautilus.analytics.performance import Benchmark, Scope
from mm_nautilus.analytics.periods import Amounts, periods
from mm_nautilus.analytics.quote_figures import QueueAhead, level_times
from mm_nautilus.analytics.quoting_metrics import quoting_metrics
from mm_nautilus.analytics.risk_metrics import risk_metrics
from mm_nautilus.analytics.trading import Part
from mm_nautilus.inventory.contract import COST, EXACT, PLACES


@dataclass(frozen=True, slots=True)
class Setting:
    """What holds for every scope of a run.

    Parameters
    ----------
    span_ns : tuple of int
        First and last instant.
    roll_over_ns : int
        When a trading day ends, in nanoseconds after midnight UTC.
    seed : int
        Of the bootstraps.

    """

    span_ns: tuple[int, int]
    roll_over_ns: int
    seed: int


def scope_of(
    currency: str,
    parts: Sequence[Part],
    amounts: Amounts,
    queues: Sequence[QueueAhead],
    setting: Setting,
    capital: Decimal | None = None,
) -> Scope:
    """Return the figures of a scope.

    Parameters
    ----------
    currency : str
        Of every amount.
    parts : sequence of Part
        Its instruments.
    amounts : sequence of (ts_ns, amount)
        Everything it earned and paid: they sum to its PnL.
    queues : sequence of QueueAhead
        Of its instruments.
    setting : Setting
        Of the run.
    capital : Decimal or None
        What returns are measured against, in `currency`.

    """
    steps, path = steps_of(parts, setting.span_ns), path_of(parts, setting.span_ns)
    with localcontext(EXACT):
        total = sum((amount for _, amount in amounts), Decimal(0))
    metrics = money_metrics(currency, parts, total, setting.seed, capital)
    metrics |= risk_metrics(
        currency, parts, (steps, path), setting.span_ns, setting.roll_over_ns, setting.seed, capital
    )
    metrics |= quoting_metrics(parts, setting.span_ns, queues, setting.seed)
    tables = periods(parts, amounts, steps, path, setting.span_ns, setting.roll_over_ns)
    return Scope(
        currency=currency,
        instruments=tuple(part.trading.name for part in parts),
        metrics=metrics,
        daily=tables["daily"],
        weekly=tables["weekly"],
        monthly=tables["monthly"],
        benchmarks=_benchmarks(parts, total, setting.span_ns),
        levels=level_times(parts[0].trading.log.timeline) if len(parts) == 1 else (),
    )


def _benchmarks(parts: Sequence[Part], total: Decimal, span_ns: tuple[int, int]) -> dict[str, Benchmark]:
    opening = average = Decimal(0)
    with localcontext(EXACT):
        for part in parts:
            log = part.trading.log
            final, contract = log.books.final_mark, log.facts.contract
            if final is None or not len(log.quoted_ns):
                continue
            first = log.opening_mark or exact_price(0.5 * (log.bid[0] + log.ask[0]), log.facts.tick)
            for held, add in ((log.opening_position, "opening"), (_average(part, span_ns), "average")):
                gained = (contract.value(held, final) - contract.value(held, first)) * part.conversion.last
                opening, average = (opening + gained, average) if add == "opening" else (opening, average + gained)
        return {
            "hold_opening": Benchmark(
                "Hold the opening position", opening, total - opening,
                "the positions held at the start kept to the end, from the first mid to the last mark",
            ),
            "hold_average": Benchmark(
                "Hold the average position", average, total - average,
                "the time-weighted average position held all along: what direction alone would have made; the rest is "
                "spread, timing and costs",
            ),
            "symmetric": Benchmark(
                "Symmetric control", None, None, "the same run under the model 'symmetric', which ignores inventory",
                "needs a run of its own: mm-nautilus compare RUNFILE --models MODEL,symmetric",
            ),
        }  # fmt: skip


def _average(part: Part, span_ns: tuple[int, int]) -> Decimal:
    """Return the time-weighted average position, exact up to one rounding at 16 places."""
    log, span = part.trading.log, span_ns[1] - span_ns[0]
    if not span:
        return log.opening_position
    position, since, moment = log.opening_position, span_ns[0], Decimal(0)
    for fill in sorted(log.fills, key=lambda fill: fill.ts_ns):
        at = min(max(fill.ts_ns, span_ns[0]), span_ns[1])
        moment += position * (at - since)
        position, since = position + fill.size * (1 if fill.side == "BUY" else -1), at
    moment += position * (span_ns[1] - since)
    return COST.divide(moment, Decimal(span)).quantize(PLACES, ROUND_HALF_EVEN, COST)
