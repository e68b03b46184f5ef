"""Where the server of a run is: ``live.json`` in its folder, which holds no secret."""

from __future__ import annotations

import os
import socket
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Final, Self

import orjson

from mm_nautilus.errors import ConfigError, UserError
from mm_nautilus.live_settings.beside import MonitorSettings

_FILE: Final = "live.json"
_NEEDED: Final = ("aiohttp", "prometheus_client")


@dataclass(frozen=True, slots=True)
class Address:
    """How to reach a server while its run lasts."""

    url: str
    control: bool
    token_env: str
    pid: int
    """Of the node."""

    def write(self, run_folder: Path) -> None:
        """Leave it in the run folder; who sees it sees it whole."""
        temporary = run_folder / f"{_FILE}.tmp"
        temporary.write_bytes(orjson.dumps(asdict(self), option=orjson.OPT_INDENT_2) + b"\n")
        temporary.replace(run_folder / _FILE)

    @classmethod
    def read(cls, run_folder: Path) -> Self:
        """Find it there.

        Raises
        ------
        UserError
            Where there is none, or it cannot be read.

        """
        path = run_folder / _FILE
        try:
            return cls(**orjson.loads(path.read_bytes()))
        except FileNotFoundError:
            words = (
                "the run has ended, or serves nothing (live.monitor.port)" if run_folder.is_dir() else "no such folder"
            )
            raise UserError(f"{path}: is not there: {words}") from None
        except (OSError, ValueError, TypeError) as error:
            raise UserError(f"{path}: cannot be read ({error})") from None

    @staticmethod
    def remove(run_folder: Path) -> None:
        """Take it away when nothing answers there any more."""
        (run_folder / _FILE).unlink(missing_ok=True)


def address_of(settings: MonitorSettings, listening: socket.socket) -> Address:
    """Return the address of a socket that listens."""
    port = listening.getsockname()[1]
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return Address(f"http://{host}:{port}", settings.control, settings.token_env, os.getpid())


def can_serve() -> bool:
    """Return whether what a server needs is installed."""
    return all(find_spec(name) is not None for name in _NEEDED)


def listening_socket(path: Path, settings: MonitorSettings) -> socket.socket:
    """Return a socket that listens where the settings say.

    Parameters
    ----------
    path : Path
        The run file, for the error.
    settings : MonitorSettings
        With a port.

    Raises
    ------
    ConfigError
        When the port is in use, the host is none of this machine, or the extra is not installed.

    """
    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        words = f"needs {' and '.join(missing)}: pip install 'mm-nautilus[live]'"
        raise ConfigError(path, [f"live.monitor.port: {words}"])
    port = 0 if settings.port == "any" else settings.port
    try:
        family, kind, number, _, place = socket.getaddrinfo(settings.host, port, type=socket.SOCK_STREAM)[0]
    except socket.gaierror as error:
        raise ConfigError(path, [f"live.monitor.host: {settings.host} is no address ({error.strerror})"]) from None
    listening = socket.socket(family, kind, number)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(place)
        listening.listen(128)
    except OSError as error:
        listening.close()
        words = f"{settings.host}:{port} cannot be listened at ({error.strerror}); another node may run, or say 'any'"
        raise ConfigError(path, [f"live.monitor.port: {words}"]) from None
    return listening
