"""Incidents and run-books: from the first alarm to the after-action review (report section 4.1.1; ISO 22320).

Everything is entities and Changes: Incident, IncidentTask, IncidentLog, RunBook, RunBookRun. People act at
`/desk/incidents`; the app itself only lets waits and conditions of running run-books pass. See README.md beside this.
"""

from hansa.apps.incidents import conducting, files, joining, keeping, raising, report, rounds, tasks, views
from hansa.apps.incidents.made import app

__all__ = ["app", "conducting", "files", "joining", "keeping", "raising", "report", "rounds", "tasks", "views"]
