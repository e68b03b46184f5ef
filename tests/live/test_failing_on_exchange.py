"""A handler that fails while real orders rest: they are withdrawn, and one screen says why."""

from __future__ import annotations

from pathlib import Path

import pytest
from bybit_exchange.process import Exchange
from live_kit import ACCOUNT, LiveProcess, run_file

pytestmark = pytest.mark.e2e


def test_a_failing_handler_ends_in_order_and_is_named_on_one_screen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))
    output = tmp_path / "runs"
    output.mkdir()
    with Exchange(seed=3) as exchange:
        path = run_file(tmp_path, exchange)
        ours, failing = "mm_nautilus.strategies:MarketMaker", "failing_maker:FailingMaker"
        text = path.read_text().replace(f'path = "{ours}"', f'path = "{failing}"\nconfig_path = "{ours}Config"')
        path.write_text(text)
        process = LiveProcess(str(path), "--confirm", ACCOUNT, "--set", "log.level=OFF", output=output)
        code, printed = process.ended()
        truth = exchange.truth()
    assert code == 1, printed
    assert truth["orders"] >= 2
    assert truth["open"] == []
    result = process.result()
    assert result["status"] == "failed"
    assert "a mistake on purpose" in result["error"]
    said = printed[printed.rindex("failed  loopback") :]
    assert str(process.folder) in said
    assert "ZeroDivisionError: a mistake on purpose" in said
    assert "failing_maker.py:" in said
    assert "Traceback" not in said
    assert len(said.splitlines()) < 24
