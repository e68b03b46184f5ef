r"""What of a position has been held too long and is to be worked off now, in slices.

Let :math:`S_j` be the size of the lots at least as old as lot :math:`j` (first in, first out), counted without the
wanted target, :math:`a_j` its age, :math:`A` the age from which a lot is liquidated, :math:`W` the time in which that
is to be done and :math:`n` the slices. What may be left of lots that old steps down from the position limit :math:`Q`:

.. math::
    k_j = \min\Bigl(n, 1 + \Bigl\lfloor \frac{a_j - A}{W / n} \Bigr\rfloor\Bigr), \qquad
    \text{due} = \max_{j:\, a_j \ge A} \bigl(S_j - Q\,(1 - k_j / n)\bigr)^+

A position at its limit is so worked off in :math:`n` equal slices, a smaller one begins later, and every lot is gone
when its age reaches :math:`A + W\,(n - 1) / n`. It is a function of the lots and the clock alone: what has been worked
off is no longer in the lots, so nothing is sold twice and nothing need be remembered across a restart.

The oldest lots are the ones that the target counts as wanted, so that holding it is never too old.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from mm_nautilus.errors import ParameterError
from mm_nautilus.inventory.age import LotQueue
from mm_nautilus.inventory.contract import COST, EXACT
from mm_nautilus.quoting.limit_settings import AgeSettings

_ZERO: Final = Decimal(0)


def anything_old(lots: LotQueue, now_ns: int, settings: AgeSettings) -> bool:
    """Return whether any lot is old enough to be liquidated; nothing is due otherwise. Arguments: `liquidation_due`."""
    opened_ns = lots.oldest_ns
    return settings.liquidate and opened_ns is not None and now_ns - opened_ns >= _old_ns(settings)


def _old_ns(settings: AgeSettings) -> int:
    return round(settings.liquidate_after_s * 1e9)


def liquidation_due(
    lots: LotQueue,
    now_ns: int,
    settings: AgeSettings,
    max_position: Decimal,
    target: Decimal = _ZERO,
) -> Decimal:
    """Return the signed size to trade now, 0 where nothing is due; see the module.

    O(lots that are too old); call it as often as the position is sampled.

    Parameters
    ----------
    lots : LotQueue
        Open lots, from `mm_nautilus.inventory.ledger_line.Line.lots`.
    now_ns : int
        UNIX time in nanoseconds.
    settings : AgeSettings
        Ages and pace.
    max_position : Decimal
        Position limit, in base units (contracts); above 0.
    target : Decimal
        Signed position that is wanted, in base units (contracts).

    Raises
    ------
    ParameterError
        For a limit that is not above 0.

    """
    if not max_position > 0:
        raise ParameterError("max_position", max_position, "> 0")
    if not anything_old(lots, now_ns, settings):
        return _ZERO
    position = lots.position
    wanted = min(abs(target), abs(position)) if target * position > 0 else _ZERO
    old_ns = _old_ns(settings)
    step_ns = settings.liquidate_within_s * 1e9 / settings.slices
    older, due = EXACT.minus(wanted), _ZERO
    for opened_ns, size in lots:
        beyond_ns = now_ns - opened_ns - old_ns
        if beyond_ns < 0:
            break
        older = EXACT.add(older, abs(size))
        slices = settings.slices if step_ns == 0.0 else min(settings.slices, 1 + int(beyond_ns / step_ns))
        left = COST.multiply(max_position, COST.divide(Decimal(settings.slices - slices), Decimal(settings.slices)))
        due = max(due, COST.subtract(older, left))
    return EXACT.copy_sign(due, EXACT.minus(position)) if due else _ZERO
