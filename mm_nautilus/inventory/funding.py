"""What holders of a perpetual pay each other at fixed times, from the rates that the venue stated beforehand.

A long position ``x`` pays ``rate x p m`` at a mark ``p`` where the rate is above 0 and receives it where it is below, a
short one the other way round (``rate x m / p``, in base currency, for inverse contracts). The position is that after
all fills up to the instant, the rate the last one stated for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal

from mm_nautilus.inventory.contract import EXACT, Contract


@dataclass(frozen=True, slots=True)
class FundingRate:
    """A rate as it was known at an instant.

    Parameters
    ----------
    ts_ns : int
        When it was known, in nanoseconds since 1970.
    rate : Decimal
        Fraction of the position's worth that a long one pays at `due_ns`.
    due_ns : int or None
        When it is paid, in nanoseconds since 1970; ``None`` where the source does not say.

    """

    ts_ns: int
    rate: Decimal
    due_ns: int | None


@dataclass(frozen=True, slots=True)
class FundingPayment:
    """One payment, in settlement currency: received above 0, paid below.

    Parameters
    ----------
    ts_ns : int
        When it was due, in nanoseconds since 1970.
    rate : Decimal
        Fraction of the position's worth.
    position : Decimal
        Signed, in base units (contracts).
    mark : Decimal
        Price that the position is worth its worth at, in quote currency.
    amount : Decimal
        Exact; a venue rounds it to the currency's smallest unit.

    """

    ts_ns: int
    rate: Decimal
    position: Decimal
    mark: Decimal
    amount: Decimal


def funding_payments(
    rates: Iterable[FundingRate],
    span_ns: tuple[int, int],
    position_at: Callable[[int], Decimal],
    mark_at: Callable[[int], Decimal | None],
    contract: Contract,
) -> tuple[FundingPayment, ...]:
    """Return what a position paid and received; nothing is paid on no position, or where there is no mark.

    Parameters
    ----------
    rates : iterable of FundingRate
        In the order in which they were known; one that is known only after it was due does not count for it.
    span_ns : tuple of int
        First and last instant at which something may be due.
    position_at : callable
        Signed position after all fills up to an instant.
    mark_at : callable
        Price at an instant, in quote currency.
    contract : Contract
        How size and price turn into money.

    """
    stated: dict[int, Decimal] = {}
    for one in rates:
        if one.due_ns is not None and one.ts_ns <= one.due_ns and span_ns[0] <= one.due_ns <= span_ns[1]:
            stated[one.due_ns] = one.rate
    made = []
    for due_ns in sorted(stated):
        position, mark = position_at(due_ns), mark_at(due_ns)
        if position and mark is not None:
            value = contract.value(position, mark)
            worth = EXACT.minus(value) if contract.inverse else value
            amount = EXACT.minus(EXACT.multiply(worth, stated[due_ns]))
            made.append(FundingPayment(due_ns, stated[due_ns], position, mark, amount))
    return tuple(made)
