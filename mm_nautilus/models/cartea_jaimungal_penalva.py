"""Cartea, Jaimungal and Penalva (2015), chapter 10: a running penalty on inventory and a price for ending with some.

Maximise E[X + q (S - alpha q) - phi * integral of q^2]; market orders arrive at rate A per side and reach
distance d with probability exp(-k d)::

    h          = ln(omega)/k,   omega(tau) = exp(K tau) z,   z_q = exp(-alpha k q^2)        for Delta = 1
    K_qq       = -phi k q^2,    K_q,q-1 = A_ask/e,    K_q,q+1 = A_bid/e
    ask        = S + 1/k + kappa + jump + h(q) - h(q - 1)                  none at q = -Q
    bid        = S - 1/k - kappa - jump - h(q) + h(q + 1)                  none at q = Q

kappa = fee + impact/2. `adverse_jump_price` is the mean move of the mid with every market order, ours or not.
The target and the drift enter as in `glft_exact`, of which this is the case xi = 0 and phi = gamma sigma^2/2 with
orders of any size; the volatility itself does not enter. Without `horizon_s` the quotes are the stationary ones.

Fails where volatility moves: phi stays what it was set to, so the quotes do not widen or lean more in a storm.

Source: Cartea, Jaimungal and Penalva, Algorithmic and High-Frequency Trading, 2015, sections 10.2 and 10.4.
"""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from mm_nautilus.market import MarketState, Quote
from mm_nautilus.models.lattice_table import LatticeModel
from mm_nautilus.models.protocol import Fraction, ModelParameters, Price, Seconds, Unit


class CarteaJaimungalPenalvaParameters(ModelParameters):
    """Parameters of `CarteaJaimungalPenalva`."""

    running_penalty: Annotated[float, Unit("quote currency/(base^2 s)")] = Field(
        gt=0, description="phi: cost of holding inventory; gamma sigma^2/2 for a risk aversion gamma."
    )
    terminal_penalty: Annotated[float, Unit("quote currency/base^2")] = Field(
        default=0.0, ge=0, description="alpha: cost of closing what is left at the end of a session."
    )
    horizon_s: Seconds | None = Field(
        default=None, gt=0, description="Length of a session, after which a new one begins; none for stationary quotes."
    )
    adverse_jump_price: Price = Field(
        default=0.0, ge=0, description="Mean move of the fair value with each market order, in its direction."
    )
    rebuild_tolerance: Fraction = Field(
        default=0.01, gt=0, le=0.5, description="Relative change of A, k or exp(-k cost) that rebuilds the table."
    )


class CarteaJaimungalPenalva(LatticeModel):
    """Exact quotes under a running penalty on inventory."""

    name: ClassVar[str] = "cartea_jaimungal_penalva"
    parameters_type: ClassVar[type[ModelParameters]] = CarteaJaimungalPenalvaParameters

    def __init__(self, parameters: CarteaJaimungalPenalvaParameters, order_size: float, inventory_bound: float) -> None:
        super().__init__(
            parameters,
            order_size,
            inventory_bound,
            gamma=0.0,
            penalty=parameters.running_penalty,
            terminal=parameters.terminal_penalty,
            xi_size=0.0,
            horizon_s=parameters.horizon_s,
            tolerance=parameters.rebuild_tolerance,
        )
        self._jump = parameters.adverse_jump_price

    def quote(self, state: MarketState, inventory: float, elapsed_s: float) -> Quote:
        """Return the quote from the table, with the adverse jump on both sides."""
        quote = super().quote(state, inventory, elapsed_s)
        if self._jump == 0.0:
            return quote
        return self.bounded(
            quote.reservation_price,
            (quote.bid_half_spread or 0.0) + self._jump,
            (quote.ask_half_spread or 0.0) + self._jump,
            inventory,
        )
