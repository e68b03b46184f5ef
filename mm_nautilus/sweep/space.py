"""Which parameter sets a sweep tries: a grid, random draws, or a list."""

from __future__ import annotations

import csv
import math
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from itertools import product
from pathlib import Path
from typing import Any, Final

import numpy as np

from mm_nautilus.errors import ConfigError, UserError

type Value = str | int | float | bool
type Point = Mapping[str, Value]
"""A value for each key of the run file that a sweep changes."""

MOST_RUNS: Final = 1_000_000
_DIGITS: Final = 12
_HELP: Final = "expected TABLE.KEY=LOW:HIGH:COUNT, TABLE.KEY=LOW:HIGH:COUNT:log or TABLE.KEY=VALUE,VALUE,..."
# What a run is called and where it is kept does not change it.
_IDLE: Final = ("run.name", "run.output", "compare", "log", "recorder", "stress")


@dataclass(frozen=True, slots=True)
class Parameter:
    """One key and what it may be.

    Parameters
    ----------
    key : str
        Dotted, as in ``strategy.gamma``.
    values : tuple
        What it may be; empty for every number from `low` to `high`.
    low, high : float
        Of a range without a count; draws are uniform in it, or in its logarithm.
    log : bool
        Whether draws are uniform in the logarithm.

    """

    key: str
    values: tuple[Value, ...]
    low: float = 0.0
    high: float = 0.0
    log: bool = False

    def draw(self, random: np.random.Generator) -> Value:
        """Return one value at random."""
        if self.values:
            return self.values[int(random.integers(len(self.values)))]
        if self.log:
            return _rounded(math.exp(random.uniform(math.log(self.low), math.log(self.high))))
        return _rounded(random.uniform(self.low, self.high))


def parse_parameter(text: str) -> Parameter:
    """Read ``KEY=LOW:HIGH:COUNT``, the same with ``:log``, ``KEY=LOW:HIGH`` or ``KEY=VALUE,VALUE,...``.

    Both ends of a range are among its values; its steps are equal, or equal factors with ``log``. Where all of them
    are whole and both ends are written so, they are integers. Values of a list are read as TOML, else as text.

    Raises
    ------
    UserError
        For anything else.

    """
    key, equals, given = (part.strip() for part in text.partition("="))
    if not equals or not given or not all(key.split(".")):
        raise UserError(f"--param {text}: {_HELP}")
    if _idle(key):
        raise UserError(f"--param {text}: {key} does not change what a run trades, so there is nothing to compare")
    parts = [part.strip() for part in given.split(":")]
    if len(parts) == 1 or "," in given:
        return Parameter(key, _distinct(text, [_value(one) for one in given.split(",")]))
    return _range(text, key, parts)


def _idle(key: str) -> bool:
    return any(key == name or key.startswith(f"{name}.") for name in _IDLE)


def _range(text: str, key: str, parts: list[str]) -> Parameter:
    log = parts[-1] == "log"
    numbers = parts[:-1] if log else parts
    try:
        low, high, *rest = (Decimal(part) for part in numbers)
    except (InvalidOperation, ValueError):
        raise UserError(f"--param {text}: {_HELP}") from None
    if len(rest) > 1 or not (low.is_finite() and high.is_finite()) or low >= high:
        raise UserError(f"--param {text}: {_HELP}, with LOW below HIGH")
    if log and low <= 0:
        raise UserError(f"--param {text}: log needs a range above 0")
    if not rest:
        return Parameter(key, (), float(low), float(high), log)
    if rest[0] != rest[0].to_integral_value() or not 2 <= rest[0] <= MOST_RUNS:
        raise UserError(f"--param {text}: COUNT must be a whole number from 2 on, found {rest[0]}")
    count = int(rest[0])
    if log:
        return Parameter(key, _distinct(text, [_rounded(one) for one in np.geomspace(float(low), float(high), count)]))
    steps = [low + (high - low) * step / (count - 1) for step in range(count)]
    if all(part.lstrip("+-").isdigit() for part in numbers[:2]) and all(
        one == one.to_integral_value() for one in steps
    ):
        return Parameter(key, tuple(int(one) for one in steps))
    return Parameter(key, tuple(_rounded(float(one)) for one in steps))


def _rounded(value: float) -> float:
    """Return a number as short as it can be written without losing what anybody would set."""
    return float(f"{value:.{_DIGITS}g}")


def _value(text: str) -> Value:
    text = text.strip()
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text
    return value if isinstance(value, (str, int, float, bool)) else text


def _distinct(text: str, values: Sequence[Value]) -> tuple[Value, ...]:
    if "" in values:
        raise UserError(f"--param {text}: a value is empty")
    if len(set(values)) < len(values):
        raise UserError(f"--param {text}: each value may stand once")
    return tuple(values)


def grid(parameters: Sequence[Parameter]) -> list[Point]:
    """Return every combination of the parameters' values, the last parameter changing fastest.

    Raises
    ------
    UserError
        Where a range has no count, or there are more than `MOST_RUNS` combinations.

    """
    for one in parameters:
        if not one.values:
            raise UserError(f"--param {one.key}: a grid needs LOW:HIGH:COUNT; without a count it needs --random N")
    if math.prod(len(one.values) for one in parameters) > MOST_RUNS:
        raise UserError(f"--param: more than {MOST_RUNS:,} combinations; take fewer values, or --random N")
    keys = [one.key for one in parameters]
    return [dict(zip(keys, values, strict=True)) for values in product(*(one.values for one in parameters))]


def draws(parameters: Sequence[Parameter], count: int, seed: int) -> list[Point]:
    """Return combinations drawn at random, each parameter by itself, none twice.

    Fewer come back where so many different ones do not exist or were not met in twenty times as many draws.

    Parameters
    ----------
    parameters : sequence of Parameter
        Ranges without a count are drawn from as a whole.
    count : int
        How many.
    seed : int
        Of the draws; the first ones are the same whatever the count.

    """
    random = np.random.default_rng(seed)
    found: dict[tuple[Value, ...], Point] = {}
    for _ in range(20 * count):
        point = {one.key: one.draw(random) for one in parameters}
        found.setdefault(tuple(point.values()), point)
        if len(found) == count:
            break
    return list(found.values())


def listed(path: Path) -> list[Point]:
    """Return the points of a CSV file: its first line names the keys, every other is a point.

    An empty cell leaves the run file's own value.

    Raises
    ------
    ConfigError
        For a file that is missing or not like that.

    """
    try:
        with path.open(newline="", encoding="utf-8") as stream:
            rows = [row for row in csv.reader(stream, skipinitialspace=True) if row and not row[0].startswith("#")]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ConfigError(path, [f"cannot be read as CSV: {error}"]) from None
    if len(rows) < 2:
        raise ConfigError(path, ["expected a line of keys, as in strategy.gamma,strategy.ladder.levels, and points"])
    keys = [key.strip() for key in rows[0]]
    problems = [f"line 1: {key!r} is not a dotted key" for key in keys if not all(key.split("."))]
    problems += [f"line 1: {key} stands twice" for key in sorted({key for key in keys if keys.count(key) > 1})]
    problems += [f"line 1: {key} does not change what a run trades" for key in keys if _idle(key)]
    problems += [
        f"point {number}: {len(row)} cells for {len(keys)} keys"
        for number, row in enumerate(rows[1:], start=1)
        if len(row) != len(keys)
    ]
    if problems:
        raise ConfigError(path, problems)
    return [{key: _value(cell) for key, cell in zip(keys, row, strict=True) if cell.strip()} for row in rows[1:]]


def assignments(point: Point) -> list[str]:
    """Return a point in the words of ``--set``."""
    return [f"{key}={_toml(value)}" for key, value in point.items()]


def keys_of(points: Iterable[Point]) -> list[str]:
    """Return the keys that some points set, in the order they come."""
    return list(dict.fromkeys(key for point in points for key in point))


def _toml(value: Any) -> str:
    import tomli_w  # noqa: PLC0415 - the command line starts without it

    return tomli_w.dumps({"value": value}).partition("=")[2].strip()
