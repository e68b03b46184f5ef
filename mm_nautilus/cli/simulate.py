"""``mm-nautilus simulate``: a market whose ground truth is known, as a catalogue."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.table import Table

    from mm_nautilus.catalog.simulator import SimulationTruth


def simulate(
    preset: Annotated[str, typer.Argument(help="Name of a preset, see above.")],
    catalog: Annotated[Path, typer.Option(help="Catalogue folder; made if missing.")],
    seed: Annotated[int | None, typer.Option(help="Seed of every random stream.")] = None,
    duration_s: Annotated[float | None, typer.Option(help="Simulated seconds.")] = None,
    assignments: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="PATH=VALUE", help="Change one parameter, e.g. venues.*.informed.share=0.3."),
    ] = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Remove overlapping data of the same instruments.")
    ] = False,
) -> None:
    """Simulate a market into a catalogue: book deltas, trades, quotes, and the truth behind them.

    The same parameters and seed give the same bytes. Presets: calm, the stress scenarios high_volatility,
    low_liquidity, one_sided_flow, flash_crash and news_event, and three_venues.
    """
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    from mm_nautilus.catalog.simulator import PRESETS, override
    from mm_nautilus.catalog.simulator import simulate as run
    from mm_nautilus.errors import UserError

    if preset not in PRESETS:
        raise UserError(f"simulate: no preset named {preset!r}; there are {', '.join(PRESETS)}")
    changes = list(assignments or [])
    changes += [] if seed is None else [f"seed={seed}"]
    changes += [] if duration_s is None else [f"duration_s={duration_s}"]
    params = override(PRESETS[preset], changes)

    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:3.0f} %"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(f"simulating {params.duration_s:g} s of {preset}", total=params.duration_s)
        truth = run(params, catalog, replace=replace, progress=lambda done: bar.update(task, completed=done))
    Console().print(_table(truth, catalog))


def _table(truth: SimulationTruth, catalog: Path) -> Table:
    from rich.table import Table

    params = truth.params
    table = Table(
        title=f"{params.name}: {params.duration_s:g} s from {params.start:%Y-%m-%d %H:%M:%S}, seed {params.seed}"
    )
    table.caption = f"{catalog}; ground truth in documents/simulation_{params.name}.json"
    table.add_column("realised")
    for venue in truth.venues:
        table.add_column(venue.instrument_id, justify="right")
    counts = {
        "book events": "book_events",
        "deltas": "deltas",
        "trades": "trades",
        "quotes": "quotes",
        "market sells": "bid_market_orders",
        "market buys": "ask_market_orders",
        "  of these informed": "informed_market_orders",
        "mid moves": "mid_moves",
    }
    for label, field in counts.items():
        table.add_row(label, *(f"{getattr(venue, field):,}" for venue in truth.venues))
    sigmas = (venue.realised_variance_price2_per_s**0.5 for venue in truth.venues)
    table.add_row("sigma of the mid, price/sqrt(s)", *(f"{sigma:.4g}" for sigma in sigmas))
    return table
