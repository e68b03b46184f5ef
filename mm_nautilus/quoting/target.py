r"""The inventory that bands, sizes and hedges are counted from: the stated one, and what a stated drift is worth.

.. math:: q^* = \operatorname{clip}\Bigl(q_0 + \frac{\mu}{\gamma \sigma^2}, -Q, Q\Bigr)

with :math:`q_0` ``target_inventory``, :math:`\mu` the drift that the settings state (drift, funding, mean reversion)
and :math:`\gamma` the model's risk aversion. It is the inventory that the models themselves are symmetric around, so
that a band does not work against the model. A model without ``gamma``, or one that is no `BoundedModel`, has the stated
one.

Source: see `mm_nautilus.models.carry`; one with a horizon differs from it while the horizon is short.
"""

from __future__ import annotations

from mm_nautilus.market import MarketState
from mm_nautilus.models.base import BoundedModel
from mm_nautilus.quoting.settings import QuotingSettings


class TargetInventory:
    """The target of one strategy, as a function of the market.

    Parameters
    ----------
    settings : QuotingSettings
        With the model's parameters.
    model : object
        The quoting model.
    bound : float
        Largest |inventory|, in base units.

    """

    def __init__(self, settings: QuotingSettings, model: object, bound: float) -> None:
        stated = float(getattr(settings, "target_inventory", 0.0))
        self._stated = max(-bound, min(bound, stated))
        self._gamma = float(getattr(settings, "gamma", None) or 0.0)
        carries = any(
            getattr(settings, name, 0.0) != 0.0
            for name in ("drift_price_per_s", "funding_rate_per_s", "mean_reversion_per_s")
        )
        self._model = model if isinstance(model, BoundedModel) and carries and self._gamma > 0.0 else None
        self.fixed = self._stated if self._model is None else None
        """The target where no market moves it, in base units."""

    def value(self, state: MarketState) -> float:
        """Return the target in base units."""
        model = self._model
        if model is None:
            return self._stated
        return model.target(model.drift(state.fair_value), self._gamma * state.sigma * state.sigma)
