r"""One risk budget for several processes that cannot see each other's fills in time.

Each process acts within its *grant*. A grant is lowered at once but counts in full until its process has said that it
heard, and raised only by what is free by then. With :math:`g_p` the largest grant that process p may still act on and
:math:`n_p` its new one,

.. math:: \sum_p \max(g_p, n_p) \le \max\bigl(B, \textstyle\sum_p g_p\bigr),

so the budget :math:`B` holds at every instant, whatever is lost, late or out of order. Each is aimed at what it uses
plus its weighted part of what nobody uses; when more is used than there is, all are cut in the same proportion, and
within a grant below what it uses a process may only reduce.

Risk adds up at most: the standard deviation, value at risk or gross value of the whole is no more than the sum of the
parts', so a budget that holds for the sum holds for the whole. What the processes hedge of each other is not credited.

A silent process keeps its grant: only its return, or a person who knows that it is gone, frees it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from mm_nautilus.errors import ParameterError


@dataclass(frozen=True, slots=True)
class Claim:
    """What one process uses of the budget and may still use.

    Parameters
    ----------
    process : str
        Name.
    used : float
        Risk of its worst case (position and every order that may still fill), in the unit of the budget; at least 0. Of
        a silent process: its grant.
    granted : float
        Largest grant it may still act on: the last one it has acknowledged, or a larger one sent since; at least 0.
    weight : float
        Its part of what nobody uses, relative to the others'; at least 0, and 0 for a silent process.

    Raises
    ------
    ParameterError
        For a number that is negative or not finite.

    """

    process: str
    used: float
    granted: float
    weight: float = 1.0

    def __post_init__(self) -> None:
        for name in ("used", "granted", "weight"):
            if not 0.0 <= getattr(self, name) < math.inf:
                raise ParameterError(f"{self.process}: {name}", getattr(self, name), ">= 0 and finite")


def allocate(budget: float, claims: Sequence[Claim]) -> dict[str, float]:
    """Return the new grant of every process; see the module for the rule.

    Parameters
    ----------
    budget : float
        Risk that all processes together may take; at least 0.
    claims : sequence of Claim
        Of every process that may still act, heard of or not.

    Raises
    ------
    ParameterError
        For a budget that is negative or not finite, or a process named twice.

    """
    if not 0.0 <= budget < math.inf:
        raise ParameterError("budget", budget, ">= 0 and finite")
    names = [claim.process for claim in claims]
    if len(set(names)) != len(names):
        raise ParameterError("claims", names, "one a process")
    aims = _aims(budget, claims)
    free = budget - math.fsum(claim.granted for claim in claims)
    raises = math.fsum(max(aim - claim.granted, 0.0) for aim, claim in zip(aims, claims, strict=True))
    # Rounded down by a hair, so that sums of floats stay within the budget too.
    share = min(1.0, max(free, 0.0) / raises) * (1.0 - 1e-12) if raises > 0.0 else 0.0
    return {
        claim.process: aim if aim <= claim.granted else claim.granted + share * (aim - claim.granted)
        for aim, claim in zip(aims, claims, strict=True)
    }


def _aims(budget: float, claims: Sequence[Claim]) -> list[float]:
    """Return the grants that would be right if every process heard at once."""
    used = math.fsum(claim.used for claim in claims)
    if used > budget:
        return [claim.used * (budget / used) for claim in claims]
    weights = math.fsum(claim.weight for claim in claims)
    spare = budget - used if weights > 0.0 else 0.0
    return [claim.used + claim.weight / (weights or 1.0) * spare for claim in claims]
