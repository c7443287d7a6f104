"""What whoever asks at a door sees in another realm than the one that the door was opened in."""

from collections.abc import Callable

from hansa.trust.labels import NOBODY, Sight

Sees = Callable[[str, Sight], Sight]
"""The sight in a realm of whoever came with a sight of `open`."""


def as_he_came(realm: str, sight: Sight) -> Sight:
    """Without policy: in his own realm what he came with, and elsewhere nothing, unless nothing is hidden from him."""
    return sight if sight.everything or realm == "open" else NOBODY
