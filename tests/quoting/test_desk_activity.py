"""A desk whose model reads how brisk trade is measures it, and no other desk does."""

from decimal import Decimal
from typing import Any

import pytest

from mm_nautilus.market import Grid, Side, TopOfBook
from mm_nautilus.quoting.desk import Desk
from mm_nautilus.quoting.settings import QuotingSettings, settings_with_model

SECOND = 1_000_000_000


def desk(model: str, **parameters: Any) -> Desk:
    """Return a desk that needs no warming up, on a market of 99.5 to 100.5."""
    fields: dict[str, Any] = {
        "instrument_id": "XYZ.SIM",
        "model": model,
        "order_size": "1",
        "intensity": {"a_per_s": 1.0, "k_per_price": 1.0},
        "limits": {"max_position": "10"},
        "volatility": {"fixed_price_per_sqrt_s": 0.2},
        "guards": {"stale_after_s": 1e6},
        "activity": {"half_life_s": 10.0, "long_run_half_life_s": 300.0},
    }
    settings = settings_with_model(QuotingSettings, model).model_validate(fields | parameters)
    made = Desk(settings, Grid(Decimal("0.01"), Decimal("0.1")), "MM-001", lambda _price: 0.1)
    made.heard(0)
    made.top = TopOfBook(99.5, 100.5, 5.0, 5.0)
    return made


def spread_after(made: Desk, burst: float, aggressor: Side | None) -> float:
    """Trade steadily for ten minutes, then `burst` times as much for half a minute; return the spread wanted."""
    for second in range(630):
        size = 1.0 if second < 600 else burst
        made.traded(second * SECOND, 100.0, size, aggressor, second * SECOND)
    requote = made.requote("book", 630 * SECOND)
    assert requote is not None
    return requote.decision.ask_prices[0] - requote.decision.bid_prices[0]


@pytest.mark.parametrize("aggressor", [Side.BUY, None], ids=["known aggressor", "hidden aggressor"])
def test_brisk_trade_tightens_and_slow_trade_widens(aggressor: Side | None) -> None:
    made = [desk("dynamic_volatility", quote_lifetime_s=10.0) for _ in range(3)]
    assert all(one.listens_to_trades for one in made)
    brisk, steady, slow = (
        spread_after(one, burst, aggressor) for one, burst in zip(made, (5.0, 1.0, 0.2), strict=True)
    )
    assert brisk < 0.8 * steady
    assert slow > 1.2 * steady


def test_a_model_that_does_not_read_it_is_not_fed() -> None:
    assert not desk("glft", gamma=0.01).listens_to_trades
