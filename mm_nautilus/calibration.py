"""The calibration file: what a window of data says about one instrument, and how a run file takes it over.

A TOML file, dated, with the fingerprint of its data. ``[strategy] calibration = "file.toml"`` fills intensity, gamma,
the floor of the volatility and the micro-price table where the run file leaves them out; what the run file states wins.
"""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import AwareDatetime, Field, ValidationError

from mm_nautilus.config import problems_of
from mm_nautilus.errors import ConfigError, ParameterError
from mm_nautilus.estimators.micro_price import MicroPriceTable
from mm_nautilus.market import Intensity
from mm_nautilus.models.skew_target import gamma_from_skew_target
from mm_nautilus.quoting.settings import CalibrationOrigin
from mm_nautilus.settings import Settings

FORMAT: Final = 1


class Estimate(Settings):
    """A number with its 95 % interval; an end that the data do not bound is missing."""

    value: float
    low: float | None = None
    high: float | None = None


class CalibrationData(Settings):
    """What was looked at."""

    fingerprint: str = Field(description="SHA-256 of the instrument's files; the same data have the same one.")
    catalog: str = Field(description="Catalogue folder as it was named.")
    book: Literal["L1", "L2", "L3"] = Field(description="Where the mid comes from: quotes or book deltas.")
    start: AwareDatetime
    end: AwareDatetime
    quoted_s: float = Field(gt=0, description="Seconds in which the book was fit to be quoted on.")
    tops: int = Field(ge=0, description="Book events.")
    trades: int = Field(ge=0)
    trades_without_aggressor: int = Field(ge=0, description="Trades left out: nobody knows which side they hit.")


class CalibrationMethod(Settings):
    """How it was looked at; with the same data it gives the same file but for the date."""

    fill_rule: Literal["touch", "through"] = Field(
        description="Whether a trade at a price fills what rests there (touch), or only one beyond it (through)."
    )
    seed: int = Field(ge=0, description="Of the bootstrap.")
    bootstrap_draws: int = Field(ge=1)
    block_s: float = Field(gt=0, description="Length of a block of quoted time, in seconds.")
    blocks: int = Field(ge=1)
    depth_from_price: float = Field(ge=0, description="Least distance from the mid that was fitted.")
    depth_to_price: float | None = Field(default=None, gt=0, description="Largest distance asked for.")
    resting_window_s: float = Field(gt=0, description="How long a virtual resting order stays.")


class SigmaCalibration(Settings):
    """Volatility of the mid, in price per square-root second."""

    estimator: str = Field(description="Which of the estimates the interval belongs to.")
    price_per_sqrt_s: Estimate
    floor_price_per_sqrt_s: float = Field(
        ge=0, description="Exceeded in 95 % of the blocks; becomes volatility.floor_price_per_sqrt_s."
    )
    sample_interval_s: float = Field(gt=0)
    samples: int = Field(ge=2)
    estimates: dict[str, float] = Field(description="All of them.")


class CurveFit(Settings):
    """Another fit of the same side, for comparison."""

    a_per_s: float
    decay: float = Field(description="k in 1/price, or the exponent of a power law.")
    se_ln_a: float | None = None
    se_decay: float | None = None
    d0_price: float | None = Field(default=None, description="Offset of a power law, in price units.")
    loglik: float
    aic: float = Field(description="Smaller is better; comparable between fits to the same counts.")
    events: int


class EmpiricalCurve(Settings):
    """What the fits are drawn against: rate at which market orders reach a depth."""

    depth_price: list[float]
    orders_at_or_beyond: list[int]
    rate_per_s: list[float]


class SideCalibration(Settings):
    """Fill intensity of one side of ours, ``A exp(-k depth)``."""

    verdict: Literal["fitted", "fallback", "refused"]
    form: Literal["exponential", "tick_discrete", "quantile", "none"] = Field(description="Where the numbers are from.")
    reason: str = Field(default="", description="Why the curve is not trusted.")
    events: int = Field(ge=0, description="Market orders that reached the first depth.")
    unfit: int = Field(ge=0, description="Market orders left out: the book was not fit to be quoted on.")
    a_per_s: Estimate | None = None
    k_per_price: Estimate | None = None
    se_ln_a: float | None = Field(default=None, description="Fisher standard error, for independent orders.")
    se_k: float | None = None
    correlation: float | None = Field(default=None, description="Of the estimates of ln A and k.")
    share_at_first: float = Field(description="Share of the orders that reach the first depth and no farther.")
    depth_first_price: float = Field(description="Depth the fit starts at.")
    depth_last_price: float = Field(description="Depth beyond which orders are cut.")
    distance: float | None = Field(default=None, description="Kolmogorov-Smirnov distance of fit and data.")
    loglik: float | None = None
    aic: float | None = None
    power_law: CurveFit | None = None
    resting: CurveFit | None = Field(default=None, description="Censored likelihood of virtual resting orders.")
    curve: EmpiricalCurve

    def intensity(self) -> Intensity | None:
        """Return the numbers to quote with, ``None`` where the fit was refused."""
        if self.a_per_s is None or self.k_per_price is None:
            return None
        return Intensity(self.a_per_s.value, self.k_per_price.value)


class GammaCalibration(Settings):
    """Risk aversion at which the skew at the position limit is worth `chi` skew-free half-spreads."""

    value: float = Field(gt=0, description="1/quote currency.")
    chi: float = Field(gt=0)
    order_size: Decimal = Field(gt=0, description="In the run file's units.")
    max_position: Decimal = Field(gt=0, description="In the run file's units.")
    base_per_unit: float = Field(gt=0, description="Base units a unit of size moves with: a contract's multiplier.")


class CalibrationFile(Settings):
    """All of it."""

    format: Literal[1] = FORMAT
    created: AwareDatetime
    instrument_id: str
    tick: Decimal = Field(gt=0)
    data: CalibrationData
    method: CalibrationMethod
    sigma: SigmaCalibration | None = None
    bid: SideCalibration = Field(description="Fills of our bids, by market sells.")
    ask: SideCalibration = Field(description="Fills of our asks, by market buys.")
    gamma: GammaCalibration | None = None
    micro_price: MicroPriceTable | None = None
    notes: list[str] = Field(
        default_factory=list, description="What is missing from this file and why, and what to mind."
    )

    def save(self, path: Path) -> None:
        """Write the file."""
        import tomli_w  # noqa: PLC0415

        path.parent.mkdir(parents=True, exist_ok=True)
        tables = self.model_dump(mode="json", exclude_none=True)
        path.write_text(tomli_w.dumps(tables), encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> CalibrationFile:
        """Read a calibration file.

        Raises
        ------
        ConfigError
            For a file that is missing, is not TOML or is no calibration, with every mistake in it.

        """
        try:
            return cls.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
        except FileNotFoundError:
            raise ConfigError(path, ["no such calibration file; 'mm-nautilus calibrate' writes one"]) from None
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise ConfigError(path, [f"cannot be read as TOML: {error}"]) from None
        except ValidationError as error:
            raise ConfigError(path, problems_of(error, cls)) from None


def calibrated(fields: Mapping[str, Any], path: Path, known: Collection[str]) -> tuple[dict[str, Any], list[str]]:
    """Fill in what a strategy's table leaves out from a calibration file.

    Parameters
    ----------
    fields : mapping
        The ``[strategy]`` table.
    path : Path
        The calibration file.
    known : collection of str
        Keys the strategy has; a model without risk aversion is given no gamma.

    Returns
    -------
    tuple
        The table with the values filled in and without ``calibration``, and the problems, one line each.

    Raises
    ------
    ConfigError
        For a file that cannot be used.

    """
    file = CalibrationFile.load(path)
    origin = CalibrationOrigin(
        file=path.name,
        created=file.created,
        instrument_id=file.instrument_id,
        tick=file.tick,
        data_fingerprint=file.data.fingerprint,
    )
    filled = {key: value for key, value in fields.items() if key != "calibration"}
    filled["calibrated"] = origin.model_dump(mode="json")
    problems = origin.problems(str(fields.get("instrument_id")))
    if problems:
        return filled, problems
    problems += _fill_intensity(filled, file, path)
    if file.sigma is not None and isinstance(volatility := filled.get("volatility", {}), dict):
        filled["volatility"] = {"floor_price_per_sqrt_s": file.sigma.floor_price_per_sqrt_s} | volatility
    if "gamma" in known and "gamma" not in filled:
        problems += _fill_gamma(filled, file, path)
    if filled.get("fair_value") == "micro_price" and "micro_price" not in filled:
        if file.micro_price is None:
            problems.append(f"fair_value: {path.name} holds no micro-price table ({'; '.join(file.notes)})")
        else:
            filled["micro_price"] = file.micro_price.model_dump(mode="json")
    return filled, problems


def _fill_intensity(filled: dict[str, Any], file: CalibrationFile, path: Path) -> list[str]:
    stated = filled.get("intensity", {})
    if not isinstance(stated, dict) or {"a_per_s", "k_per_price"} <= stated.keys():
        return []
    bid, ask = file.bid.intensity(), file.ask.intensity()
    problems = [
        f"intensity: {path.name} refused the {name}: {side.reason}; state strategy.intensity instead"
        for name, side, found in (("bid", file.bid, bid), ("ask", file.ask, ask))
        if found is None
    ]
    if bid is None or ask is None:
        return problems
    own = {"a_per_s": bid.a_per_s, "k_per_price": bid.k_per_price}
    other = {"a_per_s": ask.a_per_s, "k_per_price": ask.k_per_price}
    filled["intensity"] = own | {"ask": other} | stated
    return []


def _fill_gamma(filled: dict[str, Any], file: CalibrationFile, path: Path) -> list[str]:
    """Take gamma over, or solve for it anew where the order size or the limit differs from the file's."""
    target = file.gamma
    if target is None:
        return [f"gamma: {path.name} holds none ({'; '.join(file.notes)}); state strategy.gamma instead"]
    limits = filled.get("limits", {})
    size, bound = filled.get("order_size"), limits.get("max_position") if isinstance(limits, dict) else None
    if size is None or bound is None or file.sigma is None:
        return []  # the settings themselves will say what is missing
    bid, ask = file.bid.intensity(), file.ask.intensity()
    if bid is None or ask is None:
        return []
    try:
        order_size, max_position = Decimal(str(size)), Decimal(str(bound))
        if (order_size, max_position) == (target.order_size, target.max_position):
            filled["gamma"] = target.value
            return []
        filled["gamma"] = gamma_from_skew_target(
            file.sigma.price_per_sqrt_s.value,
            bid,
            ask,
            float(order_size) * target.base_per_unit,
            float(max_position) * target.base_per_unit,
            target.chi,
        )
    except (ArithmeticError, ParameterError):
        return []  # order_size or max_position is not a size; the settings say so
    return []
