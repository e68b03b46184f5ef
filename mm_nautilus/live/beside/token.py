"""The token of the control channel: from the environment, or made for this run and kept where only its owner reads."""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from mm_nautilus.errors import ConfigError, ParameterError, UserError
from mm_nautilus.live_settings.beside import MonitorSettings

_SHORTEST: Final = 16


def given_token(settings: MonitorSettings, environment: Mapping[str, str] = os.environ) -> str:
    """Return the token of the environment, empty where there is none.

    Raises
    ------
    ParameterError
        Where it is too short to be one, or cannot be sent in a header.

    """
    token = environment.get(settings.token_env, "").strip()
    if token and (len(token) < _SHORTEST or not token.isascii() or not token.isprintable() or " " in token):
        allowed = f"at least {_SHORTEST} printable ASCII characters without a blank (openssl rand -hex 32)"
        raise ParameterError(f"environment variable {settings.token_env}", f"{len(token)} characters", allowed)
    return token


def check_token(path: Path, settings: MonitorSettings, environment: Mapping[str, str] = os.environ) -> None:
    """Refuse a server that others can reach without a token.

    Raises
    ------
    ConfigError
        Naming the variable.

    """
    if settings.on and not settings.is_loopback and not given_token(settings, environment):
        words = f"live.monitor.host: {settings.host} is reached from elsewhere; set the environment variable "
        raise ConfigError(path, [f"{words}{settings.token_env} to a token (openssl rand -hex 32)"])


def made_token(run_folder: Path) -> tuple[str, Path]:
    """Make a token for one run; return it, and the file of mode 0600 that it was written to.

    Raises
    ------
    UserError
        Where no such file can be written.

    """
    token, path = secrets.token_urlsafe(32), token_file(run_folder)
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.unlink(missing_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(token)
    except OSError as error:
        raise UserError(f"{path}: the token of the control channel cannot be written ({error.strerror})") from None
    return token, path


def token_file(run_folder: Path, environment: Mapping[str, str] = os.environ) -> Path:
    """Return where the token of a run is: never in its folder, which is shown around."""
    home = environment.get("XDG_RUNTIME_DIR") or environment.get("XDG_STATE_HOME")
    base = Path(home) if home else Path.home() / ".local" / "state"
    place = run_folder.resolve()
    digest = hashlib.sha256(str(place).encode()).hexdigest()[:12]  # two runs of one name may start within a second
    return base / "mm-nautilus" / f"{place.name}-{digest}.token"


def known_token(settings_token_env: str, run_folder: Path, environment: Mapping[str, str] = os.environ) -> str:
    """Return the token for the control channel of a run, as its operator has it.

    Raises
    ------
    UserError
        Where there is none.

    """
    token = environment.get(settings_token_env, "").strip()
    if token:
        return token
    path = token_file(run_folder, environment)
    try:
        return path.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        words = f"no token: neither is {settings_token_env} set, nor is there {path}"
        raise UserError(f"{words}; the run has ended, or was started by somebody else") from None
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror})") from None
