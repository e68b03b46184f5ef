"""The lines of a PnL that add up to it, and the amounts they consist of; see `mm_nautilus.analytics.attribution`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, localcontext
from typing import Final

from mm_nautilus.inventory.contract import EXACT

_ZERO: Final = Decimal(0)


@dataclass(frozen=True, slots=True)
class Attribution:
    """The lines of a PnL, signed as they enter the total, in settlement currency or one it was converted to.

    Seven as the field counts them for one market, with hedging and arbitrage as one: those two are kept apart here.

    Parameters
    ----------
    spread_capture : Decimal
        What maker fills earned against the mark.
    adverse_selection : Decimal
        What the mark then did within the horizon; a cost is negative.
    hedging, arbitrage : Decimal
        What those fills earned against the mark.
    fees : Decimal
        At most 0.
    rebates : Decimal
        At least 0.
    funding : Decimal
        Cash flows while holding.
    inventory : Decimal
        What the position earned beyond adverse selection.
    basis : Decimal
        What the position earned because its venue's price moved against the asset's; 0 where there is one venue.
    conversion : Decimal
        What earlier amounts gained in worth until the end; 0 where everything is in one currency.
    total : Decimal
        From the cash and the worth at both ends, computed apart from the lines.
    position : Decimal
        Signed position at the end, in base units (contracts).

    """

    spread_capture: Decimal = _ZERO
    adverse_selection: Decimal = _ZERO
    hedging: Decimal = _ZERO
    arbitrage: Decimal = _ZERO
    fees: Decimal = _ZERO
    rebates: Decimal = _ZERO
    funding: Decimal = _ZERO
    inventory: Decimal = _ZERO
    basis: Decimal = _ZERO
    conversion: Decimal = _ZERO
    total: Decimal = _ZERO
    position: Decimal = _ZERO

    @property
    def lines(self) -> Mapping[str, Decimal]:
        """The lines by name, in the order of a statement."""
        return {name: getattr(self, name) for name in LINES}

    @property
    def sum_of_lines(self) -> Decimal:
        """What the lines add up to; equal to `total`."""
        with localcontext(EXACT):
            return sum(self.lines.values(), _ZERO)

    @property
    def realised_spread(self) -> Decimal:
        """Spread capture less adverse selection: half the realised spread of Huang and Stoll, times size."""
        return EXACT.add(self.spread_capture, self.adverse_selection)

    def __add__(self, other: Attribution) -> Attribution:
        """Return the attribution of both together."""
        return Attribution(*(EXACT.add(getattr(self, name), getattr(other, name)) for name in _FIELDS))


LINES: Final = (
    "spread_capture",
    "adverse_selection",
    "hedging",
    "arbitrage",
    "fees",
    "rebates",
    "funding",
    "inventory",
    "basis",
    "conversion",
)
_FIELDS: Final = (*LINES, "total", "position")


@dataclass(frozen=True, slots=True)
class Posting:
    """One amount of one line, as it arose.

    Parameters
    ----------
    line : str
        One of `LINES`, never ``conversion``.
    amount : Decimal
        In settlement currency.
    ts_ns : int
        When: that of the fill, or of the mark that moved what was held.
    fill : int
        Place of the fill in order of time; -1 where it is what was held, and no single fill.

    """

    line: str
    amount: Decimal
    ts_ns: int
    fill: int


HELD: Final = -1
"""Fill of a posting that no single fill made."""
