"""What the monitor is told of a run before it begins."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from mm_nautilus.analytics.facts import InstrumentFacts


@dataclass(frozen=True, slots=True)
class BoardFacts:
    """A run as the page introduces it.

    Parameters
    ----------
    name : str
        Of the run.
    mode : str
        ``replay``, ``paper`` or ``real``.
    strategy : str
        Class of the strategy.
    instruments : tuple of InstrumentFacts
        Every instrument that is quoted or hedged on, the quoted ones first.
    venues : tuple of str
        Venues that data and orders go through.
    currency : str
        The run's reference currency.
    asset_limits : mapping of asset to Decimal
        Largest exposure netted over venues, in units of the asset.
    rates : mapping of currency to Decimal
        Reference currency for one unit of each other quote currency, where it is known.

    """

    name: str
    mode: str
    strategy: str
    instruments: tuple[InstrumentFacts, ...]
    venues: tuple[str, ...]
    currency: str = ""
    asset_limits: Mapping[str, Decimal] = field(default_factory=dict)
    rates: Mapping[str, Decimal] = field(default_factory=dict)


def asset_of(facts: InstrumentFacts) -> str:
    """Return the asset that an instrument is about: its base currency, or itself."""
    return facts.contract.base_currency or facts.instrument_id
