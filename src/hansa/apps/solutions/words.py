"""The words of the solutions bank: kinds, themes, evidence, states, and how much of anything there may be."""

from typing import Final

KINDS: Final = ("project", "app", "device", "service", "rule")
"""What a solution is; `rule`: a by-law or a way of working that needs no machine."""
THEMES: Final = (
    *("agriculture", "buildings", "culture", "data", "economy", "education", "energy", "environment", "government"),
    *("health", "identity", "mobility", "safety", "waste", "water"),
)
EVIDENCE: Final = ("measured", "modelled", "claimed")
"""How an effect is known, the best first."""
MATURITY: Final = ("idea", "pilot", "running", "scaled")
STATUSES: Final = ("submitted", "listed", "rejected", "withdrawn")
DECISIONS: Final = ("accept", "reject")
BANDS: Final = (
    *((10_000, "under 10 k"), (100_000, "10 k to 100 k"), (1_000_000, "100 k to 1 M"), (10_000_000, "1 M to 10 M")),
)
"""Of what it costs in five years: below this sum, that word."""
BAND_OVER: Final = "over 10 M"
BAND_NONE: Final = "not said"
YEARS: Final = 5
"""Of running cost that count beside the capital, when costs are put in bands."""
EDITORS: Final = frozenset({"operator", "supervisor"})
DECIDERS: Final = frozenset({"supervisor"})
READERS: Final = frozenset({"operator", "supervisor", "command", "engineer", "administrator", "auditor"})
SCHEMA: Final = "hansa-solutions/1"
"""The schema of the document that cities exchange; another first number is another schema."""

NAME: Final = 150
SUMMARY: Final = 4_000
WORD: Final = 60
NEED: Final = 120
LINK: Final = 500
NOTE: Final = 1_000
LISTED: Final = 30
"""Standards, workflows, blocks, places of one solution: more is no description any more."""
EFFECTS: Final = 40
MONEY: Final = 10**12
SOLUTIONS: Final = 5_000
"""That one search looks through: a page of them weighs some 10 MB, and takes a quarter of a second."""
ENTRIES: Final = 400
"""Of one document that is imported: each may become an entity, and an act writes up to 1,000."""
SUBMITTED: Final = 5
"""That one visitor may hand in on one day."""
WAITING: Final = 500
"""Entries from outside that wait for a moderator; beyond it nobody would ever get to them."""
PAGE: Final = 50
PAGE_MOST: Final = 200
QUERY: Final = 200
PERIODS: Final = 400
"""Values of one indicator that an effect is measured on."""
