"""Requests: what residents report and ask, and what becomes of it (report section 4.1.2; M05, M25).

One-stop: by the city's own pages, by telephone and on paper, and by Open311 GeoReport v2. Found again where it is the
same thing twice, given to the department whose it is, timed by working calendars, answered to all who asked, rated,
reviewed.
See README.md beside this file.
"""

from hansa.apps.requests import casework, joining, notices, open311, residents, review, rounds, telling, views
from hansa.apps.requests.made import app

__all__ = ["app", "casework", "joining", "notices", "open311", "residents", "review", "rounds", "telling", "views"]
