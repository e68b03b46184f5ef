"""Everything a scope is judged by: its money, its risk, its quotes and fills, its periods and benchmarks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal, localcontext

import numpy as np

from mm_nautilus.analytics.consolidated_marks import exact_price
from mm_nautilus.analytics.drawdown import drawdown
from mm_nautilus.analytics.equity_steps import PER_YEAR, STEP_S, Steps, steps_of, worst_day_loss
from mm_nautilus.analytics.performance import Benchmark, Group, Metric, Scope
from mm_nautilus.analytics.periods import Amounts, periods
from mm_nautilus.analytics.quoting_metrics import QueueAhead, level_times, quoting_metrics
from mm_nautilus.analytics.ratios import Ratio, calmar_ratio, mean_of, profit_factor, share, sortino_ratio
from mm_nautilus.analytics.sharpe import sharpe_ratio
from mm_nautilus.analytics.trading import Part
from mm_nautilus.inventory.contract import COST, EXACT, PLACES

SHARPE_LAGS = 10
_NO_FILL = "nothing was filled"
_SEVERAL = "the instruments are counted in different units; see each of them"


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
    steps = steps_of(parts, setting.span_ns)
    with localcontext(EXACT):
        total = sum((amount for _, amount in amounts), Decimal(0))
    metrics = dict(_money(currency, parts, total, setting, capital))
    metrics |= dict(_risk(currency, parts, steps, setting, capital))
    metrics |= dict(quoting_metrics(parts, setting.span_ns, queues, setting.seed))
    tables = periods(parts, amounts, steps, setting.span_ns, setting.roll_over_ns)
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


def _pieces(parts: Sequence[Part]) -> np.ndarray:  # type: ignore[type-arg]
    """Return the PnL between fills of all instruments, in order of the fills."""
    if not parts:
        return np.empty(0)
    instants = np.concatenate([part.trading.fill_ns for part in parts])
    pieces = np.concatenate([part.trading.pieces * float(part.conversion.last) for part in parts])
    return np.asarray(pieces[np.argsort(instants, kind="stable")], dtype=np.float64)


def _money(
    currency: str, parts: Sequence[Part], total: Decimal, setting: Setting, capital: Decimal | None
) -> Iterator[tuple[str, Metric]]:
    pieces = _pieces(parts)
    n = len(pieces)
    single = parts[0].trading.log if len(parts) == 1 else None
    turnover = sum(
        (EXACT.multiply(part.trading.log.books.turnover, part.conversion.last) for part in parts), Decimal(0)
    )

    def money(label: str, value: Decimal | float | None, unit: str, how: str, why_not: str = _NO_FILL) -> Metric:
        return Metric(label, Group.MONEY, value, unit, n=n, how=how, why_not="" if value is not None else why_not)

    def estimate(label: str, value: float | None, unit: str, ratio: Ratio, how: str, why_not: str) -> Metric:
        reason = "" if value is not None else why_not
        return Metric(label, Group.MONEY, value, unit, ratio.stderr, ratio.low, ratio.high, n, how, reason)

    yield "total_pnl", money("Total PnL", total, currency, "after fees and rebates, what is open at the last mark")
    mean = mean_of(pieces, setting.seed)
    per_trade = float(total) / n if n else None
    yield "pnl_per_trade", estimate(
        "PnL per trade", per_trade, currency, mean, "total over fills; interval and error from blocks "
        "of the PnL between one fill and the next", _NO_FILL,
    )  # fmt: skip
    volume = None if single is None else single.books.volume
    yield "pnl_per_unit", money(
        "PnL per unit traded", float(total) / float(volume) if volume else None, currency, "total over volume",
        _SEVERAL if single is None else _NO_FILL,
    )  # fmt: skip
    scale = n * 1e4 / float(turnover) if turnover else 0.0
    in_bps = Ratio(None, *(None if one is None else one * scale for one in (mean.stderr, mean.low, mean.high)))
    yield "pnl_bps", estimate(
        "PnL over turnover", 1e4 * float(total) / float(turnover) if turnover else None, "bps", in_bps,
        "total over turnover", _NO_FILL,
    )  # fmt: skip
    yield (
        "volume",
        money("Volume", volume, "" if single is None else single.facts.size_unit, "sum of the sizes filled", _SEVERAL),
    )
    yield "turnover", money("Turnover", turnover, currency, "sum of the absolute values traded")
    yield "trades", Metric("Trades", Group.MONEY, float(n), "", how="fills")
    factor = profit_factor(pieces, setting.seed)
    yield "profit_factor", estimate(
        "Profit factor", factor.value, "", factor, "gains over losses of the PnL between one fill and the next",
        "nothing was lost between one fill and the next" if n else _NO_FILL,
    )  # fmt: skip
    won = share(int((pieces > 0).sum()), n)
    yield (
        "win_rate",
        estimate(
            "Win rate",
            won.value,
            "share",
            won,
            "share of the same that is above 0, the error as of independent ones",
            _NO_FILL,
        ),
    )
    no_capital = "no capital is known: state [report] capital"
    for key, label, amount, unit, how in (
        ("return_on_capital", "Return on capital", total, "share", "total over capital, of the run"),
        ("turnover_of_capital", "Capital turned over", turnover, "", "turnover over capital, of the run"),
    ):
        yield key, money(label, float(amount) / float(capital) if capital else None, unit, how, no_capital)


def _risk(
    currency: str, parts: Sequence[Part], steps: Steps, setting: Setting, capital: Decimal | None
) -> Iterator[tuple[str, Metric]]:
    increments = steps.increments
    n = len(increments)
    year = f"increments of {STEP_S:g} s, a year of 365 days"

    def risk(
        label: str, value: float | None, unit: str, how: str, why_not: str = "", ratio: Ratio | None = None
    ) -> Metric:
        known = ratio or Ratio(None)
        reason = "" if value is not None else why_not
        return Metric(
            label, Group.RISK, value, unit, known.stderr, known.low, known.high, n if ratio else None, how, reason
        )

    found = sharpe_ratio(increments, PER_YEAR, SHARPE_LAGS)
    still = "the equity never moved" if n > 1 else f"the run is shorter than two steps of {STEP_S:g} s"
    error = None if found.standard_error is None else found.standard_error * PER_YEAR**0.5
    bounds = (
        (None, None)
        if error is None or found.annual is None
        else (found.annual - 1.96 * error, found.annual + 1.96 * error)
    )
    yield "sharpe", risk("Sharpe ratio", found.annual, "", f"annual, {year}", still, Ratio(None, error, *bounds))
    yield (
        "sharpe_lo",
        risk(
            "Sharpe ratio, autocorrelation corrected",
            found.annual_lo,
            "",
            f"Lo's correction with {SHARPE_LAGS} lags",
            still,
        ),
    )
    sortino = sortino_ratio(increments, PER_YEAR, setting.seed)
    yield (
        "sortino",
        risk("Sortino ratio", sortino.value, "", f"annual, against 0, {year}", "nothing was ever lost", sortino),
    )
    fall = drawdown(steps.equity)
    yield (
        "max_drawdown",
        risk("Largest drawdown", fall.amount, currency, f"from a high of the equity, in steps of {STEP_S:g} s"),
    )
    yield "calmar", risk(
        "Calmar ratio", calmar_ratio(increments, PER_YEAR, fall.amount), "",
        "annual PnL over the largest drawdown of the run; no error: a largest drawdown grows with the length of a run",
        "nothing was ever lost",
    )  # fmt: skip
    loss = worst_day_loss(steps, setting.roll_over_ns)
    yield (
        "intraday_loss",
        risk(
            "Largest loss within a day",
            loss,
            currency,
            f"below the equity when the day began, in steps of {STEP_S:g} s",
        ),
    )
    yield "intraday_loss_share", risk(
        "Largest loss within a day, of capital", loss / float(capital) if capital else None, "share",
        "the same over capital",
        "no capital is known: state [report] capital",
    )  # fmt: skip
    yield from _inventory(parts, setting.span_ns)


def _inventory(parts: Sequence[Part], span_ns: tuple[int, int]) -> Iterator[tuple[str, Metric]]:
    unit, std, largest, mean = "", None, None, None
    if len(parts) == 1:
        log = parts[0].trading.log
        unit, weights = log.facts.size_unit, _weights(log.path.ts_ns, span_ns)
        held = log.path.position
        average = float(np.average(held, weights=weights))
        std = float(np.sqrt(np.average((held - average) ** 2, weights=weights)))
        mean, largest = float(np.average(np.abs(held), weights=weights)), float(np.abs(held).max())
    for key, label, value, how in (
        ("inventory_std", "Inventory volatility", std, "standard deviation of the position over time"),
        ("inventory_max", "Largest inventory", largest, "largest absolute position"),
        ("inventory_mean", "Mean inventory", mean, "mean absolute position over time"),
    ):
        reason = "" if value is not None else _SEVERAL
        yield key, Metric(label, Group.RISK, value, unit, how=how, why_not=reason)
    limited = [part for part in parts if part.trading.log.facts.position_limit is not None]
    kept = [_within_limit(part, span_ns) for part in limited]
    yield "within_limits", Metric(
        "Time within limits", Group.RISK, sum(kept) / len(kept) if kept else None, "share",
        how="share of the time with the absolute position at or below its limit, averaged over instruments",
        why_not="" if kept else "no instrument has a position limit",
    )  # fmt: skip
    longest = max((part.trading.longest_held_s for part in parts), default=0.0)
    yield (
        "longest_held_s",
        Metric(
            "Longest held",
            Group.RISK,
            longest,
            "s",
            how="longest time from buying or selling anything to closing it, first in, first out; what is open at the "
            "end up to then",
        ),
    )


def _weights(fill_ns: np.ndarray, span_ns: tuple[int, int]) -> np.ndarray:  # type: ignore[type-arg]
    times = np.concatenate(([span_ns[0]], np.clip(fill_ns, *span_ns), [span_ns[1]]))
    weights = np.diff(times).astype(np.float64)
    return weights if weights.any() else np.append(np.zeros(len(weights) - 1), 1.0)


def _within_limit(part: Part, span_ns: tuple[int, int]) -> float:
    log = part.trading.log
    # Positions are whole lots in floats: a millionth of a lot is their noise, not a position.
    over = np.abs(log.path.position) > float(log.facts.position_limit or 0) + 1e-6 * float(log.facts.lot)
    weights = _weights(log.path.ts_ns, span_ns)
    return 1.0 - float(weights[over].sum() / weights.sum())


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
