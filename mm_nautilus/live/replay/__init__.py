"""A catalogue streamed through a live node, on the market's own time.

A live node has the wall's clock: a timer fires when a second of ours has passed, and an order is
stamped with today. Data of another day, or data that come a hundred times faster than they did, make
no sense by that clock: estimators count seconds that never were, and whether a timer or a book update
comes first is up to the machine. What decides is therefore given the market's time instead.

`timeline` keeps that time and fires the components' timers on it; `staging` stands between the node and
a component: it hands the component the timeline's clock, holds market data back until the venue has worked
them off, holds commands back until they arrive, and stamps the venue's answers with the market's time;
`conductor` goes through the stream, one event at a time, each only when everything that followed from the one
before has been worked off. Data, orders, matching, accounts and messages all pass through the node's own engines.

The pace (as it happened, so many times faster, as fast as it goes) then changes when something happens
on the wall's clock, and nothing else: decisions are the same at every pace, and those of a backtest.
"""
