"""From evidence to an answer, side by side: a pure function of what is known and of where the side stood before."""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from mm_nautilus.adverse_selection.evidence import PRICE_TESTS, Evidence, combined_t, confidence, critical_t
from mm_nautilus.adverse_selection.settings import AdverseSelectionSettings


class Standing(Struct, frozen=True, gc=False):
    """How one side stands; what `assess` needs to know of the past is in it."""

    toxic: bool = False
    strength: float = 0.0
    """Of the answer, from 0 (none) to 1 (full)."""
    spread_multiplier: float = 1.0
    size_multiplier: float = 1.0
    away_until_ns: int | None = None
    """The side is withdrawn until then."""
    fills_when_away: int | None = None
    """Fills of the side when it was withdrawn last; ``None`` where it never was."""
    t: float | None = None
    confidence: float | None = None
    tests: tuple[str, ...] = ()
    """Tests that speak at their own level."""


CLEAN: Final = Standing()


class Thresholds:
    """Levels of the settings as values of a standard normal statistic."""

    __slots__ = ("away", "end", "full", "onset")

    def __init__(self, settings: AdverseSelectionSettings) -> None:
        self.end, self.onset = critical_t(settings.level), critical_t(settings.onset_level)
        self.full, self.away = critical_t(settings.full_level), critical_t(settings.away_level)


def assess(
    evidence: Evidence,
    before: Standing,
    now_ns: int,
    settings: AdverseSelectionSettings,
    thresholds: Thresholds,
    weights: dict[str, float],
) -> Standing:
    """Return how a side stands now.

    A side becomes toxic when the combined statistic passes `onset_level` and stays so until it falls below `level`;
    since it can be toxic only above `level`, uninformed flow makes it so at a given instant with at most that
    probability. The answer grows from none at `level` to full at `full_level`, in steps, and does not move for less
    than a step. At `away_level`, and with at least one test of the price speaking for itself, the side is withdrawn
    for `away_s`; then it takes `away_fills` new fills to withdraw it again.

    Parameters
    ----------
    evidence : Evidence
        About the side.
    before : Standing
        What this function said last; `CLEAN` at first.
    now_ns : int
        Engine time.
    settings, thresholds, weights
        Parameters; the latter two are those of the settings, read once.

    """
    t = combined_t(evidence, weights, settings.correlation)
    speaking = tuple([name for name, score in evidence.tests.items() if score is not None and score.t > thresholds.end])
    toxic = t is not None and t >= (thresholds.end if before.toxic else thresholds.onset)
    strength = 0.0
    if toxic and t is not None:
        steps = settings.steps
        wanted = min((t - thresholds.end) / (thresholds.full - thresholds.end), 1.0) * steps
        held = before.strength * steps
        strength = (round(held) if abs(wanted - held) < 1.0 and before.toxic else int(wanted)) / steps
    until, at = before.away_until_ns, before.fills_when_away
    if until is not None and until <= now_ns:
        until = None
    rested = at is None or evidence.fills - at >= settings.away_fills
    if until is None and rested and t is not None and t >= thresholds.away and _costs(speaking):
        until, at = now_ns + round(settings.away_s * 1e9), evidence.fills
    return Standing(
        toxic,
        strength,
        1.0 + (settings.max_spread_multiplier - 1.0) * strength,
        1.0 - (1.0 - settings.min_size_multiplier) * strength,
        until,
        at,
        t,
        None if t is None else confidence(t),
        speaking,
    )


def _costs(speaking: tuple[str, ...]) -> bool:
    return any(name in PRICE_TESTS for name in speaking)
