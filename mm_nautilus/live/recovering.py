"""The classes that are run on a real account: how each kind of strategy waits, claims and takes positions over."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

from nautilus_trader.common import TimeEvent
from nautilus_trader.model import InstrumentId

from mm_nautilus.live.insisting import Insisting
from mm_nautilus.live.recovery import Recovering, RecoverySettings
from mm_nautilus.market import Side, TopOfBook
from mm_nautilus.strategies.cross_venue_arbitrage import CrossVenueArbitrage
from mm_nautilus.strategies.quoting_strategy import QuotingStrategy

_NOT_YET: Final = "books and venues do not agree yet"


class RecoveringQuotes(Insisting, Recovering, QuotingStrategy):
    """A strategy that quotes."""

    def _hold(self) -> None:
        self._halt()

    def _release(self) -> None:
        for leg in self._legs.values():
            leg.desk.resume()
        self._obey()

    def _claim(self, order: Any) -> bool:
        leg = self._legs.get(order.instrument_id)
        if leg is not None:  # what is only hedged on has no quotes to count it among
            leg.adopt_order(order)
        return leg is not None

    def _is_claimed(self, order: Any) -> bool:
        leg = self._legs.get(order.instrument_id)
        return leg is None or leg.desk.orders.get(str(order.client_order_id)) is not None

    def _counted(self, name: str) -> tuple[Decimal, TopOfBook | None]:
        leg = self._legs.get(InstrumentId.from_str(name))
        if leg is None:
            market = self._hedger.control.market(name)
            return self._hedger.control.ledger.line(name).position, market.top
        lot: Decimal = leg.lattice.grid.lot
        return leg.desk.position_lots * lot, leg.desk.top

    def _recount(self, name: str, theirs: Decimal) -> None:
        leg = self._legs.get(InstrumentId.from_str(name))
        if leg is not None:
            lots = round(theirs / leg.lattice.grid.lot) - leg.desk.position_lots
            if lots:
                leg.desk.filled(Side.BUY if lots > 0 else Side.SELL, abs(lots), None)
        self._position_corrected(name)


class RecoveringArbitrage(Recovering, CrossVenueArbitrage):
    """A strategy that only takes: nothing of it rests, and no stranger's order can be traded with."""

    _mismatches = 0

    def _hold(self) -> None:
        self._halted = _NOT_YET

    def _release(self) -> None:
        if self._halted == _NOT_YET:
            self._halted = ""

    def _claim(self, order: Any) -> bool:  # noqa: ARG002 - whatever it is
        return False

    def _is_claimed(self, order: Any) -> bool:  # noqa: ARG002 - there is nothing more to do about it
        return True

    def _counted(self, name: str) -> tuple[Decimal, TopOfBook | None]:
        control = self._hedger.control
        leg = self._by_name.get(name)
        return control.ledger.line(name).position, control.market(name).top if leg is None else leg.top

    def _recount(self, name: str, theirs: Decimal) -> None:  # noqa: ARG002 - the hedger has counted
        self._count_positions()

    def _on_sample(self, event: TimeEvent) -> None:
        """Do what is due, and hold the books against the engine's."""
        super()._on_sample(event)
        found = self._hedger.difference()
        self._mismatches = 0 if found is None else self._mismatches + 1
        if found is not None and self._mismatches >= 2:  # once may be a fill on its way to us
            self._disagree(*found)


_KINDS: Final[tuple[tuple[type[Any], type[Recovering]], ...]] = (
    (QuotingStrategy, RecoveringQuotes),
    (CrossVenueArbitrage, RecoveringArbitrage),
)


def recovering[T](component: type[T], settings: RecoverySettings) -> type[T]:
    """Return a component's class as it is run on a real account; what does not trade is left as it is.

    Parameters
    ----------
    component : type
        Strategy or actor.
    settings : RecoverySettings
        What to do with what we did not send.

    """
    mixin = next((mixed_in for kind, mixed_in in _KINDS if issubclass(component, kind)), None)
    if mixin is None:
        return component
    fields = {"recovery_settings": settings, "__module__": component.__module__}
    return type(component.__name__, (mixin, component), fields)
