"""Deals and plays `TradingGame`: from hypothesis's choices, or fast and repeatably from a seed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from random import Random
from typing import Any

from desk_game import COMMANDS, LOT, game_settings
from random_play import HALF_SPREADS, MOVES, Choose
from trading_game import TradingGame

from mm_nautilus.inventory.hedge_settings import HedgeSettings
from mm_nautilus.market import RiskStage

WAITS_S = (0.3, 1.0, 5.0, 40.0)
VERDICTS = ("yes", "yes", "yes", "no")
LIQUIDITY = (0, 1, 2, 50)
STAGES = tuple(RiskStage)


def deal(choose: Choose) -> TradingGame:
    """Return a new game whose settings `choose` picks."""
    min_lots = choose((1, 1, 2))
    limit = choose((5, 8))
    settings: dict[str, Any] = {
        "order_size": choose((min_lots, 3)) * LOT,
        "limits": {"max_position": limit * LOT},
        "ladder": {"levels": choose((1, 2))},
        "requote": {"amend": choose((True, False)), "size_tolerance": choose((0.0, 0.5))},
    }
    trigger = choose(("fills", "limits", "limits", "none", "band"))
    hedging: dict[str, Any] = {
        "trigger": trigger,
        "max_share_of_depth": choose((0.02, 0.5, 1.0)),
        "max_slippage_bps": choose((30.0, 100.0)),
        "min_interval_s": choose((0.0, 0.2)),
    }
    if trigger == "limits":
        hedging |= {"inventory_share": choose((0.3, 0.7)), "hedge_to": choose((0.0, 0.8, 1.0))}
    elif trigger == "fills":
        hedging |= {"max_exposure": choose((0, 2)) * LOT}
    elif trigger == "band":
        hedging |= {"consider_above": choose((0.0, 0.7)), "skew": choose((None, 2.0))}
    two_venues = choose((False, True))
    if two_venues:
        hedging["instruments"] = choose((["XYZ.ALT"], ["XYZ.SIM", "XYZ.ALT"]))
    return TradingGame(
        game_settings(**settings),
        min_lots=min_lots,
        start_position=choose((0, 0, 3, -3, 10, -10)),
        hedging=HedgeSettings(**hedging),
        two_venues=two_venues,
    )


def flow(game: TradingGame, draw: Random) -> None:
    """Make one of the moves of ordinary trade."""
    move = draw.random()
    if move < 0.20:
        if draw.random() < 0.15:
            game.unfit_market(draw.choice(("locked", "crossed", "no bid", "no ask")))
        else:
            game.drift(draw.choice(MOVES), draw.choice(HALF_SPREADS))
    elif move < 0.40:
        game.arrive(draw.choice(COMMANDS), draw.choice(VERDICTS))
    elif move < 0.52:
        game.arrive_hedge(draw.choice(VERDICTS), draw.choice(LIQUIDITY))
    elif move < 0.78:
        game.hear()
    elif move < 0.92:
        game.trade(draw.randrange(8), draw.randint(1, 3))
    else:
        game.wait(draw.choice(WAITS_S[:2]))
    game.check()


def upset(game: TradingGame, draw: Random) -> None:
    """Make one of the moves that are not."""
    move = draw.randrange(9)
    if move == 0:
        game.cancel_unasked(draw.randrange(8))
    elif move == 1:
        game.delay_fill()
    elif move == 2:
        game.repeat_fill(draw.randrange(50))
    elif move == 3:
        game.disconnect()
    elif move == 4:
        game.reconnect(draw.random() < 0.5)
    elif move == 5:
        game.restart()
    elif move == 6:
        game.save()
    elif move == 7:
        game.restrain(draw.choice(STAGES))
    else:
        game.wait(draw.choice(WAITS_S))
    game.check()


def play(seed: int, steps: int = 120, wire: Callable[[TradingGame], None] = lambda _game: None) -> Counter[str]:
    """Play one game to its end and return what happened in it; `wire` may tamper with it first."""
    draw = Random(seed)
    game = deal(draw.choice)
    wire(game)
    for _ in range(steps):
        (upset if draw.random() < 0.12 else flow)(game, draw)
    game.finish(at_once=seed % 2 == 0)
    game.seen.update(f"{fact.event} {fact.cause}" for fact in game.facts)
    return game.seen
