"""The pipe between node and server: whole frames, and a node's end that never waits."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mm_nautilus.live.beside.frames import LARGEST, Frames, Kind, Outlet, framed

FRAMES = st.lists(st.tuples(st.sampled_from(Kind), st.binary(max_size=200)), max_size=8)


@pytest.fixture
def pair() -> Iterator[tuple[Outlet, socket.socket]]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield Outlet(ours, most_bytes=100_000), theirs


@given(FRAMES, st.data())
def test_frames_are_whole_however_the_bytes_come(frames: list[tuple[Kind, bytes]], data: st.DataObject) -> None:
    sent = b"".join(framed(*frame) for frame in frames)
    reader, found, at = Frames(), [], 0
    while at < len(sent):
        end = at + data.draw(st.integers(1, len(sent) - at))
        found += reader.feed(sent[at:end])
        at = end
    assert found == frames


@pytest.mark.parametrize("head", [(LARGEST + 1).to_bytes(4, "big") + b"\2", b"\0\0\0\0\2", b"\0\0\0\1\x63"])
def test_what_is_no_frame_is_refused(head: bytes) -> None:
    with pytest.raises(ValueError, match=r"a frame of|is not a valid Kind"):
        list(Frames().feed(head))


def test_nobody_waits_for_a_reader_that_does_not_read(pair: tuple[Outlet, socket.socket]) -> None:
    outlet, theirs = pair
    began = time.perf_counter()
    taken = sum(outlet.offer(Kind.SNAPSHOT, b"x" * 40_000) for _ in range(1000))
    assert time.perf_counter() - began < 10.0, "a send that does not fit is dropped, not waited for"
    assert 0 < taken < 1000
    assert not outlet.broken, "it is behind, not gone"
    frames, reader = Frames(), list[tuple[Kind, bytes]]()
    theirs.setblocking(False)
    while True:  # what was begun arrives whole once it is read
        try:
            reader += frames.feed(theirs.recv(1_000_000))
        except BlockingIOError:
            outlet.flush()
            if len(reader) == taken:
                break
    assert reader == [(Kind.SNAPSHOT, b"x" * 40_000)] * taken
    assert outlet.offer(Kind.SNAPSHOT, b"again")


def test_answers_that_nobody_reads_break_the_pipe_in_the_end(pair: tuple[Outlet, socket.socket]) -> None:
    outlet, _ = pair
    for _ in range(1000):
        outlet.push(Kind.ANSWER, b"x" * 10_000)
    assert outlet.broken


def test_the_other_end_gone_is_seen_and_raises_nothing(pair: tuple[Outlet, socket.socket]) -> None:
    outlet, theirs = pair
    theirs.close()
    assert outlet.received() == []
    assert outlet.broken
    assert not outlet.offer(Kind.SNAPSHOT, b"x")
    outlet.push(Kind.ANSWER, b"x")


def test_nonsense_from_the_other_end_breaks_the_pipe(pair: tuple[Outlet, socket.socket]) -> None:
    outlet, theirs = pair
    theirs.sendall(framed(Kind.ALIVE, b"{}") + b"\0\0\0\0\0")
    assert outlet.received() == [(Kind.ALIVE, b"{}")], "what was whole before it counts"
    assert outlet.broken
