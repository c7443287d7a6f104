"""Open data: what of the city everybody may have, and how it is given away (report section 4.1.7; M11).

A catalogue, four eyes before anything leaves, counts that stand for nobody alone, releases that stay; DCAT-AP 3, CKAN's
action API, files, feeds. See README.md beside this file.
"""

from hansa.apps.opendata import actions, acts, asked_for, doors, explored, ogc, releasing, views
from hansa.apps.opendata.made import app
from hansa.apps.opendata.sta import doors as sensorthings

__all__ = ["actions", "acts", "app", "asked_for", "doors", "explored", "ogc", "releasing", "sensorthings", "views"]
