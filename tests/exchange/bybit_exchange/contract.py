"""What is traded: one linear perpetual, in integer ticks and lots."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Contract:
    """A linear contract of the exchange.

    Prices are integer ticks and sizes integer lots everywhere in this package; only the messages carry decimals.
    """

    symbol: str = "BTCUSDT"
    base: str = "BTC"
    quote: str = "USDT"
    tick: Decimal = Decimal("0.1")
    lot: Decimal = Decimal("0.001")
    min_lots: int = 1
    min_notional: Decimal = Decimal(5)
    maker_rate: Decimal = Decimal("0.0002")
    taker_rate: Decimal = Decimal("0.00055")
    leverage: Decimal = Decimal(10)
    place: int = 0
    """Among the contracts that are listed."""

    @property
    def numbers_from(self) -> int:
        """Return what the numbers of its orders and executions come after: they are unique over all contracts."""
        return self.place * 1_000_000

    def price(self, ticks: int) -> Decimal:
        """Return a price in quote currency."""
        return ticks * self.tick

    def size(self, lots: int) -> Decimal:
        """Return a size in base units."""
        return lots * self.lot

    def ticks(self, price: str | Decimal) -> int | None:
        """Return a price in ticks, ``None`` where it does not lie on the grid."""
        return _whole(Decimal(price) / self.tick)

    def lots(self, size: str | Decimal) -> int | None:
        """Return a size in lots, ``None`` where it does not lie on the grid."""
        return _whole(Decimal(size) / self.lot)


def _whole(number: Decimal) -> int | None:
    return int(number) if number == number.to_integral_value() else None
