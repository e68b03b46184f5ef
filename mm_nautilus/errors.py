"""Errors for the person who made the mistake.

A `UserError` carries everything that person needs on one screen: which file, which field, what was
found and what is allowed. The command line prints it without a traceback and exits with code 2.
"""

from __future__ import annotations

from pathlib import Path


class UserError(Exception):
    """A mistake in what the user handed us (a file, a field, a path), not in the program."""


class ConfigError(UserError):
    """A run file or another configuration file that cannot be used.

    Parameters
    ----------
    path : Path | str
        The file the mistake is in.
    problems : list[str]
        One line per mistake, each naming the field, what was found and what is allowed.

    """

    def __init__(self, path: Path | str, problems: list[str]) -> None:
        self.path = path
        self.problems = problems
        lines = "\n".join(f"  - {problem}" for problem in problems)
        super().__init__(f"{path}: {len(problems)} problem{'s' if len(problems) != 1 else ''}\n{lines}")


class ParameterError(UserError, ValueError):
    """A value that a formula has no answer for.

    Parameters
    ----------
    field : str
        Name of the parameter.
    found : object
        What it was.
    allowed : str
        What it may be.

    """

    def __init__(self, field: str, found: object, allowed: str) -> None:
        self.field = field
        self.found = found
        self.allowed = allowed
        super().__init__(f"{field} must be {allowed}, found {found!r}")


class DataError(UserError):
    """Market data that cannot be used as it is: unreadable, truncated, missing or inconsistent."""


class CatalogError(UserError):
    """A catalogue that lacks what a run needs, or that an ingest must not touch."""
