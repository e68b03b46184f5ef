"""Take the pictures of the report that README.md and docs/report.md show: the quickstart's, in a browser.

``uv run docs/report_picture.py`` needs a Chromium and writes ``docs/report.png`` and ``docs/report-zoom.png``.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from mm_nautilus.backtest import run_backtest

HERE = Path(__file__).parent
RUN_FILE = HERE.parent / "configs" / "quickstart.toml"
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]
FLAGS += ["--disable-background-networking", "--disable-component-update", "--disable-sync"]


def take(page: Page) -> None:
    """Take the first screen, then ten minutes of quotes and fills."""
    page.screenshot(path=HERE / "report.png")
    bar = page.locator(".zoombar").first
    bar.get_by_role("button", name="To the next fill").click()
    page.locator("#i0-quotes[data-detail]").wait_for()
    bar.evaluate("one => one.scrollIntoView()")
    page.screenshot(path=HERE / "report-zoom.png")


def main() -> None:
    """Run the quickstart and take its pictures."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        raise SystemExit("there is no Chromium on this machine")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as driver:
        report = run_backtest(RUN_FILE, output=Path(folder)).report
        browser = driver.chromium.launch(executable_path=chromium, args=FLAGS)
        page = browser.new_page(viewport={"width": 1280, "height": 1000})
        if report is not None:
            page.goto(report.as_uri())
            page.wait_for_selector("html[data-drawn]", state="attached")
            take(page)
        browser.close()


if __name__ == "__main__":
    main()
