"""What a real venue takes beyond a simulated one: patience before we ask, and fees of fills it never told us of.

A fill reaches us on the private stream. Where it does not, the engine infers it from an order's status: with the
right size, but under an id of its own and without a commission. If the venue's own message still comes, it is
dropped as one fill too many. So nobody asks for an order before the stream has had its time, and where a fill
is inferred nevertheless its fee is estimated from the run file's ``[[venues]]``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from nautilus_trader.model import LiquiditySide, Money
from nautilus_trader.trading import Strategy

from mm_nautilus.config import FeeSection


class Inferred:
    """A fill that the engine has inferred, with the commission it must have cost."""

    __slots__ = ("_event", "commission")

    def __init__(self, event: Any, commission: Money) -> None:
        self._event = event
        self.commission = commission

    def __getattr__(self, name: str) -> Any:
        return getattr(self._event, name)


def estimated_commission(event: Any, instrument: Any, fees: FeeSection) -> Money:
    """Return what a venue charges for a fill, by the run file.

    Parameters
    ----------
    event : OrderFilled
        The fill.
    instrument : Instrument
        What was traded.
    fees : FeeSection
        Of the venue.

    """
    if fees.per_contract is not None:
        amount, currency = fees.per_contract.split()
        return Money.from_str(f"{Decimal(amount) * event.last_qty.as_decimal()} {currency}")
    worth = instrument.notional_value(event.last_qty, event.last_px)
    rate = fees.taker_rate if event.liquidity_side == LiquiditySide.TAKER else fees.maker_rate
    exact = worth.as_decimal() * rate
    return Money.from_str(f"{round(exact, worth.currency.precision):f} {worth.currency}")


class Patient:
    """Mixed in before a strategy's own class; see `settled`."""

    patience_ns: int

    def query_order(self, order: Any, *args: Any, **kwargs: Any) -> None:
        """Ask the venue for an order, if it is still open when the private stream has had its time."""
        component: Any = self
        client_order_id = order.client_order_id

        def ask(_event: Any) -> None:
            known = component.cache.order(client_order_id)
            if known is not None and not known.is_closed:
                super(Patient, component).query_order(known, *args, **kwargs)  # type: ignore[misc]

        at_ns = component.clock.timestamp_ns() + self.patience_ns
        component.clock.set_time_alert_ns(f"ask_{client_order_id}", at_ns, callback=component.guard(ask))


def settled[T](component: type[T], fees: Mapping[str, FeeSection], patience_s: float) -> type[T]:
    """Return a component's class as it is run on a real venue; actors are left as they are.

    Parameters
    ----------
    component : type
        Strategy or actor.
    fees : mapping of str to FeeSection
        Of every venue.
    patience_s : float
        Seconds that the private stream has before an order is asked for.

    """
    if not issubclass(component, Strategy):
        return component
    filled: Callable[[Any, Any], None] = component.on_order_filled

    def on_order_filled(self: Any, event: Any) -> None:
        if event.commission is None:
            instrument = self.cache.instrument(event.instrument_id)
            commission = estimated_commission(event, instrument, fees[str(event.instrument_id.venue)])
            self.log.warning(
                f"{event.client_order_id}: fill of {event.last_qty} at {event.last_px} inferred from the order's "
                f"status; its fee is taken to be {commission}"
            )
            event = Inferred(event, commission)
        filled(self, event)

    fields = {
        "on_order_filled": on_order_filled,
        "patience_ns": round(patience_s * 1e9),
        "__module__": component.__module__,
    }
    return type(component.__name__, (Patient, component), fields)
