"""Rows on disk: one by one, together, half written, and from a sweep before."""

from copy import replace
from decimal import Decimal
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from sweep_kit import failure, row

from mm_nautilus.errors import DataError
from mm_nautilus.sweep.store import ENGINE, RESULTS_FILE, SCREEN, Store

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


def test_rows_that_came_together_are_one_file_and_read_like_any_other(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.extend([])
    assert not (tmp_path / "rows").exists()
    store.extend([A, B])
    assert len(list((tmp_path / "rows").iterdir())) == 1
    assert store.read() == {A.identity: A, B.identity: B}
    store.extend([A, B])
    assert len(list((tmp_path / "rows").iterdir())) == 1, "the same rows are the same file"


def test_a_row_that_came_with_others_may_come_again_by_itself(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.extend([B, A])
    again = replace(A, identity=B.identity)
    store.append(again)
    assert store.read() == {B.identity: again, A.identity: A}
    assert len(list((tmp_path / "rows").iterdir())) == 2
    store.extend([B, A])
    assert store.read()[B.identity] == again, "a run that completed is not replaced by one that failed"


def test_screened_rows_and_the_engine_s_of_one_point_stand_beside_each_other(tmp_path: Path) -> None:
    store = Store(tmp_path)
    screened = replace(A, identity="f" * 64, path=SCREEN)
    store.extend([screened, A])
    store.compact([screened])
    assert store.read() == {screened.identity: screened, A.identity: A}
    assert {one.path for one in store.read().values()} == {SCREEN, ENGINE}


def test_rows_from_before_there_was_screening_are_the_engine_s(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.append(A)
    (path,) = (tmp_path / "rows").iterdir()
    pq.write_table(pq.read_table(path).drop_columns(["path"]), path)
    assert store.read() == {A.identity: A}
