"""What a strategy writes down of its account is what the engine's account says, whatever kind of account it is."""

import pytest
from engine_kit import MS, T0, Watched, engine_with, maker_fields, quote, trade
from nautilus_trader.model import AggressorSide, Venue

from mm_nautilus.host.accounts import account_facts, copied_account_facts
from mm_nautilus.strategies import MarketMakerConfig


@pytest.mark.parametrize("account", ["CASH", "MARGIN"])
def test_the_facts_are_what_the_account_holds(account: str) -> None:
    strategy = Watched(MarketMakerConfig(**maker_fields()))
    data = []
    for number in range(40):
        ts_ns, mid = T0 + number * 200 * MS, 1000 + number % 7
        data.append(quote(mid - 1, mid + 1, ts_ns))
        data.append(trade(mid - 3, 50, AggressorSide.SELL, ts_ns + MS, number))
    with engine_with(strategy, data, account=account) as engine:
        engine.run()
        assert strategy.fills
        assert strategy.fatal is None
        held = engine.portfolio.account(Venue("SIM"))
        facts = list(account_facts(engine.cache, engine.portfolio, "SIM", T0))
        assert facts == list(copied_account_facts(engine.cache, "SIM", T0))
        totals = {str(currency): total.as_decimal() for currency, total in held.balances_total().items()}
        assert {fact.currency: fact.total for fact in facts} == totals
        assert {fact.currency: fact.total for fact in strategy.accounts[-len(facts) :]} == totals
        assert {fact.account_id for fact in facts} == {str(held.id)}
        assert not list(account_facts(engine.cache, engine.portfolio, "ELSEWHERE", T0))
        assert not list(copied_account_facts(engine.cache, "ELSEWHERE", T0))
