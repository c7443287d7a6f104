"""The pages of the context base as they are first sent, and their modules by themselves."""

import json
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_web import Tags
from told_city import station, until

from hansa.centres import web
from hansa.model.qlang import Compare, parse_q
from hansa.trust.labels import ADMINISTRATOR, NOBODY, PUBLIC, Sight

PAGES = ["/entities", "/entities/urn:ngsi-ld:Room:1", "/subscriptions", "/contexts"]
STAFF = Sight("person:ada", "operation", None)


@pytest.fixture
def client(browse):
    return browse(web.routes(dict, web.Look(city="Told")))


def test_every_page_holds_to_the_policy_of_the_first(client):
    first = client.get("/").headers
    for path in PAGES:
        answer = client.get(path)
        assert answer.status_code == 200, path
        assert answer.headers == first | {"content-length": answer.headers["content-length"]}
        tags = Tags(answer.text).found
        assert not [tag for tag, attrs in tags if tag == "style" or "style" in attrs]
        scripts = [attrs for tag, attrs in tags if tag == "script"]
        assert [one.get("type") for one in scripts] == [None, "application/json", "module"]


def test_everything_that_a_page_names_is_there(client):
    for path in PAGES:
        tags = Tags(client.get(path).text).found
        parts = [attrs for tag, attrs in tags if tag in {"script", "link"} and attrs.get("rel") != "service-desc"]
        named = {one.get("src") or one.get("href") for one in parts} - {None}
        assert len(named) > 10
        for address in named:
            assert client.get(address).status_code == 200, address


def test_the_pages_are_joined_by_links_and_each_says_where_one_is(client):
    ways = {"/", "/entities", "/subscriptions", "/contexts"}
    for path in ["/", *PAGES]:
        links = [attrs for tag, attrs in Tags(client.get(path).text).found if tag == "a"]
        assert ways <= {one["href"] for one in links}
        [here] = [one["href"] for one in links if "aria-current" in one]
        assert here == (path if path in ways else "/entities")


def test_an_id_in_the_path_never_becomes_part_of_the_page(client):
    for ident in ("</script><script>alert(1)</script>", "%3Cimg%20src=x%20onerror=alert(1)%3E", "a/b/../../c"):
        answer = client.get(f"/entities/{ident}")
        assert answer.status_code == 200
        assert "alert" not in answer.text


@pytest.mark.parametrize(
    ("sight", "write", "administer"),
    [
        (ADMINISTRATOR, True, True),
        (STAFF, True, False),
        (PUBLIC, False, False),
        (NOBODY, False, False),
        (None, False, False),
    ],
)
def test_a_page_offers_changes_only_to_whom_may_make_them(client, sight, write, administer):
    inner = client.app

    async def seen(scope, receive, send):
        await inner(scope if sight is None else scope | {"hansa.sight": sight}, receive, send)

    client.app = seen
    told = re.search(r'id="look">(.*?)</script>', client.get("/entities").text, re.DOTALL)[1]
    may = json.loads(told)["may"]
    assert (may["write"], may["administer"], may["audit"]) == (write, administer, sight is ADMINISTRATOR)


def test_whoever_may_not_change_an_entity_sees_it_and_nothing_to_change_it_with(look, city):
    city.put(station(1))
    page = look("entities/urn:ngsi-ld:WeatherObserved:o1", live=False)
    until(page, "Orchard 1", "#name")
    until(page, "Air temperature", "#attributes")
    assert page.locator("#add, #take, .does").count() == 0


NAMES = st.text("abcXYZ09_", min_size=1, max_size=6).filter(lambda name: name[0].isalpha())
TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=8)
NUMBERS = st.integers(-1000, 1000).map(str) | st.sampled_from(["1.5", "-0.25", "true", "2026-11-22T18:00:00Z"])
EQUAL = st.fixed_dictionaries(
    {"name": NAMES, "op": st.sampled_from(["==", "!=", "has"]), "value": NUMBERS | TEXTS, "other": st.just("")}
)
ORDERED = st.fixed_dictionaries(
    {"name": NAMES, "op": st.sampled_from([">", "<="]), "value": st.integers(-99, 99).map(str), "other": st.just("")}
)
ROW = EQUAL | ORDERED
ROWS = st.lists(ROW, min_size=1, max_size=4)


@pytest.fixture
def asked(look, city):
    """The module that makes queries, in a page: calls `fn(argument)` of it."""
    page = look("entities", live=False)
    module = page.get_attribute("script[type=module]", "src").replace("query.js", "asked.js")
    script = "([module, name, argument]) => import(module).then((it) => it[name](argument))"
    return lambda name, argument: page.evaluate(script, [module, name, argument])


def test_whatever_is_put_together_is_a_q_that_the_city_reads_as_it_was_meant(asked):
    @settings(max_examples=50, deadline=None)
    @given(ROWS)
    def check(rows):
        text = asked("compose", rows)
        tree = parse_q(text, lambda name: name)
        terms = getattr(tree, "terms", (tree,))
        assert [term.path.names[0] for term in terms] == [row["name"] for row in rows]
        for term, row in zip(terms, rows, strict=True):
            assert isinstance(term, Compare) == (row["op"] != "has")
            if isinstance(term, Compare):
                assert term.op == row["op"]
            if isinstance(term, Compare) and isinstance(term.values[0], str):
                assert term.values == (row["value"],)
        shown = asked("parse", text)
        assert shown is None or asked("compose", shown) == text

    check()


def test_conditions_come_back_from_a_q_as_rows_or_not_at_all(asked):
    rows = [
        {"name": "level", "op": "..", "value": "1", "other": "2"},
        {"name": "name", "op": "~=", "value": "^Mill", "other": ""},
    ]
    text = asked("compose", rows)
    assert text == 'level==1..2;name~="^Mill"'
    assert asked("parse", text) == rows
    for beyond in ("a>1|b>2", "(a>1;b>2)", "a==", ">>"):
        assert asked("parse", beyond) is None
    assert asked("parse", "") == []


def test_what_is_asked_is_a_url_that_says_the_same_and_a_command_that_no_shell_breaks(asked):
    said = {"type": "Room", "q": 'name=="it\'s; a|b"', "tenant": "harbour", "context": "https://x.org/c.jsonld"}
    url = asked("url", said)
    assert url == "/ngsi-ld/v1/entities?type=Room&q=name==%22it's;%20a%7Cb%22&limit=50&count=true"
    assert asked("headers", said)["NGSILD-Tenant"] == "harbour"
    assert asked("headers", said)["Link"].startswith("<https://x.org/c.jsonld>; rel=")
    assert "it'\\''s" in asked("curl", url)
    assert asked("read", asked("address", said)) == said
