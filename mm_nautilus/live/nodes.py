"""A live node from a loaded run: its venues, real or simulated, and what watches over them."""

from __future__ import annotations

from math import ceil
from pathlib import Path

from nautilus_trader.adapters.sandbox import SandboxExecutionClientConfig, SandboxExecutionClientFactory
from nautilus_trader.common import Environment, FileWriterConfig, LoggerConfig, LogLevel
from nautilus_trader.live import (
    LiveExecutionEngineConfig,
    LiveNodeBuilder,
    LiveNodeConfig,
    LiveRiskEngineConfig,
)
from nautilus_trader.model import AccountId, AccountType, BookType, Money, OmsType, TraderId, Venue

from mm_nautilus.config import VenueSection
from mm_nautilus.errors import ConfigError
from mm_nautilus.host.simulated import UNLIMITED, fee_model, fill_model, latency_model
from mm_nautilus.live.adapters import clients
from mm_nautilus.live.credentials import wanted
from mm_nautilus.live.redis import with_redis
from mm_nautilus.live.replay.client import ReplayClientConfig, ReplayClientFactory, ReplayFeed
from mm_nautilus.live.settings import LiveRun

# They say at INFO what the run log has of every order, and cost as much as deciding does.
_TALKATIVE = (
    "nautilus_trading::strategy",
    "nautilus_portfolio::manager",
    "nautilus_portfolio::portfolio",
    "nautilus_execution::engine",
)
# Once it has asked this often what became of an order with a command in flight, the engine decides by itself that the
# order is over, also while the venue tells it each time that the order rests. Only the venue's word ends an order here.
_FOR_EVER = 2**32 - 1
# A submit may wait in a lost connection and arrive with the next one; no fill of an order that was given up is booked.
_GIVEN_UP_AFTER_S = 25.0
_BOOK_TYPES = {"L1": BookType.L1_MBP, "L2": BookType.L2_MBP, "L3": BookType.L3_MBO}


def replay_node(run: LiveRun, feed: ReplayFeed, logs: Path) -> LiveNodeBuilder:
    """Return a node whose data are replayed and whose venues are simulated; commands travel outside of it."""
    builder = _builder(run, Environment.SANDBOX, logs, drain_s=0.0)
    for section in run.loaded.run_file.venues:
        config = ReplayClientConfig(venue=section.name, feed=feed)
        builder = builder.add_data_client(section.name, ReplayClientFactory(), config)
        builder = _simulated(builder, run, section, latency=False)
    return builder


def paper_node(run: LiveRun, logs: Path) -> LiveNodeBuilder:
    """Return a node whose data are live and whose venues are simulated, as the run file's ``[[venues]]`` say."""
    builder = _builder(run, Environment.SANDBOX, logs, drain_s=1.0)
    for section in run.live.venues:
        keys, _ = wanted(section).read()
        made = clients(section, keys, _traded_on(run, section.venue), execution=False)
        builder = builder.add_data_client(section.venue, made.data_factory, made.data_config)
    for simulated in run.loaded.run_file.venues:
        builder = _simulated(builder, run, simulated, latency=True)
    return builder


def real_node(run: LiveRun, logs: Path) -> LiveNodeBuilder:
    """Return a node whose data and orders are those of the venues.

    Raises
    ------
    ConfigError
        With every environment variable that is missing.

    """
    builder, problems = _builder(run, Environment.LIVE, logs, drain_s=1.0), []
    for section in run.live.venues:
        keys, missing = wanted(section).read()
        problems += [f"environment variable {name}: is required for {section.account}" for name in missing]
        if missing:
            continue
        made = clients(section, keys, _traded_on(run, section.venue), execution=True)
        builder = builder.add_data_client(section.venue, made.data_factory, made.data_config)
        builder = builder.add_exec_client(section.venue, made.execution_factory, made.execution_config)
    if problems:
        raise ConfigError(run.loaded.path, problems)
    return builder if run.live.redis is None else with_redis(builder, run.live.redis)


def _logger(run: LiveRun, logs: Path) -> LoggerConfig:
    """Return what is printed, and what is written as JSON lines into files that take turns."""
    printed, written = LogLevel.from_str(run.loaded.run_file.log.level), run.live.log
    if written.level == "OFF":
        return LoggerConfig(stdout_level=printed)
    files = FileWriterConfig(str(logs), "node", "json", (written.max_mb * 1_000_000, written.backups))
    detailed = "DEBUG" in {written.level, run.loaded.run_file.log.level}
    return LoggerConfig(
        stdout_level=printed,
        fileout_level=LogLevel.from_str(written.level),
        file_config=files,
        component_levels=None if detailed else dict.fromkeys(_TALKATIVE, "WARNING"),
    )


def looks_before_given_up(every_s: float) -> int:
    """Return at how many looks, `every_s` seconds apart, the venue may not know an order before it is given up."""
    return max(5, ceil(_GIVEN_UP_AFTER_S / every_s))


def _builder(run: LiveRun, environment: Environment, logs: Path, drain_s: float) -> LiveNodeBuilder:
    live, checks = run.live, run.live.checks
    real = environment is Environment.LIVE
    config = LiveNodeConfig(
        environment=environment,
        trader_id=TraderId(live.trader),
        logging=_logger(run, logs),
        timeout_connection_secs=live.connect_within_s,
        delay_post_stop_secs=drain_s,
        exec_engine=LiveExecutionEngineConfig(
            reconciliation=real,
            reconciliation_startup_delay_secs=0.0,
            inflight_check_interval_ms=min(checks.inflight_after_ms, 1_000) if real else 0,
            inflight_check_threshold_ms=checks.inflight_after_ms,
            inflight_check_retries=_FOR_EVER,
            open_check_interval_secs=checks.open_orders_every_s if real else None,
            open_check_open_only=False,  # an order that closed unseen would stay open in the engine forever
            open_check_lookback_mins=checks.lookback_min,
            open_check_missing_retries=looks_before_given_up(checks.open_orders_every_s),
            position_check_interval_secs=checks.positions_every_s if real else None,
            # By default whatever moved within five seconds is left out: a market maker's position always has.
            open_check_threshold_ms=checks.inflight_after_ms,
            position_check_threshold_ms=checks.inflight_after_ms,
            position_check_lookback_mins=checks.lookback_min,
            # An order keeps kilobytes and every account event is looked through again. On a real venue nothing may go
            # that a look at its orders still asks about: it would come back as somebody else's.
            purge_closed_orders_interval_mins=1,
            purge_closed_orders_buffer_mins=checks.lookback_min + 5 if real else 1,
            purge_account_events_interval_mins=1,
            purge_account_events_lookback_mins=1,
        ),
        risk_engine=LiveRiskEngineConfig(max_order_submit_rate=UNLIMITED, max_order_modify_rate=UNLIMITED),
    )
    return LiveNodeBuilder.from_config(run.loaded.run_file.run.name, config)


def _simulated(builder: LiveNodeBuilder, run: LiveRun, section: VenueSection, *, latency: bool) -> LiveNodeBuilder:
    """Add a venue that is simulated as in a backtest."""
    config = SandboxExecutionClientConfig(
        venue=Venue(section.name),
        account_id=AccountId(f"{section.name}-001"),
        starting_balances=[Money.from_str(money) for money in section.starting_balances],
        account_type=AccountType.CASH if section.account == "CASH" else AccountType.MARGIN,
        oms_type=OmsType.NETTING,
        default_leverage=section.default_leverage,
        book_type=_BOOK_TYPES[run.loaded.book_on(section.name)],
        fee_model=fee_model(section.fees),
        fill_model=fill_model(section, run.loaded.run_file.run.seed),
        queue_position=section.queue_position,
        liquidity_consumption=section.liquidity_consumption,
        latency_model=latency_model(section) if latency else None,
    )
    return builder.add_simulated_exec_client(section.name, SandboxExecutionClientFactory(), config)


def _traded_on(run: LiveRun, venue: str) -> list[str]:
    return [name for name in run.loaded.instrument_ids if name.rpartition(".")[2] == venue]
