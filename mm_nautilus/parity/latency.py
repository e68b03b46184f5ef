"""What a venue took to answer, measured in the run log, and the same as the latency settings of a backtest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import tomli_w

ANSWERS: Final = {
    "submit": ("SUBMIT", frozenset({"ACCEPTED", "REJECTED"})),
    "amend": ("AMEND", frozenset({"UPDATED", "MODIFY_REJECTED"})),
    "cancel": ("CANCEL", frozenset({"CANCELED", "CANCEL_REJECTED"})),
}
"""Command and answers of each kind of exchange."""
QUANTILES: Final = (0.01, 0.1, 0.5, 0.9, 0.99, 1.0)

type Milliseconds = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Latency:
    """Distribution of one delay, in milliseconds."""

    count: int
    mean_ms: float
    quantiles_ms: dict[str, float]
    """By the share of delays that are no longer, in per cent."""

    @classmethod
    def of(cls, delays_ms: Milliseconds) -> Latency | None:
        """Return the distribution of delays, ``None`` for no delays."""
        if not len(delays_ms):
            return None
        found = np.quantile(delays_ms, QUANTILES)
        names = [f"{100 * share:g}" for share in QUANTILES]
        return cls(
            len(delays_ms), float(delays_ms.mean()), dict(zip(names, (float(one) for one in found), strict=True))
        )


def round_trips(orders: pa.Table) -> dict[str, dict[str, Milliseconds]]:
    """Return by venue, then by kind of command, how long each answer took.

    An answer belongs to the last command of its kind on its order. An order that was filled before its cancel arrived
    has no answer to the cancel, and does not count.

    Parameters
    ----------
    orders : pyarrow.Table
        The orders of a run, in the order they were written.

    """
    found: dict[str, dict[str, list[float]]] = {}
    sent: dict[tuple[object, str], int] = {}
    commands = {command: kind for kind, (command, _) in ANSWERS.items()}
    answers = {answer: kind for kind, (_, some) in ANSWERS.items() for answer in some}
    columns = [orders[name].to_pylist() for name in ("ts_ns", "instrument_id", "client_order_id", "event")]
    for ts_ns, instrument_id, order, event in zip(*columns, strict=True):
        if event in commands:
            sent[order, commands[event]] = ts_ns
        elif event in answers:
            kind = answers[event]
            since_ns = sent.pop((order, kind), None)
            if since_ns is not None:
                venue = instrument_id.rpartition(".")[2]
                found.setdefault(venue, {}).setdefault(kind, []).append((ts_ns - since_ns) / 1e6)
    return {venue: {kind: np.array(delays) for kind, delays in kinds.items()} for venue, kinds in sorted(found.items())}


def settings(measured: Mapping[str, Mapping[str, Latency]]) -> list[dict[str, object]]:
    """Return the backtest's latency of each venue: the median of what each command took to be answered.

    The simulator answers when a command arrives; a venue's answer travels back as well. The whole way is taken, which
    has an order in the market later than it was: the cautious side. A kind that was never measured takes the
    venue's longest.

    Parameters
    ----------
    measured : mapping
        Distribution by venue and kind of command.

    """
    rows: list[dict[str, object]] = []
    for venue, kinds in measured.items():
        medians = {kind: round(one.quantiles_ms["50"], 3) for kind, one in kinds.items()}
        longest = max(medians.values())
        latency = {"base_ms": 0.0} | {f"{kind}_ms": medians.get(kind, longest) for kind in ANSWERS}
        rows.append({"name": venue, "latency": latency})
    return rows


def overrides(rows: list[dict[str, object]], venues: list[str]) -> list[str]:
    """Return the same as ``--set`` takes it, for a run file whose ``[[venues]]`` stand in this order."""
    found = []
    for row in rows:
        if row["name"] in venues:
            values = ", ".join(f"{name} = {value}" for name, value in row["latency"].items())  # type: ignore[attr-defined]
            found.append(f"venues.{venues.index(str(row['name']))}.latency={{ {values} }}")
    return found


def fragment(rows: list[dict[str, object]]) -> str:
    """Return the same as TOML: the ``latency`` of each of the run file's ``[[venues]]``."""
    return tomli_w.dumps({"venues": rows})
