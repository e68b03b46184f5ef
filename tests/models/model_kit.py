"""Every model with sensible parameters, in any units: what the tests of the models share."""

import math
from dataclasses import dataclass, field
from typing import Any, get_args

from mm_nautilus.market import Intensity, MarketState, Quote, TopOfBook
from mm_nautilus.models import MODELS, QuotingModel
from mm_nautilus.models.protocol import Unit

PARAMETERS: dict[str, dict[str, Any]] = {
    "avellaneda_stoikov": {"gamma": 0.05, "horizon_s": 30.0},
    "avellaneda_stoikov_infinite": {"gamma": 0.05},
    "cartea_jaimungal_penalva": {"running_penalty": 0.003},
    "cartea_jaimungal_penalva:session": {"running_penalty": 0.003, "terminal_penalty": 0.02, "horizon_s": 30.0},
    "cost_components": {"processing_bps": 50.0, "inventory_bps": 20.0, "skew_price_per_base": 0.05},
    "dynamic_volatility": {"quote_lifetime_s": 4.0},
    "generic_intensity": {"gamma": 0.05},
    "generic_intensity:linear": {"gamma": 0.05, "shape": "linear"},
    "generic_intensity:power": {"gamma": 0.05, "shape": "shifted_power", "power_alpha": 2.5, "power_d0_price": 4.0},
    "glft": {"gamma": 0.05},
    "glft:none": {"gamma": 0.05, "fill_risk": "none"},
    "glft_exact": {"gamma": 0.05},
    "glft_exact:session": {"gamma": 0.05, "horizon_s": 30.0},
    "glosten_milgrom": {
        "jump_price": 2.0,
        "informed_share": 0.3,
        "belief": "queue_imbalance",
        "skew_price_per_base": 0.05,
    },
    "ho_stoll": {"gamma": 0.05, "horizon_s": 30.0},
    "ho_stoll:first_order": {"gamma": 0.05, "horizon_s": 10.0, "form": "first_order"},
    "symmetric": {"half_spread": 2.0, "skew_price_per_base": 0.05},
}
"""By model, and ``:variant`` where one model has several forms."""

FLOW = Intensity(0.9, 0.3)

BASE_OF_UNIT = {
    "price": (1, 0, 0),
    "price/s": (1, 0, -1),
    "price/base": (1, -1, 0),
    "base": (0, 1, 0),
    "s": (0, 0, 1),
    "1/s": (0, 0, -1),
    "1/quote currency": (-1, -1, 0),
    "quote currency/base^2": (1, -1, 0),
    "quote currency/(base^2 s)": (1, -1, -1),
    "fraction": (0, 0, 0),
    "bps of the fair value": (0, 0, 0),
    "-": (0, 0, 0),
}
"""Powers of the units of price, base and time that a unit of the parameters consists of."""


@dataclass(frozen=True)
class Desk:
    """A model, the market it quotes and the inventory it holds."""

    case: str
    parameters: dict[str, Any] = field(default_factory=dict)
    fair: float = 100.0
    sigma: float = 0.3
    bid: Intensity = FLOW
    ask: Intensity = FLOW
    bid_size: float = 3.0
    ask_size: float = 3.0
    order_size: float = 1.0
    bound: float = 12.0
    elapsed_s: float = 3.0

    @property
    def name(self) -> str:
        return self.case.partition(":")[0]

    @property
    def given(self) -> dict[str, Any]:
        return PARAMETERS[self.case] | self.parameters

    def model(self) -> QuotingModel:
        kind = MODELS[self.name]
        return kind(kind.parameters_type(**self.given), self.order_size, self.bound)

    def state(self) -> MarketState:
        top = TopOfBook(self.fair - 0.5, self.fair + 0.5, self.bid_size, self.ask_size)
        return MarketState(0, top, self.fair, self.sigma, self.bid, self.ask)

    def quote(self, inventory: float = 0.0) -> Quote:
        return self.model().quote(self.state(), inventory, self.elapsed_s)

    def distances(self, inventory: float = 0.0) -> tuple[float, float]:
        """Distance of bid and ask from the fair value; infinite on a side that is not quoted."""
        quote = self.quote(inventory)
        bid, ask = quote.bid, quote.ask
        return (math.inf if bid is None else self.fair - bid), (math.inf if ask is None else ask - self.fair)

    def rescaled(self, price: float, base: float, time: float) -> "Desk":
        """The same desk in other units."""
        fields = MODELS[self.name].parameters_type.model_fields

        def factor(name: str) -> float:
            metadata = [
                *fields[name].metadata,
                *(x for one in get_args(fields[name].annotation) for x in get_args(one)),
            ]
            powers = next((BASE_OF_UNIT[one.name] for one in metadata if isinstance(one, Unit)), (0, 0, 0))
            return price ** powers[0] * base ** powers[1] * time ** powers[2]

        return Desk(
            self.case,
            {k: v * factor(k) if isinstance(v, float) else v for k, v in self.given.items()},
            self.fair * price,
            self.sigma * price / math.sqrt(time),
            Intensity(self.bid.a_per_s / time, self.bid.k_per_price / price),
            Intensity(self.ask.a_per_s / time, self.ask.k_per_price / price),
            self.bid_size * base,
            self.ask_size * base,
            self.order_size * base,
            self.bound * base,
            self.elapsed_s * time,
        )

    def mirrored(self) -> "Desk":
        """The desk of somebody who calls buying selling."""
        turned = {k: -v if k in ("target_inventory", "drift_price_per_s") else v for k, v in self.given.items()}
        return Desk(
            self.case, turned, self.fair, self.sigma, self.ask, self.bid, self.ask_size, self.bid_size,
            self.order_size, self.bound, self.elapsed_s,
        )  # fmt: skip
