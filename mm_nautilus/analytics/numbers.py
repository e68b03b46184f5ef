"""Numbers as a trader reads them."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from mm_nautilus.inventory.contract import EXACT

MINUS = "\N{MINUS SIGN}"
NOTHING = "\N{EN DASH}"


def compact(value: float | Decimal | None, digits: int = 4, *, signed: bool = False) -> str:
    """Return a number to about `digits` digits: two places from 100 on, none from a million on, thousands set apart."""
    if value is None:
        return NOTHING
    number = float(value)
    size = abs(number)
    if size >= 10 ** (digits - 2) or size == 0.0:
        places = 2 if size < 1e6 else 0
        text = f"{size:,.{places}f}"
    else:
        text = f"{size:.{digits}g}"
    return _sign(number, signed=signed) + text


def amount(value: float | Decimal | None) -> str:
    """Return a size or a count without padding: 12,345 or 0.06."""
    if value is None:
        return NOTHING
    number = float(value)
    return _sign(number, signed=False) + f"{abs(number):,.10g}"


def share(value: float | None) -> str:
    """Return a fraction as a percentage with one place; a trace of something is not nothing."""
    if value is None:
        return NOTHING
    figure = "< 0.1" if 0 < value < 0.0005 else f"{100 * value:.1f}"
    return f"{figure}\N{NARROW NO-BREAK SPACE}%"


def duration(seconds: float) -> str:
    """Return a length of time in its two largest units: 1 h 7 min, 42 s, 380 ms."""
    if seconds < 1:
        return f"{1000 * seconds:.0f} ms"
    whole = round(seconds)
    units = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))
    parts: list[str] = []
    for name, length in units:
        count, whole = divmod(whole, length)
        if count or parts:
            parts.append(f"{count} {name}" if count else "")
    return " ".join(part for part in parts[:2] if part)


def aligned(amounts: Sequence[Decimal]) -> list[str]:
    """Return exact amounts with equally many places, so that a column of them can be added by eye."""
    shortest = [value.normalize(EXACT) for value in amounts]
    places = max((max(0, -int(value.as_tuple().exponent)) for value in shortest), default=0)
    return [_sign(value, signed=False) + f"{value.copy_abs():,.{max(places, 2)}f}" for value in shortest]


def _sign(number: float | Decimal, *, signed: bool) -> str:
    if number < 0:
        return MINUS
    return "+" if signed and number > 0 else ""
