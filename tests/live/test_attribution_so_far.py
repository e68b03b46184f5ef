"""The attribution that the monitor shows is the one of the report, whenever and however often it is looked at."""

from decimal import Decimal

import numpy as np
import pytest

from mm_nautilus.analytics.attribution_lines import LINES, Attribution
from mm_nautilus.analytics.attribution_summary import attribution_summary
from mm_nautilus.analytics.facts import InstrumentFacts
from mm_nautilus.analytics.instrument_log import instrument_log
from mm_nautilus.analytics.runlog import RunLog, RunLogWriter
from mm_nautilus.inventory.contract import Contract
from mm_nautilus.live.monitor.attribution import AssetSoFar
from mm_nautilus.messages import FillFact, MarkFact

D = Decimal
NS = 10**9
MARKETS = {
    "BTCUSDT.SPOT": (D("0.01"), Contract("USDT", "BTC"), 0.0),
    "BTCUSDT-PERP.LINEAR": (D("0.1"), Contract("USDT", "BTC"), -25.0),
    "BTCUSD_PERP.INVERSE": (D("0.1"), Contract("USD", "BTC", D(100), inverse=True), -12.0),
}
PURPOSES = ("QUOTE", "QUOTE", "HEDGE", "ARBITRAGE", "LIQUIDATION")


def facts_of(name):
    tick, contract, _ = MARKETS[name]
    return InstrumentFacts(name, name.rpartition(".")[2], tick, D("0.001"), contract, D(1000))


def messages(seed, names, steps=150, opening="0.5"):
    """Marks of markets that differ by a moving basis, some unfit, and fills for every purpose between them."""
    rng = np.random.default_rng(seed)
    found = []
    held = {name: D(opening) * (100 if MARKETS[name][1].inverse else 1) for name in names}
    price = 60_000.0
    for step in range(1, steps):
        price += rng.normal(0, 5)
        for name in names:
            tick, contract, basis = MARKETS[name]
            ticks = round((price + basis + 3 * np.sin(step / 30) + rng.normal(0, 0.5)) / float(tick))
            bid, ask = (ticks - 1) * float(tick), (ticks + 2) * float(tick)
            if step > 1 and rng.random() < 0.4:
                side, ts = ("BUY", "SELL")[rng.integers(2)], step * NS - int(rng.integers(1, NS))
                size = D(int(rng.integers(1, 50))) * (1 if contract.inverse else D("0.001"))
                held[name] += size if side == "BUY" else -size
                paid = D(int(rng.integers(-20, 20))).scaleb(-6)
                seen = (None, None) if rng.random() < 0.1 else (bid, ask)
                at = D(ticks + int(rng.integers(-9, 9))) * tick
                found.append(
                    FillFact(
                        ts, "S-001", name, "O", "V", f"T-{ts}", 0, side, 0, at, size, "MAKER", paid,
                        contract.settlement_currency, held[name], *seen, ts, PURPOSES[rng.integers(len(PURPOSES))],
                    )
                )  # fmt: skip
        for name in names:
            tick, _, basis = MARKETS[name]
            ticks = round((price + basis) / float(tick))
            unfit = 1 < step < steps - 1 and rng.random() < 0.1
            shown = (None, None) if unfit else ((ticks - 1) * float(tick), (ticks + 2) * float(tick))
            found.append(MarkFact(step * NS, "S-001", name, *shown, 1.0, held[name], D(0), D(0)))
    return found


def report(tmp_path, told, names, rates):
    """Return what the report says of a run of which these messages were recorded."""
    writer = RunLogWriter(tmp_path)
    for message in told:
        writer.append(message)
    writer.close()
    log = RunLog.open(tmp_path)
    logs = [instrument_log(log, facts_of(name), 0, told[-1].ts_ns) for name in names]
    return {name: one.lines for name, one in attribution_summary(logs, 0, rates).instruments.items()}


@pytest.mark.parametrize("names", [("BTCUSDT.SPOT",), ("BTCUSDT.SPOT", "BTCUSDT-PERP.LINEAR"), tuple(MARKETS)])
@pytest.mark.parametrize("rates", [{"USD": D(1)}, {}])
@pytest.mark.parametrize("seed", range(4))
def test_what_is_shown_at_the_end_is_what_the_report_says(tmp_path, seed, names, rates):
    told = messages(seed, names)
    expected = report(tmp_path, told, names, rates)
    for pause in (1, 7, len(told)):
        asset = AssetSoFar([facts_of(name) for name in names], rates)
        for number, message in enumerate(told):
            asset.take(message)
            if number % pause == pause - 1:
                asset.so_far()
        shown = asset.so_far()
        assert shown.keys() == set(names)
        for name in names:
            if MARKETS[name][1].inverse:
                near = {line: pytest.approx(value, abs=D("1e-13")) for line, value in expected[name].lines.items()}
                assert shown[name].lines == near
            else:
                assert shown[name] == expected[name], (name, pause)
            assert shown[name].position == expected[name].position


@pytest.mark.parametrize("seed", range(6))
def test_at_every_look_the_lines_are_the_total(seed):
    names = ("BTCUSDT.SPOT", "BTCUSDT-PERP.LINEAR")
    asset = AssetSoFar([facts_of(name) for name in names])
    held = dict.fromkeys(names, D("0.5"))
    for message in messages(seed, names):
        asset.take(message)
        if isinstance(message, FillFact):
            held[message.instrument_id] = message.position_after
        for name, lines in asset.so_far().items():
            assert lines.sum_of_lines == lines.total
            assert lines.position == held[name]


def test_nothing_is_said_before_a_market_was_fit_to_be_marked_at():
    name = "BTCUSDT.SPOT"
    asset = AssetSoFar([facts_of(name)])
    asset.take(MarkFact(NS, "S-001", name, None, 1.0, None, D(0), D(0), D(0)))
    assert asset.so_far() == {}
    asset.take(MarkFact(2 * NS, "S-001", name, 1.0, 1.02, None, D(0), D(0), D(0)))
    assert asset.so_far() == {name: Attribution()}


def test_old_marks_are_let_go():
    name = "BTCUSDT.SPOT"
    asset = AssetSoFar([facts_of(name)])
    for second in range(1, 5_000):
        asset.take(MarkFact(second * NS, "S-001", name, 1.0, 1.02, None, D(0), D(0), D(0)))
        asset.so_far()
    assert len(asset._lines[0].path) < 70
    assert set(asset.so_far()[name].lines) == set(LINES)
