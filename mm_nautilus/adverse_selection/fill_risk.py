"""From the chance that a fill is adverse to what it does to the quote of that side."""

from __future__ import annotations

from msgspec import Struct

from mm_nautilus.adverse_selection.fill_settings import FillRiskSettings
from mm_nautilus.quoting.adjust import NEUTRAL, Adjustment


class SideResponse(Struct, frozen=True, gc=False):
    """What is done to one side of the quote."""

    spread: float = 1.0
    """Multiplier on the half-spread."""
    size: float = 1.0
    away: bool = False
    """Quote nothing there, unless it would reduce the position."""


_NEUTRAL_SIDE = SideResponse()


def side_response(risk: float | None, flow_against: float, trades: float, settings: FillRiskSettings) -> SideResponse:
    """Return what is done to one side.

    Parameters
    ----------
    risk : float or None
        Predicted chance that a fill of this side now is adverse; ``None`` where there is no prediction.
    flow_against : float
        Trade imbalance signed against this side, in [-1, 1].
    trades : float
        Decayed count of trades it rests on.
    settings : FillRiskSettings
        Thresholds and multipliers.

    """
    threshold = settings.step_away_imbalance
    away = threshold is not None and flow_against >= threshold and trades >= settings.step_away_trades
    if risk is not None and risk > settings.high_risk:
        return SideResponse(settings.high_risk_spread_multiplier, settings.high_risk_size_multiplier, away)
    if risk is not None and risk < settings.low_risk:
        return SideResponse(settings.low_risk_spread_multiplier, settings.low_risk_size_multiplier, away)
    return SideResponse(away=True) if away else _NEUTRAL_SIDE


def adjustment_of(bid: SideResponse, ask: SideResponse) -> Adjustment:
    """Return what is done to both sides of the quote."""
    if bid == ask == _NEUTRAL_SIDE:
        return NEUTRAL
    return Adjustment(bid.spread, ask.spread, bid.size, ask.size, bid_away=bid.away, ask_away=ask.away)
