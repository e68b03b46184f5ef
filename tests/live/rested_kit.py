"""How it came that an order rested on a dead feed: what the venue, the node's log and the kernel say of it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from itertools import pairwise
from typing import Any, Final

import orjson
from live_kit import LiveProcess

_AROUND_S: Final = 3.0
_WORDS: Final = ("CancelAllOrders", "no answer to", "econnect", "close frame")


def story(rested: dict[str, Any], process: LiveProcess) -> str:
    """Tell it, all times in seconds after the market was seen last.

    Parameters
    ----------
    rested : dict
        As `bybit_exchange.blind.Blind.found` returns it, without an excuse.
    process : LiveProcess
        The node.

    """
    since_s, until_s = rested["since_s"], rested["since_s"] + rested["silent_s"]
    lines = [f"{rested['link']} rested for {rested['silent_s']} s on a dead feed; at the venue:", *rested["story"]]
    lines += ["in the node's log:", *_logged(process, rested["link"], since_s, until_s)]
    return "\n".join([*lines, "waits of the node's threads for a processor:", *_held_up(process, since_s, until_s)])


def _logged(process: LiveProcess, link: str, since_s: float, until_s: float) -> Iterator[str]:
    for path in sorted(process.folder.glob("logs/*")):
        for line in path.read_bytes().splitlines():
            said = orjson.loads(line)
            at_s = datetime.fromisoformat(said["timestamp"]).timestamp()
            words = (link, *_WORDS) if at_s > since_s - _AROUND_S else (link,)
            if at_s < until_s + _AROUND_S and any(word in said["message"] for word in words):
                yield f"{at_s - since_s:+.3f} {said['level']} {said['message'][:250]}"


def _held_up(process: LiveProcess, since_s: float, until_s: float) -> Iterator[str]:
    looks = [look for look in process.held_up if since_s - _AROUND_S < look[0] < until_s + _AROUND_S]
    for (before_s, before), (at_s, now) in pairwise(looks):
        waited_s = {thread: now[thread] - before[thread] for thread in now.keys() & before.keys()}
        main_s, most_s = waited_s.get(process.pid, 0.0), max(waited_s.values(), default=0.0)
        if most_s > 0.05:
            span = f"{before_s - since_s:+.1f} to {at_s - since_s:+.1f}"
            yield f"{span}: the main one {main_s:.2f} s, the one that waited most {most_s:.2f} s"
