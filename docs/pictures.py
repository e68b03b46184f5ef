"""Draw the pictures of the model pages: what each model quotes at each inventory, asked from the library itself.

``uv run --group docs docs/pictures.py`` writes ``docs/models/*.svg``; the same inputs give the same bytes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from copy import replace
from dataclasses import dataclass
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np

from mm_nautilus.market import Intensity, MarketState, TopOfBook
from mm_nautilus.models import ModelParameters, QuotingModel, find_model
from mm_nautilus.models.multi_asset import multi_asset_quoter

HERE = Path(__file__).parent
FOLDER = HERE / "models"
BID, ASK = "#1d63d8", "#c2500a"

FAIR, SIGMA, GAMMA, ORDER, BOUND = 100.0, 0.05, 0.05, 1.0, 10.0
SIDE = Intensity(1.0, 25.0)
MARKET = MarketState(0, TopOfBook(FAIR - 0.01, FAIR + 0.01, 1.0, 1.0), FAIR, SIGMA, SIDE, SIDE)
"""The market of every picture: sigma 0.05 price per root second, A 1 per second, k 25 per price unit."""

type Prices = tuple[float | None, float | None]


@dataclass(frozen=True, slots=True)
class Line:
    """One pair of lines: a label, and bid and ask relative to the fair value at an inventory in base units."""

    label: str
    quote: Callable[[float], Prices]


@dataclass(frozen=True, slots=True)
class Picture:
    """One panel."""

    name: str
    lines: Sequence[Line]
    x_title: str = "inventory (base units; the bound is 10)"


def asked(
    label: str, name: str, elapsed_s: float = 0.0, market: MarketState = MARKET, **parameters: float | str
) -> Line:
    """Return the line of a model of the library in a market."""
    kind = find_model(name)
    given: ModelParameters = kind.parameters_type.model_validate(parameters)
    model: QuotingModel = kind(given, ORDER, BOUND)

    def quote(inventory: float) -> Prices:
        found = model.quote(market, inventory, elapsed_s)
        return _relative(found.bid, market), _relative(found.ask, market)

    return Line(label, quote)


def _relative(price: float | None, market: MarketState) -> float | None:
    return None if price is None else price - market.fair_value


def pictures() -> list[Picture]:
    """Return every picture, in the order of the pages."""
    closed = asked("glft, closed form", "glft", gamma=GAMMA)
    phi = 0.5 * GAMMA * SIGMA**2
    wild = replace(MARKET, sigma=2.0 * SIGMA)
    full, empty = (replace(MARKET, top=replace(MARKET.top, bid_size=size)) for size in (4.0, 0.25))
    return [
        Picture(
            "avellaneda_stoikov",
            [
                asked(f"{left:g} s left", "avellaneda_stoikov", 60.0 - left, gamma=GAMMA, horizon_s=60.0)
                for left in (60.0, 20.0, 1.0)
            ],
        ),
        Picture(
            "avellaneda_stoikov_infinite",
            [asked("infinite horizon", "avellaneda_stoikov_infinite", gamma=GAMMA), closed],
        ),
        Picture("glft", [closed, asked("twice the volatility", "glft", market=wild, gamma=GAMMA)]),
        Picture(
            "glft_exact",
            [
                asked("exact, stationary", "glft_exact", market=wild, gamma=4 * GAMMA),
                asked("exact, 5 s left", "glft_exact", 0.0, wild, gamma=4 * GAMMA, horizon_s=5.0),
                asked("closed form", "glft", market=wild, gamma=4 * GAMMA),
            ],
        ),
        Picture(
            "cartea_jaimungal_penalva",
            [
                asked("stationary", "cartea_jaimungal_penalva", running_penalty=phi),
                asked(
                    "jump of 0.01 a market order",
                    "cartea_jaimungal_penalva",
                    running_penalty=phi,
                    adverse_jump_price=0.01,
                ),
            ],
        ),
        Picture(
            "ho_stoll",
            [
                asked("exact, 60 s left", "ho_stoll", gamma=GAMMA, horizon_s=60.0),
                asked("first order, 60 s left", "ho_stoll", gamma=GAMMA, horizon_s=60.0, form="first_order"),
            ],
        ),
        Picture(
            "cost_components",
            [
                asked("no lean", "cost_components", processing_bps=1.0, inventory_bps=1.0, adverse_selection_bps=2.0),
                asked(
                    "skew of 0.003 per unit",
                    "cost_components",
                    processing_bps=1.0,
                    inventory_bps=1.0,
                    adverse_selection_bps=2.0,
                    skew_price_per_base=0.003,
                ),
            ],
        ),
        Picture(
            "dynamic_volatility",
            [
                asked("calm", "dynamic_volatility", quote_lifetime_s=1.0),
                asked(
                    "a third of the fills toxic",
                    "dynamic_volatility",
                    market=replace(MARKET, adverse_ratio=1 / 3),
                    quote_lifetime_s=1.0,
                ),
                asked("twice the volatility", "dynamic_volatility", market=wild, quote_lifetime_s=1.0),
            ],
        ),
        Picture(
            "generic_intensity",
            [
                asked("exponential", "generic_intensity", gamma=GAMMA),
                asked("linear", "generic_intensity", gamma=GAMMA, shape="linear"),
                asked(
                    "power law",
                    "generic_intensity",
                    gamma=GAMMA,
                    shape="shifted_power",
                    power_alpha=3.0,
                    power_d0_price=0.08,
                ),
            ],
        ),
        Picture(
            "glosten_milgrom",
            [
                asked(
                    label,
                    "glosten_milgrom",
                    market=market,
                    jump_price=0.1,
                    informed_share=0.3,
                    belief="queue_imbalance",
                    skew_price_per_base=0.002,
                )
                for label, market in (
                    ("sizes equal", MARKET),
                    ("bid four times the ask", full),
                    ("bid a quarter of the ask", empty),
                )
            ],
        ),
        Picture(
            "symmetric",
            [asked("half-spread 0.04", "symmetric", half_spread=1.0 / SIDE.k_per_price), closed],
        ),
        Picture(
            "multi_asset",
            [
                _beside(0.8, "of the asset itself", 0),
                _beside(0.8, "of one correlated by 0.8", 1),
                _beside(-0.4, "of one correlated by −0.4", 1),
            ],
            "inventory (base units) of the asset named",
        ),
    ]


def _beside(correlation: float, label: str, held: int) -> Line:
    """Return the quotes of the first of two assets by the inventory of one of them."""
    variance = SIGMA**2
    covariance = variance * np.array([[1.0, correlation], [correlation, 1.0]])
    twice = [SIDE.a_per_s] * 2, [SIDE.k_per_price] * 2, [ORDER] * 2
    quoter = multi_asset_quoter(covariance, *twice, gamma=GAMMA)

    def quote(inventory: float) -> Prices:
        position = np.zeros(2)
        position[held] = inventory
        bids, asks = quoter.distances(position)
        return -float(bids[0]), float(asks[0])

    return Line(label, quote)


def draw(picture: Picture) -> None:
    """Write one picture."""
    figure, axes = plt.subplots(figsize=(6.4, 3.6), layout="constrained")
    inventories = np.linspace(-BOUND, BOUND, 41).tolist()
    for line, style in zip(picture.lines, ("-", "--", ":"), strict=False):
        prices = np.array([[math.nan if one is None else one for one in line.quote(q)] for q in inventories])
        axes.plot(inventories, prices[:, 1], style, color=ASK, linewidth=1.8, label=f"ask: {line.label}")
        axes.plot(inventories, prices[:, 0], style, color=BID, linewidth=1.8, label=f"bid: {line.label}")
    axes.axhline(0.0, color="#9aa0a6", linewidth=0.8)
    axes.set_xlabel(picture.x_title)
    axes.set_ylabel("price, relative to the fair value")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, fontsize=8, ncols=len(picture.lines), loc="lower center", bbox_to_anchor=(0.5, 1.0))
    figure.savefig(FOLDER / f"{picture.name}.svg", metadata={"Date": None, "Creator": None})
    plt.close(figure)


def main() -> None:
    """Write every picture."""
    mpl.use("svg")
    mpl.rcParams |= {"svg.hashsalt": "mm-nautilus", "svg.fonttype": "none", "font.family": "sans-serif"}
    mpl.rcParams |= {"axes.facecolor": "white", "figure.facecolor": "white"}
    for picture in pictures():
        draw(picture)


if __name__ == "__main__":
    main()
