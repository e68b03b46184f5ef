"""How a rule's value becomes a stage: up at once, down with hysteresis, and out of a halt only by hand."""

from __future__ import annotations

from mm_nautilus.market import RiskStage
from mm_nautilus.risk.settings import Rule

_NORMAL, _HALT = RiskStage.NORMAL, RiskStage.HALT


class StageMachine:
    """The stage one rule asks for.

    A stage is entered at the first value at or above its threshold. It is left once the value has been
    below `recover_share` of that threshold for `hold_s` without a break, for the highest stage that the values
    of that time still held. A value of ``None`` says nothing: the stage stays, and the time starts anew.
    `RiskStage.HALT` is left by `release` alone.

    Parameters
    ----------
    rule : Rule
        Thresholds, hysteresis, warm-up.

    """

    __slots__ = (
        "_armed",
        "_calm_ns",
        "_calm_stage",
        "_first_ns",
        "_hold_ns",
        "_levels",
        "_recovers",
        "_warm_up_ns",
        "idle",
        "lowest",
        "stage",
        "widen_by",
    )

    def __init__(self, rule: Rule) -> None:
        self._levels = rule.levels
        self._recovers = tuple((threshold * rule.recover_share, stage) for threshold, stage in rule.levels)
        self._hold_ns, self._warm_up_ns = round(rule.hold_s * 1e9), round(rule.warm_up_s * 1e9)
        self._first_ns: int | None = None
        self._armed = False
        self._calm_ns: int | None = None
        self._calm_stage = _NORMAL
        self.widen_by = rule.widen_by
        self.lowest: float = self._levels[0][0] if self._levels else float("inf")
        """No value below it can raise the stage."""
        self.stage = _NORMAL
        self.idle = False
        """Past the warm-up and normal: a value below `lowest` changes nothing."""

    def update(self, value: float | None, now_ns: int) -> bool:
        """Take a value; return whether the stage changed."""
        if value is None:
            self._calm_ns = None
            return False
        if not self._armed:
            if self._first_ns is None:
                self._first_ns = now_ns
            if now_ns - self._first_ns < self._warm_up_ns:
                return False
            self._armed = True
        before = self.stage
        asked = _highest(self._levels, value)
        if asked > before:
            self.stage, self._calm_ns = asked, None
        elif before is not _NORMAL and before is not _HALT:
            self._recover(_highest(self._recovers, value), now_ns)
        self.idle = self.stage is _NORMAL
        return self.stage is not before

    def _recover(self, held: RiskStage, now_ns: int) -> None:
        if held >= self.stage:
            self._calm_ns = None
            return
        if self._calm_ns is None:
            self._calm_ns, self._calm_stage = now_ns, held
        self._calm_stage = max(self._calm_stage, held)
        if now_ns - self._calm_ns >= self._hold_ns:
            self.stage, self._calm_ns = self._calm_stage, None

    def release(self) -> None:
        """Go back to normal: somebody has decided so; the next value may raise the stage again."""
        self.stage, self._calm_ns, self.idle = _NORMAL, None, self._armed


def _highest(levels: tuple[tuple[float, RiskStage], ...], value: float) -> RiskStage:
    found = _NORMAL
    for threshold, stage in levels:
        if value >= threshold:
            found = stage
    return found
