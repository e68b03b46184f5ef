"""Where a live strategy's state is kept between two lives, and whether what is there is this run's.

The file lies outside of the run folder, one a trader and its accounts, so that whoever restarts after a crash finds it
without being told where to look. Its content and how it is written is `mm_nautilus.inventory.state`'s business.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from mm_nautilus.errors import UserError
from mm_nautilus.inventory.state import load_state

KEY = "of"
"""Entry of a state that says whose it is."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Whose state a file holds."""

    trader: str
    accounts: tuple[str, ...]
    """With their environments, sorted."""
    strategy: str
    instruments: tuple[str, ...]

    def saved(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}

    def file_in(self, folder: Path) -> Path:
        """Return the state file's path."""
        return folder / f"{'_'.join([self.trader, *self.accounts])}.state"


def default_folder() -> Path:
    """Return the user's folder for state, as the XDG base directories have it."""
    home = os.environ.get("XDG_STATE_HOME", "").strip()
    return (Path(home) if home else Path.home() / ".local" / "state") / "mm-nautilus"


def check_state(path: Path, identity: Identity) -> dict[str, Any] | None:
    """Return the state at `path`, or ``None`` where there is none.

    Raises
    ------
    UserError
        For a state of another trader, account, strategy or instrument, and for a file that is torn or no state.

    """
    state = load_state(path)
    if state is None:
        return None
    told, mine = state.get(KEY, {}), identity.saved()
    differing = [
        f"  - {name}: the file says {_words(told.get(name))}, the run file {_words(value)}"
        for name, value in mine.items()
        if told.get(name) != value
    ]
    if differing:
        listed = "\n".join(differing)
        raise UserError(
            f"{path} is the state of another run:\n{listed}\n"
            "Move the file away once its positions are taken care of, or give this run its own live.trader"
        )
    return state


def _words(value: str | Sequence[str] | None) -> str:
    if value is None:
        return "nothing"
    return value if isinstance(value, str) else ", ".join(value)
