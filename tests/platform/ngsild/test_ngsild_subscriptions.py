"""Subscriptions over HTTP (5.8.1 to 5.8.5): what is made can be read, changed, listed and taken away."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest_ngsild import Api, header, opened, said

from hansa.network.contexts import Contexts
from hansa.network.http import Egress
from hansa.platform.ngsild import NgsiLd
from hansa.platform.subscriptions import Subscriptions

IDENT = "urn:ngsi-ld:Subscription:1"
ERRORS = "https://uri.etsi.org/ngsi-ld/errors/"


@pytest.fixture
def heard(tmp_path: Path) -> Iterator[Api]:
    """A city that keeps subscriptions; it may ask nobody."""
    for api in opened(tmp_path, direct=False):
        egress = Egress()
        contexts = Contexts(egress)
        kept = Subscriptions(api.city, egress, contexts)
        api.runner.run(kept.start())
        api.door = NgsiLd(api.city, contexts, kept)
        yield api
        api.runner.run(_closed(kept, contexts, egress))


async def _closed(kept: Subscriptions, contexts: Contexts, egress: Egress) -> None:
    await kept.aclose()
    await contexts.aclose()
    await egress.aclose()
    await asyncio.sleep(0)


def wish(**more: Any) -> dict[str, Any]:
    endpoint = {"uri": "https://example.org/notify"}
    return {
        "id": IDENT,
        "type": "Subscription",
        "entities": [{"type": "WeatherObserved"}],
        "notification": {"endpoint": endpoint},
        **more,
    }


def test_a_subscription_lives_from_its_making_to_its_end(heard: Api) -> None:
    made = heard.post("subscriptions", wish())
    assert (made.status, header(made, "location")) == (201, f"/ngsi-ld/v1/subscriptions/{IDENT}")
    read = said(heard.get(f"subscriptions/{IDENT}"))
    assert (read["status"], read["entities"]) == ("active", [{"type": "WeatherObserved"}])
    assert "createdAt" in said(heard.get(f"subscriptions/{IDENT}", "options=sysAttrs"))
    assert heard.patch(f"subscriptions/{IDENT}", {"isActive": False}).status == 204
    assert said(heard.get(f"subscriptions/{IDENT}"))["status"] == "paused"
    assert heard.delete(f"subscriptions/{IDENT}").status == 204
    assert heard.get(f"subscriptions/{IDENT}").status == 404
    assert heard.delete(f"subscriptions/{IDENT}").status == 404


def test_a_subscription_that_cannot_be_is_refused(heard: Api) -> None:
    assert heard.post("subscriptions", wish()).status == 201
    again = heard.post("subscriptions", wish())
    assert (again.status, said(again)["type"]) == (409, ERRORS + "AlreadyExists")
    for odd in (wish(type="Wish"), wish(id="1"), wish(colour=1), {}, []):
        assert heard.post("subscriptions", odd).status == 400
    assert heard.patch(f"subscriptions/{IDENT}", {"id": "urn:a:b"}).status == 400
    assert heard.patch("subscriptions/urn:a:b", {"isActive": False}).status == 404
    assert heard.get("subscriptions/1").status == 400
    assert heard.get(f"subscriptions/{IDENT}", "options=concise").status == 400


def test_subscriptions_are_listed_a_page_at_a_time_and_by_tenant(heard: Api) -> None:
    for i in range(3):
        heard.post("subscriptions", wish(id=f"urn:s:{i}"))
    page = heard.get("subscriptions", "limit=2&count=true")
    assert [one["id"] for one in said(page)] == ["urn:s:0", "urn:s:1"]
    assert header(page, "ngsild-results-count") == "3"
    assert any(b'rel="next"' in value for _, value in page.headers)
    rest = heard.get("subscriptions", "limit=2&offset=2")
    assert [one["id"] for one in said(rest)] == ["urn:s:2"]
    assert heard.get("subscriptions", ngsild_tenant="valley").status == 404
    assert heard.post("subscriptions", wish(), ngsild_tenant="valley").status == 201
    assert [one["id"] for one in said(heard.get("subscriptions", ngsild_tenant="valley"))] == [IDENT]


def test_a_city_without_subscriptions_says_so(quick: Api) -> None:
    assert quick.post("subscriptions", wish()).status == 422
    assert quick.get("subscriptions").status == 422
