"""Funding rates and mark prices of a perpetual, where a catalogue holds them."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from nautilus_trader.model import NautilusDataType
from nautilus_trader.persistence import ParquetDataCatalog

from mm_nautilus.catalog.layout import definition_files, folder_name
from mm_nautilus.inventory.funding import FundingRate

FOLDERS: Final = ("funding_rates", "mark_prices")
"""Folders of a catalogue that hold what payments are worked out from."""


def is_perpetual(root: Path, instrument_id: str) -> bool:
    """Return whether an instrument of a catalogue is defined as a perpetual, whose holders pay each other funding."""
    return any("perpetual" in path.parent.parent.name for path in definition_files(root, instrument_id))


def funding_files(root: Path, instrument_id: str) -> list[Path]:
    """Return the files that hold an instrument's funding rates and mark prices."""
    folders = [root / "data" / one / folder_name(instrument_id) for one in FOLDERS]
    return [path for folder in folders for path in sorted(folder.glob("*.parquet"))]


def read_funding_rates(root: Path, instrument_id: str, end_ns: int) -> list[FundingRate]:
    """Return an instrument's funding rates known by an instant, in the order in which they were known.

    Parameters
    ----------
    root : Path
        Catalogue folder.
    instrument_id : str
        Engine instrument id.
    end_ns : int
        The instant, in nanoseconds since 1970.

    """
    found = _query(root, instrument_id, FOLDERS[0], NautilusDataType.FundingRateUpdate, end_ns)
    return [FundingRate(one.ts_init, one.rate, one.next_funding_ns) for one in found]


def read_mark_prices(root: Path, instrument_id: str, end_ns: int) -> list[tuple[int, Decimal]]:
    """Return the mark prices that a venue stated by an instant, each with its arrival in nanoseconds since 1970."""
    found = _query(root, instrument_id, FOLDERS[1], NautilusDataType.MarkPriceUpdate, end_ns)
    return [(one.ts_init, one.value.as_decimal()) for one in found]


def _query(root: Path, instrument_id: str, folder: str, kind: NautilusDataType, end_ns: int) -> list[Any]:
    if not (root / "data" / folder / folder_name(instrument_id)).is_dir():
        return []
    found = ParquetDataCatalog(str(root.absolute())).query(kind, [instrument_id], None, end_ns)
    return sorted(found, key=lambda one: one.ts_init)
