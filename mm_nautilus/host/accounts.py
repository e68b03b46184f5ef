"""What the engine's books say: balances as the run log takes them, and net positions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any

from nautilus_trader.model import InstrumentId, Venue

from mm_nautilus.messages import AccountFact


def account_facts(cache: Any, portfolio: Any, venue: str, ts_ns: int) -> Iterator[AccountFact]:
    """Yield one fact per currency of the venue's account; nothing where there is no account yet.

    They are those of a snapshot: the account itself copies its whole history on access, and every order that locks
    a margin and frees it makes that longer.
    """
    account_id = cache.account_id(Venue(venue))
    if account_id is not None:
        yield from _facts(account_id, portfolio.build_snapshot(account_id).balances, venue, ts_ns)


def copied_account_facts(cache: Any, venue: str, ts_ns: int) -> Iterator[AccountFact]:
    """Yield the same for actors, which have no portfolio; ask once a day, never on a tick."""
    account = cache.account_for_venue(Venue(venue))
    if account is not None:
        yield from _facts(account.id, account.balances().values(), venue, ts_ns)


def _facts(account_id: Any, balances: Iterable[Any], venue: str, ts_ns: int) -> Iterator[AccountFact]:
    for balance in sorted(balances, key=lambda balance: str(balance.currency)):
        yield AccountFact(
            ts_ns,
            venue,
            str(account_id),
            str(balance.currency),
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
