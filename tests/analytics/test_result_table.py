"""What a backtest prints: money that adds up, and every setting and caveat beside it."""

import io
import re
from decimal import Decimal

import pytest
from rich.console import Console
from synthetic_result import result_of
from synthetic_risk import risky_run
from synthetic_run import synthetic_run

from mm_nautilus.analytics.numbers import MINUS, NOTHING, aligned, amount, compact, duration, share
from mm_nautilus.analytics.runlog import RunLog
from mm_nautilus.cli.tables import result_table


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    run = synthetic_run(steps=400)
    return result_of(RunLog.open(run.write(tmp_path_factory.mktemp("run"))), run.facts)


def printed(result, width):
    out = io.StringIO()
    Console(width=width, file=out).print(result_table(result))
    return out.getvalue()


def unwrapped(text):
    """The text with its frames and line breaks taken out."""
    return " ".join(re.sub(r"[│╭╮╰╯─├┤┼┬┴]", " ", text).split())


def test_the_money_column_adds_up_to_the_last_digit(result):
    money_table = printed(result, 90).split("PnL in USDT")[1].split("Where the PnL")[0]
    lines = dict(re.findall(r"│ ([a-z, ]+?) +│ +([−\d.,]+) │", money_table))
    money = {name: Decimal(text.replace(MINUS, "-").replace(",", "")) for name, text in lines.items()}
    total = money.pop("total")
    assert list(money) == ["realised", "unrealised, at the last mid", "fees", "rebates", "rounding of the bookings"]
    assert sum(money.values()) == total == Decimal(result["total"]["USDT"]["total"])


def test_settings_and_caveats_are_never_silent(result):
    text = unwrapped(printed(result, 100))
    for caveat in result["realism"]["caveats"]:
        assert caveat["message"] in text
        assert caveat["severity"] in text
    for setting in ("queue position on", "insert latency ms 2.0", "maker fee -0.00005", "fill model default"):
        assert setting in text


def test_targets_are_printed_with_their_verdicts(result):
    text = unwrapped(printed(result, 100).split("Held against the targets")[1].split("Realism settings")[0])
    for score in result["scorecard"]["scores"].values():
        assert score["label"] in text
        assert score["verdict"] in text
    assert "targets" not in printed({key: value for key, value in result.items() if key != "scorecard"}, 100)


@pytest.mark.parametrize("width", [60, 100, 120, 180])
def test_it_fits_the_terminal(result, width):
    text = printed(result, width)
    assert max(map(len, text.splitlines())) <= width
    beside = any("PnL per fill" in line and "latency" in line for line in text.splitlines())
    assert beside == (width >= 120)


def test_the_head_names_the_run_and_whether_it_ended_well(result):
    assert "calm <quickstart>  ok  13 min 22 s of market, seed 7" in printed(result, 100)
    assert "failed" in printed(result | {"status": "failed"}, 100)


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, NOTHING), (0, "0.00"), (1234.567, "1,234.57"), (2_345_678.9, "2,345,679"), (0.0123456, "0.01235"),
     (-5.14337, f"{MINUS}5.143"), (1.2e-6, "1.2e-06"), (99.996, "100")],
)  # fmt: skip
def test_compact_numbers(value, text):
    assert compact(value) == text


def test_signs_shares_and_lengths_of_time():
    assert compact(2.5, signed=True) == "+2.5"
    assert compact(0, signed=True) == "0.00"
    assert amount(Decimal("0.0600")) == "0.06"
    assert [share(x)[:-2] for x in (0.0, 0.0004, 0.0005, 0.5)] == ["0.0", "< 0.1", "0.1", "50.0"]
    assert share(None) == NOTHING
    assert [duration(s) for s in (0.38, 42, 4002, 86_400, 90_061)] == ["380 ms", "42 s", "1 h 6 min", "1 d", "1 d 1 h"]


def test_aligned_amounts_are_exact():
    assert aligned([Decimal("1234.5"), Decimal("-0.0625"), Decimal(0)]) == ["1,234.5000", f"{MINUS}0.0625", "0.0000"]
    assert aligned([Decimal(3), Decimal("0E-16")]) == ["3.00", "0.00"]


def test_what_was_risked_and_demanded_is_printed_where_there_is_any(result, tmp_path):
    assert "Risk and obligations" not in printed(result, 100)
    run = risky_run()
    text = unwrapped(printed(result_of(RunLog.open(run.write(tmp_path)), run.facts), 100))
    for words in (
        "hedges 3, 1 not done, 2 not in time",
        "2.59 USDT",
        "32 s in the median",
        "halt 8.3",
        "1 / not halted",
    ):
        assert words in text
    assert re.search(r"SIM: top tier kept 7\d\.\d.% of 95\.0", text)
    assert "worst case" in text


def test_where_the_pnl_came_from_is_printed(result):
    table = printed(result, 90).split("Where the PnL came from: BTC, in USDT")[1].split("Realism")[0]
    lines = dict(re.findall(r"│ ([a-z ]+?) +│ +([−\d.,]+) │", table))
    told = result["attribution"]["assets"]["BTC"]["total"]
    assert lines["spread capture"] == compact(Decimal(told["spread_capture"]))
    assert lines["total"] == compact(Decimal(result["total"]["USDT"]["total"]))
    assert "arbitrage" not in lines, "a line of nothing is not shown"
