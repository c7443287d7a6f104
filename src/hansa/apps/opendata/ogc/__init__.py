"""The OGC's APIs over what is published: Features for places, EDR for series. Read only, for everybody.

    GET /ogc/features/...    OGC API - Features (`features`)
    GET /ogc/edr/...         OGC API - Environmental Data Retrieval (`edr`)

Ours, because pygeoapi was measured (docs/adr).
"""

from hansa import Answer, Asked, Asking
from hansa.apps.opendata.made import app
from hansa.apps.opendata.ogc import edr, features
from hansa.apps.opendata.ogc.served import opened


@app.door("GET", "/ogc/features/{rest*}")
def features_door(asked: Asked, city: Asking) -> Answer:
    """Whatever is below `/ogc/features`."""
    return opened(asked, city, "features", features.tell)


@app.door("GET", "/ogc/edr/{rest*}")
def edr_door(asked: Asked, city: Asking) -> Answer:
    """Whatever is below `/ogc/edr`."""
    return opened(asked, city, "edr", edr.tell)
