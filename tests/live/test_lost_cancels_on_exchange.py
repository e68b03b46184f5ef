"""A command that was refused and whose refusal was lost: its order goes all the same, and is never forgotten."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from bybit_exchange.process import Exchange
from live_kit import ACCOUNT, LiveProcess, run_file

pytestmark = pytest.mark.e2e
NEVER = [
    f"live.checks.{name}" for name in ("inflight_after_ms=600000", "open_orders_every_s=600", "positions_every_s=600")
]
"""Of what the engine itself does about a cancel without an answer, nothing happens within the test."""
OFTEN = ["live.checks.inflight_after_ms=300"]
"""The engine asks so often that it would have decided by itself within two seconds that an order is over."""
STILL = ["strategy.guards.min_half_spread_bps=20", "strategy.requote.tolerance_ticks=1000000"]
"""Quotes that nobody reaches and that are not moved: nothing but their cancels is ever on its way."""
REFUSED = {"commands_per_s": 0.0, "lose_acknowledge": 1.0}
PASSES = {"commands_per_s": None, "lose_acknowledge": 0.0}


def start(folder: Path, exchange: Exchange, *settings: str) -> LiveProcess:
    output = folder / "runs"
    output.mkdir()
    changes = [word for one in settings for word in ("--set", one)]
    return LiveProcess(str(run_file(folder, exchange)), "--confirm", ACCOUNT, *changes, output=output)


def ours(truth: dict[str, Any]) -> list[str]:
    return [order["id"] for order in truth["open"] if order["link"].startswith("O-")]


def quoted(truth: dict[str, Any]) -> bool:
    return len(ours(truth)) == 2


def stuck(truth: dict[str, Any], refused: str = "refused_cancels") -> bool:
    """Return whether every order that rests has met a cancel, or an amend, that nobody was told the end of."""
    return bool(ours(truth)) and set(ours(truth)) <= set(truth[refused])


def test_quotes_on_a_dead_feed_go_although_the_answer_to_their_cancel_was_lost(tmp_path: Path) -> None:
    with Exchange(seed=3) as exchange:
        process = start(tmp_path, exchange, *NEVER, *STILL)
        try:
            process.until(exchange, quoted)
            exchange.faults(mute_public=True, **REFUSED)
            process.until(exchange, stuck)
            exchange.faults(**PASSES)
            process.until(exchange, lambda truth: not ours(truth), 20.0)
            exchange.faults(mute_public=False)
            process.until(exchange, quoted)
            exchange.faults(mute_public=True, **REFUSED)
            process.until(exchange, stuck)
            process.ask_to_stop()
            time.sleep(1.0)  # what a stop cancels is refused as well
            exchange.faults(**PASSES)
            code, printed = process.ended()
        finally:
            process.kill()
        assert code == 0, printed
        assert exchange.truth()["open"] == []
    assert process.result()["live"]["left_open"] == []


def test_an_order_whose_cancel_was_lost_goes_although_the_market_is_back(tmp_path: Path) -> None:
    with Exchange(seed=3) as exchange:
        process = start(tmp_path, exchange, *OFTEN, *STILL, "live.checks.cancel_again_s=600")
        try:
            process.until(exchange, quoted)
            exchange.faults(mute_public=True, **REFUSED)
            process.until(exchange, stuck)
            lost = set(ours(exchange.truth()))
            exchange.faults(mute_public=False, **PASSES)
            process.until(exchange, lambda truth: not lost & set(ours(truth)), 20.0)
            process.until(exchange, quoted)
            process.ask_to_stop()
            code, printed = process.ended()
        finally:
            process.kill()
        assert code == 0, printed
        assert exchange.truth()["open"] == []


def test_quotes_on_a_dead_feed_go_although_the_answer_to_their_amend_was_lost(tmp_path: Path) -> None:
    moving = [*STILL[:1], "strategy.requote.tolerance_ticks=0", "strategy.requote.max_amends_per_order=1000"]
    with Exchange(seed=3) as exchange:
        process = start(tmp_path, exchange, *NEVER, *moving)
        try:
            process.until(exchange, quoted)
            exchange.faults(**REFUSED)
            process.until(exchange, lambda truth: stuck(truth, "refused_amends"))
            exchange.faults(mute_public=True, **PASSES)
            process.until(exchange, lambda truth: not ours(truth), 20.0)
            exchange.faults(mute_public=False)
            process.until(exchange, quoted)
            process.ask_to_stop()
            code, printed = process.ended()
        finally:
            process.kill()
        assert code == 0, printed
        assert exchange.truth()["open"] == []


@pytest.mark.parametrize("asked", [NEVER, OFTEN], ids=["never", "often"])
def test_where_strangers_orders_stay_nothing_is_cancelled_but_ours(asked: list[str], tmp_path: Path) -> None:
    with Exchange(seed=3) as exchange:
        process = start(tmp_path, exchange, *asked, *STILL, "live.unknown_orders=refuse", "live.withdraw_within_s=3")
        try:
            process.until(exchange, quoted)
            exchange.incident("external_order", lots=5, ticks_away=3000, side="Buy")
            exchange.faults(mute_public=True, **REFUSED)
            process.until(exchange, stuck)
            exchange.faults(**PASSES)
            time.sleep(0.0 if asked is NEVER else 4.0)
            process.ask_to_stop()
            code, printed = process.ended()
        finally:
            process.kill()
        assert code == 0, printed
        truth = exchange.truth()
    assert [order["link"] for order in truth["open"] if not order["link"].startswith("O-")] == ["by-hand-1"]
    left = {order["link"] for order in truth["open"]} - {"by-hand-1"}
    assert left <= set(process.result()["live"]["left_open"]), "and what could not be taken back is said"
