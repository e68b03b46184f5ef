r"""Where the PnL came from: lines that add up to the total, to the last digit.

One reference mark :math:`M(t)` per asset, constant between its marks and the same for every venue (else the basis
between venues shows up as inventory). A fill at the instant of a mark comes before it. With :math:`x_j` signed sizes,
:math:`M_j` the mark at the fill and :math:`\tau` the markout horizon,

.. math::
    \text{spread capture} &= \sum_{\text{maker}} x_j (M_j - p_j) \\
    \text{adverse selection} &= \sum_{\text{maker}} x_j \bigl(M(\min(t_j + \tau, T)) - M_j\bigr) \\
    \text{hedging, arbitrage} &= \sum x_j (M_j - p_j) \text{ over their fills} \\
    \text{inventory} &= \textstyle\sum_k q_k\,\Delta M_k - \text{adverse selection}

and fees, rebates and funding. The total is :math:`-\sum x_j p_j - \sum f_j + q_T M_T - q_0 M_0 + \text{funding}`; that
the lines sum to it is summation by parts. Sizes turn into money through `Contract.value`, so that the same holds for
inverse contracts.

The account of a venue knows that venue's own mark :math:`m_i` only. Where an asset trades on several, `Valuation` tells
what the asset is worth on this one, :math:`M_i = M + b_i`, apart from its worth :math:`M` everywhere. Fills are then
held against :math:`M_i`, inventory takes the moves of :math:`M` alone, and

.. math::
    \text{basis} = \textstyle\sum_k q_k\,\Delta b_{i,k} + q_T (m_{i,T} - M_{i,T}) - q_0 (m_{i,0} - M_{i,0})

is what the position earned because its venue moved against the others. Amounts that arise in another currency become
the reference currency at the rate :math:`r` of their instant (where the rate of a linear instrument moves, what is held
is taken in the reference currency); what was earned before then changes in worth:
:math:`\text{conversion} = \sum_k a_k (r_T - r_k)` over all amounts :math:`a_k`, and the total is the one above times
:math:`r_T`.

What adverse selection is depends on the horizon; the longer it is, the more of the inventory's PnL it takes.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal, localcontext
from operator import itemgetter
from typing import Final

from mm_nautilus.analytics.attributed_fill import AttributedFill, FillKind
from mm_nautilus.analytics.attribution_lines import HELD, LINES, Attribution, Posting
from mm_nautilus.analytics.valuation import Mark, Valuation, check_valuation, checked_marks
from mm_nautilus.errors import ParameterError
from mm_nautilus.inventory.contract import EXACT, Contract

_ZERO: Final = Decimal(0)
_ONE: Final = Decimal(1)
_LINE_OF: Final = {
    FillKind.MAKER: "spread_capture",
    FillKind.HEDGE: "hedging",
    FillKind.ARBITRAGE: "arbitrage",
}

type CashFlow = tuple[int, Decimal]
"""``(ts_ns, amount)``, received above 0."""


def attribute(
    fills: Iterable[AttributedFill],
    marks: Sequence[Mark],
    contract: Contract,
    horizon_ns: int,
    opening_position: Decimal = _ZERO,
    funding: Iterable[CashFlow] = (),
    valuation: Valuation | None = None,
    *,
    postings: list[Posting] | None = None,
) -> Attribution:
    """Attribute the PnL of one asset; see the module for the lines.

    Parameters
    ----------
    fills : iterable of AttributedFill
        In any order; on all venues, or on one.
    marks : sequence of (ts_ns, price)
        Reference price of the asset, in order of time, from the start of the period to its end; at least one.
    contract : Contract
        How size and price turn into money.
    horizon_ns : int
        Markout horizon, in nanoseconds; at least 0. It ends with the last mark.
    opening_position : Decimal
        Signed position before the first fill, valued at the first mark.
    funding : iterable of (ts_ns, amount)
        Cash flows while holding, in settlement currency.
    valuation : Valuation, optional
        Where the asset trades on other venues too; the lines come in its reference currency.
    postings : list of Posting, optional
        Takes every amount as it arose, what is held mark by mark; line by line, before conversion, they sum to the
        lines.

    Raises
    ------
    ParameterError
        For marks that are missing, out of order or not finite, a valuation of another length, a negative horizon, a
        fill before the first mark, or a price of an inverse contract that is not above 0.

    """
    times, prices = checked_marks(marks, contract)
    if horizon_ns < 0:
        raise ParameterError("horizon_ns", horizon_ns, ">= 0")
    valued = valuation or Valuation(prices, prices[0], prices[-1], [_ONE] * len(prices))
    check_valuation(valued, prices, contract)
    statement = _Statement(valued, prices, times, contract, postings)
    last = len(prices) - 1
    position, cash, seen = opening_position, _ZERO, 0

    with localcontext(EXACT):
        beyond = contract.value(position, valued.own_first) - contract.value(position, prices[0])
        statement.book("basis", -beyond, 0)
        for number, fill in enumerate(sorted(fills, key=lambda one: one.ts_ns)):
            # The mark just before the fill; the first mark is where the period starts.
            now = max(bisect_right(times, fill.ts_ns - 1) - 1, 0)
            if fill.ts_ns < times[0]:
                raise ParameterError("fills", f"one at {fill.ts_ns} ns", f"not before the first mark at {times[0]} ns")
            if contract.inverse and fill.price <= 0:
                raise ParameterError("price", str(fill.price), "> 0 for an inverse contract")
            statement.hold(position, seen, now)
            seen = now
            mine = fill.ts_ns, number
            signed = fill.size * fill.side
            traded = contract.value(signed, fill.price)
            added = contract.value(position + signed, prices[now]) - contract.value(position, prices[now])
            position += signed
            cash -= traded
            statement.book(_LINE_OF[fill.kind], added - traded, now, *mine)
            statement.book("fees" if fill.commission > 0 else "rebates", -fill.commission, now, *mine)
            cash -= fill.commission
            if fill.kind is FillKind.MAKER:
                later = max(bisect_right(times, fill.ts_ns + horizon_ns) - 1, now)
                selected = contract.value(signed, prices[later]) - contract.value(signed, prices[now])
                statement.book("adverse_selection", selected, now, *mine)
                statement.book("inventory", -selected, now, fill.ts_ns)
        statement.hold(position, seen, last)
        beyond = contract.value(position, valued.own_last) - contract.value(position, prices[-1])
        statement.book("basis", beyond, last)
        for ts_ns, amount in funding:
            statement.book("funding", amount, max(bisect_right(times, ts_ns) - 1, 0), ts_ns)
            cash += amount
        worth = contract.value(position, valued.own_last) - contract.value(opening_position, valued.own_first)
        total = (cash + worth) * valued.rates[-1]
    return Attribution(**statement.amounts, total=total, position=position)


class _Statement:
    """Amounts by line, converted as they arise."""

    def __init__(
        self,
        valued: Valuation,
        prices: Sequence[Decimal],
        times: Sequence[int],
        contract: Contract,
        postings: list[Posting] | None,
    ) -> None:
        self.amounts = dict.fromkeys(LINES, _ZERO)
        self._valued = valued
        self._rates = valued.rates
        self._prices = prices
        self._times = times
        self._contract = contract
        self._postings = postings

    def hold(self, position: Decimal, since: int, until: int) -> None:
        """Book what a position gains from one mark to a later one; mark by mark where postings are wanted."""
        if not position:
            return
        for at in (until,) if self._postings is None else range(since + 1, until + 1):
            drift = self._drift(position, self._valued.asset, since, at)
            self.book("basis", self._drift(position, self._prices, since, at) - drift, at)
            if self._valued.worth is None:
                self.book("inventory", drift, at)
            else:
                gained = self._drift(position, self._valued.worth, since, at)
                self.amounts["inventory"] += gained
                self.amounts["conversion"] += drift * self._rates[-1] - gained
            since = at

    def _drift(self, position: Decimal, prices: Sequence[Decimal], first: int, last: int) -> Decimal:
        return _drift(position, prices, first, last, self._contract)

    def book(self, line: str, amount: Decimal, at: int, ts_ns: int | None = None, fill: int = HELD) -> None:
        """Book an amount in settlement currency that arose at a mark, or at an instant beside it."""
        if not amount:
            return
        rate = self._rates[at]
        self.amounts[line] += amount * rate
        self.amounts["conversion"] += amount * (self._rates[-1] - rate)
        if self._postings is not None:
            self._postings.append(Posting(line, amount, self._times[at] if ts_ns is None else ts_ns, fill))


def attribute_by_venue(
    fills: Iterable[AttributedFill],
    marks: Sequence[Mark],
    contract: Contract,
    horizon_ns: int,
    opening_positions: Mapping[str, Decimal] | None = None,
    funding: Mapping[str, Sequence[CashFlow]] | None = None,
) -> dict[str, Attribution]:
    """Attribute the PnL of one asset venue by venue, all against the asset's one reference mark.

    For linear contracts the sum over the venues is `attribute` of all fills together, to the last digit.

    Parameters
    ----------
    fills : iterable of AttributedFill
        On all venues.
    marks : sequence of (ts_ns, price)
        As for `attribute`.
    contract : Contract
        The same on every venue.
    horizon_ns : int
        As for `attribute`.
    opening_positions : mapping of venue to Decimal, optional
        Signed position on each venue before the first fill.
    funding : mapping of venue to cash flows, optional
        As for `attribute`.

    Returns
    -------
    dict of venue to Attribution
        In the order of the venues' names.

    """
    opening_positions, funding = opening_positions or {}, funding or {}
    by_venue: dict[str, list[AttributedFill]] = {venue: [] for venue in (*opening_positions, *funding)}
    for fill in fills:
        by_venue.setdefault(fill.venue, []).append(fill)
    return {
        venue: attribute(
            theirs, marks, contract, horizon_ns, opening_positions.get(venue, _ZERO), funding.get(venue, ())
        )
        for venue, theirs in sorted(by_venue.items(), key=itemgetter(0))
    }


def _drift(position: Decimal, prices: Sequence[Decimal], first: int, last: int, contract: Contract) -> Decimal:
    """Return what a position gained from one mark to a later one."""
    return contract.value(position, prices[last]) - contract.value(position, prices[first])
