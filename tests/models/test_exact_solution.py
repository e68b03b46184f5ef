"""The exact solutions against published tables, the equation they solve and the quotes read from their table."""

import math

import numpy as np
import pytest
from model_kit import Desk
from scipy.integrate import solve_ivp

from mm_nautilus.errors import ParameterError
from mm_nautilus.market import Intensity
from mm_nautilus.models.fills import optimal_fill_rate, risk_premium
from mm_nautilus.models.glft import stationary_value
from mm_nautilus.models.lattice import LatticeProblem, solve_stationary
from mm_nautilus.models.lattice_evolution import solve_finite
from mm_nautilus.models.stationary_law import stationary_law

# sigma, A, k, gamma; exact bid distance at q = -10, -5, 0, 5, 10, 20; std of q; edge rate; fills per second (N = 30)
GLFT_FIGURES = {
    (0.3, 0.9, 0.3, 0.01): ([2.632802, 2.972522, 3.313045, 3.653480, 3.992933, 4.665542], 4.9493, 2.195747, 0.669643),
    (0.4, 0.9, 0.3, 0.01): ([2.417367, 2.869957, 3.324458, 3.778746, 4.230704, 5.119731], 4.2844, 2.192002, 0.668501),
    (1.0, 0.2, 0.3, 0.01): ([-1.072185, 1.100245, 3.525651, 5.918517, 8.022747, 11.245444], 1.8465, 0.472787, 0.144187),
    (0.6, 0.9, 0.9, 0.01): ([0.368630, 0.751100, 1.144474, 1.536590, 1.915624, 2.604226], 2.6581, 0.722845, 0.654169),
    (2.0, 140.0, 1.5, 0.1): (
        [0.158073, 0.410452, 0.671628, 0.931780, 1.181420, 1.627164], 2.5263, 67.303949, 104.284925,
    ),
}  # fmt: skip
GLFT_APPROXIMATION = {
    (0.3, 0.9, 0.3, 0.01): [2.634257, 2.973586, 3.312915, 3.652244, 3.991574, 4.670232],
    (0.4, 0.9, 0.3, 0.01): [2.419348, 2.871787, 3.324226, 3.776665, 4.229104, 5.133982],
    (1.0, 0.2, 0.3, 0.01): [-1.279915, 1.119505, 3.518924, 5.918344, 8.317763, 13.116602],
    (0.6, 0.9, 0.9, 0.01): [0.364583, 0.754268, 1.143952, 1.533636, 1.923321, 2.702689],
    (2.0, 140.0, 1.5, 0.1): [0.154072, 0.412658, 0.671244, 0.929830, 1.188416, 1.705588],
}
INVENTORIES = (-10, -5, 0, 5, 10, 20)


def problem(
    sigma: float = 2.0, a: float = 140.0, k: float = 1.5, gamma: float = 0.1, lots: int = 30, **changes: float
) -> LatticeProblem:
    ask_a, ask_k = changes.pop("ask_a", a), changes.pop("ask_k", k)
    size = changes.get("order_size", 1.0)
    return LatticeProblem(
        **{
            "lots": lots, "order_size": size, "penalty": 0.5 * gamma * sigma**2, "drift": 0.0,
            "bid_eta": optimal_fill_rate(a, k, gamma * size, 0.0), "bid_k": k,
            "ask_eta": optimal_fill_rate(ask_a, ask_k, gamma * size, 0.0), "ask_k": ask_k,
        } | changes
    )  # fmt: skip


def slope(problem: LatticeProblem, theta: np.ndarray) -> np.ndarray:
    """Return the right side of the equation, written independently of the library's solvers."""
    change = -problem.penalty * problem.inventories**2 + problem.drift * problem.inventories
    for n in range(len(theta)):
        for step, eta, k in ((1, problem.bid_eta, problem.bid_k), (-1, problem.ask_eta, problem.ask_k)):
            if 0 <= n + step < len(theta):
                gain = (theta[n + step] - theta[n]) / problem.order_size
                change[n] += problem.order_size * eta / k * math.exp(k * gain)
    return change


def quotes(problem: LatticeProblem, premium: float) -> tuple[np.ndarray, np.ndarray]:
    x = solve_stationary(problem).marginals
    return np.append(premium + x, np.nan), np.append(np.nan, premium - x)


@pytest.mark.parametrize("world", GLFT_FIGURES)
def test_the_figures_of_glft(world: tuple[float, float, float, float]) -> None:
    sigma, a, k, gamma = world
    expected, std, edge, fills = GLFT_FIGURES[world]
    bids, asks = quotes(problem(sigma, a, k, gamma), risk_premium(gamma, k))
    assert [bids[q + 30] for q in INVENTORIES] == pytest.approx(expected, abs=6e-7)
    assert [asks[30 - q] for q in INVENTORIES] == pytest.approx(expected, abs=6e-7)
    law = stationary_law(range(-30, 31), bids, asks, Intensity(a, k), Intensity(a, k), 1.0, sigma)
    assert math.sqrt(law.inventory_variance) == pytest.approx(std, abs=6e-5)
    assert law.edge_rate == pytest.approx(edge, abs=6e-7)
    assert law.fill_rate == pytest.approx(fills, abs=6e-7)


@pytest.mark.parametrize("world", GLFT_APPROXIMATION)
def test_the_closed_form_beside_the_figures_of_glft(world: tuple[float, float, float, float]) -> None:
    sigma, a, k, gamma = world
    desk = Desk("glft", {"gamma": gamma}, sigma=sigma, bid=Intensity(a, k), ask=Intensity(a, k), bound=30.0)
    assert [desk.distances(q)[0] for q in INVENTORIES] == pytest.approx(GLFT_APPROXIMATION[world], abs=6e-7)


def test_certainty_equivalent_of_the_avellaneda_stoikov_world() -> None:
    assert solve_finite(problem(), 1.0).values[-1, 30] == pytest.approx(64.1334891548, rel=1e-11)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"ask_a": 90.0},
        {"ask_k": 2.5, "ask_a": 90.0},
        {"ask_k": 0.5},
        {"drift": 3.0},
        {"drift": -6.0, "ask_k": 3.0},
        {"sigma": 0.0},
        {"lots": 1},
        {"lots": 1, "ask_k": 2.0},
        {"lots": 4, "sigma": 100.0},
        {"order_size": 0.01, "gamma": 5.0},
        {"terminal": 0.5},
    ],
    ids=str,
)
def test_the_stationary_solution_solves_the_equation_and_is_where_time_leads(changes: dict[str, float]) -> None:
    given = problem(**changes)
    solution = solve_stationary(given)
    theta = np.concatenate(([0.0], -np.cumsum(solution.marginals) * given.order_size))
    scale = abs(solution.growth) + given.running_cost.max()
    assert slope(given, theta) == pytest.approx(np.full(len(theta), solution.growth), abs=1e-11 * scale)
    late = solve_finite(given, 200.0)
    assert late.marginals[-1] == pytest.approx(solution.marginals, rel=1e-9, abs=1e-11)
    growth = (late.values[-1] - solve_finite(given, 100.0).values[-1]) / 100.0
    assert growth == pytest.approx(np.full(len(theta), solution.growth), rel=1e-8)


@pytest.mark.parametrize("changes", [{"terminal": 0.05, "drift": 1.0}, {"ask_k": 2.5, "ask_a": 90.0}], ids=str)
def test_the_finite_solution_solves_the_equation(changes: dict[str, float]) -> None:
    given = problem(lots=6, **changes)
    solution = solve_finite(given, 0.4, steps_per_octave=4)
    start = -given.terminal * given.inventories**2
    reference = solve_ivp(
        lambda _t, theta: slope(given, theta), (0.0, 0.4), start, method="DOP853", t_eval=solution.times_s,
        rtol=1e-12, atol=1e-12,
    )  # fmt: skip
    assert solution.times_s[-1] == pytest.approx(0.4, rel=1e-14)
    assert (np.diff(solution.times_s) > 0.0).all()
    assert solution.values == pytest.approx(reference.y.T, rel=1e-7, abs=1e-7)
    assert solution.marginals == pytest.approx(-np.diff(reference.y.T, axis=1), rel=1e-7, abs=1e-7)


def test_no_time_left_leaves_the_terminal_penalty() -> None:
    for ask_k in (1.5, 2.0):
        solution = solve_finite(problem(lots=3, terminal=0.5, ask_k=ask_k), 0.0)
        assert solution.values.tolist() == [pytest.approx([-0.5 * q * q for q in range(-3, 4)])]


def test_the_stationary_law_is_that_of_the_chain() -> None:
    given = problem(lots=7, ask_k=2.0, ask_a=100.0, drift=1.0)
    bid, ask = Intensity(140.0, 1.5), Intensity(100.0, 2.0)
    x = solve_stationary(given).marginals
    bids, asks = np.append(0.6 + x, np.nan), np.append(np.nan, 0.5 - x)
    generator = np.diag(140.0 * np.exp(-1.5 * bids[:-1]), 1) + np.diag(100.0 * np.exp(-2.0 * asks[1:]), -1)
    generator -= np.diag(generator.sum(axis=1))
    law = stationary_law(given.inventories, bids, asks, bid, ask, 1.0, 2.0)
    assert law.probabilities @ generator == pytest.approx(np.zeros(15), abs=1e-12)
    assert law.probabilities.sum() == pytest.approx(1.0)
    assert law.inventory_pnl_variance_rate == pytest.approx(4.0 * (law.inventory_variance + law.mean_inventory**2))


def test_a_quote_is_the_solution_on_the_lattice_and_a_straight_line_between() -> None:
    desk = Desk("glft_exact", bound=8.0, ask=Intensity(0.7, 0.4), order_size=2.0)
    bid_eta, ask_eta = (optimal_fill_rate(s.a_per_s, s.k_per_price, 0.1, 0.0) for s in (desk.bid, desk.ask))
    x = solve_stationary(LatticeProblem(4, 2.0, 0.5 * 0.05 * 0.09, 0.0, bid_eta, 0.3, ask_eta, 0.4)).marginals
    bids, asks = risk_premium(0.1, 0.3) + x, risk_premium(0.1, 0.4) - x
    for n in range(-3, 4):
        assert desk.distances(2.0 * n) == pytest.approx((bids[n + 4], asks[n + 3]), rel=1e-12)
    for n in range(-3, 3):
        expected = 0.75 * bids[n + 4] + 0.25 * bids[n + 5]
        assert desk.distances(2.0 * n + 0.5)[0] == pytest.approx(expected, rel=1e-12)
    assert desk.distances(7.0)[0] == pytest.approx(1.5 * bids[7] - 0.5 * bids[6], rel=1e-12)
    assert desk.distances(8.0) == (math.inf, pytest.approx(asks[7]))


def test_a_session_is_read_between_the_times_of_its_table() -> None:
    for elapsed in (0.0, 3.3, 21.0, 29.0, 29.9, 29.999, 33.3):
        desk = Desk("glft_exact:session", elapsed_s=elapsed)
        eta = optimal_fill_rate(0.9, 0.3, 0.05, 0.0)
        exact = solve_finite(LatticeProblem(12, 1.0, 0.5 * 0.05 * 0.09, 0.0, eta, 0.3, eta, 0.3), 30.0 - elapsed % 30.0)
        x, premium = exact.marginals[-1], risk_premium(0.05, 0.3)
        for n in (-11, -4, 0, 5, 11):
            bid, ask = desk.distances(float(n))
            assert bid == pytest.approx(premium + x[n + 12], abs=5e-4 * abs(x[n + 12]) + 1e-6)
            assert ask == pytest.approx(premium - x[n + 11], abs=5e-4 * abs(x[n + 11]) + 1e-6)


def test_the_table_is_rebuilt_beyond_the_tolerance_alone() -> None:
    desk = Desk("glft_exact", {"rebuild_tolerance": 0.05})
    model = desk.model()
    first = model.table(desk.state())
    for name, near, far in (
        ("sigma", 0.3 * 1.02, 0.3 * 1.03),  # the tolerance is of its square
        ("bid", Intensity(0.94, 0.3), Intensity(0.95, 0.3)),
        ("ask", Intensity(0.9, 0.314), Intensity(0.9, 0.316)),
    ):
        assert model.table(Desk(desk.case, **{name: near}).state()) is first
        rebuilt = model.table(Desk(desk.case, **{name: far}).state())
        assert rebuilt is not first
        first = model.table(desk.state())


def test_a_rebuilt_table_quotes_what_a_new_model_does() -> None:
    calm, storm = Desk("glft_exact"), Desk("glft_exact", sigma=0.8, bid=Intensity(2.0, 0.5))
    model = calm.model()
    model.quote(calm.state(), 2.0, 0.0)
    assert model.quote(storm.state(), 2.0, 3.0) == storm.quote(2.0)


def test_cartea_jaimungal_penalva_is_glft_without_fill_risk() -> None:
    exact = Desk("glft_exact", {"fill_risk": "none"})
    penalty = Desk("cartea_jaimungal_penalva", {"running_penalty": 0.5 * 0.05 * 0.09, "adverse_jump_price": 0.2})
    for inventory in (-12.0, -3.5, 0.0, 4.0, 12.0):
        bid, ask = exact.distances(inventory)
        assert penalty.distances(inventory) == pytest.approx((bid + 0.2, ask + 0.2), rel=1e-12)


def test_the_closed_form_is_the_limit_of_a_wide_bound_and_a_small_skew() -> None:
    sides = {"bid": Intensity(0.9, 0.3), "ask": Intensity(0.6, 0.31)}
    exact, closed = (Desk(case, {"gamma": 1e-4}, sigma=0.1, bound=300.0, **sides) for case in ("glft_exact", "glft"))
    _, b = stationary_value(1e-4, 0.1, 1.0, 1e-4, 0.0, 0.9, 0.3, 0.6, 0.31)
    assert abs(b) > 1e-3
    even = Desk("glft_exact", {"gamma": 1e-4}, sigma=0.1, bound=300.0), Desk("glft", {"gamma": 1e-4}, sigma=0.1)
    assert even[0].distances(5.0) == pytest.approx(even[1].distances(5.0), rel=1e-5)
    for inventory in (-100.0, 0.0, 100.0):
        assert exact.distances(inventory) != pytest.approx(closed.distances(inventory), rel=1e-6)


def test_a_problem_that_is_none() -> None:
    with pytest.raises(ParameterError, match="inventory_bound must be at least one order size"):
        problem(lots=0)
    with pytest.raises(ParameterError, match="bid_k must be"):
        problem(bid_k=0.0)
    with pytest.raises(ParameterError, match="tau_s must be"):
        solve_finite(problem(), -1.0)
