"""A market maker with a mistake in it, for tests of what becomes of a live run then."""

from __future__ import annotations

from mm_nautilus.strategies.market_maker import MarketMaker, MarketMakerConfig


class FailingMaker(MarketMaker):
    """Fails once it has quoted for a second."""

    def __init__(self, config: MarketMakerConfig) -> None:
        super().__init__(config)
        self._samples = 0

    def _sampled(self, now_ns: int) -> None:
        self._samples += len(self._desk.live_orders()) == 2
        if self._samples == 10:
            raise ZeroDivisionError("a mistake on purpose")
