"""Binance's snapshot-and-buffer rule, case by case."""

import pytest

from mm_nautilus.catalog import depth
from mm_nautilus.catalog.depth import BookEvent, BookEventKind, Synchroniser


def spot(first, last, arrival=0):
    return BookEvent(BookEventKind.UPDATE, first, last, None, arrival, arrival, [], [])


def future(first, last, previous, arrival=0):
    return BookEvent(BookEventKind.UPDATE, first, last, previous, arrival, arrival, [], [])


def snapshot(last, arrival=100):
    return BookEvent(BookEventKind.SNAPSHOT, last, last, None, arrival, arrival, [], [])


def ids(events):
    return [(event.kind.value, event.last_id) for event in events]


def test_spot_drops_what_the_snapshot_contains_and_replays_the_rest():
    book = Synchroniser()
    assert book.update(spot(1, 3, 10)) == book.update(spot(4, 6, 20)) == book.update(spot(7, 8, 30)) == []
    assert book.waiting == (1, 8)
    events = book.snapshot(snapshot(5))
    assert ids(events) == [("snapshot", 5), ("update", 6), ("update", 8)]
    assert [event.arrival_ns for event in events] == [100, 100, 100], "nothing is known before the snapshot is"
    assert [event.event_ns for event in events] == [20, 20, 30], "the first update on top is younger"
    assert book.counts.in_snapshot == 1
    assert ids(book.update(spot(9, 9))) == [("update", 9)]


def test_spot_drops_the_update_that_ends_at_the_snapshot():
    book = Synchroniser()
    book.update(spot(1, 5))
    assert ids(book.snapshot(snapshot(5))) == [("snapshot", 5)]
    assert ids(book.update(spot(6, 7))) == [("update", 7)]


def test_futures_keep_it_since_its_successor_names_it():
    book = Synchroniser()
    book.update(future(1, 5, 0))
    book.update(future(9, 12, 5))
    assert ids(book.snapshot(snapshot(5))) == [("snapshot", 5), ("update", 5), ("update", 12)]
    assert ids(book.update(future(20, 21, 12))) == [("update", 21)]


def test_the_first_update_may_come_after_the_snapshot():
    for update in (spot(4, 9), future(4, 9, 3)):
        book = Synchroniser()
        assert ids(book.snapshot(snapshot(5))) == [("snapshot", 5)]
        assert ids(book.update(update)) == [("update", 9)]


def test_a_snapshot_older_than_the_buffer_is_of_no_use():
    book = Synchroniser()
    book.update(spot(10, 12))
    assert book.snapshot(snapshot(5)) == []
    assert book.counts.unusable_snapshots == 1
    assert ids(book.snapshot(snapshot(11))) == [("snapshot", 11), ("update", 12)]


@pytest.mark.parametrize("after", [spot(9, 10), future(9, 10, 8)])
def test_a_gap_clears_the_book_until_the_next_snapshot(after):
    book = Synchroniser()
    book.snapshot(snapshot(5))
    book.update(spot(6, 7) if after.previous_id is None else future(6, 7, 5))
    assert ids(book.update(after)) == [("clear", 10)]
    assert not book.in_step
    assert book.counts.gaps == 1
    follower = spot(11, 11) if after.previous_id is None else future(11, 11, 10)
    assert book.update(follower) == []
    assert ids(book.snapshot(snapshot(10))) == [
        ("snapshot", 10),
        *([] if after.previous_id is None else [("update", 10)]),
        ("update", 11),
    ]


def test_without_another_snapshot_the_rest_is_dropped_and_counted():
    book = Synchroniser()
    book.snapshot(snapshot(5))
    book.update(spot(9, 10))
    book.update(spot(11, 11))
    book.close()
    assert book.counts.without_book == 2


def test_a_snapshot_of_a_book_in_step_is_not_needed():
    book = Synchroniser()
    book.snapshot(snapshot(5))
    assert book.snapshot(snapshot(6)) == []
    assert book.counts.spare_snapshots == 1


def test_the_buffer_is_bounded_and_never_holds_a_hole(monkeypatch):
    monkeypatch.setattr(depth, "BUFFER", 3)
    book = Synchroniser()
    for last in range(1, 6):
        book.update(spot(last, last))
    assert book.waiting == (3, 5)
    book.update(spot(9, 9))
    assert book.waiting == (9, 9)
    assert (book.counts.gaps, book.counts.without_book) == (1, 5)
