"""What every quoting model must satisfy, with two different sides too."""

import math

from hypothesis import assume, given
from hypothesis import strategies as st

from mm_nautilus.market import Intensity, MarketState, Quote, TopOfBook
from mm_nautilus.models.avellaneda_stoikov import AvellanedaStoikov, AvellanedaStoikovParameters
from mm_nautilus.models.glft import Glft, GlftParameters
from mm_nautilus.models.protocol import QuotingModel
from mm_nautilus.models.symmetric import Symmetric, SymmetricParameters

SIDE = st.builds(Intensity, st.floats(0.05, 200.0), st.floats(0.05, 20.0))
SIGMA = st.floats(0.01, 5.0)
GAMMA = st.floats(1e-4, 2.0)
INVENTORY = st.floats(-20.0, 20.0)
SIZE = st.floats(0.01, 5.0)
FEE_RATE = st.sampled_from((0.0, 0.001, -0.0005))


def state(bid: Intensity, ask: Intensity, sigma: float, fair_value: float = 100.0) -> MarketState:
    return MarketState(0, TopOfBook(fair_value - 1, fair_value + 1, 1.0, 1.0), fair_value, sigma, bid, ask)


def models(gamma: float, size: float, fee_rate: float = 0.0) -> list[QuotingModel]:
    """Return one of each model."""
    return [
        AvellanedaStoikov(AvellanedaStoikovParameters(gamma=gamma, horizon_s=3.0, maker_fee_rate=fee_rate), size),
        Glft(GlftParameters(gamma=gamma, maker_fee_rate=fee_rate), size),
        Glft(GlftParameters(gamma=gamma, fill_risk="none", maker_fee_rate=fee_rate), size),
        Symmetric(SymmetricParameters(half_spread=0.5, maker_fee_rate=fee_rate), size),
    ]


def distances(quote: Quote, fair_value: float = 100.0) -> tuple[float, float]:
    """Return how far bid and ask stand from the fair value."""
    assert quote.bid is not None
    assert quote.ask is not None
    return fair_value - quote.bid, quote.ask - fair_value


def near(found: float, wanted: float, scale: float) -> bool:
    return math.isclose(found, wanted, rel_tol=1e-9, abs_tol=1e-9 * max(scale, 1.0))


@given(bid=SIDE, ask=SIDE, sigma=SIGMA, gamma=GAMMA, size=SIZE, inventory=INVENTORY, fee_rate=FEE_RATE)
def test_mirroring_the_market_and_the_position_mirrors_the_quote(
    bid: Intensity, ask: Intensity, sigma: float, gamma: float, size: float, inventory: float, fee_rate: float
) -> None:
    for model in models(gamma, size, fee_rate):
        below, above = distances(model.quote(state(bid, ask, sigma), inventory, 1.0))
        above_mirrored, below_mirrored = distances(model.quote(state(ask, bid, sigma), -inventory, 1.0))[::-1]
        scale = 100.0 + abs(below) + abs(above)
        assert near(below, above_mirrored, scale), model.name
        assert near(above, below_mirrored, scale), model.name


@given(bid=SIDE, ask=SIDE, sigma=SIGMA, gamma=GAMMA, size=SIZE, inventory=INVENTORY, more=st.floats(0.1, 5.0))
def test_more_inventory_lowers_both_quotes(
    bid: Intensity, ask: Intensity, sigma: float, gamma: float, size: float, inventory: float, more: float
) -> None:
    *skewing, control = models(gamma, size)
    for model in skewing:
        market = state(bid, ask, sigma)
        before, after = (model.quote(market, q, 1.0) for q in (inventory, inventory + more))
        assume(before.reservation_price - after.reservation_price > 1e-9 * 100.0 or sigma > 0.1)
        assert after.reservation_price < before.reservation_price, model.name
        assert after.bid_half_spread == before.bid_half_spread, "inventory moves the centre and never the width"
        assert after.ask_half_spread == before.ask_half_spread
    assert control.quote(market, inventory, 1.0) == control.quote(market, inventory + more, 1.0)


@given(side=SIDE, sigma=SIGMA, inventory=INVENTORY, size=SIZE)
def test_without_risk_aversion_the_maker_stands_one_over_k_away(
    side: Intensity, sigma: float, inventory: float, size: float
) -> None:
    *skewing, _control = models(1e-18, size)
    for model in skewing:
        for distance in distances(model.quote(state(side, side, sigma), inventory, 1.0)):
            assert math.isclose(distance, 1.0 / side.k_per_price, rel_tol=1e-6, abs_tol=1e-6), model.name


@given(bid=SIDE, ask=SIDE, sigma=SIGMA, gamma=GAMMA, size=SIZE, inventory=INVENTORY, scale=st.floats(0.1, 10.0))
def test_counting_base_in_other_units_changes_no_price(
    bid: Intensity, ask: Intensity, sigma: float, gamma: float, size: float, inventory: float, scale: float
) -> None:
    """With gamma, q and the order size in units ``scale`` times smaller, fills a second stay the same."""
    for model, scaled in zip(models(gamma, size), models(gamma / scale, size * scale), strict=True):
        found = distances(model.quote(state(bid, ask, sigma), inventory, 1.0))
        again = distances(scaled.quote(state(bid, ask, sigma), inventory * scale, 1.0))
        for one, other in zip(found, again, strict=True):
            assert near(one, other, 100.0 + abs(one)), model.name


@given(bid=SIDE, ask=SIDE, sigma=SIGMA, gamma=GAMMA, size=SIZE, inventory=INVENTORY, scale=st.floats(0.1, 10.0))
def test_counting_prices_in_other_units_scales_the_quote(
    bid: Intensity, ask: Intensity, sigma: float, gamma: float, size: float, inventory: float, scale: float
) -> None:
    """(S, sigma, 1/k, 1/gamma) times a factor moves every price by that factor."""
    *skewing, _control = models(gamma, size)
    *rescaled, _control = models(gamma / scale, size)
    for model, scaled in zip(skewing, rescaled, strict=True):
        found = distances(model.quote(state(bid, ask, sigma), inventory, 1.0))
        slower = [Intensity(side.a_per_s, side.k_per_price / scale) for side in (bid, ask)]
        again = distances(
            scaled.quote(state(slower[0], slower[1], sigma * scale, 100.0 * scale), inventory, 1.0), 100.0 * scale
        )
        for one, other in zip(found, again, strict=True):
            assert near(one * scale, other, scale * (100.0 + abs(one))), model.name


@given(side=SIDE, sigma=SIGMA, gamma=GAMMA, size=SIZE, factor=st.floats(1.1, 3.0))
def test_glft_width_grows_with_volatility_and_shrinks_with_flow(
    side: Intensity, sigma: float, gamma: float, size: float, factor: float
) -> None:
    model = Glft(GlftParameters(gamma=gamma), size)

    def width(intensity: Intensity, volatility: float) -> float:
        return sum(distances(model.quote(state(intensity, intensity, volatility), 0.0, 1.0)))

    here = width(side, sigma)
    assert width(side, sigma * factor) > here
    assert width(Intensity(side.a_per_s * factor, side.k_per_price), sigma) < here
    assert width(Intensity(side.a_per_s, side.k_per_price * factor), sigma) < here


@given(side=SIDE, sigma=SIGMA, gamma=GAMMA, size=SIZE, inventory=INVENTORY)
def test_equal_sides_make_glft_symmetric_around_its_target(
    side: Intensity, sigma: float, gamma: float, size: float, inventory: float
) -> None:
    model = Glft(GlftParameters(gamma=gamma, target_inventory=inventory), size)
    below, above = distances(model.quote(state(side, side, sigma), inventory, 1.0))
    assert near(below, above, 100.0 + abs(below))


@given(bid=SIDE, ask=SIDE, sigma=SIGMA, gamma=GAMMA, size=SIZE)
def test_glft_quotes_are_stationary_points_of_the_ergodic_value(
    bid: Intensity, ask: Intensity, sigma: float, gamma: float, size: float
) -> None:
    """The coefficients solve the quadratic expansion they come from, checked without its algebra.

    With ``theta(q) = -a q^2 - b q`` and fills priced by their expansion to second order at zero, the
    drift of the value must not depend on inventory: its first and second derivative in q vanish.
    """
    from mm_nautilus.models.glft import curvature, quadratic_value

    hb, ha = (curvature(side.a_per_s, side.k_per_price, gamma * size, 0.0) for side in (bid, ask))
    a, b = quadratic_value(gamma, sigma, size, hb, ha, bid.k_per_price, ask.k_per_price, 0.0)

    def theta(q: float) -> float:
        return -a * q * q - b * q

    def drift(q: float) -> float:
        gained = 0.0
        for side, h, k in ((1, hb, bid.k_per_price), (-1, ha, ask.k_per_price)):
            p = (theta(q) - theta(q + side * size)) / size
            gained += size * (-h / k * p + h * p * p / 2)
        return gained - gamma * sigma**2 * q * q / 2

    step = size * 10
    left, middle, right = drift(-step), drift(0.0), drift(step)
    scale = gamma * sigma**2 * step**2 + abs(left - middle) * 1e-3 + 1e-12
    assert abs(right - left) < 1e-6 * scale + 1e-9 * abs(middle)
    assert abs(left - 2 * middle + right) < 1e-6 * scale + 1e-9 * abs(middle)
