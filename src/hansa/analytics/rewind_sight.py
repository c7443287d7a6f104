"""What of the past somebody may see: eyes, what he asks for, and each entity held against its labels of then and now.

Rewind and what it plays on from a picture both look through this; neither decides about labels itself (`Eyes`).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from hansa import clock
from hansa.model.change import LABEL
from hansa.model.context import CORE
from hansa.model.entity import MEMBERS, Doc, alias, instances, types_of
from hansa.model.geo import bbox
from hansa.model.transient import alive
from hansa.model.wire_out import View
from hansa.platform import codec
from hansa.platform.sqlite.roll import Roll, Thing
from hansa.platform.sqlite.then import Edit, Kinds, Labels, Then
from hansa.trust.labels import AUDITED

Area = tuple[float, float, float, float]
"""West, south, east and north; over the antimeridian west is greater than east."""

VIEW: Final = View(CORE, "concise")
NOW: Final[Labels] = (None, {})


class Eyes:
    """What one asker may see, as was decided label by label; what was not decided yet is told in `lacking`."""

    def __init__(self, labels: Mapping[str, bool] | None, types: Mapping[str, bool] | None, default: str) -> None:
        """`labels` None: everything. `types`: None where his token is for any; keys are types, by commas."""
        self._labels = labels
        self._types = types
        self._default = default
        self.lacking: set[str] = set()
        self.lacking_types: set[str] = set()
        self.saw: set[tuple[str, str]] = set()
        self.used: set[str] = set()
        """Labels under which anything was shown."""

    def sees(self, label: str | None) -> bool:
        """Whether a label is for these eyes; None: that of what bears none."""
        if self._labels is None:
            return True
        found = self._labels.get(label or self._default)
        if found is None:
            self.lacking.add(label or self._default)
            return False
        return found

    def covers(self, types: Iterable[str]) -> bool:
        """Whether entities of these types are."""
        if self._types is None:
            return True
        key = ",".join(types)
        found = self._types.get(key)
        if found is None:
            self.lacking_types.add(key)
            return False
        return found

    def note(self, ident: str, label: str | None) -> None:
        """Something of an entity is shown; where that is to be written down, it is."""
        said = label or self._default
        self.used.add(said)
        if self._labels is not None and said.partition(";")[0] in AUDITED:
            self.saw.add((ident, said))


@dataclass(frozen=True)
class Asked:
    """What part of the past somebody asks for. Times in microseconds, `now` by the city's clock."""

    now: int
    since: int = 0
    until: int = 0
    types: Kinds = None
    area: Area | None = None
    ids: frozenset[str] = frozenset()  # shown wherever they are
    step: int = 0  # Changes of an entity within so long are told as one
    most: int = 50_000


@dataclass
class Known:
    """What is known of the present that the past is held against."""

    labels: dict[int, Labels]
    edits: dict[int, list[Edit]]
    inside: set[str] = field(default_factory=set)
    """Ids of what lies in the area that is asked for: what has no place of its own and points there is there too."""


class Looking:
    """Looks at the past of one realm, for one asker after the other."""

    def __init__(self, then: Then) -> None:
        """Look through `then`."""
        self.then = then

    def known(self, numbers: Iterable[int], seq: int) -> Known:
        """What is known now of these entities, and was taken back since `seq`."""
        return Known(self.then.labels(numbers), self.then.edits(seq))

    def look_around(self, roll: Roll, asked: Asked, known: Known) -> None:
        """Learn what lies in the area."""
        if asked.area is not None:
            docs = (thing.doc(self.then.names) for thing in roll.things.values())
            known.inside = {doc["id"] for doc in docs if _inside(doc, asked.area)} | asked.ids

    def sees(self, e: int, label: str | None, types: Iterable[str], known: Known, eyes: Eyes) -> bool:
        """Whether an entity under this label was, and is, for these eyes."""
        now = known.labels.get(e, NOW)[0]
        return eyes.sees(label) and eyes.sees(now) and eyes.covers(types)

    def shown(self, e: int, thing: Thing, known: Known, asked: Asked, eyes: Eyes, seq: int) -> Doc | None:
        """What of an entity, as it was at `seq`, may be seen; None: nothing."""
        label, now = known.labels.get(e, NOW)
        if thing.tenant or not (eyes.sees(thing.label) and eyes.sees(label)):
            return None
        doc = thing.doc(self.then.names)
        if not self._wanted(doc, asked, known) or not eyes.covers(types_of(doc)):
            return None
        left = alive(doc, asked.now) if thing.fleeting else doc
        if left is None:
            return None
        if thing.labels or now or e in known.edits:
            left = dict(left)
            for name in list(left):
                if name not in MEMBERS and not (_sees(eyes, thing.labels.get(name)) and _sees(eyes, now.get(name))):
                    del left[name]
            if e in known.edits and not self._without(left, known.edits[e], seq):
                return None
        eyes.note(doc["id"], thing.label)
        for labels in (thing.labels, now):
            for name, own in labels.items():
                if name in left:
                    eyes.note(doc["id"], own)
        return left

    def _wanted(self, doc: Doc, asked: Asked, known: Known) -> bool:
        """Whether an entity is of the types and in the area that are asked for."""
        if "type" not in doc:
            return False
        kinds = asked.types
        if kinds is not None and not any(alias(one) in kinds or one in kinds for one in types_of(doc)):
            return False
        return asked.area is None or doc["id"] in asked.ids or _there(doc, asked.area, known.inside)

    def _without(self, doc: Doc, edits: Iterable[Edit], seq: int) -> bool:
        """Take out what was taken back of history since `seq`; whether anything is left."""
        text = self.then.names.text
        had = False
        for edit in edits:
            name = text(edit.n)
            if name not in doc or name in MEMBERS or edit.seq <= seq:
                continue
            had = True
            dataset = text(edit.d) if edit.d else None
            kept = [one for one in instances(doc[name]) if one.get("datasetId") != dataset or not _is(one, edit)]
            if not kept:
                del doc[name]
            elif len(kept) != len(instances(doc[name])):
                doc[name] = kept if len(kept) > 1 else kept[0]
        return not had or any(name not in MEMBERS for name in doc)

    def parts(
        self, e: int, seq: int, at: int, said: Any, labels: tuple[Labels, Labels], known: Known, asked: Asked,
        eyes: Eyes, ident: str,
    ) -> dict[str, Any] | None:  # fmt: skip
        """What a record says, as these eyes may see it: what became of attributes; None: nothing of it."""
        text = self.then.names.text
        out: dict[str, Any] = {}
        for n, d, code, _, new in said[4]:
            name = text(n)
            if name == LABEL or name in MEMBERS or code == codec.LATE:
                continue
            if not all(_sees(eyes, one[1].get(name)) for one in labels):
                continue
            dataset = text(d) if d else None
            instance = codec.unpack_one(new, at, dataset, text)
            if instance is not None:
                if alive(instance, asked.now) is None or any(
                    one.seq > seq and one.n == n and one.d == d and _is(instance, one) for one in known.edits.get(e, ())
                ):
                    continue
                instance = VIEW.attribute(instance)
            for one in labels:
                if name in one[1]:
                    eyes.note(ident, one[1][name])
            out[CORE.compact(name)] = instance
        flags = said[3]
        if not out and not flags:
            return None
        more = {"new": True} if flags & codec.NEW else {"gone": True} if flags & codec.GONE else {}
        return {**more, "set": {} if flags & codec.GONE else out}


def _sees(eyes: Eyes, label: str | None) -> bool:
    """Whether an attribute is seen that has a label of its own; without one, as its entity is."""
    return label is None or eyes.sees(label)


def _is(one: Doc, edit: Edit) -> bool:
    """Whether an instance is what an edit took back: that very one, or (of all) any."""
    if edit.old is None:
        return True
    return {**one, "observedAt": None} == {**edit.old, "observedAt": None} and _when(one) == _when(edit.old)


def _when(one: Doc) -> int | None:
    observed = one.get("observedAt")
    return None if observed is None else clock.parse(observed)


def moves(packed: Any) -> bool:
    """Whether what a record says of an attribute is a place."""
    return type(packed) is dict and packed.get("type") == "GeoProperty"


def _there(doc: Doc, area: Area, inside: set[str]) -> bool:
    """Whether an entity lies in an area; one without a place, whether it points at what does."""
    if _inside(doc, area):
        return True
    placed = False
    points = False
    for name, entry in doc.items():
        if name in MEMBERS:
            continue
        for one in instances(entry):
            placed = placed or one.get("type") == "GeoProperty"
            said = one.get("object")
            points = points or (said in inside if isinstance(said, str) else any(it in inside for it in said or ()))
    return points and not placed


def _inside(doc: Doc, area: Area) -> bool:
    """Whether a geometry of an entity touches an area."""
    west, south, east, north = area
    for name, entry in doc.items():
        if name in MEMBERS:
            continue
        for one in instances(entry):
            if one.get("type") != "GeoProperty" or not isinstance(one.get("value"), dict):
                continue
            a, b, c, d = bbox(one["value"])
            if d < south or b > north:
                continue
            if (a <= east and c >= west) if west <= east else (c >= west or a <= east):
                return True
    return False
