"""What a run log does not say but its reader must know: the instruments, the limits and the accounts."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from mm_nautilus.inventory.contract import Contract


@dataclass(frozen=True, slots=True)
class InstrumentFacts:
    """One traded instrument.

    Parameters
    ----------
    instrument_id : str
        As in the run log.
    venue : str
        Venue whose account it is traded on.
    tick, lot : Decimal
        Smallest price step in quote currency, smallest size step in base units (contracts).
    contract : Contract
        Currencies, multiplier and whether it is inverse.
    position_limit : Decimal
        Largest absolute position allowed, in base units (contracts).

    """

    instrument_id: str
    venue: str
    tick: Decimal
    lot: Decimal
    contract: Contract
    position_limit: Decimal

    @property
    def size_unit(self) -> str:
        """What sizes are counted in: the base currency of a spot or linear instrument, or contracts."""
        base = self.contract.base_currency
        return base if base is not None and not self.contract.inverse else "contracts"


@dataclass(frozen=True, slots=True)
class BalanceFacts:
    """One currency of one account before and after the run.

    Parameters
    ----------
    currency : str
        Code of the currency.
    precision : int
        Digits after the point to which the engine books it.
    starting, final : Decimal
        Total balance before the first and after the last booking.

    """

    currency: str
    precision: int
    starting: Decimal
    final: Decimal


@dataclass(frozen=True, slots=True)
class AccountFacts:
    """One venue account.

    Parameters
    ----------
    venue : str
        Venue it is held at.
    margin : bool
        Whether it is a margin account (balances move by realised PnL) or a cash account (balances
        are exchanged for each other).
    balances : tuple of BalanceFacts
        Every currency it holds or held.

    """

    venue: str
    margin: bool
    balances: tuple[BalanceFacts, ...]


@dataclass(frozen=True, slots=True)
class RunFacts:
    """Everything the summary of a run needs beside its log.

    Parameters
    ----------
    start_ns, end_ns : int
        First and last instant of the run on the engine's clock, in nanoseconds since 1970.
    instruments : tuple of InstrumentFacts
        Every instrument that was quoted.
    accounts : tuple of AccountFacts
        Every account that was traded on.

    """

    start_ns: int
    end_ns: int
    instruments: tuple[InstrumentFacts, ...]
    accounts: tuple[AccountFacts, ...]

    def __post_init__(self) -> None:
        if self.end_ns < self.start_ns:
            raise ValueError(f"end_ns must be >= start_ns, found {self.end_ns} < {self.start_ns}")
