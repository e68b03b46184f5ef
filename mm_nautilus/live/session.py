"""One life of a node: start, trade, withdraw, stop."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from nautilus_trader.live import LiveNode
from nautilus_trader.model import AccountId, InstrumentId

from mm_nautilus.host.guard import GuardedStrategy
from mm_nautilus.host.traded import open_orders

_POLL_S = 0.05
_ANSWER_S = 1.0
"""How long a venue has to answer what is asked last."""


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

    """

    node: LiveNode
    strategies: Sequence[GuardedStrategy]
    instrument_ids: Sequence[str]
    withdraw_within_s: float
    accounts: Sequence[str] = ()
    """Accounts whose balances are asked for once the quotes are gone: the message that told of them may be lost."""
    ended_by: str = "the node"
    """``SIGINT``, ``SIGTERM``, the end of the data, or the node itself."""
    began: bool = False
    """Whether the node ever ran."""
    left_open: list[str] = field(default_factory=list)
    """Orders that were still open in the engine when the time to withdraw was up."""
    _ending: asyncio.Event = field(default_factory=asyncio.Event)

    def end(self, by: str) -> None:
        """Ask for an orderly end; the first who asks is remembered."""
        if not self._ending.is_set():
            self.ended_by = by
            self._ending.set()

    async def run(self, started: Callable[[], None] = lambda: None, ending: Callable[[], None] = lambda: None) -> None:
        """Run the node until somebody asks for the end or it ends by itself.

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
        loop, handle = asyncio.get_running_loop(), self.node.handle()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self.end, number.name)
        running = asyncio.create_task(self.node.run_async())
        try:
            while not handle.is_running and not running.done() and not self._ending.is_set():
                await asyncio.sleep(_POLL_S)
            if not running.done() and not self._ending.is_set():
                self.began = True
                started()
            asked = asyncio.create_task(self._ending.wait())
            await asyncio.wait({running, asked}, return_when=asyncio.FIRST_COMPLETED)
            asked.cancel()
            if not running.done():
                ending()
                await self._withdraw()
                handle.stop()
            await running
        finally:
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.remove_signal_handler(number)

    async def _withdraw(self) -> None:
        """Take every order back and wait for the venue to say that they are gone."""
        loop = asyncio.get_running_loop()
        end = loop.time() + self.withdraw_within_s
        for strategy in self.strategies:
            strategy.withdraw()
        while (left := self._open()) and loop.time() < end:
            await asyncio.sleep(_POLL_S)
        self.left_open = [str(order.client_order_id) for order in left]
        for account in self.accounts:
            self.strategies[0].query_account(AccountId(account))
        if self.accounts:
            await asyncio.sleep(_ANSWER_S)

    def _open(self) -> list[Any]:
        return [
            order
            for strategy in self.strategies
            for name in self.instrument_ids
            for order in open_orders(strategy, InstrumentId.from_str(name))
        ]
