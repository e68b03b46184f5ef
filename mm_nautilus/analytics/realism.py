"""What a backtest cannot know: the caveats that its data and its settings force on the result.

The engine decides fills by rules (queue, latency, fees) applied to the data it is given. Where a rule is
off, or the data does not carry what the rule needs, the result is an estimate with a bias whose direction
is known; each caveat says which. No backtest is free of caveats: nobody reacts to our orders in any of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from mm_nautilus.analytics.realism_inputs import BookData, Caveat, DataShape, Severity, VenueSettings

__all__ = ["BookData", "Caveat", "DataShape", "Severity", "VenueSettings", "caveats"]

type _Rule[*Inputs] = tuple[str, Severity, Callable[[*Inputs], bool], str]

_VENUE_RULES: Final[tuple[_Rule[VenueSettings], ...]] = (
    (
        "QUEUE_OFF",
        Severity.SEVERE,
        lambda v: not v.queue_position,
        "Queue position is off: our orders fill as if first in line, about three times too often on real books.",
    ),
    (
        "LIQUIDITY_REFILLS",
        Severity.SEVERE,
        lambda v: not v.liquidity_consumption,
        "Liquidity consumption is off: size we took is offered again at once, so aggressive fills are too cheap.",
    ),
    (
        "ZERO_LATENCY",
        Severity.SEVERE,
        lambda v: max(v.insert_latency_ms, v.amend_latency_ms, v.cancel_latency_ms) == 0,
        "Latency is zero: we always cancel in time, so losses to faster traders are missing.",
    ),
    (
        "ZERO_CANCEL_LATENCY",
        Severity.WARNING,
        lambda v: v.insert_latency_ms > 0 and v.cancel_latency_ms == 0,
        "Cancels arrive at once: losses to faster traders are understated.",
    ),
    (
        "ZERO_FEES",
        Severity.WARNING,
        lambda v: v.maker_fee == 0 and v.taker_fee == 0,
        "Fees are zero: compare the result with your own fee tier before believing it.",
    ),
    (
        "MAKER_REBATE",
        Severity.NOTE,
        lambda v: v.maker_fee is not None and v.maker_fee < 0,
        "A maker rebate is assumed: it is paid at high volume tiers only, so look at the PnL before rebates.",
    ),
    (
        "DEFAULT_FILL_MODEL",
        Severity.NOTE,
        lambda v: v.prob_fill_on_limit >= 1 and v.prob_slippage == 0,
        "The fill model is certain: an order at the front always fills and an aggressive one never slips.",
    ),
)

_DATA_RULES: Final[tuple[_Rule[DataShape, VenueSettings], ...]] = (
    (
        "SIMULATED_DATA",
        Severity.WARNING,
        lambda d, _: d.simulated,
        "The market is simulated: the result shows that the machinery works, not that the strategy earns money.",
    ),
    (
        "FUNDING_UNKNOWN",
        Severity.WARNING,
        lambda d, _: d.perpetual and not d.simulated and not d.funding,
        "There are no funding rates in the data: what a position held at a funding time pays or receives is missing.",
    ),
    (
        "FUNDING_APART",
        Severity.WARNING,
        lambda d, _: d.perpetual and bool(d.funding),
        "Funding is in no line of the result: by the rates in the data, {funding}.",
    ),
    (
        "NO_BOOK",
        Severity.SEVERE,
        lambda d, _: d.book is BookData.NONE,
        "There is no book in the data: fills are guessed from trades or bars alone.",
    ),
    (
        "TOP_OF_BOOK_ONLY",
        Severity.WARNING,
        lambda d, _: d.book is BookData.L1,
        "The data shows only the best prices: queues at all other prices are unknown and fills there are optimistic.",
    ),
    (
        "NO_TRADES",
        Severity.WARNING,
        lambda d, _: not d.trades,
        "There are no trades in the data: an order fills only when the book crosses it, so fills are few and adverse.",
    ),
    (
        "SLOW_UPDATES",
        Severity.SEVERE,
        lambda d, _: d.update_interval_ms is not None and d.update_interval_ms >= 500,
        "Updates come every {interval}: whatever happened in between, and who was first in it, is unknown.",
    ),
    (
        "BATCHED_UPDATES",
        Severity.WARNING,
        lambda d, _: d.update_interval_ms is not None and 0 < d.update_interval_ms < 500,
        "The book is updated every {interval}: within that time queues and our reactions to them are coarse.",
    ),
    (
        "SNAPSHOTS",
        Severity.WARNING,
        lambda d, v: d.snapshots and v.queue_position,
        "The book comes as snapshots: changes ahead of us and behind us look alike, so queue position is a guess.",
    ),
    (
        "SHALLOW_BOOK",
        Severity.WARNING,
        lambda d, v: d.visible_levels is not None and v.queue_position,
        "The feed shows {levels} levels: an order beyond them starts at the front of its queue.",
    ),
    (
        "DELETE_MAKES_FIRST",
        Severity.NOTE,
        lambda d, v: d.book is BookData.L2 and v.queue_position,
        "When our price level is deleted from the book we become first there, even if it comes back at once.",
    ),
    (
        "TRADES_AFTER_BOOK",
        Severity.WARNING,
        lambda d, v: d.trades and not d.trades_first and d.book in {BookData.L2, BookData.L3} and v.queue_position,
        "Trades follow the book updates they cause: volume ahead of us counts twice, fills are about 25 % too many.",
    ),
    (
        "SWEEPS_MISSED",
        Severity.NOTE,
        lambda d, v: d.trades and d.book in {BookData.L2, BookData.L3} and v.queue_position,
        "A trade beyond our price does not fill us while size is recorded ahead of us: sweeps fill us too rarely.",
    ),
)

_NO_IMPACT: Final = Caveat(
    "NO_REACTION",
    Severity.NOTE,
    "all",
    "Nobody in the data reacts to our orders: the result holds only while they are small beside the market's.",
)

_ORDER: Final = tuple(Severity)


def caveats(shapes: Iterable[DataShape], venues: Iterable[VenueSettings]) -> tuple[Caveat, ...]:
    """Return what the data and the settings force us to say about a result, gravest first.

    Parameters
    ----------
    shapes : iterable of DataShape
        One for each instrument with data.
    venues : iterable of VenueSettings
        One for each simulated venue.

    Raises
    ------
    ValueError
        When an instrument's venue is not among `venues`.

    """
    settings = {one.venue: one for one in venues}
    found = [
        Caveat(code, severity, venue.venue, sentence)
        for venue in settings.values()
        for code, severity, applies, sentence in _VENUE_RULES
        if applies(venue)
    ]
    for shape in shapes:
        if shape.venue not in settings:
            raise ValueError(f"{shape.instrument_id}: no settings for its venue {shape.venue}")
        words = {"interval": _interval(shape.update_interval_ms), "levels": shape.visible_levels}
        words["funding"] = shape.funding
        found += [
            Caveat(code, severity, shape.instrument_id, sentence.format(**words))
            for code, severity, applies, sentence in _DATA_RULES
            if applies(shape, settings[shape.venue])
        ]
    return tuple(sorted([*found, _NO_IMPACT], key=lambda one: _ORDER.index(one.severity)))


def _interval(milliseconds: float | None) -> str:
    if milliseconds is None:
        return "event"
    return f"{milliseconds / 1000:g} s" if milliseconds >= 1000 else f"{milliseconds:g} ms"
