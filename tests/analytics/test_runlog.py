"""The run log: what goes in comes out, also after a crash, and always in the same bytes."""

import os
import signal
import subprocess
import sys
import time
from copy import replace
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from synthetic_run import synthetic_run

from mm_nautilus.analytics import runlog
from mm_nautilus.analytics.runlog import RunLog, RunLogWriter
from mm_nautilus.analytics.schema import TABLES, arrow_schema, to_table
from mm_nautilus.errors import DataError
from mm_nautilus.messages import FillFact, FundingFact, MarkFact, QuoteDecision


@pytest.fixture(scope="module")
def run():
    return synthetic_run(steps=300)


def digest(folder):
    return {path.name: path.read_bytes() for path in sorted((folder / "log").glob("*"))}


def test_the_schema_follows_the_messages():
    fills, decisions = arrow_schema(FillFact), arrow_schema(QuoteDecision)
    assert fills.field("price") == pa.field("price", pa.decimal128(38, 16), nullable=False)
    assert fills.field("bid") == pa.field("bid", pa.float64(), nullable=True)
    assert fills.field("ts_ns") == pa.field("ts_ns", pa.int64(), nullable=False)
    assert decisions.field("bid_prices").type.value_type == pa.float64()
    assert decisions.field("reasons").type.value_type == pa.string()
    assert decisions.names == list(QuoteDecision.__struct_fields__)


@pytest.mark.parametrize("kind", TABLES.values(), ids=TABLES)
@pytest.mark.parametrize("flush_rows", [64, 10_000])
def test_every_message_comes_back_as_it_went_in(tmp_path, run, kind, flush_rows):
    log = RunLog.open(run.write(tmp_path, flush_rows))
    assert log.complete
    assert log.messages(kind) == run.of(kind)


@pytest.mark.parametrize("small_part_rows", [0, 50, 1000])
def test_same_messages_same_bytes_however_they_were_flushed(tmp_path, run, monkeypatch, small_part_rows):
    monkeypatch.setattr(runlog, "ROW_GROUP_ROWS", 100)
    monkeypatch.setattr(runlog, "SMALL_PART_ROWS", small_part_rows)
    folders = [run.write(tmp_path / str(rows), rows) for rows in (37, 100, 10_000)]
    first, second, third = map(digest, folders)
    assert first == second == third
    assert set(first) == {f"{name}.parquet" for name in TABLES}
    assert pq.ParquetFile(folders[0] / "log" / "decisions.parquet").num_row_groups == 3


def test_parts_of_any_size_make_the_file_that_one_part_makes(tmp_path, run, monkeypatch):
    monkeypatch.setattr(runlog, "ROW_GROUP_ROWS", 100)
    monkeypatch.setattr(runlog, "SMALL_PART_ROWS", 40)
    whole = digest(run.write(tmp_path / "one", 10_000))
    for size in (50, 100):  # the first parts are kept in memory, what follows a small one is read again
        writer = RunLogWriter(tmp_path / str(size), size)
        for number, message in enumerate(run.messages):
            writer.append(message)
            if number in {500, 507, 900}:
                writer.flush()
        writer.close()
        assert digest(tmp_path / str(size)) == whole


def test_equal_values_that_differ_stay_different():
    mark = MarkFact(1, "S", "I", 0.0, None, None, Decimal(0), Decimal("0.0"), Decimal(1), 1, "")
    bids = (0.0, -0.0, 0.0) * 200
    table = to_table(MarkFact, [replace(mark, bid=bid, position=Decimal(n % 3)) for n, bid in enumerate(bids)])
    assert [str(bid) for bid in table["bid"].to_pylist()] == [str(bid) for bid in bids]
    assert table["position"].to_pylist() == [Decimal(n % 3) for n in range(len(bids))]
    assert table["ask"].null_count == len(bids)
    assert set(table["open_buy"].to_pylist()) == {Decimal(0)}
    assert to_table(MarkFact, []).equals(arrow_schema(MarkFact).empty_table())


def test_an_unclosed_log_is_read_from_its_parts_in_order(tmp_path, run):
    writer = RunLogWriter(tmp_path, flush_rows=10)
    decisions = run.of(QuoteDecision)[:57]
    for message in decisions:
        writer.append(message)
    writer.flush()
    writer.append(run.of(QuoteDecision)[57])
    half = tmp_path / "log" / "decisions" / "part-000099.parquet.tmp"
    half.write_bytes(b"PAR1 and then the power went")
    log = RunLog.open(tmp_path)
    assert not log.complete
    assert log.messages(QuoteDecision) == decisions
    assert log.table("fills").num_rows == 0
    assert log.table("fills", ["price"]).schema.names == ["price"]


WRITER = """
import itertools, sys
from pathlib import Path
sys.path.insert(0, {tests!r})
from synthetic_run import synthetic_run
from mm_nautilus.analytics.runlog import RunLogWriter
run = synthetic_run(steps=300)
writer = RunLogWriter(Path({folder!r}), flush_rows=50)
for message in itertools.cycle(run.messages):
    writer.append(message)
"""


def test_a_killed_process_leaves_a_log_that_can_be_read(tmp_path, run):
    script = WRITER.format(tests=str(Path(__file__).parent), folder=str(tmp_path))
    process = subprocess.Popen([sys.executable, "-c", script])
    parts = tmp_path / "log" / "decisions"
    try:
        deadline = time.monotonic() + 60
        while not list(parts.glob("part-00002?.parquet")):
            assert time.monotonic() < deadline
            assert process.poll() is None
            time.sleep(0.01)
    finally:
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    log = RunLog.open(tmp_path)
    read = log.messages(QuoteDecision)
    assert not log.complete
    assert len(read) % 50 == 0
    assert len(read) >= 1000
    expected = run.of(QuoteDecision)
    assert all(message == expected[k % len(expected)] for k, message in enumerate(read))


def test_a_crash_between_compaction_and_clean_up_counts_nothing_twice(tmp_path, run):
    run.write(tmp_path)
    marks = run.of(MarkFact)
    (tmp_path / "log" / "marks").mkdir()
    pq.write_table(to_table(MarkFact, marks[:9]), tmp_path / "log" / "marks" / "part-000000.parquet")
    assert RunLog.open(tmp_path).messages(MarkFact) == marks


def test_closing_twice_is_closing_once_and_nothing_may_follow(tmp_path, run):
    writer = RunLogWriter(tmp_path)
    writer.close()
    writer.close()
    with pytest.raises(ValueError, match="came too late"):
        writer.append(run.messages[0])
    assert RunLog.open(tmp_path).messages(FillFact) == []


def test_memory_is_bounded_by_the_flush(tmp_path, run):
    writer = RunLogWriter(tmp_path, flush_rows=50)
    for message in run.messages:
        writer.append(message)
        assert all(len(buffer) < 50 for buffer in writer._buffers.values())


def test_what_is_no_message_is_refused(tmp_path):
    with pytest.raises(TypeError, match="no table for str; it takes decisions, orders"):
        RunLogWriter(tmp_path).append("hello")


def test_a_number_too_fine_for_the_log_is_an_error_not_a_rounding(tmp_path, run):
    writer = RunLogWriter(tmp_path)
    writer.append(replace(run.of(FillFact)[0], price=Decimal("1e-17")))
    with pytest.raises(pa.ArrowInvalid):
        writer.flush()


def test_a_folder_holds_one_run(tmp_path, run):
    run.write(tmp_path)
    with pytest.raises(DataError, match="there is a run log already"):
        RunLogWriter(tmp_path)


def test_no_log_and_a_damaged_log_name_the_file(tmp_path, run):
    with pytest.raises(DataError, match="there is no run log here"):
        RunLog.open(tmp_path)
    run.write(tmp_path)
    fills = tmp_path / "log" / "fills.parquet"
    fills.write_bytes(fills.read_bytes()[:100])
    with pytest.raises(DataError, match=r"fills\.parquet: cannot be read"):
        RunLog.open(tmp_path).table("fills")


def test_a_log_of_before_a_table_was_added_is_whole_and_has_no_rows_of_it(tmp_path):
    RunLogWriter(tmp_path).close()
    (tmp_path / "log" / "funding.parquet").unlink()
    log = RunLog.open(tmp_path)
    assert log.complete
    assert log.messages(FundingFact) == []
    (tmp_path / "log" / "funding").mkdir()  # begun and not closed
    assert not RunLog.open(tmp_path).complete
