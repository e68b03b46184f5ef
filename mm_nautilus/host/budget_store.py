"""The register of a shared budget in Redis: one hash, written in optimistic transactions by the server's clock."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any, Final

import orjson

from mm_nautilus.errors import UserError
from mm_nautilus.models.budget_register import Entry, LeaseTerms, NameTakenError, Report, left, renewed

_ATTEMPTS: Final = 16
"""Transactions that may lose against others' before a renewal counts as failed."""
_TERMS: Final = "terms"
_VERSION: Final = "version"
_PROCESS: Final = "process:"


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
