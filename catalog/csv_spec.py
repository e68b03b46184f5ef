"""What the columns of delimited text mean, as a specification says it."""

from __future__ import annotations

import re
from datetime import time
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, model_validator

from mm_nautilus.settings import Settings

type PowerOfTen = Annotated[int, Field(ge=-12, le=12)]


def _checked_zone(zone: str) -> str:
    try:
        ZoneInfo(zone)
    except (KeyError, ValueError):
        raise ValueError("a zone is an IANA name: UTC, America/New_York, Etc/GMT+5 (which is UTC-5)") from None
    return zone


def _checked_pattern(pattern: str) -> str:
    try:
        groups = re.compile(pattern).groups
    except re.error as error:
        raise ValueError(f"not a regular expression: {error}") from None
    if groups != 1:
        raise ValueError(f"one group that holds YYYYMMDD is needed, found {groups} groups")
    return pattern


class CsvTime(Settings):
    """How a column says when something happened."""

    column: str
    unit: Literal["s", "ms", "us", "ns", "iso"]
    """Unit of a number (decimals allowed), or ISO 8601 text."""
    zone: Annotated[str, AfterValidator(_checked_zone)] = "UTC"
    """Zone of the base date or of ISO text without an offset; numbers since 1970 are UTC whatever this says."""
    date_pattern: Annotated[str, AfterValidator(_checked_pattern)] | None = None
    """Regular expression on the file's path whose group is the date the numbers count from midnight of."""
    offset_ms: float = 0.0
    """Milliseconds added: 1000 where a row states the end of the second that it names, lest it be known early."""

    @model_validator(mode="after")
    def _zone_has_a_meaning(self) -> CsvTime:
        if self.zone != "UTC" and self.unit != "iso" and self.date_pattern is None:
            raise ValueError("zone only means something with date_pattern or unit = 'iso': seconds since 1970 are UTC")
        if self.unit == "iso" and self.date_pattern is not None:
            raise ValueError("date_pattern is for numbers since midnight; ISO text carries its date")
        return self


class CsvSplit(Settings):
    """A column that holds several values."""

    column: str
    separator: Annotated[str, Field(min_length=1)]
    into: Annotated[tuple[str, ...], Field(min_length=2)]


class CsvAggressor(Settings):
    """Which values of a column mean that the buyer, or the seller, took liquidity; all others mean neither."""

    column: str
    buy: tuple[str, ...]
    sell: tuple[str, ...]


class CsvExclude(Settings):
    """Rows that are not events of the market we replay, with the reason that the quality table prints."""

    column: str
    equals: tuple[str, ...] = ()
    """Exact texts."""
    any_bits: Annotated[str, Field(pattern="^0x[0-9a-fA-F]{1,8}$")] | None = None
    """Mask on a hexadecimal flag column: a row with any of these bits is excluded."""
    reason: Annotated[str, Field(min_length=1)]

    @model_validator(mode="after")
    def _one_rule(self) -> CsvExclude:
        if bool(self.equals) == (self.any_bits is not None):
            raise ValueError("give either equals or any_bits")
        return self


class CsvSession(Settings):
    """Rows outside these hours of the day, in the time column's zone, are dropped."""

    start: time
    end: time

    @model_validator(mode="after")
    def _in_order(self) -> CsvSession:
        if self.start >= self.end:
            raise ValueError(f"start must be before end, found {self.start} and {self.end}")
        return self


class CsvTable(Settings):
    """One kind of file: which ones, what their columns are, and what they describe."""

    files: str
    """Shell pattern on the path, for example ``*_quote.zip``."""
    kind: Literal["quotes", "trades"]
    instrument: str
    """Id of a declared instrument."""
    columns: tuple[str, ...] = ()
    """Names of the columns of a file without header."""
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] = ","
    split: tuple[CsvSplit, ...] = ()
    time: CsvTime
    """The exchange's clock."""
    local_time: CsvTime | None = None
    """The recorder's clock, where the file has it."""
    exclude: tuple[CsvExclude, ...] = ()
    session: CsvSession | None = None
    price_power_of_ten: PowerOfTen = 0
    """Prices are multiplied by ten to this power."""
    size_power_of_ten: PowerOfTen = 0
    bid_price: str | None = None
    ask_price: str | None = None
    bid_size: str | None = None
    ask_size: str | None = None
    constant_size: Annotated[str, Field(pattern=r"^\d+(\.\d+)?$")] | None = None
    """Size of both sides where the file has none, in base units."""
    one_sided: bool = False
    """Whether a row updates one side only (the other is zero): the other side is carried forward."""
    price: str | None = None
    size: str | None = None
    aggressor: CsvAggressor | None = None
    trade_id: str | None = None
    """Column of the venue's trade id; without it the time and the row number make one."""

    @model_validator(mode="after")
    def _complete(self) -> CsvTable:
        sizes = () if self.constant_size else ("bid_size", "ask_size")
        needed = {"quotes": ("bid_price", "ask_price", *sizes), "trades": ("price", "size")}[self.kind]
        missing = [name for name in needed if getattr(self, name) is None]
        if missing:
            raise ValueError(f"{self.kind} need {', '.join(missing)}: the names of the columns that hold them")
        foreign = {
            "quotes": ("price", "size", "aggressor", "trade_id"),
            "trades": ("bid_price", "ask_price", "bid_size", "ask_size", "constant_size"),
        }[self.kind]
        wrong = [name for name in foreign if getattr(self, name) is not None]
        if wrong:
            raise ValueError(f"{', '.join(wrong)} do not belong to {self.kind}")
        if self.constant_size and (self.bid_size or self.ask_size):
            raise ValueError("give either constant_size or bid_size and ask_size")
        return self
