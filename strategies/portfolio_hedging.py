"""The hedgers of a portfolio's members behind one face, and which of them is asked to hedge for the whole.

Each member has books and a hedge desk of its own: what must go is worked there. What pays for the portfolio is one
hedge at a time, in the member where it gains most (`mm_nautilus.inventory.cross_hedge`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from nautilus_trader.model import OrderBookDeltas, OrderFilled, QuoteTick

from mm_nautilus.host.execution import Execution
from mm_nautilus.host.traded import Traded
from mm_nautilus.inventory.cross_hedge import CrossHedge
from mm_nautilus.inventory.hedge_control import HedgeControl
from mm_nautilus.inventory.hedge_demand import Cause, Demand
from mm_nautilus.inventory.hedge_market import HedgeOrder
from mm_nautilus.inventory.ledger import Difference
from mm_nautilus.inventory.ledger_line import Line
from mm_nautilus.inventory.limits import Holding
from mm_nautilus.inventory.portfolio import Portfolio
from mm_nautilus.market import RiskStage
from mm_nautilus.strategies.hedging import Hedger
from mm_nautilus.strategies.leg import QuotingLeg

_TRIES: Final = 4
"""Members that are looked at for a hedge before it is left to the next time."""


class _Books:
    """Ledgers, volumes and desks of all members, as a quoting strategy asks one for them."""

    def __init__(self, controls: Mapping[str, HedgeControl]) -> None:
        self._controls = dict(controls)
        self.ledger = self.desk = self.volume = self

    def line(self, name: str) -> Line:
        """Return the books of one instrument."""
        return self._controls[name].ledger.line(name)

    @property
    def lines(self) -> tuple[Line, ...]:
        """Books of all instruments."""
        return tuple(line for control in self._controls.values() for line in control.ledger.lines)

    def adopt(self, difference: Difference, ts_ns: int) -> None:
        """Take the venue's position of one instrument for true."""
        self._controls[difference.instrument_id].ledger.adopt(difference, ts_ns)

    def value(self, now_ns: int) -> Decimal:
        """Return what was traded since the last roll-over, in quote currency."""
        return sum((control.ledger.volume.value(now_ns) for control in self._controls.values()), Decimal(0))

    @property
    def decision(self) -> object | None:
        """A hedge that is being worked, or ``None``."""
        return next((d for c in self._controls.values() if (d := c.desk.decision) is not None), None)

    def is_out(self, client_order_id: str) -> bool:
        """Whether a hedge may still fill."""
        return any(control.desk.is_out(client_order_id) for control in self._controls.values())

    def save(self) -> dict[str, Any]:
        """Return, as JSON, what a restart needs."""
        return {name: control.save() for name, control in self._controls.items()}


class _Recovered:
    """What a restart found, of all members."""

    def __init__(self, differences: Sequence[Difference]) -> None:
        self.differences = tuple(differences)


class PortfolioHedger:
    """See the module.

    Parameters
    ----------
    portfolio : Portfolio
        Whose value counts.
    legs : sequence of QuotingLeg
        Its members, in their order.
    hedgers : sequence of Hedger
        One a member.
    may_hedge : sequence of bool
        Whether the portfolio may take liquidity in a member.
    begin_above : float or None
        See `cross_hedge`; ``None`` where nothing is hedged for the portfolio's sake.

    """

    elsewhere = False

    def __init__(
        self,
        portfolio: Portfolio,
        legs: Sequence[QuotingLeg],
        hedgers: Sequence[Hedger],
        may_hedge: Sequence[bool],
        begin_above: float | None,
    ) -> None:
        self._portfolio = portfolio
        self._legs = tuple(legs)
        self._hedgers = tuple(hedgers)
        self._may_hedge = tuple(may_hedge)
        self._begin_above = begin_above
        self._by_name = dict(zip((leg.name for leg in legs), hedgers, strict=True))
        self.traded = {leg.name: leg.traded for leg in legs}
        self.control = _Books({name: hedger.control for name, hedger in self._by_name.items()})

    def of(self, name: str) -> Hedger:
        """Return the hedger of one member."""
        return self._by_name[name]

    def start(self) -> None:
        """Nothing to do: every market is quoted."""

    def stop(self) -> None:
        """Say what is left undone."""
        for hedger in self._hedgers:
            hedger.stop()

    def sample(self, now_ns: int) -> None:
        """Sample what the members' own hedges need."""

    def on_quote(self, quote: QuoteTick) -> None:
        """Every market is a member's."""

    def on_book_deltas(self, deltas: OrderBookDeltas) -> None:
        """Every market is a member's."""

    def holdings(self) -> list[Holding]:
        """Return what is held where nothing is quoted: nothing."""
        return []

    def engine_position(self, one: Traded) -> Decimal:
        """Return the engine's net position, in base units (contracts)."""
        return self._by_name[one.name].engine_position(one)

    def difference(self) -> tuple[str, Decimal, Decimal] | None:
        """Return an instrument whose books differ from the engine's, with both positions, or ``None``."""
        return next((found for hedger in self._hedgers if (found := hedger.difference()) is not None), None)

    # ------------------------------------------------------------------ work

    def step(self, now_ns: int) -> None:
        """Ask for what pays, and let every member work what it must."""
        if self._begin_above is not None:
            self._ask(now_ns, self._begin_above)
        for hedger in self._hedgers:
            hedger.step(now_ns)

    def _ask(self, now_ns: int, begin_above: float) -> None:
        controls = [hedger.control for hedger in self._hedgers]
        for control in controls:
            control.asked = None
        working = [place for place, control in enumerate(controls) if control.desk.working is Cause.PORTFOLIO]
        costs = [
            self._cost(place, now_ns) if not working or place in working else None for place in range(len(controls))
        ]
        for _ in range(_TRIES):
            found = self._portfolio.hedge(costs, 0.0 if working else begin_above)
            if found is None:
                return
            control = controls[found.instrument]
            if self._is_for(found):
                exposure = control.exposure
                control.asked = Demand(Cause.PORTFOLIO, exposure, exposure + found.quantity)
                return
            costs[found.instrument] = None

    def _cost(self, place: int, now_ns: int) -> float | None:
        """Return what taking one base unit costs now, in price units; ``None`` where it cannot be taken."""
        desk, control = self._legs[place].desk, self._hedgers[place].control
        if not self._may_hedge[place] or control.stage >= RiskStage.FLATTEN:
            return None
        market = control.markets[0]
        market.heard(desk.top, desk.market_ns)
        top = market.fit_top(now_ns)
        if top is None or (market.order is None and now_ns < market.not_before_ns):
            return None
        return max(market.taking_cost(top), 0.0)

    def _is_for(self, found: CrossHedge) -> bool:
        """Whether a hedge can be traded at all, and may be under what the risk monitor asks for."""
        control, desk = self._hedgers[found.instrument].control, self._legs[found.instrument].desk
        market = control.markets[0]
        unit, top = market.asset_per_lot(), market.top
        if unit is None or top is None or abs(found.quantity / unit) < market.contract.smallest_lots(top.mid):
            return False
        return control.stage < RiskStage.REDUCE_ONLY or found.quantity * desk.position_lots < 0.0

    # ---------------------------------------------------------------- orders

    def order_of(self, client_order_id: str) -> HedgeOrder | None:
        """Return the hedge of this id, out or lately over."""
        return next((o for h in self._hedgers if (o := h.order_of(client_order_id)) is not None), None)

    def answered(self, order: HedgeOrder, event: str, ts_ns: int, reason: str = "") -> None:
        """Write down what the venue said of a hedge."""
        self._by_name[order.instrument_id].answered(order, event, ts_ns, reason)

    def closed(self, order: HedgeOrder, event: str, ts_ns: int, reason: str = "") -> None:
        """The venue says that a hedge is gone."""
        self._by_name[order.instrument_id].closed(order, event, ts_ns, reason)

    def filled(self, execution: Execution) -> bool:
        """Book an execution of any order of the strategy; return whether it is news."""
        return self._by_name[execution.fill.instrument_id].filled(execution)

    def publish_fill(self, execution: Execution, order: HedgeOrder) -> None:
        """Write an execution of a hedge down."""
        self._by_name[order.instrument_id].publish_fill(execution, order)

    def publish_accounts(self, but: Collection[str], ts_ns: int) -> None:
        """Write down the accounts of venues that are not among `but`: there are none."""

    # --------------------------------------------------------------- restart

    def recount(self) -> None:
        """Take the positions of the ledgers over after one was corrected."""
        for hedger in self._hedgers:
            hedger.recount()

    def executions(self) -> list[OrderFilled]:
        """Return all executions of our orders that the engine knows of, oldest first."""
        return sorted((e for h in self._hedgers for e in h.executions()), key=lambda event: event.ts_event)

    def end_hedges(self, now_ns: int) -> None:
        """Take the engine's word for hedges that were over before we were told."""
        for hedger in self._hedgers:
            hedger.end_hedges(now_ns)

    def recover(self, state: Mapping[str, Any], now_ns: int) -> _Recovered:
        """Take up a saved state and the engine's word on what has happened since; a new member has no past."""
        found: list[Difference] = []
        for name, hedger in self._by_name.items():
            if name in state:
                found += hedger.recover(state[name], now_ns).differences
        return _Recovered(found)
