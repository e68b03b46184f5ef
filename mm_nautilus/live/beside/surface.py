"""What the operator's commands do to the strategy and the risk monitor of a node."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mm_nautilus.actors import RiskMonitor
from mm_nautilus.errors import ParameterError, UserError
from mm_nautilus.host.guard import Guarded
from mm_nautilus.market import RiskStage
from mm_nautilus.quoting.retune import CHANGEABLE, retuned, value_of
from mm_nautilus.strategies import MarketMaker
from mm_nautilus.strategies.leg import QuotingLeg
from mm_nautilus.strategies.quoting_strategy import QuotingStrategy


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
        self._paused = False
        self._tested: dict[str, Any] = {}

    @property
    def stage(self) -> str:
        """Name of the risk stage of everything."""
        return "NORMAL" if self._risk is None else self._risk.stage.name

    def status(self) -> dict[str, Any]:
        """Return stage, pause, positions, orders out, and what can be changed, by instrument."""
        return {
            "stage": self.stage,
            "paused": self._paused,
            "instruments": {
                name: {
                    "position": str(leg.desk.position_lots * leg.lattice.grid.lot),
                    "orders": len(list(leg.desk.orders)),
                    "parameters": _parameters(leg),
                }
                for name, leg in self._legs.items()
            },
        }

    def pause(self, *, paused: bool) -> str:
        """Take the quotes back for a while, or end that."""
        strategy = self._strategy
        if not isinstance(strategy, QuotingStrategy):
            raise UserError(f"{type(strategy).__name__} cannot be paused; halt stops it")
        self._protected(strategy, lambda: strategy.pause(paused=paused))
        self._paused = paused
        return "the quotes are taken back; hedges go on" if paused else "quoting again"

    def order(self, action: str, reason: str, instrument_id: str) -> str:
        """Have the risk monitor widen, reduce only, flatten or halt."""
        risk = self._risk
        if risk is None:
            raise UserError("nobody carries orders out in this run")
        if instrument_id and instrument_id not in self._legs:
            raise ParameterError("instrument_id", instrument_id, f"one of {', '.join(self._legs)}, or empty for all")
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
        if self._paused:
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
        name, leg = self._leg(instrument_id)
        tested = self._tested.setdefault(name, leg.settings)
        old = value_of(leg.settings, parameter)
        settings = retuned(leg.settings, tested, parameter, value)
        self._protected(self._strategy, lambda: self._strategy.retune(settings, leg))
        return _said(old), _said(value_of(leg.settings, parameter))

    @property
    def _legs(self) -> dict[str, QuotingLeg]:
        strategy = self._strategy
        return dict(strategy.legs) if isinstance(strategy, QuotingStrategy) else {}

    def _leg(self, instrument_id: str) -> tuple[str, QuotingLeg]:
        legs = self._legs
        name = instrument_id or (next(iter(legs)) if len(legs) == 1 else "")
        if name not in legs:
            raise ParameterError("instrument_id", instrument_id, f"one of {', '.join(legs) or 'none'}")
        leg = legs[name]
        if not isinstance(self._strategy, MarketMaker):
            raise UserError(f"{name}: what is quoted together with others is changed in the run file only")
        return name, leg

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


def _said(value: object) -> str:
    return "none" if value is None else str(value)


def _parameters(leg: QuotingLeg) -> dict[str, str]:
    found = {}
    for name in CHANGEABLE:
        try:
            found[name] = _said(value_of(leg.settings, name))
        except ParameterError:
            continue
    return found
