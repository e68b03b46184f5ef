"""What an asset was worth over time: the marks that a PnL is attributed by, and what else is known then."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise

from mm_nautilus.errors import ParameterError
from mm_nautilus.inventory.contract import Contract

type Mark = tuple[int, Decimal]
"""``(ts_ns, price)``."""


@dataclass(frozen=True, slots=True)
class Valuation:
    """What else is known of an instrument whose asset trades on several venues, at the instants of its marks.

    Parameters
    ----------
    asset : sequence of Decimal
        The asset's worth without the basis of the instrument's venue, in the instrument's quote currency.
    own_first, own_last : Decimal
        The venue's own mark at the start and at the end, in quote currency.
    rates : sequence of Decimal
        Reference currency for one unit of settlement currency.
    worth : sequence of Decimal, optional
        The asset's worth without the basis in the reference currency, where a linear instrument's rate moves: what the
        rate does to what is held is then conversion, and inventory takes the moves of this.

    """

    asset: Sequence[Decimal]
    own_first: Decimal
    own_last: Decimal
    rates: Sequence[Decimal]
    worth: Sequence[Decimal] | None = None


def checked_marks(marks: Sequence[Mark], contract: Contract) -> tuple[list[int], list[Decimal]]:
    """Return instants and prices of marks.

    Raises
    ------
    ParameterError
        For marks that are missing, out of order or not finite, or of an inverse contract and not above 0.

    """
    if not marks:
        raise ParameterError("marks", "none", "at least one")
    times, prices = [ts for ts, _ in marks], [price for _, price in marks]
    for before, after in pairwise(times):
        if after < before:
            raise ParameterError("marks", f"{after} ns after {before} ns", "in order of time")
    for price in prices:
        if not price.is_finite() or (contract.inverse and price <= 0):
            raise ParameterError("marks", str(price), "finite prices, > 0 for an inverse contract")
    return times, prices


def check_valuation(valued: Valuation, prices: Sequence[Decimal], contract: Contract) -> None:
    """Refuse a valuation of another length than its marks, or one that is worth nothing.

    Raises
    ------
    ParameterError
        With what was found.

    """
    for name, values in (("asset", valued.asset), ("rates", valued.rates), ("worth", valued.worth)):
        if values is not None and len(values) != len(prices):
            raise ParameterError(name, f"{len(values)} values", f"one for each of {len(prices)} marks")
    ends = (valued.own_first, valued.own_last)
    if not all(value.is_finite() and value > 0 for value in valued.rates):
        raise ParameterError("rates", [str(value) for value in valued.rates], "finite and > 0")
    for price in (*valued.asset, *ends):
        if not price.is_finite() or (contract.inverse and price <= 0):
            raise ParameterError("asset", str(price), "finite prices, > 0 for an inverse contract")
