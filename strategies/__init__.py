"""Nautilus strategies that quote with the library."""

from mm_nautilus.strategies.market_maker import MarketMaker, MarketMakerConfig

__all__ = ["MarketMaker", "MarketMakerConfig"]
