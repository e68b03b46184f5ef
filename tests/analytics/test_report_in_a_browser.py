"""The report as a browser shows it: every chart drawn, nothing complained about, nothing fetched."""

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from synthetic_result import write_run_folder
from synthetic_risk import risky_run
from synthetic_run import SyntheticRun, synthetic_run

from mm_nautilus.analytics.report import write_report

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
QUIET = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
QUIET += ["--disable-component-update", "--disable-sync", "--enable-logging=stderr", "--v=0"]


@pytest.mark.e2e
@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
@pytest.mark.parametrize("made", [synthetic_run, risky_run])
def test_every_chart_is_drawn_and_the_console_is_silent(tmp_path: Path, made: Callable[..., SyntheticRun]) -> None:
    folder = tmp_path / "run"
    write_run_folder(made(steps=600), folder)
    report = write_report(folder)
    charts = len(re.findall(r'class="chart"', report.read_text()))
    assert charts >= 6
    assert CHROMIUM is not None
    words = [CHROMIUM, *QUIET, f"--user-data-dir={tmp_path / 'profile'}", "--virtual-time-budget=15000", "--dump-dom"]
    shown = subprocess.run([*words, report.as_uri()], capture_output=True, text=True, timeout=120, check=True)
    assert shown.stdout.count('class="plot-container plotly"') == charts
    assert "CONSOLE" not in shown.stderr, shown.stderr
