"""What is kept between two lives: whose state it is, who holds the account, where Redis is."""

from __future__ import annotations

import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest

from mm_nautilus import strategies
from mm_nautilus.actors import Recorder
from mm_nautilus.errors import UserError
from mm_nautilus.host.traded import is_ours
from mm_nautilus.inventory.contract import Contract
from mm_nautilus.inventory.ledger import Ledger
from mm_nautilus.inventory.ledger_line import Fill
from mm_nautilus.inventory.state import StateError, save_state
from mm_nautilus.live.account_lock import locked
from mm_nautilus.live.recovering import recovering
from mm_nautilus.live.recovery import Recovering, RecoverySettings
from mm_nautilus.live.redis import cache_database, with_redis
from mm_nautilus.live.state_file import KEY, Identity, check_state, default_folder
from mm_nautilus.live_settings.table import RedisSettings
from mm_nautilus.market import Purpose, Side

MINE = Identity("MM-001", ("BYBIT-001-live",), "MarketMaker", ("BTCUSDT-LINEAR.BYBIT",))


def test_a_state_is_taken_by_the_run_that_wrote_it(tmp_path: Path) -> None:
    path = MINE.file_in(tmp_path)
    assert check_state(path, MINE) is None
    save_state(path, {KEY: MINE.saved(), "books": {}})
    state = check_state(path, MINE)
    assert state is not None
    assert state["books"] == {}


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (Identity("MM-002", *tuple(MINE.saved().values())[1:]), "trader: the file says MM-001, the run file MM-002"),
        (
            Identity("MM-001", MINE.accounts, "MarketMaker", ("ETHUSDT-LINEAR.BYBIT",)),
            "instruments: the file says BTCUSDT-LINEAR.BYBIT, the run file ETHUSDT-LINEAR.BYBIT",
        ),
        (
            Identity("MM-001", ("BYBIT-001-testnet",), "MarketMaker", MINE.instruments),
            "accounts: the file says BYBIT-001-live, the run file BYBIT-001-testnet",
        ),
    ],
)
def test_a_state_of_another_run_is_refused_in_words(tmp_path: Path, other: Identity, said: str) -> None:
    path = tmp_path / "one.state"
    save_state(path, {KEY: MINE.saved()})
    with pytest.raises(UserError) as refused:
        check_state(path, other)
    assert said in str(refused.value)


def test_a_state_that_says_nothing_of_whose_it_is_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "one.state"
    save_state(path, {"books": {}})
    with pytest.raises(UserError, match="the file says nothing"):
        check_state(path, MINE)
    path.write_bytes(b"something else")
    with pytest.raises(StateError, match="not a state file"):
        check_state(path, MINE)


def test_the_folder_of_states_is_the_users(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert default_folder() == tmp_path / "mm-nautilus"
    monkeypatch.delenv("XDG_STATE_HOME")
    assert default_folder() == Path.home() / ".local/state/mm-nautilus"


def test_an_account_is_held_by_one_process_until_it_ends(tmp_path: Path) -> None:
    program = (
        "import sys, time; from pathlib import Path; from mm_nautilus.live.account_lock import locked\n"
        f"with locked(Path({str(tmp_path)!r}), ['A-1', 'B-2']): print('held', flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with (
            pytest.raises(UserError, match=rf"B-2 is being traded by process {holder.pid} "),
            locked(tmp_path, ["B-2"]),
        ):
            pass
        with locked(tmp_path, ["C-3"]):
            pass
        holder.kill()
        holder.wait()
    with locked(tmp_path, ["A-1", "B-2"]):  # nothing is left behind by a kill
        pass


def test_redis_by_host_and_port_or_by_a_variable_that_is_never_repeated() -> None:
    plain = cache_database(RedisSettings(host="there", port=7000))
    assert (plain.host, plain.port) == ("there", 7000)
    named = RedisSettings(url_env="MM_REDIS")
    secret = cache_database(named, {"MM_REDIS": "rediss://me:p%40ss@far:7001"})
    assert (secret.host, secret.port, secret.ssl) == ("far", 7001, True)
    with pytest.raises(UserError, match="MM_REDIS is not set"):
        cache_database(named, {})
    for wrong in ("http://me:secret@far", "redis://me:secret@far:notaport", "secret"):
        with pytest.raises(UserError) as refused:
            cache_database(named, {"MM_REDIS": wrong})
        assert "secret" not in str(refused.value)


def test_a_redis_that_is_not_there_is_said_before_the_node_is_built() -> None:
    with pytest.raises(UserError, match=r"there is no Redis at 127\.0\.0\.1:1"):
        with_redis(None, RedisSettings(port=1))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "mine"),
    [
        ("O-20261122-184542-001-001-4", True),
        ("O-20261122-184542-001-A1-1234567", True),
        ("by-hand-1", False),
        ("", False),
        ("O-20261122-184542-001-001-4-x", False),
        ("0b5f6d3e-0f5e-4f6e-9d43-1d5a4f1f1c55", False),
    ],
)
def test_orders_of_ours_are_known_by_their_names(name: str, mine: bool) -> None:
    assert is_ours(name) is mine


def test_a_strangers_fill_moves_the_position_and_is_no_quotes() -> None:
    ledger = Ledger()
    contract = Contract("USDT", "BTC", Decimal(1), False)
    ledger.open("X.Y", asset="BTC", venue="Y", contract=contract)
    ledger.book(Fill(1, "X.Y", "O-1", "t1", Side.BUY, Decimal(2), Decimal(100)))
    ledger.book(Fill(2, "X.Y", "by-hand", "t2", Side.SELL, Decimal(3), Decimal(100), Purpose.EXTERNAL))
    line = ledger.line("X.Y")
    assert (line.position, line.quoted, line.adopted, line.hedged) == (-1, 2, -3, 0)
    assert ledger.unhedged("BTC", {}) == 2


HOOKS = {"_adopt_orders", "_disagree", "_on_sample", "_state", "withdraw"}


@pytest.mark.parametrize(
    "name", ["MarketMaker", "CrossVenueMarketMaker", "PortfolioMarketMaker", "CrossVenueArbitrage"]
)
def test_every_strategy_recovers_and_nothing_of_it_is_replaced_by_accident(name: str, tmp_path: Path) -> None:
    strategy = getattr(strategies, name)
    run = recovering(strategy, RecoverySettings(MINE, tmp_path / "one.state", "cancel", 1.0))
    mixed_in = [kind for kind in run.mro() if issubclass(kind, Recovering) and kind is not run]
    assert mixed_in
    named = {word for kind in mixed_in for word in vars(kind) if not word.startswith("__")}
    replaced = {word for word in named if hasattr(strategy, word) and not word.startswith("on_")}
    assert replaced <= HOOKS
    assert run.__name__ == name


def test_what_does_not_trade_is_left_as_it_is(tmp_path: Path) -> None:
    assert recovering(Recorder, RecoverySettings(MINE, tmp_path / "one.state", "cancel", 1.0)) is Recorder
