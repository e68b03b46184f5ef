"""``mm-nautilus simulate`` as a user types it."""

import sys

import pytest

from mm_nautilus.catalog.simulator import SimulationTruth
from mm_nautilus.cli import main


@pytest.fixture
def command(monkeypatch, capsys):
    """Run the command line; return its exit code, output and errors."""

    def _command(*arguments):
        monkeypatch.setattr(sys, "argv", ["mm-nautilus", "simulate", *map(str, arguments)])
        with pytest.raises(SystemExit) as stopped:
            main()
        return stopped.value.code, *capsys.readouterr()

    return _command


def test_a_preset_with_changes_ends_with_a_table_of_what_came_out(command, tmp_path):
    changes = ["--seed", 5, "--duration-s", 90, "--set", "venues.*.informed.share=0.4"]
    code, output, _ = command("calm", "--catalog", tmp_path, *changes)
    assert code == 0
    truth = SimulationTruth.load(tmp_path, "calm")
    assert (truth.params.seed, truth.params.duration_s, truth.params.venues[0].informed.share) == (5, 90.0, 0.4)
    assert truth.venues[0].informed_market_orders > 0
    assert "SOLUSDT.SIM" in output
    assert f"{truth.venues[0].deltas:,}" in output


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["storm"], "no preset named 'storm'; there are calm, high_volatility"),
        (["calm", "--set", "venues.SIM.lag=1"], "'lag' must be one of"),
        (["calm", "--seed", "-3"], "seed: input should be greater than or equal to 0, found -3"),
        (["news_event", "--duration-s", "60"], "assets.SOL.episodes.0.start_s"),
    ],
)
def test_a_mistake_is_one_screen_and_exit_code_2(command, tmp_path, arguments, expected):
    code, _, errors = command(*arguments, "--catalog", tmp_path / "catalog")
    assert code == 2
    assert expected in errors.replace("\n", " ")
    assert "Traceback" not in errors
    assert not (tmp_path / "catalog").exists()
