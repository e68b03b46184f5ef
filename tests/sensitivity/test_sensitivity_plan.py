"""Which assumptions are changed, and by how much."""

import tomllib
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from mm_nautilus.config import FeeSection, LatencySection, RunFile, SensitivitySettings, problems_of
from mm_nautilus.sensitivity.plan import REMOVED, cases, slower, without_rebates, worse


def tables(**venue: Any) -> dict[str, Any]:
    given_venue = {
        "name": "SIM",
        "account": "CASH",
        "starting_balances": ["1000 USDT"],
        "fees": {"maker_rate": "-0.00005", "taker_rate": "0.0005"},
        "latency": {"base_ms": 5, "cancel_ms": 2.5},
    }
    return {
        "run": {"name": "x", "seed": 7},
        "data": {"catalog": "c", "simulation": {"preset": "calm", "seed": 3}},
        "venues": [given_venue | venue],
        "strategy": {"path": "a:B"},
        "risk": {"webhook": {"url": "http://127.0.0.1/x"}},
    }


def planned(raw: dict[str, Any], seeds: int = 2, **asked: Any) -> Any:
    checked = {key: value for key, value in raw.items() if key != "risk"}
    return cases(raw, RunFile.model_validate(checked), SensitivitySettings(seeds=seeds, **asked))


def test_every_case_changes_what_it_says_and_nothing_else() -> None:
    raw = tables()
    found = planned(raw)
    by_name = {case.name: case for case in found.runs}
    assert list(by_name) == [
        "base", "latency-x0", "latency-x3", "latency-x10", "queue-off", "rebates-zero", "fees-worse", "seed-1",
        "seed-2",
    ]  # fmt: skip
    assert found.same == ()
    venue = {name: case.tables["venues"][0] for name, case in by_name.items()}
    assert venue["latency-x3"]["latency"] == {"base_ms": 15, "submit_ms": 0, "amend_ms": 0, "cancel_ms": 7.5}
    assert venue["latency-x0"]["latency"] == dict.fromkeys(("base_ms", "submit_ms", "amend_ms", "cancel_ms"), 0)
    assert venue["queue-off"]["queue_position"] is False
    assert Decimal(venue["rebates-zero"]["fees"]["maker_rate"]) == 0
    assert Decimal(venue["rebates-zero"]["fees"]["taker_rate"]) == Decimal("0.0005")
    assert Decimal(venue["fees-worse"]["fees"]["maker_rate"]) == 0
    assert Decimal(venue["fees-worse"]["fees"]["taker_rate"]) == Decimal("0.00055")
    assert by_name["seed-2"].tables["run"]["seed"] == 9
    assert by_name["seed-2"].tables["data"]["simulation"]["seed"] == 5
    assert by_name["latency-x3"].words == "SIM: base ms 5 to 15, cancel ms 2.5 to 7.5"
    assert by_name["fees-worse"].words == "SIM: maker -0.5 bps to 0 bps, taker 5 bps to 5.5 bps"
    for case in found.runs:
        RunFile.model_validate({key: value for key, value in case.tables.items() if key != "risk"})
        assert case.tables["strategy"] == raw["strategy"]
        assert "webhook" not in case.tables["risk"], "nobody is woken by an assumption"
    assert raw == tables(), "the tables given are left alone"


def test_a_case_that_changes_nothing_is_said_and_not_run() -> None:
    raw = tables(latency={}, queue_position=False, fees={"maker_rate": "0.0001", "taker_rate": "0.0005"})
    del raw["data"]["simulation"]
    found = planned(raw)
    assert [case.name for case in found.runs] == ["base", "fees-worse"]
    assert [line.partition(":")[0] for line in found.same] == [
        "latency x0", "latency x3", "latency x10", "queue position off", "rebates zero", "seeds",
    ]  # fmt: skip
    chance = tables(fill={"prob_slippage": 0.5})
    del chance["data"]["simulation"]
    assert planned(chance, 1).runs[-1].words == "run.seed 8"


def test_only_what_is_asked_for_is_tried_and_no_case_asks_again() -> None:
    raw = tables() | {"report": {"sensitivity": {"seeds": 1}, "capital": 5}}
    found = planned(raw, 1, assumptions=["fees-worse", "latency-x10", REMOVED])
    assert [case.name for case in found.runs] == ["base", "latency-x10", "fees-worse", "seed-1"]
    assert all(case.tables["report"] == {"capital": 5} for case in found.runs)
    assert [case.name for case in planned(tables(), 0, assumptions=["queue-off"]).runs] == ["base", "queue-off"]


def test_every_assumption_can_be_asked_for_by_the_name_of_its_case() -> None:
    named = SensitivitySettings().assumptions
    assert [case.name for case in planned(tables(), 0).runs] == ["base", *(one for one in named if one != REMOVED)]
    assert REMOVED in named


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (
            {"assumptions": ["fees-better"]},
            ["report.sensitivity.assumptions.0", "latency-x10", "half-the-fills-removed"],
        ),
        ({"assumptions": ["queue-off", "queue-off"]}, ["report.sensitivity.assumptions", "each may stand once"]),
        ({"assumptions": [], "seeds": 0}, ["report.sensitivity", "asks for nothing"]),
        ({"seeds": -1}, ["report.sensitivity.seeds", "greater than or equal to 0"]),
        ({"seed": 1}, ["report.sensitivity.seed: unknown key", "did you mean 'seeds'", "assumptions"]),
    ],
)
def test_what_cannot_be_asked_for_is_an_error_that_says_what_can(wrong: dict[str, Any], said: list[str]) -> None:
    raw = tables() | {"report": {"sensitivity": wrong}}
    with pytest.raises(ValidationError) as raised:
        RunFile.model_validate({key: value for key, value in raw.items() if key != "risk"})
    (problem,) = problems_of(raised.value, RunFile)
    for words in said:
        assert words in problem


def test_the_defaults_are_those_of_the_page() -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "report.md").read_text()
    told = tomllib.loads(page.split("```toml")[1].split("```")[0])["report"]["sensitivity"]
    assert SensitivitySettings(**told) == SensitivitySettings()
    assert set(told) == set(SensitivitySettings.model_fields)


HIGHEST = Decimal("0.099999")
rates = st.decimals(-HIGHEST, HIGHEST, places=6)


@given(rates, rates)
def test_no_rate_gets_better_and_none_leaves_its_range(maker: Decimal, taker: Decimal) -> None:
    fees = FeeSection(maker_rate=maker, taker_rate=taker)
    raised, free = worse(fees), without_rebates(fees)
    for before, after, zero in (
        (maker, raised.maker_rate, free.maker_rate),
        (taker, raised.taker_rate, free.taker_rate),
    ):
        assert after >= min(before + Decimal("0.00005"), HIGHEST)
        assert before <= after <= HIGHEST
        assert zero == max(before, Decimal(0))
    FeeSection.model_validate(raised.model_dump())


@pytest.mark.parametrize(
    ("money", "raised"), [("2.25 USD", "2.48 USD"), ("1 USD", "2 USD"), ("0.850 EUR", "0.935 EUR")]
)
def test_money_per_contract_rises_by_a_tenth_at_least(money: str, raised: str) -> None:
    assert worse(FeeSection(per_contract=money)).per_contract == raised


def test_latency_stops_at_a_minute() -> None:
    assert slower(LatencySection(base_ms=30_000), 10).base_ms == 60_000
