"""What somebody says of a dataset, member by member: checked, cleaned, in the words of the authorities."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from hansa import Refusal
from hansa.apps.opendata import authorities, texts

TITLE: Final = 200
DESCRIPTION: Final = 5_000
KEYWORDS: Final = 50
COLUMNS: Final = 200
SAYS: Final = 1_000
PUBLISHERS: Final = (
    "LocalAuthority", "RegionalAuthority", "NationalAuthority", "Company", "Academia-ScientificOrganisation",
    "NonGovernmentalOrganisation", "NonProfitOrganisation",
)  # fmt: skip


def described(said: Mapping[str, Any], spoken: str = "en") -> dict[str, Any]:
    """What of a description was said, as attributes of a Dataset. Refusal names the member that is wrong.

    What is null or empty is taken back, where it can be.
    """
    known = set(MEMBERS) | {"id", "ids"}
    if extra := sorted(set(map(str, said)) - known):
        raise Refusal(f"a description has no {extra[0][:40]!r}", where=extra[0][:60], mend=", ".join(MEMBERS))
    made: dict[str, Any] = {}
    for name, (attribute, read) in MEMBERS.items():
        if name in said:
            made[attribute] = read(said[name], spoken)
    if not made:
        raise Refusal("nothing is said", where="title", mend=f"any of {', '.join(MEMBERS)}")
    return made


def _keywords(said: Any, spoken: str) -> dict[str, list[str]]:
    if isinstance(said, str):
        said = [one for one in said.split(",") if one.strip()]
    some = said if isinstance(said, Mapping) else {spoken: said}
    if len(some) > texts.TONGUES:
        raise Refusal("keywords are in too many languages", where="keywords")
    return {
        texts.language(tag): list(
            dict.fromkeys(
                texts.plain(one, "keywords", 60).replace(",", " ") for one in texts.listed(words, "keywords", KEYWORDS)
            )
        )
        for tag, words in some.items()
    }


def _themes(said: Any, _spoken: str) -> list[str]:
    some = texts.listed([said] if isinstance(said, str) else said, "themes", len(authorities.THEMES))
    return list(dict.fromkeys(authorities.one_of(one, authorities.THEMES, "themes") for one in some))


def _publisher(said: Any, spoken: str) -> dict[str, Any]:
    if isinstance(said, str):
        said = {"name": said}
    if not isinstance(said, Mapping):
        raise Refusal("a publisher has a name", where="publisher")
    made: dict[str, Any] = {"name": texts.words(said.get("name"), "publisher.name", TITLE, spoken=spoken)}
    if said.get("uri"):
        made["uri"] = texts.iri(said["uri"], "publisher.uri")
    kind = said.get("type") or "LocalAuthority"
    made["type"] = authorities.one_of(kind, dict.fromkeys(PUBLISHERS), "publisher.type")
    return made


def _contact(said: Any, _spoken: str) -> dict[str, str]:
    if not isinstance(said, Mapping):
        raise Refusal("a contact has a mail address or a page", where="contact")
    made: dict[str, str] = {}
    if said.get("name"):
        made["name"] = texts.plain(said["name"], "contact.name", TITLE)
    if said.get("email"):
        made["email"] = texts.mail(said["email"], "contact.email")
    if said.get("url"):
        made["url"] = texts.iri(said["url"], "contact.url")
    if not made.get("email") and not made.get("url"):
        raise Refusal("a contact has a mail address or a page", where="contact")
    return made


def _spatial(said: Any, spoken: str) -> dict[str, Any]:
    if not isinstance(said, Mapping):
        raise Refusal("spatial has a bbox, a name, or both", where="spatial")
    made: dict[str, Any] = {}
    if said.get("bbox"):
        made["bbox"] = texts.box(said["bbox"], "spatial.bbox")
    if said.get("name"):
        made["name"] = texts.words(said["name"], "spatial.name", TITLE, spoken=spoken)
    return made


def _columns(said: Any, spoken: str) -> list[dict[str, Any]]:
    made = []
    for n, one in enumerate(texts.listed(said, "columns", COLUMNS)):
        if not isinstance(one, Mapping):
            raise Refusal("a column has a name, a unit, and what it means", where=f"columns[{n}]")
        where = f"columns[{n}]"
        column: dict[str, Any] = {"name": texts.plain(one.get("name"), f"{where}.name", 120)}
        column["unit"] = texts.plain(one.get("unit", ""), f"{where}.unit", 40, least=0)
        column["says"] = texts.words(one.get("says", {}), f"{where}.says", SAYS, spoken=spoken, least=0)
        for end in ("low", "high"):
            if one.get(end) is not None:
                column[end] = texts.number(one[end], f"{where}.{end}")
        if column.get("low", -1e300) > column.get("high", 1e300):
            raise Refusal("low is above high", where=where)
        made.append(column)
    if len({one["name"] for one in made}) < len(made):
        raise Refusal("a column is described twice", where="columns")
    return made


def _series(said: Any, spoken: str) -> dict[str, Any]:
    if not said:
        return {}
    if not isinstance(said, Mapping):
        raise Refusal("a series has a key, a title and a description", where="series")
    return {
        "key": texts.slug(said.get("key"), "series.key"),
        "title": texts.words(said.get("title"), "series.title", TITLE, spoken=spoken),
        "description": texts.words(
            said.get("description", {}), "series.description", DESCRIPTION, spoken=spoken, least=0
        ),
    }


def _hvd(said: Any, _spoken: str) -> str:
    return authorities.one_of(said, authorities.HVD, "hvd") if said else ""


def _conforms(said: Any, _spoken: str) -> list[str]:
    return [texts.iri(one, "conformsTo") for one in texts.listed(said, "conformsTo", 20)]


MEMBERS: Final[Mapping[str, tuple[str, Callable[[Any, str], Any]]]] = {
    "title": ("title", lambda said, spoken: texts.words(said, "title", TITLE, spoken=spoken)),
    "description": ("description", lambda said, spoken: texts.words(said, "description", DESCRIPTION, spoken=spoken)),
    "keywords": ("keywords", _keywords),
    "themes": ("themes", _themes),
    "licence": ("licence", lambda said, _spoken: authorities.licence_of(said)),
    "publisher": ("publisher", _publisher),
    "contact": ("contactPoint", _contact),
    "periodicity": ("periodicity", lambda said, _: authorities.one_of(said, authorities.FREQUENCIES, "periodicity")),
    "spatial": ("spatial", _spatial),
    "columns": ("dictionary", _columns),
    "series": ("series", _series),
    "hvd": ("hvd", _hvd),
    "conformsTo": ("conformsTo", _conforms),
    "owner": ("ownedBy", lambda said, _spoken: texts.plain(said, "owner", 80, least=0)),
}
