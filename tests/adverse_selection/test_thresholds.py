"""The chance above which a fill is not wanted, from what held-out fills were worth."""

import numpy as np
import pytest

from mm_nautilus.adverse_selection.classifier.scores import Blocks
from mm_nautilus.adverse_selection.classifier.thresholds import NEVER_HIGH, unwanted_above
from mm_nautilus.adverse_selection.classifier.training import Band
from mm_nautilus.adverse_selection.fill_risk import side_response
from mm_nautilus.adverse_selection.fill_settings import FillRiskSettings


def bands(*markouts_bps: float | None, fills: int = 100, error_bps: float = 0.1) -> list[Band]:
    edges = [None, *(0.2 * number for number in range(1, len(markouts_bps)))]
    return [Band("", edge, fills, 0.5, value, error_bps) for edge, value in zip(edges, markouts_bps, strict=True)]


def test_the_threshold_is_where_fills_begin_to_lose_money() -> None:
    assert unwanted_above(bands(3.0, 1.0, -1.0, -2.0)) == 0.4
    assert unwanted_above(bands(3.0, 1.0, 0.5, -2.0)) == 0.2 * 3


def test_where_nothing_loses_nothing_is_avoided() -> None:
    assert unwanted_above(bands(3.0, 2.0, 1.0)) == NEVER_HIGH
    assert side_response(1.0, 0.0, 0.0, FillRiskSettings(high_risk=NEVER_HIGH, low_risk=0.0)).spread == 1.0


def test_a_single_good_band_among_bad_ones_is_noise_where_the_sum_is_lower_without_it() -> None:
    assert unwanted_above(bands(3.0, -2.0, 0.5, -2.0)) == 0.2
    assert unwanted_above(bands(3.0, -1.0, 4.0, -2.0)) == 0.2 * 3


def test_a_loss_within_chance_is_none() -> None:
    assert unwanted_above(bands(3.0, 1.0, -1.0, error_bps=0.5)) == 0.4
    assert unwanted_above(bands(3.0, 1.0, -1.0, error_bps=0.7)) == NEVER_HIGH
    assert unwanted_above(bands(3.0, 1.0, -1.0, -1.0, error_bps=0.7)) == 0.4, "two such losses are no chance"


def test_errors_of_a_band_count_fills_of_a_block_as_one_piece_of_evidence() -> None:
    values = np.random.default_rng(0).normal(size=400)
    alone = Blocks(np.arange(400, dtype=np.int64), 1, 0).standard_error(values, np.ones(400, dtype=bool))
    assert alone == pytest.approx(values.std(ddof=1) / 20.0)
    ten = Blocks(np.arange(4000, dtype=np.int64), 10, 0)
    assert ten.standard_error(np.repeat(values, 10), np.ones(4000, dtype=bool)) == pytest.approx(alone)
    assert ten.standard_error(np.repeat(values, 10), np.arange(4000) < 10) is None


def test_fees_and_rebates_move_the_point_of_no_gain() -> None:
    assert unwanted_above(bands(3.0, 1.0, 0.5), break_even_bps=0.7) == 0.4
    assert unwanted_above(bands(3.0, 1.0, -0.5), break_even_bps=-0.6) == NEVER_HIGH


def test_the_lowest_band_is_never_avoided_and_empty_bands_say_nothing() -> None:
    assert unwanted_above(bands(-3.0, -1.0, None)) == 0.2
