"""A backtest node from a loaded run: venues, data and engine as the run file says.

Trades are listed before books and quotes: at equal timestamps a trade must reach the matching
engine before the book update that reflects it, or its volume is counted twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Final

from nautilus_trader.backtest import (
    BacktestDataConfig,
    BacktestEngineConfig,
    BacktestNode,
    BacktestRunConfig,
    BacktestVenueConfig,
)
from nautilus_trader.common import LoggerConfig, LogLevel
from nautilus_trader.data import DataEngineConfig
from nautilus_trader.execution import ExecutionEngineConfig
from nautilus_trader.model import InstrumentId, NautilusDataType
from nautilus_trader.risk import RiskEngineConfig

from mm_nautilus.config import VenueSection
from mm_nautilus.host.loading import BookKind, LoadedRun
from mm_nautilus.host.simulated import UNLIMITED, fee_model, fill_model, latency_model

RUN_ID = "run"

_BOOK_TYPES = {"L1": "L1_MBP", "L2": "L2_MBP", "L3": "L3_MBO"}
# Orders that are over and earlier balances would otherwise stay in memory to the end of the run, at several kilobytes
# an order; the run log keeps what became of every one. No answer to a command takes nearly as long.
_FORGET_AFTER_MIN: Final = 10


def build_node(loaded: LoadedRun, catalog: Path, data_types: Iterable[str]) -> BacktestNode:
    """Return a built node that lacks only its components.

    Parameters
    ----------
    loaded : LoadedRun
        The run.
    catalog : Path
        Absolute path of the catalogue to read.
    data_types : iterable of str
        Kinds the catalogue holds for the instruments: ``TradeTick``, ``OrderBookDelta``, ``QuoteTick``.

    """
    run_file = loaded.run_file
    config = BacktestRunConfig(
        id=RUN_ID,
        venues=[_venue(section, loaded) for section in run_file.venues],
        data=_data(loaded, catalog, set(data_types)),
        engine=BacktestEngineConfig(
            logging=LoggerConfig(stdout_level=LogLevel.from_str(run_file.log.level)),
            run_analysis=False,
            shutdown_on_error=True,
            data_engine=DataEngineConfig(buffer_deltas=True),
            exec_engine=ExecutionEngineConfig(
                purge_closed_orders_interval_mins=_FORGET_AFTER_MIN,
                purge_closed_orders_buffer_mins=_FORGET_AFTER_MIN,
                purge_account_events_interval_mins=_FORGET_AFTER_MIN,
                purge_account_events_lookback_mins=_FORGET_AFTER_MIN,
            ),
            risk_engine=RiskEngineConfig(max_order_submit_rate=UNLIMITED, max_order_modify_rate=UNLIMITED),
        ),
        chunk_size=run_file.data.chunk_size or None,
        dispose_on_completion=False,
        raise_exception=True,
    )
    node = BacktestNode([config])
    node.build()
    return node


def _venue(section: VenueSection, loaded: LoadedRun) -> BacktestVenueConfig:
    return BacktestVenueConfig(
        name=section.name,
        oms_type="NETTING",
        account_type=section.account,
        book_type=_BOOK_TYPES[loaded.book_on(section.name)],
        starting_balances=section.starting_balances,
        default_leverage=section.default_leverage,
        queue_position=section.queue_position,
        liquidity_consumption=section.liquidity_consumption,
        trade_execution=True,
        fee_model=fee_model(section.fees),
        fill_model=fill_model(section, loaded.run_file.run.seed),
        latency_model=latency_model(section),
    )


def _data(loaded: LoadedRun, catalog: Path, available: set[str]) -> Sequence[BacktestDataConfig]:
    section = loaded.run_file.data
    return [
        BacktestDataConfig(
            getattr(NautilusDataType, kind),
            str(catalog),
            instrument_ids=[InstrumentId.from_str(name) for name in names],
            start_time=unix_ns(section.start),
            end_time=unix_ns(section.end),
        )
        for kind, names in feeds(loaded.books).items()
        if kind in available
    ]


def feeds(books: Mapping[str, BookKind]) -> dict[str, list[str]]:
    """Return which instruments each kind of data is read of, in the order in which equal instants are delivered.

    Parameters
    ----------
    books : mapping of instrument id to kind of book
        As `LoadedRun.books` says; ``L1`` is made of quotes, the others of deltas.

    """
    quotes = [name for name, book in books.items() if book == "L1"]
    deltas = [name for name, book in books.items() if book != "L1"]
    found = {"TradeTick": list(books), "OrderBookDelta": deltas, "QuoteTick": quotes}
    return {kind: names for kind, names in found.items() if names}


def unix_ns(instant: datetime | None) -> int | None:
    """Return an instant in nanoseconds since 1970, exact to the microsecond."""
    return None if instant is None else int(instant.timestamp()) * 1_000_000_000 + instant.microsecond * 1_000
