"""The data client of a replay: hands the node what the conductor gives it."""

from __future__ import annotations

from typing import Any, Final, Self

from nautilus_trader.config import DataClientConfig
from nautilus_trader.live.clients import DataClient, DataClientFactory
from nautilus_trader.model import InstrumentId, Price, Quantity, QuoteTick, Venue

BARRIER_ID: Final = InstrumentId.from_str("BARRIER.REPLAY")


class ReplayFeed:
    """What a replay puts into the node: records of the market, and barriers behind them.

    The node works off its queues in a fixed order: what the venue answers before what the market says, each in the
    order it came. A barrier that comes back has everything behind it that was put in before and all that
    followed from it.

    Parameters
    ----------
    instruments : list of Instrument
        Given to the node when it connects.

    """

    def __init__(self, instruments: list[Any]) -> None:
        self.instruments = instruments
        self._clients: list[_ReplayClient] = []
        one, size = Price(1.0, 0), Quantity(1, 0)
        self._barrier = QuoteTick(BARRIER_ID, one, one, size, size, 0, 0)

    def connected(self, client: _ReplayClient) -> None:
        """Hand the node the instruments of a venue."""
        self._clients.append(client)
        for instrument in self.instruments:
            if instrument.venue == client.of:
                client.hand_over_instrument(instrument)

    def put(self, record: Any) -> None:
        """Put a record of the market into the node."""
        self._clients[0].hand_over(record)

    def put_barrier(self) -> None:
        """Put a barrier behind everything that is in the node now."""
        self._clients[0].hand_over(self._barrier)


class ReplayClientConfig(DataClientConfig):
    """Which venue a client speaks for, and the feed it hands on."""

    def __new__(cls, *, venue: str, feed: ReplayFeed) -> Self:  # noqa: ARG004 - the engine's part takes none of ours
        """Create the engine's part."""
        return super().__new__(cls)

    def __init__(self, *, venue: str, feed: ReplayFeed) -> None:
        self.venue = venue
        self.feed = feed


class _ReplayClient(DataClient):
    """Subscribing needs nothing: everything that is replayed is handed on."""

    def __init__(self, *, name: str, config: ReplayClientConfig, cache: Any, clock: Any) -> None:
        self.of = Venue(config.venue)
        super().__init__(name=name, config=config, cache=cache, clock=clock, venue=self.of)
        self._feed = config.feed

    async def _connect(self) -> None:
        self._feed.connected(self)

    async def _disconnect(self) -> None:
        pass

    async def _nothing(self, _command: Any) -> None:
        pass

    _subscribe_quotes = _subscribe_trades = _subscribe_book_deltas = _nothing  # type: ignore[assignment]
    _subscribe_instrument_status = _unsubscribe_instrument_status = _nothing  # type: ignore[assignment]
    _unsubscribe_quotes = _unsubscribe_trades = _unsubscribe_book_deltas = _nothing  # type: ignore[assignment]

    def hand_over(self, record: Any) -> None:
        """Put a record into the node's queue."""
        self._handle_data(record)

    def hand_over_instrument(self, instrument: Any) -> None:
        """Make an instrument known to the node."""
        self._handle_instrument(instrument)


class ReplayClientFactory(DataClientFactory):
    """Makes the client the node asks for."""

    @staticmethod
    def create(*, name: str, config: ReplayClientConfig, cache: Any, clock: Any) -> DataClient:  # type: ignore[override]
        """Return a client."""
        return _ReplayClient(name=name, config=config, cache=cache, clock=clock)
