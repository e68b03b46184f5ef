"""The run folder of a live run: the same files as a backtest's."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from mm_nautilus.analytics.facts import RunFacts
from mm_nautilus.analytics.jsonable import jsonable
from mm_nautilus.analytics.rate_path import write_rate_paths
from mm_nautilus.analytics.report import write_report
from mm_nautilus.analytics.runlog import RunLog
from mm_nautilus.analytics.summary import summarise
from mm_nautilus.backtest.provenance import provenance
from mm_nautilus.backtest.run import Outcome, RunFailedError, write_run_file
from mm_nautilus.inventory.reconciliation import AccountingError
from mm_nautilus.live.settings import LiveRun


class RunFolder:
    """Says what was run before it runs, and what came of it afterwards.

    Parameters
    ----------
    run : LiveRun
        The run.
    path : Path
        A folder that is there.
    started : datetime
        When the run was started.

    """

    def __init__(self, run: LiveRun, path: Path, started: datetime) -> None:
        self.path = path
        self._run = run
        self._started = started
        self._resolved = write_run_file(run.loaded, path)

    def write(
        self,
        facts: RunFacts | None,
        failure: BaseException | None,
        live: Mapping[str, Any],
        about: Mapping[str, Any],
        fingerprint: str,
    ) -> Outcome:
        """Write ``result.json`` and ``report.html``.

        Parameters
        ----------
        facts : RunFacts or None
            What the engine knows; ``None`` where the run never began.
        failure : BaseException or None
            Why it broke off.
        live : mapping
            What only a live run has to say.
        about : mapping
            What is said of the data and the venues.
        fingerprint : str
            Of the data; empty where they are live.

        Raises
        ------
        RunFailedError
            Where the run broke off; the cause is chained and the log is kept.

        """
        name = self._run.loaded.run_file.run.name
        result: dict[str, Any] = {
            "status": "failed" if failure else "completed",
            "run": {
                "name": name,
                "seed": self._run.loaded.run_file.run.seed,
                "started": self._started.isoformat(),
                "finished": datetime.now(UTC).isoformat(),
                "folder": str(self.path),
            },
            "live": dict(live),
            "provenance": provenance(self._resolved, fingerprint),
            **about,
        }
        if failure is None and facts is not None:
            write_rate_paths(self.path, facts.rate_paths)
            try:
                result |= jsonable(summarise(RunLog.open(self.path), facts, explained=live["mode"] != "real"))
            except AccountingError as error:
                # The venue's money and our fills tell two stories: the operator has to see both.
                failure, result["status"] = error, "unreconciled"
        if failure is not None:
            result["error"] = repr(failure)
        (self.path / "result.json").write_bytes(orjson.dumps(result, option=orjson.OPT_INDENT_2) + b"\n")
        if failure is not None:
            words = "does not add up" if result["status"] == "unreconciled" else "stopped early"
            raise RunFailedError(f"{name}: the run {words}; its log is in {self.path}") from failure
        # Whoever stops it before it trades gets no report: there is nothing to report.
        return Outcome(self.path, None if facts is None else write_report(self.path), result)
