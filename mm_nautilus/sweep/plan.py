"""What a sweep has to run: each point of it checked before anything runs, and named by what its result depends on."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import orjson

from mm_nautilus.adverse_selection.classifier.model_file import fingerprint
from mm_nautilus.backtest.data import end_of_data
from mm_nautilus.backtest.provenance import provenance
from mm_nautilus.config import read_run_file
from mm_nautilus.errors import ConfigError, UserError
from mm_nautilus.host.loading import LoadedRun, load_tables
from mm_nautilus.sweep.data import PreparedData
from mm_nautilus.sweep.space import Point, assignments

_SHOWN: Final = 20
_IDLE: Final = (("run", "name"), ("run", "output"), ("data", "catalog"))


@dataclass(frozen=True, slots=True)
class Task:
    """One run of a sweep, as it is sent to a worker.

    Parameters
    ----------
    path : Path
        The run file.
    point : mapping
        Keys and values that were put into it.
    tables : mapping
        Of the run file with the point in it.
    identity : str
        SHA-256 over the resolved run file, the fingerprint of the data, the versions of the packages and the source
        of the strategy's module: the same identity is the same result.
    data_fingerprint : str
        Of the data.
    first_ns, last_ns : int
        Span of the data, in nanoseconds since 1970.
    cut : tuple of int or None
        From and to where PnL is cut into steps, in nanoseconds since 1970; the run's own span by default.

    """

    path: Path
    point: Point
    tables: Mapping[str, Any]
    identity: str
    data_fingerprint: str
    first_ns: int
    last_ns: int
    cut: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """The runs of a sweep, and what was left out of it.

    Parameters
    ----------
    tasks : tuple of Task
        Every run once, in the order of the points.
    left_out : tuple of str
        One line for each point that the run file cannot take.

    """

    tasks: tuple[Task, ...]
    left_out: tuple[str, ...]


def plan(
    path: Path,
    points: Sequence[Point],
    overrides: Sequence[str] = (),
    seed: int | None = None,
    *,
    skip_invalid: bool = False,
    check: Callable[[LoadedRun], None] = lambda _loaded: None,
) -> Plan:
    """Check every point as a run file of its own, look at the data, and name each run by its identity.

    Parameters
    ----------
    path : Path
        TOML run file.
    points : sequence of Point
        What to change in it.
    overrides : sequence of str
        ``table.key=value`` changes to it, before the points.
    seed : int or None
        Replaces ``run.seed``.
    skip_invalid : bool
        Leave points out that the run file or the data cannot take, as long as there is one they can.
    check : callable
        Refuses a run with a `UserError`, where more is asked of it than of a run of the engine.

    Raises
    ------
    UserError
        For mistakes in the run file itself, and for points it cannot take.

    """
    # Mistakes that are in the run file already are not the points'.
    raw, problems = read_run_file(path, overrides)
    load_tables(path, raw, seed, problems)
    prepared = PreparedData()
    tasks: dict[str, Task] = {}
    wrong: list[str] = []
    for point in points:
        try:
            raw, problems = read_run_file(path, [*overrides, *assignments(point)])
            loaded = load_tables(path, raw, seed, [problem.removeprefix("--set ") for problem in problems])
            check(loaded)
            _, shape = prepared(loaded)
        except ConfigError as error:
            wrong += [f"{words(point)}: {problem}" for problem in error.problems]
            continue
        except UserError as error:
            wrong.append(f"{words(point)}: {error}")
            continue
        name = identity(loaded, shape.fingerprint)
        span = shape.first_ns, end_of_data(loaded, shape)
        tasks.setdefault(name, Task(path.resolve(), point, raw, name, shape.fingerprint, *span))
    if not tasks or (wrong and not skip_invalid):
        more = [f"and {len(wrong) - _SHOWN} more"] if len(wrong) > _SHOWN else []
        hint = ["--skip-invalid runs the other points"] if tasks else []
        raise ConfigError(path, [*wrong[:_SHOWN], *more, *hint])
    return Plan(tuple(tasks.values()), tuple(wrong))


def words(point: Point) -> str:
    """Return a point as a reader wants it: ``gamma=0.1, levels=3``."""
    return ", ".join(f"{key.rpartition('.')[2]}={value}" for key, value in point.items()) or "the run file as it is"


def identity(loaded: LoadedRun, data_fingerprint: str) -> str:
    """Return what names a run by everything that its result depends on; see `Task`."""
    tables = loaded.run_file.model_dump(mode="json")
    for section, key in _IDLE:
        tables[section].pop(key, None)
    for optional in ("compare", "log", "recorder", "stress"):
        tables.pop(optional, None)
    fills = tables["strategy"].get("adverse_selection") or {}
    if fills.get("model"):
        fills["model"] = fingerprint(Path(fills["model"]))
    made_of = {
        "versions": _versions(),
        "run_file_sha256": hashlib.sha256(orjson.dumps(tables, option=orjson.OPT_SORT_KEYS)).hexdigest(),
        "data_fingerprint": data_fingerprint,
        "strategy_sha256": hashlib.sha256(Path(inspect.getfile(loaded.strategy_type)).read_bytes()).hexdigest(),
    }
    return hashlib.sha256(orjson.dumps(made_of, option=orjson.OPT_SORT_KEYS)).hexdigest()


@cache
def _versions() -> dict[str, Any]:
    """Return what this process runs on; looking it up takes longer than everything else about a point."""
    found = provenance(b"", "")
    return {name: found[name] for name in ("python", "packages")}
