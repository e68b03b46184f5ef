"""How long one quote of every model takes, beside a plain float expression of the same formula.

Run ``python benchmarks/bench_models.py``. Times are CPU time, the best of several rounds. Exits with 1 when a
ceiling is missed: 3 microseconds for a closed form, 5 for an exact solution read from its table. Shapes of the
fill intensity whose optimum is solved for have no ceiling and are shown for comparison.
"""

import math
import sys
import time
import timeit

from rich.console import Console
from rich.table import Table

from mm_nautilus.market import Intensity, MarketState, TopOfBook
from mm_nautilus.models import MODELS
from mm_nautilus.models.lattice_table import LatticeModel

CLOSED_FORM_CEILING_US, EXACT_CEILING_US = 3.0, 5.0
ROUNDS, CALLS = 25, 5_000

S, Q, GAMMA, SIGMA, A, K, SIZE, TAU, ELAPSED = 100.0, 3.0, 0.05, 0.3, 0.9, 0.3, 1.0, 30.0, 3.0
STATE = MarketState(0, TopOfBook(99.5, 100.5, 3.0, 4.0), S, SIGMA, Intensity(A, K), Intensity(A, K))

CASES = {
    "avellaneda_stoikov": {"gamma": GAMMA, "horizon_s": TAU},
    "avellaneda_stoikov_infinite": {"gamma": GAMMA},
    "cost_components": {"processing_bps": 5.0, "adverse_selection_bps": 3.0},
    "dynamic_volatility": {"quote_lifetime_s": 4.0},
    "glft": {"gamma": GAMMA},
    "glosten_milgrom": {"jump_price": 1.0, "informed_share": 0.2, "belief": "queue_imbalance"},
    "ho_stoll": {"gamma": GAMMA, "horizon_s": TAU},
    "symmetric": {"half_spread": 1.0},
    "glft_exact": {"gamma": GAMMA},
    "glft_exact, session": {"gamma": GAMMA, "horizon_s": TAU},
    "cartea_jaimungal_penalva": {"running_penalty": 0.003},
    "cartea_jaimungal_penalva, session": {"running_penalty": 0.003, "horizon_s": TAU},
    "generic_intensity, exponential": {"gamma": GAMMA},
    "generic_intensity, linear": {"gamma": GAMMA, "shape": "linear", "fill_risk": "none"},
    "generic_intensity, power law": {
        "gamma": GAMMA, "shape": "shifted_power", "power_alpha": 2.5, "power_d0_price": 0.8,
    },
}  # fmt: skip
SOLVED_FOR = {"generic_intensity, power law"}


def plain_avellaneda_stoikov():
    tau = TAU - ELAPSED % TAU
    centre = S - Q * GAMMA * SIGMA**2 * tau
    half = 0.5 * GAMMA * SIZE * SIGMA**2 * tau + math.log1p(GAMMA * SIZE / K) / (GAMMA * SIZE)
    return centre - half, centre + half


def plain_infinite():
    reach = (12.0 + SIZE) ** 2 - Q * Q
    premium = math.log1p(GAMMA * SIZE / K) / (GAMMA * SIZE)
    bid = S + math.log1p(-SIZE * (2.0 * Q + SIZE) / reach) / (GAMMA * SIZE) - premium
    ask = S - math.log1p(SIZE * (2.0 * Q - SIZE) / reach) / (GAMMA * SIZE) + premium
    return bid, ask


def plain_glft():
    x = GAMMA * SIZE
    discount = math.exp(-(1.0 + K / x) * math.log1p(x / K))
    skew = SIGMA * math.sqrt(GAMMA / (2.0 * A * SIZE * K * discount))
    half = math.log1p(x / K) / x + 0.5 * skew * SIZE
    return S - half - skew * Q, S + half - skew * Q


def plain_ho_stoll():
    tau = TAU - ELAPSED % TAU
    alpha, beta = 2.0 * A / math.e, K * A / math.e
    root = math.sqrt(GAMMA * SIGMA**2 * beta * SIZE)
    a = 0.5 * math.sqrt(GAMMA * SIGMA**2 / (beta * SIZE)) * math.tanh(root * tau)
    bid = min(alpha / beta, 0.5 * alpha / beta + 0.5 * a * (2.0 * Q + SIZE))
    ask = min(alpha / beta, 0.5 * alpha / beta - 0.5 * a * (2.0 * Q - SIZE))
    return S - bid, S + ask


def plain_volatility():
    spread = max(0.0, min(0.1 * S, 2.0 * SIGMA * math.sqrt(4.0)))
    shift = -0.5 * Q / 12.0 * 0.5 * spread
    return S + shift - 0.5 * spread, S + shift + 0.5 * spread


def plain_glosten_milgrom():
    high = 3.0 / 7.0
    ask = high * 1.2 / (high * 1.2 + (1.0 - high) * 0.8)
    bid = high * 0.8 / (high * 0.8 + (1.0 - high) * 1.2)
    return S - 1.0 + 2.0 * bid, S - 1.0 + 2.0 * ask


def plain_cost():
    half = (5.0 + 3.0) * 1e-4 * S
    return S - half, S + half


def plain_symmetric():
    return S - 1.0, S + 1.0


PLAIN = {
    "avellaneda_stoikov": plain_avellaneda_stoikov,
    "avellaneda_stoikov_infinite": plain_infinite,
    "cost_components": plain_cost,
    "dynamic_volatility": plain_volatility,
    "glft": plain_glft,
    "glosten_milgrom": plain_glosten_milgrom,
    "ho_stoll": plain_ho_stoll,
    "symmetric": plain_symmetric,
    "generic_intensity, exponential": plain_glft,
    **dict.fromkeys(("glft_exact", "cartea_jaimungal_penalva"), plain_glft),
}
"""The same formula as one expression of floats; exact solutions stand beside the closed form they replace."""


def microseconds(call):
    """Best CPU time of one call."""
    return min(timeit.repeat(call, number=CALLS, repeat=ROUNDS, timer=time.process_time)) / CALLS * 1e6


def main():
    table = Table(title="One quote")
    for column in ("model", "µs", "plain expression, µs", "ratio", "ceiling, µs"):
        table.add_column(column, justify="left" if column == "model" else "right")
    missed = []
    for case, parameters in CASES.items():
        kind = MODELS[case.partition(",")[0]]
        model = kind(kind.parameters_type(**parameters), SIZE, 12.0)
        quote = model.quote(STATE, Q, ELAPSED)
        plain = PLAIN.get(case)
        if plain is not None and not isinstance(model, LatticeModel):
            assert all(math.isclose(x, y, rel_tol=1e-12) for x, y in zip((quote.bid, quote.ask), plain(), strict=True))
        ceiling = EXACT_CEILING_US if isinstance(model, LatticeModel) else CLOSED_FORM_CEILING_US
        taken = microseconds(lambda model=model: model.quote(STATE, Q, ELAPSED))
        reference = None if plain is None else microseconds(plain)
        if taken > ceiling and case not in SOLVED_FOR:
            missed.append(case)
        table.add_row(
            case,
            f"{taken:.2f}",
            "" if reference is None else f"{reference:.2f}",
            "" if reference is None else f"{taken / reference:.1f}",
            "" if case in SOLVED_FOR else f"{ceiling:g}",
        )
    Console(width=110).print(table)
    for case, changes in (("glft_exact", {}), ("glft_exact, session", {}), ("two decays", {"ask": Intensity(A, 0.4)})):
        parameters = CASES.get(case, CASES["glft_exact"])
        kind = MODELS["glft_exact"]
        state = MarketState(0, STATE.top, S, SIGMA, STATE.bid_intensity, changes.get("ask", STATE.ask_intensity))
        begin = time.process_time()
        for _ in range(20):
            kind(kind.parameters_type(**parameters), SIZE, 30.0).table(state)
        print(f"building the table of {case}, 61 inventories: {(time.process_time() - begin) / 20 * 1e3:.1f} ms")
    if missed:
        print(f"above the ceiling: {', '.join(missed)}")
        sys.exit(1)


if __name__ == "__main__":
    main()
