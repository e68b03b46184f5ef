"""What a catalogue says of itself."""

import shutil

import pytest
from catalog_kit import ID, SECOND, T0, deltas, pair, quotes, trades

from mm_nautilus.catalog.columns import delta_table
from mm_nautilus.catalog.inspect import inspect_catalog, instrument_ids, load_quality
from mm_nautilus.catalog.store import CatalogWriter
from mm_nautilus.errors import CatalogError


def write(root, *tables):
    with CatalogWriter(root) as writer:
        writer.instrument(pair())
        for table in tables:
            writer.append(table)


def snapshot_and_update(start=T0, order_id=0):
    return delta_table(
        ID,
        1,
        3,
        action=[4, 1, 1, 2],
        side=[0, 1, 2, 1],
        price=[0, 600_000, 600_010, 600_000],
        size=[0, 5, 5, 6],
        order_id=[0, order_id, order_id + bool(order_id), order_id],
        flags=[32, 32, 160, 128],
        sequence=[1, 1, 1, 2],
        ts_event=[start] * 3 + [start + SECOND],
        ts_init=[start] * 3 + [start + SECOND],
    )


def test_the_shape_of_everything(tmp_path):
    write(tmp_path, quotes(), trades(5, step=2 * SECOND), snapshot_and_update())
    shape = inspect_catalog(tmp_path, [ID])
    found = shape.instruments[ID]
    assert (found.quotes.rows, found.quotes.first_ns, found.quotes.last_ns) == (10, T0, T0 + 9 * SECOND)
    assert (found.quotes.median_interval_s, found.trades.median_interval_s) == (1.0, 2.0)
    book = found.deltas
    assert (book.rows, book.events, book.snapshots, book.median_interval_s) == (4, 2, 1, 1.0)
    assert (book.order_ids, book.ends_event, book.needs_earlier_snapshot) == (False, True, False)
    assert (shape.first_ns, shape.last_ns) == (T0, T0 + 9 * SECOND)
    assert shape.root.is_absolute()
    assert shape.kinds() == ("TradeTick", "QuoteTick", "OrderBookDelta")


def test_a_window(tmp_path):
    write(tmp_path, quotes(), snapshot_and_update(order_id=7))
    write(tmp_path, quotes(start=T0 + 100 * SECOND))
    shape = inspect_catalog(tmp_path, [ID], T0 + SECOND, T0 + 100 * SECOND)
    found = shape.instruments[ID]
    assert found.quotes.rows == 10
    assert found.trades is None
    assert found.deltas.needs_earlier_snapshot, "the snapshot lies before the window"
    assert found.deltas.order_ids
    assert shape.kinds() == ("QuoteTick", "OrderBookDelta")
    assert inspect_catalog(tmp_path, [ID], T0 + 2 * SECOND).instruments[ID].deltas is None


def test_a_window_that_ends_inside_an_event(tmp_path):
    write(tmp_path, deltas())
    table = deltas(start=T0 + 100 * SECOND)
    assert inspect_catalog(tmp_path, [ID]).instruments[ID].deltas.ends_event
    assert table.num_rows == 20


def test_the_fingerprint_is_of_the_content(tmp_path):
    write(tmp_path / "a", quotes(), trades())
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    write(tmp_path / "c", quotes(bid=1), trades())
    prints = [inspect_catalog(tmp_path / name, [ID]).fingerprint for name in "abc"]
    assert prints[0] == prints[1] != prints[2]
    assert inspect_catalog(tmp_path / "a", [ID, ID], T0 + SECOND).fingerprint == prints[0]


def test_what_is_missing_is_said_with_what_is_there(tmp_path):
    with pytest.raises(CatalogError, match="no such catalogue folder"):
        inspect_catalog(tmp_path / "nope", [ID])
    with pytest.raises(CatalogError, match=r"no instrument .* the catalogue has nothing"):
        inspect_catalog(tmp_path, [ID])
    with CatalogWriter(tmp_path) as writer:
        writer.instrument(pair())
    with pytest.raises(CatalogError, match="no data at all"):
        inspect_catalog(tmp_path, [ID])
    write(tmp_path, trades())
    with pytest.raises(CatalogError, match="only trades; a run needs book deltas or quotes"):
        inspect_catalog(tmp_path, [ID])
    write(tmp_path, quotes())
    with pytest.raises(CatalogError, match=r"no instrument ETHUSDT\.SIM; the catalogue has BTCUSDT\.SIM"):
        inspect_catalog(tmp_path, ["ETHUSDT.SIM"])
    with pytest.raises(CatalogError, match=r"spans 2023-11-14T22:13:20\.0+Z to 2023-11-14T22:13:29"):
        inspect_catalog(tmp_path, [ID], T0 + 60 * SECOND)
    with pytest.raises(CatalogError, match="ends before it starts"):
        inspect_catalog(tmp_path, [ID], T0 + 1, T0)
    assert instrument_ids(tmp_path) == [ID]


def test_an_interrupted_commit_is_finished_before_looking(tmp_path):
    write(tmp_path, quotes())
    staging = tmp_path / ".staging"
    staging.mkdir()
    (staged,) = (tmp_path / "data/quotes").rglob("*.parquet")
    target = staged.relative_to(tmp_path)
    staged.rename(staging / "0.parquet")
    (staging / "journal.json").write_text(f'{{"moves": [["0.parquet", "{target}"]], "deletes": []}}')
    assert inspect_catalog(tmp_path, [ID]).instruments[ID].quotes.rows == 10


def test_quality_is_stored_beside_the_data(tmp_path):
    assert load_quality(tmp_path) == []
    with CatalogWriter(tmp_path) as writer:
        writer.instrument(pair())
        writer.append(quotes())
        writer.document("quality/BTCUSDT.SIM/x", {"kinds": {}})
    assert load_quality(tmp_path) == [{"kinds": {}}]
    (tmp_path / "documents/quality/BTCUSDT.SIM/x.json").write_text("{")
    with pytest.raises(CatalogError, match="not readable as JSON"):
        load_quality(tmp_path)
