"""Building blocks that several departments need: one is built or bought, the others join.

The way of the SDG Digital Investment Framework (ITU and the Digital Impact Alliance, 2019): a target of the SDGs asks
for use cases (here: measures), these for workflows that are alike everywhere, these for building blocks of ICT that can
be used again. The names of workflows and blocks are that framework's, from memory; which workflow needs which block is
this project's reading of it, and a measure may name blocks itself, which goes before.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

BLOCKS: Final = (
    *("analytics", "artificial intelligence", "client case management", "collaboration management"),
    *("consent management", "content management", "data collection", "digital registries", "e-learning"),
    *("e-marketplace", "geographic information", "identification and authentication", "information mediator"),
    *("messaging", "mobility management", "payments", "registration", "reporting and dashboards", "scheduling"),
    *("security", "shared data repositories", "terminology", "workflow and algorithm"),
)
WORKFLOWS: Final[Mapping[str, tuple[str, ...]]] = {
    "client communication": ("messaging", "content management", "identification and authentication"),
    "client education": ("e-learning", "content management", "identification and authentication"),
    "content management": ("content management", "collaboration management"),
    "data analysis and business intelligence": ("analytics", "reporting and dashboards", "shared data repositories"),
    "decision support": ("analytics", "workflow and algorithm", "artificial intelligence"),
    "financial services": ("payments", "identification and authentication", "security"),
    "identification and registration": ("registration", "digital registries", "identification and authentication"),
    "knowledge management": ("content management", "terminology", "collaboration management"),
    "marketplace": ("e-marketplace", "payments", "identification and authentication"),
    "problem diagnosis": ("workflow and algorithm", "client case management", "terminology"),
    "procurement": ("e-marketplace", "workflow and algorithm", "payments"),
    "remote monitoring": ("data collection", "information mediator", "reporting and dashboards"),
    "supply chain management": ("digital registries", "geographic information", "mobility management"),
    "work planning and coordination": ("scheduling", "workflow and algorithm", "messaging"),
}


@dataclass(frozen=True, slots=True)
class Plan:
    """What one measure needs: its department, the workflows, blocks it names with what each would cost it alone."""

    id: str
    name: str
    department: str
    currency: str
    sdg: tuple[str, ...]
    workflows: tuple[str, ...]
    blocks: Mapping[str, float | None]

    @property
    def needs(self) -> dict[str, float | None]:
        """Every block it needs: those that it names, and those of its workflows, whose cost nobody has said."""
        told: dict[str, float | None] = dict(self.blocks)
        for name in self.workflows:
            for block in WORKFLOWS.get(name, ()):
                told.setdefault(block, None)
        return told


def shared(plans: Sequence[Plan], reuse: float) -> list[dict[str, Any]]:
    """Blocks that two measures or more need, those with most departments first, and what sharing would save.

    The dearest is built; each other that has said what it would cost alone pays `reuse` (a share) of that to join.
    Only sums that were said count, and only of one currency; of how many measures that is, is told.
    """
    told = []
    for block in dict.fromkeys(name for plan in plans for name in plan.needs):
        users = [plan for plan in plans if block in plan.needs]
        if len(users) < 2:
            continue
        departments = sorted({plan.department for plan in users})
        told.append(
            {
                "block": block,
                "measures": [
                    {"id": plan.id, "name": plan.name, "department": plan.department, "cost": plan.needs[block],
                     "because": [name for name in plan.workflows if block in WORKFLOWS.get(name, ())]}
                    for plan in users
                ],
                "departments": departments,
                "across": len(departments) > 1,
                "savings": savings(users, block, reuse),
            }
        )  # fmt: skip
    return sorted(told, key=lambda it: (-len(it["departments"]), -len(it["measures"]), it["block"]))


def savings(users: Iterable[Plan], block: str, reuse: float) -> list[dict[str, Any]]:
    """What sharing one block saves, by currency: each alone, together, and the difference."""
    by: dict[str, list[float]] = {}
    for plan in users:
        if (cost := plan.needs[block]) is not None:
            by.setdefault(plan.currency, []).append(cost)
    told = []
    for currency, costs in sorted(by.items()):
        alone, dearest = sum(costs), max(costs)
        together = dearest + reuse * (alone - dearest)
        line: dict[str, Any] = {"currency": currency, "alone": alone, "together": together}
        told.append(line | {"saved": alone - together, "of": len(costs)})
    return told


def chain(plans: Sequence[Plan]) -> list[dict[str, Any]]:
    """From the targets of the SDGs to measures, workflows and blocks."""
    targets = sorted({target for plan in plans for target in plan.sdg}, key=_order)
    return [
        {
            "target": target,
            "measures": [
                {"id": plan.id, "name": plan.name, "workflows": list(plan.workflows), "blocks": sorted(plan.needs)}
                for plan in plans
                if target in plan.sdg
            ],
        }
        for target in targets
    ]


def _order(target: str) -> tuple[int, str]:
    head = target.partition(".")[0]
    return (int(head) if head.isdigit() else 99, target)
