"""Frozen values that are cheap to create behave as the standard ones do."""

import inspect
import pickle
from dataclasses import MISSING, FrozenInstanceError, dataclass, field, fields, replace

import pytest

from mm_nautilus.fast_init import fast_init
from mm_nautilus.market import Level, Side, TopOfBook
from mm_nautilus.messages import FillFact, MarkFact, OpportunityFact, OrderFact, QuoteDecision


@dataclass(frozen=True, slots=True)
class Plain:
    price: float
    size: float = 2.0


@fast_init
@dataclass(frozen=True, slots=True)
class Fast:
    price: float
    size: float = 2.0


@pytest.mark.parametrize("arguments", [{"price": 1.0}, {"price": 1.0, "size": 3.0}])
def test_it_is_filled_and_printed_as_the_standard_one(arguments: dict[str, float]) -> None:
    fast, plain = Fast(**arguments), Plain(**arguments)
    assert (fast.price, fast.size) == (plain.price, plain.size)
    assert repr(fast) == repr(plain).replace("Plain", "Fast")
    assert inspect.signature(Fast) == inspect.signature(Plain)


def test_it_is_of_its_own_class_and_stays_frozen() -> None:
    level = Level(Side.BUY, 0, 100, 5)
    assert type(level) is Level
    with pytest.raises(FrozenInstanceError):
        level.price_ticks = 101  # type: ignore[misc]
    with pytest.raises(FrozenInstanceError):
        del level.price_ticks
    with pytest.raises((AttributeError, TypeError)):
        level.note = "none of its fields"  # type: ignore[attr-defined]
    assert not hasattr(level, "__dict__")


def test_equality_hash_replace_and_pickle() -> None:
    top = TopOfBook(1.0, 2.0, 3.0, 4.0)
    assert top == TopOfBook(1.0, 2.0, 3.0, 4.0)
    assert len({top, TopOfBook(1.0, 2.0, 3.0, 4.0)}) == 1
    assert replace(top, bid=0.5) == TopOfBook(0.5, 2.0, 3.0, 4.0) != top
    assert pickle.loads(pickle.dumps(top)) == top


@pytest.mark.parametrize("kind", [QuoteDecision, OrderFact, FillFact, MarkFact, OpportunityFact])
def test_every_field_of_a_message_goes_to_its_own_place(kind: type) -> None:
    names = [member.name for member in fields(kind)]
    message = kind(*names)
    assert [getattr(message, name) for name in names] == names
    required = [member.name for member in fields(kind) if member.default is MISSING]
    with pytest.raises(TypeError, match=required[-1]):
        kind(*required[:-1])


def test_classes_it_cannot_serve_are_refused() -> None:
    @dataclass(frozen=True, slots=True)
    class Checked:
        price: float

        def __post_init__(self) -> None:
            raise ValueError

    @dataclass(frozen=True, slots=True)
    class Listed:
        prices: list[float] = field(default_factory=list)

    @dataclass(frozen=True)
    class Open:
        price: float

    for cls in (Checked, Listed, Open):
        with pytest.raises(TypeError, match=cls.__name__):
            fast_init(cls)
