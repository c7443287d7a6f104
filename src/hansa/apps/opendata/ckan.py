"""The catalogue in CKAN's shapes: packages, resources, organizations, groups, tags (CKAN 2.10, API version 3).

Source: docs.ckan.org/en/2.10/api. Ids are UUIDs made of our own names (RFC 9562, version 5), so they stay.
"""

from collections.abc import Iterable
from typing import Any, Final
from uuid import UUID, uuid5

from hansa.apps.opendata import dcat, finding, services, texts
from hansa.apps.opendata.authorities import FORMS, LICENCES, THEMES
from hansa.apps.opendata.published import PREFIX, Published

VERSION: Final = "2.10.0"
_SPACE: Final = UUID("6f3fb1d0-6d1c-5c6b-8a44-0c1b3b6b1c55")
_TYPES: Final = {
    "number": "numeric",
    "integer": "int8",
    "boolean": "bool",
    "time": "timestamp",
    "text": "text",
    "geometry": "text",
}


def uuid(*names: str) -> str:
    """The id of something of ours."""
    return str(uuid5(_SPACE, " ".join(names)))


def package_id(one: Published) -> str:
    """A package's id."""
    return uuid(PREFIX + one.id)


def package(one: Published, origin: str, language: str = "en") -> dict[str, Any]:
    """A dataset as a package."""
    resources = resources_of(one, origin, language)
    licence = LICENCES.get(one.licence_code)
    tags = [tag(name) for name in finding.tags(one, language)]
    return {
        "id": package_id(one),
        "name": one.id,
        "title": texts.in_language(one.title, language) or one.id,
        "notes": texts.in_language(one.description, language),
        "url": f"{origin}/{language}/data/{one.id}",
        "version": str(one.version),
        "state": "active",
        "type": "dataset",
        "private": False,
        "isopen": licence is not None and licence.open,
        "license_id": licence.ckan if licence else "notspecified",
        "license_title": licence.name if licence else "License not specified",
        "license_url": licence.url if licence else "",
        "author": finding.publisher(one, language),
        "author_email": one.contact.get("email", ""),
        "maintainer": one.contact.get("name", ""),
        "maintainer_email": one.contact.get("email", ""),
        "creator_user_id": None,
        "metadata_created": naive(one.issued),
        "metadata_modified": naive(one.modified),
        "owner_org": uuid("organization", finding.publisher_key(one)),
        "organization": organization(one, language),
        "groups": [group(code, language) for code in one.themes if code in THEMES],
        "tags": tags,
        "num_tags": len(tags),
        "resources": resources,
        "num_resources": len(resources),
        "extras": _extras(one, origin),
        "relationships_as_subject": [],
        "relationships_as_object": [],
    }


def _extras(one: Published, origin: str) -> list[dict[str, str]]:
    """What CKAN's DCAT extension reads of extras."""
    said = {
        "uri": f"{origin}/data/{one.id}",
        "identifier": f"{origin}/data/{one.id}",
        "issued": one.issued,
        "modified": one.modified,
        "frequency": f"http://publications.europa.eu/resource/authority/frequency/{one.periodicity}",
        "publisher_name": finding.publisher(one),
        "contact_name": one.contact.get("name", ""),
        "contact_email": one.contact.get("email", ""),
        "spatial": _polygon(one.bbox) if one.bbox else "",
        "temporal_start": one.period[0] if one.period else "",
        "temporal_end": one.period[1] if one.period else "",
        "conforms_to": " ".join(one.conforms),
    }
    return [{"key": key, "value": value} for key, value in said.items() if value]


def _polygon(box: tuple[float, float, float, float]) -> str:
    west, south, east, north = box
    ring = f"[[{west},{south}],[{east},{south}],[{east},{north}],[{west},{north}],[{west},{south}]]"
    return f'{{"type":"Polygon","coordinates":[{ring}]}}'


def resources_of(one: Published, origin: str, language: str = "en") -> list[dict[str, Any]]:
    """Its files, and the interfaces that have it."""
    made = [resource(one, form, place, origin, language) for place, form in enumerate(dcat.forms(one))]
    others = [it for it in services.of(one) if it is not services.CKAN]
    return made + [api(one, it, len(made) + n, origin) for n, it in enumerate(others)]


def resource_ids(one: Published) -> list[str]:
    """The ids of all of them, in that order."""
    others = [it.key for it in services.of(one) if it is not services.CKAN]
    return [resource_id(one, name) for name in (*dcat.forms(one), *others)]


def resource_id(one: Published, form: str) -> str:
    """A resource's id."""
    return uuid(PREFIX + one.id, form)


def resource(one: Published, form: str, place: int, origin: str, language: str = "en") -> dict[str, Any]:
    """A file as a resource; the CSV's rows can be asked."""
    media, _, _ = FORMS[form]
    return {
        "id": resource_id(one, form),
        "package_id": package_id(one),
        "name": f"{texts.in_language(one.title, language) or one.id} ({form})",
        "description": one.note,
        "format": "GeoJSON" if form == "geojson" else form.upper(),
        "mimetype": media,
        "mimetype_inner": None,
        "url": f"{origin}/data/{one.id}.{form}",
        "url_type": None,
        "resource_type": None,
        "state": "active",
        "position": place,
        "size": one.size if form == "parquet" else None,
        "hash": one.table if form == "parquet" and one.table else "",
        "created": naive(one.issued),
        "last_modified": naive(one.modified),
        "metadata_modified": naive(one.modified),
        "cache_url": None,
        "cache_last_updated": None,
        "datastore_active": form == "csv",
    }


def api(one: Published, service: services.Service, place: int, origin: str) -> dict[str, Any]:
    """An interface as a resource."""
    return {
        "id": resource_id(one, service.key),
        "package_id": package_id(one),
        "name": service.title,
        "description": service.says,
        "format": "API",
        "mimetype": None,
        "mimetype_inner": None,
        "url": origin + service.address(one.id),
        "url_type": None,
        "resource_type": "api",
        "state": "active",
        "position": place,
        "size": None,
        "hash": "",
        "created": naive(one.issued),
        "last_modified": None,
        "metadata_modified": naive(one.modified),
        "cache_url": None,
        "cache_last_updated": None,
        "datastore_active": False,
    }


def organization(one: Published, language: str = "en") -> dict[str, Any]:
    """A publisher as an organization."""
    key = finding.publisher_key(one)
    return {
        "id": uuid("organization", key),
        "name": key,
        "title": finding.publisher(one, language) or key,
        "type": "organization",
        "description": "",
        "image_url": "",
        "created": naive(one.issued),
        "is_organization": True,
        "approval_status": "approved",
        "state": "active",
    }


def group(code: str, language: str = "en") -> dict[str, Any]:
    """A theme as a group."""
    title = texts.in_language(THEMES[code], language)
    return {
        "id": uuid("group", code),
        "name": code.lower(),
        "title": title,
        "display_name": title,
        "description": "",
        "image_display_url": "",
    }


def tag(name: str) -> dict[str, Any]:
    """A keyword as a tag."""
    return {"id": uuid("tag", name), "name": name, "display_name": name, "state": "active", "vocabulary_id": None}


def licences() -> list[dict[str, Any]]:
    """The list of licences."""
    return [
        {
            "id": one.ckan,
            "title": one.name,
            "url": one.url,
            "status": "active",
            "domain_content": True,
            "domain_data": True,
            "domain_software": False,
            "family": "",
            "is_generic": False,
            "is_okd_compliant": one.open,
            "is_osi_compliant": False,
            "maintainer": "",
            "od_conformance": "approved" if one.open else "rejected",
            "osd_conformance": "not reviewed",
        }
        for one in LICENCES.values()
    ]


def fields(columns: Iterable[Any]) -> list[dict[str, Any]]:
    """Columns as the datastore's fields."""
    made: list[dict[str, Any]] = [{"id": "_id", "type": "int"}]
    for column in columns:
        one: dict[str, Any] = {"id": column["name"], "type": _TYPES.get(str(column.get("type")), "text")}
        notes = texts.in_language(column.get("says"))
        if notes or column.get("unit"):
            one["info"] = {"label": column["name"], "notes": notes, "unit": column.get("unit", "")}
        made.append(one)
    return made


def naive(text: str) -> str | None:
    """An instant as CKAN writes it: UTC, without saying so."""
    return text.removesuffix("Z") + ".000000" if text else None
