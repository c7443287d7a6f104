"""Which frameworks the city uses: shipped ones by name and edition, and its own, sent as JSON or YAML."""

import json
from collections.abc import Iterable
from functools import lru_cache
from typing import Any, Final

import yaml

from hansa import Act, City, Delete, Entity, NotFound, Refusal, entity, kpi
from hansa.apps.scorecard import nouns
from hansa.apps.scorecard.made import LEADS, app
from hansa.apps.scorecard.times import iso

TEXT: Final = 500_000
"""Characters of a city's own framework; the 91 indicators that ship take 135,000, and as YAML a second."""
DEEP: Final = 20
"""Levels of YAML within each other; a framework has six."""
OWN: Final = 20
"""Frameworks of the city's own that are kept read."""


def of(city: City, ident: str) -> Any:
    """A framework (kpi.Framework): the city's own of this id, or one that ships. NotFound."""
    found = nouns.known(city, nouns.framework_id(nouns.checked_framework(ident)))
    if found is not None and found.get("own"):
        return _own(str(found["text"]))
    return kpi.framework(ident)


def used(city: City) -> list[Entity]:
    """The KpiFramework entities that the city uses, by id."""
    found = [one for one in nouns.of_kind(city, "KpiFramework") if one.get("status") == "used"]
    return sorted(found, key=lambda one: one.id)


def in_use(city: City, ident: Any) -> Any:
    """A framework that the city uses. Refusal says how to adopt it."""
    name = nouns.checked_framework(ident)
    found = nouns.known(city, nouns.framework_id(name))
    if found is None or found.get("status") != "used":
        raise Refusal(
            f"the city does not use the framework {name}", where="framework", mend="POST /desk/scorecard/adopt"
        )
    return of(city, name)


@app.act("adopt", "KpiFramework", roles=LEADS, new=True)
def adopt(act: Act, city: City) -> Iterable[Entity | Delete]:
    """Use a framework: one that ships (`framework`, perhaps its `edition`), or one's own as `text`."""
    text = act.said.get("text")
    if text is None:
        name = nouns.checked_framework(act.said.get("framework"))
        try:
            framework = kpi.framework(name)
        except NotFound as why:
            raise Refusal(why.detail, where="framework", mend=why.mend) from None
        before = nouns.known(city, nouns.framework_id(name))
        if before is not None and before.get("own"):
            yield Delete(before.id, "text")
    else:
        framework, text = _sent(text)
        try:
            nouns.checked_framework(framework.id)
        except Refusal:
            raise Refusal(
                f"{framework.id[:60]!r} cannot be the id of a framework",
                where="text.id",
                mend="up to 40 of a-z, 0-9, _ . and -; a letter or digit first",
            ) from None
        if framework.id in kpi.frameworks():
            raise Refusal(
                f"{framework.id} is the id of a framework that ships", where="text.id", mend="give yours another id"
            )
    edition = act.said.get("edition")
    if edition not in (None, "", framework.edition):
        raise Refusal(
            f"{framework.id} is here in the edition {framework.edition}", where="edition", mend="leave it out"
        )
    yield adopted(framework, text, act.by, act.at)


def adopted(framework: Any, text: str | None, by: str, at: int) -> Entity:
    """The word that a framework is used; `text` of the city's own."""
    return entity(
        "KpiFramework",
        nouns.framework_id(framework.id),
        framework=framework.id,
        name=framework.name,
        edition=framework.edition,
        status="used",
        own=text is not None,
        text=text,
        by=by,
        at=iso(at),
    )


@app.act("leave", "KpiFramework", roles=LEADS, new=True)
def leave(act: Act, city: City) -> Iterable[Entity]:
    """Use a `framework` no more. What was entered stays."""
    name = nouns.checked_framework(act.said.get("framework"))
    in_use(city, name)
    yield entity("KpiFramework", nouns.framework_id(name), status="left", by=act.by, at=iso(act.at))


def _sent(text: Any) -> tuple[Any, str]:
    """A framework from text, and the text it is kept as. Refusal or BadRequest says what is wrong, and where."""
    if not isinstance(text, str) or len(text) > TEXT:
        raise Refusal(f"text is JSON or YAML of at most {TEXT:,} characters", where="text")
    try:
        said = json.loads(text) if text.lstrip().startswith("{") else _yaml(text)
    except (ValueError, yaml.YAMLError, RecursionError) as why:
        raise Refusal(f"it is neither JSON nor YAML: {str(why)[:300]}", where="text") from None
    if not isinstance(said, dict):
        raise Refusal("a framework is an object with id, name, edition and indicators", where="text")
    try:
        kept = json.dumps(said, ensure_ascii=False, allow_nan=False)
    except (ValueError, TypeError) as why:
        raise Refusal(f"it holds what JSON cannot say: {why}", where="text") from None
    return kpi.load(said), kept


def _yaml(text: str) -> Any:
    # A tree of aliases could stand for more than memory holds, and the parser in C, which calls itself for every level,
    # would end this process with one of too many: neither is taken, and both are seen before anything is made of it.
    deep = 0
    for one in yaml.parse(text, _Plain):
        if isinstance(one, yaml.AliasEvent):
            raise yaml.YAMLError("aliases are not taken; write it out")
        deep += isinstance(one, yaml.CollectionStartEvent) - isinstance(one, yaml.CollectionEndEvent)
        if deep > DEEP:
            raise yaml.YAMLError(f"it is more than {DEEP} levels deep")
    loader = _Plain(text)
    try:
        return loader.get_single_data()
    finally:
        loader.dispose()


# The parser in C, where it is, takes a tenth of the time.
class _Plain(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]  # it has no types
    """YAML without dates: what it makes is JSON."""


_Plain.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in found if tag != "tag:yaml.org,2002:timestamp"]
    for first, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


@lru_cache(OWN)
def _own(text: str) -> Any:
    return kpi.load(json.loads(text))
