"""Markouts from the run log: golden values, what is told apart, and what is left out."""

from decimal import Decimal

import numpy as np
import pytest

from mm_nautilus.analytics.jsonable import jsonable
from mm_nautilus.analytics.markout_summary import markout_report, size_buckets
from mm_nautilus.analytics.report.markout_charts import (
    assessments_over_time,
    horizon_name,
    markout_curve,
    markout_tables,
)
from mm_nautilus.analytics.runlog import RunLog, RunLogWriter
from mm_nautilus.messages import FillFact, MarkoutFact

SECOND = 10**9
HOUR = 3600 * SECOND
D = Decimal


def fill(number, ts_ns, side, size, price, level=0, liquidity="MAKER", instrument="BTCUSDT.SIM"):
    return FillFact(
        ts_ns, "MM-001", instrument, f"O-{number}", "V", f"T-{number}", 1, side, level, D(price), D(size), liquidity,
        D(0), "USDT", D(0), None, None, ts_ns,
    )  # fmt: skip


def marked(one, horizon_s, mid, later):
    side = 1.0 if one.side == "BUY" else -1.0
    price = float(one.price)
    return MarkoutFact(
        one.ts_ns + round(horizon_s * 1e9), one.strategy_id, one.instrument_id, one.client_order_id, one.trade_id,
        one.ts_ns, one.side, one.level, one.liquidity, float(one.size), price, horizon_s, mid, later,
        side * (mid - price), side * (later - price), side * (mid - later),
    )  # fmt: skip


FILLS = [
    fill(1, 1 * SECOND, "BUY", "1", "99.5"),
    fill(2, 2 * SECOND, "SELL", "3", "100.5", level=1),
    fill(3, HOUR, "BUY", "2", "99", liquidity="TAKER"),
    fill(4, HOUR + SECOND, "BUY", "2", "99.0"),
]
MARKOUTS = [
    marked(FILLS[0], 1.0, 100.0, 99.0),
    marked(FILLS[1], 1.0, 100.0, 101.0),
    marked(FILLS[0], 30.0, 100.0, 98.0),
    marked(FILLS[3], 1.0, 100.0, 100.0),
    marked(fill(1, SECOND, "BUY", "9", "1", instrument="ETHUSDT.SIM"), 1.0, 1.0, 2.0),
]


def log_of(folder, messages):
    writer = RunLogWriter(folder)
    for message in messages:
        writer.append(message)
    writer.close()
    return RunLog.open(folder)


@pytest.fixture
def report(tmp_path):
    found = markout_report(log_of(tmp_path, MARKOUTS), FILLS, "SIM")
    assert found is not None
    return found


def test_golden_averages_and_groups(report) -> None:
    near, far = report.all
    assert report.horizons_s == (1.0, 30.0)
    assert report.fills == 3, "takers are not marked"
    assert (near.fills, far.fills) == (3, 1)
    assert near.adverse_selection == pytest.approx((1 * 1.0 + 3 * 1.0 + 2 * 0.0) / 6)
    assert near.markout == pytest.approx((1 * -0.5 + 3 * -0.5 + 2 * 1.0) / 6)
    assert near.edge == pytest.approx((1 * 0.5 + 3 * 0.5 + 2 * 1.0) / 6)
    assert far.markout == pytest.approx(-1.5)
    assert far.markout_se is None, "one fill has no standard error"
    assert {what: list(by) for what, by in report.groups.items()} == {
        "side": ["BUY", "SELL"],
        "level": ["0", "1"],
        "venue": ["SIM"],
        "size": ["1", "2", "3"],
        "hour": ["00h", "01h"],
    }
    assert report.groups["side"]["SELL"][0].adverse_selection == pytest.approx(1.0)
    assert report.groups["hour"]["01h"][0].markout == pytest.approx(1.0)
    assert report.groups["venue"]["SIM"] == report.all


def test_groups_weigh_up_to_the_whole(report) -> None:
    for by in report.groups.values():
        assert sum(one[0].fills for one in by.values()) == report.all[0].fills


def test_nobody_marked_or_nobody_filled(tmp_path) -> None:
    assert markout_report(log_of(tmp_path / "a", []), FILLS, "SIM") is None
    assert markout_report(log_of(tmp_path / "b", MARKOUTS), [], "SIM") is None
    assert markout_report(log_of(tmp_path / "c", MARKOUTS), [FILLS[2]], "SIM") is None


def test_many_sizes_are_told_apart_in_quarters() -> None:
    assert size_buckets(np.array([1.0, 2.5, 1.0])) == ["1", "2.5", "1"]
    labels = size_buckets(np.arange(1.0, 101.0))
    assert [labels.count(label) for label in dict.fromkeys(labels)] == [25, 25, 25, 25]
    assert (labels[0], labels[30], labels[99]) == ("up to 25.75", "25.75 to 50.5", "above 75.25")
    assert set(size_buckets(np.array([1.0] * 50 + [2.0, 3.0, 4.0, 5.0]))) == {"up to 1", "above 1"}


def test_the_curve_and_the_tables_show_what_was_found(report) -> None:
    one = jsonable(report)
    chart = markout_curve(one, "i0")
    assert [trace.name for trace in chart.figure.data] == ["All fills", "BUY", "SELL"]
    assert chart.figure.data[0].y[0] == pytest.approx(report.all[0].markout_bps)
    assert chart.figure.data[0].error_y.array[0] == pytest.approx(1.959964 * report.all[0].markout_bps_se)
    tables = markout_tables(one)
    assert all(said in tables for said in ("By side", "By level", "By venue", "By size", "By hour (UTC)", "30 s"))
    assert "nan" not in tables.lower()


def test_a_run_without_a_horizon_passed_is_still_drawn(tmp_path) -> None:
    found = markout_report(log_of(tmp_path, [MARKOUTS[0]]), FILLS[:2], "SIM")
    assert found is not None
    assert found.groups["side"]["SELL"][0].markout is None
    assert "\N{EN DASH}" in markout_tables(jsonable(found))
    assert markout_curve(jsonable(found), "i0").figure.data[2].y[0] is None


def test_assessments_are_drawn_side_by_side(tmp_path) -> None:
    log = log_of(tmp_path, [])
    columns = ["ts_ns", "bid_t", "ask_t", "bid_toxic", "ask_toxic"]
    chart = assessments_over_time(log.table("assessments", columns), (0, SECOND), "i0", 100)
    assert [trace.name for trace in chart.figure.data][:2] == ["Bid", "Ask"]
    assert "0 assessments" in chart.alt


@pytest.mark.parametrize(("seconds", "said"), [(1.0, "1 s"), (0.5, "0.5 s"), (90.0, "90 s"), (300.0, "5 min")])
def test_horizons_are_read_as_people_say_them(seconds, said) -> None:
    assert horizon_name(seconds) == said
