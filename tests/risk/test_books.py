"""Equity is exact, over contracts and currencies, and agrees with the accounting of the result."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from risk_kit import BTC, fill, inverse, linear, mark, monitor_of, only

from mm_nautilus.errors import ParameterError
from mm_nautilus.inventory.accounting import account_for
from mm_nautilus.inventory.contract import Contract
from mm_nautilus.messages import FillFact
from mm_nautilus.risk.books import Books

PERP = "BTCUSD.CM"
ES = "ESZ4.CME"
CONTRACTS = {BTC: linear(), PERP: inverse(), ES: Contract("USD", None, Decimal(50)), "ETHUSDT.SIM": linear("ETH")}

lots = st.integers(1, 50).map(lambda n: str(Decimal(n) / 10))
prices = st.integers(9_000, 11_000).map(lambda n: str(Decimal(n) / 100))
trades = st.lists(st.tuples(st.sampled_from(["BUY", "SELL"]), lots, prices, st.integers(-5, 5)), max_size=30)


def filled(books: Books, instrument: str, deals: list[tuple[str, str, str, int]], start: str) -> list[FillFact]:
    """Tell the books of these deals after a position at the start, and return them."""
    facts = []
    for number, (side, size, price, fee) in enumerate(deals):
        fact = fill(
            number,
            side,
            size,
            price,
            instrument=instrument,
            commission=str(Decimal(fee) / 1000),
            currency=CONTRACTS[instrument].settlement_currency,
        )
        books.filled(fact)
        facts.append(fact)
    return facts


@pytest.mark.parametrize("instrument", [BTC, PERP, ES])
@given(deals=trades, start=st.integers(-20, 20), bid=st.integers(9_000, 11_000))
def test_equity_is_the_profit_of_the_accounting(
    instrument: str, deals: list[tuple[str, str, str, int]], start: int, bid: int
) -> None:
    books = Books(CONTRACTS.__getitem__)
    books.marked(mark(0, 100.0, 100.02, instrument=instrument, position=str(start)))
    facts = filled(books, instrument, deals, str(start))
    books.marked(mark(99, bid / 100, bid / 100 + 0.02, instrument=instrument))
    mid = (Decimal(repr(bid / 100)) + Decimal(repr(bid / 100 + 0.02))) / 2
    expected = account_for(facts, mid, CONTRACTS[instrument], Decimal(start), Decimal("100.01"))
    assert books.equity() == expected.total
    assert books.lines[instrument].position == expected.position
    assert books.currency == CONTRACTS[instrument].settlement_currency


def test_a_position_from_before_is_no_profit_and_waits_for_its_price() -> None:
    books = Books(CONTRACTS.__getitem__)
    books.marked(mark(0, None, None, position="5"))
    assert books.equity() is None, "five are held and nothing says what they are worth"
    books.marked(mark(1, 99.0, 101.0, position="5"))
    assert books.equity() == 0
    books.marked(mark(2, 109.0, 111.0, position="5"))
    assert books.equity() == 50
    books.marked(mark(3, None, None, position="5"))
    assert books.equity() == 50, "the last fit mid stands"


def test_a_fill_opens_the_book_of_an_instrument_nobody_marks() -> None:
    books = Books(CONTRACTS.__getitem__)
    books.filled(fill(0, "SELL", "2", "100", after="3", bid=99.0, ask=103.0))
    assert books.lines[BTC].position == 3
    assert books.equity() == Decimal(-2), "sold two at 100 that were worth 101"


def test_several_currencies_at_stated_rates() -> None:
    rates: dict[str, Decimal | str] = {"BTC": BTC, "BNB": Decimal(600), "USD": "1.001"}
    books = Books(CONTRACTS.__getitem__, "USDT", rates)
    books.marked(mark(0, 99.0, 101.0))
    books.marked(mark(0, 99.0, 101.0, instrument=PERP))
    books.marked(mark(0, 99.0, 101.0, instrument=ES))
    books.filled(fill(1, "BUY", "1", "100", instrument=PERP, currency="BTC", after="1"))  # 100 dollars, 1 coin
    books.filled(fill(1, "BUY", "1", "100", instrument=ES, currency="USD", after="1"))
    books.filled(fill(1, "BUY", "1", "100", commission="0.001", currency="BNB", after="1"))
    assert books.equity() == Decimal("-0.6")
    books.marked(mark(2, 199.0, 201.0, instrument=PERP))
    assert books.equity() == Decimal("-0.6") + 50, "half a coin at 100"
    books.marked(mark(2, 199.0, 201.0))
    assert books.equity() == Decimal("-0.6") + 100 + 100, "half a coin at 200, and 100 on spot"
    books.marked(mark(2, 100.0, 102.0, instrument=ES))
    assert books.equity() == Decimal("199.4") + Decimal("50.05")
    assert books.exposures() == pytest.approx({"BTC": 200.0 + 0.5 * 200.0, "ESZ4": 101.0 * 50 * 1.001})


def test_a_long_inverse_contract_is_long() -> None:
    books = Books(CONTRACTS.__getitem__)
    books.filled(fill(0, "BUY", "3", "100", instrument=PERP, currency="BTC", after="3"))
    assert books.exposures() == {"BTC": 3.0}


def test_money_that_cannot_be_converted_is_named() -> None:
    monitor = monitor_of(only(drawdown={"halt": 1.0}), BTCUSD=inverse())
    monitor.marked(mark(0))
    with pytest.raises(ParameterError, match=r"risk\.rates\.BTC must be stated.*BTCUSD\.CM.*count in USDT"):
        monitor.marked(mark(0, instrument=PERP))
    with pytest.raises(ParameterError, match=r"risk\.rates\.BNB must be stated.*commission of BTCUSDT\.SIM"):
        monitor.filled(fill(0, "BUY", "1", "100", commission="0.1", currency="BNB"), 0)


def test_without_money_rules_it_is_no_error() -> None:
    monitor = monitor_of(only(), BTCUSD=inverse())
    monitor.marked(mark(0))
    monitor.marked(mark(0, instrument=PERP))
    monitor.filled(fill(0, "BUY", "1", "100", instrument=PERP, currency="BTC", after="1"), 0)
    monitor.marked(mark(1, 199.0, 201.0, instrument=PERP))
    assert monitor.books.equity() is None
