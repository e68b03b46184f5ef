"""Nautilus strategies that quote with the library."""

from mm_nautilus.strategies.cross_venue_arbitrage import CrossVenueArbitrage, CrossVenueArbitrageConfig
from mm_nautilus.strategies.cross_venue_market_maker import CrossVenueMarketMaker, CrossVenueMarketMakerConfig
from mm_nautilus.strategies.market_maker import MarketMaker, MarketMakerConfig
from mm_nautilus.strategies.portfolio_market_maker import PortfolioMarketMaker, PortfolioMarketMakerConfig

__all__ = [
    "CrossVenueArbitrage",
    "CrossVenueArbitrageConfig",
    "CrossVenueMarketMaker",
    "CrossVenueMarketMakerConfig",
    "MarketMaker",
    "MarketMakerConfig",
    "PortfolioMarketMaker",
    "PortfolioMarketMakerConfig",
]
