"""The report as a browser shows it: every chart drawn, nothing complained about, nothing fetched, at every width."""

import os
import shutil
from copy import replace
from itertools import pairwise
from pathlib import Path

import pytest
from synthetic_result import write_run_folder
from synthetic_risk import risky_run
from synthetic_run import SECOND, START_NS, SyntheticRun, synthetic_run

from mm_nautilus.analytics.report import write_report
from mm_nautilus.analytics.report.palette import BUY, CARD, PAPER
from mm_nautilus.analytics.report.reading import read_run
from mm_nautilus.analytics.report.side_by_side import write_side_by_side
from mm_nautilus.messages import FillFact, QuoteDecision

sync_api = pytest.importorskip("playwright.sync_api")

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
ARTIFACTS = Path(os.environ.get("MM_NAUTILUS_ARTIFACTS") or Path(__file__).resolve().parents[2] / "artifacts")
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]
FLAGS += ["--disable-background-networking", "--disable-component-update", "--disable-sync"]
DESK, PHONE = {"width": 1280, "height": 1000}, {"width": 390, "height": 844}
SHOWN = """(key) => document.getElementById(key)._fullData.map(({ name, x, y, line }) =>
    ({ name, x: Array.from(x), y: Array.from(y), colour: line?.color }))"""

pytestmark = [pytest.mark.e2e, pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")]


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    with sync_api.sync_playwright() as driver:
        found = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield found
        found.close()


@pytest.fixture(scope="module")
def run():
    return synthetic_run(seed=3, steps=1_500)


@pytest.fixture(scope="module")
def folder(run, tmp_path_factory):
    return write_run_folder(run, tmp_path_factory.mktemp("run"))


@pytest.fixture(scope="module")
def report(folder):
    return write_report(folder)


@pytest.fixture
def opened(browser):
    """Open a page, wait until it is drawn, and hold it to a silent console and an idle network."""
    contexts, said = [], []

    def open_page(path, **settings):
        context = browser.new_context(**({"viewport": DESK} | settings))
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: said.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("request", lambda request: said.append(request.url) if request.url.startswith("http") else None)
        page.goto(path.as_uri())
        page.wait_for_selector("html[data-drawn]", state="attached", timeout=120_000)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert said == []


def press(page, name):
    """Press a button of the first zoom bar and wait until what it asks for is shown."""
    before = page.locator(".zoombar .told").first.inner_text()
    page.locator(".zoombar").first.get_by_role("button", name=name).click()
    page.locator(f".zoombar .told:not(:text-is({before!r}))").first.wait_for(state="attached", timeout=30_000)


def charts(page):
    return page.eval_on_selector_all(
        ".chart", "all => all.map(one => [one.id, one.querySelectorAll('.main-svg').length, one.clientWidth])"
    )


def screenshot(page, name, **settings):
    ARTIFACTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=ARTIFACTS / name, **settings)
    assert (ARTIFACTS / name).stat().st_size > 10_000


@pytest.mark.parametrize("made", [synthetic_run, risky_run])
def test_every_chart_is_drawn_and_the_console_is_silent(tmp_path, opened, made):
    page = opened(write_report(write_run_folder(made(steps=600), tmp_path / "run")))
    drawn = charts(page)
    assert len(drawn) >= 8
    assert all(layers > 0 and width > 200 for _, layers, width in drawn)
    screenshot(page, f"report-{made.__name__}.png", full_page=True)


def test_ten_seconds_show_every_single_quote(run, report, opened):
    page = opened(report)
    press(page, "To the next fill")
    press(page, "Show 10 s around the middle of what is shown")
    shown = {one["name"]: one for one in page.evaluate(SHOWN, "i0-quotes")}
    begin, end = page.evaluate("mmReport.shown.i0")
    assert end - begin == pytest.approx(10_000)
    wanted = [one for one in run.of(QuoteDecision) if begin <= one.ts_ns / 1e6 <= end]
    assert len(wanted) == 5
    for name, prices in (("Our bid", "bid_prices"), ("Our ask", "ask_prices")):
        steps = dict(zip(shown[name]["x"], shown[name]["y"], strict=True))
        changed = [
            one
            for before, one in pairwise([None, *wanted])
            if before is None or getattr(one, prices)[:1] != getattr(before, prices)[:1]
        ]
        for one in changed:
            at = max(at for at in steps if at <= one.ts_ns / 1e6 + 1e-3)
            assert steps[at] == pytest.approx(getattr(one, prices)[0])
    inside = [one for one in run.of(FillFact) if begin <= one.ts_ns / 1e6 <= end]
    marked = [at for name in ("Bought", "Sold") for at in shown[name]["x"] if begin <= at <= end]
    assert sorted(marked) == [one.ts_ns / 1e6 for one in inside]
    assert "every one drawn" in page.locator(".zoombar .told").first.inner_text()
    screenshot(page, "report-ten-seconds.png")


def test_zooming_out_again_shows_the_whole_run(report, opened):
    page = opened(report)
    before = page.evaluate(SHOWN, "i0-quotes")
    press(page, "To the next fill")
    assert page.locator("#i0-quotes[data-detail]").count() == 1
    page.locator(".zoombar").first.get_by_role("button", name="Show the whole run").click()
    page.locator("#i0-quotes:not([data-detail])").wait_for(timeout=30_000)
    assert page.evaluate(SHOWN, "i0-quotes") == before
    assert page.evaluate("mmReport.shown.i0") is None


def test_dragging_zooms_all_charts_of_the_instrument(report, opened):
    page = opened(report)
    page.locator("#i0-quotes").evaluate("one => one.scrollIntoView({ block: 'center' })")
    area = page.locator("#i0-quotes .nsewdrag").first.bounding_box()
    middle = area["y"] + area["height"] / 2
    page.mouse.move(area["x"] + 0.4 * area["width"], middle)
    page.mouse.down()
    page.mouse.move(area["x"] + 0.5 * area["width"], middle, steps=5)
    page.mouse.up()
    page.locator("#i0-quotes[data-detail]").wait_for(timeout=30_000)
    page.locator(".zoombar .told:not(:empty)").first.wait_for(timeout=30_000)
    ranges = page.evaluate(
        """() => ["i0-quotes", "i0-inventory", "i0-equity"].map((key) =>
            document.getElementById(key)._fullLayout.xaxis.range.map((at) => Date.parse(`${at.replace(" ", "T")}Z`)))"""
    )
    span_ms = 1_500 * 2 * SECOND / 1e6
    assert ranges[0] == ranges[1] == ranges[2]
    assert ranges[0][0] == pytest.approx(START_NS / 1e6 + 0.4 * span_ms, abs=0.02 * span_ms)


def test_dark_and_light(report, opened):
    seen = {}
    for scheme in ("light", "dark"):
        page = opened(report, color_scheme=scheme)
        (bid,) = [one for one in page.evaluate(SHOWN, "i0-quotes") if one["name"] == "Our bid"]
        seen[scheme] = bid["colour"], page.evaluate("getComputedStyle(document.body).backgroundColor")
        screenshot(page, f"report-{scheme}.png")
    rgb = {shade: "rgb({}, {}, {})".format(*bytes.fromhex(shade[1:])) for shade in PAPER}
    assert seen == {"light": (BUY.light, rgb[PAPER.light]), "dark": (BUY.dark, rgb[PAPER.dark])}
    page.emulate_media(color_scheme="light")  # while the page is open
    page.wait_for_timeout(200)
    page.locator("html[data-drawn]").wait_for(state="attached")
    assert page.evaluate("getComputedStyle(document.querySelector('.card')).backgroundColor") == (
        "rgb({}, {}, {})".format(*bytes.fromhex(CARD.light[1:]))
    )


@pytest.mark.parametrize("made", [synthetic_run, risky_run])
def test_a_phone_does_not_scroll_sideways(tmp_path, opened, made):
    page = opened(write_report(write_run_folder(made(steps=300), tmp_path / "run")), viewport=PHONE)
    page.eval_on_selector_all("details", "all => all.forEach(one => { one.open = true; })")
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    assert all(width <= PHONE["width"] for _, _, width in charts(page))
    screenshot(page, f"report-phone-{made.__name__}.png", full_page=True)


def test_printed_it_is_light_unfolded_and_fits_the_paper(report, opened):
    page = opened(report, color_scheme="dark", viewport={"width": 760, "height": 1000})
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    page.wait_for_timeout(500)
    assert page.evaluate("document.documentElement.scrollWidth") <= 760
    (bid,) = [one for one in page.evaluate(SHOWN, "i0-quotes") if one["name"] == "Our bid"]
    assert bid["colour"] == BUY.light
    widths = page.eval_on_selector_all(".chart .main-svg", "all => all.map(one => one.clientWidth || 0)")
    assert max(widths) <= 690
    assert page.locator("details:not([open])").count() == 0
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    page.wait_for_timeout(500)
    assert page.locator("details[open]").count() == 0
    printed = page.pdf(format="A4")
    assert printed.startswith(b"%PDF")
    assert printed.count(b"/Type /Page\n") + printed.count(b"/Type /Page ") + printed.count(b"/Type/Page/") >= 3
    ARTIFACTS.mkdir(parents=True, exist_ok=True)
    (ARTIFACTS / "report.pdf").write_bytes(printed)


def test_headings_names_and_buttons_are_there_for_whoever_cannot_see(report, opened):
    page = opened(report)
    assert page.locator("h1").count() == 1
    levels = page.eval_on_selector_all("h1, h2, h3", "all => all.map(one => Number(one.tagName[1]))")
    assert all(after - before <= 1 for before, after in pairwise(levels))
    assert page.eval_on_selector_all("button", "all => all.every(one => one.ariaLabel.length > 5)")
    assert page.eval_on_selector_all("[role=img]", "all => all.every(one => one.ariaLabel.length > 30)")
    assert page.eval_on_selector_all("th", "all => all.every(one => one.scope || !one.textContent)")
    bar = page.locator(".zoombar").first.get_by_role("button", name="To the next fill")
    bar.focus()
    page.keyboard.press("Enter")
    page.locator("#i0-quotes[data-detail]").wait_for(timeout=30_000)


def test_the_charts_of_one_among_many_instruments_are_drawn_when_they_are_unfolded(tmp_path, opened):
    runs = [synthetic_run(seed=seed, steps=60, instrument=f"A{seed}USDT.V{seed}") for seed in range(5)]
    messages = sorted((one for run in runs for one in run.messages), key=lambda message: message.ts_ns)
    facts = replace(
        runs[0].facts,
        instruments=tuple(one for run in runs for one in run.facts.instruments),
        accounts=tuple(one for run in runs for one in run.facts.accounts),
    )
    page = opened(write_report(write_run_folder(SyntheticRun(messages, facts), tmp_path / "run")))
    assert page.locator("details.folded").count() == 5
    assert page.locator("#i3-quotes .main-svg").count() == 0
    page.get_by_text("A3USDT.V3 over time").click()
    page.locator("#i3-quotes .main-svg").first.wait_for(timeout=30_000)
    page.locator("details.folded[open] .zoombar button").first.wait_for(timeout=30_000)
    assert all(layers > 0 for key, layers, _ in charts(page) if key.startswith("i3-"))
    assert page.locator("#i2-quotes .main-svg").count() == 0


def test_runs_side_by_side(run, folder, tmp_path, opened):
    other = write_run_folder(synthetic_run(seed=5, steps=300, instrument="ETHUSDT.ALT"), tmp_path / "other")
    page = opened(write_side_by_side(tmp_path / "both.html", [read_run(folder), read_run(other)]))
    assert all(layers > 0 for _, layers, _ in charts(page))
    assert "Not the same instruments were traded." in page.inner_text("header")
    assert page.evaluate("document.documentElement.scrollWidth") <= DESK["width"]
    screenshot(page, "side-by-side.png", full_page=True)
