"""What every test may ask for."""

from pathlib import Path

import pytest

_SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder with the real captures; tests that need it are skipped where it is not there."""
    if not _SHARED_DATA.is_dir():
        pytest.skip(f"real captures are not here: {_SHARED_DATA} does not exist")
    return _SHARED_DATA
