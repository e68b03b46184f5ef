"""What must hold of every quoting model, and for each of these properties an implementation that breaks it."""

import dataclasses
import itertools
import math
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from model_kit import PARAMETERS, Desk

from mm_nautilus.market import Intensity
from mm_nautilus.models import (
    MODELS,
    avellaneda_stoikov,
    fills,
    generic_intensity,
    glft,
    glosten_milgrom,
    ho_stoll,
    intensities,
    lattice,
    lattice_table,
)
from mm_nautilus.models import base as base_module
from mm_nautilus.models.base import BoundedModel

CASES = sorted(PARAMETERS)
FIXED_WIDTH = ["avellaneda_stoikov", "ho_stoll", "ho_stoll:first_order", "glft", "glft:none"]
EXPONENTIAL_STATIONARY = ["generic_intensity", "glft", "glft:none"]
EXACT = ["glft_exact", "glft_exact:session", "cartea_jaimungal_penalva", "cartea_jaimungal_penalva:session"]
WITH_GAMMA = [case for case in CASES if "gamma" in PARAMETERS[case]]
CLOSE = {"rel": 1e-9, "abs": 1e-11}
UNEVEN = {"bid": Intensity(0.9, 0.3), "ask": Intensity(0.6, 0.4), "bid_size": 5.0}


def with_a_carry(case: str) -> dict[str, Any]:
    carry: dict[str, Any] = {"target_inventory": 1.5, "drift_price_per_s": 0.002}
    if "skew_price_per_base" in PARAMETERS[case]:
        carry["quote_lifetime_s"] = 2.0
    return carry


# The properties, each a function of the case it is asked of, that raises AssertionError where it does not hold.


def mirror(case: str) -> None:
    """Calling buying selling swaps the two distances, with two different sides, a target and a drift."""
    desk = Desk(case, with_a_carry(case), **UNEVEN)
    for inventory in (-7.0, -2.5, 0.0, 1.0, 6.0):
        bid, ask = desk.distances(inventory)
        assert desk.mirrored().distances(-inventory) == pytest.approx((ask, bid), **CLOSE)


def falls_with_inventory(case: str) -> None:
    """More inventory never raises a quote, and lowers both at the centre."""
    desk = Desk(case)
    quotes = [desk.quote(0.5 * step) for step in range(-23, 24)]
    for lower, upper in itertools.pairwise(quotes):
        assert upper.bid <= lower.bid
        assert upper.ask <= lower.ask
    assert quotes[24].bid < quotes[22].bid
    assert quotes[24].ask < quotes[22].ask


def width_does_not_depend_on_inventory(case: str) -> None:
    desk = Desk(case)
    widths = {round(sum(desk.distances(float(inventory))), 10) for inventory in range(-5, 6)}
    assert len(widths) == 1


def units_cancel(case: str) -> None:
    """Quotes are prices: other units of price, base and time change them by the unit of price alone."""
    desk = Desk(case, with_a_carry(case) | {"own_impact_price": 0.1}, **UNEVEN)
    for inventory in (-3.0, 0.5, 4.0):
        bid, ask = desk.distances(inventory)
        there = desk.rescaled(price=1.6, base=250.0, time=60.0)
        assert there.distances(inventory * 250.0) == pytest.approx((1.6 * bid, 1.6 * ask), rel=1e-7)


def indifference_to_risk(case: str) -> None:
    """Without risk aversion a maker quotes 1/k away, whatever he holds."""
    desk = Desk(case, {"gamma": 1e-14}, bid=Intensity(0.9, 0.3), ask=Intensity(0.9, 0.4))
    for inventory in (-3.0, 0.0, 2.0):
        assert desk.distances(inventory) == pytest.approx((1.0 / 0.3, 1.0 / 0.4), rel=1e-4)


def wider_with_volatility_tighter_with_flow(case: str) -> None:
    def width(sigma: float = 0.3, a: float = 0.9, k: float = 0.3) -> float:
        return sum(Desk(case, sigma=sigma, bid=Intensity(a, k), ask=Intensity(a, k)).distances())

    assert width(sigma=0.2) < width() < width(sigma=0.5)
    assert width(a=1.5) < width() < width(a=0.5)
    assert width(k=0.5) < width() < width(k=0.2)


def cost_is_earned_back(case: str) -> None:
    """A fee thins out fills by exp(-k fee) and moves both quotes out by itself; a rebate moves them in."""
    for rate in (0.01, -0.005):
        cost = rate * 100.0
        thinner = Intensity(0.9 * math.exp(-0.3 * cost), 0.3)
        for inventory in (-4.0, 0.0, 3.0):
            bid, ask = Desk(case, bid=thinner, ask=thinner).distances(inventory)
            charged = Desk(case, {"maker_fee_rate": rate}).distances(inventory)
            assert charged == pytest.approx((bid + cost, ask + cost), **CLOSE)


def cost_moves_out(case: str) -> None:
    """A fee moves both quotes out and a rebate in, and an own impact is a fee of half of it."""
    plain, charged, paid = (Desk(case, {"maker_fee_rate": rate}).distances() for rate in (0.0, 0.004, -0.004))
    assert paid[0] < plain[0] < charged[0]
    assert paid[1] < plain[1] < charged[1]
    if ":session" not in case:  # there the impact of closing at the end is a terminal penalty besides
        assert Desk(case, {"own_impact_price": 0.8}).distances() == pytest.approx(charged, **CLOSE)


def symmetric_at_the_target(case: str) -> None:
    """Quotes are symmetric at q* = target + mu/(gamma sigma^2)."""
    stated, drift = 0.75, 0.05 * 0.3**2 * 1.25
    desk = Desk(case, {"target_inventory": stated, "drift_price_per_s": drift}, bound=60.0)
    bid, ask = desk.distances(stated + 1.25)
    assert bid == pytest.approx(ask, rel=1e-9)
    bid, ask = desk.distances(0.0)
    assert bid < ask


def carry_is_a_drift(case: str) -> None:
    """Funding of a long position, and a return to a mean from above, are a drift against it."""
    lasting = {"quote_lifetime_s": 2.0} if "skew_price_per_base" in PARAMETERS[case] else {}
    drifting = Desk(case, lasting | {"drift_price_per_s": -0.002})
    funded = Desk(case, lasting | {"funding_rate_per_s": 2e-5})
    reverting = Desk(case, lasting | {"mean_reversion_per_s": 1e-6, "mean_price": 100.0 - 2_000.0})
    for inventory in (-2.0, 0.0, 3.0):
        expected = drifting.distances(inventory)
        assert expected != Desk(case).distances(inventory)
        assert funded.distances(inventory) == pytest.approx(expected, rel=1e-3)
        assert reverting.distances(inventory) == pytest.approx(expected, rel=1e-3)


def nothing_at_the_bound(case: str) -> None:
    """At its bound and beyond a model quotes the reducing side alone, at a finite price."""
    for bound in (12.0, 2.0, 1.0, 2.5):
        for uneven in ({}, UNEVEN):
            desk = Desk(case, with_a_carry(case), bound=bound, **uneven)
            for beyond in (0.0, 1e-9, 3.0, 1e6):
                long, short = desk.quote(bound + beyond), desk.quote(-bound - beyond)
                assert long.bid_half_spread is None
                assert short.ask_half_spread is None
                assert math.isfinite(long.ask)
                assert math.isfinite(short.bid)
            inside = desk.quote(bound * (1.0 - 1e-6))
            assert math.isfinite(inside.bid)
            assert math.isfinite(inside.ask)


def the_past_does_not_matter(case: str) -> None:
    """What a model keeps for the next quote is never in it."""
    model = Desk(case).model()
    for desk in (Desk(case), Desk(case, sigma=0.8, **UNEVEN), Desk(case, fair=80.0), Desk(case, bid=UNEVEN["ask"])):
        assert model.quote(desk.state(), 2.0, 3.0) == desk.quote(2.0)


PROPERTIES: list[tuple[Callable[[str], None], list[str]]] = [
    (mirror, CASES),
    (falls_with_inventory, CASES),
    (width_does_not_depend_on_inventory, FIXED_WIDTH),
    (units_cancel, CASES),
    (indifference_to_risk, [*FIXED_WIDTH, "generic_intensity", "generic_intensity:linear"]),
    (wider_with_volatility_tighter_with_flow, ["generic_intensity", "glft", "glft:none", "glft_exact"]),
    (cost_is_earned_back, [*EXPONENTIAL_STATIONARY, *EXACT, "avellaneda_stoikov", "avellaneda_stoikov_infinite"]),
    (cost_moves_out, CASES),
    (symmetric_at_the_target, [c for c in WITH_GAMMA if "exact" not in c]),
    (carry_is_a_drift, CASES),
    (nothing_at_the_bound, CASES),
    (the_past_does_not_matter, CASES),
]


@pytest.mark.parametrize(
    ("holds", "case"), [pytest.param(p, case, id=f"{p.__name__}-{case}") for p, cases in PROPERTIES for case in cases]
)
def test_property(holds: Callable[[str], None], case: str) -> None:
    holds(case)


def test_every_model_is_held_to_the_properties() -> None:
    assert {case.partition(":")[0] for case in CASES} == set(MODELS)


# Broken implementations: the property, the case, where, and what stands there instead.


def _upside_down(fair_value: float, inventory: float, gamma: float, variance: float) -> float:
    return fair_value + inventory * gamma * variance


TRUE_PREMIUM, TRUE_VALUE, TRUE_FILLS = fills.risk_premium, fills.quadratic_value, fills.optimal_fill_rate
TRUE_STATIONARY = lattice.solve_stationary


def _one_sided_value(*given: float) -> tuple[float, float]:
    a, b = TRUE_VALUE(*given)
    return a, b + 0.01


def _skew_of_a_unit_order(gamma: float, sigma: float, _size: float, *sides: float) -> tuple[float, float]:
    return TRUE_VALUE(gamma, sigma, 1.0, *sides)


def _value_of_variance(gamma: float, sigma: float, size: float, *sides: float) -> tuple[float, float]:
    a, b = TRUE_VALUE(gamma, 1.0 / sigma, size, *sides)
    return a, b


def _double_premium(xi_size: float, k: float) -> float:
    return 2.0 * TRUE_PREMIUM(xi_size, k)


def _fills_free_of_charge(a: float, k: float, xi_size: float, _cost: float) -> float:
    return TRUE_FILLS(a, k, xi_size, 0.0)


def _no_cost(_self: BoundedModel, _fair_value: float) -> float:
    return 0.0


def _no_drift(_self: BoundedModel, _fair_value: float) -> float:
    return 0.0


def _half_of_the_target(move: float, risk: float, bound: float) -> float:
    return 0.5 * TRUE_CLIPPED(move, risk, bound)


TRUE_CLIPPED = base_module.clipped_target


def _both_sides(_self: BoundedModel, centre: float, bid: float, ask: float, _inventory: float) -> Any:
    from mm_nautilus.market import Quote

    return Quote(centre, bid, ask)


def _backwards(problem: Any) -> Any:
    solution = TRUE_STATIONARY(problem)
    return dataclasses.replace(solution, marginals=-solution.marginals)


def _crooked(problem: Any) -> Any:
    solution = TRUE_STATIONARY(problem)
    return dataclasses.replace(solution, marginals=solution.marginals + 0.01)


def _informed_either_way(probability_high: float, informed_share: float) -> float:
    return probability_high + (0.1 if informed_share > 0.0 else -0.05)


def _cost_and_a_half(intensity: Any, cost: float, xi_size: float) -> float:
    return intensities.best_distance(intensity, 1.5 * cost, xi_size)


def _skewless_distance(alpha: float, beta: float, _value_lost: float) -> float:
    return 0.5 * alpha / beta


@pytest.mark.parametrize(
    ("holds", "case", "where", "name", "broken"),
    [
        (mirror, "glft", glft, "quadratic_value", _one_sided_value),
        (mirror, "glft_exact", lattice_table, "solve_stationary", _crooked),
        (mirror, "cartea_jaimungal_penalva", lattice_table, "solve_stationary", _crooked),
        (mirror, "glosten_milgrom", glosten_milgrom, "belief_after", _informed_either_way),
        (falls_with_inventory, "avellaneda_stoikov", avellaneda_stoikov, "reservation_price", _upside_down),
        (falls_with_inventory, "glft_exact", lattice_table, "solve_stationary", _backwards),
        (falls_with_inventory, "ho_stoll", ho_stoll, "distance", _skewless_distance),
        (units_cancel, "glft", glft, "quadratic_value", _skew_of_a_unit_order),
        (units_cancel, "generic_intensity:power", generic_intensity, "quadratic_value", _skew_of_a_unit_order),
        (indifference_to_risk, "glft", glft, "risk_premium", _double_premium),
        (indifference_to_risk, "avellaneda_stoikov", avellaneda_stoikov, "risk_premium", _double_premium),
        (wider_with_volatility_tighter_with_flow, "glft", glft, "quadratic_value", _value_of_variance),
        (cost_is_earned_back, "glft", glft, "cost_discount", lambda _k, _cost: 1.0),
        (cost_is_earned_back, "glft_exact", lattice_table, "optimal_fill_rate", _fills_free_of_charge),
        (cost_is_earned_back, "generic_intensity", generic_intensity, "best_distance", _cost_and_a_half),
        (symmetric_at_the_target, "glft", base_module, "clipped_target", _half_of_the_target),
        (symmetric_at_the_target, "ho_stoll", base_module, "clipped_target", _half_of_the_target),
        *((cost_moves_out, case, BoundedModel, "fill_cost", _no_cost) for case in CASES),
        *((carry_is_a_drift, case, BoundedModel, "drift", _no_drift) for case in CASES),
        *(
            (nothing_at_the_bound, case, BoundedModel, "bounded", _both_sides)
            for case in CASES
            if case != "avellaneda_stoikov_infinite"  # its formula has no price there
        ),
    ],
)
def test_a_broken_model_is_found(
    holds: Callable[[str], None],
    case: str,
    where: Any,
    name: str,
    broken: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(where, name, broken)
    with pytest.raises(AssertionError):
        holds(case)


@pytest.mark.parametrize("case", ["glft", "generic_intensity", "glft_exact", "cartea_jaimungal_penalva"])
def test_a_model_that_clings_to_the_past_is_found(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    kind = MODELS[case.partition(":")[0]]
    fresh = kind.quote

    def clinging(self: BoundedModel, state: Any, inventory: float, elapsed_s: float) -> Any:
        return fresh(self, vars(self).setdefault("_first", state), inventory, elapsed_s)

    monkeypatch.setattr(kind, "quote", clinging)
    with pytest.raises(AssertionError):
        the_past_does_not_matter(case)


def test_a_cost_that_leaves_no_fills_is_no_quote() -> None:
    for case in ("glft_exact", "cartea_jaimungal_penalva", "glft"):
        with pytest.raises(ArithmeticError):
            Desk(case, {"own_impact_price": 1e5}).quote()


def test_a_width_that_depends_on_inventory_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def bounded(self: BoundedModel, centre: float, bid: float, ask: float, inventory: float) -> Any:
        return true_bounded(self, centre, bid + 1e-4 * abs(inventory), ask, inventory)

    true_bounded = BoundedModel.bounded
    monkeypatch.setattr(BoundedModel, "bounded", bounded)
    for case in FIXED_WIDTH:
        with pytest.raises(AssertionError):
            width_does_not_depend_on_inventory(case)


sizes = st.floats(1e-3, 1e3)


@settings(max_examples=150, deadline=None)
@given(
    case=st.sampled_from(CASES),
    fair=st.floats(1.0, 1e5),
    sigma=st.floats(0.0, 0.05),
    a=sizes,
    k=st.floats(2.0, 500.0),
    order=sizes,
    lots=st.floats(1.0, 25.0),
    held=st.floats(-1.5, 1.5),
    aversion=st.floats(1e-6, 10.0),
)
def test_a_quote_is_finite_or_absent(
    case: str, fair: float, sigma: float, a: float, k: float, order: float, lots: float, held: float, aversion: float
) -> None:
    """In any market, volatility included that is 0: distances in half-spreads, risk aversion in k per order."""
    side, other = Intensity(a, k / fair), Intensity(1.3 * a, 0.8 * k / fair)
    changes: dict[str, Any] = {}
    if "gamma" in PARAMETERS[case]:
        changes["gamma"] = aversion * k / fair / order
    desk = Desk(
        case, changes, fair=fair, sigma=sigma * fair / k, bid=side, ask=other, order_size=order, bound=lots * order
    )
    quote = desk.quote(held * desk.bound)
    assert math.isfinite(quote.reservation_price)
    assert quote.bid is None or math.isfinite(quote.bid)
    assert quote.ask is None or math.isfinite(quote.ask)
    assert (quote.bid is None) == (held * desk.bound >= desk.bound)
    assert (quote.ask is None) == (held * desk.bound <= -desk.bound)
