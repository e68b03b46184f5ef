"""What a benchmark found: one line of a table each, kept in a file that the page is drawn from."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

import orjson
from turns import Spread

MEASURED = Path(__file__).parent / "measured.json"


@dataclass(frozen=True)
class Figure:
    """One line of a table; with `base` it is a ratio."""

    what: str
    median: float
    low: float
    high: float
    unit: str = "x"
    base: str = ""
    """What it is a ratio to."""
    at_most: float | None = None
    at_least: float | None = None
    note: str = ""

    @property
    def kept(self) -> bool | None:
        """Whether the demand is met; None where nothing is demanded."""
        if self.at_most is not None:
            return self.median <= self.at_most
        return None if self.at_least is None else self.median >= self.at_least


def figure(
    what: str,
    spread: Spread,
    unit: str = "x",
    base: str = "",
    at_most: float | None = None,
    at_least: float | None = None,
    note: str = "",
) -> Figure:
    """Return a line of a table, to four figures."""
    median, low, high = (float(f"{value:.4g}") for value in (spread.median, spread.low, spread.high))
    return Figure(what, median, low, high, unit, base, at_most, at_least, note)


@dataclass(frozen=True)
class Section:
    """One table, what it says about itself, and a histogram where it has one."""

    title: str
    about: str
    figures: list[Figure]
    skipped: list[str]
    """What could not be measured, and why."""
    histogram: dict[str, list[float]] | None = None
    """Bin edges and shares, by series."""


def read(path: Path = MEASURED) -> dict[str, Section]:
    """Return what has been measured so far, by section."""
    if not path.is_file():
        return {}
    found = orjson.loads(path.read_bytes())
    return {
        name: Section(**{**section, "figures": [Figure(**line) for line in section["figures"]]})
        for name, section in found["sections"].items()
    }


def machine(path: Path = MEASURED) -> str:
    """Return what the figures were measured on."""
    return str(orjson.loads(path.read_bytes())["machine"])


def write(sections: dict[str, Section], machine_name: str, path: Path = MEASURED) -> None:
    """Keep what has been measured."""
    content = {"machine": machine_name, "sections": {name: asdict(section) for name, section in sections.items()}}
    path.write_bytes(orjson.dumps(content, option=orjson.OPT_INDENT_2) + b"\n")
