"""The systemd unit and the container are made of things that exist."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
UNIT = (ROOT / "deploy" / "mm-nautilus@.service").read_text()
DOCKERFILE = (ROOT / "deploy" / "Dockerfile").read_text()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd-analyze here")
def test_systemd_takes_the_unit(tmp_path: Path) -> None:
    unit = tmp_path / "mm-nautilus@bybit.service"
    unit.write_text(re.sub(r"ExecStart=\S+", f"ExecStart={sys.executable}", UNIT).replace("file:/opt", "file:/"))
    ended = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(unit)], capture_output=True, text=True, timeout=60, check=False
    )
    assert (ended.returncode, ended.stdout + ended.stderr) == (0, "")


def test_the_unit_gives_a_stop_the_time_it_takes() -> None:
    settings = dict(re.findall(r"^(\w+)=(.*)$", UNIT, re.MULTILINE))
    assert settings["KillSignal"] == "SIGTERM"
    assert settings["KillMode"] == "mixed"  # the signal is the node's; it ends its server itself
    assert int(settings["TimeoutStopSec"]) >= 10 + 30 + 30  # withdraw, flatten, report
    assert settings["LimitCORE"] == "0"
    assert re.search(r"mm-nautilus live /etc/mm-nautilus/%i\.toml \$MM_MODE --output", settings["ExecStart"])


def test_the_image_copies_what_is_there_and_all_that_the_wheel_needs() -> None:
    copied = {name for line in re.findall(r"^COPY (?!--)(.*) \S+$", DOCKERFILE, re.MULTILINE) for name in line.split()}
    assert all((ROOT / name).exists() for name in copied)
    packages = set(PROJECT["tool"]["setuptools"]["package-dir"].values())
    assert packages | {"pyproject.toml", "uv.lock", "README.md", "LICENSE"} <= copied
    ignored = (ROOT / "deploy" / "Dockerfile.dockerignore").read_text().splitlines()
    assert {line.removeprefix("!") for line in ignored if line.startswith("!")} == copied


def test_the_image_has_the_python_and_the_extras_of_the_project() -> None:
    assert set(re.findall(r"^FROM python:(\S+)-slim", DOCKERFILE, re.MULTILINE)) == {
        (ROOT / ".python-version").read_text().strip()
    }
    extras = set(re.findall(r"--extra (\w+)", DOCKERFILE))
    assert {"live", "redis"} == extras <= PROJECT["project"]["optional-dependencies"].keys()
