"""What the engine knows of a live run when it has ended, in the words of a backtest's result."""

from __future__ import annotations

from copy import replace
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from nautilus_trader.model import Venue

from mm_nautilus.analytics.facts import AccountFacts, BalanceFacts, RunFacts
from mm_nautilus.backtest.facts import run_facts
from mm_nautilus.host.loading import LoadedRun


@dataclass(frozen=True, slots=True)
class EngineBooks:
    """Cache and portfolio of a live node."""

    cache: Any
    portfolio: Any

    def balances(self, venues: list[str]) -> dict[str, dict[str, Decimal]]:
        """Return the total of each currency at each venue; empty where there is no account yet."""
        accounts = {venue: self.portfolio.account(Venue(venue)) for venue in venues}
        return {
            venue: {} if account is None else {str(c): m.as_decimal() for c, m in account.balances_total().items()}
            for venue, account in accounts.items()
        }


def live_facts(
    loaded: LoadedRun,
    books: EngineBooks,
    start_ns: int,
    end_ns: int,
    starting: dict[str, dict[str, Decimal]] | None = None,
) -> RunFacts:
    """Return instruments and accounts of a live run that has ended.

    Parameters
    ----------
    loaded : LoadedRun
        The run.
    books : EngineBooks
        Of the node.
    start_ns, end_ns : int
        First and last instant, in nanoseconds since 1970.
    starting : dict, optional
        Balances by venue and currency when the run began; those of the run file's ``[[venues]]`` by default.

    """
    facts = run_facts(loaded, books.cache, books.portfolio, start_ns, end_ns)
    if starting is None:
        return facts
    return replace(facts, accounts=tuple(_started_with(account, starting) for account in facts.accounts))


def _started_with(account: AccountFacts, starting: dict[str, dict[str, Decimal]]) -> AccountFacts:
    known = starting.get(account.venue, {})
    balances: list[BalanceFacts] = [
        replace(balance, starting=known.get(balance.currency, balance.starting)) for balance in account.balances
    ]
    return replace(account, balances=tuple(balances))
