r"""One record of what was filled, by instrument and purpose, and of the hedges that are on their way.

.. math::
    x_i = x_i^0 + \text{quoted}_i + \text{hedged}_i + \text{adopted}_i, \qquad
    E = \sum_i u_i x_i, \qquad \text{to hedge} = E + \sum_i u_i f_i - E^*

with :math:`x_i` the signed position of an instrument, :math:`u_i` the units of the asset that one of its units stands
for (base units per contract times the weight; 1 for spot), :math:`f_i` the signed size of hedges sent and not yet
answered, :math:`E` the exposure and :math:`E^*` the one wanted. All of it comes from fills, never from the size an
order was sent with, and everything is exact: what is too small to be traded stays in :math:`E` and is hedged with what
follows (`tradable`).

An execution is booked once, see `mm_nautilus.inventory.ledger_line`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal
from typing import Any, Final

from mm_nautilus.errors import DataError, ParameterError, UserError
from mm_nautilus.inventory.contract import COST, EXACT, Contract
from mm_nautilus.inventory.ledger_line import REMEMBERED, Booking, Fill, Line
from mm_nautilus.inventory.volume import DailyVolume

_ZERO: Final = Decimal(0)


@dataclass(frozen=True, slots=True)
class InFlight:
    """A hedge order that was sent and may still fill."""

    client_order_id: str
    instrument_id: str
    signed_size: Decimal
    """What may still fill: above 0 for a buy; in base units (contracts)."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A position that somebody else states otherwise."""

    instrument_id: str
    ledger: Decimal
    venue: Decimal


class Ledger:
    """See the module; every method costs O(1) in the number of fills, and so does the memory.

    What grows is the number of open lots (`Line.lots`), up to the position limit in the smallest fills there are.

    Parameters
    ----------
    volume : DailyVolume or None
        Counts what is traded over all instruments, in quote currency; ``None`` begins days at midnight UTC.
        Assumes that the instruments share one quote currency.
    remembered : int
        Fills of one instrument whose ids are kept.

    """

    def __init__(self, volume: DailyVolume | None = None, remembered: int = REMEMBERED) -> None:
        self.volume = DailyVolume() if volume is None else volume
        self._remembered = remembered
        self._lines: dict[str, Line] = {}
        self._in_flight: dict[str, InFlight] = {}

    # ------------------------------------------------------------------ lines

    def open(
        self,
        instrument_id: str,
        *,
        asset: str,
        venue: str,
        contract: Contract,
        position: Decimal = _ZERO,
        ts_ns: int = 0,
    ) -> Line:
        """Begin the line of an instrument, or return the one that is there.

        Parameters
        ----------
        instrument_id : str
            'SYMBOL.VENUE'.
        asset : str
            What its price moves with; instruments of one asset net.
        venue : str
            Where it is traded.
        contract : Contract
            How size and price turn into money.
        position : Decimal
            Taken over, in base units (contracts); ignored where the line is there already.
        ts_ns : int
            When that position was taken over: its age counts from here.

        Raises
        ------
        ParameterError
            Where the line is there with another asset, venue or contract.

        """
        line = self._lines.get(instrument_id)
        if line is None:
            line = self._lines[instrument_id] = Line(asset, venue, instrument_id, contract, self._remembered)
            if position:
                line.take_over(position, ts_ns)
        elif (line.asset, line.venue, line.contract) != (asset, venue, contract):
            raise ParameterError(
                f"line of {instrument_id}",
                f"{asset} on {venue}, {contract}",
                f"{line.asset} on {line.venue}, {line.contract}, as it was opened",
            )
        return line

    @property
    def lines(self) -> tuple[Line, ...]:
        """All lines, in the order in which they were opened."""
        return tuple(self._lines.values())

    def line(self, instrument_id: str) -> Line:
        """Return the line of an instrument.

        Raises
        ------
        ParameterError
            For an instrument that was not opened.

        """
        try:
            return self._lines[instrument_id]
        except KeyError:
            raise ParameterError("instrument_id", instrument_id, f"one of {', '.join(self._lines) or 'none'}") from None

    # ------------------------------------------------------------------ fills

    def book(self, fill: Fill) -> Booking:
        """Book an execution once, however often and in whatever order it is told.

        Raises
        ------
        ParameterError
            For an instrument that was not opened, or a size that is not above 0.

        """
        line = self.line(fill.instrument_id)
        booking = line.book(fill)
        if booking is Booking.NEW:
            self.volume.traded(fill.ts_ns, line.contract.notional(fill.size, fill.price))
            self._answer(fill.client_order_id, fill.signed_size)
        return booking

    # ----------------------------------------------------------------- hedges

    def sent(self, client_order_id: str, instrument_id: str, signed_size: Decimal) -> None:
        """Count a hedge order from the moment it is decided; call it, and save, before the order leaves.

        Raises
        ------
        ParameterError
            For an instrument that was not opened, a size of 0, or an id that is in flight already.

        """
        self.line(instrument_id)
        if not signed_size.is_finite() or not signed_size:
            raise ParameterError("signed_size", signed_size, "finite and not 0")
        if client_order_id in self._in_flight:
            raise ParameterError("client_order_id", client_order_id, "an order that was not sent before")
        self._in_flight[client_order_id] = InFlight(client_order_id, instrument_id, signed_size)

    def resized(self, client_order_id: str, signed_size: Decimal) -> None:
        """Take the venue's word for what of an order in flight may still fill; not 0, see `ended`.

        Raises
        ------
        ParameterError
            For an order that is not in flight, or a size of 0 or of the other side.

        """
        order = self._in_flight.get(client_order_id)
        if order is None:
            raise ParameterError("client_order_id", client_order_id, "an order in flight")
        if not signed_size * order.signed_size > 0:
            raise ParameterError("signed_size", signed_size, f"not 0 and of the side of {order.signed_size}")
        self._in_flight[client_order_id] = InFlight(client_order_id, order.instrument_id, signed_size)

    def ended(self, client_order_id: str) -> Decimal:
        """Take an order out of flight: filled, cancelled, rejected, denied or expired.

        A fill of it that arrives later is booked like any other. Returns the signed size that did not fill, 0 for an
        order that was not in flight.
        """
        order = self._in_flight.pop(client_order_id, None)
        return _ZERO if order is None else order.signed_size

    def _answer(self, client_order_id: str, signed_size: Decimal) -> None:
        order = self._in_flight.get(client_order_id)
        if order is None:
            return
        left = EXACT.subtract(order.signed_size, signed_size)
        if left * order.signed_size <= 0:
            del self._in_flight[client_order_id]
        else:
            self._in_flight[client_order_id] = InFlight(client_order_id, order.instrument_id, left)

    @property
    def in_flight(self) -> tuple[InFlight, ...]:
        """Hedge orders that may still fill, oldest first."""
        return tuple(self._in_flight.values())

    def in_flight_size(self, instrument_id: str) -> tuple[Decimal, Decimal]:
        """Return what hedges in flight may still buy and sell on an instrument, both >= 0."""
        sizes = [one.signed_size for one in self._in_flight.values() if one.instrument_id == instrument_id]
        return sum((max(one, _ZERO) for one in sizes), _ZERO), sum((max(-one, _ZERO) for one in sizes), _ZERO)

    # --------------------------------------------------------------- exposure

    def exposure(self, asset: str, units: Mapping[str, Decimal]) -> Decimal:
        """Return the signed exposure to an asset over all its instruments, in units of the asset.

        Parameters
        ----------
        asset : str
            As given to `open`.
        units : mapping of instrument id to Decimal
            Units of the asset that one unit (contract) of the instrument stands for; 1 where it is not named.

        """
        return _weighted(((line.instrument_id, line.position) for line in self._of(asset)), units)

    def to_hedge(self, asset: str, units: Mapping[str, Decimal], target: Decimal = _ZERO) -> Decimal:
        """Return the exposure beyond the one wanted that no hedge in flight takes care of; arguments as `exposure`.

        The hedge is its opposite. It is exact, so that what cannot be traded now is still in it the next time.
        """
        sizes = [(line.instrument_id, line.position) for line in self._of(asset)]
        sizes += [
            (order.instrument_id, order.signed_size)
            for order in self._in_flight.values()
            if self._lines[order.instrument_id].asset == asset
        ]
        return EXACT.subtract(_weighted(sizes, units), target)

    def unhedged(self, asset: str, units: Mapping[str, Decimal]) -> Decimal:
        """Return what quotes have filled and no hedge, done or in flight, has taken care of; arguments as `exposure`.

        Differs from `to_hedge` in leaving positions taken over to whoever took them over.
        """
        sizes = [(line.instrument_id, EXACT.add(line.quoted, line.hedged)) for line in self._of(asset)]
        sizes += [
            (order.instrument_id, order.signed_size)
            for order in self._in_flight.values()
            if self._lines[order.instrument_id].asset == asset
        ]
        return _weighted(sizes, units)

    def _of(self, asset: str) -> list[Line]:
        return [line for line in self._lines.values() if line.asset == asset]

    # ---------------------------------------------------------- reconciliation

    def differences(self, positions: Mapping[str, Decimal]) -> tuple[Difference, ...]:
        """Return the lines whose position differs from the venue's; an instrument it does not name is flat there.

        Raises
        ------
        ParameterError
            For a position on an instrument that was not opened.

        """
        for instrument_id, position in positions.items():
            if position:
                self.line(instrument_id)
        return tuple(
            Difference(line.instrument_id, line.position, positions.get(line.instrument_id, _ZERO))
            for line in self._lines.values()
            if line.position != positions.get(line.instrument_id, _ZERO)
        )

    def adopt(self, difference: Difference, ts_ns: int) -> None:
        """Take the venue's position for true; what no fill explains stays visible as `Line.adopted`.

        Raises
        ------
        ParameterError
            Where the line has moved since the comparison.

        """
        line = self.line(difference.instrument_id)
        if line.position != difference.ledger:
            raise ParameterError("difference", difference, f"about the present position {line.position}")
        change = EXACT.subtract(difference.venue, difference.ledger)
        if change:
            line.adopt(change, ts_ns)

    # ------------------------------------------------------------------ state

    def save(self) -> dict[str, Any]:
        """Return everything but the contracts as JSON."""
        return {
            "volume": self.volume.save(),
            "in_flight": [[o.client_order_id, o.instrument_id, str(o.signed_size)] for o in self._in_flight.values()],
            "lines": {name: line.save() for name, line in self._lines.items()},
        }

    def load(self, state: Mapping[str, Any]) -> None:
        """Take over what `save` returned, in place of what is there; the lines must be open.

        Raises
        ------
        ParameterError
            For a line with a position or a hedge in flight that is not open here, or is open for another asset or
            venue: leaving the instrument out of a run does not make its position go away.
        DataError
            Where the state is not a ledger's. Nothing has changed then.

        """
        try:
            lines, in_flight = self._restored(state)
            volume = DailyVolume.restored(state["volume"], self.volume.rollover)
        except UserError:
            raise
        except (KeyError, TypeError, ValueError, ArithmeticError) as error:
            raise DataError(f"this is not the state of a ledger: {error!r}") from error
        self._lines |= lines
        self._in_flight, self.volume = in_flight, volume

    def _restored(self, state: Mapping[str, Any]) -> tuple[dict[str, Line], dict[str, InFlight]]:
        in_flight = {name: InFlight(name, where, Decimal(size)) for name, where, size in state["in_flight"]}
        for order in in_flight.values():
            self.line(order.instrument_id)
        held = [name for name, saved in state["lines"].items() if name in self._lines or Decimal(saved["position"])]
        return {name: self.line(name).restored(state["lines"][name]) for name in held}, in_flight


def _weighted(sizes: Iterable[tuple[str, Decimal]], units: Mapping[str, Decimal]) -> Decimal:
    total = _ZERO
    for instrument_id, size in sizes:
        unit = units.get(instrument_id)
        total = EXACT.add(total, size if unit is None else EXACT.multiply(size, unit))
    return total


def tradable(signed_size: Decimal, step: Decimal, smallest: Decimal) -> Decimal:
    """Return the part of a signed size that an order can have: whole steps towards zero, 0 below the smallest order.

    Parameters
    ----------
    signed_size : Decimal
        In base units (contracts).
    step : Decimal
        Lot size of the instrument; above 0.
    smallest : Decimal
        The venue's smallest order.

    """
    whole = EXACT.multiply(COST.divide(signed_size, step).to_integral_value(ROUND_DOWN), step)
    return whole if abs(whole) >= smallest else _ZERO
