"""From a reader's answers to plain facts."""

from __future__ import annotations

import asyncio
import difflib
from collections.abc import Awaitable, Sequence
from typing import Any, Final

from nautilus_trader.model import BookType, OrderBook, OrderBookDeltas

from mm_nautilus.host.instrument import InstrumentLattice
from mm_nautilus.live.doctor.facts import Holding, Listing, Rates, VenueFacts
from mm_nautilus.live.doctor.readers import Reader

_ANSWER_S: Final = 20.0
"""How long a venue has for one answer; lists of instruments are long."""


async def asked(reader: Reader, names: Sequence[str], *, account: bool) -> VenueFacts:
    """Return what a venue says about instruments, and about the account if that is wanted.

    Parameters
    ----------
    reader : Reader
        Asks the venue.
    names : sequence of str
        Instruments that are to be traded there.
    account : bool
        Whether to ask for balances and fees, which takes the keys.

    """
    try:
        everything = {str(one.id): one for one in await _answer(reader.instruments())}
    except Exception as error:
        return VenueFacts(failure=_words(error))
    listed: dict[str, Listing] = {}
    rates: dict[str, Rates] = {}
    holdings, refusal = None, ""
    for name in names:
        if name in everything:
            bid, ask = await _touch(reader, everything[name])
            listed[name] = listing_of(everything[name], bid, ask)
    if account:
        try:
            holdings = holdings_of(await _answer(reader.account()))
            for name in listed:
                found = await _answer(reader.rates(everything[name]))
                rates |= {} if found is None else {name: found}
        except Exception as error:
            refusal = _words(error)
    similar = {name: near(name, list(everything)) for name in names if name not in listed}
    return VenueFacts(listed=listed, similar=similar, holdings=holdings, rates=rates, refusal=refusal)


def near(name: str, known: list[str]) -> tuple[str, ...]:
    """Return the names that are most like one."""
    return tuple(difflib.get_close_matches(name, known, n=3, cutoff=0.5))


def listing_of(instrument: Any, bid: Any = None, ask: Any = None) -> Listing:
    """Return an engine's instrument as a plain fact."""
    lattice = InstrumentLattice(instrument)
    base = getattr(instrument, "base_currency", None)
    settlement = getattr(instrument, "settlement_currency", instrument.quote_currency)
    return Listing(
        instrument_id=str(instrument.id),
        tick=lattice.grid.tick,
        lot=lattice.grid.lot,
        min_lots=lattice.grid.min_lots,
        min_notional=lattice.grid.min_notional,
        multiplier=lattice.multiplier,
        inverse=lattice.inverse,
        base=None if base is None else str(base),
        quote=str(instrument.quote_currency),
        settlement=str(settlement),
        bid=None if bid is None else bid.as_decimal(),
        ask=None if ask is None else ask.as_decimal(),
    )


def holdings_of(state: Any) -> tuple[Holding, ...]:
    """Return the balances of an engine's account state."""
    return tuple(
        Holding(currency=str(one.total.currency), total=one.total.as_decimal(), free=one.free.as_decimal())
        for one in state.balances
    )


async def _touch(reader: Reader, instrument: Any) -> tuple[Any, Any]:
    """Return best bid and ask; a market that nobody tells us of is none."""
    try:
        found = await _answer(reader.book(instrument))
    except Exception:  # what is wanted is a price, and there is none
        return None, None
    if isinstance(found, OrderBookDeltas):
        book = OrderBook(instrument.id, BookType.L2_MBP)
        book.apply_deltas(found)
        found = book
    if isinstance(found, OrderBook):
        return found.best_bid_price(), found.best_ask_price()
    last = found[-1] if found else None
    return (None, None) if last is None else (last.bid_price, last.ask_price)


async def _answer[T](answer: Awaitable[T]) -> T:
    return await asyncio.wait_for(answer, _ANSWER_S)


def _words(error: Exception) -> str:
    return str(error) or f"no answer within {_ANSWER_S:g} s"
