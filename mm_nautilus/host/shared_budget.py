"""One risk budget for several processes, kept in Redis.

Who gets how much is decided by `mm_nautilus.models.budget_register`; here is the line to it. The register is one hash,
read and written in an optimistic transaction (WATCH, MULTI, EXEC), by the clock of the server, so that processes on
several machines need not agree on the time. A thread of its own renews the lease: it touches nothing of the engine, and
no handler ever waits for the network. A strategy calls `SharedBudget.allowed` and `SharedBudget.report` from its timer.

A process's own lease runs by its own clock from before the request left, so it ends no later than the register's.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import asdict
from typing import Any, Final, Self

import orjson
from pydantic import Field, model_validator

from mm_nautilus.errors import UserError
from mm_nautilus.models.budget_register import Entry, LeaseTerms, NameTakenError, Report, left, renewed
from mm_nautilus.settings import Settings

_ATTEMPTS: Final = 16
"""Transactions that may lose against others' before a renewal counts as failed."""
_TERMS: Final = "terms"
_VERSION: Final = "version"
_PROCESS: Final = "process:"


class SharedBudgetSettings(Settings):
    """The table ``[strategy.risk_budget.shared]``: one budget for several processes."""

    url: str = Field(default="redis://127.0.0.1:6379/0", pattern=r"^(rediss?|unix)://", description="The Redis server.")
    name: str = Field(pattern=r"^[A-Za-z0-9_-]+$", description="Name of the budget, the same in all its processes.")
    process: str = Field(pattern=r"^[A-Za-z0-9_-]+$", description="Name of this process, different in each.")
    weight: float = Field(default=1.0, ge=0, description="Part of what nobody uses, relative to the others'.")
    poll_s: float = Field(default=0.5, gt=0, le=60, description="Time between renewals.")
    timeout_s: float = Field(default=0.25, gt=0, le=10, description="Time a connection or an answer may take.")
    lease_s: float = Field(
        default=5.0, gt=0, le=3600, description="Without a renewal for so long, this process only reduces."
    )
    quotes_gone_s: float = Field(
        default=10.0,
        ge=0,
        description="Time after the lease in which the orders of a silent process are gone, by the venue's own cancel "
        "on disconnect at the latest; what it did not use is freed then.",
    )
    keep_silent: bool = Field(
        default=False, description="Free nothing of a silent process: only its return or a release does."
    )

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.lease_s < 2.0 * (self.poll_s + self.timeout_s):
            raise ValueError(
                f"lease_s ({self.lease_s}) must hold two renewals, 2 (poll_s + timeout_s) = "
                f"{2.0 * (self.poll_s + self.timeout_s):g}"
            )
        return self

    def terms(self, budget: float) -> LeaseTerms:
        """Return what all processes must agree on."""
        return LeaseTerms(budget, self.lease_s, None if self.keep_silent else self.quotes_gone_s)


class SharedBudgetError(UserError):
    """The shared budget cannot be used as the settings say."""


class BudgetStore:
    """The register in Redis.

    Parameters
    ----------
    client : redis.Redis
        A client of redis-py.
    name : str
        Of the budget.
    terms : LeaseTerms
        What this process takes the others to agree on.
    unit : str
        What the budget is counted in, such as ``USDT VaR 0.99 3600 s``; all processes must mean the same.

    """

    def __init__(self, client: Any, name: str, terms: LeaseTerms, unit: str) -> None:
        self._client = client
        self._key = f"mm-nautilus:budget:{{{name}}}"
        self._name = name
        self._terms = terms
        self._stated = orjson.dumps(asdict(terms) | {"unit": unit}, option=orjson.OPT_SORT_KEYS)

    def renew(self, report: Report) -> Entry:
        """Report and return the entry of this process with its new grant.

        Raises
        ------
        SharedBudgetError
            Where the others' terms are other ones, or the process's name is taken.
        redis.RedisError
            Where the server cannot be reached in time, or too many others wrote at once.

        """

        def change(entries: dict[str, Entry], now_ms: int, version: int) -> dict[str, Entry]:
            try:
                return renewed(entries, report, now_ms, self._terms, version)
            except NameTakenError:
                raise SharedBudgetError(
                    f"shared budget {self._name!r}: another process calls itself {report.process!r}, and its lease runs"
                ) from None

        return self._changed(change)[report.process]

    def leave(self, process: str, session: str, held: float) -> None:
        """Free what this life of a process does not hold: its orders are gone."""

        def change(entries: dict[str, Entry], now_ms: int, version: int) -> dict[str, Entry]:
            entry = entries.get(process)
            return {} if entry is None or entry.session != session else {process: left(entry, held, now_ms, version)}

        self._changed(change)

    def release(self, process: str) -> bool:
        """Forget a process that a person knows to be gone with its positions; return whether it was there."""
        return bool(self._client.hdel(self._key, _PROCESS + process))

    def close(self) -> None:
        """Give the connection back."""
        self._client.close()

    def entries(self) -> dict[str, Entry]:
        """Return the register."""
        return _entries(self._client.hgetall(self._key))

    def _changed(self, change: Callable[[dict[str, Entry], int, int], dict[str, Entry]]) -> dict[str, Entry]:
        from redis import WatchError  # noqa: PLC0415 - an optional dependency

        for _ in range(_ATTEMPTS):
            with self._client.pipeline() as transaction:
                transaction.watch(self._key)
                fields = transaction.hgetall(self._key)
                seconds, micros = transaction.time()
                now_ms = int(seconds) * 1000 + int(micros) // 1000
                entries = _entries(fields)
                self._agree(fields.get(_TERMS.encode()), entries, now_ms)
                version = int(fields.get(_VERSION.encode(), 0)) + 1
                changed = change(entries, now_ms, version)
                transaction.multi()
                values = {_PROCESS + name: orjson.dumps(asdict(entry)) for name, entry in changed.items()}
                transaction.hset(self._key, mapping=values | {_VERSION: str(version), _TERMS: self._stated})
                try:
                    transaction.execute()
                except WatchError:
                    continue
                return changed
        raise WatchError(f"shared budget {self._name!r}: {_ATTEMPTS} transactions in a row lost against others'")

    def _agree(self, stated: bytes | None, entries: dict[str, Entry], now_ms: int) -> None:
        """Refuse terms that differ from those of processes that may still act."""
        if stated is None or stated == self._stated:
            return
        if any(now_ms < entry.until_ms for entry in entries.values()):
            raise SharedBudgetError(
                f"shared budget {self._name!r}: this process states {self._stated.decode()}, the others "
                f"{stated.decode()}; stop them all to change it"
            )


def _entries(fields: dict[bytes, bytes]) -> dict[str, Entry]:
    prefix = _PROCESS.encode()
    return {
        key.removeprefix(prefix).decode(): Entry(**orjson.loads(value))
        for key, value in fields.items()
        if key.startswith(prefix)
    }


class SharedBudget:
    """Part of the budget that is ours, renewed in a thread.

    Parameters
    ----------
    settings : SharedBudgetSettings
        Where the register is and who we are.
    budget : float
        Of all processes together.
    unit : str
        See `BudgetStore`.
    connect : callable
        Makes a client from the settings.
    clock : callable
        Monotonic seconds.

    """

    def __init__(
        self,
        settings: SharedBudgetSettings,
        budget: float,
        unit: str,
        connect: Callable[[SharedBudgetSettings], Any] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._store = BudgetStore((connect or _connected)(settings), settings.name, settings.terms(budget), unit)
        self._clock = clock
        self._session = uuid.uuid4().hex
        self._lock = threading.Lock()  # held for assignments alone
        self._held = self._used = self._acting = 0.0
        self._grant = self._reported = 0.0
        self._version = 0
        self._until_s = -1.0
        self._cut_off = True
        self._wake = threading.Event()
        self._stopping = False
        self._thread: threading.Thread | None = None
        self.fault: str | None = None
        """Why the last renewal failed, in words; ``None`` where it did not."""
        self.refused: SharedBudgetError | None = None
        """Why no renewal will ever succeed; the process only reduces."""

    # -------------------------------------------------- asked by the strategy

    def allowed(self) -> float:
        """Return what may be used now, and act on it: the grant, less when nothing is heard, 0 after the lease.

        Never waits for the network.
        """
        with self._lock:
            if self._clock() >= self._until_s:
                self._acting = 0.0
                return 0.0
            self._acting = min(self._grant, self._reported) if self._cut_off else self._grant
            return self._acting

    def report(self, held: float, used: float) -> None:
        """Say what is used, for the next renewal.

        Parameters
        ----------
        held : float
            Risk of the positions alone.
        used : float
            Worst case of positions and orders, under what `allowed` last said.

        """
        with self._lock:
            self._held, self._used = held, used

    @property
    def version(self) -> int:
        """Of the lease that is acted on; 0 before the first."""
        return self._version

    def start(self) -> None:
        """Renew from now on."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name=f"budget-{self._settings.process}", daemon=True)
            self._thread.start()

    def stop(self, held: float) -> None:
        """Renew no more and leave; waits for twice the timeout at most.

        Parameters
        ----------
        held : float
            Worst case of what is left behind: positions, and orders whose cancel has not been answered.

        """
        thread, self._thread = self._thread, None
        if thread is None:
            return
        self.report(held, held)
        self._stopping = True
        self._wake.set()
        thread.join(2.0 * self._settings.timeout_s)

    # ------------------------------------------------------------- the thread

    def _run(self) -> None:
        while not self._stopping and self.refused is None:
            self.renew()
            self._wake.wait(self._settings.poll_s)
        if self.refused is None:
            self._leave()
        self.close()

    def close(self) -> None:
        """Give the connection back; the thread does so at its end."""
        self._store.close()

    def renew(self) -> bool:
        """Renew once; return whether it succeeded. Called by the thread."""
        from redis import RedisError  # noqa: PLC0415 - an optional dependency

        with self._lock:
            asked_s = self._clock()
            # What has been heard may be acted on at any moment, what was acted on may still rest.
            acting = max(self._acting, self._grant if asked_s < self._until_s else 0.0)
            report = Report(
                self._settings.process, self._session, self._held, self._used, acting, self._settings.weight
            )
        try:
            entry = self._store.renew(report)
        except SharedBudgetError as error:
            self.refused = error
            self._cut(str(error))
            return False
        except (RedisError, OSError) as error:
            self._cut(f"{type(error).__name__}: {error}")
            return False
        with self._lock:
            if entry.version > self._version:
                self._version = entry.version
                self._grant, self._reported = entry.grant, report.used
                self._until_s = asked_s + self._settings.lease_s
                self._cut_off = False
                # Until `allowed` is asked again, what it said last is acted on.
        self.fault = None
        return True

    def _cut(self, why: str) -> None:
        with self._lock:
            self._cut_off = True
        self.fault = why

    def _leave(self) -> None:
        from redis import RedisError  # noqa: PLC0415 - an optional dependency

        try:
            self._store.leave(self._settings.process, self._session, self._used)
        except (RedisError, OSError, SharedBudgetError) as error:
            self.fault = f"{type(error).__name__}: {error}"


def _connected(settings: SharedBudgetSettings) -> Any:
    try:
        import redis  # noqa: PLC0415 - an optional dependency
    except ImportError:
        raise SharedBudgetError("risk_budget.shared: needs the Redis client: install mm-nautilus[redis]") from None
    from redis.backoff import NoBackoff  # noqa: PLC0415
    from redis.retry import Retry  # noqa: PLC0415

    return redis.Redis.from_url(
        settings.url,
        socket_timeout=settings.timeout_s,
        socket_connect_timeout=settings.timeout_s,
        retry=Retry(NoBackoff(), 0),
        health_check_interval=0,
    )


class StaticBudget:
    """A budget that nobody shares: the same at every instant, as a backtest needs it."""

    fault: str | None = None
    refused: SharedBudgetError | None = None

    def __init__(self, budget: float) -> None:
        self._budget = budget

    def allowed(self) -> float:
        """Return all of it."""
        return self._budget

    def report(self, held: float, used: float) -> None:
        """Nobody wants to know."""

    def start(self) -> None:
        """Nothing to do."""

    def stop(self, held: float) -> None:
        """Nothing to do."""
