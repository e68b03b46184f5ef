"""The papers' scripts are run from their own folder, so that is where they are imported from."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "docs" / "papers"))
