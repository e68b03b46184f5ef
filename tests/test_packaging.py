"""What the wheel must carry: packages and their data are listed by hand, and a forgotten one is missing silently."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
SETUPTOOLS = PYPROJECT["tool"]["setuptools"]
PACKAGE_DIR: dict[str, str] = SETUPTOOLS["package-dir"]
TOP_FOLDERS = ("strategies", "actors", "catalog")
NOT_SHIPPED = {".md", ".py", ".pyc"}


def packages_on_disk() -> dict[str, Path]:
    """Map the dotted name of every folder that holds Python to its path."""
    found = {}
    for package, folder in PACKAGE_DIR.items():
        for file in (ROOT / folder).rglob("*.py"):
            inside = file.parent.relative_to(ROOT / folder).parts
            found[".".join((package, *inside))] = file.parent
    return found


def test_every_package_is_listed_once() -> None:
    listed = SETUPTOOLS["packages"]
    assert sorted(listed) == sorted(packages_on_disk())


def test_every_package_is_a_regular_package() -> None:
    assert [name for name, folder in packages_on_disk().items() if not (folder / "__init__.py").is_file()] == []


def test_top_folders_are_installed_under_our_name_only() -> None:
    wanted = {"mm_nautilus": "mm_nautilus"} | {f"mm_nautilus.{name}": name for name in TOP_FOLDERS}
    assert wanted == PACKAGE_DIR


def test_every_data_file_is_declared() -> None:
    declared: dict[str, list[str]] = SETUPTOOLS.get("package-data", {})
    missing = []
    package_of = {folder: package for package, folder in packages_on_disk().items()}
    for top in PACKAGE_DIR.values():
        for file in (ROOT / top).rglob("*"):
            if file.is_dir() or file.suffix in NOT_SHIPPED:
                continue
            home = next(folder for folder in file.parents if folder in package_of)
            patterns = declared.get(package_of[home], []) + declared.get("*", [])
            if not any(file.relative_to(home).full_match(pattern) for pattern in patterns):
                missing.append(f"{package_of[home]}: {file.relative_to(home)}")
    assert missing == []


def test_types_are_announced() -> None:
    assert (ROOT / "mm_nautilus" / "py.typed").is_file()
    assert "py.typed" in SETUPTOOLS.get("package-data", {}).get("mm_nautilus", [])


def test_python_is_pinned() -> None:
    assert (ROOT / ".python-version").read_text().strip() == "3.13"
    assert PYPROJECT["project"]["requires-python"] == ">=3.13,<3.15"


def test_engine_is_pinned_exactly_and_locked() -> None:
    [pin] = [item for item in PYPROJECT["project"]["dependencies"] if item.startswith("nautilus")]
    assert re.fullmatch(r"nautilus_trader==[0-9][0-9a-z.]*", pin)
    lock = tomllib.loads((ROOT / "uv.lock").read_text())
    [locked] = [package["version"] for package in lock["package"] if package["name"] == "nautilus-trader"]
    assert pin == f"nautilus_trader=={locked}"


def test_licence_is_shipped() -> None:
    assert PYPROJECT["project"]["license"] == "Apache-2.0"
    assert PYPROJECT["project"]["license-files"] == ["LICENSE"]
    assert "Apache License" in (ROOT / "LICENSE").read_text()
