"""The message budget."""

from hypothesis import given
from hypothesis import strategies as st

from mm_nautilus.quoting.budget import MessageBudget

SECOND = 1_000_000_000


def test_starts_full_and_refills_at_its_rate() -> None:
    budget = MessageBudget(messages_per_s=2.0, burst=5)
    assert budget.available(0) == 5
    budget.spend(5)
    assert [budget.available(ns) for ns in (0, SECOND // 4, SECOND // 2, SECOND, 10 * SECOND)] == [0, 0, 1, 2, 5]


def test_cancels_that_passed_anyway_are_paid_back_but_not_without_end() -> None:
    budget = MessageBudget(messages_per_s=1.0, burst=3)
    budget.spend(100)
    assert budget.available(0) == -1
    assert budget.available(3 * SECOND) == 0
    assert budget.available(4 * SECOND) == 1


def test_a_clock_that_steps_back_gives_nothing() -> None:
    budget = MessageBudget(messages_per_s=1.0, burst=3)
    budget.spend(3)
    budget.available(SECOND)
    budget.spend(1)
    assert budget.available(0) == 0
    assert budget.available(2 * SECOND) == 1


@given(
    rate=st.floats(0.1, 100.0),
    burst=st.integers(2, 50),
    waits_ns=st.lists(st.integers(0, 5 * SECOND), min_size=1, max_size=60),
)
def test_never_more_than_the_burst_and_the_rate(rate: float, burst: int, waits_ns: list[int]) -> None:
    budget, now_ns, sent = MessageBudget(rate, burst), 0, 0
    for wait_ns in waits_ns:
        now_ns += wait_ns
        spent = max(budget.available(now_ns), 0)
        budget.spend(spent)
        sent += spent
        assert sent <= burst + rate * now_ns * 1e-9 + 1e-6
