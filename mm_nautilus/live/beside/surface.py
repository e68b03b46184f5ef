"""What the operator's commands do to the strategy and the risk monitor of a node."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mm_nautilus.actors import RiskMonitor
from mm_nautilus.errors import ParameterError, UserError
from mm_nautilus.host.guard import Guarded
from mm_nautilus.live.standing import Standing, parameters
from mm_nautilus.market import RiskStage
from mm_nautilus.strategies.cross_venue_arbitrage import CrossVenueArbitrage


class NodeSurface:
    """See the module; called on the node's own thread only.

    Parameters
    ----------
    strategy : GuardedStrategy
        Whose quotes they are about.
    risk : RiskMonitor or None
        Who carries orders out.

    """

    def __init__(self, strategy: Any, risk: RiskMonitor | None) -> None:
        self._strategy = strategy
        self._risk = risk
        self._standing = Standing.of(strategy)

    @property
    def stage(self) -> str:
        """Name of the risk stage of everything."""
        return "NORMAL" if self._risk is None else self._risk.stage.name

    @property
    def standing(self) -> dict[str, Any]:
        """Whether there is a pause, and each value that is not the run file's; JSON-able."""
        return {"paused": self._standing.paused, "values": self._standing.values}

    def status(self) -> dict[str, Any]:
        """Return stage, pause, positions, orders out, and what can be changed, by instrument."""
        return {"stage": self.stage, "instruments": self._instruments()} | self.standing

    def _instruments(self) -> dict[str, Any]:
        strategy = self._strategy
        if isinstance(strategy, CrossVenueArbitrage):
            return {
                name: {"position": str(leg.position_lots * leg.traded.lattice.grid.lot)}
                for name, leg in strategy.venues.items()
            }
        return {
            name: {
                "position": str(leg.desk.position_lots * leg.lattice.grid.lot),
                "orders": len(list(leg.desk.orders)),
                "parameters": parameters(leg),
            }
            for name, leg in self._standing.legs.items()
        }

    def pause(self, *, paused: bool) -> str:
        """Let nothing new begin for a while, or end that."""
        answer: str = self._kept(lambda: self._standing.pause(paused=paused))
        return answer

    def order(self, action: str, reason: str, instrument_id: str) -> str:
        """Have the risk monitor widen, reduce only, flatten or halt."""
        risk = self._risk
        if risk is None:
            raise UserError("nobody carries orders out in this run")
        known = self._standing.instruments
        if instrument_id and instrument_id not in known:
            raise ParameterError("instrument_id", instrument_id, f"one of {', '.join(known)}, or empty for all")
        if action == "halt":
            if instrument_id:
                raise ParameterError("instrument_id", instrument_id, "empty for a halt, which is for everything")
            self._protected(risk, lambda: risk.halt(reason))
        elif risk.stage is RiskStage.HALT:
            raise UserError(f"everything is halted, which {action} would only soften; resume comes first")
        else:
            self._protected(risk, lambda: getattr(risk, action)(reason, instrument_id))
        return f"{action} {instrument_id}".strip() + f": the stage of everything is {self.stage}"

    def resume(self, reason: str) -> tuple[bool, str]:
        """End a pause, and every halt and order where there is one: losses are counted from here on only then."""
        said, resumed, risk = [], True, self._risk
        if self._standing.paused:
            said.append(self.pause(paused=False))
        if risk is not None and risk.holds:
            results: list[bool] = []
            self._protected(risk, lambda: results.append(risk.resume_trading(reason)))
            resumed = bool(results and results[0])
            said.append(
                "every halt and order is ended" if resumed else "a rule still asks for a halt; see the incident"
            )
        return resumed, "; ".join(said) or "nothing was held back"

    def change(self, parameter: str, value: str, instrument_id: str) -> tuple[str, str]:
        """Change a parameter of one instrument's quotes."""
        old_and_new: tuple[str, str] = self._kept(lambda: self._standing.change(parameter, value, instrument_id))
        return old_and_new

    def _kept(self, act: Callable[[], Any]) -> Any:
        """Act on the strategy, and have its state written before anybody is told that it was done."""
        strategy, came_of_it = self._strategy, list[Any]()

        def acted() -> None:
            came_of_it.append(act())
            strategy._persist()  # noqa: SLF001 - the state is the strategy's to write

        self._protected(strategy, acted)
        return came_of_it[0]

    @staticmethod
    def _protected(component: Guarded, act: Callable[[], Any]) -> None:
        """Act under the component's own guard; a refusal is the operator's, anything else is its end."""
        refusal: list[UserError] = []

        def acted(_event: None) -> None:
            try:
                act()
            except UserError as error:
                refusal.append(error)

        component.guard(acted)(None)
        if refusal:
            raise refusal[0]
        if component.fatal is not None:
            raise RuntimeError(f"{type(component).__name__} has failed and is being stopped: {component.fatal!r}")
