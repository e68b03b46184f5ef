"""Market making on NautilusTrader: what to quote, whether it would have made money, and why."""
