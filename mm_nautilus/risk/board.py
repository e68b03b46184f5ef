"""Which stage holds where: what the rules ask for and what the operator ordered, the strictest of them."""

from __future__ import annotations

from collections.abc import Iterable

from mm_nautilus.market import RiskStage
from mm_nautilus.messages import RiskState
from mm_nautilus.risk.watch import WatchedRule

OPERATOR = "operator"


class Board:
    """The stage of each scope: of everything (an empty name) and of each instrument.

    A rule restrains the scope it is measured for; one that asks for `RiskStage.HALT` halts everything. A strategy
    obeys the stricter of the state of everything and that of its instrument.

    Parameters
    ----------
    widen_by : float
        Multiplier of half-spreads when the operator orders to widen.

    """

    def __init__(self, widen_by: float) -> None:
        self._widen_by = widen_by
        self._said: dict[str, RiskState] = {}
        self.orders: dict[str, tuple[RiskStage, str]] = {}
        """What the operator ordered for each scope, and why."""

    @property
    def stage(self) -> RiskStage:
        """The stage of everything, as last said."""
        return RiskStage[self._said[""].stage] if "" in self._said else RiskStage.NORMAL

    def order(self, scope: str, stage: RiskStage, reason: str) -> bool:
        """Take an order of the operator; a halt is not replaced by less."""
        held, _ = self.orders.get(scope, (RiskStage.NORMAL, ""))
        if held is RiskStage.HALT and stage is not RiskStage.HALT:
            return False
        self.orders[scope] = (stage, reason)
        return True

    def standing(self) -> list[RiskState]:
        """Return every state that restrains something, for somebody who has not heard them."""
        return [state for state in self._said.values() if state.stage != RiskStage.NORMAL.name]

    def settle(self, rules: Iterable[WatchedRule], now_ns: int, note: str = "") -> list[RiskState]:
        """Return the states that differ from what was last said, the strictest first.

        Parameters
        ----------
        rules : iterable of WatchedRule
            All of them.
        now_ns : int
            Engine time.
        note : str
            Why a scope is back to normal, where that is more than the rules' recovery.

        """
        asking: dict[str, list[tuple[RiskStage, str, str, float]]] = {scope: [] for scope in self._said}
        for rule in rules:
            stage = rule.machine.stage
            if stage is RiskStage.NORMAL:
                continue
            name = f"{rule.name} of {rule.scope}" if rule.scope else rule.name
            scope = "" if stage is RiskStage.HALT else rule.scope
            words = f"{name}: {rule.reason}"
            asking.setdefault(scope, []).append((stage, rule.name, words, rule.machine.widen_by))
        for scope, (stage, reason) in self.orders.items():
            asking.setdefault(scope, []).append((stage, OPERATOR, f"{OPERATOR}: {reason}", self._widen_by))
        changed = []
        for scope, asked in asking.items():
            state = _strictest(scope, asked, now_ns, note)
            last = self._said.get(scope)
            if last is None or (state.stage, state.spread_multiplier, state.rules) != (
                last.stage,
                last.spread_multiplier,
                last.rules,
            ):
                self._said[scope] = state
                changed.append(state)
        # Strictest first: nobody is let go by one state before another one restrains him.
        return sorted(changed, key=lambda state: -RiskStage[state.stage])


def _strictest(scope: str, asked: list[tuple[RiskStage, str, str, float]], now_ns: int, note: str) -> RiskState:
    if not asked:
        return RiskState(now_ns, RiskStage.NORMAL.name, scope, 1.0, (), note or "every rule has recovered")
    stage = max(one[0] for one in asked)
    holding = [one for one in asked if one[0] is stage]
    return RiskState(
        now_ns,
        stage.name,
        scope,
        max(one[3] for one in asked),
        tuple(dict.fromkeys(one[1] for one in holding)),
        "; ".join(one[2] for one in holding),
    )
