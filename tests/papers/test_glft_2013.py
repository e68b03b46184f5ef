"""Exact and closed-form quotes of Guéant, Lehalle and Fernandez-Tapia against an 80-digit solution."""

from itertools import pairwise
from math import sqrt

import glft_2013 as paper
import pytest

# Bid distance at -10, -5, 0, 5, 10 and 20 units: exact, then closed form; then the spread at 0 and 20 units, the
# inventory deviation (exact, Gaussian), what fills earn per second and how many there are, computed independently.
REFERENCE = {
    "0.3, 0.9, 0.3, 0.01": (
        (2.632802, 2.972522, 3.313045, 3.653480, 3.992933, 4.665542),
        (2.634257, 2.973586, 3.312915, 3.652244, 3.991574, 4.670232),
        (6.626091, 6.624742, 4.9493, 4.9556, 2.195747, 0.669643),
    ),
    "0.4, 0.9, 0.3, 0.01": (
        (2.417367, 2.869957, 3.324458, 3.778746, 4.230704, 5.119731),
        (2.419348, 2.871787, 3.324226, 3.776665, 4.229104, 5.133982),
        (6.648916, 6.645673, 4.2844, 4.2917, 2.192002, 0.668501),
    ),
    "1, 0.2, 0.3, 0.01": (
        (-1.072185, 1.100245, 3.525651, 5.918517, 8.022747, 11.245444),
        (-1.279915, 1.119505, 3.518924, 5.918344, 8.317763, 13.116602),
        (7.051302, 6.830497, 1.8465, 1.8636, 0.472787, 0.144187),
    ),
    "0.6, 0.9, 0.9, 0.01": (
        (0.368630, 0.751100, 1.144474, 1.536590, 1.915624, 2.604226),
        (0.364583, 0.754268, 1.143952, 1.533636, 1.923321, 2.702689),
        (2.288948, 2.274046, 2.6581, 2.6699, 0.722845, 0.654169),
    ),
    "2, 140, 1.5, 0.1": (
        (0.158073, 0.410452, 0.671628, 0.931780, 1.181420, 1.627164),
        (0.154072, 0.412658, 0.671244, 0.929830, 1.188416, 1.705588),
        (1.343255, 1.331779, 2.5263, 2.5388, 67.303949, 104.284925),
    ),
}


@pytest.mark.parametrize("setting", paper.SETTINGS, ids=str)
def test_both_solutions_agree_with_the_reference(setting: paper.Setting) -> None:
    exact, closed, (spread_flat, spread_long, std, gaussian, edge, fills) = REFERENCE[str(setting)]
    found = paper.compare(setting)
    assert [found.exact_bids[q] for q in paper.SHOWN] == pytest.approx(exact, abs=6e-7)
    assert [found.closed_bids[q] for q in paper.SHOWN] == pytest.approx(closed, abs=6e-7)
    for inventory, spread in ((0, spread_flat), (20, spread_long)):
        assert found.exact_bids[inventory] + found.exact_bids[-inventory] == pytest.approx(spread, abs=6e-7)
    assert sqrt(found.law.inventory_variance) == pytest.approx(std, abs=6e-5)
    assert found.gaussian_std == pytest.approx(gaussian, abs=6e-5)
    assert found.law.edge_rate == pytest.approx(edge, abs=6e-7)
    assert found.law.fill_rate == pytest.approx(fills, abs=6e-7)


def test_the_closed_form_skews_too_much_far_from_flat() -> None:
    found = paper.compare(paper.SETTINGS[2])
    assert found.closed_bids[20] - found.exact_bids[20] == pytest.approx(1.871, abs=1e-3)
    assert abs(found.closed_bids[0] - found.exact_bids[0]) < 0.01


def test_the_exact_spread_falls_with_inventory() -> None:
    for setting in paper.SETTINGS:
        found = paper.compare(setting).exact_bids
        spreads = [found[q] + found[-q] for q in range(21)]
        assert all(later < earlier for earlier, later in pairwise(spreads))
