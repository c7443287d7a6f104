"""One instance of an attribute, and a fragment laid over it (CIM 009, clauses 5.4, 5.5.8, 5.5.12). Pure functions.

Two ways: a partial update puts members in the place of others; a merge goes down into values, as RFC 7396 does. In
both, what is the NGSI-LD Null goes.
"""

from typing import Any, Final

from hansa.errors import BadRequest
from hansa.model.change import put_instance
from hansa.model.context import CORE
from hansa.model.entity import VALUE_OF, Instance, instances
from hansa.model.members import KIND_OF, RESERVED
from hansa.model.wire import NULL, attribute_in, completed
from hansa.model.wire_values import under


def find(entry: Any, dataset: str | None) -> Instance | None:
    """The instance of a datasetId, or the default one, in what a document holds for an attribute; None: none."""
    if entry is None:
        return None
    if type(entry) is not list:
        return entry if entry.get("datasetId") == dataset else None
    for one in entry:
        if one.get("datasetId") == dataset:
            return one  # type: ignore[no-any-return]
    return None


def is_null(instance: Instance) -> bool:
    """Whether an instance says that it is to be taken away (4.5.0)."""
    # One look over what is there settles almost every case; which member it was is asked only then.
    return NULL in instance.values() and any(instance.get(member) == NULL for member in _VALUES)


_VALUES: Final = frozenset(VALUE_OF.values())


def merged(old: Instance | None, said: Instance, *, lang: str | None, same_kind: bool) -> Instance:
    """An instance with a fragment merged in (5.5.12, 5.6.17); `old` None: it is new.

    A plain string is in the language `lang`. With `same_kind` an attribute stays of its kind (6.5.3.4); without, what
    is said in full words may be of another. Raises BadRequest.
    """
    if old is None:
        return completed(said)  # type: ignore[no-any-return]
    fragment = _fitted(old, said, lang)
    kind = _kind_of(fragment)
    if kind in {None, old["type"]}:
        return _sound(_patched(old, fragment, deep=True), fragment is not said or _nested(said))
    if same_kind:
        raise BadRequest(f"it is a {old['type']}, not a {kind} (6.5.3.4)")
    return completed(fragment)  # type: ignore[no-any-return]


def updated(old: Instance, fragment: Instance) -> Instance:
    """An instance with a fragment laid over it, member by member (5.5.8, 5.6.4); BadRequest if of another kind."""
    said = _fitted(old, fragment, None)
    kind = _kind_of(said)
    if kind is not None and kind != old["type"]:
        raise BadRequest(f"it is a {old['type']}, not a {kind}", where="type")
    return _sound(_patched(old, said, deep=False), said is not fragment)


def _kind_of(fragment: Instance) -> str | None:
    """The kind that a fragment says or implies; None when it says nothing of it."""
    kind: str | None = fragment.get("type")
    if kind is not None:
        return kind
    return next((KIND_OF[member] for member in fragment if member in KIND_OF), None)


def _fitted(old: Instance, fragment: Instance, lang: str | None) -> Instance:
    """A fragment that says no type, in the words of the kind that is there (simplified input says `value`)."""
    kind = old["type"]
    if "value" not in fragment or "type" in fragment or kind == "Property":
        return fragment
    if kind == "VocabProperty":  # what it stands for depends on an @context, which is not here any more
        raise BadRequest("it is a VocabProperty, not a Property", mend='say {"vocab": ...}')
    value: Any = fragment["value"]
    if kind == "LanguageProperty" and type(value) is not dict:
        value = {lang or "@none": value}
    elif kind == "ListRelationship" and type(value) is list:
        value = [{"object": one} for one in value]
    return {"type": kind, VALUE_OF[kind]: value, **{m: v for m, v in fragment.items() if m != "value"}}


def _nested(fragment: Instance) -> bool:
    return any(member not in RESERVED for member in fragment)


def _sound(instance: Instance, understood: bool) -> Instance:
    """The instance, read once more where laying two over each other can have made nonsense. Raises BadRequest."""
    if understood or instance["type"] == "GeoProperty":
        attribute_in(instance, CORE, _ANY_NAME, mode="whole")
    return instance


_ANY_NAME: Final = "a"  # whose attribute it is makes no difference here


def _patched(old: Instance, fragment: Instance, *, deep: bool) -> Instance:
    """An instance with a fragment laid over it: members replaced (5.5.8), or merged down into values (5.5.12)."""
    out = dict(old)
    for member, value in fragment.items():
        if member not in RESERVED:
            try:
                _lay_over(out, member, value, deep=deep)
            except BadRequest as fault:
                raise under(member, fault) from None
        elif value == NULL:
            out.pop(member, None)
        else:
            out[member] = _merge_patch(old.get(member), value) if deep else value
    return out


def _lay_over(holder: Instance, name: str, said: Any, *, deep: bool) -> None:
    """Lay instances over those of an attribute's own attribute, each over the one of its datasetId."""
    for one in [{"value": NULL}] if said == NULL else instances(said):
        dataset = one.get("datasetId")
        old = find(holder.get(name), dataset)
        if is_null(one):
            new = None
        elif deep and old is not None and _kind_of(fitted := _fitted(old, one, None)) in {None, old["type"]}:
            new = _patched(old, fitted, deep=True)
        else:
            new = completed(one)
        put_instance(holder, name, dataset, new)


def _merge_patch(old: Any, new: Any) -> Any:
    """RFC 7396 with NGSI-LD's null. A value that is an object merges too (5.5.12), over whatever was there."""
    if type(new) is not dict:
        return new
    out = dict(old) if type(old) is dict else {}
    for key, value in new.items():
        if value == NULL:
            out.pop(key, None)
        else:
            out[key] = _merge_patch(out.get(key), value)
    return out
