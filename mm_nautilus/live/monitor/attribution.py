"""Where the PnL came from so far, by the definitions of `mm_nautilus.analytics.attribution`.

An attribution is additive in time and over fills. What the position earned until now, and every fill whose markout
horizon has passed, is attributed once and kept as a sum; the fills of the last few seconds are attributed anew at each
look, because what the mark does to them is not known yet. For linear contracts the result is to the last digit what
the report of the finished run says; for inverse ones each step may add a rounding of 1e-16. A fill that is told of
after a later mark was followed counts at the mark before it, where the report knows the book that it met.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Mapping, Sequence
from copy import replace
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final, NamedTuple

from mm_nautilus.analytics.attributed_fill import AttributedFill, attributed_fill
from mm_nautilus.analytics.attribution import attribute
from mm_nautilus.analytics.attribution_lines import Attribution
from mm_nautilus.analytics.attribution_summary import HORIZON_S
from mm_nautilus.analytics.consolidated_marks import ConsolidatedMarks, exact_price
from mm_nautilus.analytics.facts import InstrumentFacts
from mm_nautilus.analytics.instrument_log import exact_mid
from mm_nautilus.analytics.rate_path import exact_rate
from mm_nautilus.analytics.valuation import Mark, Valuation
from mm_nautilus.market import Side
from mm_nautilus.messages import FillFact, MarkFact

_HORIZON_NS: Final = round(HORIZON_S * 1e9)
_KEPT_NS: Final = 60 * 10**9  # a fill that is told of later than this counts at the oldest mark there is
_PATIENCE: Final = 4_096  # facts
_ZERO, _ONE = Decimal(0), Decimal(1)
_NOTHING: Final = Attribution()


class _Worth(NamedTuple):
    ts_ns: int
    here: float
    """What the asset is worth on the instrument's venue, in the instrument's quote currency."""
    everywhere: float
    """What it is worth without the basis of that venue."""


class _Seen(NamedTuple):
    """Best prices of a market, NaN where it is not fit to be marked at; a mark, or the book that a fill met."""

    ts_ns: int
    number: int
    is_fill: bool
    bid: float
    ask: float


@dataclass(slots=True)
class _Line:
    """One instrument. `settled` holds what the position earned until `path` ends, but for the fills in `young`."""

    facts: InstrumentFacts
    opening: Decimal | None = None
    own_mark: Decimal | None = None
    first_ns: int | None = None
    rate: float = 1.0
    path: list[_Worth] = field(default_factory=list)
    base: _Worth | None = None
    carried: Decimal = _ZERO
    settled: Attribution = _NOTHING
    young: list[AttributedFill] = field(default_factory=list)

    def begin(self, first: _Worth) -> None:
        """Take what the asset was worth when all began, and the opening position at its venue's own mark."""
        self.base, self.path = first, [first]
        self.carried = self.opening or _ZERO
        if self.carried and self.own_mark is not None:
            price, everywhere = self._exact(first)
            self.settled = self._valued([(0, price)], [everywhere], self.own_mark, price, (), self.carried)

    def so_far(self) -> Attribution:
        """Return the attribution until the last mark."""
        assert self.base is not None
        last = self.path[-1]
        grown = [fill for fill in self.young if fill.ts_ns + _HORIZON_NS <= last.ts_ns]
        self.settled += self._over([self.base, last], (), self.carried) + self._over(self.path, grown)
        self.base = last
        self.carried += _position(grown)
        self.young = [fill for fill in self.young if fill.ts_ns + _HORIZON_NS > last.ts_ns]
        oldest_ns = min([fill.ts_ns for fill in self.young], default=last.ts_ns)
        keep = bisect_left(self.path, oldest_ns - _KEPT_NS, key=lambda worth: worth.ts_ns)
        del self.path[: max(keep - 1, 0)]
        position = self.carried + _position(self.young)
        lines = self.settled + self._over(self.path, self.young) + self._beyond(position, last)
        return replace(lines, position=position)

    def _beyond(self, position: Decimal, last: _Worth) -> Attribution:
        """Return what the venue's own mark says beyond the asset's worth there."""
        price, everywhere = self._exact(last)
        if self.own_mark is None or self.own_mark == price or not position:
            return _NOTHING
        return self._valued([(last.ts_ns, price)], [everywhere], price, self.own_mark, (), position)

    def _over(self, path: Sequence[_Worth], fills: Sequence[AttributedFill], carried: Decimal = _ZERO) -> Attribution:
        """Attribute over the marks that matter: drifts add up over what lies between."""
        if not (fills or carried) or (carried and path[0] is path[-1]):
            return _NOTHING
        instants = {instant for fill in fills for instant in (fill.ts_ns - 1, fill.ts_ns + _HORIZON_NS)}
        times = [worth.ts_ns for worth in path]
        needed = {0, len(path) - 1} | {max(bisect_right(times, instant) - 1, 0) for instant in instants}
        kept = [path[at] for at in sorted(needed)]
        exact = [self._exact(worth) for worth in kept]
        marks = [(worth.ts_ns, price) for worth, (price, _) in zip(kept, exact, strict=True)]
        in_time = [fill if fill.ts_ns >= marks[0][0] else replace(fill, ts_ns=marks[0][0]) for fill in fills]
        return self._valued(marks, [one for _, one in exact], marks[0][1], marks[-1][1], in_time, carried)

    def _valued(
        self,
        marks: Sequence[Mark],
        asset: Sequence[Decimal],
        own_first: Decimal,
        own_last: Decimal,
        fills: Sequence[AttributedFill],
        carried: Decimal,
    ) -> Attribution:
        valuation = Valuation(asset, own_first, own_last, [_ONE] * len(marks))
        return attribute(fills, marks, self.facts.contract, _HORIZON_NS, carried, (), valuation)

    def _exact(self, worth: _Worth) -> tuple[Decimal, Decimal]:
        here = exact_price(worth.here, self.facts.tick)
        return here, here if worth.everywhere == worth.here else exact_price(worth.everywhere, self.facts.tick)


def _position(fills: Sequence[AttributedFill]) -> Decimal:
    return sum((fill.size * fill.side for fill in fills), _ZERO)


class AssetSoFar:
    """The attribution of every instrument of one asset, in its settlement currency.

    Parameters
    ----------
    instruments : sequence of InstrumentFacts
        The one that is quoted first in front: its quote currency is the asset's reference.
    rates : mapping of currency to Decimal, optional
        Reference currency for one unit of each other quote currency; the ratio of the first mids where it is not known.

    """

    def __init__(self, instruments: Sequence[InstrumentFacts], rates: Mapping[str, Decimal] | None = None) -> None:
        self._lines = [_Line(facts) for facts in instruments]
        self._numbers = {facts.instrument_id: number for number, facts in enumerate(instruments)}
        self._stated = dict(rates or {})
        self._followed: ConsolidatedMarks | None = None
        self._first_value: float | None = None
        self._latest_ns = 0
        self._books: list[_Seen] = []
        self._queue: deque[MarkFact | FillFact] = deque()
        self._so_far: dict[str, Attribution] = {}
        self.take = self._queue.append
        """Take a mark or a fill; nothing is computed before the next look."""

    def so_far(self) -> dict[str, Attribution]:
        """Return the attribution by instrument; one that was never fit to be marked at is missing."""
        if self._queue:
            self._work_off()
            self._so_far = {line.facts.instrument_id: line.so_far() for line in self._lines if line.path}
        return self._so_far

    def _work_off(self) -> None:
        """Follow the markets in order of time; the book that a fill met counts when a later mark is there."""
        if self._followed is None:
            rates = self._rates()
            if rates is None:
                return
            self._followed = ConsolidatedMarks(len(rates))
            for line, rate in zip(self._lines, rates, strict=True):
                line.rate = rate
        seen, until_ns = self._books, 0
        for fact in self._queue:
            number = self._numbers[fact.instrument_id]
            line = self._lines[number]
            if isinstance(fact, MarkFact):
                until_ns = max(until_ns, fact.ts_ns)
                if line.opening is None:
                    line.opening = fact.position
                seen.append(_Seen(fact.ts_ns, number, False, _or_nan(fact.bid), _or_nan(fact.ask)))
                continue
            if line.opening is None:
                line.opening = fact.position_after - fact.size * Side[fact.side]
            line.young.append(attributed_fill(fact, line.facts))
            if fact.bid is not None and fact.ask is not None:
                seen.append(_Seen(fact.ts_ns - 1, number, True, fact.bid, fact.ask))
        self._queue.clear()
        self._books = [one for one in seen if one.ts_ns > until_ns]
        for one in sorted((one for one in seen if one.ts_ns <= until_ns), key=lambda one: one[:3]):
            self._see(one)

    def _see(self, seen: _Seen) -> None:
        line, two_sided = self._lines[seen.number], math.isfinite(seen.bid) and math.isfinite(seen.ask)
        if seen.ts_ns < self._latest_ns or (seen.is_fill and (line.first_ns is None or seen.ts_ns < line.first_ns)):
            return
        self._latest_ns = seen.ts_ns
        if two_sided and not seen.is_fill:
            line.own_mark = exact_mid(seen.bid, seen.ask, line.facts.tick)
            line.first_ns = seen.ts_ns if line.first_ns is None else line.first_ns
        if len(self._lines) == 1:
            if two_sided:
                self._mark(line, seen.ts_ns, 0.5 * (seen.bid + seen.ask), 0.0)
            return
        assert self._followed is not None
        value = self._followed.take(seen.number, seen.bid * line.rate, seen.ask * line.rate, seen.ts_ns)
        if value is None:
            return
        for number, other in enumerate(self._lines):
            basis = self._followed.basis(number)
            if not math.isnan(basis):
                self._mark(other, seen.ts_ns, value, basis)

    def _mark(self, line: _Line, ts_ns: int, value: float, basis: float) -> None:
        if self._first_value is None:
            self._first_value = value
        if not line.path:
            first = self._first_value
            line.begin(_Worth(0, (first + basis) / line.rate, first / line.rate))
        line.path.append(_Worth(ts_ns, (value + basis) / line.rate, value / line.rate))

    def _rates(self) -> list[float] | None:
        """Return what the quote currencies are worth in the first one's, ``None`` while a mid is missing for that."""
        mids: dict[str, float] = {}
        for fact in self._queue:
            if isinstance(fact, MarkFact) and fact.bid is not None and fact.ask is not None:
                mids.setdefault(fact.instrument_id, 0.5 * (fact.bid + fact.ask))
        reference = self._lines[0].facts
        rates: list[float] = []
        for line in self._lines:
            facts, currency = line.facts, line.facts.contract.quote_currency
            if currency == reference.contract.quote_currency:
                rates.append(1.0)
            elif currency in self._stated:
                rates.append(float(self._stated[currency]))
            elif {reference.instrument_id, facts.instrument_id} <= mids.keys():
                rates.append(float(exact_rate(mids[reference.instrument_id] / mids[facts.instrument_id])))
            elif len(self._queue) > _PATIENCE:
                rates.append(1.0)  # as the report does with a market that was never seen
            else:
                return None
        return rates


def _or_nan(price: float | None) -> float:
    return math.nan if price is None else price
