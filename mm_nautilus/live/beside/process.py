"""The server process from the node's side: started, listened to, started again, and never waited for."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import orjson

from mm_nautilus.live.beside.frames import Kind, Outlet

SILENCE_S: Final = 10.0
"""Without a word for this long a server counts as stuck."""
START_S: Final = 60.0
"""The first word may take this long: a busy machine, a cold disk."""
BACKOFF_S: Final = (1.0, 2.0, 5.0, 15.0, 60.0)
"""Pause before each new start; the last for every further one."""
STEADY_S: Final = 120.0
"""Once a server has worked for this long, the pauses start anew."""
# What a web server needs; the keys of the venues are none of its business.
_PASSED_ON: Final = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "PYTHONPATH", "PYTHONHASHSEED", "VIRTUAL_ENV")


@dataclass(slots=True)
class Told:
    """What a server has told since the last look."""

    commands: list[dict[str, Any]] = field(default_factory=list)
    refused: dict[str, int] = field(default_factory=dict)
    """Attempts refused since the server was started, by why."""
    last_refused: str = ""
    """Address of who was refused last."""
    watched: bool | None = None
    """Whether anybody looks at the snapshots; ``None`` where nothing was heard."""
    looked_at: list[str] | None = None
    """Instruments that somebody wants the details of; ``None`` where nothing was heard."""
    trouble: str = ""
    """Why the server was given up, empty where it was not."""


class ServerProcess:
    """One server after the other, on the same listening socket.

    The socket stays open while a server is started again, so that the port is never lost and who comes then waits.

    Parameters
    ----------
    listening : socket
        Bound and listening.
    hello : mapping
        What the server is told first; JSON-able. Secrets go this way, and by no command line or environment.
    printed : Path or None
        File that gets what the server prints, as when it cannot be imported.

    """

    def __init__(self, listening: socket.socket, hello: Mapping[str, Any], printed: Path | None = None) -> None:
        self._listening = listening
        self._hello = orjson.dumps(dict(hello))
        self._printed = printed
        self._process: subprocess.Popen[bytes] | None = None
        self._ended: list[subprocess.Popen[bytes]] = []
        self._outlet: Outlet | None = None
        self._heard_s = self._began_s = self._next_s = 0.0
        self._spoke = False
        self._failures = 0
        self.starts = 0
        """Servers started so far."""
        self.dropped = 0
        """Snapshots that the server was too slow for, or not there for."""

    @property
    def pid(self) -> int | None:
        """Return the number of the process that serves now."""
        return None if self._process is None else self._process.pid

    def start(self, now_s: float) -> None:
        """Start a server; returns as soon as there is a process."""
        ours, theirs = socket.socketpair()
        try:
            ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1_000_000)
            self._process = self._started(theirs.fileno())
        except OSError:
            ours.close()
            raise
        finally:
            theirs.close()
        self._outlet = Outlet(ours)
        self._outlet.push(Kind.HELLO, self._hello)
        self._heard_s = self._began_s = now_s
        self._spoke = False
        self.starts += 1

    def _started(self, pipe: int) -> subprocess.Popen[bytes]:
        listening = self._listening.fileno()
        with (self._printed or Path(os.devnull)).open("ab") as printed:
            return subprocess.Popen(
                [sys.executable, "-m", "mm_nautilus.live.beside", str(pipe), str(listening)],
                pass_fds=(pipe, listening),
                env={name: os.environ[name] for name in _PASSED_ON if name in os.environ},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=printed,
                start_new_session=True,  # Ctrl-C is for the node, which then lets go of the pipe
            )

    def offer(self, kind: Kind, payload: bytes) -> None:
        """Send what may be lost."""
        if self._outlet is None or not self._outlet.offer(kind, payload):
            self.dropped += kind is Kind.SNAPSHOT

    def answer(self, answer: Mapping[str, Any]) -> None:
        """Send what became of a command."""
        if self._outlet is not None:
            self._outlet.push(Kind.ANSWER, orjson.dumps(answer, default=str))

    def look(self, now_s: float) -> Told:
        """Return what the server says; give up one that is gone or stuck, and start the next when it is time.

        Parameters
        ----------
        now_s : float
            On a clock that only goes forward.

        """
        told, outlet = Told(), self._outlet
        self._ended = [one for one in self._ended if one.poll() is None]
        if outlet is None:
            if now_s >= self._next_s:
                try:
                    self.start(now_s)
                except OSError as error:  # no memory, no process: another time
                    told.trouble = f"the server process cannot be started ({error.strerror})"
                    self._give_up(now_s)
            return told
        outlet.flush()
        for kind, payload in outlet.received():
            self._heard_s, self._spoke = now_s, True
            words = orjson.loads(payload)
            if kind is Kind.COMMAND:
                told.commands.append(words)
            elif kind is Kind.ALIVE:
                told.refused, told.watched = words["refused"], words["watched"]
                told.looked_at = words["looked_at"]
                told.last_refused = words["last_refused"]
        silent_s = now_s - self._heard_s
        if outlet.broken:
            told.trouble = "the server process is gone"
        elif silent_s > (SILENCE_S if self._spoke else START_S):
            told.trouble = f"the server process has said nothing for {silent_s:.0f} s"
        if told.trouble:
            self._give_up(now_s)
        return told

    def _give_up(self, now_s: float) -> None:
        if now_s - self._began_s > STEADY_S:
            self._failures = 0
        self._next_s = now_s + BACKOFF_S[min(self._failures, len(BACKOFF_S) - 1)]
        self._failures += 1
        self._let_go()

    def _let_go(self) -> None:
        if self._outlet is not None:
            self._outlet.close()
            self._outlet = None
        if self._process is not None:
            self._process.kill()
            self._ended.append(self._process)
            self._process = None

    def close(self, within_s: float = 2.0) -> None:
        """Let go of the server, which ends by itself then, and of the port; kill it where it does not."""
        process, self._process = self._process, None
        if self._outlet is not None:
            self._outlet.flush()
            self._outlet.close()
            self._outlet = None
        if process is not None:
            try:
                process.wait(within_s)
            except subprocess.TimeoutExpired:
                process.kill()
                self._ended.append(process)
        for one in self._ended:
            one.wait()
        self._ended.clear()
        self._listening.close()
