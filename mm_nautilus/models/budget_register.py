r"""The register that several processes share one risk budget by: who may still act on how much, and until when.

A process renews its *lease* every now and then: it reports what it uses and the grant it acts on, and hears a new
one. Whatever happens to a process, or to the line to it, its entry counts with the most that it may do:

=============================== =================================================================
state of a process              what counts of it
=============================== =================================================================
renews                          the largest of the grant it acts on, its new grant and what it uses
silent, lease running           the same: it may act on its grant
silent, lease over              the same: it only reduces now, but its orders may still be on their way
silent, orders gone             what it used when it last reported: positions do not go by themselves
returned, left, or released     what it says; what it holds; nothing
=============================== =================================================================

A new grant comes from `mm_nautilus.models.risk_budget.allocate` over all entries, so that what counts never adds up to
more than the budget, or than it did before. Only positions are a claim on it: orders give way to those of others, so
that a process that quotes all it may does not keep a new one out. Versions rise with every renewal of any process: who
holds an older one knows less.

A process that hears nothing acts on no more than it last reported, and only reduces from the end of its lease on. What
the budget may be wrong by after its death is therefore what it traded between its last report and the renewal that
failed; where that is too much, nothing is freed (`LeaseTerms.quotes_gone_s`) until it returns or a person releases it.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import replace
from dataclasses import dataclass

from mm_nautilus.errors import ParameterError
from mm_nautilus.models.risk_budget import Claim, allocate


@dataclass(frozen=True, slots=True)
class LeaseTerms:
    """What all processes must agree on.

    Parameters
    ----------
    budget : float
        Risk of all of them together, at least 0, in the unit of every other number here.
    lease_s : float
        How long a grant may be acted on without being renewed; above 0.
    quotes_gone_s : float or None
        Time after the end of a lease in which the last order of a silent process goes, by its own hand or by the
        venue's; at least 0. ``None`` where nobody knows: a silent process keeps its grant.

    Raises
    ------
    ParameterError
        For a number outside its range.

    """

    budget: float
    lease_s: float
    quotes_gone_s: float | None

    def __post_init__(self) -> None:
        if not 0.0 <= self.budget < float("inf"):
            raise ParameterError("budget", self.budget, ">= 0 and finite")
        if not 0.0 < self.lease_s < float("inf"):
            raise ParameterError("lease_s", self.lease_s, "> 0 and finite")
        if self.quotes_gone_s is not None and not 0.0 <= self.quotes_gone_s < float("inf"):
            raise ParameterError("quotes_gone_s", self.quotes_gone_s, ">= 0 and finite")


@dataclass(frozen=True, slots=True)
class Entry:
    """What the register knows of one process."""

    session: str
    """Which life of the process; another one with its name is refused while it may still act."""
    held: float
    """Reported last: risk of the positions alone."""
    used: float
    """Reported last: worst case of positions and orders."""
    counts: float
    """Most it may do by now."""
    grant: float
    """Sent last."""
    weight: float
    version: int
    until_ms: int
    """End of its lease, by the register's clock."""


@dataclass(frozen=True, slots=True)
class Report:
    """What a process says when it renews."""

    process: str
    session: str
    held: float
    """Risk of the positions alone, which it cannot give up at once."""
    used: float
    """Worst case of positions and orders."""
    acting: float
    """The largest grant that it acts on or might, since it has heard of it."""
    weight: float = 1.0


class NameTakenError(Exception):
    """Another process of that name may still act."""


def renewed(
    entries: Mapping[str, Entry], report: Report, now_ms: int, terms: LeaseTerms, version: int
) -> dict[str, Entry]:
    """Return the entries that change by a renewal: the process's own, and those whose orders are gone by now.

    Parameters
    ----------
    entries : mapping of process to Entry
        The register.
    report : Report
        From the process.
    now_ms : int
        Register's clock.
    terms : LeaseTerms
        What all agreed on.
    version : int
        Of this renewal; above any before.

    Raises
    ------
    NameTakenError
        When another life of the process may still act.
    ParameterError
        For a number that is negative or not finite.

    """
    own = entries.get(report.process)
    if own is not None and own.session != report.session and now_ms < own.until_ms:
        raise NameTakenError(report.process)
    changed = {
        name: replace(entry, counts=min(entry.counts, entry.used), grant=min(entry.grant, entry.used))
        for name, entry in entries.items()
        if name != report.process and _gone(entry, now_ms, terms) and entry.counts > entry.used
    }
    others = {name: changed.get(name, entry) for name, entry in entries.items() if name != report.process}
    claims = [
        Claim(name, entry.held, entry.counts, entry.weight)
        if now_ms < entry.until_ms
        else Claim(name, entry.counts, entry.counts, 0.0)
        for name, entry in others.items()
    ]
    # A life that ended may have left orders behind that this one does not know: until they are gone they count.
    left = 0.0
    if own is not None and own.session != report.session and not _gone(own, now_ms, terms):
        left = own.counts
    acts = max(report.acting, report.used, left)
    claims.append(Claim(report.process, report.held, acts, report.weight))
    grant = allocate(terms.budget, claims)[report.process]
    changed[report.process] = Entry(
        report.session,
        report.held,
        report.used,
        max(acts, grant),
        grant,
        report.weight,
        version,
        now_ms + round(terms.lease_s * 1e3),
    )
    return changed


def left(entry: Entry, held: float, now_ms: int, version: int) -> Entry:
    """Return the entry of a process that stops in order and keeps what it leaves behind.

    Parameters
    ----------
    entry : Entry
        As it is.
    held : float
        Worst case of what it leaves behind, at least 0.
    now_ms : int
        Register's clock.
    version : int
        Of this change.

    """
    return replace(entry, held=held, used=held, counts=held, grant=held, weight=0.0, version=version, until_ms=now_ms)


def _gone(entry: Entry, now_ms: int, terms: LeaseTerms) -> bool:
    gone_s = terms.quotes_gone_s
    return gone_s is not None and now_ms >= entry.until_ms + round(gone_s * 1e3)
