"""How entities of an answer are to look: what GET /entities and its like say of representation (4.21, 6.3.7, 6.3.11).

A `Look` depends on nothing but the words of the request and its @context.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from hansa.errors import BadRequest, InvalidRequest
from hansa.limits import DEFAULT, Limits
from hansa.model.context import Context
from hansa.model.projection import Projection, clash, depth, parse_projection
from hansa.model.wire import Form, View
from hansa.model.wire_values import at, uri
from hansa.platform.joined import Join
from hansa.platform.ngsild import media

SHOWING: Final = frozenset({"attrs", "pick", "omit", "datasetId", "lang", "format", "options"})
LINKING: Final = frozenset({"join", "joinLevel", "containedBy"})

FORMS: Final[dict[str, Form]] = {
    "normalized": "normalized",
    "concise": "concise",
    "simplified": "simplified",
    "keyValues": "simplified",
}
_JOINS: Final = frozenset({"inline", "flat", "@none"})
_NO_ATTRIBUTES: Final = frozenset({"id", "type", "scope"})


@dataclass(frozen=True, slots=True)
class Look:
    """The view of entities, whether linked ones come along, and whose value is the geometry in GeoJSON (6.3.15)."""

    view: View
    join: Join | None = None
    geometry: str | None = None  # stored name; None: nothing was said, so location

    @classmethod
    def of(cls, said: dict[str, str], context: Context, limits: Limits) -> "Look":
        """From the parameters of GET /entities and /entities/{entityId}. Raises BadRequest, InvalidRequest."""
        join = join_of(said, limits)
        view = view_of(said, context, level=0 if join is None else join.level, limits=limits)
        name = said.get("geometryProperty")
        return cls(view, join, None if name is None else at("geometryProperty", context.name, name))

    def check(self, accept: str) -> None:
        """Raise BadRequest when geometryProperty goes with an answer that is not GeoJSON (5.7.1.4, 5.7.2.4)."""
        if self.geometry is not None and accept != media.GEO:
            raise BadRequest("geometryProperty is for answers in GeoJSON", where="geometryProperty", mend=media.GEO)

    @property
    def plain(self) -> bool:
        """Whether stored documents can be the answer, as long as it is JSON."""
        return self.join is None and self.view.identity


def view_of(
    said: dict[str, str],
    context: Context,
    forms: dict[str, Form] = FORMS,
    *,
    level: int = 0,
    limits: Limits = DEFAULT,
) -> View:
    """How entities are to look: attrs, pick, omit, datasetId, lang, format and options (4.21, 6.3.7, 6.3.11).

    BadRequest when a projection reaches over more than `level` relationships.
    """
    form, sys_attrs = _form(said, forms)
    attrs, pick, omit = (_projected(said, name, context, level, limits) for name in ("attrs", "pick", "omit"))
    if attrs is not None and (pick is not None or omit is not None):
        raise BadRequest("attrs goes with neither pick nor omit", where="attrs", mend="use pick alone")
    if attrs is not None and (odd := sorted(_NO_ATTRIBUTES & attrs.keys())):
        raise BadRequest(f"{odd[0]} is no attribute", where="attrs", mend="use pick")
    if pick is not None and omit is not None and (both := clash(pick, omit)) is not None:
        raise BadRequest(f"{both!r} is to be picked and omitted", where="omit")
    datasets = said.get("datasetId")
    return View(
        context,
        form,
        sys_attrs,
        attrs,
        pick,
        omit,
        None if datasets is None else _datasets(datasets.split(",")),
        said.get("lang"),
    )


def _form(said: dict[str, str], forms: dict[str, Form] = FORMS) -> tuple[Form, bool]:
    """The representation, and whether system attributes are shown. `format` comes before `options` (6.3.7)."""
    form: Form | None = None
    sys_attrs = False
    for option in said["options"].split(",") if "options" in said else ():
        if option == "sysAttrs":
            sys_attrs = True
        elif option in forms:
            form = form or forms[option]
        else:
            raise InvalidRequest(f"{option[:64]!r} is no option here", where="options", mend=", ".join(forms))
    if "format" in said:
        if said["format"] not in forms:
            raise InvalidRequest(f"{said['format'][:64]!r} is no format", where="format", mend=", ".join(forms))
        form = forms[said["format"]]
    return form or "normalized", sys_attrs


def join_of(said: dict[str, str], limits: Limits) -> Join | None:
    """Whether linked entities come along: join, joinLevel, containedBy (4.5.23); None: they do not. BadRequest."""
    if LINKING.isdisjoint(said):
        return None
    join = said.get("join")
    if join is not None and join not in _JOINS:
        raise BadRequest(f"{join[:64]!r} is no way to join", where="join", mend=", ".join(sorted(_JOINS)))
    text = said.get("joinLevel", "1")
    level = int(text) if text.isascii() and text.isdigit() and len(text) < 6 else 0
    if not 1 <= level <= limits.join:
        raise BadRequest(f"joinLevel is a whole number from 1 to {limits.join}, not {text[:32]!r}", where="joinLevel")
    contained = said.get("containedBy")
    known = frozenset(() if contained is None else (uri(one, "containedBy", limits) for one in contained.split(",")))
    if join is None and (odd := sorted(LINKING & said.keys())):
        raise BadRequest(f"{odd[0]} goes with join", where=odd[0], mend="add join=inline or join=flat")
    return None if join in {None, "@none"} else Join(join == "flat", level, known)


def _datasets(said: Collection[str]) -> frozenset[str]:
    """datasetIds; BadRequest when one is neither a URI nor @none (4.5.5)."""
    for one in said:
        if one != "@none":
            uri(one, "datasetId", DEFAULT)
    return frozenset(said)


def _projected(said: dict[str, str], name: str, context: Context, level: int, limits: Limits) -> Projection | None:
    if name not in said:
        return None
    found = parse_projection(said[name], name, context.name, limits)
    if (reach := depth(found)) > level:
        why = f"joinLevel is {level}" if level else "join was not asked for"
        raise BadRequest(f"{name} reaches over {reach} relationships, and {why}", where=name)
    return found
