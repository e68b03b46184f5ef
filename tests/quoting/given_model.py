"""A model that quotes what it is told, so that the pipeline can be asked about any quote."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from pydantic import ConfigDict

from mm_nautilus.market import Grid, Intensity, MarketState, Quote, TopOfBook
from mm_nautilus.models import ModelParameters
from mm_nautilus.quoting.pipeline import Quoter
from mm_nautilus.quoting.settings import QuotingSettings, settings_with_model


class GivenParameters(ModelParameters):
    model_config = ConfigDict(allow_inf_nan=True)

    bid: float | None = None
    ask: float | None = None
    fails: bool = False


class Given:
    """Quotes the parameters' prices."""

    name = "given"
    parameters_type = GivenParameters

    def __init__(self, parameters: GivenParameters, order_size: float, inventory_bound: float) -> None:
        self._parameters = parameters

    def quote(self, state: MarketState, inventory: float, elapsed_s: float) -> Quote:
        if self._parameters.fails:
            raise OverflowError("math range error")
        fair, bid, ask = state.fair_value, self._parameters.bid, self._parameters.ask
        return Quote(fair, None if bid is None else fair - bid, None if ask is None else ask - fair)


def given_settings(bid: float | None, ask: float | None, **changes: Any) -> QuotingSettings:
    """Return settings whose model quotes `bid` and `ask`."""
    path = f"{__name__}:Given"
    fields: dict[str, Any] = {
        "instrument_id": "XYZ.SIM",
        "model": path,
        "bid": bid,
        "ask": ask,
        "order_size": "1",
        "intensity": {"a_per_s": 1.0, "k_per_price": 1.0},
        "limits": {"max_position": "10"},
    }
    return settings_with_model(QuotingSettings, path).model_validate(fields | changes)


def given_quoter(bid: float | None, ask: float | None, grid: Grid | None = None, **changes: Any) -> Quoter:
    """Return a quoter whose model quotes `bid` and `ask`."""
    grid = grid or Grid(Decimal("0.01"), Decimal("0.1"))
    return Quoter(given_settings(bid, ask, **changes), grid, float(grid.lot))


def market(bid: float, ask: float, fair_value: float | None = None) -> MarketState:
    """Return a market with this top of the book."""
    top, side = TopOfBook(bid, ask, 5.0, 5.0), Intensity(1.0, 1.0)
    return MarketState(0, top, top.mid if fair_value is None else fair_value, 1.0, side, side)
