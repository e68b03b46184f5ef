"""Deals and plays `DeskGame`: from hypothesis's choices, or fast and repeatably from a seed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from decimal import Decimal
from random import Random
from typing import Any

from desk_game import COMMANDS, LOT, DeskGame, game_settings

type Choose = Callable[[Sequence[Any]], Any]

MOVES = (-2, -1, -1, 0, 0, 1, 1, 2)
HALF_SPREADS = (1, 1, 2, 4)
WAITS_S = (0.1, 1.0, 1.0, 40.0)
VERDICTS = ("yes", "yes", "yes", "no")


def deal(choose: Choose) -> DeskGame:
    """Return a new game whose settings `choose` picks."""
    min_lots = choose((1, 1, 2))
    cash = choose((False, False, True))
    settings: dict[str, Any] = {
        "order_size": choose((min_lots, 2, 3)) * LOT,
        "limits": {"max_position": choose((3, 5, 8)) * LOT, "max_notional": choose((None, None, "260"))},
        "ladder": {"levels": choose((1, 2, 3)), "size_decay": choose((1.0, 0.6)), "size_skew": choose((0.0, 1.0))},
        "requote": {
            "amend": choose((True, True, False)),
            "tolerance_ticks": choose((0, 0, 1, 2)),
            "size_tolerance": choose((0.0, 0.5)),
            "max_amends_per_order": choose((2, 20)),
            "messages_per_s": choose((0.2, 50.0)),
            "message_burst": choose((2, 8, 100)),
        },
    }
    return DeskGame(
        game_settings(**settings),
        min_lots=min_lots,
        start_position=0 if cash else choose((0, 0, 3, -3, 10, -10)),
        cash=(choose((0, 3, 10)) * LOT, Decimal(choose((0, 150, 2000)))) if cash else None,
    )


def step(game: DeskGame, draw: Random) -> None:
    """Make one move."""
    move = draw.random()
    if move < 0.25:
        kind = draw.random()
        if kind < 0.12:
            game.unfit_market(draw.choice(("locked", "crossed", "no bid", "no ask")))
        elif kind < 0.20:
            game.jump(draw.choice((-12, 12)))
        else:
            game.drift(draw.choice(MOVES), draw.choice(HALF_SPREADS))
    elif move < 0.30:
        game.wait(draw.choice(WAITS_S))
    elif move < 0.55:
        game.arrive(draw.choice(COMMANDS), draw.choice(VERDICTS))
    elif move < 0.80:
        game.hear()
    elif move < 0.97:
        game.trade(draw.randrange(8), draw.randint(1, 3))
    else:
        game.cancel_unasked(draw.randrange(8))
    game.check()


def play(seed: int, steps: int = 100, wire: Callable[[DeskGame], None] = lambda _game: None) -> Counter[str]:
    """Play one game to its end and return what happened in it; `wire` may tamper with it first."""
    draw = Random(seed)
    game = deal(draw.choice)
    wire(game)
    for _ in range(steps):
        step(game, draw)
    if seed % 3 == 0:
        game.converge()
    game.finish(at_once=seed % 2 == 0)
    return game.seen
