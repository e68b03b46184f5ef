"""The run file: one TOML file that says what is traded, on which data, where and how.

`RunFile` is its schema. `read_run_file` reads one, applies overrides and reports every mistake at
once, each with its path in the file, what was found and what is allowed. The ``[strategy]`` table
is validated by the strategy's own config class, see `mm_nautilus.host.loading`.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Iterable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import AfterValidator, BaseModel, BeforeValidator, Field, ValidationError, model_validator
from pydantic_core import ErrorDetails

from mm_nautilus.adverse_selection.settings import AdverseSelectionSettings
from mm_nautilus.errors import ConfigError
from mm_nautilus.live_settings.table import LiveSettings
from mm_nautilus.risk.settings import OperatorAction, RiskSettings
from mm_nautilus.settings import Settings, UtcDatetime
from mm_nautilus.venues.obligation import ObligationSettings


def _listed(value: object) -> object:
    """Read one table as a list of one."""
    return [value] if isinstance(value, dict) else value


def _each_once[T](values: list[T]) -> list[T]:
    if len(set(values)) != len(values):
        raise ValueError("each may stand once")
    return values


type Rate = Annotated[Decimal, Field(gt=Decimal("-0.1"), lt=Decimal("0.1"))]
type LatencyMs = Annotated[float, Field(ge=0, le=60_000)]


class RunSection(Settings):
    """Name, seed and place of the run."""

    name: str = Field(pattern=r"^[A-Za-z0-9_-]+$", description="Name of the run; its folder starts with it.")
    seed: int = Field(default=0, ge=0, description="Seed of everything that draws random numbers.")
    output: Path = Field(default=Path("runs"), description="Folder that run folders are made in.")


class SimulationSection(Settings):
    """Market to simulate; it is kept in a folder of its own under ``data.catalog`` and made once."""

    preset: str = Field(default="calm", description="Preset of the simulator.")
    duration_s: float | None = Field(default=None, gt=0, description="Length in seconds; the preset's own by default.")
    seed: int = Field(default=0, ge=0, description="Seed of the market.")
    set: list[str] = Field(
        default_factory=list, description="Simulator parameters that differ, as 'venues.*.informed.share=0.3'."
    )


class DataSection(Settings):
    """Which catalogue, and which part of it."""

    catalog: Path = Field(description="Catalogue folder; a relative path starts at the run file's folder.")
    start: UtcDatetime | None = Field(default=None, description="First instant; a time without a zone is UTC.")
    end: UtcDatetime | None = Field(default=None, description="Last instant.")
    chunk_size: int = Field(default=20_000, ge=0, description="Records held in memory at once; 0 loads everything.")
    simulation: SimulationSection | None = None

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.start is not None and self.end is not None and self.end <= self.start:
            raise ValueError(f"end ({self.end.isoformat()}) is not after start ({self.start.isoformat()})")
        return self


class LatencySection(Settings):
    """Command latency of the simulated venue: base plus the command's own."""

    base_ms: LatencyMs = Field(default=0.0, description="One-way latency of every command, in milliseconds.")
    submit_ms: LatencyMs = Field(default=0.0, description="Added to submits, in milliseconds.")
    amend_ms: LatencyMs = Field(default=0.0, description="Added to amends, in milliseconds.")
    cancel_ms: LatencyMs = Field(default=0.0, description="Added to cancels, in milliseconds.")


class FeeSection(Settings):
    """What the venue charges; a negative rate is a rebate."""

    maker_rate: Rate = Field(default=Decimal(0), description="Share of notional for providing liquidity.")
    taker_rate: Rate = Field(default=Decimal(0), description="Share of notional for taking it.")
    per_contract: str | None = Field(
        default=None, pattern=r"^\d+(\.\d+)? [A-Z]+$", description="Money per contract instead, as '2.25 USD'."
    )

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        if self.per_contract is not None and (self.maker_rate or self.taker_rate):
            raise ValueError("per_contract replaces maker_rate and taker_rate; set only one kind")
        return self


class FillSection(Settings):
    """Chance in the engine's fill model."""

    prob_fill_on_limit: float = Field(
        default=1.0,
        ge=0,
        le=1,
        description="Chance that a touched limit order fills; queue position decides otherwise.",
    )
    prob_slippage: float = Field(default=0.0, ge=0, le=1, description="Chance that a taker slips one tick.")


class VenueSection(Settings):
    """One simulated venue; every default is the realistic choice, and printed with the result."""

    name: str = Field(pattern=r"^[A-Z0-9_]+$", description="Venue part of the instrument ids.")
    account: Literal["CASH", "MARGIN"] = Field(description="CASH for spot without borrowing, MARGIN for derivatives.")
    starting_balances: list[Annotated[str, Field(pattern=r"^\d+(\.\d+)? [A-Z0-9]+$")]] = Field(
        min_length=1, description="Money at the start, as '100000 USDT'."
    )
    default_leverage: Decimal = Field(default=Decimal(1), gt=0, description="Leverage of a margin account.")
    fees: FeeSection = Field(description="Fees must be stated, even where they are zero.")
    latency: LatencySection = LatencySection()
    fill: FillSection = FillSection()
    queue_position: bool = Field(default=True, description="Orders wait behind the size displayed when they arrive.")
    liquidity_consumption: bool = Field(default=True, description="What we took from the book is gone.")
    obligation: Annotated[tuple[ObligationSettings, ...], BeforeValidator(_listed)] = Field(
        default=(), description="What the venue demands of our quotes: one rule, or a list of them."
    )


class RecorderSection(Settings):
    """The run log."""

    flush_rows: int = Field(default=50_000, ge=1, description="Rows of a table held in memory before they are written.")


class StressSection(Settings):
    """What a run has to stand up to under ``mm-nautilus stress``; see `mm_nautilus.stress`."""

    max_loss: Decimal | None = Field(
        default=None,
        gt=0,
        description="Loss since the start that a scenario may cause unless the position is being flattened, in "
        "settlement currency; by default what a move of 1 % costs a position at limits.max_position.",
    )
    hedge_deadline_s: float = Field(
        default=30.0, gt=0, description="Within this a hedge must be done or have raised an alarm, in seconds."
    )


type Bounds = Annotated[tuple[float, float], Field(description="Lowest and highest value, both included.")]


class TargetSettings(Settings):
    """What the scorecard of a run holds it against; shares and rates are fractions."""

    average_spread_bps: Bounds = Field(default=(1.0, 5.0), description="Time-weighted spread quoted, in bps.")
    fill_rate: Bounds = Field(default=(0.05, 0.15), description="Volume of quotes filled over volume placed.")
    adverse_selection_rate_max: float = Field(
        default=0.1, ge=0, le=1, description="Share of maker fills worth less than nothing soon after."
    )
    sharpe_min: float = Field(default=2.0, description="Annual Sharpe ratio.")
    within_limits_min: float = Field(default=1.0, ge=0, le=1, description="Share of the time within position limits.")
    intraday_loss_max: float = Field(default=0.005, gt=0, description="Largest loss since a day began, over capital.")
    hedge_s_max: float = Field(default=30.0, gt=0, description="Longest time from needed to hedged, in seconds.")
    position_age_h_max: float = Field(default=4.0, gt=0, description="Longest time anything was held, in hours.")
    spread_capture_share: Bounds = Field(default=(0.6, 0.7), description="Share of revenue that is spread capture.")
    rebate_share: Bounds = Field(default=(0.15, 0.25), description="Share of revenue that is rebates.")
    arbitrage_share: Bounds = Field(default=(0.1, 0.2), description="Share of revenue that is arbitrage.")

    @model_validator(mode="after")
    def _bounds_are_ordered(self) -> Self:
        for name in type(self).model_fields:
            value = getattr(self, name)
            if isinstance(value, tuple) and not value[0] <= value[1]:
                raise ValueError(f"{name}: the lowest value comes first, found {list(value)}")
        return self


type Assumption = Literal[
    "latency-x0", "latency-x3", "latency-x10", "queue-off", "rebates-zero", "fees-worse", "half-the-fills-removed"
]


class SensitivitySettings(Settings):
    """Under which other assumptions a run is run again; see `mm_nautilus.sensitivity.plan`."""

    assumptions: Annotated[list[Assumption], AfterValidator(_each_once)] = Field(
        default_factory=lambda: list(get_args(Assumption.__value__)), description="Which of them, each a run; all."
    )
    seeds: int = Field(default=3, ge=0, le=1000, description="Other seeds, each a run.")
    horizon_s: float = Field(
        default=5.0, ge=0.001, description="After which the fills to remove are judged, in seconds."
    )

    @model_validator(mode="after")
    def _something_is_asked(self) -> Self:
        if not self.assumptions and not self.seeds:
            raise ValueError("asks for nothing: name assumptions, or seeds above 0, or leave the table out")
        return self


class ReportSection(Settings):
    """What the report and its numbers are told."""

    capital: Decimal | None = Field(
        default=None,
        gt=0,
        description="Money that losses and returns are measured against, in the quote currency of the first "
        "instrument; by default the starting balances at the first mids.",
    )
    targets: TargetSettings = TargetSettings()
    sensitivity: SensitivitySettings | None = Field(
        default=None,
        description="Runs a backtest again under other assumptions, for a table in its report; without the table it is "
        "run once.",
    )


class LogSection(Settings):
    """The engine's own log."""

    level: Literal["OFF", "ERROR", "WARNING", "INFO", "DEBUG"] = Field(
        default="ERROR", description="Lowest level printed by the engine."
    )


class RunFile(Settings):
    """Everything a run needs."""

    run: RunSection
    data: DataSection
    venues: list[VenueSection] = Field(min_length=1)
    strategy: dict[str, Any]
    compare: dict[str, dict[str, Any]] = Field(
        default_factory=dict, description="Parameters of each model that 'mm-nautilus compare' runs beside this one's."
    )
    risk: RiskSettings | None = Field(default=None, description="Risk rules; without the table nothing watches.")
    operator: list[OperatorAction] = Field(
        default_factory=list, description="What the operator does during the run, for the risk monitor to carry out."
    )
    adverse_selection: AdverseSelectionSettings | None = Field(
        default=None, description="Watches every fill and assesses both sides; not run where the table is not there."
    )
    live: LiveSettings | None = Field(
        default=None, description="How a live node is run; of no effect on anything else than one."
    )
    recorder: RecorderSection = RecorderSection()
    stress: StressSection = StressSection()
    report: ReportSection = ReportSection()
    log: LogSection = LogSection()

    @model_validator(mode="after")
    def _somebody_carries_it_out(self) -> Self:
        if self.operator and self.risk is None:
            raise ValueError("operator: needs the table [risk]; the risk monitor carries operator actions out")
        return self

    @model_validator(mode="after")
    def _venues_differ(self) -> Self:
        names = [venue.name for venue in self.venues]
        if len(set(names)) != len(names):
            raise ValueError(f"venues: each name may stand once, found {', '.join(names)}")
        return self

    @model_validator(mode="after")
    def _somebody_assesses(self) -> Self:
        response = self.strategy.get("adverse_selection")
        if self.adverse_selection is None and isinstance(response, dict) and response.get("act") is True:
            raise ValueError("strategy.adverse_selection.act: nobody assesses; add an [adverse_selection] table")
        return self


def read_run_file(path: Path, overrides: Sequence[str] = ()) -> tuple[dict[str, Any], list[str]]:
    """Read a TOML file and apply ``a.b=value`` overrides to it.

    Returns
    -------
    tuple
        The raw tables, and the problems with the overrides.

    Raises
    ------
    ConfigError
        Where the file is missing or is not TOML.

    """
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(path, ["no such file"]) from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(path, [f"cannot be read as TOML: {error}"]) from None
    problems = [problem for override in overrides if (problem := _override(raw, override)) is not None]
    return raw, problems


def _override(raw: dict[str, Any], override: str) -> str | None:
    dotted, equals, text = override.partition("=")
    keys = dotted.strip().split(".")
    if not equals or not all(keys):
        return f"--set {override}: expected a.b=value"
    try:
        value: Any = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        value = text.strip()
    table: Any = raw
    for depth, key in enumerate(keys[:-1]):
        table = _step(table, key)
        if not isinstance(table, (dict, list)):
            return f"--set {override}: {'.'.join(keys[: depth + 1])} is not a table"
    if isinstance(table, list):
        return f"--set {override}: {'.'.join(keys[:-1])} is a list; name one entry, as in venues.0.account"
    table[keys[-1]] = value
    return None


def _step(table: Any, key: str) -> Any:
    if isinstance(table, list):
        return table[int(key)] if key.isdigit() and int(key) < len(table) else None
    return table.setdefault(key, {})


def problems_of(error: ValidationError, schema: type[BaseModel], prefix: Iterable[str] = ()) -> list[str]:
    """Return one line per mistake: path in the file, what was found, what is allowed."""
    return [_problem(detail, schema, tuple(prefix)) for detail in error.errors()]


def _problem(detail: ErrorDetails, schema: type[BaseModel], prefix: tuple[str, ...]) -> str:
    location = detail["loc"]
    path = ".".join([*prefix, *(str(part) for part in location)]) or "the file"
    if detail["type"] == "missing":
        return f"{path}: is required and not there"
    if detail["type"] == "extra_forbidden":
        allowed = _fields_at(schema, location[:-1])
        close = difflib.get_close_matches(str(location[-1]), allowed, n=1)
        hint = f", did you mean {close[0]!r}?" if close else ""
        return f"{path}: unknown key{hint}; allowed are {', '.join(sorted(allowed))}"
    message = detail["msg"].removeprefix("Value error, ").replace("Input should", "should")
    found = detail["input"]
    shown = "" if isinstance(found, (dict, list, BaseModel)) else f" (found {found!r})"
    return f"{path}: {message}{shown}"


def _fields_at(schema: type[BaseModel], location: Sequence[int | str]) -> list[str]:
    """Return the keys allowed in the table at `location`."""
    model: Any = schema
    for part in location:
        if isinstance(part, int):
            continue
        field = model.model_fields.get(part) if isinstance(model, type) and issubclass(model, BaseModel) else None
        model = None if field is None else _model_in(field.annotation)
    return list(model.model_fields) if isinstance(model, type) and issubclass(model, BaseModel) else []


def _model_in(annotation: Any) -> Any:
    """Return the settings model inside ``X``, ``X | None`` or ``list[X]``."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for arg in get_args(annotation) if (found := _model_in(arg)) is not None), None)
