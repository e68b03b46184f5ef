"""What a run needs to have for itself: its accounts, its state, its token, somebody to tell."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping

from mm_nautilus.errors import UserError
from mm_nautilus.live.account_lock import locked
from mm_nautilus.live.beside.token import check_token, given_token
from mm_nautilus.live.doctor.findings import Finding, ok, problem, warning
from mm_nautilus.live.doctor.machine import why_not_connect
from mm_nautilus.live.keeping import Keeping, lock_of
from mm_nautilus.live.redis import cache_database
from mm_nautilus.live.settings import LiveRun
from mm_nautilus.live.state_file import check_state


def account_findings(run: LiveRun) -> list[Finding]:
    """Return whether another node trades the accounts, and whether the state that is kept is this run's."""
    folder, accounts = lock_of(run)
    keeping = Keeping.of(run)

    def hold() -> str:
        if not folder.is_dir():
            return "no node has traded from this machine yet"
        with locked(folder, accounts):
            return f"no other node of this machine trades {', '.join(accounts)}"

    def read() -> str:
        state = check_state(keeping.state_file, keeping.identity)
        return f"{keeping.state_file}: {'of this run' if state is not None else 'none yet'}"

    def connect() -> str:
        assert redis is not None
        place = cache_database(redis)
        host, port = place.host or "127.0.0.1", place.port or 6379
        if why_not := why_not_connect(host, port):
            raise UserError(why_not)
        return f"{host}:{port} answers"

    redis = run.live.redis
    cache = [] if redis is None else [_tried("live.redis", connect, "start it, or leave the table out")]
    return [
        *cache,
        _tried("account lock", hold, "stop the other node first"),
        _tried("state file", read, "see 'Restart after a crash' in docs/runbook.md"),
    ]


def operator_findings(run: LiveRun, environment: Mapping[str, str] = os.environ) -> list[Finding]:
    """Return whether the monitor has the token it needs, and whether alerts reach anybody."""
    monitor, alerts = run.live.monitor, run.live.alerts
    found = []
    if monitor.on:

        def token() -> str:
            check_token(run.loaded.path, monitor, environment)
            there = bool(given_token(monitor, environment))
            return f"{monitor.token_env} {'set' if there else 'not set: one is made for the run'}"

        found.append(_tried("monitor token", token, "openssl rand -hex 32"))
    named = [name for name in (alerts.webhook_env, alerts.token_env) if name is not None]
    found += [
        problem("alerts", f"{name} is not set", "an address, and its token if it has one", "set it, or leave it out")
        for name in named
        if not environment.get(name, "").strip()
    ]
    if alerts.webhook_env is None:
        found.append(warning("alerts", "nobody is told", "live.alerts.webhook_env", "name a variable with a webhook"))
    return found


def _tried(subject: str, attempt: Callable[[], str], remedy: str) -> Finding:
    try:
        return ok(subject, attempt())
    except (UserError, OSError) as error:
        return problem(subject, str(error), "", remedy)
