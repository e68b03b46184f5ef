"""``mm-nautilus calibrate``: a window of data, measured."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.console import RenderableType

    from mm_nautilus.calibration import CalibrationFile


def calibrate(
    run_file: Annotated[Path, typer.Argument(help="TOML run file; its intensity and gamma may be missing.")],
    overrides: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="TABLE.KEY=VALUE", help="Override one value of the run file."),
    ] = None,
    start: Annotated[datetime | None, typer.Option(help="First instant, UTC; the run file's by default.")] = None,
    end: Annotated[datetime | None, typer.Option(help="Last instant, UTC.")] = None,
    output: Annotated[Path | None, typer.Option(help="Calibration file to write; the report lies beside it.")] = None,
    depth_from: Annotated[
        float | None, typer.Option(help="Least distance from the mid to fit, in price; the median half-spread.")
    ] = None,
    depth_to: Annotated[float | None, typer.Option(help="Largest distance to fit, in price.")] = None,
    fill_rule: Annotated[
        str, typer.Option(help="touch: a trade at our price fills us; through: only one beyond it.")
    ] = "touch",
    chi: Annotated[
        float, typer.Option(help="Skew at the position limit, in skew-free half-spreads (for gamma).")
    ] = 1.0,
    window_s: Annotated[float, typer.Option(help="Seconds a virtual resting order stays.")] = 1.0,
    block_s: Annotated[
        float | None, typer.Option(help="Seconds of a bootstrap block; a fiftieth of the window.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of the bootstrap.")] = 0,
) -> None:
    """Measure volatility, fill intensity, micro-price and gamma on a window of a run file's data.

    Writes a dated calibration file that run files name as strategy.calibration, and a report. A fit that must not be
    trusted is refused, with the reason and with what stands in for it.
    """
    from datetime import UTC

    from pydantic import ValidationError
    from rich.console import Console

    from mm_nautilus.calibrate import CalibrateSettings
    from mm_nautilus.calibrate import calibrate as run
    from mm_nautilus.config import problems_of
    from mm_nautilus.errors import ConfigError

    try:
        settings = CalibrateSettings.model_validate(
            {
                "fill_rule": fill_rule,
                "seed": seed,
                "block_s": block_s,
                "depth_from_price": depth_from,
                "depth_to_price": depth_to,
                "resting_window_s": window_s,
                "chi": chi,
            }
        )
    except ValidationError as error:
        raise ConfigError("calibrate", problems_of(error, CalibrateSettings)) from None
    window = [None if instant is None else instant.replace(tzinfo=UTC) for instant in (start, end)]
    console = Console()
    with console.status("starting") as status:
        done = run(
            run_file,
            overrides or (),
            start=window[0],
            end=window[1],
            output=output,
            settings=settings,
            say=status.update,
        )
    console.print(_table(done.file))
    for note in done.file.notes:
        console.print(f"note  {note}", highlight=False, markup=False)
    console.print(f"calibration  [bold]{done.path}[/]", soft_wrap=True, highlight=False)
    console.print(f"report       [bold]{done.report}[/]", soft_wrap=True, highlight=False)


def _table(file: CalibrationFile) -> RenderableType:
    from rich.box import ROUNDED
    from rich.table import Table

    from mm_nautilus.analytics.numbers import duration
    from mm_nautilus.analytics.report.calibration_words import side_rows, with_interval

    data = file.data
    table = Table(
        title=f"{file.instrument_id}: {duration(data.quoted_s)} quoted on, {data.trades:,} trades, tick {file.tick}",
        box=ROUNDED,
        title_justify="left",
        title_style="bold",
    )
    table.add_column("", style="dim")
    for name in ("bid", "ask"):
        table.add_column(name)
    bid, ask = dict(side_rows(file.bid)), dict(side_rows(file.ask))
    for name in dict.fromkeys([*bid, *ask]):
        table.add_row(name, bid.get(name, ""), ask.get(name, ""))
    table.add_section()
    if file.sigma is not None:
        sigma = file.sigma
        table.add_row("sigma, price/sqrt(s)", with_interval(sigma.price_per_sqrt_s), sigma.estimator.replace("_", "-"))
    if file.gamma is not None:
        table.add_row("gamma, 1/quote currency", f"{file.gamma.value:.4g}", f"chi {file.gamma.chi:g}")
    if file.micro_price is not None:
        largest = max(abs(number) for row in file.micro_price.adjustment_price for number in row)
        table.add_row("micro-price", f"up to {largest:.4g} from the mid", f"{file.micro_price.steps:,} steps")
    return table
