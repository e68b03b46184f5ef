"""Who is let in: the token, and how often one may be wrong about it."""

from __future__ import annotations

import base64
import stat
from pathlib import Path

import pytest

from mm_nautilus.errors import ConfigError, ParameterError, UserError
from mm_nautilus.live.beside.access import ALWAYS_PASS, Access
from mm_nautilus.live.beside.token import check_token, given_token, known_token, made_token, token_file
from mm_nautilus.live_settings.beside import MonitorSettings

TOKEN = "a-token-of-some-length"
BEARER = {"Authorization": f"Bearer {TOKEN}", "Host": "127.0.0.1:8787"}


def access(loopback: bool = True, per_minute: int = 5, token: str = TOKEN) -> Access:
    return Access(token, loopback, per_minute)


@pytest.mark.parametrize("host", ["127.0.0.1:8787", "localhost:8787", "localhost", "[::1]:8787", "LOCALHOST:1"])
def test_on_loopback_everybody_on_the_machine_may_look(host: str) -> None:
    assert access().to_look({"Host": host}, "127.0.0.1", 0.0).status == 200


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8787", "", "127.0.0.1.evil.example:80"])
def test_a_web_site_that_points_its_name_at_this_machine_sees_nothing(host: str) -> None:
    rules = access()
    assert rules.to_look({"Host": host}, "127.0.0.1", 0.0).status == 403
    assert rules.to_command("halt", BEARER | {"Host": host}, "127.0.0.1", 0.0).status == 403
    assert rules.refused == {"host": 2}


def test_beyond_loopback_everything_needs_the_token() -> None:
    rules = access(loopback=False)
    assert rules.to_look({"Host": "desk.example"}, "10.0.0.1", 0.0).status == 401
    assert rules.to_look(BEARER | {"Host": "desk.example"}, "10.0.0.1", 0.0).status == 200
    basic = base64.b64encode(f"anybody:{TOKEN}".encode()).decode()
    assert rules.to_look({"Authorization": f"Basic {basic}"}, "10.0.0.1", 0.0).status == 200


@pytest.mark.parametrize(
    "header",
    ["", TOKEN, "Bearer ", "Bearer wrong", f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}", f"Basic {TOKEN}", "Bearer é"],
)
def test_a_command_without_the_very_token_is_refused(header: str) -> None:
    rules = access()
    verdict = rules.to_command("status", {"Authorization": header, "Host": "localhost"}, "127.0.0.1", 0.0)
    assert verdict.status == 401
    assert rules.refused == {"token": 1}


def test_what_a_browser_sends_by_itself_commands_nothing() -> None:
    basic = base64.b64encode(f"anybody:{TOKEN}".encode()).decode()
    headers = {"Authorization": f"Basic {basic}", "Host": "localhost"}
    assert access().to_command("halt", headers, "127.0.0.1", 0.0).status == 401


def test_where_there_is_no_token_nobody_knows_it() -> None:
    rules = access(token="")
    assert rules.to_command("halt", {"Authorization": "Bearer ", "Host": "localhost"}, "127.0.0.1", 0.0).status == 401


def test_guessing_is_slowed_down_and_the_owner_is_not_locked_out() -> None:
    rules = access()
    wrong = {"Authorization": "Bearer wrong", "Host": "localhost"}
    statuses = [rules.to_command("halt", wrong, "127.0.0.1", float(second)).status for second in range(20)]
    assert statuses == [401] * 10 + [429] * 10
    assert rules.to_command("halt", BEARER, "127.0.0.1", 20.0).status == 200
    assert rules.to_command("halt", wrong, "127.0.0.1", 200.0).status == 401


def test_commands_have_a_rate_that_what_reduces_risk_does_not_wait_for() -> None:
    rules = access(per_minute=3)
    assert [rules.to_command("set", BEARER, "127.0.0.1", 1.0).status for _ in range(5)] == [200] * 3 + [429] * 2
    assert {rules.to_command(one, BEARER, "127.0.0.1", 2.0).status for one in ALWAYS_PASS} == {200}
    assert rules.to_command("resume", BEARER, "127.0.0.1", 3.0).status == 429
    assert rules.to_command("resume", BEARER, "127.0.0.1", 100.0).status == 200


@pytest.mark.parametrize("token", ["short", "with a blank in the middle", "ümlaut-ümlaut-ümlaut"])
def test_a_token_of_the_environment_has_to_be_one(token: str) -> None:
    with pytest.raises(ParameterError, match="MM_NAUTILUS_TOKEN") as caught:
        given_token(MonitorSettings(port=1), {"MM_NAUTILUS_TOKEN": token})
    assert token not in str(caught.value)


@pytest.mark.parametrize(("host", "needs"), [("127.0.0.1", False), ("::1", False), ("0.0.0.0", True), ("desk", True)])
def test_a_host_that_others_reach_needs_a_token_before_anything_starts(host: str, needs: bool) -> None:
    settings = MonitorSettings(port=1, host=host)
    if needs:
        with pytest.raises(ConfigError, match=r"live\.monitor\.host"):
            check_token(Path("run.toml"), settings, {})
    else:
        check_token(Path("run.toml"), settings, {})
    check_token(Path("run.toml"), settings, {"MM_NAUTILUS_TOKEN": TOKEN})


def test_a_made_token_is_for_its_owner_alone_and_not_in_the_run_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "runtime"))
    folder = tmp_path / "runs" / "run-1"
    folder.mkdir(parents=True)
    token, path = made_token(folder)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert folder not in path.parents
    assert list(folder.iterdir()) == []
    assert known_token("MM_NAUTILUS_TOKEN", folder, {"XDG_RUNTIME_DIR": str(tmp_path / "runtime")}) == token
    again, _ = made_token(folder)
    assert again != token
    assert known_token("T", folder, {"T": TOKEN, "XDG_RUNTIME_DIR": str(tmp_path / "runtime")}) == TOKEN
    token_file(folder).unlink()
    with pytest.raises(UserError, match="no token"):
        known_token("T", folder, {"XDG_RUNTIME_DIR": str(tmp_path / "runtime")})


@pytest.mark.parametrize("table", [{"port": -1}, {"port": 70_000}, {"port": "some"}, {"control": True}, {"push_ms": 1}])
def test_settings_that_serve_nothing_are_refused(table: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"port|push_ms|control"):
        MonitorSettings.model_validate(table)
