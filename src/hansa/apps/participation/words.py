"""The words of participation: phases, states, rules, and how much of anything there may be."""

from typing import Final

PHASES: Final = ("collect", "discuss", "assess", "vote", "deliver")
"""What a process goes through, in this order; it may leave phases out."""
ALLOWED: Final = {
    "collect": frozenset({"propose", "support", "comment", "amend"}),
    "discuss": frozenset({"support", "comment", "amend"}),
    "assess": frozenset({"comment"}),
    "vote": frozenset({"vote", "comment"}),
    "deliver": frozenset({"comment"}),
}
"""What residents may do in a phase, unless the process says less."""
PROPOSAL: Final = (
    *("submitted", "admissible", "rejected", "withdrawn", "chosen", "not-chosen", "under-way", "delivered"),
)
"""Where a proposal stands. Whether it is shown is another thing: `shown`, `held` (until somebody looks), `hidden`."""
LIVE: Final = frozenset({"submitted", "admissible"})
"""States in which residents support and amend."""
ASSESSED: Final = frozenset({"admissible", "rejected"})
DELIVERY: Final = frozenset({"chosen", "not-chosen", "under-way", "delivered"})
FLAGS: Final = ("hate", "threat", "personal-data", "spam", "other")
DECISIONS: Final = ("show", "hide")
STAFF: Final = frozenset({"operator", "supervisor", "command", "administrator"})
LANGUAGES: Final = ("en", "fr", "es", "ar", "ja")

TITLE: Final = 150
TEXT: Final = 5_000
"""Characters of a proposal: two printed pages."""
COMMENT: Final = 2_000
NOTE: Final = 1_000
"""Of a reason, an appeal, an explanation."""
SHOWN: Final = 60
"""Of the name that somebody writes under."""
WORD: Final = 60
VERSIONS: Final = 20
"""Of a proposal: the first and the newest stay when there are more."""
PROPOSALS: Final = 10
"""Of one person in one process; the town is not asked what one man thinks, eleven times."""
IN_PROCESS: Final = 20_000
COMMENTS: Final = 100_000
"""Of one thing: beyond it nobody reads, and an index of them is no longer small."""
HOURLY: Final = {"comment": 20, "propose": 10, "flag": 30, "appeal": 10, "amend": 20, "follow": 20, "answer": 60}
"""How often one person does something in an hour."""
RECENT: Final = 200
"""Comments of his own that somebody is shown."""
FOLLOWS: Final = 20
MILESTONES: Final = 30
WORKS: Final = 50
QUESTIONS: Final = 40
OPTIONS: Final = 60
SURVEYED: Final = 200_000
LEAST: Final = 5
"""Fewer answers than that are not told: they could be somebody's."""
AGAIN: Final = 5
"""Flags after which a moderator is asked anew about what one has let stand."""
UNKNOWN_FLAGS: Final = 3
"""Flags of visitors whom nobody knows that hide a text; of a known person one does."""
MONEY: Final = 10**12
RADIUS_M: Final = 5_000
PAGE: Final = 50
PAGE_MOST: Final = 200
