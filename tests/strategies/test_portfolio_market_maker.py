"""Many instruments quoted as one portfolio, on the engine."""

import itertools
import math
from decimal import Decimal
from statistics import NormalDist

import numpy as np
import pytest
from engine_kit import MS, T0, engine_with, quote, spot
from nautilus_trader.model import InstrumentId
from pydantic import ValidationError

from mm_nautilus.messages import FillFact, HedgeFact, MarkFact, QuoteDecision
from mm_nautilus.strategies import PortfolioMarketMaker, PortfolioMarketMakerConfig

S = 1000 * MS
NAMES = ("AAAUSDT.SIM", "BBBUSDT.SIM", "CCCUSDT.SIM")
IDS = [InstrumentId.from_str(name) for name in NAMES]


class Watched(PortfolioMarketMaker):
    """Keeps what it publishes, and calls `each` after every decision."""

    def __init__(self, config):
        super().__init__(config)
        self.kept = {QuoteDecision: [], FillFact: [], HedgeFact: [], MarkFact: []}
        self.each = None

    def publish_message(self, topic, message):
        self.kept.get(type(message), []).append(message)
        super().publish_message(topic, message)

    def _market_moved(self, leg, trigger, now_ns):
        super()._market_moved(leg, trigger, now_ns)
        if self.each is not None:
            self.each(self)

    def decisions(self, name):
        return [one for one in self.kept[QuoteDecision] if one.instrument_id == name]


def told(count=2, members=None, **fields):
    """A portfolio of pairs at 1000 with a tick of 0.1, correlated 0.9, and nothing to measure."""
    names = NAMES[:count]
    each = {
        "order_size": "0.010",
        "intensity": {"a_per_s": 1.0, "k_per_price": 8.0},
        "limits": {"max_position": "0.050"},
        "sigma_price_per_sqrt_s": 0.5,
    }
    given = {
        "strategy_id": "PMM-001",
        "book": "L1",
        "reference_currency": "USDT",
        "gamma": 20.0,
        "covariance": {"correlation": 0.9, "fixed": True},
        "each": each,
        "members": [{"instrument_id": name} for name in names] if members is None else members,
        "log_rejected_due_post_only_as_warning": False,
    }
    return PortfolioMarketMakerConfig(**(given | fields))


def pairs(count=2, money="USDT"):
    return [spot(instrument_id=one, base=str(one.symbol)[:3], money=money) for one in IDS[:count]]


def ran(config, data, count=2, strategy=None, **engine):
    strategy = strategy or Watched(config)
    first, *others = pairs(count)
    data = sorted(data, key=lambda one: one.ts_init)
    with engine_with(strategy, data, instrument=first, others=others, **engine) as held:
        held.run()
        assert strategy.fatal is None
    return strategy


def still(count, begin=0, end=10, bid=9995, ask=10005):
    """Every instrument quoted the same, once a second."""
    return [
        quote(bid, ask, T0 + second * S + place, 5000, IDS[place])
        for second in range(begin, end)
        for place in range(count)
    ]


def dip(place, low=9992):
    """A price that falls through our bid after 3.5 s and stays there."""
    return [quote(low - 10, low, T0 + second * S + 500 * MS, 5000, IDS[place]) for second in range(3, 10)]


def dipped(count=2):
    """Every market stands still, but the first one falls through our bid."""
    return [one for one in still(count) if one.instrument_id != IDS[0] or one.ts_init <= T0 + 3 * S] + dip(0)


def test_a_fill_in_one_moves_the_quotes_of_the_other_at_once():
    strategy = ran(told(gamma=500.0), dipped())
    fill = strategy.kept[FillFact][0]
    assert (fill.instrument_id, fill.side) == (NAMES[0], "BUY")
    other = strategy.decisions(NAMES[1])
    before = [one for one in other if one.ts_ns < fill.ts_ns][-1]
    after = next(one for one in other if one.ts_ns >= fill.ts_ns)
    assert (after.trigger, after.ts_ns) == ("fill", fill.ts_ns)
    assert after.reservation_price < before.reservation_price
    assert after.position == 0


def test_what_does_not_move_with_it_is_left_alone():
    strategy = ran(told(covariance={"correlation": 0.0, "fixed": True}), dipped())
    assert strategy.kept[FillFact]
    assert len({one.reservation_price for one in strategy.decisions(NAMES[1]) if one.reservation_price}) == 1


def test_nothing_is_quoted_before_the_covariance_is_known_and_the_record_says_so():
    random = np.random.default_rng(3)
    common = np.cumsum(random.normal(size=200))
    data = []
    for place in range(2):
        ticks = np.rint(10_000 + 5 * common + np.cumsum(random.normal(size=200))).astype(int)
        data += [quote(int(t) - 5, int(t) + 5, T0 + s * S + place, 5000, IDS[place]) for s, t in enumerate(ticks)]
    each = {
        "order_size": "0.010",
        "intensity": {"a_per_s": 1.0, "k_per_price": 8.0},
        "limits": {"max_position": "0.050"},
    }
    config = told(each=each, covariance={"warm_up_samples": 20, "window_samples": 40, "refresh_s": 10})
    strategy = ran(config, data)
    found = strategy.decisions(NAMES[0])
    waiting = [one for one in found if "WARMING_UP" in one.reasons]
    assert waiting
    assert all(not one.bid_prices and not one.ask_prices for one in waiting)
    first = next(one for one in found if one.bid_prices)
    assert first.ts_ns - T0 >= 21 * 5 * S
    assert first.sigma == pytest.approx(0.5, rel=0.5)
    correlation = strategy._book.measured.correlation[0, 1]
    assert correlation > 0.8


def worst_value_at_risk(strategy, sigma, confidence=0.99, horizon_s=1.0):
    """The largest value at risk over every subset of orders that may fill."""
    held, orders = [], []
    for leg in strategy._members:
        lot = float(leg.lattice.grid.lot)
        held.append(leg.desk.position_lots * lot)
        orders.append((0.0, leg.desk.orders.open_buy_lots * lot, -leg.desk.orders.open_sell_lots * lot))
    worst = max(
        (np.array(held) + np.array(o)) @ sigma @ (np.array(held) + np.array(o)) for o in itertools.product(*orders)
    )
    return NormalDist().inv_cdf(confidence) * math.sqrt(worst * horizon_s)


def test_whatever_fills_the_risk_of_all_stays_within_the_budget():
    random = np.random.default_rng(5)
    data = []
    for place in range(3):
        tick = 10_000
        for second in range(120):
            tick += int(random.integers(-25, 26))
            data.append(quote(tick - 5, tick + 5, T0 + second * S + place * MS, 5000, IDS[place]))
    limit = 0.05
    config = told(3, risk_budget={"limit": limit, "confidence": 0.99, "horizon_s": 1.0, "soft_share": 0.3})
    strategy = Watched(config)
    sigma = 0.25 * (0.9 * np.ones((3, 3)) + 0.1 * np.eye(3))
    seen = []
    strategy.each = lambda one: seen.append(worst_value_at_risk(one, sigma))
    ran(config, data, 3, strategy)
    assert len(strategy.kept[FillFact]) > 20
    assert max(seen) <= limit * (1 + 1e-9)
    assert max(seen) > 0.8 * limit
    capped = [
        one for one in strategy.kept[QuoteDecision] if any("PORTFOLIO_LIMIT" in c for c in one.caps + one.reasons)
    ]
    assert capped
    unlimited = Watched(told(3))
    far = []
    unlimited.each = lambda one: far.append(worst_value_at_risk(one, sigma))
    ran(told(3), data, 3, unlimited)
    assert max(far) > 2 * limit  # without the budget it would not have


def test_a_long_is_hedged_in_the_one_that_is_cheap_to_take():
    """The first one's market is wide; the second moves with it and is tight."""
    wide = [quote(9960, 10040, T0 + s * S, 5000, IDS[0]) for s in range(10)]
    tight = [quote(9999, 10001, T0 + s * S + 1, 5000, IDS[1]) for s in range(10)]
    fall = [quote(9900, 9980, T0 + second * S + 500 * MS, 5000, IDS[0]) for second in range(3, 10)]
    members = [{"instrument_id": NAMES[0]}, {"instrument_id": NAMES[1], "quote": False}]
    each = {
        "order_size": "0.050",
        "intensity": {"a_per_s": 1.0, "k_per_price": 8.0},
        "limits": {"max_position": "0.050"},
        "sigma_price_per_sqrt_s": 0.5,
    }
    config = told(members=members, each=each, gamma=100.0, hedge={"begin_above": 0.1})
    strategy = ran(config, [*wide[:4], *tight, *fall], taker_fee="0.00001")
    quoted = [one for one in strategy.kept[FillFact] if one.purpose == "QUOTE"]
    hedged = [one for one in strategy.kept[FillFact] if one.purpose == "HEDGE"]
    assert {one.instrument_id for one in quoted} == {NAMES[0]}
    assert hedged
    assert {(one.instrument_id, one.side) for one in hedged} == {(NAMES[1], "SELL")}
    causes = {one.cause for one in strategy.kept[HedgeFact]}
    assert causes == {"PORTFOLIO"}
    assert all(not one.bid_prices and not one.ask_prices for one in strategy.decisions(NAMES[1]))
    skew = strategy._book.skew(1)
    assert abs(skew) <= 0.1 + 0.01 + strategy._book.slope(1) * 0.001 + 1e-9  # back at the edge of what taking costs


def test_without_the_table_nothing_is_hedged_for_the_portfolio():
    strategy = ran(told(gamma=100.0), dipped())
    assert strategy.kept[FillFact]
    assert not strategy.kept[HedgeFact]


def test_concentration_closes_the_side_that_adds_at_the_hard_share():
    config = told(concentration={"capital": 1000.0, "soft": 0.005, "hard": 0.0105, "widest": 3.0})
    strategy = ran(config, dipped())
    last = strategy.decisions(NAMES[0])[-1]
    assert last.position == 0.01
    assert not last.bid_prices
    assert last.ask_prices
    assert last.bid_spread_multiplier > 1.0
    assert last.ask_spread_multiplier == 1.0


def test_another_quote_currency_needs_its_rate():
    first, second = pairs(2)
    euro = spot(instrument_id=IDS[1], base="BBB", money="EUR")
    del second
    strategy = Watched(told())
    with (
        engine_with(strategy, still(2), instrument=first, others=[euro]) as held,
        pytest.raises(Exception, match="EUR"),
    ):
        held.run()
    assert "rates" in str(strategy.fatal)
    assert "priced in EUR" in str(strategy.fatal)
    strategy = Watched(told(rates={"EUR": 1.1}))
    with engine_with(strategy, still(2), instrument=first, others=[euro]) as held:
        held.run()
        assert strategy.fatal is None
        assert strategy.decisions(NAMES[1])[-1].bid_prices


def test_a_restart_goes_on_with_the_books_and_the_samples():
    first = ran(told(), dipped())
    state = first._state()
    assert state["portfolio"]["names"] == list(NAMES[:2])
    assert set(state["books"]) == set(NAMES[:2])
    again = Watched(told())
    again.on_load(first.on_save())
    ran(told(), still(2, 50, 60), strategy=again)
    assert again._hedger.control.line(NAMES[0]).position == 0  # the venue's word: a new account holds nothing


def test_fifty_instruments_in_one_process():
    names = [f"A{i:02d}USDT.SIM" for i in range(50)]
    ids = [InstrumentId.from_str(name) for name in names]
    config = told(members=[{"instrument_id": name} for name in names])
    strategy = Watched(config)
    instruments = [spot(instrument_id=one, base=str(one.symbol)[:3]) for one in ids]
    random = np.random.default_rng(1)
    data = []
    for place, one in enumerate(ids):
        tick = 10_000
        for second in range(12):
            tick += int(random.integers(-10, 11))
            data.append(quote(tick - 5, tick + 5, T0 + second * S + place * 1000, 5000, one))
    data.sort(key=lambda one: one.ts_init)
    with engine_with(strategy, data, instrument=instruments[0], others=instruments[1:]) as held:
        held.run()
        assert strategy.fatal is None
    assert {one.instrument_id for one in strategy.kept[QuoteDecision] if one.bid_prices} == set(names)
    assert strategy.kept[FillFact]


SHARED = {"name": "t", "process": "a", "url": "redis://127.0.0.1:1/0", "timeout_s": 0.05}
BUDGET = {"limit": 1.0, "confidence": 0.99, "horizon_s": 1.0}


def test_without_the_shared_budgets_server_nothing_is_added():
    """A run that does not know its end is no backtest to us: it asks the server, and nobody answers."""
    strategy = ran(told(risk_budget=BUDGET | {"shared": SHARED}), dipped())
    assert not strategy.kept[FillFact]
    found = strategy.decisions(NAMES[0])
    assert found
    assert all(not one.bid_prices and not one.ask_prices for one in found)
    assert strategy._budget.fault is not None


def test_a_backtest_takes_all_of_a_shared_budget():
    end = {"end_ns": T0 + 20 * S}
    strategy = ran(told(risk_budget=BUDGET | {"shared": SHARED}, arrival=end), dipped())
    assert strategy.kept[FillFact]
    assert strategy._book.budget == pytest.approx(1.0)


class Given:
    """A share of the budget that is what the test says, and hears what is reported."""

    fault = refused = None

    def __init__(self, amounts):
        self.amounts, self.heard, self.left = list(amounts), [], None

    def allowed(self):
        return self.amounts.pop(0) if len(self.amounts) > 1 else self.amounts[0]

    def report(self, held, used):
        self.heard.append((held, used))

    def start(self):
        """Nothing to do."""

    def stop(self, held):
        self.left = held


def test_a_lower_grant_takes_quotes_back_and_what_is_used_is_reported(monkeypatch):
    given = Given([1.0, 1.0, 1.0, 0.0])
    monkeypatch.setattr(PortfolioMarketMaker, "_open_budget", lambda _: given)
    strategy = ran(told(risk_budget=BUDGET), still(2))
    quoted = strategy.decisions(NAMES[0])
    assert quoted[1].bid_prices or quoted[0].bid_prices
    assert not quoted[-1].bid_prices
    assert not quoted[-1].ask_prices
    assert any("PORTFOLIO_LIMIT" in text for text in quoted[-1].reasons)
    z = NormalDist().inv_cdf(0.99)
    assert max(used for _, used in given.heard) == pytest.approx(2 * 0.010 * 0.5 * z)
    assert given.left == 0.0  # every order was taken back before the end


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"members": []}, "members"),
        ({"members": [{"instrument_id": NAMES[0]}, {"instrument_id": NAMES[0]}]}, "each instrument may stand once"),
        ({"members": [{"instrument_id": NAMES[0], "gamma": 1.0}]}, "gamma"),
        ({"members": [{"instrument_id": NAMES[0], "model": "glft"}]}, "priced together"),
        ({"members": [{"instrument_id": NAMES[0], "quote": False}]}, "none is quoted"),
        ({"members": [{"instrument_id": NAMES[0], "quote": False, "hedge": False}]}, "neither quoted nor hedged"),
        ({"members": [{"instrument_id": NAMES[0], "volatility": {"half_life_s": 5.0}}]}, "portfolio measures it"),
        ({"members": [{"instrument_id": NAMES[0], "book": "L3"}]}, "book"),
        ({"hedge": {"trigger": "fills"}}, "'band' or 'none'"),
        ({"hedge": {"instruments": [NAMES[0]]}}, "hedges in its members"),
        ({"covariance": {"correlations": [[1.0]]}}, "2 x 2"),
        ({"covariance": {"fixed": True, "correlation": 0.1}, "each": {}}, "order_size"),
        ({"gama": 1.0}, "gama"),
        ({"risk_budget": {"limit": 1.0, "shared": {"name": "x"}}}, "process"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused(fields, message):
    with pytest.raises(ValidationError, match=message):
        told(**fields)


def test_a_member_says_only_what_is_different():
    members = [{"instrument_id": NAMES[0]}, {"instrument_id": NAMES[1], "limits": {"max_notional": 50}}]
    config = told(members=members)
    one, two = config.settings.members
    assert one.limits.max_position == two.limits.max_position == Decimal("0.050")
    assert (one.limits.max_notional, two.limits.max_notional) == (None, 50)
    assert config.settings.instruments() == NAMES[:2]
    assert config.settings.position_limits()[NAMES[1]] == Decimal("0.050")
    again = PortfolioMarketMakerConfig(**config.to_dict())
    assert again.settings == config.settings
