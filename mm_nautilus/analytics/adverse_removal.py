"""What is left of a PnL when the fills that turned out best never happened.

A simulated venue fills a resting order more kindly than a real one: where we and the market want the same trade, the
real queue is longer. The harshest reading of that is that the fills missed are the best ones. So the share asked for
of the maker fills is taken out, those with the highest markout first, and the account is made anew from the rest:
the same prices and commissions, the same final mark. The markout of a fill of signed size *x* at price *p* is what it
gained until a horizon later, :math:`V(x, M_{t + h}) - V(x, p)` with the contract's value *V*, commissions left out;
beyond the end of the data the last mid stands for the later one. Of equals the earlier goes first.

Nothing else changes: no quote is moved because a fill is gone, so the positions are those that the fills left add up
to, beyond the limit at times. Fills that took liquidity stay, since those happen because we want them to.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from mm_nautilus.analytics.drawdown import drawdown
from mm_nautilus.analytics.equity import EquityCurve, Floats, equity_curve, fill_path, worth
from mm_nautilus.analytics.instrument_log import InstrumentLog
from mm_nautilus.errors import ParameterError
from mm_nautilus.inventory.accounting import Accounting, account_for
from mm_nautilus.inventory.average_cost import Holding
from mm_nautilus.market import Side
from mm_nautilus.messages import FillFact

HALF = 0.5
HORIZON_S = 5.0


@dataclass(frozen=True, slots=True)
class AfterRemoval:
    """An instrument's account without some of its fills.

    Parameters
    ----------
    makers, removed : int
        Maker fills there were, and how many of them were taken out.
    kept : tuple of FillFact
        The rest, takers included, in the order they happened.
    books : Accounting
        The exact amounts that the rest comes to.
    curve : EquityCurve
        Equity of the rest at every mark.

    """

    makers: int
    removed: int
    kept: tuple[FillFact, ...]
    books: Accounting
    curve: EquityCurve

    @property
    def max_drawdown(self) -> float:
        """Largest fall of the equity below an earlier high, in settlement currency."""
        return drawdown(self.curve.equity).amount

    @property
    def inventory_max(self) -> float:
        """Largest absolute position after any fill and at the start, in base units (contracts)."""
        signed = [float(fill.size * Side[fill.side]) for fill in self.kept]
        opening = float(self.books.opening_position)
        return float(np.abs(opening + np.concatenate(([0.0], np.cumsum(signed)))).max())


def without_the_best(log: InstrumentLog, share: float = HALF, horizon_s: float = HORIZON_S) -> AfterRemoval:
    """Return an instrument's account without the best of its maker fills; see the module.

    Parameters
    ----------
    log : InstrumentLog
        Of the instrument.
    share : float
        Of the maker fills, from 0 to 1; a part of a fill is not removed.
    horizon_s : float
        After which a fill is judged, in seconds; above 0.

    Raises
    ------
    ParameterError
        For a share or a horizon out of range.

    """
    if not 0.0 <= share <= 1.0:
        raise ParameterError("share", share, "from 0 to 1")
    if not 0.0 < horizon_s < math.inf:
        raise ParameterError("horizon_s", horizon_s, "> 0 and finite")
    contract = log.facts.contract
    makers = [place for place, fill in enumerate(log.fills) if fill.liquidity != "TAKER"]
    gained = _markouts(log, horizon_s)[makers]
    worst_last = np.argsort(-gained, kind="stable")[: math.floor(share * len(makers))]
    gone = {makers[place] for place in worst_last.tolist()}
    kept = tuple(fill for place, fill in enumerate(log.fills) if place not in gone)
    opening = Holding()
    if log.opening_position and log.opening_mark is not None:
        opening = opening.after(log.opening_position, log.opening_mark, contract)
    return AfterRemoval(
        makers=len(makers),
        removed=len(gone),
        kept=kept,
        books=account_for(kept, log.books.final_mark, contract, log.opening_position, log.opening_mark),
        curve=equity_curve(fill_path(kept, contract, opening), log.curve.ts_ns, log.curve.mid, contract),
    )


def _markouts(log: InstrumentLog, horizon_s: float) -> Floats:
    """Return what each fill gained until a horizon later, in settlement currency."""
    signed = np.array([float(fill.size * Side[fill.side]) for fill in log.fills])
    price = np.array([float(fill.price) for fill in log.fills])
    later = price if not len(log.curve.ts_ns) else log.curve.mid[_last_before(log, horizon_s)]
    contract = log.facts.contract
    return worth(signed, later, contract) - worth(signed, price, contract)


def _last_before(log: InstrumentLog, horizon_s: float) -> np.ndarray:
    at = np.array([fill.ts_ns for fill in log.fills], dtype=np.int64) + round(horizon_s * 1e9)
    return np.maximum(np.searchsorted(log.curve.ts_ns, at, side="right") - 1, 0)


def change_of(log: InstrumentLog, after: AfterRemoval, currency: str) -> Decimal:
    """Return by how much a removal changes an account in one currency, commissions paid in it included.

    Parameters
    ----------
    log : InstrumentLog
        Before.
    after : AfterRemoval
        After.
    currency : str
        The account's.

    """
    change = Decimal(0)
    if log.facts.contract.settlement_currency == currency:
        change += after.books.total - log.books.total
    paid = dict(after.books.other_fees).get(currency, Decimal(0)) - dict(log.books.other_fees).get(currency, Decimal(0))
    return change - paid
