"""Ledger, demand and hedge desk of one strategy and one asset, put together: every fill and every hedge passes here.

Free of any engine: the shell tells what happened and sends what `HedgeControl.step` returns.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from mm_nautilus.inventory.hedge_demand import Cause, Demand, hedge_bands, hedge_demand, reducing
from mm_nautilus.inventory.hedge_desk import HedgeDesk, HedgeIntent
from mm_nautilus.inventory.hedge_market import HedgeMarket, HedgeOrder
from mm_nautilus.inventory.hedge_settings import HedgeSettings
from mm_nautilus.inventory.ledger import Ledger
from mm_nautilus.inventory.ledger_line import Booking, Fill
from mm_nautilus.inventory.limits import Holding
from mm_nautilus.inventory.liquidation import anything_old, liquidation_due
from mm_nautilus.inventory.state import Recovery, VenueReport, recover
from mm_nautilus.market import RiskStage
from mm_nautilus.quoting.limit_settings import AgeSettings


class HedgeControl:
    """See the module.

    Parameters
    ----------
    settings : HedgeSettings
        When and how to hedge.
    ledger : Ledger
        With a line open for each market.
    markets : sequence of HedgeMarket
        The quoted instrument first, then the others.
    strategy_id, asset : str
        For the records.
    limit_lots : int
        Position limit, in lots of the quoted instrument.
    age : AgeSettings
        How long a position on it may be held.

    """

    def __init__(
        self,
        settings: HedgeSettings,
        ledger: Ledger,
        markets: Sequence[HedgeMarket],
        strategy_id: str,
        asset: str,
        limit_lots: int,
        age: AgeSettings,
    ) -> None:
        self.ledger = ledger
        self.desk = HedgeDesk(settings, markets, strategy_id, asset)
        self.stage = RiskStage.NORMAL
        """What the risk monitor asks for."""
        self.asked: Demand | None = None
        """What others than this asset want hedged here now; what must go for itself goes before."""
        self.limit: float | None = None
        """Largest |exposure| of the asset, in its units, where it is not that of `limit_lots`."""
        self._settings = settings
        self._limit_lots = limit_lots
        self._age = age
        self._asset = asset
        self._left_alone = float(settings.max_exposure) if settings.trigger == "fills" else None
        self._nothing_pending = Holding(asset, "", 0.0, 0.0, 0.0, 1.0)
        self._markets = {market.name: market for market in markets}
        self._quoted = markets[0]
        for market in markets:
            self._count(market)

    @property
    def markets(self) -> tuple[HedgeMarket, ...]:
        """The quoted instrument first."""
        return self.desk.markets

    def market(self, instrument_id: str) -> HedgeMarket:
        """Return the market of an instrument."""
        return self._markets[instrument_id]

    def listens(self, now_ns: int, centre: float = 0.0) -> bool:
        """Whether anything could be hedged now; `step` need not be asked where not."""
        if self._settings.trigger != "none" or self.stage >= RiskStage.FLATTEN or self.desk.decision is not None:
            return True
        if self.asked is not None:
            return True
        return self.due_lots(now_ns, centre) != 0

    @property
    def asks_skew(self) -> bool:
        """Whether `step` wants to know the model's skew."""
        return self._settings.trigger == "band" and self._settings.skew is None and self.stage < RiskStage.FLATTEN

    @property
    def exposure(self) -> float:
        """Signed exposure to the asset over all markets, hedges in flight not counted; in units of the asset."""
        return sum(market.exposure() for market in self.markets)

    def pending(self, exposure: float) -> Holding:
        """Return what hedging of fills has yet to send, as the limits see it: it works on its side already.

        Whoever counts an exposure that is about to be hedged as room for quotes on the other side counts it twice.

        Parameters
        ----------
        exposure : float
            Of the asset, in its units.

        """
        left = self._left_alone
        if left is None or (abs(exposure) <= left and self.desk.decision is None):
            return self._nothing_pending
        quantity = min(max(exposure, -left), left) - exposure - self.desk.in_flight()
        return Holding(self._asset, "", 0.0, max(quantity, 0.0), max(-quantity, 0.0), 1.0)

    # ------------------------------------------------------------------ work

    def step(self, now_ns: int, sigma: float | None, skew: float | None, centre: float = 0.0) -> list[HedgeIntent]:
        """Return the orders to send now.

        Parameters
        ----------
        now_ns : int
            Engine time.
        sigma : float or None
            Volatility of the quoted instrument, in price per square-root second.
        skew : float or None
            Fall of the reservation price per unit held, in price units.
        centre : float
            Exposure wanted, in units of the asset.

        """
        exposure, demand = self.exposure, None
        unit = self._quoted.asset_per_lot()
        if unit is not None:
            limit = self._limit_lots * unit if self.limit is None else self.limit
            bands = hedge_bands(self._settings, self.stage, limit, centre, sigma, skew, self.taking_cost(now_ns))
            demand = hedge_demand(exposure, bands, self.desk.working)
        aged = self._aged(now_ns, exposure, centre)
        if aged is not None and (demand is None or abs(aged.quantity) > abs(demand.quantity)):
            demand = aged
        if demand is None and self.stage < RiskStage.FLATTEN:
            demand = self.asked
        return self.desk.step(now_ns, demand, exposure, sigma)

    def due_lots(self, now_ns: int, centre: float = 0.0) -> int:
        """Return the signed lots of the quoted instrument that have been held too long; other arguments as `step`."""
        if not self._age.liquidate:
            return 0
        line = self.ledger.line(self._quoted.name)
        if not anything_old(line.lots, now_ns, self._age):
            return 0  # as nearly always: the rest is not worth working out
        grid, unit = self._quoted.contract.grid, self._quoted.asset_per_lot()
        target = Decimal(0) if not centre or not unit else Decimal(round(centre / unit)) * grid.lot
        return int(liquidation_due(line.lots, now_ns, self._age, self._limit_lots * grid.lot, target) / grid.lot)

    def _aged(self, now_ns: int, exposure: float, centre: float) -> Demand | None:
        unit = self._quoted.asset_per_lot()
        due = 0 if unit is None else self.due_lots(now_ns, centre)
        return None if unit is None or not due else reducing(Cause.AGE, exposure, exposure + due * unit)

    def taking_cost(self, now_ns: int) -> float | None:
        """Half-spread and fee of the cheapest market of the asset itself, in price units; ``None`` where none is fit.

        Correlated instruments are left out: what their basis costs is not known.
        """
        costs = [
            market.taking_cost(top)
            for market in self.markets
            if market.ratio is None and not market.last_resort and (top := market.fit_top(now_ns)) is not None
        ]
        return min(costs, default=None)

    def sample(self, now_ns: int) -> None:
        """Take one sample of the ratios of correlated instruments."""
        for market in self.markets:
            if market.ratio is not None:
                top, other = self._quoted.fit_top(now_ns), market.fit_top(now_ns)
                market.ratio.sample(None if top is None else top.mid, None if other is None else other.mid)

    def sending(self, intent: HedgeIntent, client_order_id: str, now_ns: int) -> HedgeOrder:
        """We are about to send an order: it counts, and must be saved, before it leaves."""
        lot = intent.market.contract.grid.lot
        self.ledger.sent(client_order_id, intent.market.name, int(intent.side) * intent.lots * lot)
        return self.desk.sending(intent, client_order_id, now_ns)

    # ----------------------------------------------------------------- venue

    def booked(self, fill: Fill, commission: float) -> bool:
        """Book an execution of any order of ours, a quote's or a hedge's; return whether it is news.

        Parameters
        ----------
        fill : Fill
            As the venue reports it.
        commission : float
            In settlement currency; negative for a rebate.

        """
        if self.ledger.book(fill) is not Booking.NEW:
            return False
        market = self._markets[fill.instrument_id]
        self._count(market)
        if self.desk.order(fill.client_order_id) is not None:
            lots = int(fill.size / market.contract.grid.lot)
            self.desk.filled(fill.client_order_id, lots, fill.price, commission, fill.ts_ns)
        return True

    def closed(self, client_order_id: str, event: str, now_ns: int, reason: str = "") -> None:
        """The venue says that a hedge order is gone."""
        self.ledger.ended(client_order_id)
        self.desk.closed(client_order_id, event, now_ns, reason)

    def recount(self) -> None:
        """Take the positions of the ledger over after it was corrected."""
        for market in self.markets:
            self._count(market)

    def _count(self, market: HedgeMarket) -> None:
        market.position_lots = round(self.ledger.line(market.name).position / market.contract.grid.lot)

    # ----------------------------------------------------------------- state

    def save(self) -> dict[str, Any]:
        """Return, as JSON, what a restart needs."""
        return {"ledger": self.ledger.save(), "hedge": self.desk.save()}

    def load(self, state: Mapping[str, Any]) -> None:
        """Take up what `save` returned; `recover` must follow."""
        self.ledger.load(state["ledger"])
        self.desk.load(state["hedge"])
        for market in self.markets:
            self._count(market)

    def recover(self, report: VenueReport, out: Iterable[HedgeOrder], now_ns: int) -> Recovery:
        """Take the venue's word after a restart: for executions, positions, and which hedges may still fill.

        Parameters
        ----------
        report : VenueReport
            What the venue, or the engine for it, says; taken at one instant.
        out : iterable of HedgeOrder
            Hedges that may still fill: those that were sent after the state was saved are taken over.
        now_ns : int
            Engine time.

        """
        recovery = recover(self.ledger, report, now_ns)
        for fill in recovery.missed:
            lots = int(fill.size / self._markets[fill.instrument_id].contract.grid.lot)
            self.desk.filled(fill.client_order_id, lots, fill.price, 0.0, now_ns)
        for market in self.markets:
            self._count(market)
        still = {order.client_order_id: order for order in out}
        for market in self.markets:
            order = market.order
            if order is not None and order.client_order_id not in still:
                self.closed(order.client_order_id, "RECONCILED", now_ns, "over before the restart")
        known = {order.client_order_id for order in self.ledger.in_flight}
        for name, order in still.items():
            market = self._markets[order.instrument_id]
            if name not in known:
                self.ledger.sent(
                    name, order.instrument_id, int(order.side) * order.leaves_lots * market.contract.grid.lot
                )
            self.desk.adopt(order)
        return recovery
