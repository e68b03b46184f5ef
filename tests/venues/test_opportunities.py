"""Crossed prices: taken where money is left, refused with the arithmetic where it is not, and never free money."""

import math
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mm_nautilus.errors import ParameterError
from mm_nautilus.market import Side
from mm_nautilus.venues.arbitrage import arbitrage
from mm_nautilus.venues.crossing import Means, ScanTerms, Trader, Verdict, common_lot
from mm_nautilus.venues.opportunities import OpportunityScanner
from mm_nautilus.venues.venue import Health

D = Decimal
S = 1_000_000_000


class Market:
    """Some venues with whole books, a scanner that sees their best prices, and balances."""

    def __init__(self, fees, terms=None, lots=None, latency_s=0.0):
        lots = lots or [None] * len(fees)
        self.traders = [
            Trader("ABCDE"[i], D(fee), latency_s, lot) for i, (fee, lot) in enumerate(zip(fees, lots, strict=True))
        ]
        self.scanner = OpportunityScanner(self.traders, terms or ScanTerms())
        self.books, self.means, self.walked = {}, {}, 0

    def quote(self, venue, bids, asks, ts=0, health=Health.LIVE):
        levels = [[(D(price), D(size)) for price, size in side] for side in (bids, asks)]
        self.books[venue, Side.SELL], self.books[venue, Side.BUY] = levels
        best = [float(side[0][0]) if side else 0.0 for side in levels]
        self.scanner.update(venue, *best, ts, health)

    def book(self, venue, side):
        self.walked += 1
        return self.books[venue, side]

    def scan(self, now=0, **other):
        return self.scanner.scan(now, self.book, lambda venue: self.means.get(venue, Means()), **other)


def two(fee, terms=None, **other):
    market = Market([fee, fee], terms, **other)
    market.quote(0, [("400.00", 1000)], [("400.05", 1000)])
    market.quote(1, [("400.06", 500)], [("400.11", 500)])
    return market


def test_a_cent_gross_is_refused_after_fees_with_the_arithmetic():
    (found,) = two("0.0005", ScanTerms(min_profit=D(10))).scan()
    assert found.verdict is Verdict.FEES
    assert found.plan.net_profit == D("-195.027500")
    assert found.explanation == (
        "buy 500 on A for 200025.00, sell on B for 200030.00: gross 5.00 - fees 200.027500 = net -195.027500; "
        "fees are more than the prices cross by"
    )
    assert found.gross_edge_bps == pytest.approx(0.25, abs=1e-3)


def test_without_fees_it_is_taken():
    (found,) = two("0").scan()
    assert found.verdict is Verdict.TAKEN
    assert found.plan.net_profit == 5
    assert (found.buy, found.sell, found.plan.size) == (0, 1, 500)
    (found,) = two("0", ScanTerms(min_profit=D(10))).scan()
    assert found.verdict is Verdict.MIN_PROFIT
    assert "net 5.00; below the least profit of 10" in found.explanation


def test_both_directions_are_seen():
    market = Market(["0", "0"])
    market.quote(0, [("101", 1)], [("102", 1)])
    market.quote(1, [("99", 1)], [("100", 1)])
    (found,) = market.scan()
    assert (found.buy, found.sell) == (1, 0)


@pytest.mark.parametrize(
    ("change", "verdict", "words"),
    [
        (lambda m: m.scanner.set_health(1, Health.DISCONNECTED), Verdict.NOT_LIVE, "B is DISCONNECTED"),
        (lambda m: m.scanner.set_health(0, Health.STALE), Verdict.NOT_LIVE, "A is STALE"),
        (lambda m: m.quote(1, [("400.20", 5)], [("400.11", 5)]), Verdict.NOT_LIVE, "B is CROSSED_BOOK"),
        (lambda m: m.quote(1, [("400.06", 5)], [("400.11", 5)], -2 * S), Verdict.OLD_QUOTE, "2.000 s old"),
        (lambda m: m.means.update({1: Means(D(0), D(9))}), Verdict.NO_BALANCE, "base at the seller 0"),
        (lambda m: m.means.update({0: Means(D(9), D(0))}), Verdict.NO_BALANCE, "cash at the buyer 0"),
    ],
)
def test_what_looks_like_free_money_is_refused_with_its_reason(change, verdict, words):
    market = two("0")
    change(market)
    reports = [one for one in market.scan() if (one.buy, one.sell) == (0, 1)]
    assert [one.verdict for one in reports] == [verdict]
    assert words in reports[0].explanation
    assert market.scanner.counts[Verdict.TAKEN] == 0


def test_a_venue_that_crosses_itself_stays_out_whoever_says_that_it_is_live():
    market = two("0")
    for price in ("400.11", "400.20"):  # locked, and crossed
        market.quote(1, [(price, 5)], [("400.11", 5)])
        market.scanner.set_health(1, Health.LIVE)
        market.scan()
    assert set(market.scanner.counts) == {Verdict.NOT_LIVE}
    market.quote(1, [("400.06", 5)], [("400.11", 5)])
    market.scan()
    assert market.scanner.counts[Verdict.TAKEN] == 1


def test_an_episode_is_told_when_it_is_over():
    market = two("0.0005")
    market.scan(0)
    market.quote(1, [("400.07", 500)], [("400.11", 500)], 1)
    market.scan(1)
    assert market.scanner.take_ended() == []
    market.quote(1, [("400.00", 500)], [("400.11", 500)], 3)
    market.scan(3)
    (ended,) = market.scanner.take_ended()
    assert (ended.since_ns, ended.ts_ns, ended.episode, ended.buy, ended.sell) == (0, 3, 1, 0, 1)
    assert (ended.ask, ended.bid, ended.verdict, ended.taken) == (400.05, 400.07, Verdict.FEES, 0)
    assert market.scanner.take_ended() == []
    market.quote(1, [("400.06", 500)], [("400.11", 500)], 4)
    (found,) = market.scan(4)
    assert found.episode == 2
    market.scanner.end(5)
    assert [one.episode for one in market.scanner.take_ended()] == [2]


def test_room_and_smallest_value_bound_it_too():
    market = two("0")
    market.means = {0: Means(None, None, D(70)), 1: Means(D(200), None)}
    (found,) = market.scan()
    assert found.plan.size == 70
    none = two("0")
    none.means = {0: Means(None, None, D(0))}
    (found,) = none.scan()
    assert found.verdict is Verdict.NO_BALANCE
    assert "limits leave it 0" in found.explanation
    traders = [Trader(name, D(0), min_notional=D(value)) for name, value in (("A", 0), ("B", 300_000))]
    dear = two("0")
    dear.scanner = OpportunityScanner(traders, ScanTerms())
    dear.quote(0, [("400.00", 1000)], [("400.05", 1000)])
    dear.quote(1, [("400.06", 500)], [("400.11", 500)])
    (found,) = dear.scan()
    assert found.verdict is Verdict.TOO_SMALL
    assert "below the smallest value of an order, 300000" in found.explanation


def test_a_caller_may_forbid_and_the_arithmetic_is_still_there():
    (found,) = two("0").scan(barred="risk stage REDUCE_ONLY")
    assert found.verdict is Verdict.NOT_PERMITTED
    assert found.explanation.endswith("net 5.00; risk stage REDUCE_ONLY")


def test_balances_bound_the_size_and_profit_stays_exact():
    market = two("0")
    market.means = {0: Means(None, D("40005.00")), 1: Means(D(200), None)}
    (found,) = market.scan()
    assert found.plan.size == 100
    assert found.plan.net_profit == 1


def test_the_least_edge_counts_the_price_until_both_orders_arrive():
    # 0.25 bps gross; an allowance of 2 * 0.05 * sqrt(0.01) = 0.01 on 400 is 0.25 bps.
    quiet, restless = (two("0", ScanTerms(z=2.0), latency_s=0.01).scan(sigma=sigma) for sigma in (0.049, 0.051))
    assert quiet[0].verdict is Verdict.TAKEN
    assert restless[0].verdict is Verdict.MIN_EDGE
    assert "must leave 0.25496813 bps" in restless[0].explanation
    (bps,) = two("0", ScanTerms(min_edge_bps=D("0.26"))).scan()
    assert bps.verdict is Verdict.MIN_EDGE


def test_each_answer_is_told_once_an_episode():
    market = two("0.0005", ScanTerms(cooldown_s=0.0))
    assert len(market.scan()) == 1
    walked = market.walked
    for now in range(1, 5):
        market.quote(0, [("400.00", 1000)], [("400.05", 900 + now)], now)
        assert market.scan(now) == []
    assert market.walked == walked, "nothing is left after fees still: the books are not walked again"
    market.quote(1, [("400.90", 500)], [("400.95", 500)], 9)
    (found,) = market.scan(9)
    assert found.verdict is Verdict.TAKEN
    assert found.since_ns == 0
    market.quote(1, [("400.06", 500)], [("400.95", 500)], 9)
    assert market.scan(9) == [], "this has been said"
    market.quote(1, [("400.00", 500)], [("400.95", 500)], 10)
    assert market.scan(10) == []
    market.quote(1, [("400.06", 500)], [("400.95", 500)], 11)
    (found,) = market.scan(11)
    assert (found.verdict, found.since_ns) == (Verdict.FEES, 11)
    assert market.scanner.episodes == 2
    assert market.scanner.counts == {Verdict.FEES: 2, Verdict.TAKEN: 1}


def test_depth_that_was_taken_rests_and_a_cross_that_stays_is_an_error():
    market = two("0", ScanTerms(cooldown_s=1.0, expiry_s=3.0, max_quote_age_s=100.0))
    told = [(now, one.verdict) for now in range(80) for one in market.scan(now * S // 10)]
    assert [one for one in told if one[1] is not Verdict.TAKEN] == [(1, Verdict.COOLDOWN), (31, Verdict.EXPIRED)]
    assert [now for now, verdict in told if verdict is Verdict.TAKEN] == [0, 10, 20, 30]


def test_standing_within_the_fees_does_not_age_an_opportunity():
    market = two("0.0005", ScanTerms(expiry_s=1.0))
    for second in range(60):
        market.quote(0, [("400.00", 1000)], [("400.05", 1000)], second * S)
        market.quote(1, [("400.06", 500)], [("400.11", 500)], second * S)
        market.scan(second * S)
    market.quote(1, [("401.00", 500)], [("401.11", 500)], 60 * S)
    market.quote(0, [("400.00", 1000)], [("400.05", 1000)], 60 * S)
    (found,) = market.scan(60 * S)
    assert found.verdict is Verdict.TAKEN


def test_of_several_at_once_the_best_is_taken_and_no_depth_twice():
    market = Market(["0", "0", "0"])
    market.quote(0, [("99", 1)], [("100", 1)])
    market.quote(1, [("101", 1)], [("105", 1)])
    market.quote(2, [("102", 1)], [("105", 1)])
    found = {(one.buy, one.sell): one for one in market.scan()}
    assert found[0, 2].verdict is Verdict.TAKEN
    assert found[0, 1].verdict is Verdict.COOLDOWN
    assert "a better one" in found[0, 1].explanation
    assert all(one.verdict is not Verdict.TAKEN for one in market.scan(S // 10))


def test_lots_of_both_venues():
    assert common_lot(D("0.001"), D("0.25")) == D("0.25")
    assert common_lot(D("0.3"), D("0.04")) == D("0.6")
    assert common_lot(D(100), D("1E+1")) == D(100)
    assert common_lot(None, D(5)) == common_lot(D(5), None) == D(5)
    assert common_lot(None, None) is None
    market = Market(["0", "0"], lots=[D("0.4"), D("0.3")])
    market.quote(0, [("99", 5)], [("100", 5)])
    market.quote(1, [("101", 5)], [("102", 5)])
    assert market.scan()[0].plan.size == D("4.8")
    market = Market(["0", "0"], lots=[D(10), D(1)])
    market.quote(0, [("99", 5)], [("100", 5)])
    market.quote(1, [("101", 5)], [("102", 5)])
    assert market.scan()[0].verdict is Verdict.TOO_SMALL


sides = st.lists(st.tuples(st.integers(0, 60), st.integers(1, 5)), min_size=1, max_size=3)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.tuples(st.integers(9_900, 10_100), sides, sides), min_size=2, max_size=4),
    st.sampled_from(["-0.0001", "0", "0.0002", "0.001"]),
    st.sampled_from(["0", "1", "5"]),
    st.sampled_from(["0", "3"]),
)
def test_what_is_taken_is_the_best_that_any_pair_of_books_has(books, fee, edge, profit):
    terms = ScanTerms(min_edge_bps=D(edge), min_profit=D(profit))
    market = Market([fee] * len(books), terms)
    for index, (mid, down, up) in enumerate(books):
        bids = [(D(mid - sum(s for s, _ in down[: i + 1])) / 100, size) for i, (_, size) in enumerate(down)]
        asks = [(D(mid + 1 + sum(s for s, _ in up[: i + 1])) / 100, size) for i, (_, size) in enumerate(up)]
        market.quote(index, bids, asks)
    taken = [one for one in market.scan() if one.verdict is Verdict.TAKEN]
    possible = {}
    for buy in range(len(books)):
        for sell in range(len(books)):
            # Only prices that cross before fees are an opportunity; trading for rebates alone is not arbitrage.
            if buy != sell and market.books[sell, Side.SELL][0][0] > market.books[buy, Side.BUY][0][0]:
                found = arbitrage(
                    market.books[buy, Side.BUY], market.books[sell, Side.SELL], buy_fee=D(fee), sell_fee=D(fee),
                    min_edge=D(edge) / 10_000, min_profit=D(profit),
                )  # fmt: skip
                if found.executable:
                    possible[buy, sell] = found.net_profit
    assert len(taken) == (1 if possible else 0)
    if taken:
        assert taken[0].plan.net_profit == max(possible.values())


@pytest.mark.parametrize(
    ("call", "field"),
    [
        (lambda: Trader("A", D(2)), "A: taker_fee"),
        (lambda: Trader("A", 0.001), "A: taker_fee"),
        (lambda: Trader("A", D(0), -1.0), "A: latency_s"),
        (lambda: Trader("A", D(0), lot=D(0)), "A: lot"),
        (lambda: ScanTerms(min_edge_bps=D(-1)), "min_edge_bps"),
        (lambda: ScanTerms(min_profit=D("NaN")), "min_profit"),
        (lambda: ScanTerms(expiry_s=0.0), "expiry_s"),
        (lambda: ScanTerms(z=math.nan), "z"),
        (lambda: OpportunityScanner([Trader("A", D(0))], ScanTerms()), "traders"),
        (lambda: two("0").scan(sigma=-1.0), "sigma"),
    ],
)
def test_bad_input_is_named(call, field):
    with pytest.raises(ParameterError) as caught:
        call()
    assert caught.value.field == field


def test_a_pair_that_only_touches_is_no_crossing():
    market = Market(["0"] * 4)
    for venue, (bid, ask) in enumerate((("99", "100"), ("101", "105"), ("100.5", "106"), ("99", "100.5"))):
        market.quote(venue, [(bid, 1)], [(ask, 1)])
    assert {(one.buy, one.sell) for one in market.scan()} == {(0, 1), (0, 2), (3, 1)}


def test_an_opportunity_that_went_and_came_back_is_young():
    market = two("0.0005", ScanTerms(expiry_s=1.0, cooldown_s=0.0))
    verdicts = []
    for second, bid in ((0, "401.00"), (1, "400.06"), (5, "401.00")):
        market.quote(0, [("400.00", 1000)], [("400.05", 1000)], second * S)
        market.quote(1, [(bid, 500)], [("401.11", 500)], second * S)
        verdicts += [one.verdict for one in market.scan(second * S)]
    assert verdicts == [Verdict.TAKEN, Verdict.FEES, Verdict.TAKEN]


def test_less_than_the_smallest_order_is_not_sent():
    market = two("0")
    market.scanner.traders = (Trader("A", D(0)), Trader("B", D(0), min_size=D(501)))
    (found,) = market.scan()
    assert found.verdict is Verdict.TOO_SMALL
    assert found.explanation.endswith("net 5.00; below the smallest order of 501")
