"""A run file on a live node, from the file to the report."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from copy import replace
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar, Literal

from nautilus_trader.live import LiveNode
from nautilus_trader.persistence import ParquetDataCatalog

from mm_nautilus.analytics.jsonable import jsonable
from mm_nautilus.analytics.runlog import RunLog
from mm_nautilus.backtest.data import data_shapes, described, end_of_data, prepared_catalog
from mm_nautilus.backtest.funding import run_funding
from mm_nautilus.backtest.relations import rate_paths
from mm_nautilus.backtest.run import Outcome, RunFailedError, new_folder, realism
from mm_nautilus.backtest.watching import check_obligations, check_schedule
from mm_nautilus.errors import ConfigError, UserError
from mm_nautilus.host.collector import rare_collections
from mm_nautilus.host.config import TypedStrategyConfig
from mm_nautilus.live.account_lock import locked
from mm_nautilus.live.beside.beside import LOGS, Beside
from mm_nautilus.live.books import EngineBooks, live_facts
from mm_nautilus.live.components import Components
from mm_nautilus.live.disk import on_a_full_disk
from mm_nautilus.live.doctor.examine import Examined, refuse_problems
from mm_nautilus.live.folder import RunFolder
from mm_nautilus.live.funding import FundingRates, FundingRatesConfig
from mm_nautilus.live.interrupts import Interrupts
from mm_nautilus.live.keeping import Keeping, held_over, lock_of, recovered
from mm_nautilus.live.listener import Listener, ListenerConfig
from mm_nautilus.live.nodes import paper_node, real_node, replay_node
from mm_nautilus.live.replay.client import ReplayFeed
from mm_nautilus.live.replay.conductor import Conductor, Score
from mm_nautilus.live.replay.staging import stage_of, staged
from mm_nautilus.live.replay.stream import market_events
from mm_nautilus.live.session import Session
from mm_nautilus.live.settings import LiveRun, load_live
from mm_nautilus.live.settled import settled
from mm_nautilus.live.tape import Tape, TapeConfig


@dataclass(frozen=True, slots=True)
class Replay:
    """The data of the run file, or of another catalogue, on simulated venues."""

    name: ClassVar[Literal["replay"]] = "replay"
    catalog: Path | None = None
    speed: float | None = 1.0
    """Seconds of the market per second of ours; ``None`` for as fast as it goes."""


@dataclass(frozen=True, slots=True)
class Paper:
    """Live data, simulated venues."""

    name: ClassVar[Literal["paper"]] = "paper"


@dataclass(frozen=True, slots=True)
class Real:
    """Live data, real orders."""

    name: ClassVar[Literal["real"]] = "real"
    confirmed: tuple[str, ...]
    """Accounts that the operator has named."""


type Mode = Replay | Paper | Real
type Say = Callable[[str], None]


def run_live(
    path: Path,
    overrides: Sequence[str] = (),
    mode: Mode | None = None,
    *,
    seed: int | None = None,
    output: Path | None = None,
    say: Say = lambda _text: None,
    tell: Say = lambda _text: None,
    interrupts: Interrupts | None = None,
) -> Outcome:
    """Run a run file on a live node until its data end or a signal comes, and write its folder.

    Parameters
    ----------
    path : Path
        TOML run file.
    overrides : sequence of str
        ``table.key=value`` changes to it.
    mode : Replay, Paper or Real
        Where data come from and orders go to; the run file's own data as they happened by default.
    seed : int or None
        Replaces ``run.seed``.
    output : Path or None
        Folder that the run folder is made in; ``run.output`` by default.
    say : callable
        Told in a few words what is being done.
    tell : callable
        Told what nobody may miss, as that trading is paused.
    interrupts : Interrupts or None
        Who hears the signals that end the run; the run itself by default.

    Raises
    ------
    UserError
        For mistakes in the run file, the data or the environment, before the first order.
    RunFailedError
        When a component did not start, or a handler raised; what was recorded is kept.

    """
    mode = mode or Replay()
    run = load_live(path, overrides, seed, mode.catalog if isinstance(mode, Replay) else None)
    check_obligations(run.loaded)

    def folder() -> RunFolder:
        started = datetime.now(UTC)
        return RunFolder(run, new_folder(place, run.loaded.run_file.run.name, started), started)

    if isinstance(mode, Real):
        _check_confirmed(run, mode)
    say("looking before trading")
    place = output or run.loaded.run_file.run.output
    refuse_problems(Examined(run, mode.name, place, overrides, thorough=False))
    held = locked(*lock_of(run)) if isinstance(mode, Real) else nullcontext()
    hearing = nullcontext(interrupts) if interrupts is not None else Interrupts()
    with on_a_full_disk(place), held, hearing as heard, Beside(run, mode.name) as beside:
        if isinstance(mode, Replay):
            return _replay(run, mode, folder, say, beside, heard)
        return _trade(run, mode, folder, say, tell, beside, heard)


def _replay(
    run: LiveRun, mode: Replay, folder: Callable[[], RunFolder], say: Say, beside: Beside, interrupts: Interrupts
) -> Outcome:
    """Stream a catalogue through a node with simulated venues."""
    loaded = run.loaded
    say("preparing data")
    catalog, shape = prepared_catalog(loaded)
    end_ns = end_of_data(loaded, shape)
    check_schedule(loaded, shape.first_ns, end_ns)
    stage = stage_of(loaded)
    feed = ReplayFeed(ParquetDataCatalog(str(catalog)).instruments(instrument_ids=loaded.instrument_ids))
    written = folder()
    node = replay_node(run, feed, written.path / LOGS).build()
    config = loaded.config_until(end_ns)
    parts = Components.of(beside.loaded, config, written.path, None, lambda kind: staged(beside.timed(kind), stage))
    beside.begin(written.path, parts, lambda: stage.timeline.now_ns)
    session = Session(node, [parts.strategy], loaded.instrument_ids, run.live.withdraw_within_s)
    failures: list[BaseException] = []

    def ended(failure: BaseException | None) -> None:
        failures.extend([] if failure is None else [failure])
        session.end("the end of the data")

    events = market_events(catalog, loaded.books, set(shape.kinds()), shape.first_ns, end_ns)
    conductor = Conductor(Score(stage, feed, events, loaded.books, mode.speed, ended))
    start_ns = stage.timeline.now_ns
    node.add_actor(conductor)
    say(_where("replaying", beside))
    try:
        with rare_collections():
            books, failure = _live(node, parts, session, beside, interrupts, conductor.begin, conductor.end)
        facts = live_facts(loaded, books, start_ns, stage.timeline.now_ns)
        facts = replace(facts, rate_paths=rate_paths(loaded, catalog, shape, facts))
    finally:
        node.dispose()
    live = {"mode": "replay", "speed": mode.speed, "records": conductor.records} | _ended(session)
    funding = run_funding(catalog, RunLog.open(written.path), facts)
    about = {"realism": realism(loaded, data_shapes(loaded, shape, funding)), "data": described(shape)}
    about |= {"funding": jsonable(funding)} if funding else {}
    say("adding up")
    return written.write(facts, failure or next(iter(failures), None), live, about, shape.fingerprint)


def _trade(
    run: LiveRun,
    mode: Paper | Real,
    folder: Callable[[], RunFolder],
    say: Say,
    tell: Say,
    beside: Beside,
    interrupts: Interrupts,
) -> Outcome:
    """Trade on live data until somebody says stop."""
    loaded, paper = run.loaded, isinstance(mode, Paper)
    keeping = None if paper else Keeping.of(run)
    if keeping is not None:
        keeping.check()
    written = folder()
    node = (paper_node if paper else real_node)(run, written.path / LOGS).build()
    config = _config(loaded.strategy_config, () if paper else loaded.instrument_ids, keeping)
    fees = {section.name: section.fees for section in loaded.run_file.venues}
    patience_s = run.live.checks.patience_s

    def as_run(kind: type[Any]) -> type[Any]:
        timed = beside.timed(kind)
        return settled(timed if keeping is None else keeping.as_run(timed), fees, patience_s)

    parts = Components.of(beside.loaded, config, written.path, run.live.flush_every_s, as_run)
    beside.begin(written.path, parts)
    if run.live.tape:
        node.add_actor(Tape(TapeConfig(loaded.books, written.path)))
    elif paper:
        node.add_actor(Listener(ListenerConfig(loaded.books)))
    node.add_actor(FundingRates(FundingRatesConfig(tuple(loaded.books))))
    accounts = () if paper else tuple(section.account for section in run.live.venues)
    flatten_within_s = run.live.flatten_within_s if run.live.on_stop == "flatten" else None
    session = Session(
        node, [parts.strategy], loaded.instrument_ids, run.live.withdraw_within_s, accounts, flatten_within_s
    )
    books = EngineBooks(node.cache, node.portfolio)
    venues = [section.name for section in loaded.run_file.venues]
    start_ns, starting = time.time_ns(), dict[str, Any]()
    say("connecting")

    def started() -> None:
        starting.update(books.balances(venues))
        for words in held_over(parts.strategy):
            tell(words)
        say(_where("trading on paper" if paper else "trading", beside))

    try:
        with nullcontext() if paper else _dead_men(run, node):
            books, failure = _live(
                node, parts, session, beside, interrupts, started, alone=not paper and run.live.redis is not None
            )
        facts = live_facts(loaded, books, start_ns, time.time_ns(), starting) if starting else None
        found = recovered(parts.strategy)
    finally:
        node.dispose()
    live = {"mode": "paper" if paper else "real"} | _ended(session) | found
    say("adding up")
    about = {
        # Real venues are not simulated: there is nothing to say of how they were.
        "realism": realism(loaded, []) if paper else {"venues": [], "caveats": []},
        "data": {"live": [section.venue for section in run.live.venues]},
    }
    return written.write(facts, failure, live, about, "")


def _live(
    node: LiveNode,
    parts: Components,
    session: Session,
    beside: Beside,
    interrupts: Interrupts,
    started: Callable[[], None],
    ending: Callable[[], None] = lambda: None,
    *,
    alone: bool = False,
) -> tuple[EngineBooks, BaseException | None]:
    """Run a node to its end; return its books, and why it failed if it did."""
    books = EngineBooks(node.cache, node.portfolio)
    parts.join(node)
    beside.join(node)

    def withdrawing() -> None:
        beside.ending()
        ending()

    try:
        with interrupts.heard_by(session.end):
            if alone:
                session.run_alone(started, withdrawing)
            else:
                asyncio.run(session.run(started, withdrawing))
    except RuntimeError as error:
        cause = parts.failure or beside.failure or error
        if isinstance(cause, UserError):
            raise cause from None
        if not session.began:
            raise UserError(f"the node did not start: {error}") from cause
        raise RunFailedError("the node broke off") from cause
    finally:
        parts.recorder.close()
    return books, parts.failure or beside.failure


def _config(
    config: TypedStrategyConfig, claims: Sequence[str] = (), keeping: Keeping | None = None
) -> TypedStrategyConfig:
    """Return the strategy's config as a node on live data takes it.

    Without the latencies of a simulated venue; orders and positions that are there when it starts are its own where it
    `claims` their instrument, unless the run file says which. Its state is kept where `keeping` says.
    """
    fields = config.to_dict()
    fields |= {name: {} for name in ("arrival", "arrivals") if name in fields}
    if keeping is not None and "state_file" in type(config.settings).model_fields:
        fields["state_file"] = str(keeping.state_file)
    if claims:
        fields.setdefault("external_order_instrument_ids", list(claims))
    return type(config)(**fields)


def _check_confirmed(run: LiveRun, mode: Real) -> None:
    """Refuse to send orders to an account that the operator has not named.

    Raises
    ------
    ConfigError
        With every account that was not named, and every name that is no account of the run.

    """
    accounts = [section.account for section in run.live.venues]
    problems = [
        f"--confirm {account}: is required for real orders ({'play' if section.is_play_money else 'real'} money)"
        for account, section in zip(accounts, run.live.venues, strict=True)
        if account not in mode.confirmed
    ]
    problems += [
        f"--confirm {name}: is no account of the run; there are {', '.join(accounts)}"
        for name in mode.confirmed
        if name not in accounts
    ]
    if problems:
        raise ConfigError(run.loaded.path, problems)


def _dead_men(run: LiveRun, node: LiveNode) -> AbstractContextManager[None]:
    """Return what keeps the dead-man switches of the venues that have one."""
    if all(getattr(section, "dead_man_s", None) is None for section in run.live.venues):
        return nullcontext()
    try:
        from mm_nautilus.live.dead_man import dead_men  # noqa: PLC0415 - needs an extra
    except ModuleNotFoundError as error:
        raise UserError(f"live.venues: dead_man_s needs {error.name}: pip install 'mm-nautilus[live]'") from None
    return dead_men(run, node)


def _where(doing: str, beside: Beside) -> str:
    return f"{doing}; page at {beside.url}" if beside.url else doing


def _ended(session: Session) -> dict[str, Any]:
    return {"ended_by": session.ended_by, "left_open": session.left_open, "left_held": session.left_held}
