"""Ready-made markets, each a value; `overrides` and ``model_copy`` make variants.

``calm`` is a market in which nothing is wrong: single-tick moves, constant spread, uninformed flow. A maker who
requotes at once earns its half-spread on every fill there, and any loss is its own. The stress scenarios are ``calm``
with something that happens to it after five minutes, so that estimators have warmed up.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from mm_nautilus.catalog.simulator.params import (
    Asset,
    Episode,
    Excitation,
    Hits,
    Informed,
    Jumps,
    MeanReverting,
    SimulationParams,
    Sizes,
    Venue,
)

_STRESS_S: Final = 1800.0

CALM: Final = SimulationParams(name="calm", duration_s=3600.0)

HIGH_VOLATILITY: Final = SimulationParams(
    name="high_volatility",
    duration_s=_STRESS_S,
    assets=(
        Asset(
            jumps=Jumps(rate_per_s=1 / 120, size_sd_price=0.05),
            episodes=(
                Episode(
                    start_s=300.0,
                    duration_s=900.0,
                    volatility_multiplier=4.0,
                    half_spread_multiplier=3.0,
                    size_multiplier=0.5,
                    bid_hit_multiplier=4.0,
                    ask_hit_multiplier=4.0,
                ),
            ),
        ),
    ),
    venues=(Venue(excitation=Excitation(branching_ratio=0.5, decay_per_s=1.0)),),
)

LOW_LIQUIDITY: Final = SimulationParams(
    name="low_liquidity",
    duration_s=_STRESS_S,
    assets=(
        Asset(
            episodes=(
                Episode(
                    start_s=300.0,
                    duration_s=1200.0,
                    volatility_multiplier=1.5,
                    half_spread_multiplier=4.0,
                    size_multiplier=0.1,
                    bid_hit_multiplier=0.5,
                    ask_hit_multiplier=0.5,
                ),
            ),
        ),
    ),
    venues=(Venue(book_updates_per_s=4.0),),
)

ONE_SIDED_FLOW: Final = SimulationParams(
    name="one_sided_flow",
    duration_s=_STRESS_S,
    assets=(
        Asset(
            episodes=(
                Episode(
                    start_s=300.0,
                    duration_s=900.0,
                    price_change=-0.5,
                    bid_hit_multiplier=3.0,
                    ask_hit_multiplier=0.2,
                    informed_share=0.1,
                ),
            ),
        ),
    ),
)

FLASH_CRASH: Final = SimulationParams(
    name="flash_crash",
    duration_s=_STRESS_S,
    assets=(
        Asset(
            episodes=(
                Episode(
                    start_s=300.0,
                    duration_s=60.0,
                    price_change=-8.0,
                    volatility_multiplier=4.0,
                    half_spread_multiplier=4.0,
                    size_multiplier=0.1,
                    bid_hit_multiplier=25.0,
                    ask_hit_multiplier=2.0,
                    informed_share=0.3,
                ),
                Episode(
                    start_s=360.0,
                    duration_s=240.0,
                    price_change=6.0,
                    volatility_multiplier=3.0,
                    half_spread_multiplier=3.0,
                    size_multiplier=0.3,
                    bid_hit_multiplier=3.0,
                    ask_hit_multiplier=8.0,
                ),
            ),
        ),
    ),
)

NEWS_EVENT: Final = SimulationParams(
    name="news_event",
    duration_s=_STRESS_S,
    assets=(
        Asset(
            episodes=(
                Episode(start_s=285.0, duration_s=15.0, informed_share=0.5, size_multiplier=0.5),
                Episode(
                    start_s=300.0,
                    duration_s=60.0,
                    jump_price=2.0,
                    volatility_multiplier=6.0,
                    half_spread_multiplier=4.0,
                    size_multiplier=0.2,
                    bid_hit_multiplier=8.0,
                    ask_hit_multiplier=20.0,
                    informed_share=0.2,
                ),
                Episode(
                    start_s=360.0,
                    duration_s=300.0,
                    volatility_multiplier=2.5,
                    half_spread_multiplier=2.0,
                    size_multiplier=0.5,
                    bid_hit_multiplier=3.0,
                    ask_hit_multiplier=3.0,
                ),
            ),
        ),
    ),
    venues=(Venue(informed=Informed(horizon_s=15.0)),),
)

THREE_VENUES: Final = SimulationParams(
    name="three_venues",
    duration_s=_STRESS_S,
    venues=(
        Venue(venue="SIMA"),
        Venue(
            venue="SIMB",
            lag_s=0.3,
            basis=MeanReverting(mean_price=0.05, sd_price=0.01, half_life_s=120.0),
            half_spread_ticks=2,
        ),
        Venue(
            venue="SIMC",
            kind="perpetual",
            lag_s=1.0,
            basis=MeanReverting(mean_price=-0.08, sd_price=0.02, half_life_s=300.0),
            noise=MeanReverting(sd_price=0.005, half_life_s=2.0),
            half_spread_ticks=3,
        ),
    ),
)

_PORTFOLIO_PRICES: Final = (Decimal(100), Decimal(50), Decimal(20), Decimal(10), Decimal(5))


def _portfolio(name: str, sectors: int) -> SimulationParams:
    """Return sectors of five assets each that move together: correlation 0.8 within a sector and 0.5 across.

    In relative terms all assets are alike (a tick of one basis point, a basis point of volatility in a second); their
    prices and sizes are not, so that one unit of an asset is not one unit of another.
    """
    assets, venues = [], []
    for place in range(5 * sectors):
        price = _PORTFOLIO_PRICES[place % 5]
        scale = float(100 / price)
        code = f"S{place // 5 + 1}{'ABCDE'[place % 5]}"
        assets.append(Asset(name=code, price=float(price), sigma_price_per_sqrt_s=1e-4 * float(price)))
        hits = Hits(a_per_s=0.5, k_per_price=50.0 * scale)
        venues.append(
            Venue(
                asset=code,
                kind="perpetual",
                tick_price=price / 10_000,
                levels=5,
                bid=hits,
                ask=hits,
                sizes=Sizes(level_mean_base=5.0 * scale, trade_min_base=scale, trade_mean_base=2.0 * scale),
                book_updates_per_s=1.0,
            )
        )
    correlation = tuple(
        tuple(1.0 if i == j else 0.8 if i // 5 == j // 5 else 0.5 for j in range(5 * sectors))
        for i in range(5 * sectors)
    )
    return SimulationParams(
        name=name, duration_s=_STRESS_S, assets=tuple(assets), venues=tuple(venues), correlation=correlation
    )


PORTFOLIO_20: Final = _portfolio("portfolio_20", 4)
PORTFOLIO_50: Final = _portfolio("portfolio_50", 10)

STRESS_SCENARIOS: Final = ("high_volatility", "low_liquidity", "one_sided_flow", "flash_crash", "news_event")

PRESETS: Final = {
    preset.name: preset
    for preset in (
        CALM,
        HIGH_VOLATILITY,
        LOW_LIQUIDITY,
        ONE_SIDED_FLOW,
        FLASH_CRASH,
        NEWS_EVENT,
        THREE_VENUES,
        PORTFOLIO_20,
        PORTFOLIO_50,
    )
}
