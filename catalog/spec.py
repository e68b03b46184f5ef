"""The ingest specification: one TOML file says what a capture is and what to do about its defects."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Any, Final, Literal, cast

from pydantic import Field, ValidationError, model_validator

from mm_nautilus.catalog.builtin import InstrumentTable, definition_of
from mm_nautilus.catalog.csv_spec import CsvTable
from mm_nautilus.catalog.instruments import Definition
from mm_nautilus.catalog.policies import Policies
from mm_nautilus.errors import ConfigError
from mm_nautilus.settings import Settings


class _Spec(Settings):
    """What every format has."""

    instruments: Annotated[tuple[InstrumentTable, ...], Field(min_length=1)]
    venue: Annotated[str, Field(pattern=r"^[A-Z0-9_]+$")] | None = None
    """Venue that all instruments are renamed to in the catalogue, so that markets of one exchange that keep accounts of
    their own can trade in one run; tables go on naming the instruments as declared."""
    ts_init: Literal["local", "exchange"] = "local"
    """Clock that becomes ``ts_init`` and so the order of the replay: the recorder's, or the exchange's."""
    local_clock_shift_ms: float = 0.0
    """Milliseconds added to the recorder's clock; positive when it ran behind."""
    time_gap_s: Annotated[float, Field(gt=0)] = 60.0
    """Silence that the quality table reports, in seconds."""
    policies: Policies = Policies()

    @property
    def definitions(self) -> tuple[Definition, ...]:
        """Definitions of the declared instruments, on the venue they go to."""
        return tuple(map(self._placed, map(definition_of, self.instruments)))

    def definition(self, name: str) -> Definition:
        """Return the definition of the instrument that was declared under an id."""
        return next(self._placed(one) for one in map(definition_of, self.instruments) if one.id == name)

    def _placed(self, declared: Definition) -> Definition:
        if self.venue is None:
            return declared
        symbol = declared.id.rpartition(".")[0]
        return declared.model_copy(update={"id": f"{symbol}.{self.venue}"})

    @property
    def shift_ns(self) -> int:
        """Nanoseconds added to the recorder's clock."""
        return round(self.local_clock_shift_ms * 1e6)

    @model_validator(mode="after")
    def _distinct(self) -> _Spec:
        for what in ("id", "symbol"):
            names = [getattr(definition, what) for definition in self.definitions]
            double = {name for name in names if names.count(name) > 1}
            if double and (what == "id" or isinstance(self, BinanceSpec)):
                raise ValueError(f"instruments declared twice: {', '.join(sorted(double))}")
        return self

    @model_validator(mode="after")
    def _tables_name_declared_instruments(self) -> _Spec:
        known = [definition_of(table).id for table in self.instruments]
        for table in getattr(self, "tables", ()):
            if table.instrument not in known:
                there = ", ".join(known)
                raise ValueError(
                    f"table {table.files!r}: instrument {table.instrument!r} is not declared, only {there}"
                )
        return self


class BinanceSpec(_Spec):
    """Raw captures of Binance combined streams: ``<local_ns> <json>`` per line, spot, USD-M or COIN-M."""

    format: Literal["binance-raw"]
    trade_window_ms: Annotated[float, Field(ge=0, le=60_000)] = 1_000.0
    """A book update waits, at most this long, for trades of its own time that arrive after it, in milliseconds."""
    trade_stream: Literal["trade", "aggTrade"] = "trade"
    """Which trades to take where a capture holds both."""


class CsvSpec(_Spec):
    """Quotes and trades as delimited text, plain, gzipped or in zip archives."""

    format: Literal["csv"]
    tables: Annotated[tuple[CsvTable, ...], Field(min_length=1)]


class DatabentoSpec(_Spec):
    """Databento DBN files of one instrument, schema ``mbo``, ``mbp-1``, ``tbbo`` or ``trades``."""

    format: Literal["databento"]

    @model_validator(mode="after")
    def _one_instrument(self) -> DatabentoSpec:
        if len(self.instruments) > 1:
            raise ValueError(f"a DBN file is read as one instrument, found {len(self.instruments)}: one spec for each")
        return self


class TardisTable(Settings):
    """One kind of Tardis file."""

    files: str
    """Shell pattern on the path."""
    kind: Literal["deltas", "trades", "quotes"]
    instrument: str
    """Id of a declared instrument."""


class TardisSpec(_Spec):
    """Tardis.dev CSV files: ``incremental_book_L2``, ``trades`` and ``quotes``."""

    format: Literal["tardis"]
    tables: Annotated[tuple[TardisTable, ...], Field(min_length=1)]


type IngestSpec = BinanceSpec | CsvSpec | DatabentoSpec | TardisSpec
_FORMATS: Final[dict[str, type[_Spec]]] = {
    "binance-raw": BinanceSpec,
    "csv": CsvSpec,
    "databento": DatabentoSpec,
    "tardis": TardisSpec,
}


def load_spec(path: Path, venue: str | None = None) -> IngestSpec:
    """Read a specification.

    Parameters
    ----------
    path : Path
        TOML file.
    venue : str, optional
        Replaces its ``venue``.

    Raises
    ------
    ConfigError
        The file cannot be read, is no TOML, or does not describe a capture; every mistake is listed.

    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(path, [f"cannot be read: {error.strerror}"]) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(path, [f"not TOML: {error}"]) from error
    chosen = _FORMATS.get(str(content.get("format")))
    if chosen is None:
        found = repr(content["format"]) if "format" in content else "nothing"
        raise ConfigError(path, [f"format: one of {', '.join(_FORMATS)} is wanted, found {found}"])
    if venue is not None:
        content["venue"] = venue
    try:
        return cast("IngestSpec", chosen.model_validate(content))
    except ValidationError as error:
        raise ConfigError(path, _problems(error)) from error


def _problems(error: ValidationError) -> list[str]:
    found = error.errors()
    # A list whose items are all wrong is also reported as too short, which helps nobody.
    places = [problem["loc"] for problem in found if problem["type"] != "too_short"]
    return [
        _problem(problem)
        for problem in found
        if problem["type"] != "too_short" or not any(place[: len(problem["loc"])] == problem["loc"] for place in places)
    ]


def _problem(problem: Any) -> str:
    # Which kind of instrument pydantic took it for is ours to know, and no part of the place in the file.
    steps = [step for index, step in enumerate(problem["loc"]) if not (index == 2 and step in _KINDS)]
    place = ".".join(str(step) for step in steps) or "(file)"
    found = problem["input"]
    shown = f", found {found!r}" if not isinstance(found, (dict, list)) else ""
    return f"{place}: {problem['msg'].removeprefix('Value error, ')}{shown}"


_KINDS: Final = ("builtin", "CurrencyPair", "CryptoPerpetual", "FuturesContract", "Equity")
