"""What every reader is given, and what it gives back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Protocol

from mm_nautilus.catalog.clean import Cleaner
from mm_nautilus.catalog.instruments import Definition
from mm_nautilus.catalog.policies import Policies
from mm_nautilus.catalog.quality import SOURCES, Quality
from mm_nautilus.errors import DataError


class _Patterned(Protocol):
    @property
    def files(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Reading:
    """One ingest as its reader sees it.

    Parameters
    ----------
    sources : sequence of Path
        Captures in order of time.
    policies : Policies
        What to do about defects.
    quality : Quality
        Where they are counted.
    advance : callable
        Told how many bytes of the sources were consumed.

    """

    sources: Sequence[Path]
    policies: Policies
    quality: Quality
    advance: Callable[[int], None]

    def cleaner(self, definition: Definition, kind: str) -> Cleaner:
        """Return the policies' arm for one kind of data of one instrument."""
        return Cleaner(definition.id, definition.precisions, kind, self.policies, self.quality)

    def damaged(self, words: str) -> None:
        """Apply the policy for a source that cannot be read to its end.

        Raises
        ------
        DataError
            The policy is "error".

        """
        if self.policies.damaged_source == "error":
            raise DataError(f'{words}\nTo keep what precedes the damage: policies.damaged_source = "keep"')
        self.quality.note(SOURCES, "source", "breaks off", 1, "what precedes the damage kept", words)

    def unparsable(self, count: int, where: str) -> None:
        """Apply the policy for lines that are not what the format says.

        Raises
        ------
        DataError
            The policy is "error" and there are any.

        """
        if count and self.policies.unparsable == "error":
            raise DataError(f'{where}: {count} unparsable lines; to drop them: policies.unparsable = "drop"')
        self.quality.note(SOURCES, "source", "line that is not of the format", count, "dropped", where)


def in_order(before: tuple[int, Path] | None, start_ns: int, source: Path, what: str) -> None:
    """Refuse a file that starts before the previous one of the same data ends.

    Raises
    ------
    DataError
        Naming both files.

    """
    if before is not None and before[1] != source and start_ns < before[0]:
        raise DataError(f"{source}: {what} start before {before[1]} ends; name the sources in order of time")


def table_for[T: _Patterned](source: Path, tables: Sequence[T]) -> T:
    """Return the one table of the specification whose pattern a source matches.

    Raises
    ------
    DataError
        None or several match.

    """
    path = source.absolute().as_posix()
    matching = [table for table in tables if fnmatch(path, table.files) or fnmatch(source.name, table.files)]
    if len(matching) != 1:
        patterns = ", ".join(repr(table.files) for table in (matching or tables))
        found = "matches several of the tables" if matching else "matches none of the tables"
        raise DataError(f"{source}: {found} of the specification: files = {patterns}")
    return matching[0]
