"""A catalogue is as it was or complete, whatever interrupts the writing."""

import os
import signal
import subprocess
import sys
import textwrap
from itertools import pairwise
from pathlib import Path

import orjson
import pyarrow as pa
import pytest
from catalog_kit import ID, SECOND, T0, deltas, pair, quotes, trades, tree
from hypothesis import given, settings
from hypothesis import strategies as st
from nautilus_trader.persistence import ParquetDataCatalog

from mm_nautilus.catalog import journal
from mm_nautilus.catalog.layout import file_name, folder_name, interval
from mm_nautilus.catalog.store import CatalogWriter
from mm_nautilus.errors import CatalogError


def write(root, *tables, instruments=None, **options):
    with CatalogWriter(root, **options) as writer:
        for instrument in instruments or [pair()]:
            writer.instrument(instrument)
        for table in tables:
            writer.append(table)


def test_reads_back_through_the_engine(tmp_path):
    write(tmp_path, quotes(), trades(), deltas())
    catalog = ParquetDataCatalog(str(tmp_path))
    assert [str(instrument.id) for instrument in catalog.instruments()] == [ID]
    ticks = catalog.query_quote_ticks([ID])
    assert [(str(q.bid_price), str(q.ask_size), q.ts_event, q.ts_init) for q in ticks[:1]] == [
        ("60000.0", "2.000", T0 - 5, T0)
    ]
    assert len(ticks) == 10
    assert [str(t.trade_id) for t in catalog.query_trade_ticks([ID])] == [str(k + 1) for k in range(10)]
    book = catalog.query_order_book_deltas([ID])
    assert [d.flags for d in book] == [0, 128] * 10


def test_names_follow_the_engine(tmp_path):
    start, end = T0 + 7, T0 + 9 * SECOND
    name = "2023-11-14T22-13-20-000000007Z_2023-11-14T22-13-29-000000000Z.parquet"
    assert file_name(start, end) == name
    assert interval(name) == (start, end)
    for instrument_id in ("EUR/USD.FXCM", "^SPX.CBOE"):
        root = tmp_path / folder_name(instrument_id)
        root.mkdir()
        ParquetDataCatalog(str(root)).write_instruments([pair(instrument_id)])
        (path,) = root.rglob("*.parquet")
        assert path.parent.name == folder_name(instrument_id)


@settings(max_examples=15, deadline=None)
@given(cuts=st.lists(st.integers(1, 299_999), max_size=6, unique=True))
def test_how_the_input_was_cut_never_shows(tmp_path_factory, cuts):
    whole = quotes(300_000, step=1000)
    root = tmp_path_factory.mktemp("cut")
    edges = [0, *sorted(cuts), 300_000]
    write(root / "a", whole)
    write(root / "b", *(whole.slice(a, b - a) for a, b in pairwise(edges)))
    assert tree(root / "a") == tree(root / "b")


def test_a_failed_ingest_leaves_nothing(tmp_path):
    class Stop(Exception):  # noqa: N818
        pass

    def failing():
        with CatalogWriter(tmp_path) as writer:
            writer.instrument(pair())
            writer.append(quotes(200_000))
            raise Stop

    with pytest.raises(Stop):
        failing()
    assert tree(tmp_path) == {}
    assert not (tmp_path / journal.STAGING).exists()


def test_killed_before_the_commit_leaves_nothing(tmp_path):
    program = textwrap.dedent(f"""
        import os, signal, sys
        from pathlib import Path
        sys.path.insert(0, {str(Path(__file__).parent)!r})
        from catalog_kit import pair, quotes
        from mm_nautilus.catalog.store import CatalogWriter
        with CatalogWriter(Path({str(tmp_path)!r})) as writer:
            writer.instrument(pair())
            writer.append(quotes(200_000))
            os.kill(os.getpid(), signal.SIGKILL)
    """)
    done = subprocess.run([sys.executable, "-c", program], check=False, env=os.environ)
    assert done.returncode == -signal.SIGKILL
    assert (tmp_path / journal.STAGING).exists()
    assert tree(tmp_path) == {}
    write(tmp_path, trades())
    assert [name.split("/")[1] for name in tree(tmp_path) if name.startswith("data")] == ["currency_pair", "trades"]
    assert not (tmp_path / journal.STAGING).exists()


@pytest.mark.parametrize("survivors", [0, 1, 2])
def test_an_interrupted_commit_is_rolled_forward(tmp_path, monkeypatch, survivors):
    write(tmp_path / "whole", quotes(), trades(), fingerprint="f")
    root = tmp_path / "cut"
    write(root, quotes(bid=500_000))
    replace = Path.replace
    moved = []

    def dying(self, target):
        if self.suffix != ".draft":
            if len(moved) == survivors:
                raise KeyboardInterrupt
            moved.append(target)
        return replace(self, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", dying)
        # What the process cannot do any more when it dies: tidy up behind itself.
        patch.setattr("mm_nautilus.catalog.store.clean", lambda root: root.joinpath(journal.STAGING).exists())
        with pytest.raises(KeyboardInterrupt):
            write(root, quotes(), trades(), fingerprint="f", replace=True)
    assert (root / journal.STAGING / "journal.json").exists()
    assert journal.recover(root)
    assert not journal.recover(root)
    data = {name: content for name, content in tree(tmp_path / "whole").items() if name.startswith("data")}
    assert {name: content for name, content in tree(root).items() if name.startswith("data")} == data


def test_the_same_ingest_again_adds_nothing(tmp_path):
    write(tmp_path, quotes(), fingerprint="abc")
    before = tree(tmp_path)
    with CatalogWriter(tmp_path, fingerprint="abc") as writer:
        assert writer.already_ingested
    with CatalogWriter(tmp_path, fingerprint="abd") as writer:
        assert not writer.already_ingested
    write(tmp_path, quotes())  # without a fingerprint the content decides
    assert {k: v for k, v in tree(tmp_path).items() if not k.startswith("ingests")} == {
        k: v for k, v in before.items() if not k.startswith("ingests")
    }


def test_a_lost_file_is_ingested_again(tmp_path):
    write(tmp_path, quotes(), fingerprint="abc")
    before = tree(tmp_path)
    next((tmp_path / "data" / "quotes").rglob("*.parquet")).unlink()
    with CatalogWriter(tmp_path, fingerprint="abc") as writer:
        assert not writer.already_ingested
    write(tmp_path, quotes(), fingerprint="abc")
    assert tree(tmp_path) == before


def test_overlapping_data_are_refused_or_replaced(tmp_path):
    write(tmp_path, quotes(), fingerprint="old")
    before = tree(tmp_path)
    for other in (quotes(bid=1), quotes(start=T0 + 9 * SECOND), quotes(20, start=T0 - SECOND), quotes(3, bid=1)):
        with pytest.raises(CatalogError, match=r"quotes of BTCUSDT\.SIM .* overlap"):
            write(tmp_path, other)
    assert tree(tmp_path) == before
    write(tmp_path, quotes(start=T0 + 10 * SECOND))  # adjacent is fine
    write(tmp_path, quotes(20, start=T0 - SECOND, bid=1), replace=True, fingerprint="new")
    ticks = ParquetDataCatalog(str(tmp_path)).query_quote_ticks([ID])
    assert len(ticks) == 20
    assert str(ticks[0].bid_price) == "0.1"
    with CatalogWriter(tmp_path, fingerprint="old") as writer:
        assert not writer.already_ingested
    assert len(list((tmp_path / "ingests").iterdir())) == 1


def test_documents_go_with_the_last_file_of_their_ingest(tmp_path):
    with CatalogWriter(tmp_path, fingerprint="a") as writer:
        writer.instrument(pair())
        writer.append(quotes())
        writer.append(trades())
        writer.document("quality/one", {"b": 1, "a": Path("x")})
    assert orjson.loads((tmp_path / "documents/quality/one.json").read_bytes()) == {"a": "x", "b": 1}
    write(tmp_path, quotes(bid=5), replace=True)
    assert (tmp_path / "documents/quality/one.json").exists()
    write(tmp_path, trades(20), replace=True)
    assert not (tmp_path / "documents/quality/one.json").exists()


def test_an_instrument_is_defined_once(tmp_path):
    write(tmp_path, quotes())
    with pytest.raises(CatalogError, match="defined differently"):
        write(tmp_path, trades(), instruments=[pair(lot="0.002")])
    write(tmp_path, trades(), instruments=[pair(lot="0.002")], replace=True)
    (instrument,) = ParquetDataCatalog(str(tmp_path)).instruments()
    assert str(instrument.size_increment) == "0.002"
    with pytest.raises(ValueError, match="two definitions"):
        write(tmp_path, instruments=[pair(), pair(lot="0.002")])


@pytest.mark.parametrize(
    ("table", "error", "words"),
    [
        (lambda: quotes(step=-SECOND), ValueError, "backwards"),
        (lambda: deltas(last_flag=0), ValueError, "F_LAST"),
        (lambda: pa.table({"a": [1]}), ValueError, "type_name"),
        (lambda: quotes(instrument_id="ETHUSDT.SIM"), CatalogError, r"no definition of that instrument"),
    ],
)
def test_what_cannot_be_run_is_not_written(tmp_path, table, error, words):
    with pytest.raises(error, match=words):
        write(tmp_path, table())
    assert tree(tmp_path) == {}


def test_one_writer_at_a_time(tmp_path):
    with CatalogWriter(tmp_path), pytest.raises(CatalogError, match="another process"):
        CatalogWriter(tmp_path).__enter__()
    write(tmp_path, quotes())


def test_a_file_is_not_a_catalogue(tmp_path):
    path = tmp_path / "x"
    path.write_text("")
    for place in (path, path / "below"):
        with pytest.raises(CatalogError, match="found a file"):
            CatalogWriter(place).__enter__()
