"""One risk budget for several processes, kept in Redis.

Who gets how much is decided by `mm_nautilus.models.budget_register`; `mm_nautilus.host.budget_store` is the line to it,
by the clock of the server, so that processes on several machines need not agree on the time. A thread of its own renews
the lease: it touches nothing of the engine, and no handler ever waits for the network. A strategy calls
`SharedBudget.allowed` and `SharedBudget.report` from its timer.

A process's own lease runs by its own clock from before the request left, so it ends no later than the register's.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable
from typing import Any, Self

from pydantic import Field, model_validator

from mm_nautilus.host.budget_store import BudgetStore, SharedBudgetError
from mm_nautilus.models.budget_register import LeaseTerms, Report
from mm_nautilus.settings import Settings


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
