"""One instrument's assessments: evidence in, messages out, as often as somebody should hear of them."""

from __future__ import annotations

from mm_nautilus.adverse_selection.assessment import CLEAN, Standing, Thresholds, assess
from mm_nautilus.adverse_selection.detector import Conditions, Detector
from mm_nautilus.adverse_selection.evidence import Evidence, Score
from mm_nautilus.adverse_selection.resting import Displayed
from mm_nautilus.adverse_selection.settings import AdverseSelectionSettings
from mm_nautilus.market import Side
from mm_nautilus.messages import AdverseSelectionAssessment


class Assessor:
    """Assesses both sides of one instrument and remembers how they stood.

    Parameters
    ----------
    instrument_id : str
        For the messages.
    settings : AdverseSelectionSettings
        What is measured, and what follows from it.
    tick : float
        Of the instrument, in price units.
    displayed : callable or None
        As for `Detector`.

    """

    def __init__(
        self, instrument_id: str, settings: AdverseSelectionSettings, tick: float, displayed: Displayed | None = None
    ) -> None:
        self.detector = Detector(settings, tick, displayed)
        self._instrument_id = instrument_id
        self._settings = settings
        self._parameters = settings.model_dump_json()
        self._thresholds = Thresholds(settings)
        self._weights: dict[str, float] = settings.weights.model_dump()
        self._standings = {Side.BUY: CLEAN, Side.SELL: CLEAN}
        self._published: tuple[Standing, Standing] | None = None
        self._report_ns = round(settings.report_interval_s * 1e9)
        self._next_report_ns: int | None = None

    def assess(self, now_ns: int) -> AdverseSelectionAssessment | None:
        """Assess both sides now; return the assessment where it asks for something new or a report is due.

        Parameters
        ----------
        now_ns : int
            Engine time, of a timer that fires after the data of its instant.

        """
        detector = self.detector
        detector.passed(now_ns)
        bid, ask = detector.evidence(Side.BUY, now_ns), detector.evidence(Side.SELL, now_ns)
        for side, evidence in ((Side.BUY, bid), (Side.SELL, ask)):
            self._standings[side] = assess(
                evidence, self._standings[side], now_ns, self._settings, self._thresholds, self._weights
            )
        now = (self._standings[Side.BUY], self._standings[Side.SELL])
        before, self._published = self._published, now
        due = self._next_report_ns is None or now_ns >= self._next_report_ns
        if before is not None and not due and _answers(before) == _answers(now):
            return None
        if due:
            self._next_report_ns = now_ns + self._report_ns
        return self._message(now_ns, bid, ask, *now, detector.conditions(now_ns))

    def _message(
        self, now_ns: int, bid: Evidence, ask: Evidence, bids: Standing, asks: Standing, market: Conditions
    ) -> AdverseSelectionAssessment:
        return AdverseSelectionAssessment(
            now_ns,
            self._instrument_id,
            bids.spread_multiplier,
            asks.spread_multiplier,
            bids.size_multiplier,
            asks.size_multiplier,
            bids.away_until_ns,
            asks.away_until_ns,
            self.detector.adverse_ratio,
            bids.t,
            asks.t,
            bids.confidence,
            asks.confidence,
            bids.toxic,
            asks.toxic,
            bids.tests,
            asks.tests,
            *_flat(bid),
            *_flat(ask),
            bid.fills,
            ask.fills,
            bid.adverse_selection,
            ask.adverse_selection,
            bid.filled_share,
            ask.filled_share,
            bid.queue_ahead,
            ask.queue_ahead,
            market.order_flow_imbalance,
            market.trade_imbalance,
            market.vpin,
            market.vpin_rank,
            market.book_imbalance,
            self._parameters,
        )


def _answers(standings: tuple[Standing, Standing]) -> list[tuple[bool, float, int | None]]:
    return [(one.toxic, one.strength, one.away_until_ns) for one in standings]


type _Number = float | None
type _Pair = tuple[_Number, _Number]


def _flat(
    evidence: Evidence,
) -> tuple[_Number, _Number, _Number, _Number, _Number, _Number, _Number, _Number, _Number, _Number]:
    """Return scores and statistics in the order of the message's fields."""
    return (
        *_pair(evidence.immediate),
        *_pair(evidence.delayed),
        *_pair(evidence.flow),
        *_pair(evidence.sweep),
        *_pair(evidence.clustering),
    )


def _pair(score: Score | None) -> _Pair:
    return (None, None) if score is None else (score.score, score.t)
