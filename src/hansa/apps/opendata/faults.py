"""Faults as CKAN says them."""

from collections.abc import Mapping, Sequence
from typing import Any


class Fault(Exception):  # named by whose it is, as all of ours
    """What is answered as an error in CKAN's envelope."""

    def __init__(self, status: int, told: Mapping[str, Any]) -> None:
        """With the code of HTTP, and the error as CKAN has it."""
        super().__init__(str(told.get("message") or told.get("__type")))
        self.status = status
        self.told = told


def missing() -> Fault:
    """It is not there."""
    return Fault(404, {"__type": "Not Found Error", "message": "Not found"})


def invalid(what: Mapping[str, Sequence[str]]) -> Fault:
    """A parameter is wrong."""
    return Fault(409, {"__type": "Validation Error"} | {name: list(said) for name, said in what.items()})
