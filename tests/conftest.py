"""What every test may ask for."""

import gc
import os
from pathlib import Path

import hypothesis
import pytest
from collecting import collect_when_due

_SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"

# How long an example takes says more about the machine than about the code. On a machine that decides
# whether a change lands, the examples are the same each time; everywhere else they are new ones.
hypothesis.settings.register_profile("explore", deadline=None)
hypothesis.settings.register_profile("decide", deadline=None, derandomize=True)
hypothesis.settings.load_profile("decide" if os.environ.get("CI") else "explore")

# The engine's objects may only be dropped on the thread that made them, and what an earlier test left behind would be
# collected on whatever thread allocates next: the shared budget's, the webhook's, a served page's.
gc.disable()


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown() -> None:
    """Collect between tests."""
    collect_when_due()


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder with the real captures; tests that need it are skipped where it is not there."""
    if not _SHARED_DATA.is_dir():
        pytest.skip(f"real captures are not here: {_SHARED_DATA} does not exist")
    return _SHARED_DATA
