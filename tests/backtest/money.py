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
    statements_add_up(result)


def statements_add_up(result: dict[str, Any]) -> None:
    """Assert that every breakdown of every account, and every table of periods, is the account's change."""
    assert set(result["statement"]) == set(result["total"])
    for currency, statement in result["statement"].items():
        account = _amounts(statement["account"])
        assert sum(account.values()) == Decimal(statement["account"]["total"])
        assert Decimal(statement["account"]["total"]) == Decimal(result["total"][currency]["total"])
        for dimension, labels in statement["by"].items():
            for line in {line for one in labels.values() for line in one["lines"]} | set(account):
                made = sum(_amounts(one).get(line, Decimal(0)) for one in labels.values())
                assert made == account.get(line, Decimal(0)), (currency, dimension, line)
            assert sum(Decimal(one["total"]) for one in labels.values()) == sum(account.values())
        scope = result["performance"]["currencies"][currency]
        assert Decimal(scope["metrics"]["total_pnl"]["value"]) == sum(account.values())
        for table in ("daily", "weekly", "monthly"):
            assert sum(Decimal(period["pnl"]) for period in scope[table]) == sum(account.values())


def _amounts(statement: dict[str, Any]) -> dict[str, Decimal]:
    return {line: Decimal(amount) for line, amount in statement["lines"].items()}
