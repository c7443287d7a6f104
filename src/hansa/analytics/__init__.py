"""Analytics: rules on Changes, windows over history, backtests.

Owns: how an app's functions are run (`rules`), in a process of their own (`child`, `link`), over the past
(`backtest`), and the sums over time that they need (`windows`). Must not: know what an app is about. Report: 2.1.4.
"""
