"""The short form of the benchmark: what it lets pass, what it measures again, and what it fails on."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import short

    return short


def measured(short: ModuleType, *factors: float):
    """Return a measurement that finds the committed ratios times one factor after the other, and how often it ran."""
    committed, calls = short.committed(), dict.fromkeys(short.PARTS, 0)

    def once(part: str) -> dict[str, float]:
        factor = factors[min(calls[part], len(factors) - 1)]
        calls[part] += 1
        return {name: factor * value for name, value in committed[part].items()}

    return once, calls


def test_what_was_committed_passes_at_once(short: ModuleType) -> None:
    once, calls = measured(short, 1.0)
    found, failed = short.check(short.committed(), once)
    assert failed == []
    assert found == short.committed()
    assert set(calls.values()) == {1}


def test_every_part_that_is_a_quarter_worse_each_time_fails(short: ModuleType) -> None:
    once, calls = measured(short, 1.26)
    _, failed = short.check(short.committed(), once)
    assert set(failed) == {name for some in short.committed().values() for name in some}
    assert set(calls.values()) == {3}


def test_a_neighbour_that_disturbs_one_measurement_is_not_a_failure(short: ModuleType) -> None:
    once, calls = measured(short, 1.6, 1.1)
    _, failed = short.check(short.committed(), once)
    assert failed == []
    assert set(calls.values()) == {2}


def test_a_ratio_that_is_no_longer_measured_fails(short: ModuleType) -> None:
    expected = short.committed()
    expected["runs"] = expected["runs"] | {"gone": 1.0}
    _, failed = short.check(expected, measured(short, 1.0)[0])
    assert failed == ["gone (not measured)"]


def test_everything_that_is_measured_is_committed(short: ModuleType) -> None:
    assert set(short.committed()) == set(short.PARTS)
    assert all(value > 0 for some in short.committed().values() for value in some.values())


def test_the_page_says_what_was_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import figures
    import page

    measured, docs = figures.read(), BENCHMARKS.parent / "docs"
    assert (docs / "performance.md").read_text() == page.text(measured, figures.machine())
    assert (docs / "performance.svg").read_text() == page.chart(measured)
