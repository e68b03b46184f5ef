"""Payments of funding, worked out by hand, and as the engine books them."""

from __future__ import annotations

from decimal import Decimal

import pytest

from mm_nautilus.inventory.contract import Contract
from mm_nautilus.inventory.funding import FundingRate, funding_payments

LINEAR = Contract("USDT", "BTC")
INVERSE = Contract("USD", "BTC", Decimal(100), inverse=True)
SPAN = (0, 1_000)


def rate(ts_ns: int, value: str, due_ns: int | None) -> FundingRate:
    return FundingRate(ts_ns, Decimal(value), due_ns)


def paid(rates, position="2", mark="60000.5", contract=LINEAR, span=SPAN):
    price = None if mark is None else Decimal(mark)
    return funding_payments(rates, span, lambda _: Decimal(position), lambda _: price, contract)


@pytest.mark.parametrize(
    ("position", "value", "amount"),
    [
        ("2", "0.0001", "-12.0001"),
        ("-2", "0.0001", "12.0001"),
        ("2", "-0.0001", "12.0001"),
        ("-2", "-0.0001", "-12.0001"),
    ],
)
def test_longs_pay_shorts_where_the_rate_is_above_zero(position, value, amount):
    (one,) = paid([rate(5, value, 100)], position)
    assert (one.ts_ns, one.rate, one.position, one.mark) == (100, Decimal(value), Decimal(position), Decimal("60000.5"))
    assert one.amount == Decimal(amount), "exact"


@pytest.mark.parametrize(("position", "amount"), [("50", "-0.00001"), ("-50", "0.00001")])
def test_inverse_contracts_pay_in_the_base_currency(position, amount):
    (one,) = paid([rate(5, "0.0001", 100)], position, "50000", INVERSE)
    assert one.amount == Decimal(amount), "50 contracts of 100 USD at 50,000 are 0.1 BTC"


def test_the_last_rate_stated_in_time_counts_and_each_instant_once():
    rates = [rate(5, "0.0001", 100), rate(60, "0.0003", 100), rate(101, "0.5", 100), rate(101, "0.0002", 200)]
    assert [(one.ts_ns, one.rate) for one in paid(rates)] == [(100, Decimal("0.0003")), (200, Decimal("0.0002"))]


def test_what_is_not_due_in_the_run_or_at_no_known_time_is_not_paid():
    rates = [rate(5, "0.0001", None), rate(6, "0.0001", 1_001), rate(7, "0.0001", 1_000)]
    assert [one.ts_ns for one in paid(rates)] == [1_000]
    assert paid(rates, span=(1_001, 2_000))[0].ts_ns == 1_001


def test_nothing_is_paid_on_nothing_or_at_no_price():
    assert paid([rate(5, "0.0001", 100)], position="0") == ()
    assert paid([rate(5, "0.0001", 100)], mark=None) == ()
