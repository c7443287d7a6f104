"""Whether a document answers a question, as clause 4.9 has it."""

import re
import time

import pytest

from hansa.errors import BadRequest, NotSupported
from hansa.limits import Limits
from hansa.model.entity import Stamps
from hansa.model.qlang import parse_q
from hansa.model.query import Query, compile_q, matches

DOC = {
    "id": "urn:ngsi-ld:Car:1",
    "type": ["Car", "Vehicle"],
    "scope": ["/Madrid/Gardens/ParqueNorte", "/CompanyA"],
    "level": {"type": "Property", "value": 5, "unitCode": "P1", "observedAt": "2026-11-22T18:00:00.500Z"},
    "zero": {"type": "Property", "value": 0},
    "name": {"type": "Property", "value": "DE 12", "source": {"type": "Relationship", "object": "urn:x:s"}},
    "open": {"type": "Property", "value": True},
    "tags": {"type": "Property", "value": ["blue", "red", 7]},
    "series": {"type": "ListProperty", "valueList": [1, 2]},
    "address": {"type": "Property", "value": {"city": "Berlin", "geo": {"x": 1}, "none": None}},
    "speed": [
        {"type": "Property", "value": 55, "datasetId": "urn:gps", "observedAt": "2026-11-22T10:00:00Z"},
        {"type": "Property", "value": 54.5},
    ],
    "parked": {"type": "Relationship", "object": "urn:ngsi-ld:Parking:1", "since": {"type": "Property", "value": 3}},
    "owners": {"type": "Relationship", "object": ["urn:a", "urn:b"]},
    "stops": {"type": "ListRelationship", "objectList": [{"object": "urn:a"}, {"object": "urn:c"}]},
    "color": {"type": "LanguageProperty", "languageMap": {"fr": ["chat", "rouge"], "en": "red", "de": "rot"}},
    "gender": {"type": "VocabProperty", "vocab": "Male"},
    "kinds": {"type": "VocabProperty", "vocab": ["A", "http://x.org/B"]},
    "ticket": {"type": "JsonProperty", "json": {"id": "85a6", "value": "Overstay"}},
    "built": {"type": "Property", "value": "2020-05-05T12:00:00+02:00"},
    "typed": {"type": "Property", "value": {"@type": "DateTime", "@value": "2020-05-05T10:00:00Z"}},
    "day": {"type": "Property", "value": "2020-05-05"},
    "hour": {"type": "Property", "value": "10:00:00Z"},
    "location": {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [17.1, 48.1]}},
}
STAMPS = Stamps(
    created=1_600_000_000_000_000,
    modified=1_700_000_000_000_000,
    attrs={"level": {"": [1_650_000_000_000_000, 1_690_000_000_000_000]}, "speed": {"urn:gps": [1, 2], "": [3, 4]}},
    labels={},
)


def holds(q, doc=DOC, stamps=STAMPS):
    return compile_q(parse_q(q))(doc, stamps)


TRUE = """
level  level==5  level==5.0  level!=6  level>4  level>=5  level<5.1  level<=5  level==1,5  level==1..5
level!=6..9  level!="5"  level!=true  zero==0  zero!=false  name=="DE 12"  name!="x"  name>"DE"  name~="^DE"
name~=(?i)de  name!~="X"  name=="A".."E"  open==true  open!=false  open!=1  tags=="red"  tags==7
tags=="x","blue"  tags!="green"  tags!="green","x"  tags!=1..9  series==2  series!=3  address[city]=="Berlin"
address[geo.x]==1  address[city]!="Bonn"  address[none]  address[none]!=1  speed==55  speed==54.5  speed!=55
speed>54.9  speed.observedAt  parked=="urn:ngsi-ld:Parking:1"  parked==urn:ngsi-ld:Parking:1  parked!="urn:x"
parked!=5  parked.since==3  owners=="urn:b"  owners!="urn:c"  stops=="urn:c"  stops!="urn:b"  color=="rot"
color=="rouge"  color[en]=="red"  color[fr]=="chat"  color[*]=="red"  color!="blue"  color[en]!="rouge"
color[*]!="blue"  color~="^ro"  color[en]~="^re"  gender!="Male"  gender!=Male
gender=="https://uri.etsi.org/ngsi-ld/default-context/Male"  gender!="Female"  kinds=="http://x.org/B"
kinds!="C"  gender~="/Male$"  !absent  !name.absent  !address[absent]  !parked.absent
ticket[value]=="Overstay"  built==2020-05-05T10:00:00Z  built<2020-05-05T10:00:00.001Z
typed==2020-05-05T10:00:00Z  typed>=2020-01-01T00:00:00Z  built==2020-01-01T00:00:00Z..2021-01-01T00:00:00Z
day==2020-05-05  day>2020-01-01  hour<11:00:00Z  hour!=11:00:00Z  level.observedAt>=2026-11-22T18:00:00Z
level.observedAt<"2026-11-22T19:00:01+01:00"  level.unitCode=="P1"  name.source=="urn:x:s"  name.source
createdAt>2020-01-01T00:00:00Z  modifiedAt  level.createdAt<2026-01-01T00:00:00Z
speed.modifiedAt<1971-01-01T00:00:00Z  location  location[type]=="Point"  level>9|zero<1
(level>9|zero<1);open==true  level==5;name~="DE"  built!=5  level!=2020-01-01T00:00:00Z
speed.datasetId=="urn:gps"  scope=="/CompanyA"
"""

FALSE = """
absent  absent!=5  absent==5  level==6  level!=5  level>5  level<5  level=="5"  level==true  zero==false
open==1  open==false  level>"4"  level>2020-01-01T00:00:00Z  name>5  name=="de 12"  name~="^E"  name!~="DE"
level~="5"  level!~="6"  tags~="red"  tags!~="x"  tags!="red"  tags!="x","red"  tags>"a"  tags==1..9  series==3
series!=2  series>0  address[town]  address[town]!="x"  address[city.x]  address[none]==0  address=="Berlin"
level[x]  tags[length]  speed==56  speed>55  parked=="urn:x"  parked!="urn:ngsi-ld:Parking:1"  parked>"urn:a"
parked~="urn"  parked!~="x"  parked[x]  owners=="urn:c"  owners!="urn:b"  stops=="urn:b"  stops!="urn:c"
stops~="urn"  color=="green"  color!="red"  color!="rouge"  color[en]=="rouge"  color[en]!="red"
!name  !level.observedAt  !address[city]  !createdAt.x;name=="no"
color[it]!="red"  color[it]  color[en.x]  gender=="Male"  gender==Male  gender[x]  kinds=="A"  ticket[absent]
built>2020-05-05T10:00:00Z  built==2020-05-05  day==2020-05-06  day>2020-05-05T00:00:00Z  hour>11:00:00Z
level.observedAt<2026-11-22T18:00:00Z  level.absent  level.absent!=1  absent.b!=1  level.value
name.source!="urn:x:s"  createdAt<2000-01-01T00:00:00Z  zero.createdAt  name.source.createdAt  level>9|zero>1
level==5;zero==1  name.source.x  level==4,6  level!=4,5  level==6..9  level!=1..5  level=="a".."z"
level==5.."z"
"""


def _terms(text):
    return re.split(r"\s*\n\s*|\s\s+", text.strip())


@pytest.mark.parametrize("q", _terms(TRUE))
def test_a_term_holds(q):
    assert holds(q)


@pytest.mark.parametrize("q", _terms(FALSE))
def test_a_term_does_not_hold(q):
    assert not holds(q)


def test_without_stamps_nothing_is_known_of_them():
    assert not holds("createdAt", stamps=None)
    assert not holds("level.modifiedAt", stamps=None)
    remote = {
        **DOC,
        "createdAt": "2020-01-01T00:00:00Z",
        "zero": {"type": "Property", "value": 0, "createdAt": "2020-01-01T00:00:00Z"},
    }
    assert holds("createdAt<2021-01-01T00:00:00Z", remote, None)
    assert holds('zero.createdAt<"2021-01-01T00:00:00Z"', remote, None)


def test_plain_members_of_a_registration_are_values():
    source = {"id": "urn:r", "type": "ContextSourceRegistration", "region": "north", "ports": [80, 443], "empty": []}
    assert holds('region=="north"', source)
    assert holds("ports==443", source)
    assert not holds("ports!=443", source)
    assert not holds("region[x]", source)
    assert not holds("empty", source)


@pytest.mark.parametrize(
    "entry",
    [None, [], 5, "x", {}, [{}], {"type": "Property"}, {"type": 5}, {"type": "Relationship"},
     {"type": "Nothing", "value": 1}, {"type": "LanguageProperty", "languageMap": 5}, [[1]],
     {"type": "ListRelationship", "objectList": "x"},
     {"type": "Property", "value": {"@value": {"@value": 1}}}, {"type": "Relationship", "object": [5, {}]}],
)  # fmt: skip
def test_odd_documents_never_raise(entry):
    for q in (
        "a",
        "a==5",
        "a!=5",
        "a>5",
        'a~="x"',
        "a.b",
        "a.b>1",
        "a[x]==1",
        "a==2020-01-01",
        'a=="x".."y"',
        "a.observedAt>1",
    ):
        assert holds(q, {"id": "urn:x", "type": "X", "a": entry}) in {True, False}
    assert Query.parse(georel="within", geometry="Point", coordinates="[0,0]", geoproperty="a").match(
        {"id": "urn:x", "type": "X", "a": entry}
    ) in {True, False}


def test_relationships_are_followed_where_entities_can_be_had():
    world = {
        "urn:d": {"id": "urn:d", "type": "Device", "humidity": {"type": "Property", "value": 40}},
        "urn:e": {"id": "urn:e", "type": "Gate", "humidity": {"type": "Property", "value": 90},
                  "next": {"type": "Relationship", "object": "urn:d"}},
    }  # fmt: skip
    station = {
        "id": "urn:s",
        "type": "Station",
        "sensor": {"type": "Relationship", "object": ["urn:e", "urn:gone", "urn:d"]},
    }

    def follow(q):
        return compile_q(parse_q(q), world.get)(station)

    assert follow("sensor{humidity}==40")
    assert follow("sensor{Device:humidity}")
    assert follow("sensor{Gate,Device:humidity}>80")
    assert follow("sensor{next{Device:humidity}}==40")
    assert follow("sensor{humidity}!=40")
    assert not follow("sensor{Device:humidity}>80")
    assert not follow("sensor{Lamp:humidity}")
    assert not follow("sensor{absent}")
    assert not follow("sensor{next{next{humidity}}}")
    with pytest.raises(NotSupported, match="relationship"):
        compile_q(parse_q("a;sensor{humidity}"))


@pytest.mark.parametrize(
    ("asked", "answer"),
    [
        ({}, True),
        ({"types": "Car"}, True),
        ({"types": "Bus,Vehicle"}, True),
        ({"types": "(Car;Vehicle)|Bus"}, True),
        ({"types": "(Car;Bus)"}, False),
        ({"types": "Bus|Tram"}, False),
        ({"types": "*"}, True),
        ({"ids": ["urn:ngsi-ld:Car:1"]}, True),
        ({"ids": ["urn:ngsi-ld:Car:2"]}, False),
        ({"id_pattern": "Car:[0-9]$"}, True),
        ({"id_pattern": "^Car"}, False),
        ({"ids": ["urn:ngsi-ld:Car:1"], "id_pattern": "nothing"}, True),
        ({"attrs": ["absent", "level"]}, True),
        ({"attrs": ["absent"]}, False),
        ({"attrs": ["id", "type"]}, False),
        ({"q": "level==5"}, True),
        ({"q": "level==6"}, False),
        ({"scope_q": "/Madrid/#"}, True),
        ({"scope_q": "/Madrid"}, False),
        ({"scope_q": "/Madrid/+/ParqueNorte"}, True),
        ({"scope_q": "/Madrid/+"}, False),
        ({"scope_q": "(/CompanyA;/Madrid/Gardens/#)"}, True),
        ({"scope_q": "(/CompanyA;/CompanyB)"}, False),
        ({"scope_q": "/CompanyA;/Madrid/#"}, True),
        ({"scope_q": "/CompanyA;/CompanyB"}, False),
        ({"scope_q": "/CompanyA;/CompanyB|/Madrid/#"}, True),
        ({"scope_q": "/CompanyB,/CompanyA;/Madrid/+/+"}, True),
        ({"scope_q": "(/CompanyA;/CompanyB),CompanyA"}, True),
        ({"scope_q": "/#"}, True),
        ({"scope_q": "/Madrid/Gardens/ParqueNorte/#"}, True),
        ({"scope_q": "/Madrid/Gardens/ParqueNorte/+/#"}, False),
        ({"georel": "near;maxDistance==2000", "geometry": "Point", "coordinates": "[17.11,48.1]"}, True),
        ({"georel": "near;maxDistance==200", "geometry": "Point", "coordinates": [17.11, 48.1]}, False),
        ({"georel": "within", "geometry": "Point", "coordinates": "[17.1,48.1]", "geoproperty": "level"}, False),
        ({"types": "Car", "q": "level==5", "attrs": ["zero"], "scope_q": "/CompanyA"}, True),
        ({"types": "Car", "q": "level==5", "attrs": ["zero"], "scope_q": "/CompanyB"}, False),
    ],
)
def test_a_question_is_all_of_its_conditions(asked, answer):
    query = Query.parse(**asked)
    assert matches(query, DOC, STAMPS) is answer
    assert query.match(DOC) is answer


def test_a_longer_pattern_is_compiled_where_the_settings_let_it_in():
    long = Query.parse(q=f'name~="DE{"x?" * 200}"', limits=Limits(regex=500))
    assert long.match(DOC)


def test_questions_that_say_the_same_are_the_same():
    asked = {
        "types": "A|B",
        "q": "a==1",
        "georel": "within",
        "geometry": "Point",
        "coordinates": [0, 0],
        "scope_q": "/A",
    }
    assert Query.parse(**asked) == Query.parse(**asked)
    assert len({Query.parse(**asked), Query.parse(**asked)}) == 1
    assert Query.parse(q="a==1") != Query.parse(q="a==true")


def test_an_entity_without_scope_is_in_no_scope():
    assert not Query.parse(scope_q="/#").match({"id": "urn:x", "type": "X"})
    assert Query.parse(scope_q="/A").match({"id": "urn:x", "type": "X", "scope": "A"})


def test_one_type_and_several_are_selected_alike():
    assert Query.parse(types="X").match({"id": "urn:x", "type": "X"})
    assert not Query.parse(types="(X;Y)").match({"id": "urn:x", "type": "X"})


@pytest.mark.parametrize(
    "asked",
    [
        {"types": ""}, {"types": "A;B"}, {"types": "(A"}, {"types": "A,,B"}, {"types": "(A;)"}, {"types": "((A))"},
        {"types": "A)"}, {"types": '"A"'}, {"types": "(A|B)"}, {"types": "A" * 20_000}, {"scope_q": ""},
        {"scope_q": "/A;"}, {"scope_q": ";/A"}, {"scope_q": "/A;/B;"},
        {"scope_q": "/"}, {"scope_q": "/A//B"},
        {"scope_q": "/#/A"}, {"scope_q": "/A-B"}, {"scope_q": "/1"}, {"scope_q": "/A" * 100}, {"id_pattern": "("},
        {"geometry": "Point"}, {"coordinates": "[0,0]"}, {"georel": "within"}, {"q": ""},
        {"georel": "x", "geometry": "Point", "coordinates": "[0,0]"},
    ],
)  # fmt: skip
def test_what_is_no_question_is_refused(asked):
    with pytest.raises(BadRequest):
        Query.parse(**asked)


def test_names_and_types_are_expanded_and_scopes_are_not():
    query = Query.parse(
        types="A|(B;C)", attrs=["a"], q="b==1", scope_q="/S", georel="within", geometry="Point", coordinates=[0, 0],
        geoproperty="g", expand=lambda name: "x:" + name,
    )  # fmt: skip
    assert query.types == (frozenset({"x:A"}), frozenset({"x:B", "x:C"}))
    assert query.attrs == {"x:a"}
    assert query.q.path.names == ("x:b",)
    assert query.geo.name == "x:g"
    assert (
        Query.parse(georel="within", geometry="Point", coordinates=[0, 0], expand=lambda n: "x:" + n).geo.name
        == "location"
    )


def test_any_instance_of_a_geoproperty_will_do():
    doc = {"id": "urn:x", "type": "X", "location": [
        {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [0, 0]}, "datasetId": "urn:1"},
        {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [5, 5]}},
    ]}  # fmt: skip
    assert Query.parse(georel="equals", geometry="Point", coordinates=[5, 5]).match(doc)
    assert not Query.parse(georel="equals", geometry="Point", coordinates=[6, 5]).match(doc)


def test_a_simple_question_costs_little():
    match = Query.parse(q="level==5").match
    best = 1.0
    for _ in range(20):
        begin = time.perf_counter()
        for _ in range(2_000):
            match(DOC)
        best = min(best, (time.perf_counter() - begin) / 2_000)
    assert best < 3e-6  # measured 0.3 us on an idle machine; a loaded one gets room
