"""What a run file says about each instrument it trades, whichever strategy it is for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mm_nautilus.live.doctor.facts import Listing, Terms
from mm_nautilus.quoting.pipeline import limit_problems, size_problems
from mm_nautilus.quoting.settings import QuotingSettings


def terms_of(settings: Any, names: Sequence[str]) -> list[Terms]:
    """Return the sizes, limits and tolerances of each instrument.

    Parameters
    ----------
    settings : BaseModel
        Of the strategy: one instrument, one asset on several venues (``venues``), or a portfolio (``members``).
    names : sequence of str
        Instruments of the run.

    """
    said = getattr(settings, "position_limits", None)
    limits = said() if callable(said) else {}
    entries = {one.instrument_id: one for field in ("members", "venues") for one in getattr(settings, field, ())}
    return [_terms(name, settings, entries.get(name), limits) for name in names]


def complaints(settings: Any, listed: Listing) -> list[str]:
    """Return what the quoting pipeline says about sizes and limits of an instrument, before it would be started."""
    own = next((one for one in getattr(settings, "members", ()) if one.instrument_id == listed.instrument_id), settings)
    if not isinstance(own, QuotingSettings) or own.instrument_id != listed.instrument_id:
        return []
    found = size_problems(own, listed.grid)
    if not found and listed.mid is not None:
        found = limit_problems(
            own, listed.grid, float(listed.lot * listed.base_per_unit(listed.mid)), float(listed.mid)
        )
    return found


def _terms(name: str, settings: Any, entry: Any, limits: dict[str, Any]) -> Terms:
    quoted = settings if isinstance(settings, QuotingSettings) else None
    if isinstance(entry, QuotingSettings):
        quoted = entry
    elif entry is None and (quoted is None or quoted.instrument_id != name):
        return Terms(instrument_id=name, order_size=None, max_position=limits.get(name))  # hedged on, not quoted
    order, limit = (getattr(entry, field, None) for field in ("order_size", "max_position"))
    if quoted is None:
        return Terms(instrument_id=name, order_size=order, max_position=limit or limits.get(name))
    return Terms(
        instrument_id=name,
        order_size=order or quoted.order_size,
        max_position=limit or limits.get(name) or quoted.limits.max_position,
        smallest_share=quoted.ladder.size_decay ** (quoted.ladder.levels - 1),
        tolerance_ticks=quoted.requote.tolerance_ticks,
        min_half_spread_bps=quoted.guards.min_half_spread_bps,
    )
