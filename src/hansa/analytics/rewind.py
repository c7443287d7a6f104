"""The past as somebody may see it: the picture at an instant, what happened since, a day at a glance.

What is shown must be seen under the labels of then *and* under those of now: who may not see a thing any more does not
see it in the past, and who may see it only now did not see it then. What was taken back of history, and what was to be
kept only until a time that is over, is not shown as of any instant. Within these bounds it is what the city knew at
that time, by the order of the log, not what was observed for it later.

Labels are decided elsewhere (`Eyes`); nothing here opens a socket. Report: 2.4.2. Tests: `tests/analytics/`.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

import orjson

from hansa import clock
from hansa.errors import BadRequest, TooLarge
from hansa.model.change import LABEL
from hansa.model.context import CORE
from hansa.model.entity import MEMBERS, Doc, alias, instances, types_of
from hansa.model.geo import bbox
from hansa.model.transient import alive
from hansa.model.wire_out import View
from hansa.platform import codec
from hansa.platform.sqlite.marking import KINDS
from hansa.platform.sqlite.roll import Roll, Stranger, Thing
from hansa.platform.sqlite.then import Edit, Kinds, Labels, Then, Why
from hansa.trust.labels import AUDITED, unlabelled

Area = tuple[float, float, float, float]
"""West, south, east and north; over the antimeridian west is greater than east."""

_VIEW: Final = View(CORE, "concise")
_WALKED: Final = 100_000  # Changes of relabelled entities that are looked at for one time line
_NOW: Final[Labels] = (None, {})
_SMALLER: Final = "a shorter span, a smaller area, or fewer types"


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
class _Known:
    """What is known of the present that the past is held against."""

    labels: dict[int, Labels]
    edits: dict[int, list[Edit]]
    inside: set[str] = field(default_factory=set)
    """Ids of what lies in the area that is asked for: what has no place of its own and points there is there too."""


class Rewind:
    """The past of one realm, for one asker after the other."""

    def __init__(self, then: Then) -> None:
        """Read through `then`."""
        self._then = then
        self._default = unlabelled(then.realm)

    # The picture

    def picture(self, asked: Asked, eyes: Eyes) -> dict[str, Any]:
        """Every entity as it was at `asked.since`, as these eyes may see it."""
        then = self._then
        seq = self._place(asked.since, asked.now)
        roll = then.states(seq, asked.types)
        try:
            known = self._known(roll.things, seq)
            self._look_around(roll, asked, known)
            found: list[dict[str, Any]] = []
            more = 0
            for e, thing in roll.things.items():
                shown = self._shown(e, thing, known, asked, eyes, seq)
                if shown is None:
                    continue
                if len(found) >= asked.most:
                    more += 1
                else:
                    found.append(_VIEW.entity(shown))
        finally:
            then.keep(roll, asked.types)
        return {"at": clock.text(asked.since), **self._bounds(), "entities": found, "cut": more}

    def _place(self, when: int, now: int) -> int:
        """Where the log was then; BadRequest before the city's memory begins, and after now."""
        if when > now:
            raise BadRequest("that has not happened yet", where="at", mend=f"it is {clock.text(now)}")
        first = self._then.first()[1]
        if not first or when < first:
            mend = f"it begins at {clock.text(first)}" if first else "nothing has been said to it"
            raise BadRequest("the city remembers nothing of that time", where="at", mend=mend)
        return self._then.place(when, now)

    def _bounds(self) -> dict[str, Any]:
        return {"begins": clock.text(self._then.first()[1])}

    def _known(self, numbers: Iterable[int], seq: int) -> _Known:
        return _Known(self._then.labels(numbers), self._then.edits(seq))

    def _look_around(self, roll: Roll, asked: Asked, known: _Known) -> None:
        """Learn what lies in the area."""
        if asked.area is not None:
            docs = (thing.doc(self._then.names) for thing in roll.things.values())
            known.inside = {doc["id"] for doc in docs if _inside(doc, asked.area)} | asked.ids

    def _sees(self, e: int, label: str | None, types: Iterable[str], known: _Known, eyes: Eyes) -> bool:
        """Whether an entity under this label was, and is, for these eyes."""
        now = known.labels.get(e, _NOW)[0]
        return eyes.sees(label) and eyes.sees(now) and eyes.covers(types)

    def _shown(self, e: int, thing: Thing, known: _Known, asked: Asked, eyes: Eyes, seq: int) -> Doc | None:
        """What of an entity, as it was at `seq`, may be seen; None: nothing."""
        label, now = known.labels.get(e, _NOW)
        if thing.tenant or not (eyes.sees(thing.label) and eyes.sees(label)):
            return None
        doc = thing.doc(self._then.names)
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

    def _wanted(self, doc: Doc, asked: Asked, known: _Known) -> bool:
        """Whether an entity is of the types and in the area that are asked for."""
        if "type" not in doc:
            return False
        kinds = asked.types
        if kinds is not None and not any(alias(one) in kinds or one in kinds for one in types_of(doc)):
            return False
        return asked.area is None or doc["id"] in asked.ids or _there(doc, asked.area, known.inside)

    def _without(self, doc: Doc, edits: Iterable[Edit], seq: int) -> bool:
        """Take out what was taken back of history since `seq`; whether anything is left."""
        text = self._then.names.text
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

    # What happened

    def changes(self, asked: Asked, eyes: Eyes) -> dict[str, Any]:
        """What changed after `asked.since` until `asked.until`, in order, for a picture as of `since`.

        At most `asked.most` are told; `until` then says how far it is told, and `more` that there is more.
        """
        then = self._then
        if asked.until < asked.since:
            raise BadRequest("it ends before it begins", where="until")
        roll = then.states(self._place(asked.since, asked.now), asked.types)
        play = _Play(self, roll, asked, eyes)
        try:
            end = play.run(then.place(min(asked.until, asked.now), asked.now))
        except BaseException:
            then.names.refresh()
            raise
        then.keep(roll, asked.types)
        until = asked.until if end is None else end
        return {
            "from": clock.text(asked.since),
            "until": clock.text(until),
            "more": end is not None,
            "changes": play.told,
        }

    def film(self, asked: Asked, eyes: Eyes, bins: int) -> dict[str, Any]:
        """The picture at `since`, all that changed until `until`, marks and doings between, and under which labels.

        TooLarge when that is more than `asked.most` entities or Changes.
        """
        first = self._then.first()[1]
        if asked.since < first <= asked.until:  # it begins where the city's memory does
            asked = replace(asked, since=first)
        picture = self.picture(asked, eyes)
        if picture["cut"]:
            raise TooLarge(f"more than {asked.most:,} entities", where="area", mend=_SMALLER)
        told: list[dict[str, Any]] = []
        since = asked.since
        while True:
            some = self.changes(replace(asked, since=since), eyes)
            told += some["changes"]
            if len(told) > asked.most:
                raise TooLarge(f"more than {asked.most:,} Changes", where="until", mend=_SMALLER)
            if not some["more"]:
                break
            since = clock.parse(some["until"])
        day = self.day(asked, eyes, bins)
        # Only what is in the film: what happened elsewhere is no part of it.
        there = {one["id"] for one in picture["entities"]} | {one["id"] for one in told}
        for name in ("marks", "doings"):
            day[name] = [one for one in day[name] if one["id"] in there]
        width = day["width_s"] * 1_000
        counted = Counter((one["at"] - asked.since // 1_000) // width for one in told)
        day["density"] = [[asked.since // 1_000 + max(0, n) * width, many] for n, many in sorted(counted.items())]
        return {"picture": picture, "changes": told, "day": day, "labels": sorted(eyes.used)}

    # A day at a glance

    def day(self, asked: Asked, eyes: Eyes, bins: int) -> dict[str, Any]:
        """How much happened when, which alarms and incidents, and who did what, from `since` to before `until`."""
        then = self._then
        if asked.until <= asked.since:
            raise BadRequest("it ends before it begins", where="until")
        width = max(60_000_000, -(-(asked.until - asked.since) // bins // 60_000_000) * 60_000_000)
        relabelled = then.relabelled()
        return {
            "from": clock.text(asked.since),
            "until": clock.text(asked.until),
            **self._bounds(),
            "width_s": width // 1_000_000,
            "density": self._density(asked, eyes, width, relabelled),
            **self._events(asked, eyes, relabelled),
        }

    def _density(
        self, asked: Asked, eyes: Eyes, width: int, relabelled: dict[int, list[tuple[int, Labels]]]
    ) -> list[list[int]]:
        """[milliseconds, Changes] of each span in which there was any."""
        wanted = self._then.kinds(asked.types)
        text = self._then.names.text
        counted: Counter[int] = Counter()
        hidden = self._hidden(asked, eyes, relabelled)
        for minute, t, label, own, many in self._then.tallies(asked.since, asked.until):
            kind = text(t) if t else ""
            if " " in kind or (wanted is not None and t not in wanted) or not self._counts(eyes, kind, label, own):
                continue
            if (None, label) in hidden:
                continue
            left = many - hidden.get((minute, t, label), 0)
            counted[(minute - asked.since) // width] += max(0, left)
        return [[(asked.since + max(0, n) * width) // 1_000, many] for n, many in sorted(counted.items()) if many]

    def _counts(self, eyes: Eyes, kind: str, label: str, own: str) -> bool:
        if not eyes.sees(label) or not eyes.covers([kind] if kind else []):
            return False
        return not own or any(eyes.sees(one) for one in own.split("\n"))

    def _hidden(self, asked: Asked, eyes: Eyes, relabelled: dict[int, list[tuple[int, Labels]]]) -> dict[Any, int]:
        """Changes that were for these eyes when they happened, and are not now: by minute, type and label then.

        Of too many, all that was under such a label is hidden: (None, label).
        """
        now = self._then.labels(relabelled)
        out: dict[Any, int] = {}
        steps = 0
        for e, past in relabelled.items():
            if eyes.sees(now.get(e, _NOW)[0]):
                continue
            for label in {was[0] or self._default for _, was in past}:
                if not eyes.sees(label):
                    continue
                for seq, at, t in self._then.thread(e, asked.since):
                    steps += 1
                    if steps > _WALKED:
                        out[None, label] = 1
                        break
                    then = next((was[0] for until, was in past if until > seq), now.get(e, _NOW)[0])
                    if (then or self._default) == label:
                        key = at // 60_000_000 * 60_000_000, t, label
                        out[key] = out.get(key, 0) + 1
        return out

    def _events(self, asked: Asked, eyes: Eyes, relabelled: dict[int, list[tuple[int, Labels]]]) -> dict[str, Any]:
        """Alarms, incidents and commands as marks on a time line, and what people did."""
        then = self._then
        why = int(Why.DONE | Why.ALARM | Why.INCIDENT | Why.COMMAND)
        events = then.events(asked.since, asked.until, why, 2 * asked.most)
        cut = max(0, len(events) - asked.most)
        events = events[: asked.most]
        by_seq = {one.seq: one for one in events}
        numbers = {one.e for one in events}
        known = self._known(numbers, 0)
        ids = then.ids(numbers)
        text = then.names.text
        marks: list[dict[str, Any]] = []
        doings: list[dict[str, Any]] = []
        for (seq, e, at, _, t), said in then.doings(by_seq):
            event = by_seq[seq]
            tenant, ident = ids.get(e, (1, ""))
            kind = text(t) if t else ""
            now = known.labels.get(e, _NOW)
            was = next((labels for until, labels in relabelled.get(e, ()) if until > seq), now)
            if tenant or not self._sees(e, was[0], [kind] if kind else [], known, eyes):
                continue
            if asked.types is not None and alias(kind) not in asked.types:
                continue
            told = self._parts(e, seq, at, said, (was, now), known, asked, eyes, ident)
            if told is None:
                continue
            eyes.note(ident, was[0])
            entry = {"at": at // 1_000, "id": ident, "type": alias(kind), **told}
            if event.why & (Why.ALARM | Why.INCIDENT | Why.COMMAND):
                marks.append(entry)
            if event.why & Why.DONE:
                doings.append({**entry, "by": text(said[0])})
        return {"marks": marks, "doings": doings, "cut": cut}

    def _parts(
        self, e: int, seq: int, at: int, said: Any, labels: tuple[Labels, Labels], known: _Known, asked: Asked,
        eyes: Eyes, ident: str,
    ) -> dict[str, Any] | None:  # fmt: skip
        """What a record says, as these eyes may see it: what became of attributes; None: nothing of it."""
        text = self._then.names.text
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
                instance = _VIEW.attribute(instance)
            for one in labels:
                if name in one[1]:
                    eyes.note(ident, one[1][name])
            out[CORE.compact(name)] = instance
        flags = said[3]
        if not out and not flags:
            return None
        more = {"new": True} if flags & codec.NEW else {"gone": True} if flags & codec.GONE else {}
        return {**more, "set": {} if flags & codec.GONE else out}


class _Play:
    """Goes on from a picture and tells what becomes of it."""

    def __init__(self, past: Rewind, roll: Roll, asked: Asked, eyes: Eyes) -> None:
        self.told: list[dict[str, Any]] = []
        self._past = past
        self._then = past._then  # noqa: SLF001  # of one piece
        self._roll = roll
        self._asked = asked
        self._eyes = eyes
        self._known = past._known(roll.things, roll.seq)  # noqa: SLF001
        past._look_around(roll, asked, self._known)  # noqa: SLF001
        self._shown: dict[int, bool] = {}
        self._open: dict[int, tuple[int, dict[str, Any]]] = {}  # of this step, by entity
        self._frame = -1

    def run(self, until: int) -> int | None:
        """Go on to a place in the log; None when it came there, else the time (microseconds) that it came to."""
        asked, roll, then = self._asked, self._roll, self._then
        wanted = then.kinds(asked.types)
        reach = asked.since
        for row in then.rows(roll.seq, until):
            seq, e, at, body, t = row
            thing = roll.things.get(e)
            if thing is None and wanted is not None and t and t not in wanted:
                continue
            now = max(reach, at) if at <= asked.until else reach
            frame = now // asked.step if asked.step else now
            if frame != self._frame:
                if len(self.told) >= asked.most:  # never within an instant: whoever goes on from it has all of it
                    return reach
                self._open.clear()
                self._frame = frame
            reach = now
            said = codec.record(body)
            before = self._visible(e, thing, seq - 1)
            try:
                plain = roll.go(row, said) and thing is not None
            except Stranger:  # it becomes of a type that is wanted
                roll.things[e] = then.thing(e, seq - 1)
                plain = roll.go(row, said) and thing is not None
            # What was hidden because it would be taken back is what it is once that has happened.
            edited = e in self._known.edits
            plain = plain and not (edited and any(code == codec.LATE for _, _, code, _, _ in said[4]))
            if not plain or edited or (asked.area is not None and any(_moves(one) for *_, one in said[4])):
                self._shown.pop(e, None)
                if e not in self._known.labels:
                    self._known.labels.update(then.labels((e,)))
            self._tell(e, seq, at, reach, said, before=before, plain=plain)
        roll.seq = until
        return None

    def _visible(self, e: int, thing: Thing | None, seq: int) -> bool:
        if thing is None:
            return False
        found = self._shown.get(e)
        if found is None:
            shown = self._past._shown(e, thing, self._known, self._asked, self._eyes, seq)  # noqa: SLF001
            found = self._shown[e] = shown is not None
            if found and self._asked.area is not None:
                self._known.inside.add(thing.doc(self._then.names)["id"])
        return found

    def _tell(self, e: int, seq: int, at: int, reach: int, said: Any, *, before: bool, plain: bool) -> None:
        thing = self._roll.things.get(e)
        if thing is None or not self._visible(e, thing, seq):
            if before:
                self._entry(e, reach, {"gone": True}, whole=True)
            return
        if not before or not plain:
            shown = self._past._shown(e, thing, self._known, self._asked, self._eyes, seq)  # noqa: SLF001
            if shown is not None:
                self._entry(e, reach, {"entity": _VIEW.entity(shown)}, whole=True)
            return
        labels: tuple[Labels, Labels] = ((thing.label, thing.labels), self._known.labels.get(e, _NOW))
        ident = self._roll.named(e)[1]
        told = self._past._parts(e, seq, at, said, labels, self._known, self._asked, self._eyes, ident)  # noqa: SLF001
        if told is None:
            return
        if thing.several:  # of several instances all are told
            shown = self._past._shown(e, thing, self._known, self._asked, self._eyes, seq) or {}  # noqa: SLF001
            for n, *_ in said[4]:
                name = self._then.names.text(n)
                entry = shown.get(name)
                told["set"][CORE.compact(name)] = None if entry is None else _VIEW.attribute(entry)
        self._entry(e, reach, told, whole=False)

    def _told_singly(self, e: int) -> bool:
        """Whether each of its Changes is to be seen: that an alarm rang and ceased within a step, too."""
        thing = self._roll.things.get(e)
        return thing is not None and any(alias(self._then.names.text(t)) in KINDS for t in thing.types if t)

    def _entry(self, e: int, reach: int, told: dict[str, Any], *, whole: bool) -> None:
        found = self._open.get(e)
        if found is not None and not whole and not self._told_singly(e):
            entry = self.told[found[0]]
            if "entity" in entry:
                entry["entity"].update({k: v for k, v in told["set"].items() if v is not None})
                for name in [k for k, v in told["set"].items() if v is None]:
                    entry["entity"].pop(name, None)
                return
            if "set" in entry:
                entry["set"].update(told["set"])
                return
        ident = self._roll.named(e)[1]
        self._open[e] = len(self.told), told
        self.told.append({"at": reach // 1_000, "id": ident, **told})


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


def _moves(packed: Any) -> bool:
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


def answered(what: Mapping[str, Any]) -> bytes:
    """As JSON."""
    return orjson.dumps(what)


Ask = Callable[[Asked, Eyes], dict[str, Any]]
