"""The worst case, counted anew from the log: played-out lives of orders, and any life against brute force."""

from dataclasses import dataclass
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from mm_nautilus.stress.exposure import Execution, OrderEvent, worst_case_path


def order(ts: int, name: str, side: str, event: str, size: float | str) -> OrderEvent:
    return OrderEvent(ts, name, side, event, Decimal(str(size)))


def fill(ts: int, name: str, side: str, size: float | str) -> Execution:
    return Execution(ts, name, side, Decimal(str(size)))


def rows(path) -> list[tuple[int, float, float, float]]:
    columns = zip(path.ts_ns.tolist(), path.position, path.open_buy, path.open_sell, strict=True)
    return [(ts, *map(float, exact)) for ts, *exact in columns]


def test_an_order_counts_from_the_moment_it_is_sent_until_the_venue_says_that_it_is_gone():
    path = worst_case_path(
        [
            order(1, "a", "BUY", "SUBMIT", 3),
            order(2, "a", "BUY", "ACCEPTED", 3),
            order(4, "a", "BUY", "CANCEL", 3),
            order(6, "a", "BUY", "CANCELED", 3),
        ],
        [fill(3, "a", "BUY", 1), fill(5, "a", "BUY", "0.5"), fill(7, "a", "BUY", "0.25")],  # one after its end
        Decimal(-1),
    )
    assert rows(path) == [
        (1, -1, 3, 0),
        (2, -1, 3, 0),
        (3, 0, 2, 0),
        (4, 0, 2, 0),
        (5, 0.5, 1.5, 0),
        (6, 0.5, 0, 0),
        (7, 0.75, 0, 0),
    ]
    assert [float(share) for share in path.largest] == [2, 2, 2, 2, 2, 0.5, 0.75]


def test_an_amend_to_less_frees_nothing_before_it_is_confirmed_and_nothing_at_all_when_it_is_refused():
    path = worst_case_path(
        [
            order(1, "a", "SELL", "SUBMIT", 5),
            order(2, "a", "SELL", "AMEND", 2),
            order(3, "a", "SELL", "UPDATED", 2),
            order(4, "a", "SELL", "AMEND", 1),
            order(5, "a", "SELL", "MODIFY_REJECTED", 2),
            order(6, "a", "SELL", "AMEND", 4),
            order(7, "a", "SELL", "UPDATED", 4),
        ],
        [],
    )
    assert [row[3] for row in rows(path)] == [5, 5, 2, 2, 2, 4, 4]


def test_an_order_without_rest_is_gone_with_what_was_asked_of_it():
    path = worst_case_path(
        [order(1, "a", "BUY", "SUBMIT", 2), order(2, "a", "BUY", "CANCEL", 2)], [fill(3, "a", "BUY", 2)]
    )
    assert rows(path)[-1] == (3, 2, 0, 0)


def test_within_one_instant_the_order_of_the_two_tables_does_not_matter():
    path = worst_case_path(
        [order(1, "a", "BUY", "SUBMIT", 2), order(1, "b", "SELL", "SUBMIT", 1), order(1, "a", "BUY", "CANCELED", 2)],
        [fill(1, "a", "BUY", 1)],
    )
    assert rows(path) == [(1, 1, 0, 1)]
    assert path.before(1) == (1, 0, 0)  # what is known before the first instant is the position after it
    assert path.at(1) == (1, 0, 1)


def test_nothing_logged_is_no_instant():
    path = worst_case_path([], [])
    assert len(path.largest) == 0
    assert path.at(5) == (0, 0, 0)


@dataclass
class Life:
    """One order as a venue would see it: what happened to it, in order of time."""

    name: str
    side: str
    events: list


@st.composite
def lives(draw: st.DrawFn) -> list[Life]:
    """Orders with any sequence of amends, answers, fills and ends, at times that often coincide."""
    found = []
    for number in range(draw(st.integers(0, 5))):
        side = draw(st.sampled_from(["BUY", "SELL"]))
        total = draw(st.integers(1, 6))
        now = draw(st.integers(0, 20))
        events, resting, filled, gone = [("SUBMIT", now, total)], total, 0, False
        wanted = total
        for _ in range(draw(st.integers(0, 8))):
            now += draw(st.integers(1, 4))
            what = draw(st.sampled_from(["ACCEPTED", "AMEND", "UPDATED", "MODIFY_REJECTED", "FILL", "CANCEL", "END"]))
            if what == "FILL":
                size = 1 if gone else min(draw(st.integers(1, 3)), resting - filled)
                filled += size
                events.append(("FILL", now, size))
                gone = gone or filled >= resting
            elif gone:
                continue
            elif what == "END":
                events.append((draw(st.sampled_from(["CANCELED", "EXPIRED", "REJECTED", "DENIED"])), now, wanted))
                gone = True
            elif what == "AMEND":
                wanted = draw(st.integers(filled + 1, 6 + filled))
                events.append(("AMEND", now, wanted))
            elif what == "UPDATED" and wanted <= filled:
                continue  # a venue refuses that
            elif what == "UPDATED":
                resting = wanted
                events.append(("UPDATED", now, wanted))
            else:
                wanted = resting if what == "MODIFY_REJECTED" else wanted
                events.append((what, now, wanted))
        found.append(Life(f"o{number}", side, events))
    return found


def open_at(life: Life, instant: int) -> int:
    """What an order may still fill after an instant, from its whole history each time."""
    wanted = resting = filled = 0
    for what, ts, size in life.events:
        if ts > instant:
            break
        if what == "FILL":
            filled += size
            if filled >= resting:
                return 0
        elif what == "SUBMIT":
            wanted = resting = size
        elif what == "AMEND":
            wanted = size
        elif what == "UPDATED":
            wanted = resting = size
        elif what == "MODIFY_REJECTED":
            wanted = resting
        elif what in ("CANCELED", "EXPIRED", "REJECTED", "DENIED"):
            return 0
    return max(wanted, resting) - filled


@given(lives(), st.integers(-5, 5))
def test_every_instant_is_what_the_whole_history_adds_up_to(found: list[Life], opening: int) -> None:
    events = [(ts, what, size, life) for life in found for what, ts, size in life.events]
    events.sort(key=lambda event: event[0])
    path = worst_case_path(
        [order(ts, life.name, life.side, what, size) for ts, what, size, life in events if what != "FILL"],
        [fill(ts, life.name, life.side, size) for ts, what, size, life in events if what == "FILL"],
        Decimal(opening),
    )
    instants = sorted({ts for ts, *_ in events})
    assert path.ts_ns.tolist() == instants
    for instant, position, buys, sells in rows(path):
        signs = {"BUY": 1, "SELL": -1}
        traded = sum(signs[life.side] * size for ts, what, size, life in events if what == "FILL" and ts <= instant)
        assert position == opening + traded
        assert buys == sum(open_at(life, instant) for life in found if life.side == "BUY")
        assert sells == sum(open_at(life, instant) for life in found if life.side == "SELL")
    for row, (_, position, buys, sells) in enumerate(rows(path)):
        assert float(path.largest[row]) == max(position + buys, sells - position)
