"""What an ingest does about each defect of the data; nothing is repaired or dropped unless it says so here."""

from __future__ import annotations

from typing import Literal

from mm_nautilus.settings import Settings


class Policies(Settings):
    """One decision per defect; "error" stops the ingest and leaves the catalogue as it was."""

    damaged_source: Literal["keep", "error"] = "keep"
    """A file that cannot be read to its end (truncated download): keep what precedes the damage."""
    unparsable: Literal["drop", "error"] = "drop"
    """A line or field that is not what the format says, NaN and infinities included."""
    price_out_of_precision: Literal["drop", "error"] = "error"
    """A price with more decimal places than the instrument: most likely a wrong definition."""
    size_out_of_precision: Literal["cut", "drop", "error"] = "error"
    """A size with more decimal places than the instrument; "cut" keeps the whole lots."""
    nonpositive_price: Literal["drop", "keep", "error"] = "drop"
    """A price of zero or less; some spreads and commodities do trade there."""
    zero_size_trade: Literal["drop", "error"] = "drop"
    """A trade of nothing; the engine refuses it."""
    zero_size_quote: Literal["keep", "drop", "error"] = "keep"
    """A quote with nothing on one side."""
    crossed_quote: Literal["keep", "drop", "error"] = "keep"
    """A best bid above the best ask. Books are kept and their crossed spans reported."""
    locked_quote: Literal["keep", "drop", "error"] = "keep"
    """A best bid equal to the best ask."""
    duplicate_trade: Literal["drop", "keep", "error"] = "drop"
    """A trade with the id of the one before it."""
    backwards_time: Literal["repair", "drop", "error"] = "repair"
    """An event stamped before its predecessor: "repair" gives it the predecessor's arrival time."""
    sequence_gap: Literal["clear", "error"] = "clear"
    """Missing book updates: the book is cleared and stays empty until a snapshot restores it."""
