"""Commands of the operator: each carried out once, answered with what happened, and written into the run log.

Free of any engine: what a command does to the run is behind `Surface`.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol

from mm_nautilus.errors import UserError
from mm_nautilus.messages import ControlFact

COMMANDS: Final = ("status", "pause", "resume", "widen", "reduce-only", "flatten", "halt", "set")
_WITHOUT_REASON: Final = frozenset({"status"})
_REMEMBERED: Final = 1000
_LONGEST: Final = 300
"""Characters of a word at most."""

DONE, REFUSED, FAILED, UNKNOWN = "DONE", "REFUSED", "FAILED", "UNKNOWN"
_STATUS: Final = {DONE: 200, REFUSED: 409, FAILED: 500, UNKNOWN: 404}


class Surface(Protocol):
    """What an operator can do to a run."""

    @property
    def stage(self) -> str:
        """Name of the risk stage of everything."""

    def status(self) -> dict[str, Any]:
        """Return what holds now, JSON-able."""

    def pause(self, *, paused: bool) -> str:
        """Take the quotes back for a while, or end that; return what happened."""

    def order(self, action: str, reason: str, instrument_id: str) -> str:
        """Widen, reduce_only, flatten or halt; return what happened."""

    def resume(self, reason: str) -> tuple[bool, str]:
        """End a pause, a halt and every order; return whether that could be done, and what happened."""

    def change(self, parameter: str, value: str, instrument_id: str) -> tuple[str, str]:
        """Change a parameter; return its old value and its new one."""


class ControlRoom:
    """Takes commands.

    Parameters
    ----------
    surface : Surface
        What they act on.
    record : callable
        Takes every `ControlFact`.

    """

    def __init__(self, surface: Surface, record: Callable[[ControlFact], None]) -> None:
        self._surface = surface
        self._record = record
        self._answered: OrderedDict[str, tuple[tuple[str, ...], dict[str, Any]]] = OrderedDict()
        self.ending = False
        """Whether the session is on its way out: nothing is quoted anew then."""

    def take(self, words: Mapping[str, str], now_ns: int, wall_ns: int) -> dict[str, Any]:
        """Carry a command out and return the answer, ``status`` being HTTP's.

        Parameters
        ----------
        words : mapping of str to str
            ``command``, ``id``, ``reason``, ``instrument_id``, ``parameter``, ``value``, ``who``, ``remote``.
        now_ns, wall_ns : int
            Now on the clock of the run and on the wall's, in nanoseconds since 1970.

        """
        said = {name: words.get(name, "").strip()[:_LONGEST] for name in _WORDS}
        name = said["id"]
        what = tuple(said[word] for word in ("command", "instrument_id", "parameter", "value"))
        known = self._answered.get(name) if name else None
        if known is not None:
            before, answer = known
            if before != what:
                words_of = f"the id {name} was that of '{' '.join(filter(None, before))}'; each command needs its own"
                return {"status": 409, "id": name, "outcome": REFUSED, "answer": words_of}
            return answer | {"repeated": True}
        stage = self._surface.stage
        outcome, answer_words, old, new, details = self._carry_out(said, stage)
        fact = ControlFact(
            now_ns,
            wall_ns,
            name,
            said["command"],
            f"{said['who'] or 'somebody'} ({said['remote']})",
            said["reason"],
            said["parameter"] or said["instrument_id"],
            "" if said["command"] == "set" and outcome != DONE else old,
            "" if said["command"] == "set" and outcome != DONE else new,
            outcome,
            answer_words,
        )
        self._record(fact)
        answer = {
            "status": _STATUS[outcome],
            "id": name,
            "command": said["command"],
            "outcome": outcome,
            "answer": answer_words,
            "stage": self._surface.stage,
            **({"old": old, "new": new} if said["command"] == "set" and outcome == DONE else {}),
            **({"details": details} if details else {}),
        }
        if name and said["command"] != "status":
            self._answered[name] = what, answer
            if len(self._answered) > _REMEMBERED:
                self._answered.popitem(last=False)
        return answer

    def _carry_out(self, said: Mapping[str, str], stage: str) -> tuple[str, str, str, str, dict[str, Any]]:
        """Return outcome, answer, old and new value, and details."""
        command, problem = said["command"], self._problem(said)
        if command not in COMMANDS:
            return UNKNOWN, f"no such command; there are {', '.join(COMMANDS)}", stage, stage, {}
        if problem:
            return REFUSED, problem, stage, stage, {}
        try:
            return self._done(said, stage)
        except UserError as error:
            return REFUSED, str(error), stage, self._surface.stage, {}
        except Exception as error:  # the operator has to be told, whatever it is
            return FAILED, f"{type(error).__name__}: {error}", stage, self._surface.stage, {}

    def _done(self, said: Mapping[str, str], stage: str) -> tuple[str, str, str, str, dict[str, Any]]:
        surface, command, reason = self._surface, said["command"], said["reason"]
        if command == "status":
            return DONE, f"stage {stage}", stage, stage, surface.status()
        if command == "set":
            old, new = surface.change(said["parameter"], said["value"], said["instrument_id"])
            return DONE, f"{said['parameter']} is {new}, was {old}", old, new, {}
        if command == "resume":
            resumed, answer = surface.resume(reason)
            return DONE if resumed else REFUSED, answer, stage, surface.stage, {}
        if command == "pause":
            answer = surface.pause(paused=True)
        else:
            answer = surface.order(command.replace("-", "_"), reason, said["instrument_id"])
        return DONE, answer, stage, surface.stage, {}

    def _problem(self, said: Mapping[str, str]) -> str:
        command = said["command"]
        if command not in _WITHOUT_REASON and not said["id"]:
            return "id: each command needs a name of its own, so that it is carried out once"
        if command not in _WITHOUT_REASON and not said["reason"]:
            return "reason: a few words that are written into the record"
        if self.ending and command in {"resume", "set"}:
            return "the session is ending: nothing is quoted anew"
        return ""


_WORDS: Final = ("command", "id", "reason", "instrument_id", "parameter", "value", "who", "remote")
