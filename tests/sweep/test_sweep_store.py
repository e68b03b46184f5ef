"""Rows on disk: one by one, together, half written, and from a sweep before."""

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from sweep_kit import failure, row

from mm_nautilus.errors import DataError
from mm_nautilus.sweep.store import RESULTS_FILE, Store

A = row({"s.gamma": 0.5, "s.levels": 2, "s.model": "glft"}, np.array([1.0, -0.25]), pnl=Decimal("0.7500000001"))
B = failure({"s.gamma": 1, "s.levels": 3, "s.model": "symmetric"}, "ValueError: a \N{GREEK SMALL LETTER GAMMA}")


def test_rows_come_back_as_they_were_alone_and_together(tmp_path: Path) -> None:
    store = Store(tmp_path)
    assert store.read() == {}
    store.append(A)
    store.append(B)
    expected = {A.identity: A, B.identity: B}
    assert store.read() == expected
    path = store.compact([B, A])
    assert store.read() == expected
    assert list(store.read()) == [B.identity, A.identity]
    assert sorted(one.name for one in tmp_path.iterdir()) == [RESULTS_FILE]
    table = pq.read_table(path)
    assert table["s.gamma"].to_pylist() == [1.0, 0.5]
    assert table["s.model"].to_pylist() == ["symmetric", "glft"]
    assert table["pnl"].to_pylist()[1] == Decimal("0.7500000001")


def test_a_row_tried_again_replaces_the_one_that_failed(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.append(B)
    store.compact([B])
    again = replace(A, identity=B.identity)
    store.append(again)
    assert store.read() == {B.identity: again}


def test_rows_of_another_sweep_in_the_folder_are_kept(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.append(A)
    store.append(B)
    store.compact([B])
    assert list(store.read()) == [B.identity, A.identity]


def test_half_a_file_is_no_row_and_a_broken_one_is_named(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.append(A)
    (tmp_path / "rows" / "x.parquet.tmp").write_bytes(b"PAR1")
    assert list(store.read()) == [A.identity]
    (tmp_path / "rows" / "x.parquet").write_bytes(b"PAR1")
    with pytest.raises(DataError, match=r"x\.parquet: cannot be read"):
        store.read()
