"""What a real run keeps between two lives, from its run file: whose it is, where it lies, and how it is met."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mm_nautilus.live.recovering import recovering
from mm_nautilus.live.recovery import RecoverySettings
from mm_nautilus.live.settings import LiveRun
from mm_nautilus.live.state_file import Identity, check_state, default_folder


@dataclass(frozen=True, slots=True)
class Keeping:
    """The state of one run on its accounts."""

    identity: Identity
    state_file: Path
    settings: RecoverySettings

    @classmethod
    def of(cls, run: LiveRun) -> Keeping:
        """Return it for a run file."""
        identity = Identity(
            run.live.trader,
            tuple(accounts(run)),
            run.loaded.strategy_type.__name__,
            tuple(sorted(run.loaded.instrument_ids)),
        )
        stated: Path | None = getattr(run.loaded.strategy_config.settings, "state_file", None)
        path = (stated or identity.file_in(folder_of(run))).resolve()
        live = run.live
        settings = RecoverySettings(
            identity,
            path,
            live.unknown_orders,
            live.agree_within_s,
            live.operator == "keep",
            live.checks.cancel_again_s,
            2e-3 * live.checks.inflight_after_ms,  # it has been asked for by then, and the venue had as long to answer
        )
        return cls(identity, path, settings)

    def check(self) -> None:
        """Refuse a state that is not this run's, and make the folder of the file.

        Raises
        ------
        UserError
            See `check_state`.

        """
        check_state(self.state_file, self.identity)
        self.state_file.parent.mkdir(parents=True, exist_ok=True)

    def as_run(self, kind: type[Any]) -> type[Any]:
        """Return a component's class as it is run on these accounts."""
        return recovering(kind, self.settings)


def accounts(run: LiveRun) -> list[str]:
    """Return the accounts of a run with their environments, sorted: a testnet's is another account."""
    return sorted(f"{section.account}-{getattr(section, 'environment', 'live')}" for section in run.live.venues)


def folder_of(run: LiveRun) -> Path:
    """Return the folder of state files and locks."""
    return run.live.state_dir or default_folder()


def lock_of(run: LiveRun) -> tuple[Path, list[str]]:
    """Return folder and names of the locks that a real run has to hold."""
    return folder_of(run), accounts(run)


def held_over(strategy: Any) -> list[str]:
    """Return what an operator said in an earlier life, in words, as far as it concerns this one."""
    found: dict[str, Any] = getattr(strategy, "found", {})
    words: list[str] = found.get("operator", [])
    return words


def recovered(strategy: Any) -> dict[str, Any]:
    """Return what a strategy found when it started and what it holds in the end, for the result."""
    if not hasattr(strategy, "found"):
        return {}
    return {"recovery": strategy.found, "positions": strategy.positions()}
