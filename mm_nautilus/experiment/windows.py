"""What is traded and what is learnt from: never the same data."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from mm_nautilus.errors import ConfigError
from mm_nautilus.host.loading import LoadedRun
from mm_nautilus.host.node import unix_ns

type Tables = dict[str, Any]

TRAINING_SEEDS_AWAY = 1_000
"""Distance of the training market's seed from the first traded one, and more than markets that are traded."""

TRAINING_S = 3_600.0
"""An hour of a market with a fill a second or two tells bands of fills apart; less is mostly noise."""


@dataclass(frozen=True, slots=True)
class Windows:
    """Tables of the run file with the data of each market that is traded, and of the one that is learnt from."""

    trading: dict[str, Tables]
    training: Tables
    told: str
    """Which is which, in a sentence."""


def simulated(
    raw: Mapping[str, Any],
    loaded: LoadedRun,
    seeds: int,
    training_seed: int | None,
    training_s: float | None = None,
    *,
    learns: bool,
) -> Windows:
    """Return markets that differ by their seed; the training market has another seed, and its own length.

    Parameters
    ----------
    raw : mapping
        Tables of the run file.
    loaded : LoadedRun
        The run file, checked.
    seeds : int
        Markets to trade, from the run file's seed on.
    training_seed : int or None
        `TRAINING_SEEDS_AWAY` after the first by default.
    training_s : float or None
        Length of the training market; by default that of a traded one, but at least `TRAINING_S`.
    learns : bool
        Whether anything is learnt.

    Raises
    ------
    ConfigError
        For a training seed among those traded.

    """
    section = loaded.run_file.data.simulation
    first = 0 if section is None else section.seed
    training = first + TRAINING_SEEDS_AWAY if training_seed is None else training_seed
    traded = range(first, first + seeds)
    if learns and training in traded:
        allowed = f"below {first} or from {first + seeds} on"
        raise ConfigError(loaded.path, [f"--training-seed: {training} is traded; allowed is a seed {allowed}"])
    last = f" to {traded[-1]}" if seeds > 1 else ""
    told = f"traded: simulated markets of seed {first}{last}"
    learnt = _seeded(raw, training)
    if training_s is None and section is not None and section.duration_s is not None:
        training_s = max(section.duration_s, TRAINING_S)
    if training_s is not None:
        learnt["data"]["simulation"]["duration_s"] = training_s
    if learns:
        told += f"; trained on: the market of seed {training}"
    return Windows({f"seed-{seed}": _seeded(raw, seed) for seed in traded}, learnt, told)


def _seeded(raw: Mapping[str, Any], seed: int) -> Tables:
    tables = copy.deepcopy(dict(raw))
    tables["data"]["simulation"]["seed"] = seed
    return tables


def split(raw: Mapping[str, Any], span_ns: tuple[int, int], train_share: float, *, learns: bool) -> Windows:
    """Return the later part of recorded data to trade, and the earlier one to learn from.

    Parameters
    ----------
    raw : mapping
        Tables of the run file.
    span_ns : tuple of int
        First and last instant of the data.
    train_share : float
        Share of the time that is learnt from.
    learns : bool
        Whether anything is learnt; where not, all of the data is traded.

    """
    if not learns:
        tables = copy.deepcopy(dict(raw))
        return Windows({"data": tables}, tables, f"traded: {_at(span_ns[0])} to {_at(span_ns[1])}")
    first, last = span_ns
    # Whole microseconds, as date-times have no finer ones; training ends one before trading begins.
    begin = datetime.fromtimestamp(int(first + train_share * (last - first)) // 1_000 / 1e6, UTC)
    end = begin - timedelta(microseconds=1)
    trading, training = copy.deepcopy(dict(raw)), copy.deepcopy(dict(raw))
    trading["data"]["start"] = begin
    training["data"]["end"] = end
    told = f"traded: {begin:%Y-%m-%d %H:%M:%S} to {_at(last)}; trained on: {_at(first)} to {end:%Y-%m-%d %H:%M:%S} UTC"
    return Windows({"data": trading}, training, told)


def _at(ts_ns: int) -> str:
    return f"{datetime.fromtimestamp(ts_ns // 10**9, UTC):%Y-%m-%d %H:%M:%S}"


def span_of(loaded: LoadedRun, first_ns: int, last_ns: int) -> tuple[int, int]:
    """Return the instants that the run file and the data leave."""
    section = loaded.run_file.data
    return max(first_ns, unix_ns(section.start) or first_ns), min(last_ns, unix_ns(section.end) or last_ns)
