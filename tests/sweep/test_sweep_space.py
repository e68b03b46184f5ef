"""Which points a sweep tries, and what is said to whoever mistypes them."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mm_nautilus.config import read_run_file
from mm_nautilus.errors import ConfigError, UserError
from mm_nautilus.sweep.space import assignments, draws, grid, listed, parse_parameter


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("strategy.gamma=0.05:0.5:10", (0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5)),
        ("strategy.gamma=0.01:100:5:log", (0.01, 0.1, 1.0, 10.0, 100.0)),
        ("strategy.ladder.levels=1:5:5", (1, 2, 3, 4, 5)),
        ("strategy.ladder.levels=1:5:3", (1, 3, 5)),
        ("strategy.x=0:1:3", (0.0, 0.5, 1.0)),
        ("strategy.x=-2:2:5", (-2, -1, 0, 1, 2)),
        ("strategy.model=glft, symmetric", ("glft", "symmetric")),
        ("venues.0.queue_position=true,false", (True, False)),
        ("strategy.order_size=1", (1,)),
    ],
)
def test_values_are_those_written(text: str, values: tuple[object, ...]) -> None:
    found = parse_parameter(text)
    assert found.values == values
    assert [type(value) for value in found.values] == [type(value) for value in values]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("strategy.gamma", "expected TABLE.KEY"),
        ("=1:2:3", "expected TABLE.KEY"),
        ("strategy..gamma=1,2", "expected TABLE.KEY"),
        ("strategy.gamma=2:1:3", "LOW below HIGH"),
        ("strategy.gamma=1:2:3:4", "expected TABLE.KEY"),
        ("strategy.gamma=1:x:3", "expected TABLE.KEY"),
        ("strategy.gamma=0:1:5:log", "above 0"),
        ("strategy.gamma=0:1:1", "from 2 on"),
        ("strategy.gamma=0:1:2.5", "from 2 on"),
        ("strategy.gamma=1,1", "once"),
        ("strategy.gamma=1,,2", "empty"),
        ("run.name=a,b", "nothing to compare"),
        ("compare.glft.gamma=1,2", "nothing to compare"),
    ],
)
def test_what_cannot_be_read_is_said(text: str, words: str) -> None:
    with pytest.raises(UserError, match=words):
        parse_parameter(text)


def test_a_grid_is_every_combination_the_last_fastest() -> None:
    points = grid([parse_parameter("a.x=1,2"), parse_parameter("a.y=0.5:1.5:2")])
    assert points == [{"a.x": 1, "a.y": 0.5}, {"a.x": 1, "a.y": 1.5}, {"a.x": 2, "a.y": 0.5}, {"a.x": 2, "a.y": 1.5}]
    with pytest.raises(UserError, match="needs LOW:HIGH:COUNT"):
        grid([parse_parameter("a.x=1:2")])
    with pytest.raises(UserError, match="more than 1,000,000"):
        grid([parse_parameter(f"a.{name}=0:1:200") for name in "xyz"])


@given(st.integers(0, 2**32 - 1), st.integers(1, 40), st.integers(1, 20))
def test_draws_are_inside_seeded_different_and_a_prefix_of_more(seed: int, count: int, more: int) -> None:
    parameters = [parse_parameter("a.x=0.01:10:log"), parse_parameter("a.y=-1:1"), parse_parameter("a.z=1:9:9")]
    found = draws(parameters, count, seed)
    assert found == draws(parameters, count + more, seed)[:count]
    assert len({tuple(point.values()) for point in found}) == len(found) == count
    for point in found:
        assert 0.01 <= point["a.x"] <= 10
        assert -1 <= point["a.y"] <= 1
        assert point["a.z"] in range(1, 10)


def test_there_are_no_more_draws_than_points() -> None:
    assert len(draws([parse_parameter("a.x=1,2,3")], 50, seed=1)) == 3


def test_a_list_names_points_and_leaves_empty_cells_alone(tmp_path: Path) -> None:
    path = tmp_path / "points.csv"
    path.write_text("# tried by hand\nstrategy.gamma, strategy.model\n0.1,glft\n,symmetric\n")
    assert listed(path) == [{"strategy.gamma": 0.1, "strategy.model": "glft"}, {"strategy.model": "symmetric"}]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("strategy.gamma\n", "expected a line of keys"),
        ("strategy.gamma,strategy.gamma\n1,2\n", "stands twice"),
        ("strategy.gamma,x.y\n1\n", "point 1: 1 cells for 2 keys"),
        ("run.output\nx\n", "does not change"),
        ("a..b\n1\n", "not a dotted key"),
    ],
)
def test_a_list_that_is_wrong_says_where(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "points.csv"
    path.write_text(text)
    with pytest.raises(ConfigError, match=words):
        listed(path)
    with pytest.raises(ConfigError, match="cannot be read"):
        listed(tmp_path / "none.csv")


@given(
    st.dictionaries(
        st.sampled_from(["a.x", "a.y", "b.z"]),
        st.one_of(st.integers(-9, 9), st.floats(-1e6, 1e6), st.booleans(), st.text("abc '\"=#", min_size=1)),
    )
)
def test_a_point_is_put_into_a_run_file_as_it_is(point: dict[str, object]) -> None:
    import tempfile

    with tempfile.NamedTemporaryFile(suffix=".toml") as file:
        raw, problems = read_run_file(Path(file.name), assignments(point))
    assert problems == []
    found = {f"{table}.{key}": value for table, keys in raw.items() for key, value in keys.items()}
    assert found == point
    assert {key: type(value) for key, value in found.items()} == {key: type(value) for key, value in point.items()}
