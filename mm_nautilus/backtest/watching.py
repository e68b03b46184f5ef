"""Who watches a run (fills, risk, the end of each day); its schedule and obligations held against what it trades."""

from __future__ import annotations

from datetime import UTC, datetime, time

from mm_nautilus.actors import (
    AdverseSelectionMonitor,
    AdverseSelectionMonitorConfig,
    DayEnd,
    DayEndConfig,
    RiskMonitor,
    RiskMonitorConfig,
)
from mm_nautilus.config import RunFile
from mm_nautilus.errors import ConfigError
from mm_nautilus.host.guard import GuardedActor
from mm_nautilus.host.loading import LoadedRun
from mm_nautilus.host.node import unix_ns


def watchers(loaded: LoadedRun, notifications: str = "at_stop") -> list[GuardedActor]:
    """Return every actor beside the recorder that the run file asks for or every run has.

    Parameters
    ----------
    loaded : LoadedRun
        The run.
    notifications : str
        When to record whether people could be told; see `RiskMonitorSettings.report_notifications`.

    """
    return [*adverse_selection_monitors(loaded), *risk_monitors(loaded.run_file, notifications), day_end(loaded)]


def adverse_selection_monitors(loaded: LoadedRun) -> list[AdverseSelectionMonitor]:
    """Return the run's monitor of adverse selection, none where the run file has no ``[adverse_selection]``."""
    section = loaded.run_file.adverse_selection
    if section is None:
        return []
    watched = [{"instrument_id": name, "book": book} for name, book in loaded.books.items()]
    fields = section.model_dump(mode="json") | {"actor_id": "AdverseSelectionMonitor-001", "instruments": watched}
    return [AdverseSelectionMonitor(AdverseSelectionMonitorConfig(**fields))]


def risk_monitors(run_file: RunFile, notifications: str = "at_stop") -> list[RiskMonitor]:
    """Return the run's risk monitor, none where the run file has no ``[risk]``."""
    if run_file.risk is None:
        return []
    config = RiskMonitorConfig(
        actor_id="RiskMonitor-001",
        **run_file.risk.model_dump(mode="json"),
        operator=[action.model_dump(mode="json") for action in run_file.operator],
        report_notifications=notifications,
    )
    return [RiskMonitor(config)]


def day_end(loaded: LoadedRun) -> DayEnd:
    """Return who takes the engine's positions and balances when a trading day rolls over."""
    config = DayEndConfig(
        actor_id="DayEnd-001", instrument_ids=loaded.instrument_ids, rollover_utc=roll_over(loaded.run_file).isoformat()
    )
    return DayEnd(config)


def roll_over(run_file: RunFile) -> time:
    """Return the time of day (UTC) at which a trading day of the run ends."""
    return time(0) if run_file.risk is None else run_file.risk.rollover_utc


def check_obligations(loaded: LoadedRun) -> None:
    """Refuse obligations that nothing in the run could be held to, or that cannot be told apart.

    Raises
    ------
    ConfigError
        For an instrument that the run does not trade on that venue, or two rules of one name.

    """
    problems = []
    for place, venue in enumerate(loaded.run_file.venues):
        traded = [name for name in loaded.instrument_ids if name.rpartition(".")[2] == venue.name]
        known, names = ", ".join(traded) or "nothing is", [rule.name for rule in venue.obligation]
        for number, rule in enumerate(venue.obligation):
            field = f"venues.{place}.obligation.{number}"
            problems += [
                f"{field}.instruments: {name!r} is not traded in this run on {venue.name} ({known})"
                for name in rule.instruments
                if name not in traded
            ]
            if rule.name in names[:number]:
                problems.append(f"{field}.name: {rule.name!r} stands there already; each rule needs a name of its own")
    if problems:
        raise ConfigError(loaded.path, problems)


def check_schedule(loaded: LoadedRun, start_ns: int, end_ns: int) -> None:
    """Refuse operator actions that would never happen.

    Parameters
    ----------
    loaded : LoadedRun
        The run.
    start_ns, end_ns : int
        Instants of the first and the last data, in nanoseconds since 1970.

    Raises
    ------
    ConfigError
        For an action outside the data, or on an instrument that the run does not trade.

    """
    problems = []
    span = f"the data, from {_iso(start_ns)} to {_iso(end_ns)}"
    for number, action in enumerate(loaded.run_file.operator):
        at_ns = unix_ns(action.at) if action.at is not None else start_ns + round((action.after_s or 0.0) * 1e9)
        if at_ns is not None and not start_ns <= at_ns <= end_ns:
            field = "at" if action.at is not None else "after_s"
            problems.append(f"operator.{number}.{field}: {_iso(at_ns)} is outside {span}")
        if action.instrument_id and action.instrument_id not in loaded.instrument_ids:
            known = ", ".join(loaded.instrument_ids)
            problems.append(
                f"operator.{number}.instrument_id: {action.instrument_id!r} is not traded in this run ({known})"
            )
    if problems:
        raise ConfigError(loaded.path, problems)


def _iso(ns: int) -> str:
    return datetime.fromtimestamp(ns / 1e9, UTC).isoformat()
