"""What an operator said last, which holds until they say otherwise: a pause, and values other than the run file's.

It is done to the strategy here, kept in its state, and taken up again when the next life begins.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from mm_nautilus.errors import ParameterError, UserError
from mm_nautilus.quoting.retune import CHANGEABLE, retuned, value_of
from mm_nautilus.quoting.settings import QuotingSettings
from mm_nautilus.strategies.cross_venue_arbitrage import CrossVenueArbitrage
from mm_nautilus.strategies.leg import QuotingLeg
from mm_nautilus.strategies.quoting_strategy import QuotingStrategy

KEY: Final = "operator"
"""Entry of a state with what an operator said."""
_PAUSED: Final[Mapping[type[Any], str]] = {
    QuotingStrategy: "the quotes are taken back; hedges go on",
    CrossVenueArbitrage: "nothing more is taken; what is under way is finished, hedges go on",
}
_GOING_ON: Final[Mapping[type[Any], str]] = {QuotingStrategy: "quoting again", CrossVenueArbitrage: "taking again"}


class Standing:
    """See the module; called on the node's own thread only.

    Parameters
    ----------
    strategy : GuardedStrategy
        Whom the operator speaks to.

    """

    def __init__(self, strategy: Any) -> None:
        self._strategy = strategy
        self._tested: dict[str, QuotingSettings] = {}
        self._said: dict[str, dict[str, str]] = {}
        self.paused = False

    @classmethod
    def of(cls, strategy: Any) -> Standing:
        """Return the strategy's own, which outlives it, or a new one where nothing is kept."""
        own: Standing | None = getattr(strategy, "standing", None)
        return cls(strategy) if own is None else own

    # ------------------------------------------------------------------ what

    @property
    def legs(self) -> dict[str, QuotingLeg]:
        """What is quoted, by instrument id; nothing where the strategy only takes."""
        strategy = self._strategy
        return dict(strategy.legs) if isinstance(strategy, QuotingStrategy) else {}

    @property
    def instruments(self) -> list[str]:
        """What may be given orders of its own, by instrument id."""
        strategy = self._strategy
        return list(strategy.venues if isinstance(strategy, CrossVenueArbitrage) else self.legs)

    @property
    def values(self) -> dict[str, dict[str, tuple[str, str]]]:
        """What holds other than the run file has it, by instrument and parameter: the value, and the run file's."""
        return {
            name: {one: (value, said(value_of(self._tested[name], one))) for one, value in told.items()}
            for name, told in self._said.items()
        }

    @property
    def words(self) -> list[str]:
        """All that holds, a line each."""
        lines = ["paused by the operator until a resume"] if self.paused else []
        return lines + [
            f"{name}: {one} is {value} by the operator, {tested} in the run file"
            for name, told in self.values.items()
            for one, (value, tested) in told.items()
        ]

    # ---------------------------------------------------------------- orders

    def pause(self, *, paused: bool) -> str:
        """Let nothing new begin for a while, or end that; return what happened.

        Raises
        ------
        UserError
            Where the strategy cannot be paused.

        """
        strategy = self._strategy
        kind = next((one for one in _PAUSED if isinstance(strategy, one)), None)
        if kind is None:
            raise UserError(f"{type(strategy).__name__} cannot be paused; halt stops it")
        strategy.pause(paused=paused)
        self.paused = paused
        return (_PAUSED if paused else _GOING_ON)[kind]

    def change(self, parameter: str, value: str, instrument_id: str) -> tuple[str, str]:
        """Quote one instrument by another value; return the old one and the new one.

        Parameters
        ----------
        parameter, value : str
            See `mm_nautilus.quoting.retune.retuned`.
        instrument_id : str
            Whose; may be left out where there is only one.

        Raises
        ------
        UserError
            For an instrument that is not quoted, and for what `retuned` refuses; nothing has changed then.

        """
        name, leg = self._leg(instrument_id)
        tested = self._tested.setdefault(name, leg.settings)
        old = value_of(leg.settings, parameter)
        settings = retuned(leg.settings, tested, parameter, value)
        self._strategy.retune(settings, leg)
        new = value_of(settings, parameter)
        told = self._said.setdefault(name, {})
        if new == value_of(tested, parameter):  # the run file's own: it is the run file that holds again
            told.pop(parameter, None)
        else:
            told[parameter] = said(new)
        if not told:
            del self._said[name]
        return said(old), said(new)

    def _leg(self, instrument_id: str) -> tuple[str, QuotingLeg]:
        legs = self.legs
        if not legs:
            raise UserError(f"{type(self._strategy).__name__} quotes nothing: its values are changed in the run file")
        name = instrument_id or (next(iter(legs)) if len(legs) == 1 else "")
        if name not in legs:
            raise ParameterError("instrument_id", instrument_id, f"one of {', '.join(legs)}")
        return name, legs[name]

    # ------------------------------------------------------------- two lives

    def saved(self) -> dict[str, Any]:
        """Return what the next life has to know; JSON-able."""
        return {"paused": self.paused, "values": {name: dict(told) for name, told in self._said.items()}}

    def take_up(self, saved: Mapping[str, Any]) -> list[str]:
        """Let hold again what an earlier life was told; return what of it cannot, a line each.

        Parameters
        ----------
        saved : mapping
            What `saved` returned.

        """
        refused = []
        for name, told in saved["values"].items():
            for parameter, value in told.items():
                try:
                    self.change(parameter, value, name)
                except UserError as error:  # the run file has another instrument, model or limit now
                    refused.append(f"{name}: {parameter} = {value} of the operator does not hold any more: {error}")
        if saved["paused"]:
            self.pause(paused=True)
        return refused


def said(value: object) -> str:
    """Return a value as it would stand in the run file."""
    return "none" if value is None else str(value)


def parameters(leg: QuotingLeg) -> dict[str, str]:
    """Return what can be changed of a leg, with its present values."""
    found = {}
    for name in CHANGEABLE:
        try:
            found[name] = said(value_of(leg.settings, name))
        except ParameterError:
            continue
    return found
