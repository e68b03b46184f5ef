"""What Prometheus is told, counted from the messages of the run.

Free of any engine. Taking a message costs well below a microsecond; putting the numbers into families is for whoever
asks.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from mm_nautilus.market import RiskStage
from mm_nautilus.messages import (
    AlertFact,
    ControlFact,
    FillFact,
    IncidentFact,
    MarkFact,
    OrderFact,
    QuoteDecision,
    RiskFact,
    RiskState,
)

TICK_TO_ORDER_S: Final = (1e-5, 2e-5, 3e-5, 4.5e-5, 6e-5, 9e-5, 1.25e-4, 1.8e-4, 2.5e-4, 5e-4, 1e-3, 5e-3, 2e-2)
ROUND_TRIP_S: Final = (1e-3, 2e-3, 5e-3, 1e-2, 2e-2, 5e-2, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
_COMMANDS: Final = {"SUBMIT": "submit", "AMEND": "amend", "CANCEL": "cancel"}
_ANSWERS: Final = {
    "ACCEPTED": ("submit",),
    "REJECTED": ("submit",),
    "DENIED": ("submit",),
    "UPDATED": ("amend",),
    "MODIFY_REJECTED": ("amend",),
    "CANCELED": ("cancel",),
    "CANCEL_REJECTED": ("cancel",),
}
_MOST_UNANSWERED: Final = 10_000


class Histogram:
    """Counts how many values lie in which bucket.

    Parameters
    ----------
    bounds : sequence of float
        Upper ends, rising.

    """

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = tuple(bounds)
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def take(self, value: float) -> None:
        """Count a value."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value


class Measures:
    """The numbers of one run.

    Parameters
    ----------
    limits : mapping of str to Decimal
        Largest position by instrument, in base units.

    """

    def __init__(self, limits: Mapping[str, Decimal]) -> None:
        self.limits = {name: float(limit) for name, limit in limits.items()}
        self.tick_to_order = Histogram(TICK_TO_ORDER_S)
        self.round_trips = {name: Histogram(ROUND_TRIP_S) for name in _COMMANDS.values()}
        self.venues: dict[str, bool] = {}
        self.errors: Counter[str] = Counter()
        self.refused: Mapping[str, int] = {}
        self._decisions: Counter[tuple[str, str]] = Counter()
        self._orders: Counter[tuple[str, str]] = Counter()
        self._fills: Counter[tuple[str, str, str, str]] = Counter()
        self._filled: Counter[tuple[str, str]] = Counter()
        self._fees: dict[tuple[str, str], Decimal] = {}
        self._alerts: Counter[tuple[str]] = Counter()
        self._incidents: Counter[tuple[str, str]] = Counter()
        self._controls: Counter[tuple[str, str]] = Counter()
        self._last: dict[str, QuoteDecision] = {}
        self._marks: dict[str, MarkFact] = {}
        self._stages: dict[str, RiskState] = {}
        self._values: dict[tuple[str, str], RiskFact] = {}
        self._sent: dict[tuple[str, str], int] = {}

    # -------------------------------------------------------------- messages

    def decided(self, fact: QuoteDecision) -> None:
        """Take a decision."""
        self._decisions[fact.instrument_id, fact.quote_state] += 1
        self._last[fact.instrument_id] = fact

    def ordered(self, fact: OrderFact, now_ns: int) -> None:
        """Take what happened to an order, heard of at `now_ns` on the clock of the run."""
        event, name = fact.event, fact.client_order_id
        self._orders[fact.instrument_id, event] += 1
        command = _COMMANDS.get(event)
        if command is not None:
            if len(self._sent) >= _MOST_UNANSWERED:
                self._sent.clear()
            self._sent[name, command] = now_ns
            return
        for command in _ANSWERS.get(event, ()):
            sent_ns = self._sent.pop((name, command), None)
            if sent_ns is not None:
                self.round_trips[command].take((now_ns - sent_ns) * 1e-9)

    def filled(self, fact: FillFact) -> None:
        """Take a fill."""
        self._fills[fact.instrument_id, fact.side, fact.liquidity, fact.purpose] += 1
        self._filled[fact.instrument_id, fact.side] += float(fact.size)  # type: ignore[assignment]
        paid = fact.instrument_id, fact.commission_currency
        self._fees[paid] = self._fees.get(paid, Decimal(0)) + fact.commission

    def marked(self, fact: MarkFact) -> None:
        """Take a mark."""
        self._marks[fact.instrument_id] = fact

    def restrained(self, fact: RiskState) -> None:
        """Take a stage."""
        self._stages[fact.instrument_id] = fact

    def measured(self, fact: RiskFact) -> None:
        """Take the value of a risk rule."""
        self._values[fact.rule, fact.scope] = fact

    def alerted(self, fact: AlertFact) -> None:
        """Take an alert."""
        self._alerts[(fact.source,)] += 1

    def happened(self, fact: IncidentFact) -> None:
        """Take an entry of an incident."""
        self._incidents[fact.source, fact.event] += 1

    def controlled(self, fact: ControlFact) -> None:
        """Take a command of the operator."""
        self._controls[fact.command, fact.outcome] += 1

    # ------------------------------------------------------------------ told

    def families(self, now_ns: int, beside: Mapping[str, float]) -> list[dict[str, Any]]:
        """Return every number as `mm_nautilus.live.beside.exposition` takes it.

        Parameters
        ----------
        now_ns : int
            On the clock of the run.
        beside : mapping of str to float
            Of the server: ``dropped`` snapshots, ``starts``; of the run: ``uptime_s``.

        """
        marks, last = self._marks, self._last
        one = ("instrument",)
        prices = [
            ([name, side], price)
            for name, decision in last.items()
            for side, ladder in (("bid", decision.bid_prices), ("ask", decision.ask_prices))
            if (price := next(iter(ladder), None)) is not None
        ]
        market = [
            ([name, side], price)
            for name, mark in marks.items()
            for side, price in (("bid", mark.bid), ("ask", mark.ask))
            if price is not None
        ]
        working = [
            ([name, side], float(size))
            for name, mark in marks.items()
            for side, size in (("buy", mark.open_buy), ("sell", mark.open_sell))
        ]
        heard = [([name], (now_ns - mark.market_ts_ns) * 1e-9) for name, mark in marks.items() if mark.market_ts_ns]
        used = [
            ([name], max(abs(decision.worst_long), abs(decision.worst_short)) / limit)
            for name, decision in last.items()
            if (limit := self.limits.get(name, 0.0)) > 0.0
        ]
        values = [([*key], fact.value) for key, fact in self._values.items() if fact.value is not None]
        stages = [([scope], RiskStage[state.stage].value) for scope, state in self._stages.items()] or [([""], 0)]
        return [
            _counted("mm_decisions", "Quote decisions by their outcome.", ("instrument", "state"), self._decisions),
            _counted("mm_orders", "Commands sent and answers heard.", ("instrument", "event"), self._orders),
            _counted("mm_fills", "Executions.", ("instrument", "side", "liquidity", "purpose"), self._fills),
            _counted("mm_filled_size", "Executed size, in base units.", ("instrument", "side"), self._filled),
            _gauge("mm_fees", "Fees paid, rebates below 0.", ("instrument", "currency"), _floats(self._fees)),
            _gauge(
                "mm_position", "In base units.", one, [([name], float(mark.position)) for name, mark in marks.items()]
            ),
            _gauge("mm_working_size", "Size of all orders out, in base units.", ("instrument", "side"), working),
            _gauge("mm_quote_price", "Best price we want to rest.", ("instrument", "side"), prices),
            _gauge("mm_market_price", "Best price of the market.", ("instrument", "side"), market),
            _gauge("mm_market_silence_seconds", "Since the market was last heard of.", one, heard),
            _gauge("mm_limit_use_ratio", "Worst-case |position| over its limit.", one, used),
            _gauge("mm_risk_stage", "0 normal, 1 widen, 2 reduce-only, 3 flatten, 4 halt.", ("scope",), stages),
            _gauge("mm_risk_value", "What a risk rule measures.", ("rule", "scope"), values),
            _gauge("mm_venue_up", "1 while connected.", ("venue",), _floats(self.venues, single=True)),
            _histogram("mm_tick_to_order_seconds", "Book update to command.", (), [([], self.tick_to_order)]),
            _histogram(
                "mm_order_round_trip_seconds",
                "Command to the venue's answer.",
                ("command",),
                [([name], one) for name, one in self.round_trips.items()],
            ),
            _counted("mm_alerts", "Alerts.", ("source",), self._alerts),
            _counted("mm_incident_entries", "Entries of incidents.", ("source", "event"), self._incidents),
            _counted("mm_control_commands", "Commands of the operator.", ("command", "outcome"), self._controls),
            _counted("mm_control_refused", "Attempts refused.", ("why",), {(n,): c for n, c in self.refused.items()}),
            _counted("mm_errors", "Errors beside trading.", ("source",), {(n,): c for n, c in self.errors.items()}),
            _counted("mm_snapshots_dropped", "Snapshots the server was too slow for.", (), {(): beside["dropped"]}),
            _counted("mm_server_starts", "Server processes started.", (), {(): beside["starts"]}),
            _gauge("mm_uptime_seconds", "Since the node began.", (), [([], beside["uptime_s"])]),
        ]


def _counted(name: str, words: str, labels: Sequence[str], counts: Mapping[Any, float]) -> dict[str, Any]:
    samples = [([*key], count) for key, count in counts.items()]
    return {"name": name, "type": "counter", "help": words, "labels": labels, "samples": samples}


def _gauge(name: str, words: str, labels: Sequence[str], samples: Iterable[tuple[list[str], float]]) -> dict[str, Any]:
    return {"name": name, "type": "gauge", "help": words, "labels": labels, "samples": list(samples)}


def _histogram(
    name: str, words: str, labels: Sequence[str], samples: Iterable[tuple[list[str], Histogram]]
) -> dict[str, Any]:
    counted = [(values, (one.counts, one.total)) for values, one in samples]
    bounds = next(iter(samples))[1].bounds if isinstance(samples, list) and samples else ()
    return {"name": name, "type": "histogram", "help": words, "labels": labels, "samples": counted, "bounds": bounds}


def _floats(values: Mapping[Any, Any], *, single: bool = False) -> list[tuple[list[str], float]]:
    return [([key] if single else [*key], float(value)) for key, value in values.items()]
