"""What strategies and actors say to each other, and the topics they say it on.

Messages are frozen values passed by reference over the engine's bus; the recorder writes each
kind to one Parquet table of the run log. Money, prices and sizes that were booked are exact
(`Decimal`); what a model thought is a float.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from mm_nautilus.fast_init import fast_init

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


@fast_init
@dataclass(frozen=True, slots=True)
class QuoteDecision:
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


@fast_init
@dataclass(frozen=True, slots=True)
class OrderFact:
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
    """A `Purpose`; ``decision_id`` counts quote decisions for QUOTE and hedge decisions for the others."""


@fast_init
@dataclass(frozen=True, slots=True)
class FillFact:
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


@fast_init
@dataclass(frozen=True, slots=True)
class MarkFact:
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


@dataclass(frozen=True, slots=True)
class AccountFact:
    """One currency balance of one venue account, taken when a strategy starts or stops and when a day rolls over."""

    ts_ns: int
    venue: str
    account_id: str
    currency: str
    total: Decimal
    free: Decimal
    locked: Decimal


@dataclass(frozen=True, slots=True)
class PositionFact:
    """The engine's net position in one instrument, taken when a trading day rolls over."""

    ts_ns: int
    instrument_id: str
    position: Decimal
    """In base units (contracts)."""


@fast_init
@dataclass(frozen=True, slots=True)
class HedgeFact:
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


@fast_init
@dataclass(frozen=True, slots=True)
class RiskState:
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


@fast_init
@dataclass(frozen=True, slots=True)
class RiskFact:
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


@dataclass(frozen=True, slots=True)
class IncidentFact:
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
