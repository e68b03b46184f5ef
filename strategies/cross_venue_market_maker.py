"""A market maker of one asset on any number of venues, each quote held by what its fill can be hedged at elsewhere.

Prices, bounds and who is to be quoted anew are decided in `mm_nautilus.venues.cross_quoting`; the quotes themselves in
`mm_nautilus.quoting`; hedges in `mm_nautilus.inventory`. This class hands each of them what the engine says.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import partial
from typing import Any, Final

from nautilus_trader.common import SocketState, SocketStateChanged, TimeEvent
from nautilus_trader.model import (
    InstrumentId,
    InstrumentStatus,
    MarketStatusAction,
    OrderBookDeltas,
    QuoteTick,
)

from mm_nautilus.adverse_selection.fill_watch import FillWatch
from mm_nautilus.errors import ConfigError
from mm_nautilus.host.traded import Traded
from mm_nautilus.inventory.limits import Holding
from mm_nautilus.inventory.venue_market import VenueMarket
from mm_nautilus.market import Side, TopOfBook
from mm_nautilus.quoting.settings import QuotingSettings
from mm_nautilus.strategies.cross_venue_settings import CrossVenueSettings
from mm_nautilus.strategies.hedging import Hedger
from mm_nautilus.strategies.leg import QuotingLeg
from mm_nautilus.strategies.quoting_strategy import QuotingConfig, QuotingStrategy
from mm_nautilus.venues.consolidated import ConsolidatedFairValue
from mm_nautilus.venues.cross_quoting import CrossQuoting, CrossTerms, Place
from mm_nautilus.venues.cross_settings import VenueEntry
from mm_nautilus.venues.depth import Depth
from mm_nautilus.venues.leadership import PriceLeadership
from mm_nautilus.venues.venue import Health, Venue

_WEIGHTS_TIMER: Final = "12_weights_"
_FOR_GOOD_NS: Final = 1 << 62
"""When a rate that is a number was heard: it never grows old."""
_HALTS: Final = {
    MarketStatusAction.HALT,
    MarketStatusAction.PAUSE,
    MarketStatusAction.SUSPEND,
    MarketStatusAction.CLOSE,
    MarketStatusAction.NOT_AVAILABLE_FOR_TRADING,
}
_TRADES: Final = {MarketStatusAction.TRADING, MarketStatusAction.QUOTING}


class CrossVenueMarketMakerConfig(QuotingConfig):
    """The engine's fields, `CrossVenueSettings` and the parameters of the chosen model, in one flat table."""

    settings: CrossVenueSettings


class CrossVenueMarketMaker(QuotingStrategy):
    """Quotes one asset on several venues and hedges every fill at once where it costs least.

    Publishes what `MarketMaker` does, for every venue; each `QuoteDecision` says how far hedges let its sides go, where
    they would be hedged, and why other venues could not be.

    Parameters
    ----------
    config : CrossVenueMarketMakerConfig
        What to quote where and how.

    """

    saved_as = "cross_venue_market_maker"

    def __init__(self, config: CrossVenueMarketMakerConfig) -> None:
        super().__init__(config)
        self._settings = settings = config.settings
        self._sample_s = settings.volatility.sample_interval_s
        self._arrival = settings.arrival
        self._state_file = settings.state_file
        self._age = settings.age
        self._check_positions = settings.limits.check_position
        self._acts_on_assessments = settings.adverse_selection.act

    # --------------------------------------------------------------- opening

    def _open(self) -> None:
        settings, balances = self._settings, dict[str, dict[str, Decimal]]()
        entries = {one.instrument_id: one for one in settings.venues}
        legs = [self._leg(one, balances) for one in settings.venues if one.quote]
        self._legs = {leg.traded.id: leg for leg in legs}
        asset_limit = float(settings.limits.max_asset_position or 0)
        self._hedger = Hedger(
            self,
            settings.hedging(),
            settings.taking_terms(),
            legs,
            int(legs[0].settings.limits.max_position / legs[0].lattice.grid.lot),
            settings.age,
            settings.book,
            settings.volatility.sample_interval_s,
            settings.arrival.end_ns,
            balances,
            settings.limits.day_begins_utc,
            self._persist,
            VenueMarket,
            [*settings.rates, *([settings.reference_currency] if settings.reference_currency else [])],
            asset_limit,
        )
        traded = [self._hedger.traded[name] for name in entries]
        reference = settings.reference_currency or traded[0].quote_currency
        venues = [self._venue(one, entries[one.name]) for one in traded]
        fair = ConsolidatedFairValue(
            venues,
            reference,
            settings.basis_half_life_s,
            settings.venue_stale_after_s,
            settings.weights.fixed or None,
            list(settings.rates),
            settings.crossed_bps,
        )
        places = [self._place(one, entries[one.name], venue) for one, venue in zip(traded, venues, strict=True)]
        terms = CrossTerms(
            settings.min_edge_bps * 1e-4,
            settings.slippage_bps * 1e-4,
            settings.latency_z,
            settings.alpha,
            settings.follow_bps * 1e-4,
            settings.deduct_basis,
            settings.max_clock_offset_s,
        )
        self._cross = CrossQuoting(places, fair, terms, self._leadership(len(places)))
        self._index = {one.id: place for place, one in enumerate(traded)}
        self._by_place = [self._legs.get(one.id) for one in traded]
        for leg in legs:
            leg.bounds = self._limited(leg)
            leg.anchor = partial(self._cross.anchor, self._index[leg.traded.id])
        self._open_rates(fair, reference)
        self._cross.moved()

    def _leg(self, entry: VenueEntry, balances: dict[str, dict[str, Decimal]]) -> QuotingLeg:
        settings, venue = self._settings, entry.instrument_id.rpartition(".")[2]
        reserve = max(entry.maker_fee if entry.maker_fee is not None else settings.maker_fees.get(venue, 0.0), 0.0)
        traded = self._find_instrument(entry.instrument_id, reserve, balances)
        if (traded.lattice.inverse or traded.lattice.multiplier != 1) and not (entry.order_size and entry.max_position):
            raise ConfigError(
                "strategy",
                [f"venues: {traded.name} is a contract: state its order_size and max_position in contracts"],
            )
        grid = traded.lattice.grid
        watch = FillWatch.of(settings.adverse_selection, str(self.strategy_id), traded.name, grid)
        if watch is not None and watch.acts:
            self._risk_every_ns = watch.every_ns
        arrival = settings.arrivals.get(venue, settings.arrival)
        limit = float(settings.limits.max_asset_position or 0)
        own, held = settings.of_venue(entry), self._position_lots(traded)
        return QuotingLeg(self, own, traded, held, arrival, watch, limit)

    def _venue(self, one: Traded, entry: VenueEntry) -> Venue:
        """Return what stays the same about a venue; a fee that nobody stated is refused there."""
        taking = self._settings.taking_terms().get(one.venue)
        maker: Any = self._settings.maker_fees.get(one.venue) if entry.maker_fee is None else entry.maker_fee
        taker: Any = None if taking is None else taking.fee_rate
        return Venue(one.name, one.asset, one.quote_currency, maker, taker, one.lattice.inverse, one.lattice.multiplier)

    def _place(self, one: Traded, entry: VenueEntry, venue: Venue) -> Place:
        settings, market = self._settings, self._hedger.control.market(one.name)
        assert isinstance(market, VenueMarket)
        grid = one.lattice.grid
        market.limit_lots = int((entry.max_position or settings.limits.max_position) / grid.lot)
        leg = self._legs.get(one.id)
        size_lots, join = 0, None
        if leg is not None:
            size_lots = _size_lots(leg.settings, grid.lot)
            join = None if settings.join_ticks is None else settings.join_ticks * float(grid.tick)
        latency_s = entry.hedge_latency_s
        if latency_s is None:
            latency_s = market.terms.submit_ns * 1e-9
        levels = None if settings.book == "L1" else self._levels_of(one)
        return Place(venue, market, entry.quote, entry.hedge, latency_s, size_lots, levels, join)

    def retune(self, settings: QuotingSettings, leg: QuotingLeg) -> None:
        """Quote a venue by other settings, and let the hedges count on what it may hold, and be filled with, then."""
        leg.retune(settings)
        place, lot = self._cross.places[self._index[leg.traded.id]], leg.lattice.grid.lot
        place.size_lots = _size_lots(settings, lot)
        place.market.limit_lots = int(settings.limits.max_position / lot)
        self._cross.moved()
        self._requote_all("operator", self._clock.timestamp_ns())

    def _levels_of(self, one: Traded) -> Callable[[Side], Depth]:
        count = self._settings.depth_levels

        def levels(side: Side) -> Depth:
            book = one.book
            if book is None:
                return ()
            found = book.asks(count) if side is Side.BUY else book.bids(count)
            return [(level.price.as_double(), level.size()) for level in found]

        return levels

    def _leadership(self, venues: int) -> PriceLeadership | None:
        weights = self._settings.weights
        if weights.method != "lead_lag":
            return None
        return PriceLeadership(venues, weights.window_s, min(weights.floor, 1.0 / venues), weights.min_changes)

    def _open_rates(self, fair: ConsolidatedFairValue, reference: str) -> None:
        """Take the rates that are numbers for good, and listen to the instruments of the others."""
        self._rates: dict[InstrumentId, tuple[str, bool]] = {}
        for currency, rate in self._settings.rates.items():
            if isinstance(rate, Decimal):
                fair.rate(currency, float(rate), _FOR_GOOD_NS)
                continue
            one = self._find_instrument(rate, 0.0, {})
            pairs = {(currency, reference): False, (reference, currency): True}
            inverted = pairs.get((one.asset, one.quote_currency))
            if inverted is None:
                raise ConfigError(
                    "strategy", [f"rates: {rate} is {one.asset} in {one.quote_currency}, not {currency} in {reference}"]
                )
            self._rates[one.id] = currency, inverted

    # ------------------------------------------------------------------ life

    def on_start(self) -> None:
        """Begin as every quoting strategy does, and listen to rates, halts and connections."""
        super().on_start()
        strategy_id = str(self.strategy_id)
        for instrument_id in self._rates:
            if instrument_id not in self._index:
                self.subscribe_quotes(instrument_id)
        for instrument_id in self._index:
            self.subscribe_instrument_status(instrument_id)
        self.subscribe_socket_state()
        if self._settings.weights.method == "lead_lag":
            every_ns = int(self._settings.weights.refresh_s * 1e9)
            self._clock.set_timer_ns(_WEIGHTS_TIMER + strategy_id, every_ns, callback=self.guard(self._on_weights))

    def on_stop(self) -> None:
        """Stop measuring, and end as every quoting strategy does."""
        name = _WEIGHTS_TIMER + str(self.strategy_id)
        if name in set(self._clock.timer_names()):
            self._clock.cancel_timer(name)
        super().on_stop()

    def _state(self) -> dict[str, Any]:
        return super()._state() | {"venues": self._cross.save()}

    def _recover(self, saved: Mapping[str, Any]) -> None:
        super()._recover(saved)
        self._cross.load(saved["venues"])
        self._cross.moved()

    # ---------------------------------------------------------------- market

    def on_quote(self, quote: QuoteTick) -> None:
        """Take the best prices of a venue, or a rate, and quote what that moves."""
        instrument_id = quote.instrument_id
        rate = self._rates.get(instrument_id)
        if rate is not None:
            mid = 0.5 * (quote.bid_price.as_double() + quote.ask_price.as_double())
            worth = 1.0 / mid if rate[1] and mid > 0.0 else mid
            self._cross.rate(rate[0], worth, quote.ts_init)
        place = self._index.get(instrument_id)
        if place is None:
            return
        leg = self._by_place[place]
        if leg is None:
            top = TopOfBook(
                quote.bid_price.as_double(),
                quote.ask_price.as_double(),
                quote.bid_size.as_double(),
                quote.ask_size.as_double(),
            )
            self._heard(place, None, top, False, "quote", quote.ts_event, quote.ts_init)
        else:
            moved = leg.on_quote(quote)
            self._heard(place, leg, leg.desk.top, moved, "quote", quote.ts_event, quote.ts_init)

    def on_book_deltas(self, deltas: OrderBookDeltas) -> None:
        """Bring the book of a venue up to date and quote what that moves."""
        place = self._index.get(deltas.instrument_id)
        if place is None:
            return
        leg = self._by_place[place]
        if leg is None:
            self._hedger.on_book_deltas(deltas)
            top = self._cross.places[place].market.top
            self._heard(place, None, top, False, "book", deltas.ts_event, deltas.ts_init)
        else:
            moved = leg.on_book_deltas(deltas)
            self._heard(place, leg, leg.desk.top, moved, "book", deltas.ts_event, deltas.ts_init)

    def _heard(
        self,
        place: int,
        leg: QuotingLeg | None,
        top: TopOfBook | None,
        moved: bool,
        trigger: str,
        event_ns: int,
        now_ns: int,
    ) -> None:
        cross = self._cross
        told = cross.heard(place, top, event_ns, now_ns)
        if told:
            self._say_changes()
        if moved and leg is not None:
            leg.requote(trigger, now_ns)
        for other in told:
            elsewhere = self._by_place[other]
            if elsewhere is not None and not (moved and elsewhere is leg):
                elsewhere.requote("venue", now_ns)

    def _holdings_but(self, leg: QuotingLeg) -> list[Holding]:
        return [*super()._holdings_but(leg), self._hedger.control.pending(self._cross.inventory)]

    def _step_hedge(self, now_ns: int) -> None:
        self._cross.compare(now_ns)
        super()._step_hedge(now_ns)

    def _sampled(self, now_ns: int) -> None:
        sigmas = {
            place: sigma
            for place, leg in enumerate(self._by_place)
            if leg is not None and (sigma := leg.desk.volatility.value) is not None
        }
        self._cross.sample(now_ns, sigmas)
        self._say_changes()

    def _on_weights(self, event: TimeEvent) -> None:
        """Weigh the venues by who has led lately."""
        weights = self._cross.weigh(event.ts_event)
        if weights is not None:
            named = zip(self._cross.places, weights, strict=True)
            self.log.info("weights: " + ", ".join(f"{place.venue.name} {weight:.3f}" for place, weight in named))

    # ---------------------------------------------------------- venues gone

    def on_instrument_status(self, status: InstrumentStatus) -> None:
        """Take a venue that is halted out at once, and let it in again when it trades."""
        place = self._index.get(status.instrument_id)
        if place is not None and (status.action in _HALTS or status.action in _TRADES):
            self._bar(place, Health.HALTED, status.action in _HALTS, status.ts_init)

    def on_socket_state(self, event: SocketStateChanged) -> None:
        """Take the instruments of a venue whose connection is gone out at once."""
        gone = event.state == SocketState.DISCONNECTED
        for place, one in enumerate(self._cross.places):
            if event.venue is not None and one.market.name.endswith(f".{event.venue}"):
                self._bar(place, Health.DISCONNECTED, gone, event.ts_init)

    def _bar(self, place: int, reason: Health, barred: bool, now_ns: int) -> None:
        if self._cross.bar(place, reason, barred, now_ns):
            name, state = self._cross.places[place].venue.name, reason if barred else f"no longer {reason}"
            self.log.warning(f"{name} is {state}")
            self.hedge(now_ns, "venue")

    def _say_changes(self) -> None:
        for place, health in self._cross.take_changes():
            name = self._cross.places[place].venue.name
            if health is Health.LIVE:
                self.log.info(f"{name} counts")
                continue
            offset = f" ({self._cross.clock_offset_s(place):+.3f} s)" if health is Health.CLOCK_OFFSET else ""
            self.log.warning(f"{name} is {health}{offset}: neither quoted nor hedged on")

    # ---------------------------------------------------------------- fills

    def _book_fill(self, event: Any) -> bool:
        if not super()._book_fill(event):
            return False
        self._cross.moved()
        return True

    def _position_corrected(self, name: str) -> None:  # noqa: ARG002 - the inventory is one over all venues
        self._cross.moved()


def _size_lots(settings: QuotingSettings, lot: Decimal) -> int:
    """Return what one sweep of a side of all our quotes would fill."""
    order, ladder = int(settings.order_size / lot), settings.ladder
    return sum(round(order * ladder.size_decay**level) for level in range(ladder.levels))
