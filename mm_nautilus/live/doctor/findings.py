"""What a check comes to."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum


class Level(Enum):
    """How much a finding matters."""

    OK = "ok"
    WARNING = "warning"
    """Trading is possible; somebody should look at it."""
    PROBLEM = "problem"
    """Trading is refused."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One row of the doctor's table."""

    level: Level
    subject: str
    """What was looked at, as ``BYBIT clock``."""
    found: str
    wanted: str = ""
    remedy: str = ""
    """What to do about it; empty where nothing needs to be done."""

    @property
    def line(self) -> str:
        """Return it in one line, as an error says it."""
        wanted = f", wanted {self.wanted}" if self.wanted else ""
        remedy = f"; {self.remedy}" if self.remedy else ""
        return f"{self.subject}: {self.found}{wanted}{remedy}"


def problems(findings: Iterable[Finding]) -> list[Finding]:
    """Return the findings that trading is refused for."""
    return [finding for finding in findings if finding.level is Level.PROBLEM]


def ok(subject: str, found: str, wanted: str = "") -> Finding:
    """Return a finding that is as it should be."""
    return Finding(Level.OK, subject, found, wanted)


def warning(subject: str, found: str, wanted: str = "", remedy: str = "") -> Finding:
    """Return a finding that somebody should look at."""
    return Finding(Level.WARNING, subject, found, wanted, remedy)


def problem(subject: str, found: str, wanted: str = "", remedy: str = "") -> Finding:
    """Return a finding that trading is refused for."""
    return Finding(Level.PROBLEM, subject, found, wanted, remedy)
