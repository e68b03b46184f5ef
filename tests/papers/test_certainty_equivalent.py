"""What each policy is worth: nobody beats the optimum, and the closed form of 2008 is far below it."""

import certainty_equivalent as paper
import pytest

from mm_nautilus.market import MarketState, Quote
from mm_nautilus.models.glft import Glft, GlftParameters

# Certainty equivalent, mean and deviation, by an independent recursion in small steps (Richardson-extrapolated).
REFERENCE = {
    "GLFT, closed form": (64.0675, 67.4023, 8.2544),
    "Avellaneda-Stoikov": (61.4034, 63.9923, 7.2858),
}


@pytest.fixture(scope="module")
def worths() -> dict[str, paper.Worth]:
    return {name: paper.worth(model) for name, model in paper.models().items()}


def test_the_optimum_is_that_of_the_theory() -> None:
    assert paper.optimum() == pytest.approx(64.1334891548, abs=1e-8)


@pytest.mark.parametrize("name", REFERENCE)
def test_closed_forms_are_worth_what_the_reference_says(worths: dict[str, paper.Worth], name: str) -> None:
    found = worths[name]
    assert (found.certainty_equivalent, found.mean, found.std) == pytest.approx(REFERENCE[name], abs=3e-4)


def test_the_exact_policy_reaches_the_optimum(worths: dict[str, paper.Worth]) -> None:
    found = worths["GLFT, exact"]
    assert found.certainty_equivalent == pytest.approx(paper.optimum(), abs=1e-4)
    assert (found.mean, found.std) == pytest.approx((67.5443, 8.3515), abs=3e-4)


def test_nobody_beats_the_optimum_and_glft_beats_avellaneda_stoikov(worths: dict[str, paper.Worth]) -> None:
    assert all(one.certainty_equivalent <= paper.optimum() + 1e-4 for one in worths.values())
    lead = worths["GLFT, closed form"].certainty_equivalent - worths["Avellaneda-Stoikov"].certainty_equivalent
    assert lead == pytest.approx(2.664, abs=1e-2)


def test_a_policy_that_skews_the_wrong_way_is_worth_less() -> None:
    class Backwards(Glft):
        def quote(self, state: MarketState, inventory: float, elapsed_s: float) -> Quote:
            return super().quote(state, -inventory, elapsed_s)

    backwards = paper.worth(Backwards(GlftParameters(gamma=paper.GAMMA), 1.0, 5.0), bound=5)
    forwards = paper.worth(Glft(GlftParameters(gamma=paper.GAMMA), 1.0, 5.0), bound=5)
    assert backwards.certainty_equivalent < forwards.certainty_equivalent < paper.optimum(bound=5)
