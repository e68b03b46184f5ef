"""Quotes and trades from delimited text, by what the specification says its columns mean.

Numbers are read as text and become integers without passing through a float. Lines are independent: a
quoted field cannot contain a line break, which market data never does.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv

from mm_nautilus.catalog.clean import MASKS, Columns
from mm_nautilus.catalog.columns import Aggressor
from mm_nautilus.catalog.csv_spec import CsvAggressor, CsvExclude, CsvTable
from mm_nautilus.catalog.csv_time import Clock, DayClock
from mm_nautilus.catalog.exact import IntColumn, Mask, mantissas
from mm_nautilus.catalog.reading import Reading, in_order, table_for
from mm_nautilus.catalog.sources import blocks
from mm_nautilus.catalog.spec import CsvSpec
from mm_nautilus.errors import DataError


class _Stream:
    """One table of the specification across all of its files."""

    def __init__(self, table: CsvTable, spec: CsvSpec, reading: Reading) -> None:
        self._table = table
        self._reading = reading
        self._definition = spec.definition(table.instrument)
        self._cleaner = reading.cleaner(self._definition, table.kind)
        self._exchange_clock = spec.ts_init == "exchange" or table.local_time is None
        self._shift_ns = spec.shift_ns
        self._carry = dict.fromkeys(("bid_price", "bid_size", "ask_price", "ask_size"), 0)
        self._end: tuple[int, Path] | None = None

    def read(self, source: Path) -> Iterator[pa.Table]:
        """Yield tables of one file."""
        names: list[str] = list(self._table.columns)
        clock = DayClock(self._table.time, source)
        local_clock = DayClock(self._table.local_time, source) if self._table.local_time else None
        rows = 0
        wrong: list[int] = [0]
        for block in blocks(source, self._reading.damaged, self._reading.advance):
            if not names:
                first, _, block = block.partition(b"\n")  # noqa: PLW2901
                names = _header(first, self._table.delimiter)
            self._check_columns(names, source)
            text = _parse(block, names, self._table.delimiter, wrong, source)
            columns = self._columns(text, clock, local_clock, rows)
            rows += text.num_rows
            if not len(columns["ts_event"]):
                continue
            in_order(self._end, int(columns["ts_init"][0]), source, f"{self._table.kind} of {self._definition.id}")
            self._end = (int(columns["ts_init"].max()), source)
            yield self._cleaner.quotes(columns) if self._table.kind == "quotes" else self._cleaner.trades(columns)
        self._reading.unparsable(wrong[0], f"{source.name}: wrong number of fields")

    def _check_columns(self, names: list[str], source: Path) -> None:
        missing = [name for name in self._sources_of_values() if name not in names]
        if missing:
            raise DataError(f"{source}: no column {', '.join(map(repr, missing))}; the file has {', '.join(names)}")

    def _sources_of_values(self) -> list[str]:
        table = self._table
        split = {part: rule.column for rule in table.split for part in rule.into}
        wanted = [table.time.column, *(rule.column for rule in table.exclude)]
        wanted += [table.local_time.column] if table.local_time else []
        wanted += [table.aggressor.column] if table.aggressor else []
        numbers = ("bid_price", "bid_size", "ask_price", "ask_size", "price", "size", "trade_id")
        wanted += [name for name in (getattr(table, number) for number in numbers) if name]
        return list(dict.fromkeys(split.get(name, name) for name in wanted))

    def _columns(self, text: pa.Table, clock: Clock, local_clock: Clock | None, first_row: int) -> Columns:
        """Return the columns of one block, rows that are no events of ours taken out."""
        table = self._table
        fields = {name: text[name].combine_chunks() for name in text.column_names}
        for rule in table.split:
            fields |= _split(fields[rule.column], rule.separator, rule.into)
        event, no_time = clock.read(fields[table.time.column])
        columns: dict[str, Any] = {"ts_event": event, "ts_init": event}
        if local_clock is not None and table.local_time is not None and not self._exchange_clock:
            local, no_local = local_clock.read(fields[table.local_time.column])
            columns["ts_init"] = local + self._shift_ns
            no_time = no_time | no_local
        columns["unparsable"] = no_time
        for mask in MASKS[1:]:
            columns[mask] = np.zeros(len(event), dtype=np.bool_)
        names = ("bid_price", "bid_size", "ask_price", "ask_size") if table.kind == "quotes" else ("price", "size")
        for name in names:
            self._number(name, fields, columns)
        if table.kind == "trades":
            columns["aggressor"] = _aggressor(table.aggressor, fields, len(event))
            row = np.arange(first_row, first_row + len(event))
            columns["trade_id"] = _trade_ids(fields[table.trade_id] if table.trade_id else None, event, row)
        columns = self._excluded(columns, fields, clock)
        return self._carried(columns) if table.one_sided else columns

    def _number(self, name: str, fields: dict[str, pa.Array], columns: dict[str, Any]) -> None:
        what = "size" if name.endswith("size") else "price"
        precision = self._definition.precisions[what == "size"]
        if what == "size" and self._table.constant_size:
            text = pa.repeat(self._table.constant_size, len(columns["ts_event"]))
            power = 0
        else:
            text = fields[getattr(self._table, name)]
            power = getattr(self._table, f"{what}_power_of_ten")
        columns[name], wrong, cut = mantissas(text, precision, power)
        columns["unparsable"] = columns["unparsable"] | wrong
        columns[f"inexact_{what}"] = columns[f"inexact_{what}"] | cut

    def _excluded(self, columns: Columns, fields: dict[str, pa.Array], clock: Clock) -> Columns:
        keep: Mask = np.ones(len(columns["ts_event"]), dtype=np.bool_)
        for rule in self._table.exclude:
            keep &= ~self._take(rule.reason, _matches(rule, fields[rule.column]) & keep)
        session = self._table.session
        if session is not None:
            outside = ~clock.within(columns["ts_event"], session.start, session.end)
            keep &= ~self._take(f"outside {session.start:%H:%M}-{session.end:%H:%M}", outside & keep)
        return {name: column[keep] for name, column in columns.items()}

    def _take(self, reason: str, where: Mask) -> Mask:
        count = int(np.count_nonzero(where))
        self._reading.quality.note(self._definition.id, self._table.kind, reason, count, "excluded, as specified")
        return where

    def _carried(self, columns: Columns) -> Columns:
        """Fill the side a row does not mention with its last state; rows before both are known go."""
        updates = np.zeros(len(columns["ts_event"]), dtype=np.bool_)
        for side in ("bid", "ask"):
            there = (columns[f"{side}_price"] > 0) & ~columns["unparsable"]
            updates |= there
            for name in (f"{side}_price", f"{side}_size"):
                columns[name] = _forward(columns[name], there, self._carry[name])
                if len(columns[name]):
                    self._carry[name] = int(columns[name][-1])
        unknown = (columns["bid_price"] == 0) | (columns["ask_price"] == 0)
        silent = ~updates & ~unknown
        cases = (("other side not known yet", unknown), ("neither side in the row", silent))
        for defect, where in cases:
            count = int(np.count_nonzero(where))
            self._reading.quality.note(self._definition.id, "quotes", defect, count, "dropped")
        return {name: column[~(unknown | silent)] for name, column in columns.items()}


def _header(line: bytes, delimiter: str) -> list[str]:
    return [name.strip().strip('"') for name in line.decode("utf-8-sig", "replace").split(delimiter)]


def _parse(block: bytes, names: list[str], delimiter: str, wrong: list[int], source: Path) -> pa.Table:
    def skip(_row: Any) -> str:
        wrong[0] += 1
        return "skip"

    try:
        return pa_csv.read_csv(
            pa.py_buffer(block),
            pa_csv.ReadOptions(column_names=names, use_threads=False),
            pa_csv.ParseOptions(delimiter=delimiter, invalid_row_handler=skip),
            pa_csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False),
        )
    except pa.ArrowInvalid as error:
        if "empty" in str(error).lower():
            return pa.table({name: pa.array([], pa.string()) for name in names})
        raise DataError(f"{source}: no delimited text: {error}") from error


def _split(column: pa.Array, separator: str, into: tuple[str, ...]) -> dict[str, pa.Array]:
    parts = pc.split_pattern(column, separator)
    whole = pc.equal(pc.list_value_length(parts), len(into))
    blank = pa.scalar([None] * len(into), parts.type)
    parts = pc.if_else(whole, parts, blank)
    return {name: pc.list_element(parts, index) for index, name in enumerate(into)}


def _aggressor(rule: CsvAggressor | None, fields: dict[str, pa.Array], rows: int) -> IntColumn:
    sides = np.full(rows, int(Aggressor.NO_AGGRESSOR), dtype=np.int64)
    if rule is not None:
        column = fields[rule.column]
        sides[_is_one_of(column, rule.buy)] = int(Aggressor.BUY)
        sides[_is_one_of(column, rule.sell)] = int(Aggressor.SELL)
    return sides


def _is_one_of(column: pa.Array, values: tuple[str, ...]) -> Mask:
    found: Mask = pc.is_in(column, pa.array(values, pa.string())).to_numpy(zero_copy_only=False)
    return found


def _matches(rule: CsvExclude, column: pa.Array) -> Mask:
    if rule.any_bits is None:
        return _is_one_of(column, rule.equals)
    distinct = column.dictionary_encode()
    hits = [_has_bits(value, int(rule.any_bits, 16)) for value in distinct.dictionary.to_pylist()]
    return np.array(hits, dtype=np.bool_)[distinct.indices.to_numpy()] if hits else np.zeros(0, dtype=np.bool_)


def _has_bits(value: str, bits: int) -> bool:
    try:
        return bool(int(value, 16) & bits)
    except ValueError:
        return False


def _trade_ids(column: pa.Array | None, event: IntColumn, row: IntColumn) -> npt.NDArray[Any]:
    if column is None:
        # Unique without a venue's id: when, and which row of the file.
        column = pc.binary_join_element_wise(pa.array(event).cast(pa.string()), pa.array(row).cast(pa.string()), "-")
    ids: npt.NDArray[Any] = column.to_numpy(zero_copy_only=False)
    return ids


def _forward(values: IntColumn, there: Mask, before: int) -> IntColumn:
    """Return the last value where ``there``, ``before`` ahead of the first."""
    latest = np.maximum.accumulate(np.where(there, np.arange(len(values)), -1))
    return np.where(latest < 0, before, values[np.maximum(latest, 0)]) if len(values) else values


def read(spec: CsvSpec, reading: Reading) -> Iterator[pa.Table]:
    """Yield tables of everything in the files, one block at a time.

    Parameters
    ----------
    spec : CsvSpec
        Which file is what, and what its columns mean.
    reading : Reading
        Sources (those of one table in order of time), policies, quality.

    Raises
    ------
    DataError
        A file that matches no table, lacks a column or is out of order, or a defect whose policy is "error".

    """
    streams = {id(table): _Stream(table, spec, reading) for table in spec.tables}
    for source in reading.sources:
        yield from streams[id(table_for(source, spec.tables))].read(source)
