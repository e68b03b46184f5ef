"""The pipe between node and server: frames over a socket pair, of which the node's end never waits.

A frame is a length (4 bytes, big-endian, of all that follows), one byte that says what it is, and the payload.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from enum import IntEnum
from typing import Final

_HEAD: Final = struct.Struct(">IB")
LARGEST: Final = 16_000_000
"""Bytes of a frame at most; what claims more is no frame of ours."""
_READ: Final = 65_536


class Kind(IntEnum):
    """What a frame holds."""

    HELLO = 1
    """Node to server, first: what it serves, as JSON."""
    SNAPSHOT = 2
    """Node to server: what the page shows."""
    MEASURES = 3
    """Node to server: what Prometheus asks for, as JSON."""
    ANSWER = 4
    """Node to server: what became of a command, as JSON."""
    COMMAND = 5
    """Server to node, as JSON."""
    ALIVE = 6
    """Server to node, once a second: that it works, and what it refused, as JSON."""


def framed(kind: Kind, payload: bytes) -> bytes:
    """Return a frame."""
    return _HEAD.pack(len(payload) + 1, kind) + payload


class Frames:
    """Takes bytes as they come and hands out frames as they are whole."""

    def __init__(self) -> None:
        self._bytes = bytearray()

    def feed(self, data: bytes) -> Iterator[tuple[Kind, bytes]]:
        """Yield the frames that `data` completes.

        Raises
        ------
        ValueError
            For what is no frame of ours.

        """
        held = self._bytes
        held += data
        while len(held) >= _HEAD.size:
            length, kind = _HEAD.unpack_from(held)
            if not 1 <= length <= LARGEST:
                raise ValueError(f"a frame of {length} bytes")
            end = length + _HEAD.size - 1
            if len(held) < end:
                return
            payload = bytes(held[_HEAD.size : end])
            del held[:end]
            yield Kind(kind), payload


class Outlet:
    """The node's end of the pipe.

    Nothing here waits: what the pipe does not take now is kept for the next call. While something is kept, `offer`
    refuses, and `push` keeps only so much.

    Parameters
    ----------
    pipe : socket
        Connected; it is made non-blocking.
    most_bytes : int
        What is kept at most; beyond that the pipe counts as broken.

    """

    def __init__(self, pipe: socket.socket, most_bytes: int = 1_000_000) -> None:
        pipe.setblocking(False)
        self._pipe = pipe
        self._most_bytes = most_bytes
        self._kept = bytearray()
        self._frames = Frames()
        self.broken = False
        """Whether the other end is gone, or has not read for too long."""

    def offer(self, kind: Kind, payload: bytes) -> bool:
        """Send a frame that may be lost; return whether it was taken."""
        self.flush()
        if self.broken or self._kept:
            return False
        self._kept += framed(kind, payload)
        self.flush()
        return not self.broken

    def push(self, kind: Kind, payload: bytes) -> None:
        """Send a frame that may not be lost as long as the pipe is whole."""
        self._kept += framed(kind, payload)
        self.flush()
        if len(self._kept) > self._most_bytes:
            self.broken = True

    def flush(self) -> None:
        """Send what is kept, as far as the pipe takes it."""
        while self._kept and not self.broken:
            try:
                sent = self._pipe.send(self._kept)
            except (BlockingIOError, InterruptedError):
                return
            except OSError:
                self.broken = True
                return
            del self._kept[:sent]

    def received(self) -> list[tuple[Kind, bytes]]:
        """Return the frames that have come since the last call."""
        found: list[tuple[Kind, bytes]] = []
        while not self.broken:
            try:
                data = self._pipe.recv(_READ)
                if not data:
                    self.broken = True
                    break
                found += self._frames.feed(data)
            except (BlockingIOError, InterruptedError):
                break
            except (OSError, ValueError):
                self.broken = True
        return found

    def close(self) -> None:
        """Let go of the pipe: the other end sees it."""
        self.broken = True
        self._pipe.close()
