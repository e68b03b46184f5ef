"""A market maker of many instruments, priced as one portfolio, under one risk budget.

What is quoted, how much may work and what is hedged is decided in `mm_nautilus.inventory.portfolio`; this class tells
it what the engine says. A tick requotes one instrument, a fill that one and those whose quotes it moves by more than
their tolerance; covariance and value function are measured anew on a slow timer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Final

import numpy as np
from nautilus_trader.common import TimeEvent

from mm_nautilus.errors import ConfigError
from mm_nautilus.host.config import TypedStrategyConfig
from mm_nautilus.host.shared_budget import SharedBudget, StaticBudget
from mm_nautilus.host.traded import Traded
from mm_nautilus.inventory.portfolio import Member, Portfolio, Terms
from mm_nautilus.market import RiskStage
from mm_nautilus.models import BoundedModel
from mm_nautilus.quoting.settings import QuotingSettings
from mm_nautilus.strategies.hedging import Hedger
from mm_nautilus.strategies.leg import QuotingLeg
from mm_nautilus.strategies.portfolio_hedging import PortfolioHedger
from mm_nautilus.strategies.portfolio_leg import MemberLeg
from mm_nautilus.strategies.portfolio_settings import MemberSettings, PortfolioMarketMakerSettings
from mm_nautilus.strategies.quoting_strategy import QuotingStrategy

_COVARIANCE_TIMER: Final = "11_covariance_"
_SOLVE_TIMER: Final = "12_portfolio_"


class PortfolioMarketMakerConfig(TypedStrategyConfig):
    """The engine's fields and `PortfolioMarketMakerSettings`, in one table."""

    settings: PortfolioMarketMakerSettings


class PortfolioMarketMaker(QuotingStrategy):
    """Quotes many instruments; inventory in one moves the quotes of all that move with it.

    Publishes what `MarketMaker` does, for every member.

    Parameters
    ----------
    config : PortfolioMarketMakerConfig
        What to quote and how.

    """

    saved_as = "portfolio_market_maker"

    def __init__(self, config: PortfolioMarketMakerConfig) -> None:
        super().__init__(config)
        self._settings = settings = config.settings
        self._sample_s = settings.sample_interval_s
        self._arrival = settings.arrival
        self._state_file = settings.state_file
        self._age = settings.members[0].age
        self._check_positions = any(one.limits.check_position for one in settings.members)
        self._acts_on_assessments = settings.adverse_selection.act
        self._fault: str | None = None
        self._measures = 0

    # --------------------------------------------------------------- opening

    def _open(self) -> None:
        settings, balances = self._settings, dict[str, dict[str, Decimal]]()
        found = [self._traded(one, balances) for one in settings.members]
        self._check(found)
        rates = [settings.rate(one.quote_currency) or 1.0 for one in found]
        members = [
            Member(one.name, rate, own.sigma_price_per_sqrt_s)
            for one, rate, own in zip(found, rates, settings.members, strict=True)
        ]
        self._book = Portfolio(settings, members)
        legs = [
            MemberLeg(
                self,
                own,
                one,
                self._position_lots(one),
                settings.arrivals.get(one.venue, settings.arrival),
                self._book,
                index,
            )
            for index, (one, own) in enumerate(zip(found, settings.members, strict=True))
        ]
        self._members = legs
        self._legs = {leg.traded.id: leg for leg in legs}
        hedgers = [self._hedger_of(leg, own, balances) for leg, own in zip(legs, settings.members, strict=True)]
        hedge = settings.hedge
        begin_above = None if hedge is None or hedge.trigger == "none" else hedge.begin_above
        self._hedger: Any = PortfolioHedger(
            self._book, legs, hedgers, [one.hedge for one in settings.members], begin_above
        )
        self._carry = [BoundedModel(own, 1.0, 1.0) for own in settings.members]
        self._tolerances = np.array(
            [max(own.requote.tolerance_ticks, 0.5) * float(leg.lattice.grid.tick)
             for leg, own in zip(legs, settings.members, strict=True)]
        )  # fmt: skip
        for leg in legs:
            leg.alone = self._limited(leg)
            leg.tell()
        self._budget = self._open_budget()

    def _traded(self, member: MemberSettings, balances: dict[str, dict[str, Decimal]]) -> Traded:
        fee = self._settings.maker_fees.get(member.instrument_id.rpartition(".")[2], member.maker_fee_rate)
        return self._find_instrument(member.instrument_id, max(fee, 0.0), balances)

    def _check(self, found: list[Traded]) -> None:
        """Refuse currencies nobody can compare."""
        settings = self._settings
        missing = {one.quote_currency: one.name for one in found if settings.rate(one.quote_currency) is None}
        problems = [
            f"rates: {name} is priced in {currency}; state how many {settings.reference_currency} one {currency} is"
            for currency, name in missing.items()
        ]
        mixed = {one.quote_currency for one in found} != {settings.reference_currency}
        for one, own in zip(found, settings.members, strict=True):
            limits = own.limits
            money = limits.max_venue_gross_notional, limits.max_daily_volume, limits.max_portfolio_notional
            if mixed and any(limit is not None for limit in money):
                problems.append(
                    f"members: {one.name}: limits in money beyond the instrument add up quote currencies, and this "
                    "portfolio has several; state concentration and risk_budget instead"
                )
        if problems:
            raise ConfigError("strategy", problems)

    def _hedger_of(self, leg: MemberLeg, own: MemberSettings, balances: dict[str, dict[str, Decimal]]) -> Hedger:
        settings = self._settings
        return Hedger(
            self,
            settings.hedging(),
            settings.taking,
            [leg],
            int(own.limits.max_position / leg.lattice.grid.lot),
            own.age,
            settings.book,
            settings.sample_interval_s,
            settings.arrival.end_ns,
            balances,
            own.limits.day_begins_utc,
            self._persist,
        )

    def _open_budget(self) -> SharedBudget | StaticBudget:
        """Return our part of the risk budget; a backtest, which knows its end, shares with nobody."""
        told = self._settings.risk_budget
        if told is None or told.shared is None or self._settings.arrival.end_ns is not None:
            return StaticBudget(self._book.budget)
        unit = f"{self._settings.reference_currency} VaR {told.confidence:g} over {told.horizon_s:g} s"
        return SharedBudget(told.shared, told.limit, unit)

    # ------------------------------------------------------------------ life

    def on_start(self) -> None:
        """Begin as every quoting strategy does, and measure on slower timers."""
        super().on_start()
        self._budget.start()
        self._take_budget()
        covariance, strategy_id = self._settings.covariance, str(self.strategy_id)
        for prefix, seconds, callback in (
            (_COVARIANCE_TIMER, covariance.step_s, self._on_covariance),
            (_SOLVE_TIMER, covariance.refresh_s, self._on_solve),
        ):
            guarded: Callable[[TimeEvent], None] = self.guard(callback)
            self._clock.set_timer_ns(prefix + strategy_id, int(seconds * 1e9), callback=guarded)

    def on_stop(self) -> None:
        """Stop measuring, end as every quoting strategy does, and leave the shared budget what is held."""
        strategy_id = str(self.strategy_id)
        for name in {_COVARIANCE_TIMER + strategy_id, _SOLVE_TIMER + strategy_id} & set(self._clock.timer_names()):
            self._clock.cancel_timer(name)
        super().on_stop()
        if self._started:
            # Cancels have been sent and not answered: until then the orders count.
            self._budget.stop(self._book.worst_risk())

    def _state(self) -> dict[str, Any]:
        return super()._state() | {"portfolio": self._book.save()}

    def _recover(self, saved: Mapping[str, Any]) -> None:
        super()._recover(saved)
        if "portfolio" in saved:
            self._book.load(saved["portfolio"])

    # ---------------------------------------------------------------- market

    def _market_moved(self, leg: QuotingLeg, trigger: str, now_ns: int) -> None:
        assert isinstance(leg, MemberLeg)
        desk = leg.desk
        if desk.top is not None and desk.fault(now_ns) is None:
            self._book.heard(leg.index, desk.top.mid, now_ns)
        leg.requote(trigger, now_ns)

    def _on_covariance(self, event: TimeEvent) -> None:
        """Sample all prices at one instant; a market that is fit and silent still has its price."""
        now_ns, book = event.ts_event, self._book
        for leg in self._members:
            top = leg.desk.top
            if top is not None and leg.desk.fault(now_ns) is None:
                book.heard(leg.index, top.mid, now_ns)
        book.sample(now_ns)

    def _on_solve(self, event: TimeEvent) -> None:
        self._solve()
        if self._book.ready:
            self._step_hedge(event.ts_event)
            self._requote_all("portfolio", event.ts_event)

    def _solve(self) -> None:
        """Measure the covariance and price the portfolio anew."""
        if not self._book.solve([self._terms(leg) for leg in self._members]):
            return
        measured = self._book.measured
        self._measures += 1
        if measured is not None:
            self.log.info(
                f"covariance of {len(self._members)} instruments: {measured.samples} samples, shrunk by "
                f"{measured.shrinkage:.3f}, repaired by {measured.repaired:.2g}"
            )

    def _terms(self, leg: MemberLeg) -> Terms:
        """Return what the value function needs to know of a member; both sides have equal intensities there."""
        own, desk, carry = leg.settings, leg.desk, self._carry[leg.index]
        assert isinstance(own, MemberSettings)
        bids, asks = own.intensity.sides() if desk.intensity is None else (desk.intensity.bids, desk.intensity.asks)
        price = 0.0 if desk.top is None else desk.top.mid
        lots = float(own.order_size / leg.lattice.grid.lot)
        return Terms(
            0.5 * (bids.a_per_s + asks.a_per_s),
            0.5 * (bids.k_per_price + asks.k_per_price),
            lots * (leg.unit or 1.0),
            carry.fill_cost(price),
            carry.drift(price),
            own.target_inventory,
        )

    def _sampled(self, now_ns: int) -> None:  # noqa: ARG002 - every sample is the same
        """Price the portfolio as soon as it can be, and keep to what the budget leaves."""
        if not self._book.ready and all(leg.desk.top is not None for leg in self._members):
            self._solve()
        self._take_budget()

    def _take_budget(self) -> None:
        """Act on what is allowed now, and report what is used."""
        budget, book = self._budget, self._book
        if isinstance(budget, StaticBudget):
            return
        budget.report(book.risk, book.worst_risk())
        book.grant(budget.allowed())
        fault = str(budget.refused) if budget.refused is not None else budget.fault
        if fault != self._fault:
            self.log.warning(f"shared risk budget: {fault or 'reached again'}")
            self._fault = fault

    # ---------------------------------------------------------------- quoting

    def _requote_all(self, trigger: str, now_ns: int) -> None:
        """Quote every member anew, or where a hedge moved, those with something to do."""
        for leg in self._members:
            if trigger != "hedge" or leg.desk.dirty:
                leg.requote(trigger, now_ns)

    def _filled(self, now_ns: int) -> None:
        """Quote the member that traded, those that make way for a hedge, and those whose quotes the fill moved."""
        moved = set(self._book.moved(self._tolerances))
        for leg in self._members:
            if leg.desk.dirty or leg.index in moved:
                leg.requote("fill", now_ns)

    def _book_fill(self, event: Any) -> bool:
        if not super()._book_fill(event):
            return False
        leg = self._legs.get(event.instrument_id)
        if isinstance(leg, MemberLeg):
            leg.tell()  # before anything is hedged on it
        return True

    def _closed(self, event: Any, name: str, reason: str = "", *, refused: bool = False) -> None:
        super()._closed(event, name, reason, refused=refused)
        leg = self._legs.get(event.instrument_id)
        if isinstance(leg, MemberLeg):
            leg.tell()

    def _position_corrected(self, name: str) -> None:
        next(leg for leg in self._members if leg.name == name).tell()

    def retune(self, settings: QuotingSettings, leg: QuotingLeg) -> None:
        """Quote a member by other settings, and price the portfolio with the sizes that it has then."""
        assert isinstance(leg, MemberLeg)
        leg.retune(settings)
        self._tolerances[leg.index] = max(settings.requote.tolerance_ticks, 0.5) * float(leg.lattice.grid.tick)
        if self._book.ready:
            self._solve()
        self._requote_all("operator", self._clock.timestamp_ns())

    # ------------------------------------------------------- risk and hedges

    def _obey(self) -> None:
        """Let the graver of the stages hold that are asked of everything and of a member, each for itself."""
        for leg in self._members:
            states = [state for name in ("", leg.name) if (state := self._restraints.get(name)) is not None]
            stage = max((RiskStage[state.stage] for state in states), default=RiskStage.NORMAL)
            leg.desk.restrain(stage, max((state.spread_multiplier for state in states), default=1.0))
            self._hedger.of(leg.name).control.stage = stage
        self.hedge(self._clock.timestamp_ns(), "risk")
