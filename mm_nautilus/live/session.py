"""One life of a node: start, trade, withdraw, flatten if asked to, stop.

Two ways to drive a node, one way to end it. On an event loop (`Session.run`) whatever else is on the loop goes on
beside the node, and its clients may be written in Python. On the engine's own (`Session.run_alone`) its cache can be
kept in Redis; nothing of ours runs beside it there, so that the way out is walked by a timer of the node.
"""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from typing import Any

from nautilus_trader.common import TimeEvent
from nautilus_trader.live import LiveNode
from nautilus_trader.model import AccountId, InstrumentId

from mm_nautilus.host.guard import GuardedActor, GuardedStrategy
from mm_nautilus.host.traded import open_orders
from mm_nautilus.live.interrupts import SIGNALS
from mm_nautilus.market import RiskStage
from mm_nautilus.messages import TOPIC_RISK, RiskState

_POLL_S = 0.05
_ANSWER_S = 1.0
"""How long a venue has to answer what is asked last."""


def _nobody() -> None:
    """Wake nobody."""


@dataclass(slots=True)
class Session:
    """What happened to a node while it ran.

    Parameters
    ----------
    node : LiveNode
        Built, with all its components.
    strategies : sequence of GuardedStrategy
        Those whose quotes are withdrawn on the way out.
    instrument_ids : sequence of str
        What they trade.
    withdraw_within_s : float
        How long the quotes may take to be gone.
    accounts : sequence of str
        Accounts whose balances are asked for once the quotes are gone: the message that told of them may be lost.
    flatten_within_s : float or None
        How long working the positions off may take; ``None`` where they are kept.

    """

    node: LiveNode
    strategies: Sequence[GuardedStrategy]
    instrument_ids: Sequence[str]
    withdraw_within_s: float
    accounts: Sequence[str] = ()
    flatten_within_s: float | None = None
    ended_by: str = "the node"
    """``SIGINT``, ``SIGTERM``, the end of the data, or the node itself."""
    began: bool = False
    """Whether the node ever ran."""
    left_open: list[str] = field(default_factory=list)
    """Orders that were still open in the engine when the time to withdraw was up."""
    left_held: dict[str, str] = field(default_factory=dict)
    """Positions that could not be worked off in time, by instrument."""
    _asked: bool = False
    _wake: Callable[[], object] = _nobody

    def end(self, by: str) -> None:
        """Ask for an orderly end, from a signal handler too; the first who asks is remembered."""
        if not self._asked:
            self._asked, self.ended_by = True, by
            self._wake()

    # ------------------------------------------------------ on an event loop

    async def run(self, started: Callable[[], None] = lambda: None, ending: Callable[[], None] = lambda: None) -> None:
        """Run the node on the present loop until somebody asks for the end or it ends by itself.

        Parameters
        ----------
        started : callable
            Called once the node runs.
        ending : callable
            Called before the quotes are withdrawn.

        Raises
        ------
        RuntimeError
            When the node did not start, with the engine's reason.

        """
        loop, handle, asked = asyncio.get_running_loop(), self.node.handle(), asyncio.Event()
        self._wake = partial(loop.call_soon_threadsafe, asked.set)
        if self._asked:
            asked.set()
        running = asyncio.create_task(self.node.run_async())
        try:
            while not handle.is_running and not running.done() and not self._asked:
                await asyncio.sleep(_POLL_S)
            if not running.done() and not self._asked:
                self.began = True
                started()
            waiting = asyncio.create_task(asked.wait())
            await asyncio.wait({running, waiting}, return_when=asyncio.FIRST_COMPLETED)
            waiting.cancel()
            if not running.done():
                ending()
                await asyncio.sleep(_POLL_S)  # what a replay still held back reaches the venue before it is taken back
                for pause_s in self._way_out() if handle.is_running else ():
                    await asyncio.sleep(pause_s)
                handle.stop()
            await running
        finally:
            self._wake = _nobody

    # ------------------------------------------------- on the engine's own

    def run_alone(self, started: Callable[[], None] = lambda: None, ending: Callable[[], None] = lambda: None) -> None:
        """Run the node on the engine's own loop; otherwise as `run`.

        The engine hears the signals until its components start, and whoever heard them before from then on.
        """
        heard_by = {number: signal.getsignal(number) for number in SIGNALS}
        steward = _Steward(_StewardConfig(self, heard_by, started, ending))
        self.node.add_actor(steward)
        try:
            self.node.run()
        finally:
            for number, handler in heard_by.items():
                signal.signal(number, handler)
        if steward.fatal is not None:
            raise steward.fatal

    # -------------------------------------------------------------- the way out

    def _way_out(self) -> Iterator[float]:
        """Take every order back, work the positions off where that is asked for; yield seconds to wait."""
        for strategy in self.strategies:
            strategy.withdraw()
        yield from self._until(lambda: not self._open(), self.withdraw_within_s)
        if self.flatten_within_s is not None:
            self._flatten()
            yield from self._until(lambda: not self._held() and not self._open(), self.flatten_within_s)
            self.left_held = self._held()
            for strategy in self.strategies:
                strategy.withdraw()
            yield from self._until(lambda: not self._open(), self.withdraw_within_s)
        self.left_open = [str(order.client_order_id) for order in self._open()]
        for account in self.accounts:
            self.strategies[0].query_account(AccountId(account))
        if self.accounts:
            yield _ANSWER_S

    def _until(self, holds: Callable[[], bool], within_s: float) -> Iterator[float]:
        end = time.monotonic() + within_s
        while not holds() and time.monotonic() < end:
            yield _POLL_S

    def _flatten(self) -> None:
        """Ask for it as the risk monitor would, so that every strategy works its position off in its own way."""
        for strategy in self.strategies:
            now_ns = strategy.clock.timestamp_ns()
            state = RiskState(now_ns, RiskStage.FLATTEN.name, "", 1.0, ("operator",), "flatten on stop")
            strategy.publish_message(TOPIC_RISK, state)

    def _held(self) -> dict[str, str]:
        """Return the positions by instrument, without those that are flat."""
        portfolio = self.strategies[0].portfolio
        held = {name: Decimal(str(portfolio.net_position(InstrumentId.from_str(name)))) for name in self.instrument_ids}
        return {name: str(position) for name, position in held.items() if position}

    def _open(self) -> list[Any]:
        return [
            order
            for strategy in self.strategies
            for name in self.instrument_ids
            for order in open_orders(strategy, InstrumentId.from_str(name))
        ]


@dataclass(frozen=True, slots=True)
class _StewardConfig:
    session: Session
    heard_by: Mapping[signal.Signals, Any]
    started: Callable[[], None]
    ending: Callable[[], None]
    actor_id: str = "Steward-001"


class _Steward(GuardedActor):
    """Walks the way out on a timer of the node, where nothing else of ours runs beside it."""

    def __init__(self, config: _StewardConfig) -> None:
        super().__init__(config)
        self._session, self._heard_by = config.session, config.heard_by
        self._started, self._ending = config.started, config.ending
        self._way_out: Iterator[float] | None = None
        self._wait_until_s = 0.0

    def on_start(self) -> None:
        """Take the signals over from the engine, which would stop before the quotes are gone; look once in a while."""
        for number, handler in self._heard_by.items():
            signal.signal(number, handler)
        self.clock.set_timer_ns("steward", int(_POLL_S * 1e9), callback=self.guard(self._look))

    def _look(self, _event: TimeEvent) -> None:
        session = self._session
        handle = session.node.handle()
        if not session.began:
            if not handle.is_running:
                return
            session.began = True
            self._started()
        if not session._asked or time.monotonic() < self._wait_until_s:  # noqa: SLF001 - the session's own
            return
        if self._way_out is None:
            self._ending()
            self._way_out = session._way_out()  # noqa: SLF001
        pause_s = next(self._way_out, None)
        if pause_s is None:
            self.clock.cancel_timer("steward")
            handle.stop()
        else:
            self._wait_until_s = time.monotonic() + pause_s
