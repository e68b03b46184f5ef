"""What an operator may change while a strategy quotes, and what he may change it to.

A change goes through the very models that read the run file. Limits can be lowered, and raised again up to what the
run file says, never beyond: who wants more risk than was tested starts another run.
"""

from __future__ import annotations

from typing import Any, Final

from pydantic import BaseModel, ValidationError

from mm_nautilus.errors import ParameterError
from mm_nautilus.quoting.settings import QuotingSettings

CHANGEABLE: Final = (
    "gamma",
    "order_size",
    "ladder.levels",
    "ladder.spacing_ticks",
    "guards.min_half_spread_bps",
    "guards.max_half_spread_bps",
    "guards.min_price",
    "guards.max_price",
    "guards.max_book_spread_bps",
    "requote.tolerance_ticks",
    "limits.max_position",
    "limits.max_notional",
    "limits.max_order_notional",
)
"""By their names in the run file's ``[strategy]``; those that the model in use does not have cannot be changed."""
_NOT_ABOVE: Final = frozenset({"limits.max_position", "limits.max_notional", "limits.max_order_notional"})
_NOTHING: Final = "none"


def value_of(settings: QuotingSettings, name: str) -> Any:
    """Return the value of a parameter by its name in the run file.

    Raises
    ------
    ParameterError
        For a name that cannot be changed, or is none of the settings.

    """
    changeable = [one for one in CHANGEABLE if _there(settings, one)]
    if name not in changeable:
        raise ParameterError("parameter", name, f"one of {', '.join(changeable)}")
    value: Any = settings
    for part in name.split("."):
        value = getattr(value, part)
    return value


def retuned[S: QuotingSettings](settings: S, tested: S, name: str, text: str) -> S:
    """Return the settings with one parameter changed.

    Parameters
    ----------
    settings : QuotingSettings
        As they are.
    tested : QuotingSettings
        As the run file has them: what limits may not be raised above.
    name : str
        One of `CHANGEABLE`.
    text : str
        The value as it would stand in the run file, or ``none`` to leave it out.

    Raises
    ------
    ParameterError
        For a name or a value that is not allowed; it says what is.

    """
    value_of(settings, name)
    value = None if text.strip().lower() == _NOTHING else text.strip()
    changed = _with(settings, name.split("."), value, name)
    now, most = value_of(changed, name), value_of(tested, name)
    if name in _NOT_ABOVE and most is not None and (now is None or now > most):
        raise ParameterError(name, text, f"at most {most}, as in the run file")
    return changed


def _there(settings: BaseModel, name: str) -> bool:
    value: Any = settings
    for part in name.split("."):
        if not hasattr(value, part):
            return False
        value = getattr(value, part)
    return True


def _with[M: BaseModel](model: M, path: list[str], value: Any, name: str) -> M:
    """Return a validated copy of a model with what stands at `path` replaced."""
    first, *rest = path
    fields: dict[str, Any] = {field: getattr(model, field) for field in type(model).model_fields}
    fields[first] = _with(fields[first], rest, value, name) if rest else value
    try:
        return type(model).model_validate(fields)
    except ValidationError as error:
        said = error.errors()[0]["msg"].removeprefix("Value error, ").replace("Input should", "should")
        raise ParameterError(name, value, f"such that: {said}") from None
