"""Who may see and who may command: the token, and how often somebody may be wrong about it."""

from __future__ import annotations

import base64
import binascii
import hmac
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

_WRONG_PER_MINUTE: Final = 10
_MINUTE_S: Final = 60.0
_LOCAL_NAMES: Final = frozenset({"localhost", "127.0.0.1", "[::1]", "::1"})
# As with orders, what takes risk away passes even when the budget is spent.
ALWAYS_PASS: Final = frozenset({"pause", "reduce-only", "flatten", "halt"})


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a request is let in."""

    status: int = 200
    """As HTTP says it."""
    why: str = ""


_ADMITTED: Final = Verdict()


@dataclass(slots=True)
class Access:
    """The rules of one server.

    On loopback everybody on the machine may look; elsewhere, and for every command, the token is asked for. A page in
    somebody's browser that asks under another name than that of this machine is refused, so that no web site can
    read what a local server shows.

    Parameters
    ----------
    token : str
        Empty where nobody can have one.
    loopback : bool
        Whether the server listens on loopback alone.
    commands_per_minute : int
        Beyond it only what reduces risk is taken.

    """

    token: str
    loopback: bool
    commands_per_minute: int
    refused: Counter[str] = field(default_factory=Counter)
    """How often was refused, by why: ``token``, ``rate``, ``host``."""
    last_refused: str = ""
    """Address of who was refused last."""
    _wrong: dict[str, deque[float]] = field(default_factory=dict)
    _commands: deque[float] = field(default_factory=deque)

    def to_look(self, headers: Mapping[str, str], remote: str, now_s: float) -> Verdict:
        """Judge a request to see something."""
        if self.loopback:
            return _ADMITTED if _is_local(headers.get("Host", "")) else self._refuse("host", 403, remote)
        return _ADMITTED if self._knows(headers, basic=True) else self._wrong_token(remote, now_s)

    def to_command(self, command: str, headers: Mapping[str, str], remote: str, now_s: float) -> Verdict:
        """Judge a command; a browser that sends a password by itself does not count as knowing the token."""
        if self.loopback and not _is_local(headers.get("Host", "")):
            return self._refuse("host", 403, remote)
        if not self._knows(headers, basic=False):
            return self._wrong_token(remote, now_s)
        taken = self._commands
        while taken and now_s - taken[0] > _MINUTE_S:
            taken.popleft()
        if len(taken) >= self.commands_per_minute and command not in ALWAYS_PASS:
            return self._refuse("rate", 429, remote)
        taken.append(now_s)
        return _ADMITTED

    def _knows(self, headers: Mapping[str, str], *, basic: bool) -> bool:
        scheme, _, said = headers.get("Authorization", "").partition(" ")
        said = said.strip()
        if scheme.lower() == "basic" and basic:
            said = _password(said)
        elif scheme.lower() != "bearer":
            return False
        return bool(self.token) and hmac.compare_digest(said.encode(), self.token.encode())

    def _wrong_token(self, remote: str, now_s: float) -> Verdict:
        if len(self._wrong) > 1000:
            self._wrong.clear()
        wrong = self._wrong.setdefault(remote, deque(maxlen=_WRONG_PER_MINUTE + 1))
        wrong.append(now_s)
        often = len(wrong) > _WRONG_PER_MINUTE and now_s - wrong[0] < _MINUTE_S
        return self._refuse("token", 429 if often else 401, remote)

    def _refuse(self, why: str, status: int, remote: str) -> Verdict:
        self.refused[why] += 1
        self.last_refused = remote
        return Verdict(status, why)


def _is_local(host: str) -> bool:
    name = host if host in _LOCAL_NAMES else host.rpartition(":")[0] or host
    return name.lower() in _LOCAL_NAMES


def _password(encoded: str) -> str:
    try:
        return base64.b64decode(encoded, validate=True).decode().partition(":")[2]
    except (binascii.Error, UnicodeDecodeError):
        return ""
