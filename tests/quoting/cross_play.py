"""Deals and plays `CrossGame`: from hypothesis's choices, or fast and repeatably from a seed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from random import Random
from typing import Any

from cross_game import CrossGame
from desk_game import COMMANDS, LOT, game_settings
from random_play import HALF_SPREADS, MOVES, Choose

from mm_nautilus.venues.cross_settings import FillHedgeSettings

WAITS_S = (0.3, 1.0, 12.0)
VERDICTS = ("yes", "yes", "yes", "no")
LIQUIDITY = (0, 1, 2, 50)
SEATS = (0, 1)


def deal(choose: Choose) -> CrossGame:
    """Return a new game whose settings `choose` picks."""
    min_lots = choose((1, 1, 2))
    limit = choose((4, 8))
    settings: dict[str, Any] = {
        "order_size": choose((min_lots, 2)) * LOT,
        "limits": {"max_position": limit * LOT},
        "ladder": {"levels": choose((1, 2))},
        "requote": {"amend": choose((True, False)), "size_tolerance": choose((0.0, 0.5))},
    }
    hedging = FillHedgeSettings(
        max_exposure=choose((0, 0, 1)) * LOT,
        max_share_of_depth=choose((0.02, 1.0)),
        max_slippage_bps=choose((30.0, 100.0)),
        min_interval_s=choose((0.0, 0.2)),
        retry_interval_s=choose((0.25, 1.0)),
    )
    both = choose((True, False))
    return CrossGame(
        game_settings(**settings),
        hedging,
        quotes=(True, both),
        hedges=(choose((True, False)) or both, True),
        asset_limit=choose((3, 6)),
        min_lots=min_lots,
        start=choose(((0, 0), (0, 0), (2, -2), (-1, 2), (3, 0))),
    )


def flow(game: CrossGame, draw: Random) -> None:
    """Make one of the moves of ordinary trade."""
    move, index = draw.random(), draw.choice(SEATS)
    seat = game.seats[index]
    if move < 0.20:
        if draw.random() < 0.1:
            game.unfit(index, draw.choice(("locked", "crossed", "no bid", "no ask")))
        else:
            game.market(draw.choice(MOVES), draw.choice(HALF_SPREADS), draw.choice((None, None, 0, 1)))
    elif move < 0.42:
        if seat.connected:
            seat.arrive(draw.choice(COMMANDS), draw.choice(VERDICTS))
    elif move < 0.54:
        if seat.connected:
            game.arrive_hedge(index, draw.choice(VERDICTS), draw.choice(LIQUIDITY))
    elif move < 0.80:
        seat.hear()
    elif move < 0.93:
        seat.trade(draw.randrange(8), draw.randint(1, 3))
    else:
        game.wait(draw.choice(WAITS_S[:2]))
    game.check()


def upset(game: CrossGame, draw: Random) -> None:
    """Make one of the moves that are not."""
    move, index = draw.randrange(6), draw.choice(SEATS)
    if move == 0:
        game.seats[index].cancel_unasked(draw.randrange(8))
    elif move == 1:
        game.disconnect(index, draw.random() < 0.6)
    elif move in {2, 3}:
        game.reconnect(index)
    elif move == 4:
        game.restart()
    else:
        game.wait(draw.choice(WAITS_S))
    game.check()


def play(seed: int, steps: int = 100, wire: Callable[[CrossGame], None] = lambda _game: None) -> Counter[str]:
    """Play one game to its end and return what happened in it; `wire` may tamper with it first."""
    draw = Random(seed)
    game = deal(draw.choice)
    wire(game)
    game.market(0, 2)
    for _ in range(steps):
        (upset if draw.random() < 0.12 else flow)(game, draw)
    game.finish()
    for seat in game.seats:
        game.seen += seat.seen
    game.seen.update(f"{fact.event} {fact.cause}" for fact in game.facts)
    return game.seen
