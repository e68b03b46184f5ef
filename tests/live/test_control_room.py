"""Commands of the operator: carried out once, answered with what happened, each recorded."""

from __future__ import annotations

from typing import Any

import pytest

from mm_nautilus.errors import ParameterError
from mm_nautilus.live.beside.commands import ControlRoom
from mm_nautilus.messages import ControlFact


class Run:
    """A run that notes what is done to it."""

    def __init__(self) -> None:
        self.stage = "NORMAL"
        self.done: list[tuple[str, ...]] = []
        self.breaks = False

    def status(self) -> dict[str, Any]:
        return {"paused": False}

    def pause(self, *, paused: bool) -> str:
        self.done.append(("pause", str(paused)))
        return "paused"

    def order(self, action: str, reason: str, instrument_id: str) -> str:
        if self.breaks:
            raise RuntimeError("broken")
        self.done.append((action, reason, instrument_id))
        self.stage = action.upper()
        return "ordered"

    def resume(self, reason: str) -> tuple[bool, str]:
        self.done.append(("resume", reason))
        refused = self.stage == "HALT"
        return not refused, "a rule still asks for a halt" if refused else "resumed"

    def change(self, parameter: str, value: str, instrument_id: str) -> tuple[str, str]:
        if parameter != "gamma":
            raise ParameterError("parameter", parameter, "gamma")
        self.done.append(("set", parameter, value, instrument_id))
        return "0.5", value


class Room:
    """A control room, its run, and what it wrote down."""

    def __init__(self) -> None:
        self.run = Run()
        self.facts: list[ControlFact] = []
        self.room = ControlRoom(self.run, self.facts.append)

    def take(self, command: str, name: str = "1", reason: str = "why", **words: str) -> dict[str, Any]:
        said = {"command": command, "id": name, "reason": reason, "who": "ann@desk", "remote": "127.0.0.1"}
        return self.room.take(said | words, 5, 7)


@pytest.fixture
def room() -> Room:
    return Room()


def test_a_command_is_carried_out_once_however_often_it_comes(room: Room) -> None:
    first = room.take("flatten", "a")
    assert (first["status"], first["outcome"], first["stage"]) == (200, "DONE", "FLATTEN")
    again = [room.take("flatten", "a") for _ in range(3)]
    assert again == [first | {"repeated": True}] * 3
    assert room.run.done == [("flatten", "why", "")]
    assert len(room.facts) == 1


def test_an_id_is_of_one_command(room: Room) -> None:
    room.take("flatten", "a")
    other = room.take("halt", "a")
    assert (other["status"], other["outcome"]) == (409, "REFUSED")
    assert room.run.done == [("flatten", "why", "")]


def test_who_did_what_when_and_why_is_written_down(room: Room) -> None:
    room.take("set", "b", parameter="gamma", value="0.8")
    assert room.facts == [
        ControlFact(
            5, 7, "b", "set", "ann@desk (127.0.0.1)", "why", "gamma", "0.5", "0.8", "DONE", "gamma is 0.8, was 0.5"
        )
    ]


def test_what_is_refused_says_why_and_is_written_down(room: Room) -> None:
    answer = room.take("set", "c", parameter="gama", value="0.8")
    assert (answer["status"], answer["outcome"]) == (409, "REFUSED")
    assert "found 'gama'" in answer["answer"]
    assert room.facts[0].outcome == "REFUSED"
    assert room.run.done == []


@pytest.mark.parametrize("command", ["pause", "resume", "flatten", "halt", "reduce-only", "widen", "set"])
def test_everything_that_acts_needs_an_id_and_a_reason(room: Room, command: str) -> None:
    for words in ({"name": ""}, {"reason": "  "}):
        assert room.take(command, **words)["outcome"] == "REFUSED"
    assert room.run.done == []


def test_to_look_needs_neither(room: Room) -> None:
    assert room.take("status", "", "")["details"] == {"paused": False}
    assert room.facts[0].command == "status"


def test_a_command_nobody_knows(room: Room) -> None:
    answer = room.take("explode")
    assert answer["status"] == 404
    assert "reduce-only" in answer["answer"]


def test_a_command_that_breaks_is_answered(room: Room) -> None:
    room.run.breaks = True
    answer = room.take("halt")
    assert (answer["status"], answer["outcome"]) == (500, "FAILED")
    assert "broken" in answer["answer"]
    assert room.facts[0].outcome == "FAILED"


def test_a_resume_that_a_rule_stands_against_is_refused(room: Room) -> None:
    room.run.stage = "HALT"
    assert room.take("resume")["outcome"] == "REFUSED"


def test_nothing_is_quoted_anew_while_the_session_ends(room: Room) -> None:
    room.room.ending = True
    assert room.take("resume", "1")["outcome"] == "REFUSED"
    assert room.take("set", "2", parameter="gamma", value="1")["outcome"] == "REFUSED"
    assert room.take("halt", "3")["outcome"] == "DONE"


def test_only_so_many_ids_are_remembered(room: Room) -> None:
    for number in range(2000):
        room.take("pause", str(number))
    assert len(room.run.done) == 2000
    assert room.take("pause", "1999").get("repeated")
    assert not room.take("pause", "0").get("repeated")
