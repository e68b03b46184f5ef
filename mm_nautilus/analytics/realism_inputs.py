"""What caveats are drawn from: the shape of the data and the settings of the simulated venue."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import Enum, StrEnum


class BookData(Enum):
    """How much of the book the data shows."""

    NONE = "NONE"
    """No book and no quotes: trades or bars alone."""
    L1 = "L1"
    """Best bid and offer."""
    L2 = "L2"
    """Size per price level."""
    L3 = "L3"
    """Every order."""


@dataclass(frozen=True, slots=True)
class DataShape:
    """What the data of one instrument can and cannot show.

    Parameters
    ----------
    instrument_id, venue : str
        Whose data it is.
    book : BookData
        Depth of the book data.
    trades : bool
        Whether trades are in the data.
    update_interval_ms : float | None
        Spacing of book updates where the feed batches them (Binance depth: 100; one-second quotes:
        1000); ``None`` when every change is delivered.
    visible_levels : int | None
        Price levels per side the feed shows; ``None`` when it shows all.
    snapshots : bool
        Whether the book comes as repeated snapshots rather than changes.
    trades_first : bool
        Whether a trade comes before the book update that reflects it.
    simulated : bool
        Whether a simulator made the data.
    perpetual : bool
        Whether holders pay each other funding.
    funding : str
        What the run would have paid or received of it by the rates in the data; empty where there are none.

    """

    instrument_id: str
    venue: str
    book: BookData
    trades: bool
    update_interval_ms: float | None = None
    visible_levels: int | None = None
    snapshots: bool = False
    trades_first: bool = True
    simulated: bool = False
    perpetual: bool = False
    funding: str = ""


@dataclass(frozen=True, slots=True)
class VenueSettings:
    """How the simulated venue treats our orders; printed beside every result.

    Parameters
    ----------
    venue : str
        Its name.
    queue_position : bool
        Whether an order waits for the size ahead of it.
    liquidity_consumption : bool
        Whether size we took is gone until the book changes.
    insert_latency_ms, amend_latency_ms, cancel_latency_ms : float
        Time from our command to the venue.
    fee_model : str
        Name of the fee model.
    maker_fee, taker_fee : Decimal | None
        Fraction of the value traded; negative is a rebate. ``None`` when the fee model has no flat rate.
    fill_model : str
        Name of the fill model.
    prob_fill_on_limit : float
        Probability that a resting order at the front is filled when its price is reached.
    prob_slippage : float
        Probability that an aggressive order slips by a tick.

    """

    venue: str
    queue_position: bool
    liquidity_consumption: bool
    insert_latency_ms: float
    amend_latency_ms: float
    cancel_latency_ms: float
    fee_model: str
    maker_fee: Decimal | None
    taker_fee: Decimal | None
    fill_model: str
    prob_fill_on_limit: float = 1.0
    prob_slippage: float = 0.0


class Severity(StrEnum):
    """How much a caveat may change the conclusion."""

    SEVERE = "severe"
    """The result cannot be traded on."""
    WARNING = "warning"
    """The result is biased, in the direction stated."""
    NOTE = "note"
    """Good to know."""


@dataclass(frozen=True, slots=True)
class Caveat:
    """One thing the result does not show.

    Parameters
    ----------
    code : str
        Stable name, for filters and tests.
    severity : Severity
        How much it may matter.
    subject : str
        The venue or instrument it is about, or ``all``.
    message : str
        One plain sentence.

    """

    code: str
    severity: Severity
    subject: str
    message: str
