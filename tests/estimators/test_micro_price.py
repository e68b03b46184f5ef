"""The micro-price: trained on books whose next moves are known, mirrored, saved, looked up."""

from decimal import Decimal

import numpy as np
import pytest

from mm_nautilus.errors import ConfigError, ParameterError
from mm_nautilus.estimators.micro_price import (
    MicroPriceMatrices,
    MicroPriceTable,
    solve_micro_price,
    spread_classes,
    train_micro_price,
)
from mm_nautilus.market import TopOfBook

TICK = Decimal("0.01")
NAMES = {"tick": TICK, "instrument_id": "X.Y", "data_fingerprint": "f"}


def books(n, lean, seed=0):
    """Tops whose next move goes up with probability 1/2 + lean (2 I - 1), after any number of size changes."""
    rng = np.random.default_rng(seed)
    share = rng.uniform(0.001, 0.999, n)
    moves = rng.random(n) < 0.3
    up = rng.random(n) < 0.5 + lean * (2 * share - 1)
    step = np.where(moves, np.where(up, 1, -1), 0)
    bid = 10_000 + np.concatenate([[0], np.cumsum(step)[:-1]])
    return bid, bid + 1, share * 100, (1 - share) * 100


def train(*tops, **changes):
    return train_micro_price(*tops, **NAMES | changes)


def test_paper_and_pencil() -> None:
    stay, moved = np.array([[0, 0.6], [0.6, 0]]), np.array([[0.1, 0.3], [0.3, 0.1]])
    drift = np.array([[0.3, 0.1], [0.1, 0.3]]) @ np.array([-1.0, 1.0])
    total = solve_micro_price(MicroPriceMatrices(stay, moved, drift, 1.0)).total
    np.testing.assert_allclose(total, [-1 / 9, 1 / 9], rtol=1e-12)


def test_independent_books_have_the_adjustment_of_their_next_move() -> None:
    """Sizes are drawn anew at every event: only the very next event tells, and half a tick times its lean is right."""
    table = train(*books(400_000, 0.4), buckets=5)
    (row,) = table.adjustment_price
    centres = (np.arange(5) + 0.5) / 5
    # One event moves the mid a tick, with probability 0.3; where it does not, everything begins anew.
    np.testing.assert_allclose(row, 0.01 * 0.3 * 0.4 * 2 * (2 * centres - 1), atol=2e-4)
    assert np.all(np.diff(row) > 0)


def test_the_table_is_its_own_mirror_image() -> None:
    bid, ask, bid_size, ask_size = books(20_000, 0.3)
    one = np.array(train(bid, ask, bid_size, ask_size).adjustment_price)
    mirrored = np.array(train(20_000 - ask, 20_000 - bid, ask_size, bid_size).adjustment_price)
    np.testing.assert_allclose(one, -one[:, ::-1], atol=1e-12)
    np.testing.assert_allclose(one, mirrored, atol=1e-4)


def test_repeated_rows_and_gaps_change_nothing() -> None:
    tops = books(5_000, 0.3)
    plain = train(*tops).adjustment_price
    assert np.allclose(train(*(np.repeat(column, 2) for column in tops)).adjustment_price, plain, atol=1e-12)
    far = tuple(np.concatenate([column, column + (50_000 if i < 2 else 0)]) for i, column in enumerate(tops))
    breaks = np.zeros(10_000, dtype=bool)
    breaks[5_000] = True
    assert np.allclose(train(*far, breaks=breaks).adjustment_price, plain, atol=1e-12)


def test_the_lookup_is_the_table() -> None:
    rng = np.random.default_rng(1)
    adjustment = rng.normal(size=(3, 4)).tolist()
    table = MicroPriceTable(**NAMES | {"steps": 5, "spread_edges_ticks": [1, 2, 4], "adjustment_price": adjustment})
    micro_price = table.lookup()
    for spread_ticks in range(1, 9):
        row = 0 if spread_ticks < 2 else 1 if spread_ticks < 4 else 2
        for bid_size, bucket in ((1.0, 0), (2.6, 1), (5.0, 2), (7.4, 2), (7.6, 3), (10.0, 3)):
            top = TopOfBook(99.0, 99.0 + spread_ticks * 0.01, bid_size, 10.0 - bid_size)
            assert micro_price(top) == pytest.approx(top.mid + adjustment[row][bucket])


def test_saved_is_loaded(tmp_path) -> None:
    table = train(*books(3_000, 0.2))
    table.save(tmp_path / "table.toml")
    assert MicroPriceTable.load(tmp_path / "table.toml") == table


@pytest.mark.parametrize("text", ["", "nonsense", "tick = 'x'", "spread_edges_ticks = [2, 1]"])
def test_a_file_that_is_no_table_is_named(tmp_path, text) -> None:
    path = tmp_path / "table.toml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=r"table\.toml"):
        MicroPriceTable.load(path)
    with pytest.raises(ConfigError, match=r"missing\.toml"):
        MicroPriceTable.load(tmp_path / "missing.toml")


def test_a_table_that_does_not_fit_its_classes_is_refused() -> None:
    with pytest.raises(ValueError, match="adjustment_price needs 2 rows"):
        MicroPriceTable(**NAMES | {"steps": 5, "spread_edges_ticks": [1, 2], "adjustment_price": [[0.0]]})


def test_spread_classes_double_while_they_are_seen() -> None:
    assert spread_classes(np.array([1] * 100)) == [1.0]
    assert spread_classes(np.array([1] * 90 + [2] * 5 + [9] * 5)) == [1.0, 2.0, 4.0, 8.0]


def test_a_mid_that_never_moves_and_a_sum_that_never_ends_are_refused() -> None:
    still = np.full(50, 100)
    sizes = np.random.default_rng(0).uniform(1, 9, 50)
    with pytest.raises(ParameterError, match="never moves"):
        train(still, still + 1, sizes, 10 - sizes)
    with pytest.raises(ParameterError, match="bid_ticks"):
        train(still[:1], still[:1] + 1, sizes[:1], sizes[:1])
    trending = MicroPriceMatrices(np.zeros((1, 1)), np.ones((1, 1)), np.array([0.5]), 1.0)
    with pytest.raises(ParameterError, match="symmetrised"):
        solve_micro_price(trending)
    with pytest.raises(ParameterError, match="every state leads to a move"):
        solve_micro_price(MicroPriceMatrices(np.eye(2), np.zeros((2, 2)), np.zeros(2), 1.0))


def test_states_that_lead_nowhere_say_nothing() -> None:
    bid, ask, bid_size, ask_size = books(2_000, 0.3)
    # At the end the book widens and only its sizes change: no move follows.
    tail = np.full(40, bid[-1])
    sizes = np.tile([10.0, 90.0], 20)
    table = train(
        np.concatenate([bid, tail - 9]),
        np.concatenate([ask, tail + 10]),
        np.concatenate([bid_size, sizes]),
        np.concatenate([ask_size, 100 - sizes]),
    )
    assert np.all(np.isfinite(table.adjustment_price))
    np.testing.assert_allclose(table.adjustment_price[-1], 0.0, atol=1e-12)
