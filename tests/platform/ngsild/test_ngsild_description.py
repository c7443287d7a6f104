"""The description of the binding says what the routes do, and goes on doing so."""

from typing import Any

import pytest
from conftest_ngsild import Api

from hansa.platform.http import Response
from hansa.platform.ngsild import described, description
from hansa.platform.ngsild.binding import ROUTES
from hansa.platform.ngsild.exchange import Exchange
from hansa.platform.ngsild.schemas import SCHEMAS

VERBS = [(verb, pattern) for pattern, verbs in ROUTES.items() for verb in verbs]


def name_of(verb: str, pattern: str) -> str:
    route = ROUTES[pattern][verb]
    return f"{route.__module__.rsplit('.', 1)[-1]}.{route.__name__}"


def references(value: Any) -> set[str]:
    if isinstance(value, dict):
        found = {value["$ref"]} if isinstance(value.get("$ref"), str) else set()
        return found.union(*(references(one) for one in value.values()))
    return set().union(*(references(one) for one in value)) if isinstance(value, list) else set()


@pytest.mark.parametrize(("verb", "pattern"), VERBS)
def test_every_parameter_of_an_operation_is_described_and_no_other(quick: Api, verb: str, pattern: str) -> None:
    known = description.parameters_of(ROUTES[pattern][verb], verb, pattern, quick.door.desk)
    assert known is not None, "an operation refuses parameters that it does not have (6.3.20)"
    paths = description.paths({pattern: {verb: ROUTES[pattern][verb]}}, quick.door.desk)
    (told,) = (one for verbs in paths.values() for one in verbs.values())
    shown = {one["$ref"].rsplit("/", 1)[1] for one in told["parameters"] if "$ref" in one}
    assert shown - {"NGSILD-Tenant", "Link"} == known
    assert known <= described.PARAMETERS.keys(), "each is said in words"


def test_every_route_is_in_the_description_once(quick: Api) -> None:
    paths = description.paths(ROUTES, quick.door.desk)
    assert len(paths) == len(ROUTES)
    told = [one["operationId"] for verbs in paths.values() for one in verbs.values()]
    assert sorted(told) == sorted(name_of(*one) for one in VERBS)
    assert len(set(told)) == len(told)
    assert set(told) == described.TOLD.keys(), "bodies and statuses of each, and of nothing else"


def test_a_word_that_no_operation_knows_is_not_described(quick: Api) -> None:
    used = {
        name
        for verb, pattern in VERBS
        for name in description.parameters_of(ROUTES[pattern][verb], verb, pattern, quick.door.desk) or ()
    }
    assert described.PARAMETERS.keys() == used


def test_every_reference_leads_somewhere(quick: Api) -> None:
    parts = description.components()
    there = {f"#/components/{kind}/{name}" for kind, named in parts.items() for name in named}
    asked = references(parts) | references(description.paths(ROUTES, quick.door.desk))
    assert asked <= there
    assert {f"#/components/schemas/{name}" for name in SCHEMAS} <= asked, "and no schema is left over"


def test_an_operation_that_looks_at_no_parameter_is_found_out(quick: Api) -> None:
    async def careless(_exchange: Exchange) -> Response:
        return Response()

    assert description.parameters_of(careless, "GET", "entities", quick.door.desk) is None


def test_asking_an_operation_for_its_parameters_does_nothing(quick: Api) -> None:
    quick.made({"id": "urn:ngsi-ld:Nobody:1", "type": "Nobody"})
    before = quick.city.store.head()
    description.paths(ROUTES, quick.door.desk)
    assert quick.city.store.head() == before
    assert not quick.door.desk.asked
