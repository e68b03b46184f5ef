"""Runs beside each other: exact differences, and no verdict that an interval does not carry."""

from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from synthetic_run import SyntheticRun, synthetic_run

from mm_nautilus.analytics.block_bootstrap import Interval
from mm_nautilus.analytics.comparison import (
    BETTER,
    NOT_DISTINGUISHABLE,
    SHARPE_STEP_S,
    WORSE,
    Run,
    Standing,
    common_edges,
    equity_at,
    standings,
    verdict,
)
from mm_nautilus.analytics.instrument_log import instrument_log
from mm_nautilus.analytics.jsonable import jsonable
from mm_nautilus.analytics.report.comparison_page import rows, sentence, write_comparison
from mm_nautilus.analytics.runlog import RunLog
from mm_nautilus.analytics.summary import summarise

NAME = "BTCUSDT.SIM"


def recorded(folder: Path, name: str, synthetic: SyntheticRun) -> Run:
    log = RunLog.open(synthetic.write(folder / name))
    facts = synthetic.facts
    summary = jsonable(summarise(log, facts))["instruments"][NAME]
    return Run(name, "glft", summary, instrument_log(log, facts.instruments[0], facts.start_ns, facts.end_ns))


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> list[Run]:
    """Return a run, the same again, and one that is filled four times as often."""
    folder = tmp_path_factory.mktemp("compared")
    return [
        recorded(folder, "first", synthetic_run(seed=7)),
        recorded(folder, "twin", synthetic_run(seed=7)),
        recorded(folder, "busy", synthetic_run(seed=7, fill_rate=0.24)),
    ]


@pytest.fixture(scope="module")
def found(runs: list[Run]) -> list[Standing]:
    return standings(runs, seed=1)


def test_the_first_has_no_difference_and_its_twin_none_to_speak_of(found: list[Standing]) -> None:
    first, twin, _ = found
    assert first.difference is None
    assert twin.difference is not None
    assert twin.difference.pnl == 0
    assert (twin.difference.low, twin.difference.high) == (0.0, 0.0)
    assert twin.difference.verdict == NOT_DISTINGUISHABLE


def test_differences_are_exact_and_lie_within_their_interval(runs: list[Run], found: list[Standing]) -> None:
    busy = found[2].difference
    assert busy is not None
    assert busy.pnl == runs[2].log.books.total - runs[0].log.books.total
    assert busy.low is not None
    assert busy.high is not None
    assert busy.low < busy.pnl < busy.high
    assert busy.verdict == (NOT_DISTINGUISHABLE if busy.low <= 0 <= busy.high else BETTER if busy.pnl > 0 else WORSE)


def test_increments_between_the_edges_add_up_to_the_booked_total(runs: list[Run]) -> None:
    for run in runs:
        edges = common_edges(run.log.curve, (run.summary["start_ns"], run.summary["end_ns"]))
        assert np.diff(equity_at(run.log.curve, edges)).sum() == pytest.approx(float(run.log.books.total))
        assert len(set(np.diff(edges)[:-1])) == 1


def test_numbers_come_from_the_runs_own_summary(runs: list[Run], found: list[Standing]) -> None:
    for run, one in zip(runs, found, strict=True):
        assert one.pnl == Decimal(run.summary["money"]["total"])
        assert one.fills == run.summary["fills"]["count"]
        assert one.inventory_std == run.summary["inventory"]["std"]
        assert one.spread_bps == run.summary["quoting"]["spread_bps"]


def test_the_sharpe_ratio_is_that_of_increments_of_a_minute(runs: list[Run], found: list[Standing]) -> None:
    start, end = runs[0].summary["start_ns"], runs[0].summary["end_ns"]
    edges = np.arange(start, end + 1, int(SHARPE_STEP_S * 1e9))
    pnl = np.diff(equity_at(runs[0].log.curve, edges))
    per_year = 365 * 24 * 60
    ratio = pnl.mean() / pnl.std(ddof=1)
    assert found[0].sharpe == pytest.approx(ratio * per_year**0.5)
    assert found[0].sharpe_stderr == pytest.approx(((1 + ratio**2 / 2) / len(pnl) * per_year) ** 0.5)


@pytest.mark.parametrize(
    ("total", "low", "high", "expected"),
    [
        (5.0, 1.0, 9.0, BETTER),
        (-5.0, -9.0, -1.0, WORSE),
        (5.0, -1.0, 11.0, NOT_DISTINGUISHABLE),
        (5.0, 0.0, 10.0, NOT_DISTINGUISHABLE),
        (1e9, None, None, NOT_DISTINGUISHABLE),
    ],
)
def test_no_winner_without_an_interval_that_excludes_zero(
    total: float, low: float | None, high: float | None, expected: str
) -> None:
    assert verdict(Interval(total, low, high, 0.95, 1, 100)) == expected


def test_blocks_too_long_for_the_run_leave_the_question_open(runs: list[Run]) -> None:
    busy = standings(runs, seed=1, block_s=1_000.0)[2]
    assert busy.difference is not None
    assert busy.difference.blocks < 10
    assert busy.difference.low is None
    assert busy.difference.verdict == NOT_DISTINGUISHABLE
    assert "too short for an interval" in sentence(busy, standings(runs, seed=1)[0])


def test_the_same_seed_gives_the_same_numbers(runs: list[Run], found: list[Standing]) -> None:
    assert standings(runs, seed=1) == found
    assert standings(runs, seed=2) != found


def test_the_table_says_the_interval_beside_the_verdict(found: list[Standing]) -> None:
    table = dict(rows(found))
    assert table["verdict"][:2] == ["the first", NOT_DISTINGUISHABLE]
    assert all(len(cells) == 3 for cells in table.values())
    assert table["95 % from"][0] == "–"
    assert table["95 % from"][2] not in {"–", ""}
    assert found[2].difference is not None
    assert found[2].difference.verdict in sentence(found[2], found[0])


def test_the_page_stands_alone(tmp_path: Path, runs: list[Run], found: list[Standing]) -> None:
    comparison = {
        "name": "rivals & <others>",
        "seed": 1,
        "duration_s": 4_000.0,
        "realism": {"caveats": []},
        "contenders": [
            {
                "name": run.name,
                "model": "glft",
                "folder": run.name,
                "parameters": {"gamma": 0.1, "horizon_s": 5.0},
                "derived": {"horizon_s": "of some reason"},
                "left_out": ["fill_risk"],
            }
            for run in runs
        ],
        "instruments": {NAME: jsonable(found)},
    }
    html = write_comparison(tmp_path, comparison, {NAME: runs}, {NAME: found}).read_text()
    body = html[html.index("<body>") : html.index('<script type="application/json"')]
    assert "rivals &amp; &lt;others&gt;" in body
    for text in ("not distinguishable", "5.0 (derived: of some reason)", "fill_risk", "circular blocks"):
        assert text in body
    for chart in ("difference", "sharpe", "pnl", "lead", "inventory", "spread", "fills"):
        assert f'id="i0-{chart}"' in body
        assert f'"i0-{chart}"' in html
    assert "http" not in body
    assert "default-src 'none'" in html
