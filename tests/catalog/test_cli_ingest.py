"""The command as a user runs it: tables, exit codes, interruption, repetition."""

import gzip
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from catalog_kit import tree

SPECS = Path(__file__).resolve().parents[2] / "configs" / "ingest"
HEADER = "time_seconds,bid_price_bid_size,ask_price_ask_size\n"


# A background job inherits an ignored SIGINT; a user's terminal does not.
CODE = "import signal as s; s.signal(s.SIGINT, s.default_int_handler); from mm_nautilus.cli import main; main()"


def command(*arguments):
    return [sys.executable, "-c", CODE, "ingest", *map(str, arguments)]


def run(*arguments):
    return subprocess.run(
        command(*arguments),
        capture_output=True,
        text=True,
        check=False,
        env={"COLUMNS": "200", "PATH": "/usr/bin:/bin"},
    )


@pytest.fixture
def quotes(tmp_path):
    path = tmp_path / "x__market-depth.csv"
    path.write_text(HEADER + "".join(f"{1_625_097_600 + k},2271.58_1.5,2279.6{k % 10}_28.4\n" for k in range(50)))
    return path


def test_an_ingest_and_its_repetition(tmp_path, quotes):
    arguments = (SPECS / "gemini_ethusd.toml", quotes, "--catalog", tmp_path / "c")
    first = run(*arguments)
    assert first.returncode == 0, first.stderr
    for words in ("ETH-USD.GEMINI", "quotes", "50", "2021-07-01", "findings, and what was done"):
        assert words in first.stdout
    before = tree(tmp_path / "c")
    again = run(*arguments)
    assert (again.returncode, "holds this ingest already" in again.stdout) == (0, True)
    assert tree(tmp_path / "c") == before


def test_replacing(tmp_path, quotes):
    spec = SPECS / "gemini_ethusd.toml"
    run(spec, quotes, "--catalog", tmp_path / "c")
    quotes.write_text(quotes.read_text().replace("2271.58", "2271.57"))
    refused = run(spec, quotes, "--catalog", tmp_path / "c")
    assert refused.returncode == 2
    assert "overlap" in refused.stderr
    assert "--replace" in refused.stderr
    done = run(spec, quotes, "--catalog", tmp_path / "c", "--replace")
    assert done.returncode == 0
    assert "replaced data/quotes/ETH-USD.GEMINI/" in done.stdout


def test_mistakes_are_one_screen_and_exit_with_2(tmp_path, quotes):
    bad = tmp_path / "bad.toml"
    bad.write_text('format = "csv"\nspeling = 1\n')
    empty = tmp_path / "noise.gz"
    empty.write_bytes(gzip.compress(b"hello\n"))
    cases = {
        (bad, quotes): "speling",
        (tmp_path / "nope.toml", quotes): "cannot be read",
        (SPECS / "gemini_ethusd.toml", tmp_path / "nope.csv"): "no such file",
        (SPECS / "gemini_ethusd.toml", bad): "matches none of the tables",
        (SPECS / "binance_spot.toml", empty): "nothing of the declared symbols",
        (SPECS / "cme_es.toml", empty): "no Databento DBN file",
    }
    for (spec, source), words in cases.items():
        done = run(spec, source, "--catalog", tmp_path / "c")
        assert done.returncode == 2, done
        assert words in done.stderr
        assert "Traceback" not in done.stderr
        assert len(done.stderr.splitlines()) < 24
        assert tree(tmp_path / "c") == {}


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_interrupted_in_the_middle(tmp_path, quotes, how):
    row = "2271.58_1.5,2279.63_28.4\n"
    long = tmp_path / "y__market-depth.csv"
    long.write_text(HEADER + "".join(f"{1_625_200_000 + k},{row}" for k in range(1_500_000)))
    spec = SPECS / "gemini_ethusd.toml"
    run(spec, quotes, "--catalog", tmp_path / "c")
    before = tree(tmp_path / "c")
    process = subprocess.Popen(
        command(spec, long, "--catalog", tmp_path / "c"),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    while not list((tmp_path / "c" / ".staging").glob("*.parquet")):
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(how)
    _, errors = process.communicate(timeout=60)
    assert process.returncode != 0
    assert "Traceback" not in errors
    assert tree(tmp_path / "c") == before
    if how == signal.SIGINT:
        assert not (tmp_path / "c" / ".staging").exists()
    # The next one starts from a clean table.
    assert run(spec, quotes, "--catalog", tmp_path / "c").returncode == 0
    assert not (tmp_path / "c" / ".staging").exists()
    assert tree(tmp_path / "c") == before
