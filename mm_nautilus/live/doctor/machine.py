"""What this machine has to offer: versions, disk, ports, servers it needs."""

from __future__ import annotations

import re
import shutil
import socket
import sys
from importlib.metadata import PackageNotFoundError, metadata, requires, version
from importlib.util import find_spec
from pathlib import Path
from typing import Final

_ENGINE: Final = "nautilus_trader"
_BOUND: Final = re.compile(r"(>=|<)\s*(\d+)\.(\d+)")


def python_versions() -> tuple[tuple[int, int], tuple[tuple[int, int], tuple[int, int]]]:
    """Return the interpreter's version, and the first that is allowed with the first that is not."""
    bounds = {sign: (int(major), int(minor)) for sign, major, minor in _BOUND.findall(_requires_python())}
    return sys.version_info[:2], (bounds[">="], bounds["<"])


def engine_versions() -> tuple[str, str]:
    """Return the engine's version, empty where there is none, and the one this project is pinned to."""
    pins = (one for one in requires("mm-nautilus") or [] if one.replace("-", "_").startswith(_ENGINE))
    pinned = next(pins).partition("==")[2].partition(";")[0].strip()
    try:
        return version(_ENGINE), pinned
    except PackageNotFoundError:
        return "", pinned


def is_there(module: str) -> bool:
    """Return whether a module can be imported."""
    return find_spec(module) is not None


def free_mb(folder: Path) -> float:
    """Return the free space where a folder is or will be, in megabytes."""
    place = folder.resolve()
    while not place.exists():
        place = place.parent
    return shutil.disk_usage(place).free / 1e6


def why_not_listen(host: str, port: int) -> str:
    """Return why nothing can be served at an address, empty where something can."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0][0]
        with socket.socket(family, socket.SOCK_STREAM) as listener:
            # As servers do: what is left over from a connection that has just ended is no obstacle.
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((host, port))
    except OSError as error:
        return error.strerror or str(error)
    return ""


def why_not_connect(host: str, port: int, timeout_s: float = 3.0) -> str:
    """Return why nobody answers at an address, empty where somebody does."""
    try:
        with socket.create_connection((host, port), timeout_s):
            return ""
    except OSError as error:
        return f"{host}:{port}: {error.strerror or error}"


def _requires_python() -> str:
    return metadata("mm-nautilus")["Requires-Python"]
