"""From a run file on disk to a validated run, its strategy's config included."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from nautilus_trader.trading import Strategy
from pydantic import BaseModel, ValidationError

from mm_nautilus.calibration import calibrated
from mm_nautilus.config import RunFile, VenueSection, problems_of, read_run_file
from mm_nautilus.errors import ConfigError
from mm_nautilus.host.arrival import ArrivalSettings
from mm_nautilus.host.config import TypedStrategyConfig
from mm_nautilus.inventory.hedge_settings import HedgeSettings, TakingTerms

type BookKind = Literal["L1", "L2", "L3"]


@dataclass(frozen=True, slots=True)
class LoadedRun:
    """A run that has been checked as far as files go; the data has not been looked at."""

    path: Path
    """The run file."""
    run_file: RunFile
    """With the strategy's table as it will be written beside the result, defaults filled in."""
    strategy_type: type
    strategy_config: TypedStrategyConfig
    calibration: Path | None = None
    """The calibration file that filled in what the run file left out."""

    @property
    def catalog(self) -> Path:
        """Absolute path of the catalogue."""
        return (self.path.parent / self.run_file.data.catalog).resolve()

    def config_until(self, end_ns: int) -> TypedStrategyConfig:
        """Return the strategy's config with the end of the data, where the strategy can be told of it.

        Parameters
        ----------
        end_ns : int
            Instant of the last data, in nanoseconds since 1970.

        """
        fields = self.strategy_config.to_dict()
        if "arrival" not in fields:
            return self.strategy_config
        return type(self.strategy_config)(**fields | {"arrival": fields["arrival"] | {"end_ns": end_ns}})

    @property
    def instrument_ids(self) -> list[str]:
        """Instruments whose data the strategy needs: those it quotes first, then those it hedges on."""
        return instruments_of(self.strategy_config.settings)

    @property
    def books(self) -> dict[str, BookKind]:
        """What is read of each instrument's book: what the strategy trades on, and the best prices of a rate's."""
        book: BookKind = self.strategy_config.settings.book  # type: ignore[attr-defined]
        return dict.fromkeys(self.instrument_ids, book) | dict.fromkeys(self.rate_instruments, "L1")

    @property
    def rate_instruments(self) -> tuple[str, ...]:
        """Instruments that only tell a rate; settings that name such ones have a method ``rate_instruments``."""
        told = getattr(self.strategy_config.settings, "rate_instruments", None)
        return tuple(told()) if callable(told) else ()

    def book_on(self, venue: str) -> BookKind:
        """Return the kind of book that a simulated venue keeps: the deepest that is read of its instruments.

        Parameters
        ----------
        venue : str
            Name of one of the run's venues.

        """
        default: BookKind = self.strategy_config.settings.book  # type: ignore[attr-defined]
        return max((book for name, book in self.books.items() if name.rpartition(".")[2] == venue), default=default)


def instruments_of(settings: BaseModel) -> list[str]:
    """Return the instruments that a strategy's settings name, the quoted ones first, each once.

    Settings that trade several instruments say so themselves, in a method ``instruments``.
    """
    said = getattr(settings, "instruments", None)
    if callable(said):
        return list(said())
    hedge: HedgeSettings | None = getattr(settings, "hedge", None)
    named = [] if hedge is None else [one.instrument_id for one in hedge.instruments]
    return list(dict.fromkeys([settings.instrument_id, *named]))  # type: ignore[attr-defined]


def load_run(path: Path, overrides: Sequence[str] = (), seed: int | None = None) -> LoadedRun:
    """Read, override and validate a run file.

    Parameters
    ----------
    path : Path
        TOML run file.
    overrides : sequence of str
        ``table.key=value``, the value in TOML; a list entry by its index (``venues.0.account=...``).
    seed : int or None
        Replaces ``run.seed``.

    Raises
    ------
    ConfigError
        With every mistake in the file and in the overrides.

    """
    raw, problems = read_run_file(path, overrides)
    return load_tables(path, raw, seed, problems)


def load_tables(path: Path, raw: dict[str, Any], seed: int | None = None, found: Sequence[str] = ()) -> LoadedRun:
    """Validate the tables of a run file.

    Parameters
    ----------
    path : Path
        The file they come from.
    raw : dict
        As TOML gives them.
    seed : int or None
        Replaces ``run.seed``.
    found : sequence of str
        Problems found before.

    Raises
    ------
    ConfigError
        With every mistake in the tables, after those found before.

    """
    problems = list(found)
    if seed is not None and isinstance(raw.setdefault("run", {}), dict):
        raw["run"]["seed"] = seed
    run_file: RunFile | None = None
    try:
        run_file = RunFile.model_validate(raw)
    except ValidationError as error:
        problems += problems_of(error, RunFile)
    table = raw.get("strategy", {})
    strategy = _strategy(path, table, run_file, problems) if isinstance(table, dict) else None
    if run_file is None or strategy is None or problems:
        raise ConfigError(path, problems)
    strategy_type, config = strategy
    given = {key: table[key] for key in ("path", "config_path", *config.engine_fields) if key in table}
    resolved = given | config.settings.model_dump(mode="json", exclude=_OF_VENUE, exclude_none=True)
    named = table.get("calibration")
    calibration = path.parent / named if isinstance(named, str) else None
    resolved_file = run_file.model_copy(update={"strategy": resolved})
    return LoadedRun(path.resolve(), resolved_file, strategy_type, config, calibration)


def _strategy(
    path: Path, table: dict[str, Any], run_file: RunFile | None, problems: list[str]
) -> tuple[type, TypedStrategyConfig] | None:
    """Import the strategy and its config class, and validate the rest of the table with that."""
    fields = dict(table)
    location = fields.pop("path", None)
    if not isinstance(location, str):
        problems.append("strategy.path: is required, as 'package.module:Class'")
        return None
    config_location = fields.pop("config_path", f"{location}Config")
    strategy_type, config_type = _imported("strategy.path", location, Strategy, problems), None
    if strategy_type is not None:
        config_type = _imported("strategy.config_path", config_location, TypedStrategyConfig, problems)
    if strategy_type is None or config_type is None:
        return None
    fields.setdefault("strategy_id", f"{strategy_type.__name__}-001")
    settings_type = config_type.settings_type(fields)
    found = _completed(path, _with_model_beside(path, fields), settings_type, config_location)
    if isinstance(found, list):
        problems.extend(found)
        return None
    fields = found
    if run_file is not None:
        told = _told(run_file, str(table.get("instrument_id")).rpartition(".")[2], settings_type)
        fields = {k: v for k, v in told.items() if k in settings_type.model_fields} | fields
    try:
        config: TypedStrategyConfig = config_type(**fields)
    except ValidationError as error:
        problems.extend(problems_of(error, settings_type, ["strategy"]))
        return None
    except ValueError as error:  # one of the engine's own fields
        problems.append(f"strategy.{error}")
        return None
    if run_file is not None:
        problems += _venues_missing(config.settings, [section.name for section in run_file.venues])
    return strategy_type, config


def _venues_missing(settings: BaseModel, venues: Sequence[str]) -> list[str]:
    """Return one line per instrument whose venue the run does not have."""
    problems = []
    for index, instrument_id in enumerate(instruments_of(settings)):
        venue = instrument_id.rpartition(".")[2]
        if venue not in venues:
            where = "venues and rates" if callable(getattr(settings, "instruments", None)) else "hedge.instruments"
            field = f"strategy.{where}: {instrument_id}"
            if index == 0 and where == "hedge.instruments":
                field = "strategy.instrument_id"
            problems.append(f"{field}: venue {venue!r} is not among the run's venues ({', '.join(venues)})")
    return problems


def _completed(
    path: Path, fields: dict[str, Any], settings_type: type[BaseModel], config_location: object
) -> dict[str, Any] | list[str]:
    """Return the table with what its calibration file fills in, or why it cannot be used."""
    needed = {"book"} if _several(settings_type) else {"instrument_id", "book"}
    unmet = needed - set(settings_type.model_fields)
    if unmet:
        return [f"strategy.config_path: the settings of {config_location!r} have no {', '.join(sorted(unmet))}"]
    named = fields.get("calibration")
    if not isinstance(named, str):
        return fields
    try:
        filled, wrong = calibrated(fields, path.parent / named, settings_type.model_fields)
    except ConfigError as error:
        return [f"strategy.calibration: {error.path}: {problem}" for problem in error.problems]
    return [f"strategy.{problem}" for problem in wrong] if wrong else filled


def _with_model_beside(path: Path, fields: dict[str, Any]) -> dict[str, Any]:
    """Return the table with its fill model's path taken from the run file's folder."""
    table = fields.get("adverse_selection")
    if not isinstance(table, dict) or not isinstance(table.get("model"), str):
        return fields
    return fields | {"adverse_selection": table | {"model": str((path.parent / table["model"]).resolve())}}


def _imported(field: str, location: object, base: type, problems: list[str]) -> Any:
    """Return the class at `location`; the user's own module may fail to import in any way."""
    module_name, _, class_name = str(location).partition(":")
    try:
        found = getattr(importlib.import_module(module_name), class_name)
    except Exception as error:
        why = f"{type(error).__name__}: {error}"
        problems.append(f"{field}: cannot import {location!r} ({why}); expected 'package.module:Class'")
        return None
    if not (isinstance(found, type) and issubclass(found, base)):
        problems.append(f"{field}: {location!r} is not a {base.__name__}")
        return None
    return found


_OF_VENUE = {"arrival", "arrivals", "maker_fee_reserve", "maker_fees", "taking"}


def _several(settings_type: type[BaseModel]) -> bool:
    """Return whether these settings say themselves which instruments they are about."""
    return callable(getattr(settings_type, "instruments", None))


def _told(run_file: RunFile, venue: str, settings_type: type[BaseModel]) -> dict[str, Any]:
    """Return what a strategy is told about its simulated venues, unless the run file says otherwise."""
    if _several(settings_type):
        arrivals = {section.name: arrival_of(section).model_dump() for section in run_file.venues}
        longest = {
            kind: max(arrival[kind] for arrival in arrivals.values()) for kind in ("submit_ns", "amend_ns", "cancel_ns")
        }
        return {
            "arrival": longest,
            "arrivals": arrivals,
            "maker_fees": {
                section.name: float(section.fees.maker_rate)
                for section in run_file.venues
                if section.fees.per_contract is None
            },
            "taking": _taking(run_file),
        }
    section = next((section for section in run_file.venues if section.name == venue), None)
    if section is None:
        return {}
    return {
        "arrival": arrival_of(section).model_dump(),
        "maker_fee_reserve": max(float(section.fees.maker_rate), 0.0),
        "taking": _taking(run_file),
    }


def _taking(run_file: RunFile) -> dict[str, Any]:
    """Return what it costs and takes to take liquidity at each venue of the run."""
    terms = {}
    for section in run_file.venues:
        money = section.fees.per_contract
        per_contract = 0.0 if money is None else float(money.split()[0])
        terms[section.name] = TakingTerms(
            fee_rate=float(section.fees.taker_rate),
            fee_per_contract=per_contract,
            submit_ns=arrival_of(section).submit_ns,
        ).model_dump()
    return terms


def arrival_of(venue: VenueSection) -> ArrivalSettings:
    """Return the latency of each kind of command at a venue."""
    latency = venue.latency
    return ArrivalSettings(
        submit_ns=nanoseconds(latency.base_ms) + nanoseconds(latency.submit_ms),
        amend_ns=nanoseconds(latency.base_ms) + nanoseconds(latency.amend_ms),
        cancel_ns=nanoseconds(latency.base_ms) + nanoseconds(latency.cancel_ms),
    )


def nanoseconds(milliseconds: float) -> int:
    """Return a latency of the run file as the engine takes it."""
    return round(milliseconds * 1e6)
