"""Which fills are adverse, and which data are refused."""

import numpy as np
import pytest

from mm_nautilus.adverse_selection.classifier.labels import LabelSettings, labelled
from mm_nautilus.errors import DataError

S = 1_000_000_000
NAMES = ("a", "b")


def fills(count=400, seed=0, **changes):
    """Return arguments of `labelled`: fills a second apart in a random walk, whose data end with the last horizon."""
    rng = np.random.default_rng(seed)
    mid_ts = np.arange(0, (count + 6) * 10) * (S // 10)
    mid = 100.0 + np.cumsum(rng.choice((-0.01, 0.01), len(mid_ts)))
    ts = np.arange(count) * S
    side = rng.choice((-1, 1), count)
    arguments = {
        "fill_ts_ns": ts,
        "side": side,
        "price": mid[np.arange(count) * 10] - 0.01 * side,
        "features": rng.normal(size=(count, 2)),
        "names": NAMES,
        "mid_ts_ns": mid_ts,
        "mid": mid,
        "label": LabelSettings(),
    }
    return arguments | changes


def test_a_fill_is_adverse_where_its_markout_is_negative() -> None:
    given = fills()
    found = labelled(**given)
    later = given["mid"][np.arange(400) * 10 + 50]
    worth = given["side"] * (later - given["price"])
    assert found.adverse.tolist() == (worth < 0.0).tolist()
    mid = given["mid"][np.arange(400) * 10]
    assert found.markout_bps == pytest.approx(1e4 * worth / mid)
    assert (found.known_ns - found.ts_ns == 5 * S).all()
    strict = labelled(**fills(label=LabelSettings(threshold_bps=-1.0)))
    assert strict.adverse.tolist() == (1e4 * worth / mid < -1.0).tolist()


def test_a_label_rests_on_nothing_after_its_horizon() -> None:
    given, changed = fills(), fills()
    changed["mid"] = np.where(given["mid_ts_ns"] > 205 * S, 1.0, given["mid"])
    before, after = labelled(**given), labelled(**changed)
    known = before.known_ns <= 205 * S
    assert known.sum() == 201
    assert (before.adverse[known] == after.adverse[known]).all()
    assert (before.adverse[~known] != after.adverse[~known]).any()


def test_fills_whose_horizon_the_data_do_not_reach_are_left_out() -> None:
    found = labelled(**fills(data_end_ns=300 * S))
    assert len(found.adverse) == 296
    assert found.ts_ns[-1] == 295 * S


def test_no_fills() -> None:
    with pytest.raises(DataError, match=r"no fills to learn from; at least 200"):
        labelled(**fills(fill_ts_ns=[], side=[], price=[], features=[]))


def test_too_few_labels() -> None:
    with pytest.raises(DataError, match=r"196 of 400 fills have a markout at 5 s; at least 200 are needed"):
        labelled(**fills(data_end_ns=200 * S))


@pytest.mark.parametrize(("threshold", "counted"), [(-999.0, "0 of 400 fills are adverse"), (999.0, "are not adverse")])
def test_one_class_only(threshold, counted) -> None:
    with pytest.raises(DataError, match=rf"{counted}.*at least 30 of either kind are needed"):
        labelled(**fills(label=LabelSettings(threshold_bps=threshold)))


@pytest.mark.parametrize("wrong", [float("nan"), float("inf")])
def test_features_that_are_no_numbers(wrong) -> None:
    features = fills()["features"]
    features[3, 1] = features[9, 1] = wrong
    with pytest.raises(DataError, match=r"2 of 400 fills have features that are not finite numbers: b \(2\)"):
        labelled(**fills(features=features))
