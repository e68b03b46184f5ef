r"""Arbitrage between all pairs of venues: what was seen, what to take, and why the rest was left.

Best prices in the common currency are compared first, in floats, which costs a few hundred nanoseconds a venue. Only
where the best bid of one venue stands above the best ask of another are the books walked, in exact money
(`mm_nautilus.venues.arbitrage`), and everything held against it that turns a crossed price into something else than
money: venues that are not live, quotes that are old, balances, fees, the least edge with an allowance

.. math:: e = e_{\min} + z\,\sigma\sqrt{\max(\text{latency})} / a

for what the price does until both orders arrive, the least profit, a crossing that has stood too long to be true, and
depth that was taken a moment ago.

A crossing is one before fees: what only rebates would pay for is not looked for. Each is one *episode*, which ends when
the prices no longer cross; everything taken is reported, and each reason for a refusal once an episode. Leg risk
remains: one order may fill and the other not; that residual belongs to the hedger. Two instruments that never become
each other (spot and a perpetual) cross for weeks by their basis: that is a carry trade, and no business of this module.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from copy import replace
from dataclasses import dataclass, field
from decimal import Decimal, localcontext
from typing import Final

from mm_nautilus.errors import ParameterError
from mm_nautilus.inventory.contract import EXACT
from mm_nautilus.market import Side
from mm_nautilus.venues.arbitrage import ExactDepth
from mm_nautilus.venues.crossing import Ended, Means, Opportunity, ScanTerms, Trader, Verdict, judge
from mm_nautilus.venues.venue import Health

_NS_PER_S: Final = 1_000_000_000
# What floats may make of best prices, fees and rates, as a fraction.
_ROUNDING: Final = 1e-9

type BookOf = Callable[[int, Side], ExactDepth]
"""Levels of one venue that an order of a side would take (BUY: asks), best first, in the common currency and base
units; asked for only where prices cross."""
type MeansOf = Callable[[int], Means]
"""What our account at one venue could trade with."""


@dataclass(slots=True)
class _Episode:
    """A pair of venues that crosses now."""

    number: int
    since_ns: int
    ask: float
    """Best prices when they crossed the most."""
    bid: float
    ripe_ns: int | None = None
    """Since when the best prices have left the least edge, without a break."""
    last: Verdict | None = None
    """The latest answer."""
    told: set[Verdict] = field(default_factory=set)
    """The answers that were reported."""
    taken: int = 0
    """How often it was taken from."""


class OpportunityScanner:
    """Watches the best prices of several venues for crossings; see the module.

    Parameters
    ----------
    traders : sequence of Trader
        Named by their place in it from here on.
    terms : ScanTerms
        What a crossing must leave.

    Raises
    ------
    ParameterError
        For fewer than two venues.

    """

    def __init__(self, traders: Sequence[Trader], terms: ScanTerms) -> None:
        if len(traders) < 2:
            raise ParameterError("traders", [trader.name for trader in traders], "two or more")
        n = len(traders)
        self.traders, self.terms = tuple(traders), terms
        self.counts: Counter[Verdict] = Counter()
        """Reports by verdict: each refusal once an episode, and everything that was taken."""
        self.episodes = 0
        """Crossings that began."""
        self._bid = [-math.inf] * n
        self._ask = [math.inf] * n
        self._quoted_ns = [0] * n
        self._health = [Health.NO_BOOK] * n
        self._open: dict[tuple[int, int], _Episode] = {}
        self._ended: list[Ended] = []
        self._pays = [1.0 + float(trader.taker_fee) for trader in traders]
        self._gets = [1.0 - float(trader.taker_fee) for trader in traders]
        self._free_ns: dict[tuple[int, Side], int] = {}

    def update(self, venue: int, bid: float, ask: float, ts_ns: int, health: Health = Health.LIVE) -> None:
        """Take the best prices of a venue.

        Parameters
        ----------
        venue : int
            Place in `traders`.
        bid, ask : float
            Common currency; 0 or NaN for a side that is missing.
        ts_ns : int
            When they were received, in nanoseconds.
        health : Health
            Whether the venue counts.

        """
        self._bid[venue] = bid if bid > 0.0 else -math.inf
        self._ask[venue] = ask if ask > 0.0 else math.inf
        self._quoted_ns[venue] = ts_ns
        self.set_health(venue, health)

    def set_health(self, venue: int, health: Health) -> None:
        """Note that a venue has come or gone without a quote; one that crosses itself or is locked stays out."""
        crossed = health is Health.LIVE and self._bid[venue] >= self._ask[venue]
        self._health[venue] = Health.CROSSED_BOOK if crossed else health

    def scan(
        self, now_ns: int, book: BookOf, means: MeansOf, sigma: float = 0.0, barred: str = ""
    ) -> list[Opportunity]:
        """Return what there is to report now, the one to take (at most one a call) among it.

        What is returned as taken is taken for sent: the two sides of the books it takes from rest for the cooldown.

        Parameters
        ----------
        now_ns : int
            In nanoseconds.
        book : BookOf
            Depth, asked for only where prices cross.
        means : MeansOf
            What either venue could trade.
        sigma : float
            Volatility in common currency per square-root second; at least 0.
        barred : str
            Why nothing may be taken now; empty where it may.

        Raises
        ------
        ParameterError
            For a sigma that is negative or not finite, or a bad level.

        """
        # Nothing crosses where the highest bid of all is not above the lowest ask.
        if max(self._bid) <= min(self._ask):
            if self._open:
                self.end(now_ns)
            return []
        if not 0.0 <= sigma < math.inf:
            raise ParameterError("sigma", sigma, ">= 0 and finite")
        self._follow(now_ns)
        judged = [self._judge(pair, one, now_ns, book, means, sigma, barred) for pair, one in self._open.items()]
        answers = [answer for answer in judged if answer is not None]
        best = max((one for one in answers if one.verdict is Verdict.TAKEN), key=_profit, default=None)
        reports = []
        for answer in answers:
            said = answer
            if answer.verdict is Verdict.TAKEN and answer is not best:
                why = f"{answer.explanation}; a better one was taken at the same instant"
                said = replace(answer, verdict=Verdict.COOLDOWN, explanation=why)
            episode = self._open[answer.buy, answer.sell]
            episode.last = said.verdict
            if said.verdict not in episode.told or said is best:
                episode.told.add(said.verdict)
                self.counts[said.verdict] += 1
                reports.append(said)
            episode.taken += said is best
        if best is not None:
            free_ns = now_ns + round(self.terms.cooldown_s * _NS_PER_S)
            self._free_ns[best.buy, Side.BUY] = self._free_ns[best.sell, Side.SELL] = free_ns
        return reports

    def end(self, now_ns: int) -> None:
        """Close every episode: the prices no longer cross, or nobody looks any more."""
        for pair in list(self._open):
            self._close(pair, now_ns)

    def take_ended(self) -> list[Ended]:
        """Return the episodes that ended since this was last asked."""
        ended, self._ended = self._ended, []
        return ended

    def _close(self, pair: tuple[int, int], now_ns: int) -> None:
        one = self._open.pop(pair)
        self._ended.append(Ended(now_ns, one.since_ns, one.number, *pair, one.ask, one.bid, one.last, one.taken))

    def _follow(self, now_ns: int) -> None:
        """Open an episode for each pair that has begun to cross, and close those that no longer do."""
        lowest, highest = min(self._ask), max(self._bid)
        sells = [(sell, bid) for sell, bid in enumerate(self._bid) if bid > lowest]
        crossing = {
            (buy, sell)
            for buy, ask in enumerate(self._ask)
            if ask < highest
            for sell, bid in sells
            if bid > ask and buy != sell
        }
        for pair in [pair for pair in self._open if pair not in crossing]:
            self._close(pair, now_ns)
        for pair in sorted(crossing):
            ask, bid = self._ask[pair[0]], self._bid[pair[1]]
            one = self._open.get(pair)
            if one is None:
                self.episodes += 1
                self._open[pair] = _Episode(self.episodes, now_ns, ask, bid)
            elif bid * one.ask > one.bid * ask:
                one.ask, one.bid = ask, bid

    def _judge(
        self,
        pair: tuple[int, int],
        episode: _Episode,
        now_ns: int,
        book: BookOf,
        means: MeansOf,
        sigma: float,
        barred: str,
    ) -> Opportunity | None:
        """Return the answer to one crossing, ``None`` where the best prices say that it is the last one still."""
        buy, sell = pair
        ask, bid = self._ask[buy], self._bid[sell]
        buyer, seller, terms = self.traders[buy], self.traders[sell], self.terms
        allowance = terms.z * sigma * math.sqrt(max(buyer.latency_s, seller.latency_s)) / ask
        least = 1e-4 * float(terms.min_edge_bps) + allowance
        left = bid * self._gets[sell] / (ask * self._pays[buy]) - 1.0
        if left <= least:
            episode.ripe_ns = None
        elif episode.ripe_ns is None:
            episode.ripe_ns = now_ns
        refusal = self._refusal(buy, sell, now_ns, episode)
        if refusal is not None:
            return Opportunity(now_ns, episode.since_ns, buy, sell, ask, bid, *refusal, None, episode.number)
        # Most crossings stay within the fees for as long as they last: the books need not be walked again.
        if episode.last is Verdict.FEES and left < -_ROUNDING:
            return None
        if episode.last is Verdict.MIN_EDGE and _ROUNDING < left < least - _ROUNDING:
            return None
        with localcontext(EXACT):
            edge = terms.min_edge_bps.scaleb(-4) + Decimal(f"{allowance:.12f}")
        payer = means(buy)
        both = Means(means(sell).base, payer.cash, payer.room)
        answer = judge(book(buy, Side.BUY), book(sell, Side.SELL), buyer, seller, terms, both, edge, barred)
        return Opportunity(now_ns, episode.since_ns, buy, sell, ask, bid, *answer, episode.number)

    def _refusal(self, buy: int, sell: int, now_ns: int, episode: _Episode) -> tuple[Verdict, str] | None:
        """Return why the crossing is not even worth walking the books for."""
        terms = self.terms
        for venue in (buy, sell):
            if self._health[venue] is not Health.LIVE:
                return Verdict.NOT_LIVE, f"{self.traders[venue].name} is {self._health[venue]}"
        for venue in (buy, sell):
            age_s = (now_ns - self._quoted_ns[venue]) / _NS_PER_S
            if age_s > terms.max_quote_age_s:
                name = self.traders[venue].name
                return (
                    Verdict.OLD_QUOTE,
                    f"the quote of {name} is {age_s:.3f} s old, {terms.max_quote_age_s:g} s allowed",
                )
        stood_s = 0.0 if episode.ripe_ns is None else (now_ns - episode.ripe_ns) / _NS_PER_S
        if stood_s > terms.expiry_s:
            return (
                Verdict.EXPIRED,
                f"has paid for {stood_s:.3f} s, {terms.expiry_s:g} s allowed: free money is not so patient",
            )
        free_ns = max(self._free_ns.get((buy, Side.BUY), 0), self._free_ns.get((sell, Side.SELL), 0))
        if now_ns < free_ns:
            return Verdict.COOLDOWN, f"taken from a moment ago, free in {(free_ns - now_ns) / _NS_PER_S:.3f} s"
        return None


def _profit(one: Opportunity) -> Decimal:
    return Decimal(0) if one.plan is None else one.plan.net_profit
