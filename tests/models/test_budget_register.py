"""The register of a shared budget: what counts never adds up to more than the budget, whoever dies or is cut off."""

import math

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from mm_nautilus.errors import ParameterError
from mm_nautilus.models.budget_register import LeaseTerms, NameTakenError, Report, left, renewed

TERMS = LeaseTerms(100.0, lease_s=10.0, quotes_gone_s=5.0)
NAMES = ("A", "B", "C")


class Process:
    """A process that obeys: it adds only within its grant, and only while its lease runs."""

    def __init__(self, name, number):
        self.name, self.session = name, f"{name}{number}"
        self.used = self.grant = 0.0
        self.reported = 0.0
        self.until_ms = 0
        self.cut_off = False

    def allowed(self, now_ms):
        if now_ms >= self.until_ms:
            return 0.0
        return min(self.grant, self.reported) if self.cut_off else self.grant


class Market(RuleBasedStateMachine):
    """Three processes trade, renew, lose their line with the answer or the question, die and come back.

    Nothing of a silent one is freed: then no death can be a surprise.
    """

    terms = LeaseTerms(100.0, lease_s=10.0, quotes_gone_s=None)
    reports_at_once = False

    @initialize()
    def begin(self):
        self.now_ms, self.version, self.lives = 0, 0, 0
        self.entries = {}
        self.alive = {name: self.born(name) for name in NAMES}

    def born(self, name):
        self.lives += 1
        return Process(name, self.lives)

    @rule(name=st.sampled_from(NAMES), share=st.floats(0.0, 1.0))
    def trade(self, name, share):
        """Up to what is allowed at once, or toward nothing."""
        process = self.alive[name]
        allowed = process.allowed(self.now_ms)
        process.used = max(process.used * share, allowed * share) if allowed >= process.used else process.used * share
        if self.reports_at_once and not process.cut_off and self.now_ms < process.until_ms:
            self.renew(name, heard=True)

    @rule(name=st.sampled_from(NAMES), heard=st.booleans())
    def renew(self, name, heard):
        process = self.alive[name]
        asked_ms = self.now_ms
        report = Report(
            name,
            process.session,
            0.5 * process.used,
            process.used,
            process.grant if process.until_ms > asked_ms else 0.0,
        )
        self.version += 1
        try:
            changed = renewed(self.entries, report, self.now_ms, self.terms, self.version)
        except NameTakenError:
            assert self.entries[name].session != process.session
            return
        assert all(entry.version <= self.version for entry in changed.values())
        self.entries |= changed
        if heard:
            process.grant, process.until_ms = changed[name].grant, asked_ms + 10_000
            process.reported, process.cut_off = report.used, False
        else:
            process.cut_off = True

    @rule(name=st.sampled_from(NAMES))
    def lose_the_line(self, name):
        self.alive[name].cut_off = True

    @rule(name=st.sampled_from(NAMES))
    def stop_in_order(self, name):
        process, entry = self.alive[name], self.entries.get(name)
        if entry is None or entry.session != process.session:
            return
        self.version += 1
        self.entries[name] = left(entry, process.used, self.now_ms, self.version)
        held, self.alive[name] = process.used, self.born(name)
        self.alive[name].used = held

    @rule(name=st.sampled_from(NAMES))
    def die_and_come_back(self, name):
        """Its position is still there."""
        held, self.alive[name] = self.alive[name].used, self.born(name)
        self.alive[name].used = held

    @rule(ms=st.sampled_from((100, 1_000, 9_000, 16_000)))
    def wait(self, ms):
        self.now_ms += ms

    @precondition(lambda self: hasattr(self, "entries"))
    @invariant()
    def the_budget_holds(self):
        counted = math.fsum(entry.counts for entry in self.entries.values())
        assert counted <= TERMS.budget * (1 + 1e-9)
        # What is really at risk, of processes whose claim has not been cut to what they reported while they were away.
        running = [
            p for p in self.alive.values() if (e := self.entries.get(p.name)) and self.now_ms < e.until_ms + 5_000
        ]
        for process in running:
            if self.entries[process.name].session == process.session:
                assert process.used <= self.entries[process.name].counts * (1 + 1e-9) + 1e-9


class Freeing(Market):
    """The same where what a silent one did not use is freed: it holds as far as they report what they trade."""

    terms, reports_at_once = TERMS, True


EXAMPLES = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestMarket, TestFreeing = Market.TestCase, Freeing.TestCase
TestMarket.settings = TestFreeing.settings = EXAMPLES


def renew(entries, now_ms, version, name="A", used=0.0, acting=0.0, session="1", weight=1.0):
    changed = renewed(entries, Report(name, session, used, used, acting, weight), now_ms, TERMS, version)
    entries |= changed
    return changed[name].grant


def test_two_share_by_and_by():
    entries = {}
    assert renew(entries, 0, 1, "A") == pytest.approx(100.0)
    assert renew(entries, 0, 2, "B") < 1e-9  # the first has it all until it has heard
    assert renew(entries, 1000, 3, "A", acting=100.0) == pytest.approx(50.0)
    assert renew(entries, 1000, 4, "B") < 1e-9
    assert renew(entries, 2000, 5, "A", acting=50.0) == pytest.approx(50.0)
    assert renew(entries, 2000, 6, "B") == pytest.approx(50.0)


def test_a_dead_process_counts_with_its_grant_until_its_orders_must_be_gone_then_with_what_it_used():
    entries = {}
    renew(entries, 0, 1, "A", used=20.0)
    for instant in (9_999, 10_001, 14_999):
        assert renew(entries, instant, 2, "B") < 1e-9
    assert renew(entries, 15_000, 3, "B") == pytest.approx(80.0)
    # The next one finds the rest taken.
    assert renew(entries, 15_000, 4, "C") < 1e-9


def test_a_second_life_waits_for_the_first_ones_lease_and_counts_the_orders_it_left_behind():
    entries = {}
    renew(entries, 0, 1, "A", session="1")
    with pytest.raises(NameTakenError, match="A"):
        renew(entries, 9_000, 2, "A", session="2")
    assert renew(entries, 11_000, 3, "A", session="2") == pytest.approx(100.0)
    assert entries["A"].counts == pytest.approx(100.0)


def test_what_is_left_behind_in_order_frees_the_rest_at_once():
    entries = {}
    renew(entries, 0, 1, "A", used=30.0)
    entries["A"] = left(entries["A"], 10.0, 100, 2)
    assert renew(entries, 200, 3, "B") == pytest.approx(90.0)
    assert renew(entries, 200, 4, "A", used=10.0, session="2") == pytest.approx(10.0)


@pytest.mark.parametrize("bad", [{"budget": -1.0}, {"lease_s": 0.0}, {"quotes_gone_s": -1.0}, {"budget": math.nan}])
def test_terms_that_cannot_be_are_refused(bad):
    with pytest.raises(ParameterError, match=next(iter(bad))):
        LeaseTerms(**({"budget": 1.0, "lease_s": 1.0, "quotes_gone_s": 1.0} | bad))


def test_a_report_that_is_no_number_is_refused():
    with pytest.raises(ParameterError, match="used"):
        renew({}, 0, 1, used=math.nan)
