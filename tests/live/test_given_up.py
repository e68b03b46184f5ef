"""How often the venue may not know an order before the engine gives it up, and drops whatever fills it after that."""

import pytest

from mm_nautilus.live.nodes import looks_before_given_up


@pytest.mark.parametrize(("every_s", "looks"), [(0.5, 50), (1.0, 25), (4.0, 7), (5.0, 5), (60.0, 5)])
def test_an_order_is_not_given_up_sooner_for_being_looked_at_more_often(every_s: float, looks: int) -> None:
    assert looks_before_given_up(every_s) == looks
    assert looks * every_s >= 25.0
