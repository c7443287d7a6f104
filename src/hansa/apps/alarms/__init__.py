"""Alarms: the operator's desk (report section 2.4.2; ISA-18.2, IEC 62682, EEMUA 191).

An alarm is an Alert. Whoever writes one, by rule, by hand or from another system, its raisings are counted here, people
acknowledge, shelve, assign and comment it, and what nobody takes on escalates. See README.md beside this file.
"""

from collections.abc import Iterator
from typing import Final

from hansa import App, City, Entity
from hansa.apps.alarms import counting, escalation, people, raising, suppressing, told

__all__ = ["app"]

DESK: Final = frozenset({"operator", "supervisor", "command"})
"""Who sits at the desk."""
DESIGN: Final = frozenset({"supervisor", "command", "engineer"})
"""Who decides that an alarm is not to ring at all (ISA-18.2 wants that authorised)."""
ROUND_S: Final = 30.0
"""How often; a simulated clock may make many of them."""
LOOKS: Final = DESK | {"engineer", "administrator", "auditor", "data_officer", "member"}

PEOPLES: Final = (
    *(
        "acknowledgedActivation",
        "acknowledgedBy",
        "acknowledgedAt",
        "assignee",
        "comments",
        "shelvedUntil",
        "shelvedBy",
    ),
    *("shelvedReason", "outOfService", "outOfServiceBy", "outOfServiceReason", "outOfServiceUntil", "rootAlarm"),
    *("suppressWhen", "suppressed", "escalation", "escalatedAt", "escalatedTo", "activations", "raises", "clears"),
)
"""What people and the desk say of an alarm, through acts and rules alone."""

app = App("alarms", report="2.4.2", reads={"*"}, writes={"Alert"}, realm="*", keeps={"Alert": PEOPLES})

# Programs raise and clear too, so there is no role: whoever may write an Alert there, by policy.
app.act("raise", "Alert", new=True, key=raising.about)(raising.raise_)
app.act("clear", "Alert", new=True, key=raising.about)(raising.clear)
app.act("acknowledge", "Alert", roles=DESK)(people.acknowledge)
app.act("assign", "Alert", roles=DESK)(people.assign)
app.act("comment", "Alert", roles=DESK)(people.comment)
app.act("shelve", "Alert", roles=DESK)(people.shelve)
app.act("unshelve", "Alert", roles=DESK)(people.unshelve)
app.act("root", "Alert", roles=DESK)(people.root)
app.act("out-of-service", "Alert", roles=DESIGN)(people.out)
app.act("into-service", "Alert", roles=DESIGN)(people.back)
app.act("suppress", "Alert", roles=DESIGN)(people.suppress)

app.view("list", roles=LOOKS)(told.listed)
app.view("story", roles=LOOKS)(told.story)
app.view("load", roles=LOOKS)(told.loaded)

app.on("Alert")(counting.count)
app.on("Alert")(counting.suggest)
app.on("RunBook")(counting.booked)
app.on("RunBook", gone=True)(counting.booked)
app.on("*", only=suppressing.concerned)(suppressing.heard)
app.on("*", gone=True, only=suppressing.concerned)(suppressing.heard)


@app.every(ROUND_S)
def tour(city: City) -> Iterator[Entity]:
    """See what time itself does: nobody has acknowledged for too long, a source has gone unheard."""
    yield from escalation.escalate(city)
    yield from suppressing.judged(city)
