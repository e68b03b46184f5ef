"""Attribution of a run: every instrument's lines are its PnL, and an asset's are its venues', to the last digit."""

from decimal import Decimal

import numpy as np
import pytest

from mm_nautilus.analytics.asset_rates import FIRST_MIDS, STATED
from mm_nautilus.analytics.attribution_lines import LINES, Attribution
from mm_nautilus.analytics.attribution_summary import attribution_summary
from mm_nautilus.analytics.facts import InstrumentFacts
from mm_nautilus.analytics.instrument_log import instrument_log
from mm_nautilus.analytics.report.attribution_section import attribution_section, statements
from mm_nautilus.analytics.runlog import RunLog, RunLogWriter
from mm_nautilus.inventory.contract import Contract
from mm_nautilus.messages import FillFact, MarkFact

D = Decimal
NS = 1_000_000_000
MARKETS = {
    "BTCUSDT.SPOT": (D("0.01"), Contract("USDT", "BTC"), 0.0),
    "BTCUSDT-PERP.LINEAR": (D("0.1"), Contract("USDT", "BTC"), -25.0),
    "BTCUSD_PERP.INVERSE": (D("0.1"), Contract("USD", "BTC", D(100), inverse=True), -12.0),
}
PURPOSES = ("QUOTE", "QUOTE", "HEDGE", "ARBITRAGE", "LIQUIDATION")


def facts_of(name):
    tick, contract, _ = MARKETS[name]
    return InstrumentFacts(name, name.rpartition(".")[2], tick, D("0.001"), contract, D(1000))


def fill(ts, name, side, price, size, commission, currency, position, bid, ask, purpose):
    return FillFact(
        ts, "S-001", name, "O", "V", f"T-{ts}", 0, side, 0, price, size, "MAKER", commission, currency, position, bid,
        ask, ts, purpose,
    )  # fmt: skip


def random_log(tmp_path, seed, names=tuple(MARKETS), steps=120):
    """Marks of markets that differ by a moving basis, some unfit, and fills for every purpose between them."""
    rng = np.random.default_rng(seed)
    writer = RunLogWriter(tmp_path / str(seed))
    held = dict.fromkeys(names, D(0))
    price = 60_000.0
    for step in range(1, steps):
        price += rng.normal(0, 5)
        for name in names:
            tick, contract, basis = MARKETS[name]
            mid = price + basis + 3 * np.sin(step / 30) + rng.normal(0, 0.5)
            ticks = round(mid / float(tick))
            bid, ask = (ticks - 1) * float(tick), (ticks + 2) * float(tick)
            if rng.random() < 0.4:
                side, ts = ("BUY", "SELL")[rng.integers(2)], step * NS - int(rng.integers(1, NS))
                size = D(int(rng.integers(1, 50))) * (1 if contract.inverse else D("0.001"))
                held[name] += size if side == "BUY" else -size
                paid = D(int(rng.integers(-20, 20))).scaleb(-6)
                seen = (None, None) if rng.random() < 0.1 else (bid, ask)
                at = D(ticks + int(rng.integers(-9, 9))) * tick
                purpose = PURPOSES[rng.integers(len(PURPOSES))]
                settled = contract.settlement_currency
                writer.append(fill(ts, name, side, at, size, paid, settled, held[name], *seen, purpose))
            unfit = rng.random() < 0.1
            shown = (None, None) if unfit else (bid, ask)
            writer.append(MarkFact(step * NS, "S-001", name, *shown, 1.0, held[name], D(0), D(0)))
    writer.close()
    log = RunLog.open(tmp_path / str(seed))
    return [instrument_log(log, facts_of(name), 0, steps * NS) for name in names]


@pytest.mark.parametrize("seed", range(12))
def test_lines_are_the_pnl_by_instrument_venue_and_asset(tmp_path, seed):
    logs = random_log(tmp_path, seed)
    found = attribution_summary(logs, 0, {"USD": D(1)})
    for one in logs:
        lines = found.instruments[one.facts.instrument_id].lines
        assert lines.sum_of_lines == lines.total == one.books.total
        assert lines.position == one.books.position
        assert lines.conversion == 0
        assert lines.arbitrage
        assert lines.hedging
    (asset,) = found.assets.values()
    assert asset.currency == "USDT"
    assert asset.total.sum_of_lines == asset.total.total
    for parts in (asset.instruments, asset.venues):
        assert sum(parts.values(), Attribution()) == asset.total
    # In the reference currency the total is each instrument's PnL at the last rate.
    linear = sum(one.books.total for one in logs[:2])
    inverse = asset.instruments["BTCUSD_PERP.INVERSE"]
    assert sum(asset.instruments[one.facts.instrument_id].total for one in logs[:2]) == linear
    assert inverse.total == pytest.approx(logs[2].books.total * 60_000, rel=D("0.01"))
    assert inverse.conversion != 0


def test_alone_a_market_has_neither_basis_nor_conversion(tmp_path):
    for seed, name in enumerate(list(MARKETS)[:2]):
        (one,) = logs = random_log(tmp_path, seed, [name])
        found = attribution_summary(logs, 0)
        (asset,) = found.assets.values()
        assert (asset.total.basis, asset.total.conversion) == (0, 0)
        assert asset.total == found.instruments[name].lines
        assert asset.total.total == one.books.total


def quiet_log(tmp_path, mids, fills):
    """Constant half-spread of 1 around given mids by instrument, a mark a second, and given fills."""
    writer = RunLogWriter(tmp_path / "quiet")
    for made in sorted(fills, key=lambda one: one.ts_ns):
        writer.append(made)
    for step in range(len(next(iter(mids.values())))):
        for name, path in mids.items():
            mark = path[step]
            shown = (None, None) if mark is None else (mark - 1, mark + 1)
            writer.append(MarkFact(step * NS, "S-001", name, *shown, 1.0, D(0), D(0), D(0)))
    writer.close()
    log = RunLog.open(tmp_path / "quiet")
    return [instrument_log(log, facts_of(name), 0, len(next(iter(mids.values()))) * NS) for name in mids]


def trade(second, name, side, price, size="1", purpose="QUOTE", after="0"):
    at, currency = int(second * NS), MARKETS[name][1].settlement_currency
    return fill(at, name, side, D(price), D(size), D(0), currency, D(after), None, None, purpose)


SPOT, LINEAR, _INVERSE = MARKETS


def test_a_constant_basis_earns_nothing_and_spoils_no_spread(tmp_path):
    """Bought below the mid here and sold below the mid there: spread and cost of the hedge, whatever lies between."""
    mids = {SPOT: [1000.0] * 20, LINEAR: [960.0] * 20}
    fills = [trade(5, SPOT, "BUY", "999", after="1"), trade(5.5, LINEAR, "SELL", "959", purpose="HEDGE", after="-1")]
    found = attribution_summary(quiet_log(tmp_path, mids, fills), 0).assets["BTC"].total
    assert (found.spread_capture, found.hedging) == (1, -1)
    assert {name: amount for name, amount in found.lines.items() if amount} == {"spread_capture": 1, "hedging": -1}
    assert found.position == 0


def test_a_basis_that_moves_is_basis_and_a_move_of_all_is_inventory(tmp_path):
    together = {SPOT: [1000.0] * 10 + [1010.0] * 10, LINEAR: [960.0] * 10 + [970.0] * 10}
    fills = [trade(2, SPOT, "BUY", "1000", after="1"), trade(2, LINEAR, "SELL", "960", purpose="HEDGE", after="-1")]
    moved = attribution_summary(quiet_log(tmp_path / "a", together, fills), 0)
    assert {name: one.inventory for name, one in moved.assets["BTC"].instruments.items()} == {SPOT: 10, LINEAR: -10}
    assert not any(moved.assets["BTC"].total.lines.values())
    apart = {SPOT: [1000.0] * 10 + [1002.0] * 10, LINEAR: [960.0] * 10 + [958.0] * 10}
    found = attribution_summary(quiet_log(tmp_path / "b", apart, fills), 0).assets["BTC"].total
    assert found.lines == dict.fromkeys(LINES, D(0)) | {"basis": D(4)}


def test_a_market_that_is_gone_moves_nothing(tmp_path):
    mids = {SPOT: [1000.0] * 20, LINEAR: [960.0] * 5 + [None] * 15}
    fills = [trade(2, LINEAR, "BUY", "960", after="1")]
    found = attribution_summary(quiet_log(tmp_path, mids, fills), 0).assets["BTC"].total
    assert not any(found.lines.values())


def test_a_currency_without_a_rate_is_taken_at_the_first_mids_and_says_so(tmp_path):
    mids = {SPOT: [1000.0] * 9, "BTCUSD_PERP.INVERSE": [1001.0] * 9}
    logs = quiet_log(tmp_path, mids, [])
    rate = attribution_summary(logs, 0).assets["BTC"].rates["USD"]
    assert (rate.rate, rate.source) == (D("0.99900100"), FIRST_MIDS)
    stated = attribution_summary(logs, 0, {"USD": D("1.001")}).assets["BTC"].rates["USD"]
    assert (stated.rate, stated.source) == (D("1.001"), STATED)


def test_amounts_of_a_coin_are_converted_when_they_arise(tmp_path):
    """A coin earned at 1,000 and worth 1,100 at the end: 1,000 by line, and 100 by conversion."""
    mids = {SPOT: [1000.0] * 10 + [1100.0] * 10, "BTCUSD_PERP.INVERSE": [1000.0] * 10 + [1100.0] * 10}
    name = "BTCUSD_PERP.INVERSE"
    fills = [trade(2, name, "BUY", "500", "10", after="10"), trade(3, name, "SELL", "1000", "10", "HEDGE")]
    found = attribution_summary(quiet_log(tmp_path, mids, fills), 0, {"USD": D(1)}).assets["BTC"].total
    assert found.lines == dict.fromkeys(LINES, D(0)) | {"spread_capture": D(1000), "conversion": D(100)}
    assert found.total == D(1100), "one coin"


def test_many_assets_share_a_statement_and_have_a_row_each():
    one = {"currency": "USDT", "rates": {}, "venues": {}, "total": dict.fromkeys((*LINES, "total"), "0")}
    assets = {f"A{n}": one | {"total": one["total"] | {"fees": "-0.1", "total": "-0.1"}} for n in range(6)}
    (name, shown), *others = statements(assets).items()
    assert (name, others, shown["total"]["fees"], shown["total"]["total"]) == ("6 assets", [], "-0.6", "-0.6")
    section = attribution_section({"assets": assets, "horizon_s": 5.0}, {})
    assert len(section.charts) == 1
    assert all(asset in section.tables[-1] for asset in assets)
    few = dict(list(assets.items())[:2])
    assert statements(few) == few
