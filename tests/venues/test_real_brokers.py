"""EURUSD on two brokers, 1 May 2014: clocks five hours apart are found, and quotes that cross are no free money."""

import zipfile
from decimal import Decimal

import numpy as np
import pytest

from mm_nautilus.estimators.hayashi_yoshida import hayashi_yoshida
from mm_nautilus.estimators.lead_lag import lead_lag
from mm_nautilus.market import Side
from mm_nautilus.venues.crossing import Means, ScanTerms, Trader, Verdict
from mm_nautilus.venues.opportunities import OpportunityScanner

pytestmark = pytest.mark.real_data
NS = 1_000_000_000
FIVE_HOURS_S = 5 * 3_600.0
SIZE = Decimal(1_000_000)


@pytest.fixture(scope="module")
def quotes(shared_data):
    """Rows of (ts_ns by the file's own clock, bid, ask) of both brokers."""
    found = []
    for broker in ("fxcm", "oanda"):
        with zipfile.ZipFile(shared_data / f"fx_eurusd_two_brokers_201405/{broker}/20140501_quote.zip") as archive:
            found.append(np.loadtxt(archive.open(archive.namelist()[0]), delimiter=","))
    return found


def changes(rows):
    mid = 0.5 * (rows[:, 1] + rows[:, 2])
    kept = np.append(True, np.diff(mid) != 0.0)
    return (rows[kept, 0] * 1e6).astype(np.int64), mid[kept]


def test_the_time_zones_are_found_and_then_the_prices_belong_together(quotes):
    (one_ns, one), (two_ns, two) = map(changes, quotes)
    found = lead_lag(one_ns, one, two_ns, two, (-FIVE_HOURS_S, -3_600.0, 0.0, 3_600.0, FIVE_HOURS_S))
    assert found.lead_s == FIVE_HOURS_S
    assert found.peak > 0.7
    assert abs(found.correlations[2]) < 0.02
    related = hayashi_yoshida(one_ns + round(FIVE_HOURS_S * NS), one, two_ns, two)
    assert related.correlation == pytest.approx(0.85, abs=0.05)


@pytest.mark.parametrize("fee", ["0", "0.00001"])
def test_a_day_of_crossed_quotes_is_no_arbitrage_and_says_why(quotes, fee):
    shift = (round(FIVE_HOURS_S * NS), 0)
    ticks = sorted(
        (int(ms * 1e6) + shift[venue], venue, bid, ask)
        for venue, rows in enumerate(quotes)
        for ms, bid, ask in rows.tolist()
    )
    scanner = OpportunityScanner([Trader(name, Decimal(fee)) for name in ("fxcm", "oanda")], ScanTerms())
    best, own_crossings, reports = {}, 0, []

    def book(venue, side):
        return [(Decimal(str(best[venue][1 if side is Side.BUY else 0])), SIZE)]

    for ts, venue, bid, ask in ticks:
        best[venue] = bid, ask
        own_crossings += bid >= ask
        scanner.update(venue, bid, ask, ts)
        reports += scanner.scan(ts, book, lambda _: Means())
    assert own_crossings > 5_000, "an aggregated stream crosses itself all day"
    assert scanner.episodes > 10
    assert reports
    assert {report.verdict for report in reports} <= {Verdict.NOT_LIVE, Verdict.OLD_QUOTE}
    assert all("CROSSED_BOOK" in one.explanation for one in reports if one.verdict is Verdict.NOT_LIVE)
