"""The board of a loaded run."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from nautilus_trader.model import InstrumentId

from mm_nautilus.backtest.facts import instrument_facts
from mm_nautilus.host.loading import LoadedRun
from mm_nautilus.live.monitor.board import Board
from mm_nautilus.live.monitor.facts import BoardFacts, asset_of


def board_of_run(loaded: LoadedRun, mode: str, cache: Any) -> Board:
    """Return an empty board.

    Parameters
    ----------
    loaded : LoadedRun
        The run.
    mode : str
        ``replay``, ``paper`` or ``real``.
    cache : Any
        The engine's, which knows the instruments.

    """
    known = [cache.instrument(InstrumentId.from_str(name)) for name in loaded.instrument_ids]
    instruments = instrument_facts(loaded, known)
    limit: Decimal | None = getattr(
        getattr(loaded.strategy_config.settings, "limits", None), "max_asset_position", None
    )
    facts = BoardFacts(
        name=loaded.run_file.run.name,
        mode=mode,
        strategy=loaded.strategy_type.__name__,
        instruments=instruments,
        venues=tuple(dict.fromkeys(one.venue for one in instruments)),
        currency=instruments[0].contract.quote_currency,
        asset_limits={} if limit is None else {asset_of(one): limit for one in instruments},
    )
    return Board(facts)
