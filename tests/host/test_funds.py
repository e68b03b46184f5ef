"""What a cash account can still trade."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from mm_nautilus.host.funds import CashFunds
from mm_nautilus.market import Side
from mm_nautilus.quoting.pipeline import Funds

LOT = Decimal("0.1")


def test_the_last_lot_counts() -> None:
    assert CashFunds(Decimal("0.3"), Decimal("29.7"), LOT).at(99.0) == Funds(3, 3)
    assert CashFunds(Decimal("0.29"), Decimal("29.69"), LOT).at(99.0) == Funds(2, 2)


def test_a_buy_leaves_money_for_its_fee() -> None:
    assert CashFunds(Decimal(0), Decimal("29.7"), LOT, Decimal("0.001")).at(99.0).buy_lots == 2
    assert CashFunds(Decimal(0), Decimal("29.7297"), LOT, Decimal("0.001")).at(99.0).buy_lots == 3


def test_a_fill_moves_both_balances() -> None:
    funds = CashFunds(Decimal(1), Decimal(100), LOT)
    funds.filled(Side.BUY, Decimal("0.5"), Decimal(100), Decimal("0.05"))
    assert funds.at(10.0) == Funds(49, 15)
    funds.filled(Side.SELL, Decimal("1.5"), Decimal(100), Decimal("-0.05"))
    assert funds.at(10.0) == Funds(200, 0)


@given(
    cash=st.decimals(0, 10_000, places=2),
    ticks=st.integers(1, 10**6),
    fee=st.sampled_from(("0", "0.001", "0.0075")),
)
def test_everything_bought_at_once_can_be_paid(cash: Decimal, ticks: int, fee: str) -> None:
    price = ticks * Decimal("0.01")
    lots = CashFunds(Decimal(0), cash, LOT, Decimal(fee)).at(float(price)).buy_lots
    each = price * LOT * (1 + Decimal(fee))
    assert lots * each <= cash < (lots + 1) * each
