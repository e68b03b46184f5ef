"""What a sweep says of itself, for the command line and the page alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from mm_nautilus.analytics.numbers import MINUS, NOTHING, compact, duration, share
from mm_nautilus.sweep.judged import LOWEST_DEFLATED

type Json = Mapping[str, Any]

LABELS: Final = {"sharpe": "Sharpe", "pnl": "PnL"}
PLATEAU: Final = (
    "Ranked by the plateau: a run's own score or the mean of its neighbours', whichever is lower, so that a lone peak "
    "ranks as what lies around it. Neighbours differ by at most one step in each number of a grid; among random "
    "points they are the nearest ones."
)
READING: Final = (
    "Both numbers are about the PnL of these runs in this market: where everything pays neither raises an alarm, and "
    "nor do fills that are too kind. A high probability of overfitting beside a high deflated Sharpe ratio means that "
    "the runs are about equally good. Neither knows of runs that were tried and are not among these."
)


def headline(sweep: Json) -> str:
    """Return in one sentence whether the best was found or made."""
    verdict = sweep["verdict"]
    chosen, earned = verdict["overfitting"], verdict["deflated"]
    if not sweep["completed"]:
        return "No run completed."
    if sweep["ranking"] and float(sweep["ranking"][0]["pnl"]) < 0.0:
        return "Even the first of these runs loses money; there is nothing to choose from."
    if not verdict["flagged"]:
        return "Not flagged: the best of these runs is more than the luck of trying many, in this market."
    if earned is not None and earned["probability"] >= LOWEST_DEFLATED:
        choice = "is luck" if chosen is not None else "cannot be judged"
        return f"Flagged: the first of these runs earns more than luck would show, but which of them is best {choice}."
    if earned is None:
        return "Flagged: whether the best of these runs is luck cannot be told."
    return "Overfitted: the best of these runs cannot be told from the luck of trying many."


def figures(sweep: Json) -> list[tuple[str, str]]:
    """Return the numbers behind the verdict, each with what it is beside."""
    verdict = sweep["verdict"]
    pairs = [
        ("probability of overfitting", _overfitting(verdict["overfitting"])),
        ("deflated Sharpe ratio", _deflated(verdict["deflated"])),
    ]
    return pairs if sweep["walk_forward"] is None else [*pairs, ("walk forward", _walk(sweep))]


def _overfitting(one: Json | None) -> str:
    if one is None:
        return NOTHING
    loses = share(one["probability_of_loss"])
    how = f"{one['splits']:,} splits of {one['blocks']} blocks; the best of one half loses in the other in {loses}"
    return f"{share(one['probability'])} ({how})"


def _deflated(one: Json | None) -> str:
    if one is None:
        return NOTHING
    tries = f"{one['tries']:,} tries, as good as {compact(one['independent_tries'], 3)} independent ones"
    luck = f"{compact(one['expected_maximum'], 3)} by luck; undeflated {one['undeflated']:.3f}"
    return f"{one['probability']:.3f} ({compact(one['sharpe'], 3)} a step, where {tries}, show {luck})"


def _walk(sweep: Json) -> str:
    walk = sweep["walk_forward"]
    traded = walk["traded"]
    low, high = compact(traded["low"], signed=True), compact(traded["high"], signed=True)
    interval = (
        "too few blocks for an interval"
        if traded["low"] is None
        else f"{100 * traded['level']:.0f} % interval {low} to {high}"
    )
    beside = f"the median point {compact(walk['median_pnl'], signed=True)}"
    best = f"the best in hindsight {compact(walk['best_pnl'], signed=True)}"
    windows = f"{len(walk['folds'])} windows" if len(walk["folds"]) > 1 else "one window"
    if walk["calibrated"]:
        windows += ", each traded with the calibration of the one before it"
    made = f"{compact(traded['total'], signed=True)} {sweep['currency']} in {windows}"
    return f"{made} ({interval}; {beside}, {best})"


def notes(sweep: Json) -> list[str]:
    """Return what the reader must know about the runs themselves."""
    found = list(sweep["verdict"]["why"])
    if sweep["failed"]:
        runs = sweep["runs"] + sweep["window_runs"]
        found.append(f"{len(sweep['failed']):,} of {runs:,} runs failed; they are listed; resuming tries them again.")
    if sweep["without_fills"]:
        found.append(f"{sweep['without_fills']:,} of {sweep['runs']:,} runs had no fill; their score is zero.")
    if sweep["walk_forward"] is not None and (silent := sweep["walk_forward"]["left_out"]):
        found.append(
            f"Nothing was traded in {len(silent):,} windows of walking forward, because the window before had no "
            f"calibration or no run; the first: {silent[0]['reason']}"
        )
    if sweep["left_out"]:
        found.append(f"{len(sweep['left_out']):,} mistakes: points that the run file cannot take were left out.")
    edges = sweep["ranking"][0]["edges"] if sweep["ranking"] else []
    if edges:
        found.append(f"The first is at an end of what was tried in {', '.join(edges)}: better values may lie beyond.")
    if sweep["ranking"] and not sweep["ranking"][0]["neighbours"]:
        found.append("The first has no neighbours, so nothing says whether it stands on a plateau.")
    if sweep["step_s"] < 60.0:
        found.append(
            f"PnL is cut into steps of {sweep['step_s']:g} s; the Sharpe ratio of steps below a minute takes the "
            "bouncing of the mid for risk."
        )
    return found


def meta(sweep: Json) -> list[str]:
    """Return what was run, in a few words each."""
    done = f"{sweep['completed']:,} of {sweep['runs']:,} runs completed"
    span = [] if sweep["duration_s"] is None else [f"{duration(sweep['duration_s'])} of market"]
    drawn = [] if sweep["random"] is None else [f"drawn at random, seed {sweep['seed']}"]
    return [done, *span, *drawn, f"ranked by {LABELS[sweep['score']]}"]


def columns(sweep: Json) -> list[str]:
    """Return the heads of the ranking; the last three are left out where there is no room."""
    keys = list(dict.fromkeys(key for one in sweep["ranking"] for key in one["point"]))
    return ["", *(key.rpartition(".")[2] for key in keys), "plateau", LABELS[sweep["score"]], *_OTHERS]


_OTHERS: Final = ("PnL", "fills", "drawdown", "held, max", "spread bps", "two-sided")


def cells(one: Json, keys: Sequence[str]) -> list[str]:
    """Return one row of the ranking."""
    point = [_value(one["point"].get(key)) for key in keys]
    return [
        str(one["place"]),
        *point,
        _score(one["plateau"]),
        _score(one["score"]),
        compact(float(one["pnl"]), signed=True),
        f"{one['fills']:,}",
        compact(one["max_drawdown"]),
        compact(one["inventory_max"], 3),
        compact(one["spread_bps"], 3),
        share(one["two_sided"]),
    ]


def keys_in(sweep: Json) -> list[str]:
    """Return the keys of the points in the ranking."""
    return list(dict.fromkeys(key for one in sweep["ranking"] for key in one["point"]))


def _score(value: float) -> str:
    return compact(value, 3) if abs(value) < 1_000.0 else f"{value:,.0f}".replace("-", MINUS)


def _value(value: Any) -> str:
    if value is None:
        return NOTHING
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def agreement(sweep: Json) -> list[str]:
    """Return how far screening and the engine agree, and what screening leaves out."""
    screen = sweep["screen"]
    found = []
    if screen["confirmed"] is not None:
        for name, one in (
            ("all confirmed", screen["confirmed"]["agreement"]),
            ("the random sample alone", screen["confirmed"]["sample_agreement"]),
        ):
            if one is not None:
                interval = f"{100 * one['level']:.0f} % interval {one['low']:.3f} to {one['high']:.3f}"
                how = f"{one['correlation']:.3f} ({interval}, {one['pairs']} runs)"
                found.append(f"Rank correlation with the engine, {name}: {how}.")
    found += screen["caveats"]
    found.append(f"Not in screened runs: {'; '.join(screen['not_modelled'])}.")
    return found


CONFIRMED_HEAD: Final = (
    *("rank screened", "engine", "score screened", "engine", "PnL screened", "engine", "fills screened", "engine"),
    "drawn",
)


def confirmed_cells(one: Json, keys: Sequence[str]) -> list[str]:
    """Return one row of the table that holds screened runs against the engine's."""
    point = [_value(one["point"].get(key)) for key in keys]
    if not one["completed"]:
        return [*point, NOTHING, "failed", _score(one["screen_score"]), *[NOTHING] * 5, one["reason"]]
    return [
        *point,
        f"{one['screen_rank']:g}",
        f"{one['engine_rank']:g}",
        _score(one["screen_score"]),
        _score(one["engine_score"]),
        compact(float(one["screen_pnl"]), signed=True),
        compact(float(one["engine_pnl"]), signed=True),
        f"{one['screen_fills']:,}",
        f"{one['engine_fills']:,}",
        "random" if one["sampled"] else "best",
    ]
