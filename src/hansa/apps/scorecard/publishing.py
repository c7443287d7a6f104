"""What of the scorecard is for everybody: a supervisor says so, by framework and year, and can take it back."""

from collections.abc import Iterable

from hansa import Act, City, Entity, Refusal, entity
from hansa.apps.scorecard import asked, frameworks, nouns
from hansa.apps.scorecard.made import app
from hansa.apps.scorecard.times import iso


@app.act("publish", "KpiPublication", roles={"supervisor"}, new=True, fresh=True, noted=True)
def publish(act: Act, city: City) -> Iterable[Entity]:
    """Make the values of a `framework` and `period` open, those that are there and those that will be."""
    framework = frameworks.in_use(city, act.said.get("framework"))
    spell = nouns.past_or_running(city, act.said.get("period"))
    found = nouns.indicators(city, framework.id, spell.period, None)
    if not any(one.get("status") in {"reported", "verified"} for one in found):
        raise Refusal(f"nothing of {spell.period} is reported yet", where="period")
    yield _word(act, framework.id, spell.period, "open")


@app.act("withdraw", "KpiPublication", roles={"supervisor"}, new=True, fresh=True, noted=True)
def withdraw(act: Act, city: City) -> Iterable[Entity]:
    """Take a `framework` and `period` back, with the `reason`. What was taken away by others stays with them."""
    framework = nouns.checked_framework(act.said.get("framework"))
    period = nouns.checked_period(act.said.get("period"))
    found = nouns.known(city, nouns.publication_id(framework, period))
    if found is None or found.get("status") != "open":
        raise Refusal(f"{framework} of {period} is not public", where="period")
    yield _word(act, framework, period, "withdrawn", asked.text(act.said, "reason"))


def _word(act: Act, framework: str, period: str, status: str, reason: str = "") -> Entity:
    ident = nouns.publication_id(framework, period)
    more = {"reason": reason} if reason else {}
    return entity(
        "KpiPublication", ident, framework=framework, period=period, status=status, by=act.by, at=iso(act.at), **more
    )
