"""State that survives a kill: one file, whole or as it was before, and its reconciliation with the venue.

A snapshot is written beside its file, forced to the disk and renamed over it, so that whoever is killed leaves either
the one before or the new one. It carries a format version and a checksum of its content: one that is torn, edited or
somebody else's is refused by name, and never taken for an empty one.

Between the snapshot and the kill more has happened. The venue knows it: `recover` books the executions that the ledger
has missed (an execution is booked once, so the list may begin as early as one likes), settles the hedges that were on
their way, and lists every position that differs after that. No fill is lost, and none is counted twice, provided that
the list reaches back to the snapshot.

No hedge is sent twice, provided that the order is what a strategy commits to *before* it leaves: `Ledger.sent`, save,
send. Then a kill at any instant leaves it in flight, and the venue says what became of it.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping
from copy import replace
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import orjson

from mm_nautilus.errors import DataError
from mm_nautilus.inventory.ledger import Difference, InFlight, Ledger
from mm_nautilus.inventory.ledger_line import Booking, Fill
from mm_nautilus.market import Purpose

FORMAT: Final = "mm-nautilus-state"
VERSION: Final = 1
_SORTED: Final = orjson.OPT_SORT_KEYS


class StateError(DataError):
    """A snapshot that cannot be taken over: torn, edited, of another program or of another version of this one."""


def save_state(path: Path, state: Mapping[str, Any]) -> None:
    """Replace the snapshot at `path`, atomically and durably.

    Parameters
    ----------
    path : Path
        The file; its folder must be there. One process writes it.
    state : mapping
        JSON-able. The ledger's part is `Ledger.save`.

    """
    content = orjson.dumps(state, option=_SORTED)
    head = {"format": FORMAT, "version": VERSION, "sha256": hashlib.sha256(content).hexdigest()}
    draft = path.with_name(f"{path.name}.draft")
    with draft.open("wb") as file:
        file.write(orjson.dumps(head) + b"\n" + content + b"\n")
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:  # the new name is on the disk only once its folder is
        os.fsync(folder)
    finally:
        os.close(folder)


def load_state(path: Path) -> dict[str, Any] | None:
    """Return what was saved at `path`, or ``None`` where nothing ever was.

    Raises
    ------
    StateError
        For a file that is not a whole snapshot of this version.

    """
    try:
        found = path.read_bytes()
    except FileNotFoundError:
        return None
    first, _, rest = found.partition(b"\n")
    try:
        head = orjson.loads(first)
        recognised = head["format"] == FORMAT
    except (orjson.JSONDecodeError, KeyError, TypeError):
        recognised = False
    if not recognised:
        raise StateError(f"{path} is not a state file of mm-nautilus: it does not begin with one's heading")
    if head.get("version") != VERSION:
        raise StateError(f"{path} is a state of version {head.get('version')}, and this program reads {VERSION}")
    content = rest.removesuffix(b"\n")
    if hashlib.sha256(content).hexdigest() != head.get("sha256"):
        raise StateError(f"{path} is torn or was edited: its content does not match its checksum")
    state: dict[str, Any] = orjson.loads(content)
    return state


@dataclass(frozen=True, slots=True)
class VenueReport:
    """What a venue, or the engine for it, says after a restart.

    Parameters
    ----------
    executions : iterable of Fill
        Of all our orders, reaching back to the snapshot at least, in the order in which they happened.
    open_orders : mapping of client order id to Decimal
        Signed size that may still fill, of every order of ours that may.
    positions : mapping of instrument id to Decimal
        Signed positions, in base units (contracts); an instrument that is not named is flat.

    """

    executions: Iterable[Fill]
    open_orders: Mapping[str, Decimal]
    positions: Mapping[str, Decimal]


@dataclass(frozen=True, slots=True)
class Recovery:
    """What a restart found and did.

    Parameters
    ----------
    missed : tuple of Fill
        Executions that were not in the snapshot, booked now.
    refused : tuple of Fill
        Executions too old to be told from booked ones; `differences` shows whether they were.
    ended : tuple of InFlight
        Hedges in flight in the snapshot that the venue does not have any more, with what of them did not fill.
    resumed : tuple of InFlight
        Hedges that may still fill.
    unknown_orders : tuple of str
        Orders at the venue that are no hedge in flight: quotes of the run before, which nobody manages; cancel them.
    differences : tuple of Difference
        Positions no execution explains, taken over from the venue (`Ledger.adopt`).

    """

    missed: tuple[Fill, ...]
    refused: tuple[Fill, ...]
    ended: tuple[InFlight, ...]
    resumed: tuple[InFlight, ...]
    unknown_orders: tuple[str, ...]
    differences: tuple[Difference, ...]


def recover(ledger: Ledger, report: VenueReport, now_ns: int) -> Recovery:
    """Bring a ledger loaded from a snapshot to what the venue says, and say what that took.

    Parameters
    ----------
    ledger : Ledger
        After `Ledger.load`; changed in place.
    report : VenueReport
        What the venue says, taken at one instant after everything sent before the kill has arrived.
    now_ns : int
        UNIX time in nanoseconds, for the age of what is taken over.

    Raises
    ------
    ParameterError
        For a fill or a position on an instrument that is not in the ledger.

    """
    missed, refused = [], []
    sent = {order.client_order_id for order in ledger.in_flight}
    for told in report.executions:
        # A venue does not know what an order was for, and a hedge in flight is one whatever the list calls it.
        hedge = told.purpose is Purpose.QUOTE and told.client_order_id in sent
        fill = replace(told, purpose=Purpose.HEDGE) if hedge else told
        booking = ledger.book(fill)
        if booking is Booking.NEW:
            missed.append(fill)
        elif booking is Booking.TOO_OLD:
            refused.append(fill)
    ended, resumed = [], []
    for order in ledger.in_flight:
        left = report.open_orders.get(order.client_order_id)
        if not left:
            ledger.ended(order.client_order_id)
            ended.append(order)
        else:
            ledger.resized(order.client_order_id, left)
            resumed.append(InFlight(order.client_order_id, order.instrument_id, left))
    hedges = {order.client_order_id for order in resumed}
    differences = ledger.differences(report.positions)
    for difference in differences:
        ledger.adopt(difference, now_ns)
    return Recovery(
        tuple(missed),
        tuple(refused),
        tuple(ended),
        tuple(resumed),
        tuple(name for name in report.open_orders if name not in hedges),
        differences,
    )
