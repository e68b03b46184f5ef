"""The layout's first rule: imports go one way, and the engine stays behind its door.

The rule is the table `MAY_IMPORT`; everything below it only finds out who imports whom. Imports
count wherever they stand (in a function, under ``TYPE_CHECKING``, relative, by ``import_module``
with a literal name).
"""

import ast
import graphlib
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE_DIR: dict[str, str] = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["package-dir"]

# A room is a package or module right under `mm_nautilus` (or that package's own `__init__`, "mm_nautilus").
GROUND = {"mm_nautilus", "market", "errors", "settings", "messages"}
PRICING = {"estimators", "models"}
DECIDING = {"quoting", "inventory", "adverse_selection", "venues", "risk"}
LIBRARY = GROUND | PRICING | DECIDING | {"live_settings", "config", "calibration"}
SHELL = {"strategies", "actors", "catalog"}
ROOF = {
    "cli", "backtest", "calibrate", "experiment", "live", "parity", "sensitivity", "stress", "sweep", "train",
    "run_backtest", "run_live",
}  # fmt: skip

MAY_IMPORT: dict[str, set[str]] = {
    **dict.fromkeys(GROUND, GROUND),
    **dict.fromkeys(PRICING, GROUND),  # estimators and models never see each other
    **dict.fromkeys(DECIDING, GROUND | PRICING | DECIDING),
    "live_settings": GROUND | DECIDING,
    "config": GROUND | PRICING | DECIDING | {"live_settings"},
    "calibration": GROUND | PRICING | DECIDING | {"config"},
    "analytics": LIBRARY,  # reads what was recorded; only the roof may ask for it
    "host": LIBRARY,
    **dict.fromkeys(SHELL, LIBRARY | {"host"}),
    **dict.fromkeys(ROOF, LIBRARY | {"analytics", "host"} | SHELL | ROOF),
}
MAY_IMPORT_ENGINE = {"host"} | SHELL | ROOF
MODULE_MAY_ALSO_IMPORT = {
    "mm_nautilus.actors.recorder": {"analytics"},  # writes the run log that analytics reads, and decides nothing
}


def sources(root: Path) -> dict[str, Path]:
    """Map every module name to its file: the packages of pyproject.toml and the run scripts."""
    found = {script.stem: script for script in root.glob("run_*.py")}
    for package, folder in PACKAGE_DIR.items():
        for file in (root / folder).rglob("*.py"):
            parts = file.relative_to(root / folder).with_suffix("").parts
            found[".".join((package, *(part for part in parts if part != "__init__")))] = file
    return found


def room_of(module: str) -> str:
    """Return the room a module lives in."""
    package, _, rest = module.partition(".")
    return rest.partition(".")[0] if package == "mm_nautilus" and rest else package


def imported(module: str, file: Path, modules: set[str]) -> Iterator[tuple[int, str]]:
    """Yield line and absolute name of everything `file` imports."""
    package = module if file.name == "__init__.py" else module.rpartition(".")[0]
    for node in ast.walk(ast.parse(file.read_text(), str(file))):
        match node:
            case ast.Import(names=names):
                yield from ((node.lineno, alias.name) for alias in names)
            case ast.ImportFrom(module=name, names=names, level=level):
                anchor = ".".join(package.split(".")[: len(package.split(".")) - level + 1]) if level else ""
                origin = ".".join(part for part in (anchor, name) if part)
                for alias in names:
                    member = f"{origin}.{alias.name}"
                    yield node.lineno, member if member in modules else origin
            case ast.Call(
                func=ast.Name(id="import_module" | "__import__") | ast.Attribute(attr="import_module"),
                args=[ast.Constant(value=str(name)), *_],
            ):
                yield node.lineno, name


def graph(root: Path) -> Iterator[tuple[str, str, str]]:
    """Yield ``(place, module, target)`` for each import of ours or of the engine."""
    files = sources(root)
    ours = {name.partition(".")[0] for name in files} | SHELL
    for module, file in sorted(files.items()):
        for line, target in imported(module, file, set(files)):
            if target.partition(".")[0] in ours | {"nautilus_trader"}:
                yield f"{file.relative_to(root)}:{line}", module, target


def violations(root: Path) -> list[str]:
    """Return one line per import that breaks the rule."""
    problems = [
        f"{file.relative_to(root)}: room {room_of(module)!r} is in no row of MAY_IMPORT; say there what it may import"
        for module, file in sources(root).items()
        if room_of(module) not in MAY_IMPORT
    ]
    for place, module, target in graph(root):
        room, target_room = room_of(module), room_of(target)
        allowed = {room} | MAY_IMPORT.get(room, set()) | MODULE_MAY_ALSO_IMPORT.get(module, set())
        if target.partition(".")[0] in SHELL:
            problems.append(f"{place}: import {target} as mm_nautilus.{target}")
        elif target_room == "nautilus_trader":
            if room not in MAY_IMPORT_ENGINE:
                problems.append(f"{place}: {room} may not import the engine ({target})")
        elif target_room not in allowed:
            problems.append(f"{place}: {room} may not import {target}")
    return problems


def cycle(root: Path) -> list[str]:
    """Return a ring of rooms that import each other, empty when there is none."""
    needs: dict[str, set[str]] = {}
    for _, module, target in graph(root):
        if room_of(module) != room_of(target):
            needs.setdefault(room_of(module), set()).add(room_of(target))
    try:
        graphlib.TopologicalSorter(needs).prepare()
    except graphlib.CycleError as error:
        return list(error.args[1])
    return []


def test_every_import_goes_down_the_house() -> None:
    assert violations(ROOT) == []


def test_no_two_rooms_need_each_other() -> None:
    assert cycle(ROOT) == []


def test_the_whole_house_is_read() -> None:
    modules = sources(ROOT)
    assert modules["mm_nautilus.market"] == ROOT / "mm_nautilus/market.py"
    assert modules["mm_nautilus.strategies"] == ROOT / "strategies/__init__.py"
    assert len(modules) == len(list((ROOT / "mm_nautilus").rglob("*.py"))) + sum(
        len(list((ROOT / folder).rglob("*.py"))) for folder in SHELL
    ) + len(list(ROOT.glob("run_*.py")))


def house(root: Path, files: dict[str, str]) -> Path:
    """Write a small house with one `__init__` per package and the given files."""
    for package in ("estimators", "models", "quoting", "inventory", "analytics", "host", "cli"):
        files.setdefault(f"mm_nautilus/{package}/__init__.py", "")
    for name, text in (
        {"mm_nautilus/market.py": "", "strategies/__init__.py": "", "catalog/__init__.py": ""} | files
    ).items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


@pytest.mark.parametrize(
    ("file", "text", "complaint"),
    [
        ("mm_nautilus/market.py", "import mm_nautilus.models", "market may not import mm_nautilus.models"),
        ("mm_nautilus/models/glft.py", "from mm_nautilus.estimators import volatility", "models may not import"),
        ("mm_nautilus/estimators/ewma.py", "from ..models import glft", "estimators may not import mm_nautilus.models"),
        ("mm_nautilus/estimators/__init__.py", "from .. import models", "estimators may not import mm_nautilus.models"),
        ("mm_nautilus/models/a.py", "def f():\n    import nautilus_trader.model", "models may not import the engine"),
        (
            "mm_nautilus/quoting/a.py",
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from nautilus_trader.model import Price",
            "quoting/a.py:3: quoting may not import the engine",
        ),
        ("mm_nautilus/messages.py", "from nautilus_trader import model as m", "messages may not import the engine"),
        ("mm_nautilus/analytics/a.py", "import nautilus_trader", "analytics may not import the engine"),
        (
            "mm_nautilus/quoting/a.py",
            "from mm_nautilus import analytics",
            "quoting may not import mm_nautilus.analytics",
        ),
        (
            "strategies/a.py",
            "from mm_nautilus.analytics import report",
            "strategies may not import mm_nautilus.analytics",
        ),
        (
            "strategies/a.py",
            "from ..analytics.report import x",
            "strategies may not import mm_nautilus.analytics.report",
        ),
        ("mm_nautilus/host/a.py", "from ..strategies import MarketMaker", "host may not import mm_nautilus.strategies"),
        ("actors/risk.py", "from mm_nautilus.analytics import metrics", "actors may not import mm_nautilus.analytics"),
        ("strategies/a.py", "from mm_nautilus import catalog", "strategies may not import mm_nautilus.catalog"),
        ("strategies/a.py", "from catalog import store", "import catalog as mm_nautilus.catalog"),
        ("catalog/a.py", "from mm_nautilus.cli import main", "catalog may not import mm_nautilus.cli"),
        ("mm_nautilus/host/a.py", "import run_backtest", "host may not import run_backtest"),
        ("run_backtest.py", "import strategies.market_maker", "import strategies.market_maker as mm_nautilus."),
        (
            "mm_nautilus/models/a.py",
            "import importlib\nimportlib.import_module('nautilus_trader.model')",
            "models may not import the engine",
        ),
        ("mm_nautilus/surprise.py", "", "room 'surprise' is in no row of MAY_IMPORT"),
    ],
)
def test_a_broken_rule_is_found(tmp_path: Path, file: str, text: str, complaint: str) -> None:
    problems = violations(house(tmp_path, {"run_backtest.py": "", file: text}))
    assert len(problems) == 1
    assert complaint in problems[0]


def test_what_is_allowed_is_not_complained_about(tmp_path: Path) -> None:
    root = house(
        tmp_path,
        {
            "mm_nautilus/models/glft.py": "import numpy\nfrom mm_nautilus.market import Quote\nfrom . import b",
            "mm_nautilus/models/b.py": "from mm_nautilus.models.glft import c",
            "mm_nautilus/quoting/a.py": "from ..models.glft import x\nfrom ..inventory import y",
            "mm_nautilus/host/a.py": "import nautilus_trader.model\nfrom mm_nautilus.quoting import a",
            "strategies/a.py": "from nautilus_trader.trading import Strategy\nfrom mm_nautilus.host import a",
            "mm_nautilus/cli/a.py": "def f():\n    from mm_nautilus import analytics, catalog",
            "actors/recorder.py": "from mm_nautilus.analytics.runlog import RunLogWriter",
            "mm_nautilus/backtest.py": "import mm_nautilus.strategies\nimport nautilus_trader",
            "run_backtest.py": "from mm_nautilus.cli import main",
        },
    )
    assert violations(root) == []
    assert cycle(root) == []


def test_a_ring_on_one_floor_is_found(tmp_path: Path) -> None:
    root = house(
        tmp_path,
        {
            "mm_nautilus/quoting/a.py": "from mm_nautilus.inventory import y",
            "mm_nautilus/inventory/b.py": "from ..quoting import a",
        },
    )
    assert violations(root) == []
    assert set(cycle(root)) == {"quoting", "inventory"}
