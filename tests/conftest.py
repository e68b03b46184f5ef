"""What every test may ask for."""

import os
from pathlib import Path

import hypothesis
import pytest

_SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"

# How long an example takes says more about the machine than about the code. On a machine that decides
# whether a change lands, the examples are the same each time; everywhere else they are new ones.
hypothesis.settings.register_profile("explore", deadline=None)
hypothesis.settings.register_profile("decide", deadline=None, derandomize=True)
hypothesis.settings.load_profile("decide" if os.environ.get("CI") else "explore")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder with the real captures; tests that need it are skipped where it is not there."""
    if not _SHARED_DATA.is_dir():
        pytest.skip(f"real captures are not here: {_SHARED_DATA} does not exist")
    return _SHARED_DATA
