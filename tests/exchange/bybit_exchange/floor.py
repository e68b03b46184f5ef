"""All contracts of the exchange: who is asked about what."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from bybit_exchange.faults import Faults
from bybit_exchange.venue import Answer, Venue


class Floor:
    """The contracts that one account trades.

    Parameters
    ----------
    venues : Venue
        One a contract, the first one being what control commands are about.

    """

    def __init__(self, *venues: Venue) -> None:
        self.first = venues[0]
        self._by_symbol = {venue.contract.symbol: venue for venue in venues}
        self.dead_man_s: int | None = None
        """How long nobody may be heard of before every order is cancelled; ``None`` where that was not asked for."""

    def __iter__(self) -> Iterator[Venue]:
        return iter(self._by_symbol.values())

    @property
    def faults(self) -> Faults:
        """Return what goes wrong now, on all contracts."""
        return self.first.faults

    def of(self, symbol: Any) -> Venue | None:
        """Return the contract of a symbol."""
        return self._by_symbol.get(str(symbol))

    def named(self, symbol: Any) -> list[Venue]:
        """Return the contract of a symbol, all where none is given."""
        return list(self) if not symbol else [venue for venue in self if venue.contract.symbol == symbol]

    def command(self, name: str, fields: Mapping[str, Any]) -> Answer:
        """Carry out a user's command on the contract that it names."""
        venue = self.of(fields.get("symbol"))
        return (venue or self.first).command(name, fields)  # an unknown symbol is refused there

    def link(self, fields: Mapping[str, Any]) -> str:
        """Return the name that its sender gave the order that a command is about."""
        return (self.of(fields.get("symbol")) or self.first).link(fields)

    def nobody_is_there(self) -> None:
        """Cancel every order, as disconnection protection does."""
        for venue in self:
            venue.nobody_is_there()
