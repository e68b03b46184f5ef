"""`killed_process` with the hedge desk that strategies use."""

from __future__ import annotations

import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

from killed_process import ASSET, INSTRUMENT, LOT, STEP, Process, run

from mm_nautilus.inventory.hedge_control import HedgeControl
from mm_nautilus.inventory.hedge_demand import Cause
from mm_nautilus.inventory.hedge_market import HedgeContract, HedgeMarket, HedgeOrder
from mm_nautilus.inventory.hedge_settings import HedgeSettings, TakingTerms
from mm_nautilus.inventory.ledger_line import Fill
from mm_nautilus.inventory.state import Recovery, VenueReport
from mm_nautilus.market import Grid, Side, TopOfBook
from mm_nautilus.quoting.limit_settings import AgeSettings


class DeskProcess(Process):
    """The same with the hedge desk that strategies use."""

    def __init__(self, path: Path, save_every: int) -> None:
        super().__init__(path, save_every)
        grid = Grid(Decimal("0.01"), LOT, int(STEP / LOT))
        self._market = HedgeMarket(HedgeContract(INSTRUMENT, grid), TakingTerms(), 10.0)
        settings = HedgeSettings(trigger="fills", max_share_of_depth=1.0)
        self._control = HedgeControl(settings, self.ledger, [self._market], "S-1", ASSET, 10**9, AgeSettings())

    def load(self, state: dict[str, Any]) -> None:
        self._control.load(state["control"])

    def state(self) -> dict[str, Any]:
        return {"control": self._control.save()}

    def recover(self, report: VenueReport, now_ns: int) -> Recovery:
        out = [
            HedgeOrder(name, INSTRUMENT, Side.SELL, int(abs(left) / LOT), 9_900, 0, Cause.FILL, 100.0, now_ns)
            for name, left in report.open_orders.items()
        ]
        return self._control.recover(report, out, now_ns)

    def book(self, fill: Fill) -> None:
        self._control.booked(fill, 0.0)

    def end(self, order: str, now_ns: int) -> None:
        self._control.closed(order, "CANCELED", now_ns)

    def decide(self, name: str, now_ns: int) -> Decimal:
        self._market.heard(TopOfBook(99.99, 100.01, 1e6, 1e6), now_ns)
        intents = self._control.step(now_ns, None, None)
        for intent in intents:
            self._control.sending(intent, name, now_ns)
        self._control.desk.take_facts()
        return sum((int(one.side) * one.lots * LOT for one in intents), Decimal(0))


if __name__ == "__main__":
    run(DeskProcess(Path(sys.argv[1]), int(sys.argv[2])))
