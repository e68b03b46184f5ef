"""One colour per meaning, in a light and a dark shade.

Figures are drawn in the light shades; the page swaps every colour named here for its dark shade when
the reader's system is dark. Blue and orange stay apart for colour-blind readers, and sides are told
apart by marker shape as well.
"""

from __future__ import annotations

from typing import Final, NamedTuple


class Colour(NamedTuple):
    """A colour on a light and on a dark background."""

    light: str
    dark: str


PAPER: Final = Colour("#f7f7f5", "#14161a")
CARD: Final = Colour("#ffffff", "#1d2026")
INK: Final = Colour("#1b1f24", "#e9ecf1")
MUTED: Final = Colour("#5c6570", "#9da7b3")
LINE: Final = Colour("#e3e5e1", "#30353d")
BUY: Final = Colour("#1d63d8", "#78aeff")
SELL: Final = Colour("#c2500a", "#ffa261")
EQUITY: Final = Colour("#0b7a6b", "#45cdb8")
REALISED: Final = Colour("#9c6b12", "#dcb25c")
UNREALISED: Final = Colour("#5b7f95", "#8fb6cc")
FEES: Final = Colour("#b3245b", "#ff8db4")
INVENTORY: Final = Colour("#6d3fc4", "#b99cff")
INVENTORY_AREA: Final = Colour("rgba(109, 63, 196, 0.12)", "rgba(185, 156, 255, 0.17)")
WARNING: Final = Colour("#8a5a00", "#f2c14e")
SEVERE: Final = Colour("#b42318", "#ff8a80")
GOOD: Final = Colour("#0b7a3b", "#5fd38d")

PASSIVE: Final = Colour("#9fd3c9", "#27705f")
IDLE: Final = Colour("#b9bec5", "#59616c")
EMPTY: Final = Colour("#e6e8ea", "#33383f")
NEUTRAL: Final = Colour("#f1efe9", "#3a3f46")

STATES: Final[dict[str, Colour]] = {
    "ACTIVE": EQUITY,
    "PASSIVE": PASSIVE,
    "AGGRESSIVE": FEES,
    "INVENTORY_LIMIT": INVENTORY,
    "WITHDRAWN": IDLE,
    "NOT_STARTED": EMPTY,
}
"""Colour of each quote state, in the order in which they are stacked."""

BAND_SPREAD: Final = Colour("#8fd0c3", "#1f6f62")
BAND_ADVERSE: Final = Colour("#f3b9ad", "#8a3b31")
BAND_INVENTORY: Final = Colour("#c9b8ee", "#5a4494")
BAND_HEDGING: Final = Colour("#f4cfa0", "#80561c")
BAND_ARBITRAGE: Final = Colour("#a9c8f5", "#2b558f")
BAND_FEES: Final = Colour("#efb3cc", "#84345a")
BAND_REBATES: Final = Colour("#cfdc8e", "#5f6a1d")
BAND_OTHER: Final = Colour("#c7ccd2", "#4c535d")

BANDS: Final[dict[str, Colour]] = {
    "spread_capture": BAND_SPREAD,
    "adverse_selection": BAND_ADVERSE,
    "hedging": BAND_HEDGING,
    "arbitrage": BAND_ARBITRAGE,
    "fees": BAND_FEES,
    "rebates": BAND_REBATES,
    "inventory": BAND_INVENTORY,
    "funding": BAND_OTHER,
    "basis": BAND_OTHER,
    "conversion": BAND_OTHER,
}
"""Colour of each line of the attribution, as an area."""

_NAMED: Final = {
    name.lower().replace("_", "-"): value for name, value in globals().items() if isinstance(value, Colour)
}

SWAPS: Final[dict[str, str]] = {colour.light: colour.dark for colour in _NAMED.values()}
"""Light shade -> dark shade, for the figures."""


def css_variables(*, dark: bool) -> str:
    """Return every colour as a CSS custom property, ``--buy: #1d63d8;`` and so on."""
    return " ".join(f"--{name}: {colour.dark if dark else colour.light};" for name, colour in _NAMED.items())
