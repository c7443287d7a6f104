"""The interfaces through which published data can be read, besides files: what they are called, and where they are."""

from dataclasses import dataclass
from typing import Final

from hansa.apps.opendata.published import Published


@dataclass(frozen=True, slots=True)
class Service:
    """One interface. `path` and `description` are of this city; `at` leads to one dataset, `{id}` in it."""

    key: str
    title: str
    says: str
    path: str
    conforms: str
    at: str
    description: str = ""

    def address(self, ident: str) -> str:
        """Where one dataset is."""
        return self.at.replace("{id}", ident)


CKAN: Final = Service(
    "ckan",
    "CKAN action API",
    "The catalogue and the rows of its releases, in the words of CKAN's action API, version 3",
    "/api/3/action",
    "https://docs.ckan.org/en/2.10/api/",
    "/api/3/action/package_show?id={id}",
)
FEATURES: Final = Service(
    "features",
    "OGC API Features",
    "Places as features, with queries by box, time and attribute",
    "/ogc/features",
    "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/core",
    "/ogc/features/collections/{id}",
    "/ogc/features/api",
)
EDR: Final = Service(
    "edr",
    "OGC API Environmental Data Retrieval",
    "Series of measurements by place, area and time",
    "/ogc/edr",
    "http://www.opengis.net/spec/ogcapi-edr-1/1.1/conf/core",
    "/ogc/edr/collections/{id}",
    "/ogc/edr/api",
)
STA: Final = Service(
    "sensorthings",
    "SensorThings API",
    "Things, datastreams and observations, to be read",
    "/sta/v1.1",
    "http://www.opengis.net/spec/iot_sensing/1.1",
    "/sta/v1.1/Things",
)
NGSI_LD: Final = Service(
    "ngsi-ld",
    "NGSI-LD API",
    "Entities as they are now, what they were, and subscriptions",
    "/ngsi-ld/v1",
    "https://www.etsi.org/deliver/etsi_gs/CIM/001_099/009/01.09.01_60/gs_cim009v010901p.pdf",
    "/ngsi-ld/v1/entities",
    "/openapi.json",
)
SERVICES: Final = (CKAN, FEATURES, EDR, STA, NGSI_LD)


def of(one: Published) -> list[Service]:
    """Those through which this one can be read."""
    found = [CKAN] if one.table else []
    if one.live:
        found += [FEATURES] if one.geographic or one.source.get("kind") == "entities" else []
        found += [EDR, STA] if one.source.get("kind") == "history" else []
        found.append(NGSI_LD)
    elif one.geographic and one.table:
        found.append(FEATURES)
    return found
