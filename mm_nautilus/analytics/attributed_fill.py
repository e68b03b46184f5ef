"""A fill as its PnL is attributed: what was traded, and why."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Final

from mm_nautilus.analytics.facts import InstrumentFacts
from mm_nautilus.errors import ParameterError
from mm_nautilus.market import Purpose, Side
from mm_nautilus.messages import FillFact


class FillKind(StrEnum):
    """Why we traded."""

    MAKER = "MAKER"
    HEDGE = "HEDGE"
    ARBITRAGE = "ARBITRAGE"


_KINDS: Final = {
    Purpose.QUOTE: FillKind.MAKER,
    Purpose.HEDGE: FillKind.HEDGE,
    Purpose.LIQUIDATION: FillKind.HEDGE,
    Purpose.ARBITRAGE: FillKind.ARBITRAGE,
    Purpose.EXTERNAL: FillKind.HEDGE,  # it moved the position and was not the quotes' doing
}


@dataclass(frozen=True, slots=True)
class AttributedFill:
    """One fill and why it was made.

    Parameters
    ----------
    ts_ns : int
        When, in nanoseconds.
    side : Side
        Our side.
    size : Decimal
        Above 0, in base units (contracts).
    price : Decimal
        In quote currency; spreads and some futures trade below 0.
    commission : Decimal
        In settlement currency; positive is a cost, negative a rebate.
    kind : FillKind
        Quote, hedge or arbitrage.
    venue : str
        Where.

    Raises
    ------
    ParameterError
        For a size that is not above 0, or a price or commission that is not finite.

    """

    ts_ns: int
    side: Side
    size: Decimal
    price: Decimal
    commission: Decimal
    kind: FillKind
    venue: str = ""

    def __post_init__(self) -> None:
        if not (self.size.is_finite() and self.size > 0):
            raise ParameterError("size", str(self.size), "> 0 and finite")
        for name in ("price", "commission"):
            value: Decimal = getattr(self, name)
            if not value.is_finite():
                raise ParameterError(name, str(value), "finite")


def attributed_fill(fill: FillFact, facts: InstrumentFacts) -> AttributedFill:
    """Return a fill as it is attributed; a commission in another currency than the instrument's own is left out."""
    settled = facts.contract.settlement_currency
    return AttributedFill(
        ts_ns=fill.ts_ns,
        side=Side[fill.side],
        size=fill.size,
        price=fill.price,
        commission=fill.commission if fill.commission_currency == settled else Decimal(0),
        kind=kind_of(fill),
        venue=facts.venue,
    )


def kind_of(fill: FillFact) -> FillKind:
    """Return which line a fill belongs to; what works a position off is a hedge."""
    return _KINDS[Purpose(fill.purpose)]
