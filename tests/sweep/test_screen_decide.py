"""The compiled pass against the pipeline's: the same ticks and lots for any market, position and funds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sweep_kit import run_file

from mm_nautilus.backtest.data import end_of_data, prepared_catalog
from mm_nautilus.estimators.fair_value import FAIR_VALUES
from mm_nautilus.host.instrument import InstrumentLattice
from mm_nautilus.host.loading import load_run
from mm_nautilus.market import Level, MarketState, TopOfBook
from mm_nautilus.quoting.pipeline import Funds, Quoter
from mm_nautilus.sweep.screening.kernels import Top
from mm_nautilus.sweep.screening.maker import decide
from mm_nautilus.sweep.screening.rules import compiled
from mm_nautilus.sweep.screening.setup import instrument_of, rules_of
from mm_nautilus.sweep.screening.state import NEVER

GLFT = ["strategy.gamma=0.5"]
SYMMETRIC = ["strategy.model=symmetric", "strategy.half_spread=0.03"]
CASES = {
    "glft": GLFT,
    "glft, sides of their own": [
        "strategy.gamma=2.0", "strategy.intensity.ask={ a_per_s = 0.4, k_per_price = 20.0 }",
        "strategy.target_inventory=3", "strategy.maker_fee_rate=0.0001", "strategy.own_impact_price=0.002",
    ],
    "avellaneda_stoikov": [
        "strategy.model=avellaneda_stoikov", "strategy.gamma=0.3", "strategy.horizon_s=600",
        "strategy.ladder.levels=3", "strategy.ladder.spacing_ticks=2.5",
    ],
    "symmetric": [*SYMMETRIC, "strategy.skew_price_per_base=0.004", "strategy.fair_value=weighted_mid"],
    "a ladder": [
        *GLFT, "strategy.order_size=2.5", "strategy.ladder.levels=6", "strategy.ladder.spacing_ticks=1.7",
        "strategy.ladder.size_decay=0.8", "strategy.ladder.size_skew=0.7",
        "strategy.ladder.widen_inventory_side=1.5",
    ],
    "bands": [
        *SYMMETRIC, "strategy.adjust.skew_above=0.1", "strategy.adjust.skew_size=1.0",
        "strategy.adjust.skew_spread=2.0", "strategy.adjust.aggressive_above=0.6",
        "strategy.adjust.aggressive_spread_multiplier=0.2", "strategy.limits.max_order_notional=400",
    ],
    "limits in money": [
        *GLFT, "strategy.ladder.levels=4", "strategy.limits.max_notional=900",
        "strategy.guards.min_half_spread_bps=4", "strategy.guards.max_half_spread_bps=9",
        "strategy.guards.min_price=149.9", "strategy.guards.max_price=150.2",
    ],
}  # fmt: skip


type Maker = tuple[Any, Quoter, np.ndarray]
"""Settings, and the same maker as the pipeline and as compiled rules."""


@pytest.fixture(scope="module")
def makers(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Maker]:
    path = run_file(tmp_path_factory.mktemp("decide"))
    path.write_text(path.read_text().replace("gamma = 0.5\n", ""))
    found = {}
    for name, changes in CASES.items():
        loaded = load_run(path, changes)
        root, shape = prepared_catalog(loaded)
        told: Any = loaded.strategy_config.settings
        instrument = instrument_of(root, told.instrument_id)
        lattice = InstrumentLattice(instrument)
        rules = compiled(rules_of(loaded, instrument, end_of_data(loaded, shape)))
        found[name] = told, Quoter(told, lattice.grid, lattice.base_per_lot(1.0)), rules
    return lambda name: found[name]  # what a failure shows of its arguments stays short


def said(levels: tuple[Level, ...]) -> list[tuple[int, int]]:
    return [(level.price_ticks, level.size_lots) for level in levels]


FUNDS = st.one_of(st.none(), st.tuples(st.integers(-5, 30_000), st.integers(-5, 30_000)))


@pytest.mark.parametrize("name", CASES)
@settings(max_examples=300, deadline=None)
@given(
    bid=st.integers(14_950, 15_050), spread=st.integers(1, 30), sizes=st.tuples(*[st.integers(1, 90_000)] * 2),
    sigma=st.floats(0.0, 0.2), position=st.integers(-12_000, 12_000),
    elapsed_s=st.floats(0.0, 900.0), funds=FUNDS,
)  # fmt: skip
def test_the_same_ladder(
    makers: Callable[[str], Maker], name: str, bid: int, spread: int, sizes: tuple[int, int],
    sigma: float, position: int, elapsed_s: float, funds: tuple[int, int] | None,
) -> None:  # fmt: skip
    told, quoter, rules = makers(name)
    tick = float(rules["tick"][0])
    book = TopOfBook(bid * tick, (bid + spread) * tick, sizes[0] / 1000, sizes[1] / 1000)
    fair = FAIR_VALUES[told.fair_value](book)
    state = MarketState(0, book, fair, sigma, *told.intensity.sides())
    wanted = quoter.decide(state, position, elapsed_s, funds=None if funds is None else Funds(*funds))
    scratch = np.zeros((4, 50), np.int64)
    top = Top(book.bid, book.ask, book.bid_size, book.ask_size, book.mid)
    bought, sold = (NEVER, NEVER) if funds is None else funds
    bids, asks, limit, smallest = decide(rules[0], top, sigma, position, elapsed_s, bought, sold, scratch)
    assert list(zip(*scratch[:2, :bids].tolist(), strict=True)) == said(wanted.ladder.bids)
    assert list(zip(*scratch[2:, :asks].tolist(), strict=True)) == said(wanted.ladder.asks)
    if wanted.ladder.bids or wanted.ladder.asks:
        assert (limit, smallest) == (wanted.limit_lots, wanted.min_lots)


@pytest.mark.parametrize("sigma", [1e9, 1e200])
def test_beyond_every_price_there_is_nothing_is_quoted(makers: Callable[[str], Maker], sigma: float) -> None:
    _, _, rules = makers("avellaneda_stoikov")
    top = Top(149.5, 149.51, 1.0, 1.0, 149.505)
    found = decide(rules[0], top, sigma, 1_000, 0.0, NEVER, NEVER, np.zeros((4, 50), np.int64))
    assert found[:2] == (0, 0)
