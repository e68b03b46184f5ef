"""A snapshot is whole or refused, and a restart settles with the venue what happened since."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
import pytest

from mm_nautilus.inventory.contract import Contract
from mm_nautilus.inventory.ledger import Difference, InFlight, Ledger
from mm_nautilus.inventory.ledger_line import Fill
from mm_nautilus.inventory.state import FORMAT, StateError, VenueReport, load_state, recover, save_state
from mm_nautilus.market import Purpose, Side

SPOT = "XYZ.SIM"


def new_ledger() -> Ledger:
    ledger = Ledger()
    ledger.open(SPOT, asset="XYZ", venue="SIM", contract=Contract("USD", "XYZ"))
    return ledger


def execution(trade: int, size: int, order: str = "Q-1", ts_ns: int = 1) -> Fill:
    side = Side.BUY if size > 0 else Side.SELL
    return Fill(ts_ns, SPOT, order, str(trade), side, Decimal(abs(size)), Decimal(10))


def test_what_was_saved_comes_back_and_nothing_else_is_left(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    assert load_state(path) is None
    save_state(path, {"n": 1, "text": "ü"})
    save_state(path, {"n": 2})
    assert load_state(path) == {"n": 2}
    assert [file.name for file in tmp_path.iterdir()] == ["state.json"]


def test_the_same_state_is_the_same_file(tmp_path: Path) -> None:
    save_state(tmp_path / "a", {"x": 1, "y": 2})
    save_state(tmp_path / "b", {"y": 2, "x": 1})
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_who_is_killed_while_writing_leaves_the_state_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "state.json"
    save_state(path, {"n": 1})

    def killed(*_: Any) -> None:
        raise KeyboardInterrupt

    for step in ("os.fsync", "pathlib.Path.replace"):
        with monkeypatch.context() as patched:
            patched.setattr(step, killed)
            with pytest.raises(KeyboardInterrupt):
                save_state(path, {"n": 2})
        assert load_state(path) == {"n": 1}
    save_state(path, {"n": 3})
    assert load_state(path) == {"n": 3}


def test_every_torn_or_edited_file_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    save_state(path, {"position": "12.5"})
    whole = path.read_bytes()
    for length in range(len(whole) - 1):  # without its last newline it is whole
        path.write_bytes(whole[:length])
        with pytest.raises(StateError, match=r"state\.json"):
            load_state(path)
    path.write_bytes(whole.replace(b"12.5", b"13.5"))
    with pytest.raises(StateError, match="torn or was edited"):
        load_state(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not a state file"),
        (b"\x89PNG\n\xff", "not a state file"),
        (b'{"format": "other"}\n{}', "not a state file"),
        (b"[1]\n{}", "not a state file"),
        (orjson.dumps({"format": FORMAT, "version": 99}) + b"\n{}", "of version 99, and this program reads 1"),
        (orjson.dumps({"format": FORMAT, "version": 1}) + b"\n{}", "torn or was edited"),
    ],
)
def test_foreign_files_are_refused(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "state.json").write_bytes(content)
    with pytest.raises(StateError, match=message):
        load_state(tmp_path / "state.json")


def test_a_restart_books_what_was_missed_and_settles_the_hedges() -> None:
    ledger = new_ledger()
    ledger.book(execution(1, 10))
    for name in ("gone", "filled", "partly", "open"):
        ledger.sent(name, SPOT, Decimal(-2))
    again = new_ledger()
    again.load(ledger.save())
    executions = [execution(1, 10), execution(2, 3), execution(3, -2, "filled"), execution(4, -1, "partly")]
    report = VenueReport(
        executions,
        {"partly": Decimal(-1), "open": Decimal(-2), "Q-7": Decimal(5)},
        {SPOT: Decimal("10.25")},
    )
    found = recover(again, report, 5)
    assert [fill.trade_id for fill in found.missed] == ["2", "3", "4"]
    assert [fill.purpose for fill in found.missed] == [Purpose.QUOTE, Purpose.HEDGE, Purpose.HEDGE]
    assert found.ended == (InFlight("gone", SPOT, Decimal(-2)),)
    assert {order.client_order_id: order.signed_size for order in found.resumed} == {"partly": -1, "open": -2}
    assert again.in_flight == found.resumed
    assert found.unknown_orders == ("Q-7",)
    assert found.differences == (Difference(SPOT, Decimal(10), Decimal("10.25")),)
    line = again.line(SPOT)
    assert (line.quoted, line.hedged, line.adopted, line.position) == (13, -3, Decimal("0.25"), Decimal("10.25"))
    assert again.to_hedge("XYZ", {}) == Decimal("7.25")
    assert recover(again, report, 6).missed == (), "told twice, booked once"


def test_a_fill_too_old_to_be_known_is_listed_and_its_position_found() -> None:
    ledger = Ledger(remembered=2)
    ledger.open(SPOT, asset="XYZ", venue="SIM", contract=Contract("USD", "XYZ"))
    executions = [execution(number, 1, ts_ns=number) for number in range(6)]
    for one in executions[1:]:
        ledger.book(one)
    found = recover(ledger, VenueReport(executions, {}, {SPOT: Decimal(6)}), 9)
    assert [fill.trade_id for fill in found.refused] == ["0", "1", "2", "3"]
    assert found.differences == (Difference(SPOT, Decimal(5), Decimal(6)),)
    assert ledger.line(SPOT).position == 6


def test_nothing_to_recover_says_so() -> None:
    ledger = new_ledger()
    ledger.book(execution(1, 10))
    found = recover(ledger, VenueReport([execution(1, 10)], {}, {SPOT: Decimal(10)}), 2)
    assert not any((found.missed, found.refused, found.ended, found.resumed, found.unknown_orders, found.differences))
