"""What a run log does not say but its reader must know: the instruments, the limits and the accounts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from mm_nautilus.analytics.rate_path import RatePath
from mm_nautilus.config import TargetSettings
from mm_nautilus.inventory.contract import Contract
from mm_nautilus.venues.obligation import ObligationSettings
from mm_nautilus.venues.trading_hours import DAY_NS

DEFAULT_BANDS: Final = (0.3, 0.7)
"""Shares of the position limit from which on quotes are usually skewed and the reducing side is tightened."""


@dataclass(frozen=True, slots=True)
class InstrumentFacts:
    """One instrument that was quoted or hedged on.

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
    position_limit : Decimal or None
        Largest absolute position allowed, in base units (contracts); ``None`` where it is only hedged on.
    bands : tuple of float
        Shares of the position limit, ascending, from which on inventory is managed more firmly.

    """

    instrument_id: str
    venue: str
    tick: Decimal
    lot: Decimal
    contract: Contract
    position_limit: Decimal | None
    bands: tuple[float, ...] = DEFAULT_BANDS

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
        Every instrument that was quoted or hedged on.
    accounts : tuple of AccountFacts
        Every account that was traded on.
    obligations : mapping of venue to tuple of ObligationSettings
        What each venue demands of our quotes.
    engine_positions : mapping of instrument to Decimal
        Net positions in the engine when the run ended, in base units (contracts).
    roll_over_ns : int
        When a trading day ends, in nanoseconds after midnight UTC; in [0, 86400e9).
    rates : mapping of currency to Decimal
        What a unit of a quote currency counts for in the reference currency of its asset, where the run file says so.
    rate_paths : mapping of currency to RatePath
        The same where an instrument says it, over the run.
    capital : Decimal or None
        Money that losses and returns are measured against, in the quote currency of the first instrument, where the
        run file says so.
    targets : TargetSettings
        What the run is held against.
    seed : int
        Of what the statistics draw.

    """

    start_ns: int
    end_ns: int
    instruments: tuple[InstrumentFacts, ...]
    accounts: tuple[AccountFacts, ...]
    obligations: Mapping[str, tuple[ObligationSettings, ...]] = field(default_factory=dict)
    engine_positions: Mapping[str, Decimal] = field(default_factory=dict)
    roll_over_ns: int = 0
    rates: Mapping[str, Decimal] = field(default_factory=dict)
    rate_paths: Mapping[str, RatePath] = field(default_factory=dict)
    capital: Decimal | None = None
    targets: TargetSettings = field(default_factory=TargetSettings)
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.roll_over_ns < DAY_NS:
            raise ValueError(f"roll_over_ns must be in [0, {DAY_NS}), found {self.roll_over_ns}")
        if self.end_ns < self.start_ns:
            raise ValueError(f"end_ns must be >= start_ns, found {self.end_ns} < {self.start_ns}")
