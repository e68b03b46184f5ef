"""Run files for simulated markets whose truth is known."""

from pathlib import Path

RUN_FILE = """
[run]
name = "calibrated"
seed = 7

[data]
catalog = "{folder}/catalogs"

[data.simulation]
preset = "calm"
duration_s = {duration_s}
seed = {seed}
set = [{changes}]

[[venues]]
name = "SIM"
account = "CASH"
starting_balances = ["100000 USDT", "1000 SOL"]
fees = {{ maker_rate = "-0.00005", taker_rate = "0.0005" }}
latency = {{ base_ms = 5 }}

[strategy]
path = "mm_nautilus.strategies:MarketMaker"
instrument_id = "SOLUSDT.SIM"
book = "{book}"
model = "glft"
order_size = 1.0
{strategy}

[strategy.limits]
max_position = 10

{tables}
"""

TWO_SIDES = (
    "venues.0.bid.a_per_s=1.5",
    "venues.0.bid.k_per_price=40",
    "venues.0.ask.a_per_s=0.8",
    "venues.0.ask.k_per_price=25",
)
LARGE_TICK = (
    "venues.0.tick_price=0.05",
    "venues.0.bid.a_per_s=4",
    "venues.0.bid.k_per_price=30",
    "venues.0.ask.a_per_s=2",
    "venues.0.ask.k_per_price=20",
)


def run_file(
    folder: Path,
    changes=(),
    *,
    name="mine.toml",
    duration_s=900,
    seed=1,
    strategy="",
    tables="",
    book="L2",
) -> Path:
    """Write a run file; its catalogue is made once per set of changes."""
    path = folder / name
    quoted = ", ".join(f'"{change}"' for change in changes)
    path.write_text(
        RUN_FILE.format(
            folder=folder, duration_s=duration_s, seed=seed, changes=quoted, strategy=strategy, tables=tables, book=book
        )
    )
    return path
