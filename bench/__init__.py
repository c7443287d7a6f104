"""The speed and memory rows of docs/performance.md, each repeatable with `hansa bench ROW`.

Owns: load generators, the floor servers, and the rule that fires on a tenth. Nothing here ships: it needs a checkout.
A row starts cities of its own in a temporary folder, on loopback and free ports, and ends what it started.
"""
