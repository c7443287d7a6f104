"""Every operation, with any of the parameters that it says it has and any body: answered, and never with a 500."""

from typing import Any

from conftest_ngsild import NOON, Api, station
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hansa.platform.ngsild import described, description
from hansa.platform.ngsild.binding import ROUTES

IDS = ("urn:ngsi-ld:WeatherObserved:north", "urn:ngsi-ld:WeatherObserved:south", "urn:x:1", "not a uri", "", "*")
NAMES = ("temperature", "location", "name", "id", "type", "scope", "@context", "observedAt", "a{b}", "a.b", "é", "")
ODD = ("", " ", ",", "null", "\x00", "%", '"', "[]", "{}", "-1", "99999999999999999999", "true", "((((", "a" * 300)
VALUES: dict[str, tuple[str, ...]] = {
    "aggrMethods": ("avg", "min,max", "totalCount,distinctCount,sum,stddev,sumsq", "median"),
    "aggrPeriodDuration": ("PT1H", "P1D", "P1M", "PT0S", "P", "-PT1H"),
    "collation": ("de", "en-u-kn-true", "xx"),
    "coordinates": ("[16.4,48.2]", "[[16,48],[17,48],[17,49],[16,48]]", "[[[16,48],[17,48],[17,49],[16,48]]]", "[1"),
    "csf": ("endpoint==x", "a==", "(("),
    "datasetId": ("@none", "urn:d:1", "@none,urn:d:1", "x"),
    "endTimeAt": (NOON, "2027-01-01T00:00:00Z", "never"),
    "entityMapLifetime": ("PT5M", "soon"),
    "format": ("normalized", "concise", "simplified", "keyValues", "temporalValues", "aggregatedValues", "x"),
    "geometry": ("Point", "Polygon", "LineString", "MultiPoint", "x"),
    "georel": ("near;maxDistance==2000", "near;minDistance==1", "within", "intersects", "disjoint", "equals", "near"),
    "idPattern": ("^urn:.*", ".*north$", "(", "(a+)+$"),
    "join": ("flat", "inline", "@none", "x"),
    "joinLevel": ("1", "2", "0", "x"),
    "kind": ("Cached", "Hosted", "ImplicitlyCreated", "x"),
    "lang": ("de", "en,fr;q=0.5", "*"),
    "options": ("sysAttrs", "keyValues", "concise,sysAttrs", "noOverwrite", "update", "temporalValues", "x"),
    "orderBy": ("temperature", "temperature;desc", "id;asc,name", "location;dist-asc", "x;y"),
    "orderFrom": ("[16.4,48.2]", "[1"),
    "orderGeometry": ("Point", "Polygon", "x"),
    "q": (
        "temperature>2",
        'name=="n";temperature<3|name~="a.*"',
        "!name",
        "temperature==1..3",
        "refX{a}>1",
        "a==",
        "((",
    ),
    "scopeQ": ("/a/#", "/a/+/b", "/a|/b;/c", "a"),
    "timeAt": (NOON, "2020-01-01T00:00:00Z", "x"),
    "timeproperty": ("observedAt", "createdAt", "modifiedAt", "deletedAt", "x"),
    "timerel": ("before", "after", "between", "x"),
    "type": ("WeatherObserved", "A|B", "(A;B)|C", "*", "(", "https://x.example.org/T"),
}
NUMBERS = ("0", "1", "20", "1000", "1001", "-1", "x")
GEO = {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [16.4, 48.2]}}
WHOLE = station("south", scope="/a/b", location=GEO, name={"type": "LanguageProperty", "languageMap": {"de": "Süd"}})
LEAVES = st.sampled_from([None, True, 0, -1.5, "x", "", NOON, "urn:x:1", "Point", "urn:ngsi-ld:null", [], {}])
KEYS = st.sampled_from(
    (
        *("type", "id", "value", "object", "languageMap", "vocab", "json", "valueList", "objectList", "unitCode"),
        *("datasetId", "observedAt", "scope", "expiresAt", "location", "coordinates", "temperature", "entities", "q"),
        *("geoQ", "temporalQ", "notification", "endpoint", "uri", "watchedAttributes", "previousValue", "@type"),
        *("@id", "@value", "instanceId"),
    )
)
TYPES = st.sampled_from(
    ["Property", "Relationship", "GeoProperty", "ListProperty", "JsonProperty", "Query", "Subscription"]
)
ANY = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(KEYS, inner, max_size=4)
        | st.builds(lambda kind, more: {"type": kind, **more}, TYPES, st.dictionaries(KEYS, inner, max_size=3))
    ),
    max_leaves=8,
)
KNOWN = [
    WHOLE,
    [WHOLE, station("east")],
    ["urn:x:1", IDS[0]],
    {"temperature": {"type": "Property", "value": 3, "observedAt": NOON}},
    {"temperature": [{"type": "Property", "value": 3, "observedAt": NOON}]},
    {"value": 3},
    {"type": "Query", "entities": [{"type": "WeatherObserved"}], "q": "temperature>1"},
    {"@context": {"temperature": "https://x.example.org/t"}},
    {
        "type": "Subscription",
        "entities": [{"type": "WeatherObserved"}],
        "notification": {"endpoint": {"uri": "http://told.example.org/"}},
    },
]


@st.composite
def spoiled(draw: Any) -> Any:
    """A sound body, or one with something else in one place."""
    body = draw(st.sampled_from(KNOWN))
    if type(body) is dict and draw(st.booleans()):
        return {**body, draw(KEYS): draw(ANY)}
    return body


VERBS = [(verb, pattern) for pattern, verbs in ROUTES.items() for verb in verbs]


@settings(max_examples=600, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_whatever_an_operation_is_asked_it_has_an_answer(quick: Api, data: st.DataObject) -> None:
    draw = data.draw
    if quick.city.reader.row("", IDS[0], quick.sight) is None:
        quick.made(station("north", location=GEO, refX={"type": "Relationship", "object": IDS[1]}))
    verb, pattern = draw(st.sampled_from(VERBS))
    known = description.parameters_of(ROUTES[pattern][verb], verb, pattern, quick.door.desk)
    assert known is not None
    asked = draw(st.lists(st.sampled_from(sorted(known)), max_size=5, unique=True)) if known else []
    params = {}
    for name in asked:
        schema = described.PARAMETERS[name][1]
        usual: tuple[str, ...] = ("true", "false") if schema["type"] == "boolean" else NAMES
        if schema["type"] == "integer":
            usual = NUMBERS
        elif name in {"id", "containedBy"}:
            usual = IDS
        params[name] = draw(st.sampled_from((*VALUES.get(name, usual), *ODD)))
    path = "/".join(
        part if part != "*" else draw(st.sampled_from((IDS[0], *IDS) if i == 1 else NAMES))
        for i, part in enumerate(pattern.split("/"))
    )
    body = draw(spoiled() | ANY) if verb in {"POST", "PATCH", "PUT"} else None
    more = {"accept": draw(st.sampled_from(["application/json", "application/ld+json", "application/geo+json", "*/*"]))}
    if body is not None and draw(st.booleans()):
        more["content_type"] = "application/ld+json"
    told = quick.ask(verb, path, body, params, **more)
    assert told.status != 500, told.body
    assert told.status in {200, 201, 204, 206, 207} or told.status >= 400
