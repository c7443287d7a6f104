"""Trust: pure decisions about who may see and say what.

Owns: labels and sights (`labels`), the identity and state of devices (`devices`). Must not: open a socket or a
store; it is handed what it needs and answers. Report: 4.2.
"""
