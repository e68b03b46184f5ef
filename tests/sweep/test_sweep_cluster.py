"""A sweep on a Ray cluster that stands already: every node takes part, and each worker looks at the data once."""

import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from sweep_kit import run_file

pytest.importorskip("ray")
pytestmark = [pytest.mark.e2e, pytest.mark.long]

COMMAND = [sys.executable, "-c", "from mm_nautilus.cli import main; main()", "sweep"]

TOKEN = secrets.token_hex(32)

COUNTED = """
import os
from pathlib import Path

import ray

from mm_nautilus.strategies import MarketMaker, MarketMakerConfig
from mm_nautilus.sweep import data


def note(what):
    node = ray.get_runtime_context().get_node_id() if ray.is_initialized() else "driver"
    with (Path(__file__).parent / "notes").open("a") as notes:
        notes.write(f"{what} {node} {os.getpid()}\\n")


look = data.prepared_catalog


def counted(loaded):
    note("looked")
    return look(loaded)


data.prepared_catalog = counted


class Config(MarketMakerConfig):
    pass


class Maker(MarketMaker):
    def on_start(self):
        note("ran")
        super().on_start()
"""


def free_ports(count: int) -> list[int]:
    """Return ports that nobody listens at."""
    with ExitStack() as stack:
        found = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in found:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in found]


def environment(modules: Path) -> dict[str, str]:
    """Return the surroundings of the cluster's processes; whoever has not the token is no part of it."""
    own = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": TOKEN, "RAY_ENABLE_UV_RUN_RUNTIME_ENV": "0"}
    return {**os.environ, **own, "PYTHONPATH": str(modules)}


@contextmanager
def node(modules: Path, *which: str) -> Iterator[None]:
    """Start a Ray node of one core on the loopback, and end it with everything it started."""
    agent, metrics, environments = (str(port) for port in free_ports(3))
    command = [
        *(sys.executable, "-c", "from ray.scripts.scripts import main; main()", "start", *which),
        *("--node-ip-address", "127.0.0.1", "--num-cpus", "1", "--object-store-memory", "80000000"),
        *("--dashboard-agent-listen-port", agent, "--metrics-export-port", metrics),
        *("--runtime-env-agent-port", environments, "--disable-usage-stats", "--block"),
    ]
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environment(modules),
        start_new_session=True,
    )
    try:
        assert process.stdout is not None
        said = []
        for line in process.stdout:
            said.append(line)
            if "Ray runtime started" in line:
                break
        else:
            pytest.fail("".join(said))
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.communicate(timeout=60)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()


def swept(path: Path, address: str, seeds: str, output: Path) -> str:
    done = subprocess.run(
        [*COMMAND, str(path), "--param", f"strategy.gamma={seeds}", "--address", address, "--output", str(output)],
        capture_output=True,
        text=True,
        env=environment(path.parent),
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return " ".join(done.stdout.split())


def noted(folder: Path) -> tuple[Counter[str], Counter[str], set[str]]:
    """Return how often each worker looked at the data, how often it ran, and the nodes; forget it."""
    notes = [line.split() for line in (folder / "notes").read_text().splitlines()]
    (folder / "notes").unlink()
    notes = [one for one in notes if one[1] != "driver"]
    looked, ran = (Counter(pid for what, _, pid in notes if what == wanted) for wanted in ("looked", "ran"))
    return looked, ran, {name for _, name, _ in notes}


def test_one_node_and_then_two_share_the_runs_and_each_worker_looks_once(tmp_path: Path) -> None:
    (tmp_path / "counted.py").write_text(COUNTED)
    path, output = run_file(tmp_path), tmp_path / "out"
    text = path.read_text().replace("mm_nautilus.strategies:MarketMaker", "counted:Maker")
    path.write_text(text.replace("[strategy]", '[strategy]\nconfig_path = "counted:Config"'))
    (port,) = free_ports(1)
    # A socket's path may not be longer than a hundred characters.
    temporary = tempfile.mkdtemp(prefix="ray-", dir="/tmp")
    address = f"127.0.0.1:{port}"
    head = ["--head", "--port", str(port), "--temp-dir", temporary]
    try:
        with node(tmp_path, *head, "--include-dashboard", "false"):
            assert "4 of 4 runs completed" in swept(path, address, "0.1:0.4:4", output)
            looked, ran, nodes = noted(tmp_path)
            assert len(nodes) == len(ran) == 1
            assert list(ran.values()) == [4]
            assert list(looked.values()) == [1], "three of four runs found the data looked at"
            with node(tmp_path, "--address", address):
                assert "8 of 8 runs completed" in swept(path, address, "0.5:1.2:8", output)
                looked, ran, nodes = noted(tmp_path)
                assert len(nodes) == len(ran) == 2, "both nodes took part"
                assert sum(ran.values()) == 8
                assert looked == Counter(dict.fromkeys(ran, 1))
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
