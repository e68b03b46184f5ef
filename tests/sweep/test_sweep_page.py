"""The page of a sweep: what stands where, and every chart drawn by a browser that may load nothing."""

import io
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console
from sweep_kit import failure, row

from mm_nautilus.analytics.jsonable import jsonable
from mm_nautilus.cli.sweep_table import screen_table, sweep_table
from mm_nautilus.sweep.charts import each_alone, heat_maps, parallel
from mm_nautilus.sweep.confirm import chosen, described
from mm_nautilus.sweep.judged import Score, judge, ranked
from mm_nautilus.sweep.page import write_page
from mm_nautilus.sweep.space import Point, draws, grid, parse_parameter

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
QUIET = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
QUIET += ["--disable-component-update", "--disable-sync", "--enable-logging=stderr", "--v=0"]


def made_up(points: list[Point], seed: int = 1) -> tuple[dict[str, Any], list, list]:
    """Return ``sweep.json``, rows and ranking of a sweep on noise, one run of which failed."""
    pnl = np.random.default_rng(seed).normal(size=(200, len(points)))
    rows = [row(point, pnl[:, place]) for place, point in enumerate(points)]
    rows[1] = failure(points[1], "RunFailedError: <script>alert(1)</script>")
    order = ranked(rows, Score.SHARPE)
    sweep = {
        "name": "made-up", "score": "sharpe", "parameters": ["a"], "overrides": [], "random": None, "seed": 1,
        "runs": len(rows), "window_runs": 0, "completed": len(rows) - 1, "without_fills": 0, "left_out": [],
        "currency": "USD",
        "failed": [{"point": rows[1].point, "identity": "x", "attempts": 1, "reason": rows[1].reason}],
        "duration_s": 12_000.0, "step_s": 60.0, "data_fingerprints": ["f"], "packages": {},
        "verdict": jsonable(judge(rows, order)), "walk_forward": None, "screen": None,
        "ranking": [
            {
                "place": place, "point": dict(rows[one.index].point), "score": one.score, "plateau": one.plateau,
                "neighbours": one.neighbours, "edges": list(one.edges), "pnl": str(rows[one.index].pnl), "fills": 10,
                "max_drawdown": 1.0, "inventory_max": 2.0, "spread_bps": None, "two_sided": 0.5,
            }
            for place, one in enumerate(order, start=1)
        ],
    }  # fmt: skip
    return sweep, rows, order


GRID = grid(
    [parse_parameter("s.model=glft,symmetric"), parse_parameter("s.x=1:3:3"), parse_parameter("s.y=0.1:100:4:log")]
)
PLANE = draws([parse_parameter("s.x=0:1"), parse_parameter("s.y=0.1:100:log")], 60, seed=1)


def test_the_verdict_stands_above_the_ranking_and_failures_below(tmp_path: Path) -> None:
    page = write_page(tmp_path, *made_up(GRID)).read_text()
    body = page[page.index("<body>") :]
    assert body.index("probability of overfitting") < body.index("deflated Sharpe ratio") < body.index("Ranking")
    assert body.index("Ranking") < body.index("What did not run")
    assert "<script>alert(1)</script>" not in body
    assert "&lt;script&gt;alert(1)" in body
    assert "Overfitted" in body


def test_the_command_line_says_the_same() -> None:
    console = Console(width=100, record=True, file=io.StringIO())
    console.print(sweep_table(made_up(GRID)[0], 3))
    said = console.export_text()
    assert said.index("probability of overfitting") < said.index("plateau")
    assert "Overfitted" in said
    assert "1 of 24 runs failed" in said


@pytest.mark.parametrize(("points", "maps", "alone"), [(GRID, 3, 2), (PLANE, 1, 2), (GRID[:3], 0, 1)])
def test_there_is_a_chart_for_every_number_and_pair(points: list[Point], maps: int, alone: int) -> None:
    _, rows, order = made_up(points)
    assert len(heat_maps(rows, order, "Sharpe")) == maps
    assert len(each_alone(rows, order, "Sharpe")) == alone
    assert parallel(rows, order, "Sharpe") is not None


def test_a_cell_of_a_heat_map_is_the_mean_over_the_rest() -> None:
    _, rows, order = made_up(GRID)
    chart = next(one for one in heat_maps(rows, order, "Sharpe") if one.title == "x and y")
    z = np.array(chart.figure.data[0].z, dtype=float)
    scores = {tuple(rows[one.index].point.values()): one.score for one in order}
    assert z[0, 0] == pytest.approx(np.mean([scores["glft", 1, 0.1], scores["symmetric", 1, 0.1]]))
    assert z[1, 0] == pytest.approx(scores["symmetric", 1, 1.0]), "the other one failed"


@pytest.mark.e2e
@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
@pytest.mark.parametrize("points", [GRID, PLANE])
def test_every_chart_is_drawn_and_the_console_is_silent(tmp_path: Path, points: list[Point]) -> None:
    page = write_page(tmp_path, *made_up(points))
    charts = len(re.findall(r'class="chart"', page.read_text()))
    assert charts >= 4
    assert CHROMIUM is not None
    words = [CHROMIUM, *QUIET, f"--user-data-dir={tmp_path / 'profile'}", "--virtual-time-budget=15000", "--dump-dom"]
    shown = subprocess.run([*words, page.as_uri()], capture_output=True, text=True, timeout=120, check=True)
    assert shown.stdout.count('class="plot-container plotly"') == charts
    assert "CONSOLE" not in shown.stderr, shown.stderr


def screened(confirmed: bool) -> tuple[dict[str, Any], list, list]:
    """Return a sweep that was screened, eight of its runs confirmed by an engine that likes them a little less."""
    sweep, rows, order = made_up(GRID)
    first, drawn = chosen(order, 3, 5, seed=1)
    engine = [row(rows[place].point, np.array(rows[place].increments) - 0.01) for place in (*first, *drawn)]
    engine[-1] = failure(engine[-1].point, "<b>it broke</b>")
    said = described(rows, engine, first, drawn, Score.SHARPE) if confirmed else None
    sweep["screen"] = {"not_modelled": ["the risk monitor"], "caveats": ["[risk] is not in it."], "confirmed": said}
    return sweep, rows, order


def test_the_confirmation_stands_above_the_ranking_with_both_ranks_and_their_correlation(tmp_path: Path) -> None:
    sweep, rows, order = screened(True)
    page = write_page(tmp_path, sweep, rows, order).read_text()
    body = page[page.index("<body>") :]
    assert body.index("Screened and confirmed by the engine") < body.index("<h2>Ranking</h2>")
    part = body[body.index("Screened and confirmed") : body.index("<h2>Ranking</h2>")]
    for head in ("rank screened", "score screened", "PnL screened", "fills screened"):
        assert f">{head}</th>" in part
    assert part.count("<tr>") == 1 + 8
    assert part.count(">best</td>") == 3
    assert part.count(">random</td>") == 4
    assert "Rank correlation with the engine, all confirmed: 1.000 (95 % interval" in part
    assert "[risk] is not in it." in part
    assert "Not in screened runs: the risk monitor." in part
    assert "<b>it broke</b>" not in part
    assert "&lt;b&gt;it broke" in part


def test_a_screened_sweep_that_nobody_confirmed_says_so(tmp_path: Path) -> None:
    page = write_page(tmp_path, *screened(False)).read_text()
    assert "Screened, not confirmed" in page
    assert "[risk] is not in it." in page
    assert "Screened" not in write_page(tmp_path, *made_up(GRID)).read_text()


def test_the_command_line_shows_the_same_table() -> None:
    console = Console(width=200, record=True, file=io.StringIO())
    console.print(screen_table(screened(True)[0]))
    said = console.export_text()
    assert "rank screened" in said
    assert "all confirmed: 1.000" in said
