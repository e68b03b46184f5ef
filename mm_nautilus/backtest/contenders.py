"""Who runs in a comparison: one run file, several models, each with its own parameters.

A contender trades exactly as the run file says, under another model. It takes over those parameters of the run
file's own model that its model knows too (``gamma`` is risk aversion everywhere), then its ``[compare.NAME]`` table;
a required parameter that neither gives is derived from the run file where `DERIVED` knows how, and is an error where
not. ``NAME`` is the name of a model, or any name where the table says ``model = ...``, so that one model can run
against itself.
"""

from __future__ import annotations

import copy
import difflib
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from mm_nautilus.config import read_run_file
from mm_nautilus.errors import ConfigError
from mm_nautilus.host.loading import LoadedRun, load_run, load_tables
from mm_nautilus.models import find_model
from mm_nautilus.quoting.settings import QuotingSettings

_NAME: Final = re.compile(r"[A-Za-z0-9_-]+")


@dataclass(frozen=True, slots=True)
class Contender:
    """One run of a comparison.

    Parameters
    ----------
    name : str
        As the user calls it; also the name of its folder.
    model : str
        The quoting model.
    parameters : mapping
        What the model was given, derived values included.
    derived : mapping of key to str
        How each derived parameter follows from the run file.
    left_out : tuple of str
        Parameters of the run file's own model that this one does not know.
    loaded : LoadedRun
        Ready to run.

    """

    name: str
    model: str
    parameters: Mapping[str, Any]
    derived: Mapping[str, str]
    left_out: tuple[str, ...]
    loaded: LoadedRun


@dataclass(frozen=True, slots=True)
class Derivation:
    """How a required parameter follows from the run file, in code and in words."""

    value: Callable[[QuotingSettings], float]
    words: str


def _best_distance(settings: QuotingSettings) -> float:
    """Return where ``delta A exp(-k delta)`` is largest, averaged over the sides, in price units."""
    return sum(1.0 / side.k_per_price for side in settings.intensity.sides()) / 2.0


def _time_to_fill(settings: QuotingSettings) -> float:
    """Return how long a quote at the best distance, where ``A exp(-1)`` fills arrive, waits for one, in seconds."""
    return math.e / (sum(side.a_per_s for side in settings.intensity.sides()) / 2.0)


def _time_to_the_limit(settings: QuotingSettings) -> float:
    """Return how long quotes of one side at the best distance need to fill the position limit, in seconds."""
    return float(settings.limits.max_position) / float(settings.order_size) * _time_to_fill(settings)


DERIVED: Final[Mapping[str, Derivation]] = {
    "half_spread": Derivation(_best_distance, "1/k, the distance that earns most from the stated intensity"),
    "quote_lifetime_s": Derivation(_time_to_fill, "e/A, the time in which a quote at the distance 1/k is filled"),
    "horizon_s": Derivation(
        _time_to_the_limit, "the time in which one side, quoted at the distance 1/k, fills limits.max_position"
    ),
}
"""Required parameters that a run file implies; the keys mean the same in every model that has them."""


def contenders(
    path: Path, names: Sequence[str], overrides: Sequence[str] = (), seed: int | None = None
) -> list[Contender]:
    """Return the runs of a comparison, each validated as a run file of its own would be.

    Parameters
    ----------
    path : Path
        TOML run file.
    names : sequence of str
        Names of contenders, at least two; the first is the one the others are compared to.
    overrides : sequence of str
        ``table.key=value`` changes to the run file, as in ``compare.symmetric.half_spread=0.5``.
    seed : int or None
        Replaces ``run.seed``.

    Raises
    ------
    ConfigError
        With every mistake in the run file, in its ``[compare]`` tables and in the names.

    """
    base = load_run(path, overrides, seed)
    settings = base.strategy_config.settings
    if not isinstance(settings, QuotingSettings):
        raise ConfigError(path, ["strategy.path: the strategy takes no quoting model, so there is nothing to compare"])
    raw, _ = read_run_file(path, overrides)
    raw.pop("compare", None)
    tables = base.run_file.compare
    problems = _name_problems(names)
    for name, table in tables.items():
        problems += _table_problems(name, table)
    for name in names:
        if name not in tables and (problem := _model_problem(name)) is not None:
            problems.append(f"--models: {problem}; or a table [compare.{name}] with a key 'model'")
    if problems:
        raise ConfigError(path, problems)
    return [_contender(path, name, tables.get(name, {}), raw, settings, seed) for name in names]


def _name_problems(names: Sequence[str]) -> list[str]:
    problems = []
    if len(names) < 2:
        problems.append(f"--models: at least two names, as in glft,symmetric; found {','.join(names) or 'none'}")
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        problems.append(f"--models: each name may stand once, found {', '.join(twice)} again")
    problems += [
        f"--models: {name!r} cannot name a folder; give it a table [compare.NAME] with model = {name!r}"
        for name in names
        if not _NAME.fullmatch(name)
    ]
    return problems


def _model_problem(name: str) -> str | None:
    try:
        find_model(name)
    except ValueError as error:
        return str(error)
    return None


def _table_problems(name: str, table: Mapping[str, Any]) -> list[str]:
    """Check the names in a ``[compare.NAME]`` table, of contenders that do not run this time too."""
    model = table.get("model", name)
    if not isinstance(model, str):
        return [f"compare.{name}.model: should be the name of a model, found {model!r}"]
    if (problem := _model_problem(model)) is not None:
        return [f"compare.{name}{'.model' if 'model' in table else ''}: {problem}"]
    allowed = sorted({"model", *find_model(model).parameters_type.model_fields})
    return [
        f"compare.{name}.{key}: unknown key{_hint(key, allowed)} allowed are {', '.join(allowed)}"
        for key in table
        if key not in allowed
    ]


def _hint(key: str, allowed: Sequence[str]) -> str:
    close = difflib.get_close_matches(key, allowed, n=1)
    return f"; did you mean {close[0]!r}?" if close else ";"


def _contender(
    path: Path, name: str, table: Mapping[str, Any], raw: Mapping[str, Any], settings: QuotingSettings, seed: int | None
) -> Contender:
    own = find_model(settings.model).parameters_type.model_fields
    model = table.get("model", name)
    fields = find_model(model).parameters_type.model_fields
    changed = copy.deepcopy(dict(raw))
    strategy = changed["strategy"]
    stated = {key: strategy.pop(key) for key in own if key in strategy}
    given = {key: value for key, value in stated.items() if key in fields}
    given |= {key: value for key, value in table.items() if key != "model"}
    missing = [key for key, field in fields.items() if field.is_required() and key not in given]
    derived = {key: DERIVED[key] for key in missing if key in DERIVED}
    given |= {key: derivation.value(settings) for key, derivation in derived.items()}
    changed["strategy"] = strategy | {"model": model} | given
    loaded = _loaded(path, name, changed, seed)
    return Contender(
        name=name,
        model=model,
        parameters=loaded.strategy_config.settings.model_dump(include=set(fields), exclude_defaults=True),
        derived={key: derivation.words for key, derivation in derived.items()},
        left_out=tuple(key for key in stated if key not in fields),
        loaded=loaded,
    )


def _loaded(path: Path, name: str, tables: dict[str, Any], seed: int | None) -> LoadedRun:
    try:
        return load_tables(path, tables, seed)
    except ConfigError as error:
        # The run file is sound under its own model, so what is wrong is what this one was given.
        lines = [problem.replace("strategy", f"compare.{name}", 1) for problem in error.problems]
        raise ConfigError(path, lines) from None
