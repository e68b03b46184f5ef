"""An account's balances, as the run log takes them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from nautilus_trader.model import Venue

from mm_nautilus.messages import AccountFact


def account_facts(portfolio: Any, venue: str, ts_ns: int) -> Iterator[AccountFact]:
    """Yield one fact per currency of the venue's account; nothing where there is no account yet.

    The engine's account copies its whole history on access: ask at the start and at the end of a
    run, never on a tick.
    """
    account = portfolio.account(Venue(venue))
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
