"""Figures by hand, and intervals that are paired, cover, and exclude zero only when they may."""

import numpy as np
import pytest

from mm_nautilus.adverse_selection.markouts import Markouts
from mm_nautilus.experiment.effects import FIGURES, effects
from mm_nautilus.experiment.measure import (
    ADVERSE,
    COLUMNS,
    FILLS,
    MARKED,
    MARKED_MONEY,
    PNL,
    REALISED,
    VOLUME,
    Measured,
)
from mm_nautilus.experiment.words import rows, sentence, verdict

NOTHING = Markouts((5.0,), *(np.empty(0) for _ in range(4)), np.empty((0, 1)))


def run(response: str, increments: np.ndarray, market: str = "m") -> Measured:
    edges = np.arange(len(increments) + 1, dtype=np.int64) * 10**9
    equity = np.concatenate(([0.0], increments[:, PNL].cumsum()))
    return Measured(
        market, response, "", "USD", "ETH", increments, np.empty(0, dtype=np.int64), NOTHING, edges, equity,
        (0.0, 0.0), 0.0, (),
    )  # fmt: skip


def made(seed: int, lead: float = 0.0, seconds: int = 3600, common: np.ndarray | None = None) -> np.ndarray:
    """Return a fill a second of size 2 at 100, worth 0.01 a unit; `lead` is what the realised spread has more."""
    found = np.zeros((seconds, COLUMNS))
    noise = np.random.default_rng(seed).normal(0.0, 0.1, seconds)
    found[:, REALISED] = 0.02 + lead + noise + (0.0 if common is None else common)
    found[:, PNL] = found[:, REALISED]
    found[:, ADVERSE] = 0.03
    found[:, MARKED], found[:, VOLUME], found[:, FILLS], found[:, MARKED_MONEY] = 2.0, 2.0, 1.0, 200.0
    return found


def test_figures_are_what_they_are_said_to_be() -> None:
    flat = made(0)
    flat[:, REALISED] = flat[:, PNL] = 0.02
    found = effects({"off": [run("off", flat)], "rules": [run("rules", 3.0 * flat)]}, 5.0, 0)
    off, rules = found.by_response["off"], found.by_response["rules"]
    assert found.hours == 1.0
    assert off["realised_net"].value == pytest.approx(72.0)
    assert off["pnl"].value == pytest.approx(72.0)
    assert off["realised_spread"].value == pytest.approx(2.0), "twice a markout of 0.01 of 100, in basis points"
    assert off["adverse_cost"].value == pytest.approx(108.0)
    assert off["fill_rate"].value == pytest.approx(3600.0)
    assert rules["realised_net"].change == pytest.approx(144.0)
    assert rules["realised_spread"].change == pytest.approx(0.0), "three times as much of the same"


def test_lost_fills_count_as_what_they_would_have_earned() -> None:
    """A response that keeps only the better half of good fills has a better spread and earns less."""
    off = made(1)
    off[::2, REALISED] = 0.01
    off[1::2, REALISED] = 0.03
    fewer = off.copy()
    fewer[::2, REALISED:] = 0.0
    found = effects({"off": [run("off", off)], "rules": [run("rules", fewer)]}, 5.0, 0).by_response["rules"]
    assert found["realised_spread"].verdict == "up"
    assert found["realised_net"].verdict == "down"
    assert found["realised_net"].change == pytest.approx(-18.0)


def test_what_both_did_in_the_same_market_cancels() -> None:
    common = np.random.default_rng(9).normal(0.0, 10.0, 3600)
    runs = {"off": [run("off", made(1, common=common))], "rules": [run("rules", made(2, 0.02, common=common))]}
    effect = effects(runs, 5.0, 0).by_response["rules"]["realised_net"]
    assert effect.verdict == "up"
    assert effect.change == pytest.approx(72.0, abs=40.0)


def test_intervals_of_no_change_exclude_zero_as_rarely_as_they_say() -> None:
    wrong = 0
    for seed in range(200):
        runs = {
            name: [run(name, made(4 * seed + 2 * place + market, seconds=600)) for market in range(2)]
            for place, name in enumerate(("off", "rules"))
        }
        wrong += effects(runs, 1.0, seed, 10.0).by_response["rules"]["realised_net"].verdict != "not distinguishable"
    assert wrong <= 20, "of 200 at 5 %: twenty or fewer but once in five hundred"


def test_markets_are_pooled() -> None:
    one = {"off": [run("off", made(1))], "rules": [run("rules", made(2, 0.003))]}
    ten = {
        name: [run(name, made(100 * place + market, 0.003 * place)) for market in range(10)]
        for place, name in enumerate(("off", "rules"))
    }
    alone, together = (effects(runs, 5.0, 0, 60.0).by_response["rules"]["realised_net"] for runs in (one, ten))
    assert alone.high is not None
    assert alone.low is not None
    assert together.high is not None
    assert together.low is not None
    assert together.high - together.low == pytest.approx((alone.high - alone.low) / np.sqrt(10.0), rel=0.2)


def test_too_little_time_has_no_interval() -> None:
    runs = {name: [run(name, made(place, seconds=60))] for place, name in enumerate(("off", "rules"))}
    found = effects(runs, 30.0, 0)
    assert found.by_response["rules"]["pnl"].low is None
    assert found.by_response["rules"]["pnl"].change is not None


def test_a_response_without_fills_has_no_spread_but_all_the_rest() -> None:
    runs = {"off": [run("off", made(1))], "rules": [run("rules", np.zeros((3600, COLUMNS)))]}
    found = effects(runs, 5.0, 0).by_response["rules"]
    assert found["realised_spread"].value is None
    assert found["realised_net"].change is not None


def test_the_same_seed_gives_the_same_intervals() -> None:
    runs = {name: [run(name, made(place))] for place, name in enumerate(("off", "rules"))}
    assert effects(runs, 5.0, 4) == effects(runs, 5.0, 4)


def words(change: float, low: float, high: float, spread: tuple[float, float] = (0.1, 0.3)) -> dict:
    one = {"value": 1.0, "change": change, "low": low, "high": high}
    rules = dict.fromkeys(FIGURES, one) | {"realised_spread": one | {"low": spread[0], "high": spread[1]}}
    off = {key: {"value": 1.0, "change": None, "low": None, "high": None} for key in FIGURES}
    return {"effects": {"off": off, "rules": rules}, "currency": "USD", "intervals": {"level": 0.95}}


def test_words_follow_the_interval() -> None:
    assert "earns more" in sentence(words(2.0, 1.0, 3.0), "rules")
    assert "trading less" not in sentence(words(2.0, 1.0, 3.0), "rules")
    assert "trading less" in sentence(words(2.0, 1.0, 3.0, (-0.1, 0.3)), "rules")
    assert "earns less" in sentence(words(-2.0, -3.0, -1.0), "rules")
    assert "cannot be told" in sentence(words(2.0, -1.0, 3.0), "rules")
    cost = {"low": 1.0, "high": 2.0}
    assert [verdict(figure, cost) for figure in FIGURES.values()] == ["better", "better", "better", "worse", "more"]
    assert len(rows(words(2.0, 1.0, 3.0))) == 2 * len(FIGURES)
