"""What strategies and actors say to each other, and the topics they say it on.

Messages are frozen values passed by reference over the engine's bus; the recorder writes each
kind to one Parquet table of the run log. Money, prices and sizes that were booked are exact
(`Decimal`); what a model thought is a float.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from msgspec import Struct

TOPIC_DECISION: Final = "mm.decision"
TOPIC_ORDER: Final = "mm.order"
TOPIC_FILL: Final = "mm.fill"
TOPIC_MARK: Final = "mm.mark"
TOPIC_ACCOUNT: Final = "mm.account"
TOPIC_POSITION: Final = "mm.position"
TOPIC_HEDGE: Final = "mm.hedge"
TOPIC_RISK: Final = "mm.risk.state"
"""What strategies obey: one `RiskState` whenever a stage changes."""
TOPIC_RISK_VALUE: Final = "mm.risk.value"
TOPIC_INCIDENT: Final = "mm.incident"
TOPIC_FILL_FEATURES: Final = "mm.fill.features"
TOPIC_FILL_RISK: Final = "mm.fill.risk"
TOPIC_ALERT: Final = "mm.alert"
TOPIC_MARKOUT: Final = "mm.markout"
TOPIC_ASSESSMENT: Final = "mm.assessment"
TOPIC_OPPORTUNITY: Final = "mm.opportunity"
TOPIC_CONTROL: Final = "mm.control"
TOPIC_FUNDING: Final = "mm.funding"


class QuoteDecision(Struct, frozen=True, gc=False):
    """One pass through the quoting pipeline: inputs, every term, every cap, and the outcome.

    Prices are in quote currency, sizes and positions in base units, ``sigma`` in price per
    square-root second, intensities per second and per price unit. ``None`` means that the step was
    not reached or that the side is not quoted.
    """

    ts_ns: int
    strategy_id: str
    instrument_id: str
    decision_id: int
    trigger: str
    # what was seen
    bid: float | None
    ask: float | None
    bid_size: float | None
    ask_size: float | None
    position: float
    worst_long: float
    """Position if every working and in-flight buy filled."""
    worst_short: float
    """Position if every working and in-flight sell filled."""
    # step 1, estimate
    fair_value: float | None
    sigma: float | None
    bid_a_per_s: float | None
    bid_k_per_price: float | None
    ask_a_per_s: float | None
    ask_k_per_price: float | None
    # step 2, price
    reservation_price: float | None
    bid_half_spread: float | None
    ask_half_spread: float | None
    # step 3, adjust
    bid_spread_multiplier: float
    ask_spread_multiplier: float
    bid_size_multiplier: float
    ask_size_multiplier: float
    fair_value_shift: float
    # steps 4 and 5, ladder and guards: what we want to rest
    bid_prices: tuple[float, ...]
    bid_sizes: tuple[float, ...]
    ask_prices: tuple[float, ...]
    ask_sizes: tuple[float, ...]
    quote_state: str
    reasons: tuple[str, ...]
    """Why the state is what it is, and why a side or level is missing."""
    caps: tuple[str, ...]
    """Guards that changed a price or a size."""
    # step 6, reconcile
    submits: int
    amends: int
    cancels: int
    keeps: int
    deferred: int
    """Commands wanted but postponed by the message budget or by an order in flight."""
    # where an asset is quoted on several venues
    inventory: float | None = None
    """Position netted over all venues that the model leaned with, in base units; ``None`` where it is `position`."""
    bid_bound: float | None = None
    """Highest bid whose fill, hedged at once, still earns the minimum edge; ``None`` where nothing bounds it."""
    ask_bound: float | None = None
    bid_hedge_venue: str = ""
    """Where a fill of the bid would be hedged."""
    ask_hedge_venue: str = ""
    hedge_refusals: tuple[str, ...] = ()
    """Venues that could not be hedged on, and why, as ``side venue: reason``."""


class OrderFact(Struct, frozen=True, gc=False):
    """Something that happened to one of our orders."""

    ts_ns: int
    strategy_id: str
    instrument_id: str
    client_order_id: str
    decision_id: int
    side: str
    level: int
    event: str
    """SUBMIT, AMEND, CANCEL (our commands) or the engine's event: ACCEPTED, REJECTED, UPDATED, ..."""
    price: Decimal
    size: Decimal
    filled: Decimal
    reason: str
    purpose: str = "QUOTE"
    """A `Purpose`; ``decision_id`` counts quote decisions for QUOTE, opportunities taken for ARBITRAGE and hedge
    decisions for the others."""


class FillFact(Struct, frozen=True, gc=False):
    """One execution of one of our orders."""

    ts_ns: int
    strategy_id: str
    instrument_id: str
    client_order_id: str
    venue_order_id: str
    trade_id: str
    decision_id: int
    side: str
    level: int
    price: Decimal
    size: Decimal
    liquidity: str
    commission: Decimal
    """Positive is a cost, negative a rebate."""
    commission_currency: str
    position_after: Decimal
    bid: float | None
    """Best bid when the fill arrived."""
    ask: float | None
    quoted_ts_ns: int
    """When the order got its present price (submitted or last amended)."""
    purpose: str = "QUOTE"
    """A `Purpose`."""


class MarkFact(Struct, frozen=True, gc=False):
    """The market and our position at one sampling instant."""

    ts_ns: int
    strategy_id: str
    instrument_id: str
    bid: float | None
    ask: float | None
    sigma: float | None
    position: Decimal
    open_buy: Decimal
    """Size of all working and in-flight buys, hedges included."""
    open_sell: Decimal
    market_ts_ns: int = 0
    """When the market was last heard of."""
    fault: str = ""
    """Why the market is not fit to be quoted on, empty where it is."""


class AccountFact(Struct, frozen=True, gc=False):
    """One currency balance of one venue account, taken when a strategy starts or stops and when a day rolls over."""

    ts_ns: int
    venue: str
    account_id: str
    currency: str
    total: Decimal
    free: Decimal
    locked: Decimal


class PositionFact(Struct, frozen=True, gc=False):
    """The engine's net position in one instrument, taken when a trading day rolls over."""

    ts_ns: int
    instrument_id: str
    position: Decimal
    """In base units (contracts)."""


class HedgeFact(Struct, frozen=True, gc=False):
    """A decision to hedge, or what became of it.

    Sizes are in base units of the instrument hedged on (contracts for derivatives), exposures in units of the asset.
    """

    ts_ns: int
    strategy_id: str
    asset: str
    decision_id: int
    """Counts the hedge decisions of the strategy; the orders it caused carry it."""
    event: str
    """NEEDED, SENT, FILLED, REFUSED, DONE, or ALARM where it is not done in time."""
    cause: str
    """Why: BAND, VALUE_AT_RISK, EXPECTED_SHORTFALL, INVENTORY_SHARE, AGE, FLATTEN, EMERGENCY, FILL."""
    exposure: float
    """Signed exposure of the asset over all its instruments, in units of the asset."""
    target: float
    """Exposure wanted, in units of the asset."""
    instrument_id: str
    client_order_id: str
    side: str
    size: Decimal
    price: Decimal | None
    """Limit of an order, price of a fill."""
    mid: float | None
    """Mid of the instrument hedged on when the hedge was decided."""
    cost: float
    """Price paid beyond that mid plus commission, in settlement currency; 0 unless the event is FILLED."""
    elapsed_s: float
    """Since the hedge was needed."""
    reason: str


class RiskState(Struct, frozen=True, gc=False):
    """What every strategy must obey until the next one."""

    ts_ns: int
    stage: str
    """Name of a `RiskStage`."""
    instrument_id: str
    """Instrument it restrains; empty for all."""
    spread_multiplier: float
    """On both half-spreads, from the stage WIDEN on; 1 where quotes stand as they are."""
    rules: tuple[str, ...]
    """Rules, or ``operator``, that hold the stage."""
    reason: str


class RiskFact(Struct, frozen=True, gc=False):
    """One risk rule's measurement at one evaluation."""

    ts_ns: int
    rule: str
    scope: str
    """Instrument, asset, venue or strategy it was measured for; empty for the whole run."""
    value: float | None
    """In the unit the rule names; ``None`` where it cannot be measured yet."""
    stage: str
    """Stage this rule asks for."""
    reason: str


class IncidentFact(Struct, frozen=True, gc=False):
    """One entry of the incident record: a halt or an operator's action and everything done about it."""

    ts_ns: int
    incident_id: int
    event: str
    """RAISED, NOTIFIED, NOTIFICATION_FAILED, FLAT, RESUMED, ..."""
    source: str
    """``operator`` or the rule that asked for it."""
    stage: str
    reason: str
    details: str
    """JSON: positions, exposures, equity and open orders then."""


class MarkoutFact(Struct, frozen=True, gc=False):
    """What one fill was worth a horizon later, known since then; a horizon that the data did not reach has no fact.

    Figures are per unit, in price units, and signed by our side: ``markout = edge - adverse_selection``.
    """

    ts_ns: int
    """When the horizon had passed."""
    strategy_id: str
    instrument_id: str
    client_order_id: str
    trade_id: str
    fill_ts_ns: int
    side: str
    level: int
    liquidity: str
    size: float
    price: float
    horizon_s: float
    mid: float
    """Last mid at or before the fill."""
    later_mid: float
    """Last mid at or before the horizon."""
    edge: float
    markout: float
    adverse_selection: float


class AdverseSelectionAssessment(Struct, frozen=True, gc=False):
    """How strongly each of our sides is being picked off on one instrument, on what evidence, and what to do about it.

    Scores are positive, and t-statistics large, where something goes against the side; ``None`` where there is not
    enough to go by. Units are those of `mm_nautilus.adverse_selection.evidence.Evidence`.
    """

    ts_ns: int
    instrument_id: str
    # what to do
    bid_spread_multiplier: float
    ask_spread_multiplier: float
    bid_size_multiplier: float
    ask_size_multiplier: float
    bid_away_until_ns: int | None
    """Bids are withdrawn until then; ``None`` where they are not."""
    ask_away_until_ns: int | None
    adverse_ratio: float
    """Recent share of our fills, on both sides, that the price went against; 0 before there is one."""
    # why
    bid_t: float | None
    """Combined t-statistic of the tests that spoke."""
    ask_t: float | None
    bid_confidence: float | None
    """One minus the p-value of that: the chance of less evidence than this in uninformed flow."""
    ask_confidence: float | None
    bid_toxic: bool
    ask_toxic: bool
    bid_tests: tuple[str, ...]
    """Tests that speak at their own level."""
    ask_tests: tuple[str, ...]
    # the five tests, side by side
    bid_immediate_score: float | None
    bid_immediate_t: float | None
    bid_delayed_score: float | None
    bid_delayed_t: float | None
    bid_flow_score: float | None
    bid_flow_t: float | None
    bid_sweep_score: float | None
    bid_sweep_t: float | None
    bid_clustering_score: float | None
    bid_clustering_t: float | None
    ask_immediate_score: float | None
    ask_immediate_t: float | None
    ask_delayed_score: float | None
    ask_delayed_t: float | None
    ask_flow_score: float | None
    ask_flow_t: float | None
    ask_sweep_score: float | None
    ask_sweep_t: float | None
    ask_clustering_score: float | None
    ask_clustering_t: float | None
    # what else was measured
    bid_fills: int
    """Fills of the side so far."""
    ask_fills: int
    bid_adverse_selection: float | None
    """Average over the last fills at the delayed horizon, per unit, in price units."""
    ask_adverse_selection: float | None
    bid_filled_share: float | None
    """Average share of what was open of an order that one execution took."""
    ask_filled_share: float | None
    bid_queue_ahead: float | None
    """Average size displayed at the order's price when it joined there, over its own size."""
    ask_queue_ahead: float | None
    order_flow_imbalance: float | None
    """Cont-Kukanov-Stoikov, in base units."""
    trade_imbalance: float | None
    vpin: float | None
    vpin_rank: float | None
    book_imbalance: float | None
    """``(bid size - ask size) / (bid size + ask size)`` at the touch."""
    parameters: str
    """Settings of the monitor, as JSON."""


class FillFeatureFact(Struct, frozen=True, gc=False):
    """What was known about one fill of ours as it happened."""

    ts_ns: int
    strategy_id: str
    instrument_id: str
    client_order_id: str
    trade_id: str
    side: str
    price: Decimal
    size: Decimal
    schema: str
    """Digest of the feature schema that names the values."""
    values: tuple[float, ...]


class FillRiskFact(Struct, frozen=True, gc=False):
    """One prediction: how likely a fill of each side now is to turn against us, and what that does to the quote.

    The chance is ``None`` while the features warm up and after the model has failed.
    """

    ts_ns: int
    strategy_id: str
    instrument_id: str
    bid_risk: float | None
    ask_risk: float | None
    bid_flow_against: float
    """Trade imbalance against our bid, in [-1, 1]; against our ask it is the opposite."""
    flow_trades: float
    """Decayed count of trades it rests on."""
    bid_spread_multiplier: float
    ask_spread_multiplier: float
    bid_size_multiplier: float
    ask_size_multiplier: float
    bid_away: bool
    """Nothing is quoted there, unless it would reduce the position."""
    ask_away: bool


class AlertFact(Struct, frozen=True, gc=False):
    """Something a person should look at, said once."""

    ts_ns: int
    strategy_id: str
    instrument_id: str
    source: str
    text: str


class ControlFact(Struct, frozen=True, gc=False):
    """One command that came through the control channel, and what came of it."""

    ts_ns: int
    """On the clock of the run: the market's in a replay."""
    wall_ts_ns: int
    """On the wall's clock."""
    command_id: str
    """As whoever sent it named it; the same name is carried out once."""
    command: str
    who: str
    """As he called himself, and the address it came from."""
    reason: str
    subject: str
    """Instrument or parameter it was about, empty for everything."""
    old: str
    """Value of the parameter, or the stage of everything, before."""
    new: str
    """And after."""
    outcome: str
    """DONE, REFUSED, FAILED or UNKNOWN."""
    answer: str


class FundingFact(Struct, frozen=True, gc=False):
    """What a venue says that holders of a perpetual will pay each other; said anew when either figure changes."""

    ts_ns: int
    instrument_id: str
    rate: Decimal
    """Fraction of the position's worth that a long one pays; a short one receives it."""
    due_ns: int | None
    """When it is paid, in nanoseconds since 1970; ``None`` where the venue does not say."""


class OpportunityFact(Struct, frozen=True, gc=False):
    """Two venues whose prices cross before costs: what was made of it, why not, or what came of it.

    Sizes are in base units of the asset, money in the quote currency that the venues share. What is planned is cut at
    16 digits after the point; what was done is exact.
    """

    ts_ns: int
    strategy_id: str
    asset: str
    episode_id: int
    """Counts the crossings of the strategy, from one of two best prices passing the other to their coming apart."""
    opportunity_id: int
    """Counts the opportunities taken; the orders of its legs carry it as ``decision_id``. 0 where none was."""
    event: str
    """TAKEN (both legs are sent); MISSED, once an episode for each reason; DONE (both legs are over); ENDED, the
    episode is over."""
    verdict: str
    """A `mm_nautilus.venues.crossing.Verdict`: of MISSED the reason, of ENDED the latest; of DONE a
    `mm_nautilus.venues.legs.Result`."""
    buy_instrument_id: str
    sell_instrument_id: str
    ask: float
    """Best ask of the one; of ENDED, with `bid`, where they crossed the most."""
    bid: float
    """Best bid of the other."""
    size: Decimal
    """TAKEN: of either leg; MISSED: of the trade the arithmetic is about; DONE: filled on both; else 0."""
    buy_notional: Decimal
    """Money exchanged for what was bought, before fees."""
    sell_notional: Decimal
    fees: Decimal
    """Of both legs; below 0 where rebates prevail."""
    net_profit: Decimal
    """``sell_notional - buy_notional - fees``; of DONE the change in cash that the legs made."""
    residual: Decimal
    """DONE: bought less sold, which is the hedger's from here on; else 0."""
    imbalance: Decimal
    """DONE: largest ``|bought - sold|`` while the legs were out."""
    imbalance_notional: Decimal
    """DONE: what that was worth at the prices paid."""
    leg_gap_s: float | None
    """DONE: from the last fill of the leg that was filled first to the last fill of the other; ``None`` where a leg
    has none."""
    elapsed_s: float
    """TAKEN, MISSED and ENDED: since the prices crossed; DONE: since the legs were sent."""
    buy_order_id: str
    """TAKEN and DONE: client order id of the leg; else empty."""
    sell_order_id: str
    reason: str
    """The arithmetic, in words, and what stands against it."""

    @property
    def gross_edge_bps(self) -> float:
        """Best bid over best ask before any cost, in bps of the ask."""
        return 1e4 * (self.bid / self.ask - 1.0)
