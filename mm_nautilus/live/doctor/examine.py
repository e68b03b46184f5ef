"""Everything that is looked at before trading, in the order of the table."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Literal

from mm_nautilus.config import VenueSection
from mm_nautilus.errors import ConfigError
from mm_nautilus.live.credentials import Credentials, wanted
from mm_nautilus.live.doctor import checks, machine
from mm_nautilus.live.doctor.asking import asked
from mm_nautilus.live.doctor.belongings import account_findings, operator_findings
from mm_nautilus.live.doctor.clocks import UnreachableError, measured, time_endpoint
from mm_nautilus.live.doctor.connected import asked_by_connecting
from mm_nautilus.live.doctor.facts import VenueFacts
from mm_nautilus.live.doctor.findings import Finding, ok, problem, problems, warning
from mm_nautilus.live.doctor.readers import Reader, reader
from mm_nautilus.live.doctor.terms import complaints, terms_of
from mm_nautilus.live.settings import LiveRun, check_venues
from mm_nautilus.live_settings.venues import InteractiveBrokersSection, LiveVenueSection


@dataclass(frozen=True, slots=True)
class Examined:
    """What is examined, and how deeply."""

    run: LiveRun
    mode: Literal["replay", "paper", "real"]
    """A replay asks nobody but this machine, paper trading no account."""
    folder: Path
    """Where run folders go."""
    overrides: Sequence[str] = ()
    thorough: bool = True
    """Whether venues that cannot be asked otherwise are connected to, which takes seconds, and locks are tried."""


def examine(subject: Examined) -> list[Finding]:
    """Return what was found, one row a check.

    Parameters
    ----------
    subject : Examined
        The run.

    """
    found = _machine(subject)
    if subject.mode == "replay":
        return found
    found += [*_run_file(subject.run), *operator_findings(subject.run)]
    if subject.mode == "real" and subject.thorough:  # a run that begins takes lock and state itself
        found += account_findings(subject.run)
    sections = subject.run.live.venues
    if sections:
        with ThreadPoolExecutor(len(sections)) as pool:
            found += [row for rows in pool.map(lambda section: _venue(subject, section), sections) for row in rows]
    return found


def refuse_problems(subject: Examined) -> None:
    """Examine, and refuse what cannot be traded.

    Raises
    ------
    ConfigError
        With every problem that was found.

    """
    found = problems(examine(subject))
    if found:
        raise ConfigError(subject.run.loaded.path, [one.line for one in found])


def _machine(subject: Examined) -> list[Finding]:
    live, checked = subject.run.live, subject.run.live.checks
    found = checks.versions(*machine.python_versions(), *machine.engine_versions())
    found += checks.extras({name: what for name, module, what in _needed(subject.run) if not machine.is_there(module)})
    found.append(checks.disk(str(subject.folder), machine.free_mb(subject.folder), checked.free_disk_mb))
    port = live.monitor.port
    if port not in {0, "any"}:
        why_not = machine.why_not_listen(live.monitor.host, int(port))
        found.append(checks.port("live.monitor.port", f"{live.monitor.host}:{port}", why_not))
    return found


def _needed(run: LiveRun) -> list[tuple[str, str, str]]:
    """Return extra, module and reason of all that the base install lacks."""
    needed = []
    if run.live.monitor.on:
        needed += [("live", module, "live.monitor") for module in ("aiohttp", "prometheus_client")]
    if any(getattr(section, "dead_man_s", None) is not None for section in run.live.venues):
        needed.append(("live", "aiohttp", "live.venues: dead_man_s"))
    fills = getattr(run.loaded.strategy_config.settings, "adverse_selection", None)
    if getattr(fills, "model", None) is not None:
        needed.append(("ml", "onnxruntime", "strategy.adverse_selection.model"))
    return needed


def _run_file(run: LiveRun) -> list[Finding]:
    found = []
    try:
        check_venues(run)
        found.append(ok("run file", "every venue that is traded on has a section in live.venues"))
    except ConfigError as error:
        found += [problem("run file", said, "a file for live trading") for said in error.problems]
    if run.loaded.run_file.risk is None:
        found.append(warning("run file", "no [risk] table", "risk rules", "nothing would halt it: see docs/risk.md"))
    if run.loaded.run_file.operator:
        said = f"{len(run.loaded.run_file.operator)} scheduled operator actions"
        found.append(warning("run file", said, "none", "they are carried out live, too: remove what was a drill"))
    return found


def _venue(subject: Examined, section: LiveVenueSection) -> list[Finding]:
    run, asks = subject.run, wanted(section)
    keys, missing = asks.read()
    real = subject.mode == "real"
    money = "play" if section.is_play_money else "real"
    found = [ok(section.venue, f"{section.account}, {money} money")]
    found.append(checks.credentials(section.account, list(asks.needed.values()), missing, needed=real))
    endpoint = time_endpoint(section)
    try:
        reading = None if endpoint is None else measured(endpoint)
        found.append(checks.clock(section.venue, reading, run.live.checks.clock_off_ms / 1e3))
    except UnreachableError as error:
        return [*found, checks.reached(f"{section.venue} endpoint", str(error), "is the venue up, the address right?")]
    if isinstance(section, InteractiveBrokersSection):
        why_not = machine.why_not_connect(section.host, section.port)
        found.append(checks.reached(f"{section.venue} gateway", why_not, "start it and log in, or correct host, port"))
        if why_not:
            return found
    account = real and not missing
    names = [name for name in run.loaded.instrument_ids if name.rpartition(".")[2] == section.venue]
    simulated = next((one for one in run.loaded.run_file.venues if one.name == section.venue), None)
    if not names or simulated is None:
        return [*found, warning(section.venue, "nothing is traded there", "", "remove its section")]
    facts = _facts(subject, section, keys, names, account=account, cash=simulated.account == "CASH")
    return found if facts is None else [*found, *_trading(run, section, simulated, names, facts, account=account)]


def _facts(
    subject: Examined, section: LiveVenueSection, keys: Credentials, names: list[str], *, account: bool, cash: bool
) -> VenueFacts | None:
    try:
        reads: Reader | None = reader(section, keys, cash=cash)
    except Exception as error:  # a key that is none is refused by whoever takes it
        return VenueFacts(failure=keys.without(str(error)))
    if reads is not None:
        facts = asyncio.run(asked(reads, names, account=account))
    elif subject.thorough:
        facts = asked_by_connecting(subject.run, section, subject.overrides, account=account)
    else:
        return None
    shown = {"failure": keys.without(facts.failure), "refusal": keys.without(facts.refusal)}
    return facts.model_copy(update=shown)


def _trading(
    run: LiveRun,
    section: LiveVenueSection,
    simulated: VenueSection,
    names: list[str],
    facts: VenueFacts,
    *,
    account: bool,
) -> list[Finding]:
    """Return what is to be said about instruments and money of a venue that answered."""
    if facts.failure:
        return [problem(f"{section.venue} instruments", facts.failure, "an answer", "is the venue up?")]
    settings, found = run.loaded.strategy_config.settings, []
    leverage = getattr(section, "leverage", None)
    default = leverage if isinstance(leverage, Decimal) else simulated.default_leverage
    for terms in terms_of(settings, names):
        name = terms.instrument_id
        listed = facts.listed.get(name)
        found.append(checks.listing(name, listed, facts.similar.get(name, ())))
        if listed is None:
            continue
        found += checks.sizes(terms, listed, complaints(settings, listed))
        if facts.holdings is not None:
            cash = simulated.account == "CASH"
            found += checks.balances(section.venue, terms, listed, facts.holdings, cash=cash, leverage=default)
        if account and not facts.refusal:
            found.append(checks.fees(name, simulated.fees, facts.rates.get(name)))
    if facts.refusal:
        remedy = "are the keys right, of this environment, and allowed to trade from this address?"
        found.append(problem(f"{section.account} access", facts.refusal, "an account that can be read", remedy))
    elif account:
        found.append(ok(f"{section.account} access", "the keys are taken"))
    return found
