"""Guéant, Lehalle and Fernandez-Tapia, solved exactly on the lattice of inventories q = n * Delta, |q| <= Q.

With x = xi * Delta, C(x) = (1 + x/k)^-(1 + k/x), kappa = fee + impact/2 and eta = A C(x) exp(-k kappa)::

    alpha      = k gamma sigma^2 / (2 Delta),   beta = k mu / Delta + 2 alpha target
    dv_n/dtau  = -(alpha q^2 - beta q) v_n + eta (v_{n-1} + v_{n+1}),   v_n(0) = exp(-k impact q^2 / (2 Delta^2))
    bid        = S - c1 - kappa - ln(v_n / v_{n+1}) / k                 none at q = Q
    ask        = S + c1 + kappa + ln(v_n / v_{n-1}) / k                 none at q = -Q
    c1         = ln(1 + x/k) / x,               certainty equivalent = Delta/k ln v_n(tau)

Without `horizon_s` the quotes are the stationary ones, far from any end. The two sides may differ in A and in k.
The values are computed once for a volatility, intensities, costs and drift, and again when one of them has moved
by more than `rebuild_tolerance`; in between a quote is read from a table.

Fails where the assumptions do: fills that do not thin out exponentially, a volatility that changes faster than
the inventory turns over. A carry that depends on the price (funding, mean reversion) is taken as it stands now.

Source: Guéant, Lehalle and Fernandez-Tapia, Mathematics and Financial Economics 7, 2013, sections 2-3; Guéant,
Applied Mathematical Finance 24(2), 2017.
"""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from mm_nautilus.models.glft import GlftParameters
from mm_nautilus.models.lattice_table import LatticeModel
from mm_nautilus.models.protocol import Fraction, ModelParameters, Seconds


class GlftExactParameters(GlftParameters):
    """Parameters of `GlftExact`."""

    horizon_s: Seconds | None = Field(
        default=None, gt=0, description="Length of a session, after which a new one begins; none for stationary quotes."
    )
    rebuild_tolerance: Fraction = Field(
        default=0.01,
        gt=0,
        le=0.5,
        description="Relative change of sigma^2, A, k or exp(-k cost) that rebuilds the table.",
    )


class GlftExact(LatticeModel):
    """Exact quotes of Guéant, Lehalle and Fernandez-Tapia."""

    name: ClassVar[str] = "glft_exact"
    parameters_type: ClassVar[type[ModelParameters]] = GlftExactParameters

    def __init__(self, parameters: GlftExactParameters, order_size: float, inventory_bound: float) -> None:
        super().__init__(
            parameters,
            order_size,
            inventory_bound,
            gamma=parameters.gamma,
            penalty=0.0,
            terminal=0.0,
            xi_size=parameters.fill_risk_aversion() * order_size,
            horizon_s=parameters.horizon_s,
            tolerance=parameters.rebuild_tolerance,
        )
