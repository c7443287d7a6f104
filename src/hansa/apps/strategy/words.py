"""The words of strategy: states, kinds, roles, and how much of anything there may be."""

from typing import Final

STATUSES: Final = ("proposed", "approved", "under-way", "done", "dropped")
NEXT: Final = {
    "proposed": frozenset({"approved", "dropped"}),
    "approved": frozenset({"under-way", "dropped"}),
    "under-way": frozenset({"done", "dropped"}),
    "done": frozenset(),
    "dropped": frozenset({"proposed"}),
}
"""What a measure becomes of what it is."""
FUNDING: Final = ("public", "mixed", "private")
"""By whom; `mixed` is a partnership of both (PPP)."""
AGREEMENTS: Final = ("memorandum", "contract", "partnership", "data-sharing", "concession")
RULES: Final = ("by-law", "standard", "data-protection", "procurement", "law", "guideline")
RULE_STATES: Final = ("draft", "in-force", "ended")
SANDBOX_STATES: Final = ("planned", "running", "ended")
RESULTS: Final = ("adopted", "changed", "stopped", "prolonged")
"""What comes of a regulatory sandbox."""
STAGES: Final = ("planning", "alignment", "development", "integration", "optimisation")
"""Of a smart city's way, as ITU-T Y.4904 names its five levels (from memory); what opens the next is the city's own."""
EDITORS: Final = frozenset({"operator", "supervisor"})
DECIDERS: Final = frozenset({"supervisor"})
READERS: Final = frozenset({"operator", "supervisor", "command", "engineer", "administrator", "auditor"})

NAME: Final = 150
SUMMARY: Final = 4_000
WORD: Final = 60
NOTE: Final = 1_000
MONEY: Final = 10**13
EFFECTS: Final = 20
LISTED: Final = 50
"""Stakeholders, duties, safeguards, criteria of one thing."""
DEPENDS: Final = 50
PAYMENTS: Final = 240
"""On days of their own: a month each for twenty years."""
MEASURES: Final = 2_000
"""Of one plan: a city's budget has some hundreds of lines."""
DEEP: Final = 2_000
"""Measures that are looked at to see that none waits for itself."""
GATES: Final = 30
"""Criteria of one stage."""
PHASES: Final = 20
PERIODS: Final = 400
KPIS: Final = 10_000
"""Values of indicators that the loop looks at: 91 of a framework over a century."""
REMIND_DAYS: Final = 14
"""Before a review is due, its owner is reminded once."""
LOOKED_DAYS: Final = 400
"""After a review was due, values that come late still count; then the outcome stands."""
ABOUT: Final = 0.25
"""An actual change this share above or below what was expected is still as expected."""
