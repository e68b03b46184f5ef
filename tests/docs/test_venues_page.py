"""The numbers on the page about several venues are those that the library gives."""

import re
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pytest

from mm_nautilus.analytics.hedged_edge import Fees, Ticks, hedged_edge
from mm_nautilus.analytics.relations import relations
from mm_nautilus.catalog.history import read_tops
from mm_nautilus.catalog.ingest import ingest
from mm_nautilus.catalog.simulator import PRESETS, override, simulate
from mm_nautilus.catalog.spec import load_spec

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "venues.md").read_text()
FOREVER = (-(2**62), 2**62)


def rows(first_cell):
    """Cells of the page's table rows whose first cell is the one given."""
    lines = [line for line in PAGE.splitlines() if line.startswith(f"| {first_cell} ")]
    assert len(lines) == 1
    return [cell.strip() for cell in lines[0].strip("|").split("|")]


def ticks_of(catalog, name, tick, span=FOREVER):
    tops = read_tops(catalog, name, "L1", tick, span)
    return Ticks.of(tops.ts_ns, tops.bid_ticks * float(tick), tops.ask_ticks * float(tick))


def number(cell):
    return float(re.sub(r"[^-+\d.]", "", cell))


def test_leads_and_bases_of_the_simulated_venues(tmp_path):
    params = override(PRESETS["three_venues"], ["seed=1"])
    simulate(params, tmp_path)
    ticks = {venue.instrument_id: ticks_of(tmp_path, venue.instrument_id, venue.tick_price) for venue in params.venues}
    venues = {venue.instrument_id: venue for venue in params.venues}
    for pair in relations(ticks, dict.fromkeys(ticks, "SOL")).assets["SOL"].pairs:
        first, second = venues[pair.first], venues[pair.second]
        _, put_in, found, basis, basis_found = rows(f"{first.venue} before {second.venue}")
        assert number(put_in) == pytest.approx(second.lag_s - first.lag_s)
        assert number(found) == pair.lead_s
        assert number(basis) == pytest.approx(second.basis.mean_price - first.basis.mean_price)
        assert number(basis_found) == pytest.approx(pair.basis, abs=6e-4)


@pytest.mark.real_data
def test_the_edge_that_survives_between_two_brokers(shared_data, tmp_path):
    span = tuple(round(datetime.fromisoformat(f"2014-05-01T{at}:00Z").timestamp() * 1e9) for at in ("06:00", "18:00"))
    ticks = {}
    for broker in ("fxcm", "oanda"):
        captures = [shared_data / "fx_eurusd_two_brokers_201405" / broker / "20140501_quote.zip"]
        ingest(load_spec(ROOT / "configs" / "ingest" / f"fx_{broker}.toml"), captures, tmp_path)
        name = f"EUR/USD.{broker.upper()}"
        ticks[name] = ticks_of(tmp_path, name, Decimal("0.00001"), span)
    fees = {"EUR/USD.OANDA": Fees(), "EUR/USD.FXCM": Fees(taker=2.5e-6)}
    found = hedged_edge("EUR/USD.OANDA", "EUR/USD.FXCM", ticks, fees)
    for edge in found.edges:
        _, any_time, kept, gone, gone_kept = rows(f"{edge.latency_ms:g} ms")
        assert number(any_time) == pytest.approx(edge.any_time_bps, abs=6e-4)
        assert number(kept) == pytest.approx(100 * edge.any_time_kept, abs=0.6)
        assert number(gone) == pytest.approx(edge.when_gone_bps, abs=6e-4)
        assert number(gone_kept) == pytest.approx(100 * edge.when_gone_kept, abs=0.6)
