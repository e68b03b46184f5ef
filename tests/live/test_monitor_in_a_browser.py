"""The monitor page as a person uses it: real clicks in a headless browser, and nothing in its console."""

import json
import signal
import subprocess
import sys
import time
from copy import replace
from decimal import Decimal
from pathlib import Path

import pytest
from board_kit import board_of, tell
from monitor_kit import CHROMIUM, PageServer, looking
from recorded import SOL, Recorded, recorded

from mm_nautilus.analytics.facts import InstrumentFacts
from mm_nautilus.inventory.contract import Contract
from mm_nautilus.messages import AlertFact, FillFact, HedgeFact, QuoteDecision, RiskFact, RiskState

sync_playwright = pytest.importorskip("playwright.sync_api").sync_playwright

pytestmark = [pytest.mark.e2e, pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")]
ROOT = Path(__file__).resolve().parents[2]
NAME = SOL.instrument_id

# Every text against what is painted behind it: the smallest contrast as WCAG 2 defines it, and which text that is.
CONTRAST = """() => {
  const canvas = document.createElement("canvas"); canvas.width = canvas.height = 1;
  const context = canvas.getContext("2d", { willReadFrequently: true });
  const paint = (colours) => { context.clearRect(0, 0, 1, 1);
    for (const colour of colours) { context.fillStyle = colour; context.fillRect(0, 0, 1, 1); }
    return [...context.getImageData(0, 0, 1, 1).data].slice(0, 3); };
  const linear = (v) => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
  const light = (rgb) => { const [r, g, b] = rgb.map(linear);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  let least = [99, ""];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const words = walker.currentNode.data.trim(), element = walker.currentNode.parentElement;
    if (!words || !element.checkVisibility() || element.closest("title, noscript, .hidden, .skip")) continue;
    const style = getComputedStyle(element), behind = [];
    for (let one = element; one; one = one.parentElement) behind.unshift(getComputedStyle(one).backgroundColor);
    const ground = ["white", ...behind], a = light(paint(ground));
    const b = light(paint([...ground, element instanceof SVGElement ? style.fill : style.color]));
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < least[0]) least = [ratio, words];
  }
  return least;
}"""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    return recorded(tmp_path_factory.mktemp("recorded"))


@pytest.fixture(scope="module")
def browser():
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture
def server(tmp_path: Path):
    server = PageServer(tmp_path / "log")
    yield server
    server.close()


def told(run: Recorded, share: float = 0.8):
    """Return the board in the middle of the run, and what is said after that."""
    board, cut = board_of(SOL), round(share * len(run.messages))
    for number, message in enumerate(run.messages[:cut]):
        tell(board, [message])
        if number % 20 == 0:
            board.snapshot(time.time_ns())
    board.connection("SIM", True, time.time_ns())
    return board, run.messages[cut:]


def test_the_values_of_the_run_are_on_the_page_and_move(run, browser, server, tmp_path) -> None:
    board, rest = told(run)
    first = json.loads(board.snapshot(time.time_ns()))
    server.push(board.snapshot(time.time_ns()))
    with looking(browser, tmp_path / "profile", server.url) as looked:
        page = looked.page
        page.locator("h2.name").wait_for()
        assert looked.text("#feed") == "Live"
        pnl = float(first["money"][0]["total"])
        assert f"{pnl:+.2f}".replace("-", "\u2212") in looked.text("#strip")
        ladder = looked.text("table.ladder")
        for order in first["details"][NAME]["orders"]:
            assert f"{order['price']:.2f}" in ladder
        assert ladder.index("Best ask") < ladder.index("Best bid")
        assert page.locator("svg.chart").count() == 2
        assert page.locator("svg.chart path.fill").count() > 5
        for words in ("Where the PnL came from", "Spread capture", "Value at risk", "Drawdown", "Submit to answer"):
            assert words in looked.text()
        before = looked.text("table.fills")
        tell(board, rest)
        server.push(board.snapshot(time.time_ns()))
        page.wait_for_function("text => document.querySelector('table.fills').innerText !== text", arg=before)
        last = [one for one in run.messages if isinstance(one, FillFact)][-1]
        assert f"{last.price:.2f}" in page.locator("table.fills tbody tr").first.inner_text()
        assert looked.shoot("monitor").stat().st_size > 20_000
        assert looked.said == []
        assert {method for method, _ in looked.asked} == {"GET"}
        assert all(url.startswith(server.url) for _, url in looked.asked)


def test_a_decision_is_explained_and_stays_while_new_ones_come(run, browser, server, tmp_path) -> None:
    board, rest = told(run)
    server.push(board.snapshot(time.time_ns()))
    with looking(browser, tmp_path / "profile", server.url) as looked:
        page = looked.page
        page.locator(".decisions button").nth(3).click()
        page.get_by_role("button", name="Follow the latest").wait_for()
        pinned = page.locator(".decisions button[aria-pressed=true]").get_attribute("data-decision")
        chosen = next(one for one in run.messages if isinstance(one, QuoteDecision) and str(one.decision_id) == pinned)
        steps = looked.text(".steps")
        names = [" ".join(one.split()) for one in page.locator(".steps h3").all_inner_texts()]
        assert names == ["0 Seen", "1 Estimate", "2 Price", "3 Adjust", "4 Ladder", "5 Guards", "6 Orders"]
        assert f"{chosen.reservation_price:.4f}" in steps
        assert f"{chosen.bid_prices[0]:.2f}" in steps
        tell(board, rest[: len(rest) // 2])
        server.push(board.snapshot(time.time_ns()))
        latest = next(one for one in reversed(rest[: len(rest) // 2]) if isinstance(one, QuoteDecision))
        page.locator(f".decisions button[data-decision='{latest.decision_id}']").wait_for()
        assert f"Decision {pinned}," in looked.text(".pin")
        page.get_by_role("button", name="Follow the latest").click()
        page.locator(".pin", has_text=f"Decision {latest.decision_id},").wait_for()
        assert looked.said == []


def test_fifty_instruments_are_a_table_and_the_details_of_one(browser, server, tmp_path, run) -> None:
    seen = [one for one in run.messages[:1500] if hasattr(one, "instrument_id")]
    many = [
        InstrumentFacts(f"C{n:02}USDT.SIM", "SIM", SOL.tick, SOL.lot, Contract("USDT", f"C{n:02}"), Decimal(10))
        for n in range(50)
    ]
    board = board_of(*many)
    for one in many:
        tell(board, (replace(message, instrument_id=one.instrument_id) for message in seen))
    with looking(browser, tmp_path / "profile", server.url) as looked:
        page = looked.page
        for _ in range(14):
            server.push(board.snapshot(time.time_ns()))
            page.wait_for_timeout(100)
        rows = page.locator("table.overview tbody tr")
        rows.nth(49).wait_for()
        assert rows.count() == 50
        page.get_by_label("Show instruments whose name contains").fill("c4")
        page.wait_for_function("document.querySelectorAll('table.overview tbody tr').length === 10")
        page.get_by_role("button", name="C42USDT.SIM").click()
        page.locator("h2.name", has_text="C42USDT.SIM").wait_for()
        assert page.locator("table.ladder").count() == 1
        assert "C42USDT.SIM" in server.looked_at
        board.focus(server.looked_at)  # as the node does
        assert page.get_by_role("button", name="C42USDT.SIM").get_attribute("aria-pressed") == "true"
        page.get_by_label("Show instruments whose name contains").fill("")
        page.get_by_role("button", name="Instrument").click()
        assert rows.first.inner_text().startswith("C00")
        page.get_by_role("button", name="Instrument").click()
        page.locator("table.overview tbody tr:first-child", has_text="C49").wait_for()
        page.goto(server.url + "#%")  # names nothing, so that the first is shown
        server.push(board.snapshot(time.time_ns()))
        page.locator("h2.name", has_text="C00USDT.SIM").wait_for()
        page.goto(server.url + "#C42USDT.SIM")
        page.reload()
        server.push(board.snapshot(time.time_ns()))
        page.locator("h2.name", has_text="C42USDT.SIM").wait_for()  # the address names it, and it was asked for
        looked.shoot("monitor-50")
        assert looked.said == []


def test_what_is_old_is_called_stale_and_a_lost_server_is_found_again(run, browser, server, tmp_path) -> None:
    board, _ = told(run, 0.5)
    server.push(board.snapshot(time.time_ns()))
    with looking(browser, tmp_path / "profile", server.url) as looked:
        page = looked.page
        page.locator("h2.name").wait_for()
        assert not page.locator("#trouble").is_visible()
        page.locator("#trouble", has_text="Stale for").wait_for()
        assert looked.text("#feed") == "Stale"
        assert "STALE" in page.title()
        looked.shoot("monitor-stale")
        server.push(board.snapshot(time.time_ns()))
        page.locator("#trouble").wait_for(state="hidden")
        assert looked.said == []
        server.stop()
        page.locator("#trouble", has_text="no connection to the monitor").wait_for()
        assert looked.text("#feed") == "Connection lost"
        assert page.locator("table.ladder").is_visible()  # what was known last stays to be read
        server.start()
        server.push(board.snapshot(time.time_ns()))
        page.locator("#feed", has_text="Live").wait_for()
        assert not page.locator("#trouble").is_visible()


def test_a_page_that_cannot_be_drawn_says_so(run, browser, server, tmp_path) -> None:
    board, _ = told(run, 0.5)
    good = board.snapshot(time.time_ns())
    server.push(good)
    with looking(browser, tmp_path / "profile", server.url) as looked:
        page = looked.page
        page.locator("h2.name").wait_for()
        server.push(json.dumps(json.loads(good) | {"risk": None}).encode())
        page.locator("#trouble", has_text="cannot show the latest values").wait_for()
        assert looked.text("#feed") == "Page broken"
        server.push(good)
        page.locator("#trouble").wait_for(state="hidden")


def test_trouble_comes_first_and_words_from_outside_are_only_words(run, browser, server, tmp_path) -> None:
    board, _ = told(run)
    evil = "<img src=x onerror=document.title='broken'>"
    now = run.messages[-1].ts_ns
    tell(board, [RiskState(now, "HALT", "", 1.0, ("drawdown",), evil), AlertFact(now, "MM-001", NAME, "age", evil)])
    tell(board, [RiskFact(now, "drawdown", "", 9.0, "HALT", evil)])
    hedge = HedgeFact(
        now, "MM-001", "SOL", 1, "ALARM", "BAND", 5.0, 0.0, NAME, "H-1", "SELL", Decimal(5), None, None, 0.0, 9.0, evil
    )
    tell(board, [hedge])
    board.connection("SIM", False, time.time_ns())
    board.standing = {"paused": True, "values": {NAME: {"order_size": ("2", "1")}}}
    server.push(board.snapshot(time.time_ns()))
    with looking(browser, tmp_path / "profile", server.url) as looked:
        items = looked.page.locator(".attention li")
        items.first.wait_for()
        words = looked.text(".attention")
        assert evil in words
        assert "SIM is not connected" in words
        assert "Paused by the operator until a resume" in words
        assert f"{NAME}: order_size is 2 by the operator, 1 in the run file" in words
        assert "Halt" in looked.text("#strip")
        assert f"band: {evil}" in looked.text("[data-panel=Hedges]")
        assert "broken" not in looked.page.title()
        assert looked.page.locator("img").count() == 0
        assert looked.said == []
        looked.shoot("monitor-trouble")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1440])
def test_it_can_be_read_on_a_phone_and_in_the_dark(run, browser, server, tmp_path, width, scheme) -> None:
    board, _ = told(run)
    now = run.messages[-1].ts_ns
    tell(board, [RiskState(now, "REDUCE_ONLY", "", 1.0, ("latency",), "slow answers")])
    server.push(board.snapshot(time.time_ns()))
    with looking(browser, tmp_path / "profile", server.url, width, scheme) as looked:
        page = looked.page
        page.locator("svg.chart").first.wait_for()
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        ratio, words = page.evaluate(CONTRAST)
        assert ratio >= 4.5, words
        assert page.evaluate(
            "[...document.querySelectorAll('svg.chart')].every((one) => one.getAttribute('aria-label'))"
        )
        assert page.evaluate(
            "[...document.querySelectorAll('table')].every((one) => one.caption && one.querySelector('th[scope=col]'))"
        )
        assert page.evaluate("[...document.querySelectorAll('button')].every((one) => one.innerText.trim())")
        assert page.locator("h1").count() == 1
        smallest = page.evaluate(
            "() => Math.min(...[...document.querySelectorAll('svg.chart text')]"
            ".map((one) => one.getBoundingClientRect().height))"
        )
        assert smallest >= 8
        looked.shoot(f"monitor-{width}-{scheme}")
        assert looked.said == []


def test_a_replay_with_no_argument_but_a_port_shows_live_values_and_ends_in_a_report(browser, tmp_path) -> None:
    command = [sys.executable, str(ROOT / "run_live.py"), "--set", 'live.monitor.port="any"', "--output", str(tmp_path)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=ROOT)
    try:
        deadline = time.monotonic() + 240
        while not (found := list(tmp_path.glob("*/live.json"))) and time.monotonic() < deadline:
            assert process.poll() is None, process.communicate()[0]
            time.sleep(0.1)
        url = json.loads(found[0].read_text())["url"]
        with looking(browser, tmp_path / "profile", url) as looked:
            page = looked.page
            page.locator("h2.name", has_text=NAME).wait_for(timeout=240_000)
            clock = "document.querySelector('#strip .tile:last-child dd').innerText"
            before = page.evaluate(clock)
            page.wait_for_function(f"text => {clock} !== text", arg=before)
            assert "1 of 1 up" in looked.text("#strip")
            process.send_signal(signal.SIGINT)
            printed, _ = process.communicate(timeout=240)
            page.locator("#feed", has_text="Connection lost").wait_for()
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()
    assert process.returncode == 0, printed
    (folder,) = (path for path in tmp_path.iterdir() if (path / "run.toml").exists())
    assert (folder / "report.html").is_file()
    assert json.loads((folder / "result.json").read_text())["live"]["ended_by"] == "SIGINT"
