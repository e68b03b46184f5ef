r"""How far the clocks of venues are apart, as far as the receipt of their messages tells.

A message stamped :math:`e` by the venue and received at :math:`r` took :math:`r - e = \text{delay} + \text{offset}`.
The least of these over a while is the offset plus the shortest delay, and differs between venues by more than their
distances explain only if a clock is wrong. Prices of such a venue must not be compared with others' by venue time.

Fails where data carry one timestamp for both (many historical files): all offsets are then 0.
"""

from __future__ import annotations

from mm_nautilus.errors import ParameterError


class ClockOffsets:
    """Least receipt delay of each venue over the last one to two windows; O(1) a message, two numbers a venue.

    Parameters
    ----------
    venues : int
        Number of venues.
    window_ns : int
        Length of a window, in nanoseconds; above 0.
    bound_ns : int
        Largest difference between the least delays of two venues, in nanoseconds; above 0.

    Raises
    ------
    ParameterError
        For a value that is not above 0.

    """

    def __init__(self, venues: int, window_ns: int, bound_ns: int) -> None:
        for name, value in (("venues", venues), ("window_ns", window_ns), ("bound_ns", bound_ns)):
            if value <= 0:
                raise ParameterError(name, value, "> 0")
        self._window_ns, self._bound_ns = window_ns, bound_ns
        self._now: list[int | None] = [None] * venues
        self._before: list[int | None] = [None] * venues
        self._ends_ns = [0] * venues

    def heard(self, venue: int, event_ns: int, received_ns: int) -> None:
        """Take the two timestamps of a message, in nanoseconds."""
        if received_ns >= self._ends_ns[venue]:
            self._before[venue] = self._now[venue] if self._ends_ns[venue] else None
            self._now[venue] = None
            self._ends_ns[venue] = received_ns + self._window_ns
        delay, least = received_ns - event_ns, self._now[venue]
        if least is None or delay < least:
            self._now[venue] = delay

    def least_delay_ns(self, venue: int) -> int | None:
        """Return the shortest delay seen lately, ``None`` before the first message; below 0 the clock runs ahead."""
        known = [delay for delay in (self._now[venue], self._before[venue]) if delay is not None]
        return min(known, default=None)

    def beyond_bound(self) -> dict[int, int]:
        """Return the venues whose clock is off, with their offset to the median venue in nanoseconds."""
        delays = {venue: delay for venue in range(len(self._now)) if (delay := self.least_delay_ns(venue)) is not None}
        if not delays:
            return {}
        # The lower one of two in the middle: with two venues it is the later of the two that is named.
        reference = sorted(delays.values())[(len(delays) - 1) // 2]
        return {venue: delay - reference for venue, delay in delays.items() if abs(delay - reference) > self._bound_ns}
