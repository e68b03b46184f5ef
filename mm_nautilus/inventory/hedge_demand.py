r"""How much of an exposure must be hedged, and why.

Every cause to hedge is a band around the exposure that is wanted: what lies beyond ``above`` begins a hedge, and it
goes on to ``to``. The tightest band that is exceeded decides. A hedge never makes an exposure larger nor turns its
sign: an inventory that is wanted is left to the quotes to buy. The exception is what is traded to hedge *others*,
PORTFOLIO, which no band of this instrument knows: see `mm_nautilus.inventory.cross_hedge`.

=================== ============================================ =====================
cause               begins above                                 goes on to
=================== ============================================ =====================
BAND                ``max(consider, c / skew)``                  ``c / skew``
VALUE_AT_RISK       ``limit / VaR of one unit``                  the same, ``hedge_to``
EXPECTED_SHORTFALL  ``limit / ES of one unit``                   the same, ``hedge_to``
INVENTORY_SHARE     share of the position limit                  the same, ``hedge_to``
FILL                what is left alone                           the same
FLATTEN             0, around 0                                  0
EMERGENCY           10 % of the position limit, around 0         the same
=================== ============================================ =====================

Exposures are in units of the asset. The value at risk takes returns as normal, see
`mm_nautilus.inventory.value_at_risk`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from mm_nautilus.errors import ParameterError
from mm_nautilus.inventory.hedge_settings import HedgeSettings
from mm_nautilus.inventory.hedging import hedging_band
from mm_nautilus.inventory.value_at_risk import inventory_risk
from mm_nautilus.market import Purpose, RiskStage

EMERGENCY_SHARE: Final = 0.1
"""Share of the position limit that an emergency leaves in place."""


class Cause(StrEnum):
    """Why something is hedged."""

    BAND = "BAND"
    VALUE_AT_RISK = "VALUE_AT_RISK"
    EXPECTED_SHORTFALL = "EXPECTED_SHORTFALL"
    INVENTORY_SHARE = "INVENTORY_SHARE"
    FILL = "FILL"
    AGE = "AGE"
    FLATTEN = "FLATTEN"
    EMERGENCY = "EMERGENCY"
    PORTFOLIO = "PORTFOLIO"

    @property
    def purpose(self) -> Purpose:
        """What the orders of such a hedge are for."""
        return Purpose.LIQUIDATION if self in _MUST_GO else Purpose.HEDGE


_MUST_GO: Final = {Cause.AGE, Cause.FLATTEN, Cause.EMERGENCY}


@dataclass(frozen=True, slots=True)
class Band:
    """What one cause leaves alone: distances from `centre`, in units of the asset."""

    cause: Cause
    above: float
    to: float
    centre: float = 0.0


@dataclass(frozen=True, slots=True)
class Demand:
    """An exposure that must be brought to a target, in units of the asset."""

    cause: Cause
    exposure: float
    target: float

    @property
    def quantity(self) -> float:
        """Signed quantity to trade, in units of the asset."""
        return self.target - self.exposure


def hedge_bands(
    settings: HedgeSettings,
    stage: RiskStage,
    limit: float,
    centre: float,
    sigma: float | None,
    skew: float | None,
    taker_cost: float | None,
) -> list[Band]:
    """Return the bands that hold now.

    Parameters
    ----------
    settings : HedgeSettings
        What is hedged for its own sake.
    stage : RiskStage
        From FLATTEN on nothing else counts: FLATTEN takes everything away, HALT what exceeds `EMERGENCY_SHARE`.
    limit : float
        Position limit, in units of the asset; above 0.
    centre : float
        Exposure wanted, in units of the asset.
    sigma : float or None
        Volatility, in price per square-root second; without it there is no value at risk yet.
    skew : float or None
        Fall of the reservation price per unit held, where the settings state none; without it there is no band.
    taker_cost : float or None
        Half-spread, fee and slippage, in price units; ``None`` where no market can be hedged on.

    Raises
    ------
    ParameterError
        For a limit that is not above 0 or a number that is not finite.

    """
    if not 0.0 < limit < math.inf:
        raise ParameterError("limit", limit, "> 0 and finite")
    if not math.isfinite(centre):
        raise ParameterError("centre", centre, "finite")
    if stage is RiskStage.HALT:
        return [Band(Cause.EMERGENCY, EMERGENCY_SHARE * limit, EMERGENCY_SHARE * limit)]
    if stage is RiskStage.FLATTEN:
        return [Band(Cause.FLATTEN, 0.0, 0.0)]
    if settings.trigger == "none":
        return []
    if settings.trigger == "fills":
        left = float(settings.max_exposure)
        return [Band(Cause.FILL, left, left, centre)]
    bands = [Band(cause, edge, edge * settings.hedge_to, centre) for cause, edge in _limits(settings, limit, sigma)]
    skew = skew if settings.skew is None else settings.skew
    if settings.trigger == "band" and skew is not None and skew > 0.0 and taker_cost is not None:
        edge = hedging_band(skew, max(taker_cost, 0.0))
        bands.append(Band(Cause.BAND, max(edge, settings.consider_above * limit), edge, centre))
    return bands


def _limits(settings: HedgeSettings, limit: float, sigma: float | None) -> list[tuple[Cause, float]]:
    """Return the limits as exposures, in units of the asset."""
    edges: list[tuple[Cause, float]] = []
    if settings.inventory_share is not None:
        edges.append((Cause.INVENTORY_SHARE, settings.inventory_share * limit))
    var, shortfall = settings.value_at_risk, settings.expected_shortfall
    if sigma and var is not None:
        unit = inventory_risk([1.0], [[sigma * sigma]], var.confidence, var.horizon_s)
        edges.append((Cause.VALUE_AT_RISK, var.limit / unit.value_at_risk))
    if sigma and shortfall is not None:
        unit = inventory_risk([1.0], [[sigma * sigma]], shortfall.confidence, shortfall.horizon_s)
        edges.append((Cause.EXPECTED_SHORTFALL, shortfall.limit / unit.expected_shortfall))
    return edges


def hedge_demand(exposure: float, bands: list[Band], working: Cause | None = None) -> Demand | None:
    """Return what must be hedged, or ``None``.

    Parameters
    ----------
    exposure : float
        Signed, in units of the asset, hedges in flight not counted.
    bands : list of Band
        From `hedge_bands`.
    working : Cause or None
        Cause of the hedge that is being worked: it goes on to the end of its band.

    Raises
    ------
    ParameterError
        For an exposure that is not finite.

    """
    if not math.isfinite(exposure):
        raise ParameterError("exposure", exposure, "finite")
    best: Demand | None = None
    for band in bands:
        held = exposure - band.centre
        if abs(held) <= (band.to if band.cause is working else band.above):
            continue
        demand = reducing(band.cause, exposure, band.centre + math.copysign(band.to, held))
        if demand is not None and (best is None or abs(demand.quantity) > abs(best.quantity)):
            best = demand
    return best


def reducing(cause: Cause, exposure: float, target: float) -> Demand | None:
    """Return the demand that leads toward a target as far as it makes the exposure smaller, or ``None``."""
    target = min(max(target, min(exposure, 0.0)), max(exposure, 0.0))
    return Demand(cause, exposure, target) if target != exposure else None
