"""What inventory and adjustment make of a quote whatever its price: bands, sizes, and whether they fit.

They change with fills and assessments, prices with every tick, so that a stance holds for many quotes.
"""

from __future__ import annotations

from dataclasses import dataclass

from msgspec import Struct

from mm_nautilus.market import Side
from mm_nautilus.quoting.adjust import Adjustment, Bands, banded
from mm_nautilus.quoting.finalise import LadderShape
from mm_nautilus.quoting.guards import Cap, Reason, Trace
from mm_nautilus.quoting.ladder import held_back_lots, inventory_share, ladder_lots, skewed, towards_limit


class SideStance(Struct, frozen=True, gc=False):
    """One side of a `Stance`."""

    towards: float
    """From `towards_limit`."""
    before: float
    """Factor on the size of the best level when flat."""
    held_back: float
    """The same with the band."""
    lots: list[int] | None
    """Sizes best first, for nobody to change; ``None`` where they depend on the price."""
    lots_in_all: int
    fits: bool
    """Neither the position limit nor the venue's smallest order has anything against these sizes, at any price."""
    away: bool
    """The adjustment steps away from this side, which would not reduce the inventory."""


class Stance(Struct, frozen=True, gc=False):
    """What stays the same from quote to quote."""

    made_for: tuple[int, float, float, Adjustment]
    """Position and inventory in lots, target in base units, adjustment."""
    asked: Adjustment
    """The adjustment with the bands."""
    reasons: tuple[str, ...]
    """What the bands changed."""
    bid: SideStance
    ask: SideStance


@dataclass(frozen=True, slots=True)
class Sizing:
    """The settings that sizes depend on.

    Parameters
    ----------
    shape : LadderShape
        Levels, decay and size skew.
    bands : Bands
        From which share of the limit on the adding side is held back.
    order_lots : int
        Size of the best level when flat.
    limit_lots : int
        Largest |position|.
    inventory_limit_lots : float
        Largest |inventory| that the model leans with, in lots.
    base_per_lot : float
        Base units a lot stands for.
    min_lots : int
        The venue's smallest order.
    min_notional : float
        Its smallest value, in quote currency.
    max_order_notional : float or None
        Largest value of an order of ours, in quote currency.

    """

    shape: LadderShape
    bands: Bands
    order_lots: int
    limit_lots: int
    inventory_limit_lots: float
    base_per_lot: float
    min_lots: int
    min_notional: float
    max_order_notional: float | None

    def stance(self, made_for: tuple[int, float, float, Adjustment], fair_value: float) -> Stance:
        """Return the stance for position and inventory in lots, target in base units, and an adjustment."""
        _, held, target, adjustment = made_for
        share = inventory_share(held, target / self.base_per_lot, self.inventory_limit_lots)
        asked, trace = banded(adjustment, share, self.bands), Trace()
        if asked is not adjustment:
            self._explain_bands(share, trace)
        return Stance(
            made_for,
            asked,
            tuple(trace.reasons),
            self._side(Side.BUY, made_for, share, asked.bid_size, fair_value),
            self._side(Side.SELL, made_for, share, asked.ask_size, fair_value),
        )

    def _side(
        self,
        side: Side,
        made_for: tuple[int, float, float, Adjustment],
        share: float,
        held_back: float,
        fair_value: float,
    ) -> SideStance:
        position_lots, _, _, adjustment = made_for
        if side is Side.BUY:
            before, away = adjustment.bid_size, adjustment.bid_away and share >= 0.0
        else:
            before, away = adjustment.ask_size, adjustment.ask_away and share <= 0.0
        towards = towards_limit(side, share)
        if self.max_order_notional is not None or (held_back != before and self.min_notional > 0.0):
            return SideStance(towards, before, held_back, None, 0, False, away)
        lots = self.lots(side, towards, before, held_back, fair_value, Trace())
        in_all, room_lots = sum(lots), self.limit_lots - int(side) * position_lots
        fits = in_all <= room_lots and lots[-1] >= self.min_lots and self.min_notional == 0.0
        return SideStance(towards, before, held_back, lots, in_all, fits, away)

    def lots(
        self, side: Side, towards: float, before: float, held_back: float, fair_value: float, trace: Trace
    ) -> list[int]:
        """Return the wanted sizes of one side in lots, best first; arguments as in `SideStance`."""
        lot_value = fair_value * self.base_per_lot
        best = held_back_lots(self.order_lots, before, held_back, self.min_lots, self.min_notional, lot_value)
        best = skewed(best, self.shape.size_skew, towards)
        if self.max_order_notional is not None and self.max_order_notional / lot_value < best:
            best = self.max_order_notional / lot_value
            trace.cap(Cap.ORDER_NOTIONAL, side)
        return ladder_lots(best, self.shape.size_decay, self.shape.levels)

    def _explain_bands(self, share: float, trace: Trace) -> None:
        bands = self.bands
        if abs(share) > bands.skew_above and (bands.skew_size or bands.skew_spread):
            trace.reason(Reason.ADDING_SIDE_SKEWED, Side.BUY if share > 0 else Side.SELL)
        if abs(share) >= bands.aggressive_above and bands.aggressive_spread_multiplier < 1.0:
            trace.reason(Reason.REDUCING_SIDE_TIGHTENED)
