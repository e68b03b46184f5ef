"""What every test that trades asserts of its result."""

from decimal import Decimal
from typing import Any


def adds_up(result: dict[str, Any]) -> None:
    """Assert that money lines and balances sum to the last decimal."""
    assert result["total"]
    for total in result["total"].values():
        lines = {key: Decimal(total[key]) for key in ("realised", "unrealised", "fees", "rebates", "booking_rounding")}
        made = lines["realised"] + lines["unrealised"] - lines["fees"] + lines["rebates"] + lines["booking_rounding"]
        assert made == Decimal(total["total"])
        for balance in total["balances"]:
            moved = Decimal(balance["expected_change"]) + Decimal(balance["booking_rounding"])
            assert Decimal(balance["starting"]) + moved == Decimal(balance["final"])
    attribution = result["attribution"]
    for name, one in attribution["instruments"].items():
        lines = {key: Decimal(value) for key, value in one["lines"].items() if key != "position"}
        assert (
            sum(lines.values()) - lines["total"]
            == lines["total"]
            == Decimal(result["instruments"][name]["money"]["total"])
        )
    for asset in attribution["assets"].values():
        parts = [asset["total"], *asset["venues"].values()]
        for part in parts:
            lines = {key: Decimal(value) for key, value in part.items() if key != "position"}
            assert sum(lines.values()) - lines["total"] == lines["total"]
        assert sum(Decimal(part["total"]) for part in parts[1:]) == Decimal(parts[0]["total"])
