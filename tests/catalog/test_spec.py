"""A specification says everything that is wrong with it, at once and by name."""

import re
from pathlib import Path

import pytest
from nautilus_trader.model import CryptoPerpetual, CurrencyPair, Equity, FuturesContract

from mm_nautilus.catalog.builtin import BUILTIN
from mm_nautilus.catalog.spec import CsvSpec, load_spec
from mm_nautilus.errors import ConfigError

SHIPPED = sorted((Path(__file__).resolve().parents[2] / "configs" / "ingest").glob("*.toml"))


def problems(tmp_path, text) -> str:
    path = tmp_path / "spec.toml"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_spec(path)
    return str(caught.value)


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_what_we_ship_loads(path):
    spec = load_spec(path)
    assert spec.definitions
    for definition in spec.definitions:
        assert str(definition.build().id) == definition.id


def test_there_is_a_specification_for_every_format():
    assert {load_spec(path).format for path in SHIPPED} == {"binance-raw", "csv", "databento", "tardis"}


def test_built_in_instruments_are_of_the_right_kind():
    built = {name: definition.build() for name, definition in BUILTIN.items()}
    assert isinstance(built["BTCUSDT.BINANCE"], CurrencyPair)
    linear, inverse = built["ETHUSDT-PERP.BINANCE"], built["ETHUSD_PERP.BINANCE"]
    assert isinstance(linear, CryptoPerpetual)
    assert isinstance(inverse, CryptoPerpetual)
    assert (linear.is_inverse, str(linear.settlement_currency)) == (False, "USDT")
    assert (inverse.is_inverse, str(inverse.settlement_currency), str(inverse.multiplier)) == (True, "ETH", "10")
    future, share = built["ESH4.GLBX"], built["AIG.XNYS"]
    assert isinstance(future, FuturesContract)
    assert (str(future.multiplier), str(future.price_increment), future.price_precision) == ("50", "0.25", 2)
    assert isinstance(share, Equity)
    assert str(share.lot_size) == "100"


def test_every_mistake_is_listed_with_its_place(tmp_path):
    found = problems(
        tmp_path,
        """
        format = "csv"
        speling = 1
        time_gap_s = -1
        policies = { crossed_quote = "maybe" }
        [[instruments]]
        builtin = "XX.YY"
        [[instruments]]
        kind = "CurrencyPair"
        id = "AB"
        base = "BTC"
        quote = "USDT"
        tick = "0"
        [[tables]]
        files = "*"
        kind = "quotes"
        instrument = "A.B"
        time = { column = "t", unit = "h", zone = "Mars/Olympus" }
        """,
    )
    for words in (
        "speling: Extra inputs are not permitted, found 1",
        "time_gap_s: Input should be greater than 0, found -1",
        "policies.crossed_quote: Input should be 'keep', 'drop' or 'error', found 'maybe'",
        "instruments.0.builtin: no built-in instrument 'XX.YY'; there are BTCUSDT.BINANCE",
        "instruments.1.id: an instrument id is SYMBOL.VENUE",
        "instruments.1.tick: Input should be greater than 0",
        "instruments.1.lot: Field required",
        "tables.0.time.unit: Input should be 's', 'ms', 'us', 'ns' or 'iso', found 'h'",
        "tables.0.time.zone: a zone is an IANA name",
    ):
        assert words in found
    assert "at least 1 item" not in found


def builtin(spec_format, *ids) -> str:
    return f"format = '{spec_format}'\n" + "".join(f"[[instruments]]\nbuiltin = '{name}'\n" for name in ids)


INVERSE = """
format = 'binance-raw'
[[instruments]]
kind = 'CryptoPerpetual'
id = 'X.Y'
base = 'BTC'
quote = 'USD'
tick = '0.1'
lot = '1'
settlement = 'USD'
inverse = true
"""


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("format = 'csv'\n[[instruments]", "not TOML"),
        ("format = 'xml'\ninstruments = []", "'xml'"),
        ("instruments = []", "format: one of binance-raw, csv, databento, tardis is wanted, found nothing"),
        ("format = 'databento'\ninstruments = []", "instruments: .*at least 1 item"),
        (builtin("databento", "ESH4.GLBX", "ESH4.GLBX"), "twice|one instrument"),
        (builtin("databento", "ESH4.GLBX", "AIG.XNYS"), "one instrument"),
        (builtin("binance-raw", "BTCUSDT.BINANCE", "BTCUSDT-PERP.BINANCE"), "declared twice: BTCUSDT"),
        (INVERSE, "settles in its base currency BTC, found USD"),
        (
            INVERSE.replace("CryptoPerpetual", "Share"),
            "instruments.0: an instrument has builtin = '<id>' or kind = one of CurrencyPair",
        ),
        (INVERSE.replace("'0.1'", "'tenth'"), "instruments.0.tick: .*decimal, found 'tenth'"),
        (INVERSE.replace("'0.1'", "'0.00000000000000000001'"), "instruments.0"),
    ],
)
def test_one_mistake(tmp_path, text, words):
    assert re.search(words, problems(tmp_path, text))


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(ConfigError, match="cannot be read"):
        load_spec(tmp_path / "nope.toml")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"bid_price": None}, "need bid_price"),
        ({"price": "p"}, "price do not belong to quotes"),
        ({"constant_size": "1"}, "either constant_size"),
        ({"instrument": "A.B"}, "'A.B' is not declared"),
        ({"time": {"column": "t", "unit": "s", "zone": "America/New_York"}}, "zone only means something"),
        ({"time": {"column": "t", "unit": "iso", "date_pattern": "(x)"}}, "ISO text carries its date"),
        ({"time": {"column": "t", "unit": "s", "date_pattern": "x"}}, "one group"),
        ({"time": {"column": "t", "unit": "s", "date_pattern": "("}}, "not a regular expression"),
        ({"session": {"start": "16:00", "end": "09:30"}}, "start must be before end"),
        ({"exclude": [{"column": "x", "reason": "r"}]}, "either equals or any_bits"),
        ({"delimiter": ";;"}, "delimiter"),
    ],
)
def test_csv_tables_must_make_sense(change, words):
    table = {"files": "*", "kind": "quotes", "instrument": "ETH-USD.GEMINI", "time": {"column": "t", "unit": "s"}} | {
        name: name for name in ("bid_price", "bid_size", "ask_price", "ask_size")
    }
    instruments = [{"builtin": "ETH-USD.GEMINI"}]
    CsvSpec(format="csv", instruments=instruments, tables=[table])
    with pytest.raises(ValueError, match=words):
        CsvSpec(format="csv", instruments=instruments, tables=[table | change])


def test_instruments_go_to_the_venue_that_is_named(tmp_path):
    path = SHIPPED[0].parent / "fx_fxcm.toml"
    spec = load_spec(path, "FXCM_B")
    assert [definition.id for definition in spec.definitions] == ["EUR/USD.FXCM_B"]
    assert spec.definition("EUR/USD.FXCM").id == "EUR/USD.FXCM_B", "tables name instruments as declared"
    assert str(spec.definitions[0].build().id) == "EUR/USD.FXCM_B"
    assert load_spec(path).definitions[0].id == "EUR/USD.FXCM"
    with pytest.raises(ConfigError, match="venue"):
        load_spec(path, "no such.name")
