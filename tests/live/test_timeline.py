"""The market's time: timers fire as the backtest engine fires them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mm_nautilus.live.replay.timeline import ReplayClock, Timeline

START = 1_000


def played(timeline: Timeline, until_ns: int) -> None:
    while timeline.next_ns <= until_ns:
        timeline.fire_next()
    timeline.now_ns = until_ns


def test_timers_of_one_instant_fire_by_name_whoever_set_them() -> None:
    timeline, fired = Timeline(now_ns=START), list[tuple[int, str]]()
    one, other = ReplayClock(timeline), ReplayClock(timeline)
    for clock, name in ((one, "30_b"), (other, "10_a"), (one, "zz_c"), (other, "20_d")):
        clock.set_time_alert_ns(name, START + 5, callback=lambda event: fired.append((event.ts_event, event.name)))
    played(timeline, START + 5)
    assert fired == [(START + 5, name) for name in ("10_a", "20_d", "30_b", "zz_c")]
    assert one.timer_names() == other.timer_names() == []


def test_a_timer_fires_after_each_interval_until_it_is_cancelled() -> None:
    timeline, fired = Timeline(now_ns=START), list[int]()
    clock = ReplayClock(timeline)
    clock.set_timer_ns("t", 10, callback=lambda event: fired.append(event.ts_event))
    played(timeline, START + 35)
    clock.cancel_timer("t")
    played(timeline, START + 99)
    assert fired == [START + 10, START + 20, START + 30]


def test_a_name_set_anew_replaces_what_it_was() -> None:
    timeline, fired = Timeline(now_ns=START), list[str]()
    clock = ReplayClock(timeline)
    clock.set_time_alert_ns("t", START + 5, callback=lambda _event: fired.append("old"))
    clock.set_time_alert_ns("t", START + 9, callback=lambda _event: fired.append("new"))
    played(timeline, START + 20)
    assert fired == ["new"]


def test_an_alert_in_the_past_fires_at_once() -> None:
    timeline, fired = Timeline(now_ns=START), list[int]()
    clock = ReplayClock(timeline)
    clock.set_time_alert_ns("t", START - 5, callback=lambda event: fired.append(event.ts_event))
    assert timeline.next_ns == START
    timeline.fire_next()
    assert fired == [clock.timestamp_ns()] == [START]


def test_many_alerts_leave_nothing_behind() -> None:
    timeline = Timeline(now_ns=START)
    clock = ReplayClock(timeline)
    for number in range(10_000):
        clock.set_time_alert_ns(f"a{number}", timeline.now_ns + 1, callback=lambda _event: None)
        timeline.fire_next()
    assert len(clock._timers) < 100
    assert timeline._due == []


@given(
    timers=st.lists(st.tuples(st.sampled_from("abcdef"), st.booleans(), st.integers(1, 40)), max_size=8),
    until=st.integers(1, 200),
)
def test_all_that_is_due_fires_in_order_of_time_and_name(timers: list[tuple[str, bool, int]], until: int) -> None:
    timeline, fired = Timeline(now_ns=START), list[tuple[int, str]]()
    clock = ReplayClock(timeline)
    for name, repeats, ns in timers:
        if repeats:
            clock.set_timer_ns(name, ns, callback=lambda event: fired.append((event.ts_event, event.name)))
        else:
            clock.set_time_alert_ns(name, START + ns, callback=lambda event: fired.append((event.ts_event, event.name)))
    played(timeline, START + until)
    wanted = [
        (START + at, name)
        for name, (repeats, ns) in {name: (repeats, ns) for name, repeats, ns in timers}.items()
        for at in (range(ns, until + 1, ns) if repeats else [ns] if ns <= until else [])
    ]
    assert fired == sorted(wanted)
