"""Accounting: textbook paths, the identity on random fills, and the engine's books."""

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mm_nautilus.inventory.accounting import Accounting, account_for
from mm_nautilus.inventory.average_cost import Holding
from mm_nautilus.inventory.contract import Contract
from mm_nautilus.inventory.reconciliation import AccountingError, balance_changes, reconcile

D = Decimal
SPOT = Contract(quote_currency="USDT", base_currency="BTC")
ES = Contract(quote_currency="USD", multiplier=D(50))
INVERSE = Contract(quote_currency="USD", base_currency="BTC", multiplier=D(100), inverse=True)


@dataclass(frozen=True)
class Trade:
    side: str
    size: Decimal
    price: Decimal
    commission: Decimal = Decimal(0)
    commission_currency: str = "USDT"

    @property
    def signed(self) -> Decimal:
        return self.size if self.side == "BUY" else -self.size


def trade(side, size, price, commission="0", currency="USDT"):
    return Trade(side, D(size), D(price), D(commission), currency)


@pytest.mark.parametrize(
    ("trades", "path"),
    [
        ([("BUY", "2", "100"), ("SELL", "1", "103")], [("2", "100", "0"), ("1", "100", "3")]),
        ([("BUY", "2", "100"), ("SELL", "3", "103")], [("2", "100", "0"), ("-1", "103", "6")]),
        ([("SELL", "2", "100"), ("BUY", "5", "98")], [("-2", "100", "0"), ("3", "98", "4")]),
        (
            [("BUY", "0.3", "60000"), ("SELL", "0.1", "60100"), ("BUY", "0.2", "59900"), ("SELL", "0.5", "60050")],
            [("0.3", "60000", "0"), ("0.2", "60000", "10"), ("0.4", "59950", "10"), ("-0.1", "60050", "50")],
        ),
        ([("BUY", "1", "100"), ("SELL", "1", "101")], [("1", "100", "0"), ("0", None, "1")]),
    ],
)
def test_average_cost_follows_the_textbook_path(trades, path):
    holding = Holding()
    for (side, size, price), (position, average, realised) in zip(trades, path, strict=True):
        holding = holding.after(D(size) if side == "BUY" else -D(size), D(price), SPOT)
        assert holding.position == D(position)
        assert holding.average_price(SPOT) == (None if average is None else D(average))
        assert holding.realised == D(realised)


def test_lines_of_a_spot_round_trip_with_fees_and_rebates():
    books = account_for(
        [
            trade("BUY", "0.3", "60000.1", "-1.80"),
            trade("SELL", "0.1", "60100.2", "3.005"),
            trade("SELL", "0.1", "60090"),
        ],
        D("60050"),
        SPOT,
    )
    assert books.position == D("0.1")
    assert books.average_price == D("60000.1")
    assert books.realised == D("0.1") * D("100.1") + D("0.1") * D("89.9")
    assert books.unrealised == D("0.1") * D("49.9")
    assert books.gross == books.realised + books.unrealised == D("23.99")
    assert (books.fees, books.rebates, books.total) == (D("3.005"), D("1.80"), D("22.785"))
    assert books.volume == D("0.5")
    assert books.turnover == D("18000.03") + D("6010.02") + D("6009")
    assert books.fills == 3


def test_the_multiplier_of_a_future_scales_every_money_line():
    books = account_for(
        [trade("BUY", "2", "4800.25", "4.5", "USD"), trade("SELL", "1", "4801", "2.25", "USD")], D("4799"), ES
    )
    assert books.realised == 50 * D("0.75")
    assert books.unrealised == 50 * D("-1.25")
    assert books.total == D("37.5") - D("62.5") - D("6.75")
    assert books.average_price == D("4800.25")


def test_an_inverse_contract_pays_in_base_currency():
    books = account_for([trade("BUY", "100", "50000", "0.0001", "BTC")], D("40000"), INVERSE)
    assert books.gross == D(100) * 100 / D(50000) - D(100) * 100 / D(40000) == D("-0.05")
    assert books.average_price == D(50000)
    two = account_for([trade("BUY", "100", "40000"), trade("BUY", "100", "60000")], D("48000"), INVERSE)
    assert two.unrealised == 0, "the break-even of two equal inverse buys is the harmonic mean of 40000 and 60000"
    assert two.average_price == D(48000)


def test_commission_in_another_currency_is_kept_apart():
    books = account_for([trade("BUY", "1", "100", "0.01", "BNB"), trade("SELL", "1", "101", "0.02", "BNB")], None, SPOT)
    assert books.total == 1
    assert books.other_fees == (("BNB", D("0.03")),)
    assert balance_changes(books, margin=False)["BNB"] == D("-0.03")


def test_an_opening_position_earns_from_its_mark_on():
    books = account_for([trade("SELL", "2", "103")], D("104"), SPOT, D(5), D(100))
    assert books.realised == 6
    assert books.unrealised == 12
    assert books.gross == 18 == books.cash_flow + 3 * 104 - 5 * 100
    assert balance_changes(books, margin=False) == {"USDT": D(206), "BTC": D(-2)}


@pytest.mark.parametrize(
    ("fills", "mark", "words"),
    [
        ([trade("BUY", "1", "100")], None, "no final mark"),
        ([trade("BUY", "0", "100")], D(1), "size must be > 0"),
    ],
)
def test_what_cannot_be_accounted_for_is_refused(fills, mark, words):
    with pytest.raises(ValueError, match=words):
        account_for(fills, mark, SPOT)


def test_no_fills_is_no_money():
    books = account_for([], None, SPOT)
    assert (books.fills, books.gross, books.total, books.position, books.average_price) == (0, 0, 0, 0, None)


ticks = st.integers(1, 10**9)
trades = st.lists(
    st.builds(
        lambda side, lots, price, fee: Trade(side, D(lots).scaleb(-8), D(price).scaleb(-5), D(fee).scaleb(-8)),
        st.sampled_from(["BUY", "SELL"]),
        st.integers(1, 10**11),
        ticks,
        st.integers(-(10**9), 10**9),
    ),
    max_size=60,
)


def identity(fills, mark, contract):
    """The definition of total PnL in rationals, by another route than the code's."""
    sign = -1 if contract.inverse else 1
    worth = lambda x, p: sign * Fraction(x) * Fraction(contract.multiplier) * Fraction(p) ** sign  # noqa: E731
    flows = -sum((worth(fill.signed, fill.price) for fill in fills), Fraction(0))
    fees = sum((Fraction(fill.commission) for fill in fills), Fraction(0))
    return flows - fees + worth(sum((fill.signed for fill in fills), D(0)), mark)


def lines_add_up(books: Accounting) -> bool:
    as_fractions = [
        Fraction(x) for x in (books.realised, books.unrealised, books.gross, books.fees, books.rebates, books.total)
    ]
    realised, unrealised, gross, fees, rebates, total = as_fractions
    return realised + unrealised == gross and gross - fees + rebates == total


@given(
    trades, ticks, st.sampled_from([SPOT, Contract("USDT", multiplier=D(50)), Contract("USDT", multiplier=D("0.0001"))])
)
def test_total_equals_cash_fees_and_mark_exactly(fills, mark, contract):
    price = D(mark).scaleb(-5)
    books = account_for(fills, price, contract)
    assert Fraction(books.total) == identity(fills, price, contract)
    assert lines_add_up(books)


@given(trades, ticks)
def test_inverse_total_is_exact_to_the_stated_rounding(fills, mark):
    contract = Contract("USD", "USDT", multiplier=D(100), inverse=True)
    price = D(mark).scaleb(-5)
    books = account_for(fills, price, contract)
    assert abs(Fraction(books.total) - identity(fills, price, contract)) <= Fraction(len(fills) + 1, 2 * 10**16)
    assert lines_add_up(books)


@given(trades, ticks, st.integers(0, 60))
def test_marking_to_market_between_two_halves_loses_nothing(fills, mark, cut):
    price = D(mark).scaleb(-5)
    whole, first = account_for(fills, price, SPOT), account_for(fills[:cut], price, SPOT)
    second = account_for(fills[cut:], price, SPOT, first.position, price)
    assert first.gross + second.gross == whole.gross


@given(trades, ticks)
def test_realised_does_not_drift_from_the_rational_average_cost(fills, mark):
    position, cost, realised = Fraction(0), Fraction(0), Fraction(0)
    for fill in fills:
        x, p = Fraction(fill.signed), Fraction(fill.price)
        if position * x >= 0:
            cost += x * p
        else:
            closed = -position if abs(x) > abs(position) else x
            released = cost * closed / position
            realised += -closed * p + released
            cost += released
            cost += (x - closed) * p
        position += x
    books = account_for(fills, D(mark).scaleb(-5), SPOT)
    assert abs(Fraction(books.realised) - realised) <= Fraction(1, 2 * 10**10) + Fraction(1, 10**16)


def booked(books: Accounting, currency: str, places: int, *, margin: bool) -> Decimal:
    return round(balance_changes(books, margin=margin)[currency], places)


def test_a_cash_account_is_explained_balance_by_balance():
    books = account_for([trade("BUY", "0.3", "60000.1", "1.8"), trade("SELL", "0.1", "60100.2", "0.6")], D(60000), SPOT)
    usdt = reconcile([books], D("-11992.41"), "USDT", 8, margin=False)
    assert usdt.booking_rounding == 0
    assert usdt.expected == D("-18000.03") + D("6010.02") - D("2.4")
    assert reconcile([books], D("0.2"), "BTC", 8, margin=False).booking_rounding == 0


def test_a_margin_account_moves_by_realised_pnl_and_fees_alone():
    books = account_for([trade("BUY", "2", "100.5", "0.1"), trade("SELL", "1", "103")], D(110), Contract("USDT"))
    assert dict(balance_changes(books, margin=True)) == {"USDT": D("2.4")}
    assert reconcile([books], D("2.4"), "USDT", 2, margin=True).booking_rounding == 0


def test_an_account_in_cents_leaves_a_rounding_line_that_completes_the_sum():
    books = account_for([trade("BUY", "3", "0.333"), trade("SELL", "3", "0.337")], None, Contract("USDT"))
    line = reconcile([books], D("0.01"), "USDT", 2, margin=True)
    assert line.booking_rounding == D("-0.002")
    assert line.expected + line.booking_rounding == line.actual
    assert line.allowed == D("0.015")


def test_a_difference_that_rounding_cannot_explain_is_an_error():
    books = account_for([trade("BUY", "1", "100"), trade("SELL", "1", "101")], None, Contract("USDT"))
    with pytest.raises(AccountingError, match="more than rounding can explain"):
        reconcile([books], D("1.016"), "USDT", 2, margin=True)


def test_two_instruments_of_one_account_are_explained_together():
    btc = account_for([trade("BUY", "0.1", "60000")], D(60000), SPOT)
    eth = account_for([trade("SELL", "2", "0.05", "0", "BTC")], D("0.05"), Contract("BTC", "ETH"))
    assert reconcile([btc, eth], D("0.2"), "BTC", 8, margin=False).booking_rounding == 0


def test_the_engines_inverse_books_are_explained_by_its_arithmetic_average():
    """Fills and balance of one run of the engine on a margin account of 10 BTC."""
    fills = [
        trade("BUY", "70", "60500.5", "0.00005785", "BTC"),
        trade("BUY", "30", "61500.5", "0.00002439", "BTC"),
        trade("SELL", "50", "62500.0", "0.00004000", "BTC"),
        trade("SELL", "90", "63500.0", "0.00007087", "BTC"),
        trade("BUY", "13", "64500.5", "0.00001008", "BTC"),
    ]
    books = account_for(fills, D("66500.25"), INVERSE)
    line = reconcile([books], D("10.00521143") - 10, "BTC", 8, margin=True)
    assert abs(line.booking_rounding) < D("1e-8")
    assert books.realised - books.account_realised > D("1e-6"), "what the contracts pay differs from what was booked"
