"""A live run held against a backtest of the very data it received.

`sequence` finds the first row in which two run logs differ, `explain` says which input it was; `fills` compares how
often quotes of each level were filled, `latency` what the venue took to answer; `window` runs the backtest, `page` and
`result` write down what came of it.
"""
