"""How far types have come: so that what was made of many entities is kept until one of them changes."""

from collections.abc import Hashable

from hansa.model.change import Change
from hansa.model.entity import alias
from hansa.platform.city import City
from hansa.trust.labels import Sight


class Newest:
    """The newest Change of each type that somebody asked about, in one realm."""

    def __init__(self, city: City) -> None:
        """Follow `city`."""
        self._city = city
        self._seq: dict[str, int] = {}
        city.watch(self._heard)

    def version(self, kind: str, sight: Sight) -> Hashable:
        """Another value whenever what a sight finds of a type may be otherwise; equal for sights that see the same.

        A Change can be found shortly before it is heard of here. So whoever asks first and finds then has what is at
        least as new as the value says, and what he made is made again.
        """
        seq = self._seq.setdefault(alias(kind), 0)
        return self, seq, self._city.reader.shown_to(sight)

    def _heard(self, changes: list[Change]) -> None:
        if self._seq:
            for change in changes:
                for kind in change.entity.types:
                    if (name := alias(kind)) in self._seq:
                        self._seq[name] = change.seq
