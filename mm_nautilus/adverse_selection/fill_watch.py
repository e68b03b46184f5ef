"""A strategy's view of its own fills: features kept up, recorded at each fill, and read by a trained model."""

from __future__ import annotations

from decimal import Decimal
from typing import Protocol

from mm_nautilus.adverse_selection.features import FillFeatures
from mm_nautilus.adverse_selection.fill_risk import adjustment_of, side_response
from mm_nautilus.adverse_selection.fill_settings import FillWatchSettings
from mm_nautilus.market import Grid, Side
from mm_nautilus.messages import AlertFact, FillFeatureFact, FillRiskFact
from mm_nautilus.quoting.adjust import NEUTRAL, Adjustment


class Predicts(Protocol):
    """A trained model."""

    def risk(self, vector: tuple[float, ...]) -> float:
        """Return the chance that a fill of these features is adverse."""
        ...


class FillWatch:
    """What one strategy knows of fills on one instrument, and thinks of them.

    `features` is fed directly; `filled` gives the record of a fill, `assess` the record of a prediction, after which
    `adjustment` holds. A model that fails predicts no more: the rules on takers' flow go on, and `alert` says so once.

    Parameters
    ----------
    settings : FillWatchSettings
        What is recorded and acted on.
    strategy_id, instrument_id : str
        For the records.
    grid : Grid
        Of the instrument.
    model : Predicts or None
        Trained on the very features of `settings`.

    """

    __slots__ = (
        "_instrument_id",
        "_model",
        "_settings",
        "_strategy_id",
        "acts",
        "adjustment",
        "alert",
        "every_ns",
        "features",
    )

    def __init__(
        self,
        settings: FillWatchSettings,
        strategy_id: str,
        instrument_id: str,
        grid: Grid,
        model: Predicts | None,
    ) -> None:
        self._settings = settings.fill_risk
        self._strategy_id, self._instrument_id = strategy_id, instrument_id
        self._model = model
        self.every_ns = round(settings.fill_risk.evaluate_every_s * 1e9)
        """Time between two predictions, in nanoseconds."""
        self.features = FillFeatures(float(grid.tick), settings.features)
        self.acts = model is not None
        """Whether anything is predicted at all."""
        self.adjustment: Adjustment = NEUTRAL
        self.alert: AlertFact | None = None
        """What went wrong at the last `assess`."""

    @classmethod
    def of(cls, settings: FillWatchSettings, strategy_id: str, instrument_id: str, grid: Grid) -> FillWatch | None:
        """Return what the settings ask for, ``None`` where they ask for nothing.

        Raises
        ------
        UserError
            For a model file that is missing, damaged, or made for something else.

        """
        if not settings.tracks_features:
            return None
        model: Predicts | None = None
        if settings.model is not None:
            from mm_nautilus.adverse_selection.classifier.inference import load_model  # noqa: PLC0415 - the [ml] extra

            model = load_model(settings.model, settings, instrument_id, grid.tick)
        return cls(settings, strategy_id, instrument_id, grid, model)

    def filled(
        self,
        ts_ns: int,
        side: Side,
        order_id: str,
        trade_id: str,
        price: Decimal,
        size: Decimal,
        sigma: float | None,
        inventory_share: float,
    ) -> FillFeatureFact | None:
        """Count a fill of ours; return what was known before it, ``None`` while the features warm up.

        Parameters
        ----------
        ts_ns : int
            Engine time.
        side : Side
            Ours.
        order_id, trade_id : str
            What filled.
        price, size : Decimal
            In price and base units.
        sigma : float or None
            The strategy's volatility, in price per square-root second.
        inventory_share : float
            Position over its limit before the fill, in [-1, 1].

        """
        vector = self.features.vector(side, ts_ns, sigma, inventory_share, order_id)
        self.features.filled(ts_ns, side)
        if vector is None:
            return None
        return FillFeatureFact(
            ts_ns,
            self._strategy_id,
            self._instrument_id,
            order_id,
            trade_id,
            side.name,
            price,
            size,
            self.features.schema.digest,
            vector,
        )

    def assess(self, now_ns: int, sigma: float | None, inventory_share: float) -> FillRiskFact:
        """Predict both sides after the data of an instant, on a timer; see `filled` for the arguments."""
        self.features.over(now_ns)
        bid_risk, ask_risk = self._predicted(now_ns, sigma, inventory_share)
        bid_flow, trades = self.features.flow_against(Side.BUY, now_ns)
        bid = side_response(bid_risk, bid_flow, trades, self._settings)
        ask = side_response(ask_risk, -bid_flow, trades, self._settings)
        self.adjustment = adjustment_of(bid, ask)
        return FillRiskFact(
            now_ns,
            self._strategy_id,
            self._instrument_id,
            bid_risk,
            ask_risk,
            bid_flow,
            trades,
            bid.spread,
            ask.spread,
            bid.size,
            ask.size,
            bid.away,
            ask.away,
        )

    def _predicted(self, now_ns: int, sigma: float | None, inventory_share: float) -> tuple[float | None, float | None]:
        model, self.alert = self._model, None
        vectors = [self.features.vector(side, now_ns, sigma, inventory_share) for side in (Side.BUY, Side.SELL)]
        if model is None or vectors[0] is None or vectors[1] is None:
            return None, None
        try:
            return model.risk(vectors[0]), model.risk(vectors[1])
        except Exception as error:  # a model is somebody's file: trading goes on by the rules without it
            self._model = None
            text = f"the model failed and predicts no more, the rules go on: {type(error).__name__}: {error}"
            self.alert = AlertFact(now_ns, self._strategy_id, self._instrument_id, "fill risk", text)
            return None, None
