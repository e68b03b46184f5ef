"""The three answers to adverse selection, as changes to a run file; nothing else differs between the runs."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from mm_nautilus.errors import ConfigError

type Tables = dict[str, Any]

OFF: Final = "off"
RULES: Final = "rules"
TRAINED: Final = "trained"
RESPONSES: Final = (OFF, RULES, TRAINED)

_MODEL_KEYS: Final = ("model", "model_fingerprint", "allow_in_sample")


def checked(names: Sequence[str]) -> tuple[str, ...]:
    """Return the responses asked for in the order of `RESPONSES`, with ``off``, which the others are compared to.

    Raises
    ------
    ConfigError
        For a name that is none of them, and where there is nothing to compare.

    """
    problems = [
        f"{name!r} is no response; allowed are {', '.join(RESPONSES)}" for name in names if name not in RESPONSES
    ]
    found = tuple(name for name in RESPONSES if name == OFF or name in names)
    if not problems and len(found) < 2:
        problems = [f"nothing to compare {OFF} to; name {RULES}, {TRAINED} or both"]
    if problems:
        raise ConfigError("--responses", problems)
    return found


def responding(raw: Mapping[str, Any], response: str, model: Path | None = None, high_risk: float = 1.0) -> Tables:
    """Return a run file's tables under one response.

    ``off`` watches and does nothing. ``rules`` follows the monitor's assessments. ``trained`` follows a model: the
    multipliers and the rule on takers' flow are those of the run file, but a side is widened above `high_risk` and
    never tightened or grown: quoting more where little is predicted to go wrong would earn more for another reason.

    Parameters
    ----------
    raw : mapping
        Tables of the run file.
    response : str
        One of `RESPONSES`.
    model : Path or None
        Model file, for ``trained``.
    high_risk : float
        Predicted chance above which a side is widened and shrunk.

    """
    tables: Tables = copy.deepcopy(dict(raw))
    tables.pop("compare", None)
    tables.setdefault("adverse_selection", {})
    settings = tables["strategy"].setdefault("adverse_selection", {})
    for key in _MODEL_KEYS:
        settings.pop(key, None)
    settings["act"] = response == RULES
    settings["record_features"] = False
    if response == TRAINED:
        settings["model"] = str(model)
        settings["fill_risk"] = settings.get("fill_risk", {}) | {"high_risk": high_risk, "low_risk": 0.0}
    return tables
