"""Quality is counted the same however the data are cut."""

import numpy as np
import pytest
from catalog_kit import ID, SECOND, T0, quotes, trades
from rich.console import Console

from mm_nautilus.catalog.columns import delta_table, quote_table
from mm_nautilus.catalog.quality import SOURCES, Quality
from mm_nautilus.catalog.quality_table import quality_tables


def report(*tables, gap_s=60.0):
    quality = Quality(gap_s)
    for table in tables:
        quality.observe(table)
    return quality.documents({"format": "test"})[ID]


def counts(found):
    return {(finding["kind"], finding["defect"]): finding["count"] for finding in found["findings"]}


def odd_quotes():
    times = T0 + np.array([0, 1, 1, 2, 100, 99, 101]) * SECOND
    return quote_table(
        ID,
        1,
        3,
        bid_price=np.array([10, 12, 11, 10, 10, 10, 10]),
        ask_price=np.array([11, 11, 11, 11, 11, 11, 11]),
        bid_size=np.array([1, 1, 1, 0, 1, 1, 1]),
        ask_size=np.array([1, 1, 1, 1, 1, 1, 1]),
        ts_event=times,
        ts_init=np.maximum.accumulate(times),
    )


@pytest.mark.parametrize("cut", [0, 1, 2, 3, 4, 5, 6])
def test_quotes(cut):
    table = odd_quotes()
    found = report(table.slice(0, cut), table.slice(cut))
    assert counts(found) == {
        ("quotes", "crossed"): 1,
        ("quotes", "locked"): 1,
        ("quotes", "zero size"): 1,
        ("quotes", "time gap over 60 s"): 1,
        ("quotes", "same arrival time as the event before"): 2,
        ("quotes", "exchange time before its predecessor's"): 1,
    }
    assert found["kinds"]["quotes"] == {
        "rows": 7,
        "events": 7,
        "first_ns": T0,
        "last_ns": T0 + 101 * SECOND,
        "longest_gap_s": 98.0,
        "delay_ms": {"shortest": 0.0, "longest": 1000.0},
    }
    crossed = next(finding for finding in found["findings"] if finding["defect"] == "crossed")
    assert crossed["first"] == "2023-11-14T22:13:21.000000000Z"


def book(rows):
    """One event per row of (action, side, price, size)."""
    action, side, price, size = (np.array(column) for column in zip(*rows, strict=True))
    times = T0 + np.arange(len(rows))
    return delta_table(
        ID,
        1,
        3,
        action=action,
        side=side,
        price=price,
        size=size,
        order_id=np.zeros_like(action),
        flags=np.full_like(action, 128),
        sequence=np.arange(len(rows)),
        ts_event=times,
        ts_init=times,
    )


def crossing_book():
    return book(
        [
            (1, 1, 100, 1),  # no ask yet
            (1, 2, 105, 1),
            (1, 1, 106, 1),  # crossed
            (1, 1, 107, 1),  # crossed
            (1, 2, 104, 1),  # crossed
            (4, 0, 0, 0),  # empty
            (1, 2, 103, 1),  # no bid
            (1, 1, 103, 1),  # locked
            (1, 1, 104, 1),  # crossed to the end
        ]
    )


@pytest.mark.parametrize("cut", range(10))
def test_books(cut):
    table = crossing_book()
    found = report(table.slice(0, cut), table.slice(cut))
    assert counts(found) == {
        ("deltas", "crossed"): 4,
        ("deltas", "locked"): 1,
        ("deltas", "one-sided or empty book"): 3,
    }
    assert found["crossed_spans_ns"] == [[T0 + 2, T0 + 5], [T0 + 8, T0 + 8]]
    assert found["kinds"]["deltas"]["events"] == 9


def test_spans_are_listed_up_to_a_limit(monkeypatch):
    monkeypatch.setattr("mm_nautilus.catalog.quality._MAX_SPANS", 2)
    flips = [(1, 1, 100, 1), *[(1, 2, 99, 1), (3, 2, 99, 0)] * 5]
    found = report(book(flips))
    assert found["crossed_spans_ns"] == [[T0 + 1, T0 + 2], [T0 + 3, T0 + 4]]
    assert found["crossed_spans_not_listed"] == 3


def test_notes_add_up_and_name_the_first():
    quality = Quality(60)
    quality.observe(trades())
    for first in ("here", "there"):
        quality.note(ID, "trades", "odd", 2, "dropped", first)
        quality.note(SOURCES, "source", "line", 1, "dropped", first)
    quality.note(ID, "trades", "never", 0, "dropped")
    (found,) = quality.documents({}).values()
    odd = next(finding for finding in found["findings"] if finding["defect"] == "odd")
    assert (odd["count"], odd["first"]) == (4, "here")
    assert found["source_findings"][0]["count"] == 2
    assert ("trades", "never") not in counts(found)


def test_the_tables_say_it_all():
    quality = Quality(60)
    quality.observe(odd_quotes())
    quality.observe(crossing_book())
    quality.note(SOURCES, "source", "breaks [off]", 1, "kept", "x.gz")
    console = Console(width=200, record=True)
    for table in quality_tables(quality.documents({}).values()):
        console.print(table)
    text = console.export_text()
    for words in (ID, "crossed", "breaks [off]", "locked", "14.29%", "22:13:20"):
        assert words in text


def test_a_clean_capture_says_so():
    console = Console(width=200, record=True)
    for table in quality_tables([report(quotes())]):
        console.print(table)
    assert "nothing" in console.export_text()
