"""The report: every fill is in it, nothing is loaded from elsewhere, and it says what it left out."""

import base64
import re
from copy import replace
from decimal import Decimal
from html.parser import HTMLParser
from itertools import pairwise

import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from synthetic_result import RUN_TOML, write_run_folder
from synthetic_risk import risky_run
from synthetic_run import SyntheticRun, synthetic_run

from mm_nautilus.analytics import report
from mm_nautilus.analytics.report import write_report
from mm_nautilus.analytics.report.palette import SWAPS
from mm_nautilus.analytics.report.reading import read_run
from mm_nautilus.analytics.report.rows import Badge, rows_table
from mm_nautilus.analytics.report.state_charts import state_shares
from mm_nautilus.analytics.report.thin import evenly, extremes
from mm_nautilus.analytics.runlog import RunLogWriter
from mm_nautilus.errors import DataError
from mm_nautilus.messages import FillFact, QuoteDecision


class Page(HTMLParser):
    """Collects attributes, texts and scripts of a page."""

    def __init__(self, html):
        super().__init__()
        self.attributes, self.scripts, self.words, self.charts, self._script = [], {}, [], {}, None
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        named = dict(attrs)
        self.attributes += [(tag, name, value) for name, value in attrs]
        self._script = named.get("id", "page") if tag == "script" else "style" if tag == "style" else None
        if named.get("class") == "chart":
            self.charts[named["id"]] = named

    def handle_endtag(self, tag):
        if tag in {"script", "style"}:
            self._script = None

    def handle_data(self, data):
        if self._script:
            self.scripts[self._script] = self.scripts.get(self._script, "") + data
        else:
            self.words.append(data)

    @property
    def figures(self):
        return orjson.loads(self.scripts["figures"])

    @property
    def text(self):
        return " ".join(self.words)


def decoded(array):
    return np.frombuffer(base64.b64decode(array["bdata"]), dtype=array["dtype"])


def trace(page, key, name):
    (found,) = [one for one in page.figures[key]["figure"]["data"] if one["name"] == name]
    return found


@pytest.fixture(scope="module")
def run():
    return synthetic_run(seed=3, steps=1_500)


@pytest.fixture(scope="module")
def folder(run, tmp_path_factory):
    folder = write_run_folder(run, tmp_path_factory.mktemp("run"))
    write_report(folder)
    return folder


@pytest.fixture(scope="module")
def page(folder):
    return Page((folder / "report.html").read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("side", "name", "symbol"), [("BUY", "Bought", "triangle-up"), ("SELL", "Sold", "triangle-down")]
)
def test_every_fill_is_drawn_where_and_when_it_happened(run, page, side, name, symbol):
    drawn = trace(page, "i0-quotes", name)
    fills = [fill for fill in run.of(FillFact) if fill.side == side]
    assert len(fills) > 20
    assert drawn["marker"]["symbol"] == symbol
    np.testing.assert_array_equal(decoded(drawn["x"]), [fill.ts_ns / 1e6 for fill in fills])
    np.testing.assert_array_equal(decoded(drawn["y"]), [float(fill.price) for fill in fills])
    np.testing.assert_array_equal(decoded(drawn["customdata"]), [float(fill.size) for fill in fills])


def test_lines_show_what_was_recorded(run, page):
    bid = trace(page, "i0-quotes", "Our bid")
    wanted = [decision.bid_prices[0] if decision.bid_prices else np.nan for decision in run.of(QuoteDecision)]
    np.testing.assert_array_equal(decoded(bid["y"])[1:], wanted)
    equity = decoded(trace(page, "i0-equity", "Equity")["y"])
    parts = [decoded(trace(page, "i0-equity", name)["y"]) for name in ("Realised", "Unrealised", "Rebates less fees")]
    np.testing.assert_allclose(equity, np.sum(parts, axis=0), atol=1e-9)
    position = decoded(trace(page, "i0-inventory", "Position")["y"])
    np.testing.assert_allclose(position[1:-1], [float(fill.position_after) for fill in run.of(FillFact)], atol=1e-12)


def test_the_page_loads_nothing(page):
    (policy,) = [value for _, name, value in page.attributes if name == "content" and "default-src" in value]
    assert policy.startswith("default-src 'none'")
    loaded = [value for tag, name, value in page.attributes if name in {"src", "href", "srcset", "action"}]
    assert [value for value in loaded if not value.startswith("#")] == ["data:,"]
    own = page.scripts["page"] + page.scripts["style"] + orjson.dumps(page.figures).decode()
    for word in ("http://", "https://", "@import", "url(", "fetch(", "XMLHttpRequest"):
        assert word not in own


def test_every_chart_has_a_title_a_caption_and_words_for_who_cannot_see_it(page):
    assert set(page.charts) == set(page.figures)
    assert len(page.charts) == 9
    for named in page.charts.values():
        assert named["role"] == "img"
        assert len(named["aria-label"]) > 30


def test_every_colour_has_a_dark_shade(page):
    def colours(value):
        if isinstance(value, str):
            return {value} if value.startswith(("#", "rgba")) else set()
        items = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
        return set().union(*map(colours, items))

    assert colours(page.figures) - {"rgba(0,0,0,0)"} <= set(SWAPS)


def test_the_words_of_the_page(page, folder):
    result = orjson.loads((folder / "result.json").read_bytes())
    for caveat in result["realism"]["caveats"]:
        assert caveat["message"] in page.text
    assert "calm <quickstart>" in page.text
    assert RUN_TOML in page.text
    assert "ab" * 32 in page.text
    assert "Queue position" in page.text
    assert "One sided book" in orjson.dumps(page.figures).decode()


def test_same_folder_same_bytes(folder):
    before = (folder / "report.html").read_bytes()
    assert write_report(folder).read_bytes() == before


def test_too_many_fills_are_thinned_and_said(run, folder, monkeypatch):
    monkeypatch.setattr(report, "MOST_FILLS", 50)
    monkeypatch.setattr(report, "LINE_POINTS", 500)
    html = write_report(folder).read_text(encoding="utf-8")
    monkeypatch.undo()
    write_report(folder)
    page, count = Page(html), len(run.of(FillFact))
    drawn = sum(len(decoded(trace(page, "i0-quotes", name)["x"])) for name in ("Bought", "Sold"))
    assert drawn == 50
    assert f"Of {count:,} fills {count - 50:,} are not drawn" in page.text
    assert len(decoded(trace(page, "i0-quotes", "Our bid")["x"])) <= 600
    assert "in each of 100 equal stretches of time" in page.text


def test_a_run_without_fills_and_one_without_anything(tmp_path):
    run = synthetic_run(steps=50, fill_rate=0.0)
    assert "on 0 fills" in Page(write_report(write_run_folder(run, tmp_path / "a")).read_text(encoding="utf-8")).text
    empty = SyntheticRun([], synthetic_run(steps=1, fill_rate=0.0).facts)
    assert Page(write_report(write_run_folder(empty, tmp_path / "b")).read_text(encoding="utf-8")).charts


def test_a_run_that_was_cut_short_is_reported_and_says_so(run, folder, tmp_path):
    writer = RunLogWriter(tmp_path, flush_rows=100)
    for message in run.messages:
        writer.append(message)
    writer.flush()
    for name in ("result.json", "run.toml"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    assert "its log ends at the last flush" in Page(write_report(tmp_path).read_text(encoding="utf-8")).text


def test_two_instruments_and_two_strategies(tmp_path):
    first, second = synthetic_run(seed=1, steps=200), synthetic_run(seed=2, steps=200, instrument="ETHUSDT.ALT")
    twin = [
        replace(message, strategy_id="MM-002", ts_ns=message.ts_ns + 1_000_000)
        for message in second.messages
        if isinstance(message, QuoteDecision)
    ]
    messages = sorted([*first.messages, *second.messages, *twin], key=lambda message: message.ts_ns)
    facts = replace(
        first.facts,
        instruments=first.facts.instruments + second.facts.instruments,
        accounts=first.facts.accounts + second.facts.accounts,
    )
    page = Page(write_report(write_run_folder(SyntheticRun(messages, facts), tmp_path)).read_text(encoding="utf-8"))
    assert {key.partition("-")[0] for key in page.charts} == {"i0", "i1", "attribution"}
    assert trace(page, "i1-quotes", "Our bid 1")["x"] != trace(page, "i1-quotes", "Our bid 2")["x"]


def test_an_inverse_margin_run_is_drawn_in_its_own_units(tmp_path):
    run = synthetic_run(steps=200, fill_rate=0.0)
    one = run.facts.instruments[0]
    facts = replace(run.facts, instruments=(replace(one, contract=replace(one.contract, inverse=True)),))
    page = Page(write_report(write_run_folder(SyntheticRun(run.messages, facts), tmp_path)).read_text(encoding="utf-8"))
    assert page.figures["i0-equity"]["figure"]["layout"]["yaxis"]["title"]["text"] == "PnL (BTC)"
    assert page.figures["i0-size"]["figure"]["layout"]["yaxis"]["title"]["text"] == "Size (contracts)"


@pytest.mark.parametrize(
    ("content", "words"),
    [(None, "there is no result here"), (b"{", "not a result"), (b'{"run": {}}', "it lacks realism")],
)
def test_a_folder_that_is_no_run_is_named(tmp_path, content, words):
    if content is not None:
        (tmp_path / "result.json").write_bytes(content)
    with pytest.raises(DataError, match=rf"result\.json: .*{words}"):
        write_report(tmp_path)


values = st.lists(st.one_of(st.integers(-50, 50).map(float), st.just(float("nan"))), min_size=1, max_size=300)


@given(values, st.integers(5, 200))
def test_thinning_keeps_the_extremes_and_the_gaps(numbers, points):
    y = np.array(numbers)
    t = np.arange(len(y), dtype=np.int64) ** 2
    kept = extremes(t, y, points)
    assert np.all(np.diff(kept) > 0)
    assert kept[0] == 0
    assert kept[-1] == len(y) - 1
    assert len(kept) <= max(points, len(y) if len(y) <= points else points + 5)
    if np.isfinite(y).any():
        assert np.nanmin(y[kept]) == np.nanmin(y)
        assert np.nanmax(y[kept]) == np.nanmax(y)
    assert np.isnan(y[kept]).any() == np.isnan(y).any()


@given(st.integers(0, 1000), st.integers(2, 300))
def test_even_thinning_keeps_both_ends_and_the_bound(count, most):
    kept = evenly(count, most)
    assert len(kept) == min(count, most)
    if count:
        assert (kept[0], kept[-1]) == (0, count - 1)


def test_shares_of_states_match_a_count_second_by_second(run, folder):
    result = orjson.loads((folder / "result.json").read_bytes())["instruments"]["BTCUSDT.SIM"]
    timeline = read_run(folder).logs[result["instrument_id"]].timeline
    edges = np.linspace(*timeline.span_ns, 38).astype(np.int64)
    shares = state_shares(timeline, edges)
    np.testing.assert_allclose(shares.sum(axis=0), 1)
    middles = np.arange(edges[0], edges[-1], 500_000_000) + 250_000_000
    state = timeline.state[np.searchsorted(timeline.start_ns, middles, side="right") - 1]
    for code in range(len(timeline.states)):
        counted = [np.mean(state[(middles >= a) & (middles < b)] == code) for a, b in pairwise(edges)]
        np.testing.assert_allclose(shares[code], counted, atol=0.02)


@pytest.fixture(scope="module")
def risky(tmp_path_factory):
    return Page(write_report(write_run_folder(risky_run(), tmp_path_factory.mktemp("risky"))).read_text("utf-8"))


def test_risk_hedges_obligations_and_days_have_their_sections(risky):
    for words in (
        "Risk stages", "Time in each stage", "drawdown: drawdown 120 is above 100", "operator: drill <1>",
        "Notified", "Each hedge", "\N{MINUS SIGN}0.1 BTCUSDT-PERP.HDG", "1 min 2 s", "2, with 3 alarms",
        "top tier: two-sided, within 0.5 bps, size 0.02", "missed", "too wide", "End of day", "2024-08-08",
    ):  # fmt: skip
        assert words in risky.text, words
    assert "Ledger, strategies, engine and accounts agree." in risky.text


def test_the_stages_are_drawn_as_they_were(risky):
    stages = trace(risky, "risk-stages", "Everything")
    assert stages["text"] == ["Normal", "Widen", "Normal", "Halt", "Normal", "Normal"]
    np.testing.assert_array_equal(decoded(stages["y"]), [0, 1, 0, 4, 0, 0])
    assert "Reduce only" in trace(risky, "risk-stages", "BTCUSDT.SIM")["text"]
    shown = orjson.dumps(risky.figures["risk-stages"]).decode()
    assert set(re.findall(r"#[0-9a-f]{6}", shown)) <= set(SWAPS)


def test_an_instrument_only_hedged_on_has_no_charts_of_quotes_wanted(risky):
    assert {key for key in risky.charts if key.startswith("i1")} == {"i1-quotes", "i1-inventory", "i1-equity"}
    assert "no limit" in risky.text


def test_a_long_list_is_cut_and_says_so():
    table = rows_table("Events", ("When", "What"), [(str(n), Badge("x", "note")) for n in range(250)])
    assert table.count("<tr>") == 201
    assert "50 more are in the run log." in table
    assert "more are" not in rows_table("Events", ("When",), [("<b>",)])
    assert "&lt;b&gt;" in rows_table("Events", ("When",), [("<b>",)])


def test_books_that_do_not_agree_are_shown(run, tmp_path):
    folder = write_run_folder(
        SyntheticRun(run.messages, replace(run.facts, engine_positions={"BTCUSDT.SIM": Decimal(9)})), tmp_path
    )
    text = Page(write_report(folder).read_text("utf-8")).text
    assert "What does not agree with the ledger" in text
    assert "Engine" in text


def test_the_waterfall_is_the_attribution(folder, page):
    (told,) = orjson.loads((folder / "result.json").read_bytes())["attribution"]["assets"].values()
    (bars,) = page.figures["attribution-0"]["figure"]["data"]
    *lines, total = bars["y"]
    names = [name.lower().replace(" ", "_") for name in bars["x"][:-1]]
    assert lines == [float(told["total"][name]) for name in names]
    assert total == float(told["total"]["total"]) == pytest.approx(sum(lines))
    assert "Where the PnL came from" in page.text
