"""The first screen says no more than the result bears; runs side by side say what keeps them apart."""

import copy
import re
from copy import replace

import numpy as np
import orjson
import pytest
from synthetic_result import RUN_TOML, write_run_folder
from synthetic_run import synthetic_run

from mm_nautilus.analytics.attribution_lines import LINES
from mm_nautilus.analytics.report import palette, write_report
from mm_nautilus.analytics.report.bands import cumulated
from mm_nautilus.analytics.report.heat import time_buckets
from mm_nautilus.analytics.report.reading import read_run
from mm_nautilus.analytics.report.run_differences import labels, reservations, settings_that_differ
from mm_nautilus.analytics.report.side_by_side import rows, sentences, write_side_by_side
from mm_nautilus.analytics.report.verdict import did_it_make_money, first_screen, would_it_again

HOUR = 3_600 * 10**9


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_run_folder(synthetic_run(seed=3, steps=1_500), tmp_path_factory.mktemp("run"))


@pytest.fixture(scope="module")
def run(folder):
    return read_run(folder)


def changed(run, pnl, low, high, *, fills=100):
    """Return the result with another PnL and interval in USDT."""
    result = copy.deepcopy(dict(run.result))
    result["total"]["USDT"] |= {"total": str(pnl), "fills": fills, "rebates": "1"}
    result["performance"]["currencies"]["USDT"]["metrics"]["pnl_per_trade"] |= {"low": low, "high": high, "n": fills}
    return result


def tried(*pnls):
    cases = [{"label": f"case {number}", "pnl": pnl, "fills": 9} for number, pnl in enumerate(pnls)]
    return {"cases": cases, "name": "x", "currency": "USDT"}


@pytest.mark.parametrize(
    ("pnl", "low", "high", "money", "again"),
    [
        (10, 0.05, 0.15, "Yes", "On data like these, yes"),
        (10, -0.05, 0.25, "Yes, but within chance", "Cannot be said"),
        (10, None, None, "Yes, but within chance", "Cannot be said"),
        (-10, -0.2, -0.01, "No", "No"),
        (-10, -0.2, 0.1, "No, though within chance", "Cannot be said"),
    ],
)
def test_the_answers_follow_the_interval(run, pnl, low, high, money, again):
    result = changed(run, pnl, low, high)
    result["realism"]["caveats"] = []
    assert did_it_make_money(result).word == money
    assert would_it_again(result, None).word == again


def test_severe_caveats_and_assumptions_it_does_not_survive_take_the_yes_back(run):
    result = changed(run, 10, 0.05, 0.15)
    result["realism"]["caveats"] = [{"severity": "severe", "message": "no queue", "subject": "all"}]
    assert would_it_again(result, None).word == "Only if its caveats do not matter"
    assert would_it_again(result, tried("10", "-3")).word == "Only under its assumptions"
    result["realism"]["caveats"] = []
    assert would_it_again(result, tried("10", "3")).word == "On data like these, yes"
    assert "no queue" not in first_screen(result, None)


def test_a_profit_that_is_only_rebates_is_said_to_be(run):
    result = changed(run, "0.5", 0.001, 0.009)
    points = {text: tone for tone, text in would_it_again(result, None).points}
    assert points["Without rebates \N{MINUS SIGN}0.5 USDT."] == "severe"


def test_nothing_traded_is_no_answer(tmp_path):
    run = read_run(write_run_folder(synthetic_run(steps=60, fill_rate=0.0), tmp_path))
    assert did_it_make_money(run.result).word == "Nothing was traded"
    assert would_it_again(run.result, None).word == "Cannot be said"


def test_a_result_of_an_earlier_version_is_still_drawn(folder, tmp_path):
    older = orjson.loads((folder / "result.json").read_bytes())
    for key in ("statement", "performance", "scorecard"):
        del older[key]
    text = write_report(write_copy(folder, tmp_path, older)).read_text("utf-8")
    assert "added up by an earlier version" in text


def write_copy(folder, target, result, run_toml=RUN_TOML):
    target.mkdir(exist_ok=True)
    (target / "log").symlink_to(folder / "log")
    (target / "result.json").write_bytes(orjson.dumps(result))
    (target / "run.toml").write_text(run_toml, encoding="utf-8")
    return target


def test_the_bands_end_on_the_attribution_and_add_up_to_the_pnl(run):
    (name,) = run.logs
    lines = run.result["attribution"]["instruments"][name]["lines"]
    edges = np.array([run.span_ns[0], run.span_ns[1]])
    found = cumulated(run.postings[name], edges)
    for line in LINES:
        assert found.get(line, np.zeros(2))[-1] == pytest.approx(float(lines[line]), abs=1e-9)
    assert sum(values[-1] for values in found.values()) == pytest.approx(float(run.logs[name].books.total))


@pytest.mark.parametrize(("length", "count"), [(HOUR // 2, 30), (6 * HOUR, 12), (24 * HOUR, 24), (72 * HOUR, 24)])
def test_buckets_of_time(length, count):
    start = 1_723_075_200_000_000_000
    found = time_buckets(start, start + length)
    assert (found.names[0], len(found.names)) == ("00:00", count)
    instants = start + np.arange(0, length, length // 97)
    assert set(found.of(instants).tolist()) <= set(range(count))
    assert found.of(np.array([start + length - 1]))[0] == count - 1


def test_what_keeps_runs_apart_is_said(folder, run, tmp_path):
    other_result = copy.deepcopy(dict(run.result))
    other_result["provenance"]["data_fingerprint"] = "cd" * 32
    other = read_run(write_copy(folder, tmp_path / "other", other_result, RUN_TOML.replace("0.1", "0.7")))
    euro = read_run(write_run_folder(synthetic_run(seed=9, steps=300, instrument="ETHUSDT.ALT"), tmp_path / "third"))
    assert settings_that_differ([run, other]) == {"strategy.gamma": ["0.1", "0.7"]}
    assert labels([run, other]) == ["calm <quickstart>, gamma 0.1", "calm <quickstart>, gamma 0.7"]
    said = " ".join(reservations([run, other]))
    assert "not known to be the same" in said
    assert "different" not in said
    said = " ".join(reservations([run, euro]))
    assert "Not the same instruments" in said
    assert "different length" in said


def test_money_in_different_currencies_is_not_put_on_one_chart(folder, run, tmp_path):
    result = copy.deepcopy(dict(run.result))
    result["total"]["EUR"] = result["total"].pop("USDT")
    other = read_run(write_copy(folder, tmp_path / "euro", result))
    assert "Money is in different currencies" in " ".join(reservations([run, other]))
    html = write_side_by_side(tmp_path / "both.html", [run, other]).read_text("utf-8")
    assert {"equity-USDT", "equity-EUR"} <= set(re.findall(r'class="chart" id="([^"]+)"', html))
    cells = dict(rows([run, other]))
    assert cells["PnL (USDT)"][1] == cells["PnL (EUR)"][0] == "\N{EN DASH}"


def test_the_difference_of_runs_on_the_same_market_has_an_interval(folder, run, tmp_path):
    twin = read_run(write_copy(folder, tmp_path / "twin", dict(run.result), RUN_TOML.replace("0.1", "0.2")))
    (said,) = sentences([run, twin])
    assert "not distinguishable" in said
    moved = replace(run.logs["BTCUSDT.SIM"].facts, instrument_id="OTHER.SIM")
    assert sentences([run, replace(twin, logs={"OTHER.SIM": replace(run.logs["BTCUSDT.SIM"], facts=moved)})]) == []


def luminance(shade):
    channels = [channel / 255 for channel in bytes.fromhex(shade[1:])]
    linear = [one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in channels]
    return float(np.dot(linear, [0.2126, 0.7152, 0.0722]))


def contrast(one, other):
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("shade", ["light", "dark"])
def test_words_can_be_read_and_lines_seen(shade):
    grounds = [getattr(ground, shade) for ground in (palette.PAPER, palette.CARD)]
    for name in ("INK", "MUTED", "GOOD", "SEVERE", "WARNING"):
        assert min(contrast(getattr(getattr(palette, name), shade), ground) for ground in grounds) >= 4.5, name
    for name in ("BUY", "SELL", "EQUITY", "REALISED", "UNREALISED", "FEES", "INVENTORY"):
        assert contrast(getattr(getattr(palette, name), shade), grounds[1]) >= 3.0, name
    assert (
        contrast(palette.CARD.light if shade == "light" else palette.CARD.dark, getattr(palette.SEVERE, shade)) >= 4.5
    )
