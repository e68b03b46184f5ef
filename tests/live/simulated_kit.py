"""A market maker on one simulated venue: the run file of the tests that replay it, watch it or record it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import tomli_w

TWO_LEVELS: Final = {"levels": 2, "spacing_ticks": 2, "size_skew": 0.5}


def simulated(
    folder: Path,
    name: str,
    duration_s: float,
    *,
    latency: dict[str, float] | None = None,
    strategy: dict[str, Any] | None = None,
    **tables: Any,
) -> Path:
    """Write a run file and return where it is.

    Parameters
    ----------
    folder : Path
        Where it goes; its market is made below it, once a length.
    name : str
        Name of the run and of the file.
    duration_s : float
        Length of the market in seconds.
    latency : dict, optional
        Of the venue; 5 ms where it is left out.
    strategy : dict, optional
        What its table has beside, or other than, the usual.
    tables : dict
        Further tables of the file.

    """
    fields = {
        "run": {"name": name, "seed": 7},
        "data": {"catalog": "catalogs", "simulation": {"preset": "calm", "duration_s": duration_s, "seed": 4}},
        "venues": [
            {
                "name": "SIM",
                "account": "CASH",
                "starting_balances": ["100000 USDT", "1000 SOL"],
                "fees": {"maker_rate": "-0.00005", "taker_rate": "0.0005"},
                "latency": latency or {"base_ms": 5},
            }
        ],
        "strategy": {
            "path": "mm_nautilus.strategies:MarketMaker",
            "instrument_id": "SOLUSDT.SIM",
            "book": "L2",
            "model": "glft",
            "gamma": 0.5,
            "order_size": 1.0,
            "intensity": {"a_per_s": 1.0, "k_per_price": 50.0},
            "volatility": {"warm_up_samples": 5},
            "limits": {"max_position": 10},
            **(strategy or {}),
        },
        "adverse_selection": {},
        **tables,
    }
    path = folder / f"{name}.toml"
    path.write_text(tomli_w.dumps(fields))
    return path
