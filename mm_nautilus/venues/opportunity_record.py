"""What is written down of crossings: each refusal, what was taken, what came of it, and when it was over."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final

from mm_nautilus.inventory.contract import COST, PLACES
from mm_nautilus.messages import OpportunityFact
from mm_nautilus.venues.arbitrage import Arbitrage
from mm_nautilus.venues.crossing import Ended, Opportunity, Verdict
from mm_nautilus.venues.legs import Legs

_ZERO: Final = Decimal(0)
_NOTHING: Final = Arbitrage(_ZERO, _ZERO, _ZERO, _ZERO, _ZERO)


class OpportunityRecord:
    """Writes the facts of one strategy on one asset.

    Parameters
    ----------
    strategy_id, asset : str
        Whose facts they are.
    venues : sequence of str
        Instrument ids, by the places that the scanner knows them by.

    """

    __slots__ = ("_asset", "_strategy_id", "_venues")

    def __init__(self, strategy_id: str, asset: str, venues: Sequence[str]) -> None:
        self._strategy_id, self._asset, self._venues = strategy_id, asset, tuple(venues)

    def missed(self, found: Opportunity) -> OpportunityFact:
        """Return why a crossing was left."""
        return self._seen(found, "MISSED", 0, "", "")

    def taken(self, legs: Legs) -> OpportunityFact:
        """Return that both legs are being sent."""
        ids = legs.buy.client_order_id, legs.sell.client_order_id
        return self._seen(legs.opportunity, "TAKEN", legs.number, *ids)

    def done(self, legs: Legs, ts_ns: int, why: str = "") -> OpportunityFact:
        """Return what came of both legs; `why` says so where that is not known to the end."""
        found, buy, sell = legs.opportunity, legs.buy, legs.sell
        return OpportunityFact(
            ts_ns,
            self._strategy_id,
            self._asset,
            found.episode,
            legs.number,
            "DONE",
            str(legs.result),
            self._venues[found.buy],
            self._venues[found.sell],
            found.ask,
            found.bid,
            min(buy.filled, sell.filled),
            buy.notional,
            sell.notional,
            legs.fees,
            legs.net_profit,
            legs.residual,
            legs.imbalance,
            legs.imbalance_notional,
            legs.gap_s,
            (ts_ns - legs.sent_ns) / 1e9,
            buy.client_order_id,
            sell.client_order_id,
            f"{legs.explanation}; {why}" if why else legs.explanation,
        )

    def ended(self, one: Ended) -> OpportunityFact:
        """Return that prices have come apart."""
        return OpportunityFact(
            one.ts_ns,
            self._strategy_id,
            self._asset,
            one.episode,
            0,
            "ENDED",
            str(one.verdict or Verdict.NOT_LIVE),
            self._venues[one.buy],
            self._venues[one.sell],
            one.ask,
            one.bid,
            _ZERO,
            _ZERO,
            _ZERO,
            _ZERO,
            _ZERO,
            _ZERO,
            _ZERO,
            _ZERO,
            None,
            (one.ts_ns - one.since_ns) / 1e9,
            "",
            "",
            f"taken {one.taken} times" if one.taken else "never taken",
        )

    def _seen(self, found: Opportunity, event: str, number: int, buy_id: str, sell_id: str) -> OpportunityFact:
        plan = _NOTHING if found.plan is None else found.plan
        return OpportunityFact(
            found.ts_ns,
            self._strategy_id,
            self._asset,
            found.episode,
            number,
            event,
            str(found.verdict),
            self._venues[found.buy],
            self._venues[found.sell],
            found.ask,
            found.bid,
            _cut(plan.size),
            _cut(plan.buy_notional),
            _cut(plan.sell_notional),
            _cut(plan.fees),
            _cut(plan.net_profit),
            _ZERO,
            _ZERO,
            _ZERO,
            None,
            (found.ts_ns - found.since_ns) / 1e9,
            buy_id,
            sell_id,
            found.explanation,
        )


def _cut(amount: Decimal) -> Decimal:
    """Return an amount as the run log can hold it: a fee of a price by a size may have more digits."""
    return amount.quantize(PLACES, ROUND_HALF_EVEN, COST)
