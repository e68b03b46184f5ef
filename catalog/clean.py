"""Quotes and trades from raw columns to tables, with a stated policy for everything that is wrong in them."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from mm_nautilus.catalog.columns import quote_table, trade_table
from mm_nautilus.catalog.exact import IntColumn, Mask
from mm_nautilus.catalog.policies import Policies
from mm_nautilus.catalog.quality import Quality
from mm_nautilus.catalog.stamps import utc_text
from mm_nautilus.errors import DataError

type Columns = dict[str, npt.NDArray[Any]]

MASKS: Final = ("unparsable", "inexact_price", "inexact_size")
"""Columns that say which rows are no numbers, or have more decimals than the instrument."""


class Cleaner:
    """Apply the policies to one kind of data of one instrument, chunk by chunk.

    Parameters
    ----------
    instrument_id : str
        Engine instrument id.
    precisions : (int, int)
        Decimal places of its prices and sizes.
    kind : str
        ``quotes``, ``trades`` or ``deltas``; says in the report what the findings are about.
    policies : Policies
        What to do about each defect.
    quality : Quality
        Where each one is counted.

    """

    def __init__(
        self, instrument_id: str, precisions: tuple[int, int], kind: str, policies: Policies, quality: Quality
    ) -> None:
        self.instrument_id = instrument_id
        self.precisions = precisions
        self._kind = kind
        self._policies = policies
        self._quality = quality
        self._last_ns = -(2**63)
        self._last_trade_id: object = None

    def quotes(self, columns: Columns) -> pa.Table:
        """Return a quote table; ``columns`` hold those of `quote_table` and the `MASKS`."""
        columns = self.parsed(columns)
        low = np.minimum(columns["bid_price"], columns["ask_price"]) <= 0
        columns = self.apply(columns, "price of zero or less", low, "nonpositive_price")
        columns = self._sized(columns, "bid_size", "ask_size")
        empty = (columns["bid_size"] == 0) | (columns["ask_size"] == 0)
        columns = self.apply(columns, "zero size", empty, "zero_size_quote")
        columns = self.apply(columns, "crossed", columns["bid_price"] > columns["ask_price"], "crossed_quote")
        columns = self.apply(columns, "locked", columns["bid_price"] == columns["ask_price"], "locked_quote")
        return quote_table(self.instrument_id, self.precisions[0], self.precisions[1], **self.ordered(columns))

    def trades(self, columns: Columns) -> pa.Table:
        """Return a trade table; ``columns`` hold those of `trade_table` and the `MASKS`."""
        columns = self.parsed(columns)
        columns = self.apply(columns, "price of zero or less", columns["price"] <= 0, "nonpositive_price")
        columns = self._sized(columns, "size")
        columns = self.apply(columns, "zero size", columns["size"] == 0, "zero_size_trade")
        ids = columns["trade_id"]
        if len(ids):
            repeated = np.concatenate([[ids[0] == self._last_trade_id], ids[1:] == ids[:-1]]).astype(np.bool_)
            self._last_trade_id = ids[-1]
            columns = self.apply(columns, "trade id repeated", repeated, "duplicate_trade")
        return trade_table(self.instrument_id, self.precisions[0], self.precisions[1], **self.ordered(columns))

    def ordered(self, columns: Columns) -> Columns:
        """Return the columns with arrival times that never run backwards."""
        arrival: IntColumn = columns["ts_init"]
        if not len(arrival):
            return columns
        latest = np.maximum.accumulate(np.maximum(arrival, self._last_ns))
        columns = self.apply(columns, "arrival time before its predecessor's", latest > arrival, "backwards_time")
        if self._policies.backwards_time == "repair":
            columns["ts_init"] = latest
        if len(columns["ts_init"]):
            self._last_ns = int(columns["ts_init"][-1])
        return columns

    def note(self, defect: str, count: int, action: str) -> None:
        """Count a defect that is not about single rows."""
        self._quality.note(self.instrument_id, self._kind, defect, count, action)

    def apply(self, columns: Columns, defect: str, where: Mask, policy: str) -> Columns:
        """Count a defect and do about it what the policy named ``policy`` says.

        Raises
        ------
        DataError
            The policy is "error" and the defect occurs.

        """
        decision = getattr(self._policies, policy)
        count = int(np.count_nonzero(where))
        if not count:
            return columns
        first = utc_text(int(columns["ts_event"][int(np.argmax(where))]))
        if decision == "error":
            raise DataError(
                f"{self.instrument_id}, {self._kind}: {defect}, {count} times, first at {first}; correct the "
                f'instrument or the columns, or say what to do about it: policies.{policy} = "drop", for example'
            )
        if decision != "keep":  # what is kept is counted where it goes into the catalogue
            self._quality.note(self.instrument_id, self._kind, defect, count, _PAST[decision], first)
        return {name: column[~where] for name, column in columns.items()} if decision == "drop" else columns

    def parsed(self, columns: Columns) -> Columns:
        """Return the columns without the masks that say which rows are unusable, see `MASKS`."""
        columns = self.apply(dict(columns), "field that is no number", columns["unparsable"], "unparsable")
        for what in ("price", "size"):
            defect = f"{what} with more decimals than the instrument"
            columns = self.apply(columns, defect, columns[f"inexact_{what}"], f"{what}_out_of_precision")
        return {name: column for name, column in columns.items() if name not in MASKS}

    def _sized(self, columns: Columns, *names: str) -> Columns:
        negative = np.any([columns[name] < 0 for name in names], axis=0)
        return self.apply(columns, "negative size", negative, "unparsable")


_PAST = {"drop": "dropped", "repair": "given its predecessor's", "cut": "cut towards zero"}
