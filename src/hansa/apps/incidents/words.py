"""The words and caps of incidents: states, posts, kinds of log lines. Sources: ISO 22320:2018, ISO 22300.

ISO 22320 names the functions of incident management (annex A: command, operations, planning, logistics, finance and
administration, and with command the officers for safety, public information and liaison); one person may bear several.
"""

from typing import Final

NEW: Final = "new"
VERIFIED: Final = "verified"
OPEN: Final = "open"
CONTAINED: Final = "contained"
RESOLVED: Final = "resolved"
REVIEWED: Final = "reviewed"
MERGED: Final = "merged"
"""Not a state of the work but of the record: all that goes on, goes on in the incident that it was merged into."""

STATES: Final = (NEW, VERIFIED, OPEN, CONTAINED, RESOLVED, REVIEWED)
ALIVE: Final = frozenset({NEW, VERIFIED, OPEN, CONTAINED})

DATES: Final = {
    NEW: "dateRaised",
    VERIFIED: "dateVerified",
    OPEN: "dateOpened",
    CONTAINED: "dateContained",
    RESOLVED: "dateResolved",
    REVIEWED: "dateReviewed",
}
"""Under which attribute an incident keeps when it came to a state first; `dateCommanded`: to a commander."""

COMMANDER: Final = "commander"
POSTS: Final = (
    COMMANDER,
    "operations",
    "planning",
    "logistics",
    "finance",
    "safety",
    "information",
    "liaison",
    "scribe",
)
"""What somebody can be in an incident; `information` speaks to the public, `scribe` keeps the log."""

SEVERITIES: Final = ("informational", "low", "medium", "high", "critical")
SOURCES: Final = ("alarms", "report", "hand")
NOTES: Final = ("note", "decision", "message")
"""Kinds of log lines that people write themselves; the others are written by what they do."""
FINDINGS: Final = ("went-well", "improve", "decision", "action")

DESK: Final = frozenset({"operator", "supervisor", "command", "administrator"})
"""Who may work with incidents at all; policy decides, label by label, on what."""
SENIORS: Final = frozenset({"supervisor", "command", "administrator"})
"""Who may decide in an incident without a post in it."""
AUTHORS: Final = frozenset({"supervisor", "command", "engineer", "administrator"})
"""Who publishes run-books."""

NAME_MAX: Final = 200  # characters of a name: a line on a phone
TEXT_MAX: Final = 20_000  # of a log line, a description: ten pages
PERSONS_MAX: Final = 20  # on one post
OBJECTIVES_MAX: Final = 50
LINKS_MAX: Final = 400  # alarms, and other entities, of one incident: one act may say 1,000 entities
NEEDS_MAX: Final = 50
COSTS_MAX: Final = 500
FINDINGS_MAX: Final = 500
MEDIA_MAX: Final = 500
MERGED_MAX: Final = 100
TASKS_MAX: Final = 10_000
LINES_MAX: Final = 100_000  # of one log: a line every six seconds for a week
RUNS_MAX: Final = 200
STEPS_MAX: Final = 200
EVENTS_MAX: Final = 2_000  # of one run
POSITIONS_MAX: Final = 1_000  # of an area: what a hand draws, and no coastline
DUE_MAX_S: Final = 366 * 86_400
LISTED: Final = 1_000  # incidents of one list, tasks of one picture
