"""What the engine's books say: balances as the run log takes them, and net positions."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from nautilus_trader.model import InstrumentId, Venue

from mm_nautilus.messages import AccountFact


def account_facts(portfolio: Any, venue: str, ts_ns: int) -> Iterator[AccountFact]:
    """Yield one fact per currency of the venue's account; nothing where there is no account yet.

    The engine's account copies its whole history on access: ask at the start, at the end and when a day
    rolls over, never on a tick.
    """
    yield from balance_facts(portfolio.account(Venue(venue)), venue, ts_ns)


def balance_facts(account: Any, venue: str, ts_ns: int) -> Iterator[AccountFact]:
    """Yield one fact per currency of an account; nothing for ``None``."""
    if account is None:
        return
    for currency, balance in sorted(account.balances().items(), key=lambda item: str(item[0])):
        yield AccountFact(
            ts_ns,
            venue,
            str(account.id),
            str(currency),
            balance.total.as_decimal(),
            balance.free.as_decimal(),
            balance.locked.as_decimal(),
        )


def net_position(cache: Any, instrument_id: InstrumentId) -> Decimal:
    """Return the net of an instrument's open positions, exact: the engine's own net is a float."""
    held = Decimal(0)
    for position in cache.positions_open(instrument_id=instrument_id):
        size: Decimal = position.quantity.as_decimal()
        held += size if position.signed_qty > 0 else -size
    return held
