"""What the other markets of an asset say about the quote on one of them, as the pipeline asks for it."""

from __future__ import annotations

from typing import Final, Protocol

from msgspec import Struct

from mm_nautilus.market import Quote, TopOfBook
from mm_nautilus.quoting.guards import Reason, Trace


class Anchor(Protocol):
    """What the other markets of an asset say about the quote on one of them.

    The library's own is `mm_nautilus.venues.anchor.VenueAnchor`.
    """

    @property
    def fair_value(self) -> float:
        """Price to quote around, in price units."""

    @property
    def inventory(self) -> float:
        """What the model leans with: the position netted over all markets, in base units."""

    @property
    def withdraws(self) -> Reason | None:
        """Why nothing may be quoted, or ``None``."""

    def applied(self, quote: Quote, top: TopOfBook, trace: Trace) -> Quote:
        """Return the quote within what the others allow; a side may be gone."""

    @property
    def record(self) -> AnchorRecord:
        """What is written down about it."""


class AnchorRecord(Struct, frozen=True, gc=False):
    """The part of a `QuoteDecision` that other markets decide; see there."""

    inventory: float | None = None
    bid_bound: float | None = None
    ask_bound: float | None = None
    bid_hedge_venue: str = ""
    ask_hedge_venue: str = ""
    hedge_refusals: tuple[str, ...] = ()


ALONE: Final = AnchorRecord()
"""Of an instrument that is quoted by itself."""
