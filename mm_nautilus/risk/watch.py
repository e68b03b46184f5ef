"""Which measures stand behind the rules of the settings, and what each of them is told."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from mm_nautilus.messages import FillFact, HedgeFact, MarkFact, OrderFact, QuoteDecision
from mm_nautilus.risk.answers import Burst, Latency, MessageRate, Rejects
from mm_nautilus.risk.books import Books
from mm_nautilus.risk.exposure import Concentration, GrossExposure, NetExposure, ValueAtRisk
from mm_nautilus.risk.feed import StaleFeed, UnfitBook
from mm_nautilus.risk.fill_rate import FillRate
from mm_nautilus.risk.losses import DayLoss, Drawdown, HourLoss, Loss
from mm_nautilus.risk.machine import StageMachine
from mm_nautilus.risk.measure import Measure
from mm_nautilus.risk.orders import COMMANDS, OpenOrders
from mm_nautilus.risk.regimes import SpreadRegime, VolatilityRegime
from mm_nautilus.risk.settings import MoneyRule, RiskSettings, Rule

_REFUSED: Final = frozenset({"REJECTED", "DENIED"})
_TOO_LATE: Final = frozenset({"CANCEL_REJECTED", "MODIFY_REJECTED"})


class WatchedRule:
    """A rule at work: what is measured, for whom, and the stage it asks for."""

    __slots__ = ("machine", "measure", "name", "reason", "scope", "value")

    def __init__(self, name: str, scope: str, rule: Rule, measure: Measure) -> None:
        self.name, self.scope, self.measure = name, scope, measure
        self.machine = StageMachine(rule)
        self.value = measure.quick if isinstance(measure, FillRate) else measure.value
        """What the stage follows from."""
        self.reason = ""
        """Why it asks for its stage, as of the last change."""


class InstrumentWatch:
    """The measures of one instrument.

    Parameters
    ----------
    instrument_id : str
        The instrument.
    settings : RiskSettings
        Which rules there are.

    """

    def __init__(self, instrument_id: str, settings: RiskSettings) -> None:
        self.orders = OpenOrders()
        active = settings.rules()
        self._latency = Latency(settings.latency, self.orders)
        self._rejects = Rejects(settings.rejects)
        self._cancel_rejects = Burst(settings.cancel_rejects, "cancels and amends refused")
        self._fill_rate = None if settings.fill_rate is None else FillRate(settings.fill_rate)
        stale_feed, unfit_book = StaleFeed(), UnfitBook()
        measures: dict[str, Measure | None] = {
            "stale_feed": stale_feed,
            "unfit_book": unfit_book,
            "latency": self._latency,
            "rejects": self._rejects,
            "cancel_rejects": self._cancel_rejects,
            "fill_rate": self._fill_rate,
        }
        self._marked: list[Callable[[MarkFact], None]] = [stale_feed.marked, unfit_book.marked]
        if settings.volatility_regime is not None:
            volatility = measures["volatility_regime"] = VolatilityRegime(settings.volatility_regime)
            self._marked.append(volatility.marked)
        if settings.spread_regime is not None:
            spread = measures["spread_regime"] = SpreadRegime(settings.spread_regime)
            self._marked.append(spread.marked)
        self.rules = [
            WatchedRule(name, instrument_id, active[name], measure)
            for name, measure in measures.items()
            if measure is not None and name in active
        ]

    def marked(self, fact: MarkFact) -> None:
        """Take a mark."""
        for take in self._marked:
            take(fact)

    def decided(self, fact: QuoteDecision) -> None:
        """Take a decision."""
        if self._fill_rate is not None:
            self._fill_rate.decided(fact)

    def ordered(self, fact: OrderFact, now_ns: int) -> None:
        """Take what happened to an order."""
        sent_ns = self.orders.happened(fact, now_ns)
        if sent_ns is not None:
            self._latency.answered(sent_ns, now_ns)
        if fact.event in _REFUSED:
            self._rejects.refused(fact, now_ns)
        elif fact.event in _TOO_LATE:
            self._cancel_rejects.happened(now_ns)

    def filled(self, fact: FillFact, now_ns: int) -> None:
        """Take a fill."""
        sent_ns = self.orders.filled(fact)
        if sent_ns is not None:
            self._latency.answered(sent_ns, now_ns)
        if self._fill_rate is not None:
            self._fill_rate.filled(fact)


class WholeWatch:
    """The measures of everything together.

    Parameters
    ----------
    settings : RiskSettings
        Which rules there are.
    books : Books
        What is held and what was earned.

    """

    def __init__(self, settings: RiskSettings, books: Books) -> None:
        self._alarms = Burst(settings.hedge_alarms, "hedges not done in time")
        self._messages = None if settings.message_rate is None else MessageRate(settings.message_rate)
        active = settings.rules()
        self.rules = [
            WatchedRule(name, "", active[name], measure)
            for name, measure in self._measures(settings, books)
            if name in active
        ]
        self.losses = {rule.name: rule.measure for rule in self.rules if isinstance(rule.measure, Loss)}
        """The rules that compare equity with what it was, by name."""

    def _measures(self, settings: RiskSettings, books: Books) -> Iterator[tuple[str, Measure]]:
        def unit(rule: MoneyRule) -> float:
            return settings.capital if rule.of_capital and settings.capital is not None else 1.0

        yield "hedge_alarms", self._alarms
        if self._messages is not None:
            yield "message_rate", self._messages
        if settings.drawdown is not None:
            yield "drawdown", Drawdown(books.equity, unit(settings.drawdown))
        if settings.day_loss is not None:
            yield "day_loss", DayLoss(books.equity, unit(settings.day_loss), settings.rollover_utc)
        if (hour := settings.hour_loss) is not None:
            yield "hour_loss", HourLoss(books.equity, unit(hour), hour.window_s)
        if settings.gross_exposure is not None:
            yield "gross_exposure", GrossExposure(books, unit(settings.gross_exposure))
        if settings.net_exposure is not None:
            yield "net_exposure", NetExposure(books, unit(settings.net_exposure))
        if settings.concentration is not None:
            yield "concentration", Concentration(books, settings.concentration)
        if (at_risk := settings.value_at_risk) is not None:
            yield "value_at_risk", ValueAtRisk(books, at_risk, unit(at_risk))

    def ordered(self, fact: OrderFact, now_ns: int) -> None:
        """Take what happened to an order."""
        if self._messages is not None and fact.event in COMMANDS:
            self._messages.happened(now_ns)

    def hedged(self, fact: HedgeFact, now_ns: int) -> None:
        """Take what became of a hedge."""
        if fact.event == "ALARM":
            self._alarms.happened(now_ns)
