"""What is made of Databento's records around the engine's loader."""

import numpy as np
import pytest
from catalog_kit import tree

from mm_nautilus.catalog.clean import Cleaner
from mm_nautilus.catalog.engine_objects import DeltaStream
from mm_nautilus.catalog.ingest import ingest
from mm_nautilus.catalog.policies import Policies
from mm_nautilus.catalog.quality import Quality
from mm_nautilus.catalog.spec import DatabentoSpec
from mm_nautilus.errors import DataError, UserError

ADD, DELETE, CLEAR = 1, 3, 4
ID = "ESH4.GLBX"


def columns(*rows):
    """Rows of (action, flags); everything else does not matter here."""
    action, flags = (np.array(column, dtype=np.int64) for column in zip(*rows, strict=True))
    ones = np.ones(len(rows), dtype=np.int64)
    same = dict.fromkeys(("side", "price", "size", "order_id", "sequence", "ts_event", "ts_init"), ones)
    return {"action": action, "flags": flags} | same


def stream():
    quality = Quality(60)
    return DeltaStream(Cleaner(ID, (2, 0), "deltas", Policies(), quality)), quality


def shape(table):
    names = table["action"].to_pylist()
    return list(zip(names, table["flags"].to_pylist(), strict=True))


def test_a_snapshot_starts_empty_and_ends():
    deltas, quality = stream()
    table = deltas.add(columns((ADD, 40), (ADD, 40), (ADD, 0), (DELETE, 128)))
    assert shape(table) == [("CLEAR", 32), ("ADD", 40), ("ADD", 168), ("ADD", 0), ("DELETE", 128)]
    assert quality.instruments[ID].findings["deltas", "snapshot that does not start with a clear"].count == 1


def test_a_file_that_is_nothing_but_a_snapshot():
    deltas, _ = stream()
    assert shape(deltas.add(columns((ADD, 40), (ADD, 40)), more=False)) == [("CLEAR", 32), ("ADD", 40), ("ADD", 168)]
    # The next file states its own snapshot: it replaces the book, it does not pile up on it.
    assert shape(deltas.add(columns((ADD, 40)), more=False))[0] == ("CLEAR", 32)


def test_a_snapshot_across_chunks_is_one_event():
    deltas, quality = stream()
    assert shape(deltas.add(columns((CLEAR, 32), (ADD, 40)))) == []
    assert shape(deltas.add(columns((ADD, 40), (ADD, 128)))) == [
        ("CLEAR", 32),
        ("ADD", 40),
        ("ADD", 168),
        ("ADD", 128),
    ]
    assert ID not in quality.instruments


def test_an_event_without_an_end_waits_and_is_dropped_in_the_end():
    deltas, quality = stream()
    assert shape(deltas.add(columns((ADD, 128), (ADD, 0)))) == [("ADD", 128)]
    assert shape(deltas.add(columns((ADD, 128), (ADD, 0), (ADD, 0)))) == [("ADD", 0), ("ADD", 128)]
    deltas.close()
    assert quality.instruments[ID].findings["deltas", "last event without an end"].count == 2


def spec(**fields):
    return DatabentoSpec(format="databento", instruments=[{"builtin": ID}], **fields)


@pytest.mark.parametrize("content", [b"", b"not dbn", b"\x28\xb5\x2f\xfd" + bytes(40), b"DBN\x01" + bytes(300)])
def test_a_file_that_is_no_dbn(tmp_path, content):
    source = tmp_path / "x.mbo.dbn.zst"
    source.write_bytes(content)
    with pytest.raises(DataError, match=r"x\.mbo\.dbn\.zst"):
        ingest(spec(), [source], tmp_path / "catalog")
    assert tree(tmp_path / "catalog") == {}


@pytest.mark.real_data
def test_truncated_and_foreign_files(tmp_path, shared_data):
    folder = shared_data / "cme_es_mbo_20231225"
    whole = (folder / "esh4-glbx-mdp3-20231225.mbo.dbn.zst").read_bytes()
    source = tmp_path / "cut.mbo.dbn.zst"
    source.write_bytes(whole[: len(whole) // 2])
    done = ingest(spec(), [source], tmp_path / "kept")
    (found,) = done.reports[ID]["source_findings"]
    assert (found["defect"], found["count"]) == ("breaks off", 1)
    assert 10_000 < done.reports[ID]["kinds"]["deltas"]["events"] < 47_024
    with pytest.raises(DataError, match=r"cut\.mbo.*ends early"):
        ingest(spec(policies={"damaged_source": "error"}), [source], tmp_path / "catalog")
    with pytest.raises(DataError, match="schema 'definition' is not read"):
        ingest(spec(), [folder / "definition-glbx-es-fut.dbn.zst"], tmp_path / "catalog")
    other = DatabentoSpec.model_validate({"format": "databento", "instruments": [{"builtin": "AIG.XNYS"}]})
    with pytest.raises(DataError, match="holds ESH4; exactly the declared AIG"):
        ingest(other, [folder / "esh4-glbx-mdp3-20231225.mbo.dbn.zst"], tmp_path / "catalog")
    assert tree(tmp_path / "catalog") == {}


@pytest.mark.real_data
def test_the_extra_is_asked_for_by_name(tmp_path, shared_data, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "databento_dbn", None)
    with pytest.raises(UserError, match=r"install mm-nautilus\[databento\]"):
        ingest(spec(), [shared_data / "cme_es_mbo_20231225/esh4-glbx-mdp3-20231225.mbo.dbn.zst"], tmp_path / "catalog")
