"""The engine's event of a fill, translated once for the books, the funds and the records."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from msgspec import Struct
from nautilus_trader.model import OrderFilled, OrderSide

from mm_nautilus.host.instrument import InstrumentLattice
from mm_nautilus.inventory.ledger_line import Fill
from mm_nautilus.market import Purpose, Side

_FREE: Final = Decimal(0)


class Execution(Struct, frozen=True, gc=False):
    """One execution of one of our orders, and what only the records say of it."""

    fill: Fill
    lots: int
    """Size of the fill."""
    commission: Decimal
    """What it cost, in `commission_currency`; negative for a rebate."""
    commission_currency: str
    venue_order_id: str
    liquidity: str
    """MAKER or TAKER."""


def execution_of(event: OrderFilled, purpose: Purpose, instrument_id: str, lattice: InstrumentLattice) -> Execution:
    """Return what the engine says of a fill on an instrument; a venue that reports no commission charged none."""
    size, commission = event.last_qty, event.commission
    return Execution(
        Fill(
            event.ts_event,
            instrument_id,
            str(event.client_order_id),
            str(event.trade_id),
            Side.BUY if event.order_side == OrderSide.BUY else Side.SELL,
            lattice.exact_size(size),
            lattice.exact_price(event.last_px),
            purpose,
        ),
        lattice.lots(size),
        _FREE if commission is None else commission.as_decimal(),
        str(event.currency if commission is None else commission.currency),
        str(event.venue_order_id),
        event.liquidity_side.name,
    )
