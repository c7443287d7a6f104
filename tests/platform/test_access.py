"""The door of decisions: questions in AuthZEN's form, and why; nothing hidden shows in an answer."""

import json

import cedarpy
import pytest
from two_people import ADA, OLA, person, realms, run

from hansa.errors import BadRequest, Forbidden, HansaError, NotFound, TooLarge, Unauthenticated
from hansa.model.change import Write
from hansa.platform.access import Access
from hansa.platform.http import Headers, Request
from hansa.platform.policies import Policies
from hansa.trust.actors import PASSKEY, SINGLE, TWO_FACTORS, Actor
from hansa.trust.labels import ADMINISTRATOR, NOBODY, PUBLIC, Sight
from hansa.trust.policy import evaluate, shipped
from hansa.trust.sights import Sights

JSON = ((b"content-type", b"application/json"),)
EVA = person("eva", "auditor")
LEDGER = Actor("service:ledger", frozenset({"service"}), frozenset({"parks"}), TWO_FACTORS)
RIA = person("ria", "resident", assurance=SINGLE)
LAMP, METER, CAMERA = "urn:ngsi-ld:Lamp:1", "urn:ngsi-ld:Meter:1", "urn:ngsi-ld:Camera:1"


def keep(city, ident, label, kind, **attributes):
    doc = {"id": ident, "type": kind, **{name: {"type": "Property", "value": 1} for name in attributes}}
    assert city.write(Write("create", ident, doc, label=label), sight=ADMINISTRATOR)


@pytest.fixture(scope="module")
def cities(tmp_path_factory):
    with realms(tmp_path_factory.mktemp("access")) as both:
        keep(both["open"], LAMP, "smart;owner=parks", "Lamp", power=1)
        keep(both["open"], METER, "personal;owner=water;purposes=billing", "Meter")
        keep(both["security"], CAMERA, "security", "Camera")
        yield both


class Door:
    """The door, and what each actor sees: what the shipped policies let him."""

    def __init__(self, cities, **how):
        self.policies = Policies(cities)
        self.sights = {realm: Sights(realm, self.policies.policy(realm)) for realm in cities}
        people = {one.id: one for one in (ADA, OLA, EVA, RIA, LEDGER)}
        self.access = Access(cities, self.policies, known=people.get, sees=self.sees, **how)

    def sees(self, realm, sight, purpose):
        return sight if sight.everything else self.sights[realm].of(sight.who, purpose)

    def ask(self, verb, path, who, body=None, headers=JSON):
        path, _, query = path.partition("?")
        raw = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        seen = who if isinstance(who, Sight) else Sight(who.id, "", frozenset(), who)
        request = Request(verb, path.strip("/").split("/"), query.encode(), raw, Headers(list(headers)), seen)
        return run(self.access.handle(request))

    def post(self, path, who, body, **how):
        return json.loads(self.ask("POST", path, who, body, **how).body)

    def get(self, path, who):
        return json.loads(self.ask("GET", path, who).body)


@pytest.fixture(scope="module")
def door(cities):
    return Door(cities)


def question(subject="ola", action="read", resource=LAMP, kind="Lamp", about=None, **context):
    return {
        "subject": {"type": "person", "id": subject, "properties": {"assurance": 3}},
        "action": {"name": action},
        "resource": {"type": kind, "id": resource, "properties": about or {}},
        "context": context,
    }


# AuthZEN


def test_a_question_is_answered_with_the_rules_that_decided(door):
    told = door.post("v1/evaluation", LEDGER, question())
    assert told["decision"] is True
    assert told["context"]["reasons"][0]["id"] == "operators-see-smart"
    assert told["context"]["policy"] == "shipped"
    told = door.post("v1/evaluation", LEDGER, question(action="delete"))
    assert (told["decision"], told["context"]["reasons"][0]["id"]) == (False, "nothing-permits-it")


def test_a_subject_is_who_the_city_knows_unless_it_is_described(door):
    assert door.post("v1/evaluation", EVA, question("ria"))["decision"] is False
    described = question("ria")
    described["subject"]["properties"]["roles"] = ["supervisor"]
    assert door.post("v1/evaluation", EVA, described)["decision"] is True
    assert door.post("v1/evaluation", EVA, question("stranger"))["decision"] is False
    known = {"type": "user", "id": "ola"}
    assert door.post("v1/evaluation", EVA, {**question(), "subject": known})["decision"] is True
    command = {**question(action="command"), "subject": known}
    assert door.post("v1/evaluation", EVA, command)["decision"] is False  # nobody said how surely it is she
    assert door.post("v1/evaluation", EVA, question(action="command"))["decision"] is True


def test_purposes_and_labels_can_be_asked_about(door):
    meter = question("ola", resource=METER, kind="Meter")
    assert door.post("v1/evaluation", EVA, meter)["decision"] is False
    about = {"label": "smart;purposes=repair"}
    assert door.post("v1/evaluation", LEDGER, question(about=about))["decision"] is False
    assert door.post("v1/evaluation", LEDGER, question(about=about, purpose="repair"))["decision"] is True
    attribute = {"attribute": "power"}
    assert door.post("v1/evaluation", LEDGER, question(about=attribute))["decision"] is True


def test_what_the_asker_does_not_see_is_as_what_is_not_there(door):
    """A service that asks about others' access learns nothing of what is hidden from itself."""
    hidden = door.ask("POST", "v1/evaluation", LEDGER, question(resource=METER, kind="Meter")).body
    absent = door.ask("POST", "v1/evaluation", LEDGER, question(resource="urn:ngsi-ld:Meter:9", kind="Meter")).body
    other = door.ask("POST", "v1/evaluation", LEDGER, question(kind="Meter")).body
    attribute = door.ask("POST", "v1/evaluation", LEDGER, question(about={"attribute": "no"})).body
    camera = question(resource=CAMERA, kind="Camera", about={"realm": "security"})
    realm = door.ask("POST", "v1/evaluation", LEDGER, camera).body
    nowhere = door.ask("POST", "v1/evaluation", LEDGER, question(about={"realm": "harbour"})).body
    label = door.ask("POST", "v1/evaluation", LEDGER, question(about={"realm": "security", "label": "security"})).body
    assert hidden == absent == other == attribute == realm == nowhere == label
    assert json.loads(hidden)["decision"] is False
    assert b"nothing-there" not in door.ask("POST", "v1/evaluation", EVA, camera).body  # an auditor is told of it


def test_only_services_auditors_and_administrators_ask_about_others(door):
    for who, fault in ((NOBODY, Unauthenticated), (PUBLIC, Unauthenticated), (OLA, Forbidden), (RIA, Forbidden)):
        for path in ("v1/evaluation", "v1/evaluations"):
            with pytest.raises(fault):
                door.ask("POST", path, who, question())
    assert door.post("v1/evaluation", ADMINISTRATOR, question())["decision"] is True


def test_an_auditors_limited_token_sees_no_more_than_it_is_for(door):
    asked = question("ola", resource=METER, kind="Meter")
    told = door.post("v1/evaluation", EVA, asked)["context"]["reasons"][0]["id"]
    for limited in (
        Actor(EVA.id, EVA.roles, assurance=PASSKEY, scope=frozenset({"read:Lamp"})),
        Actor(EVA.id, EVA.roles, assurance=SINGLE),
    ):
        assert door.post("v1/evaluation", limited, asked)["context"]["reasons"][0]["id"] == "nothing-there" != told


BAD = [
    *(
        {name: value for name, value in question().items() if name != gone}
        for gone in ("subject", "action", "resource")
    ),
    {**question(), "subject": {"id": "ola"}},
    {**question(), "subject": {"type": "person"}},
    {**question(), "subject": "ola"},
    {**question(), "subject": {"type": "person", "id": "ola", "properties": {"assurance": 9}}},
    {**question(), "subject": {"type": "person", "id": "ola", "properties": {"assurance": True}}},
    {**question(), "subject": {"type": "person", "id": "ola", "properties": {"roles": "operator"}}},
    {**question(), "subject": {"type": "person", "id": "ola", "properties": {"departments": [7]}}},
    {**question(), "action": {}},
    {**question(), "action": {"name": 123}},
    {**question(), "resource": {"id": LAMP}},
    {**question(), "resource": {"type": "Lamp"}},
    {**question(), "resource": {"type": "Lamp", "id": LAMP, "properties": []}},
    {**question(), "resource": {"type": "Lamp", "id": LAMP, "properties": {"label": 7}}},
    {**question(), "resource": {"type": "Lamp", "id": LAMP, "properties": {"label": "secret"}}},
    {**question(), "resource": {"type": "Lamp", "id": LAMP, "properties": {"realm": ["open"]}}},
    {**question(), "context": [1]},
    {**question(), "context": {"purpose": None}},
    *([], "x", 7, None, b"", b"{", b"\xff", b'{"subject"'),
]


@pytest.mark.parametrize("body", BAD, ids=range(len(BAD)))
def test_a_question_that_is_none_is_refused_with_its_place(door, body):
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    with pytest.raises(BadRequest) as refused:
        door.ask("POST", "v1/evaluation", LEDGER, raw)
    assert refused.value.problem()["status"] == 400


def test_a_body_that_is_not_called_json_is_refused(door):
    for headers in (
        (),
        ((b"content-type", b"text/plain"),),
        ((b"content-type", b"application/x-www-form-urlencoded"),),
    ):
        with pytest.raises(BadRequest, match="application/json"):
            door.ask("POST", "v1/evaluation", LEDGER, question(), headers=headers)
    with_charset = ((b"content-type", b"application/json; charset=utf-8"),)
    assert door.post("v1/evaluation", LEDGER, question(), headers=with_charset)["decision"] is True


def test_many_questions_are_answered_in_order_and_take_from_above_what_they_leave_out(door):
    body = {
        **question(),
        "evaluations": [{}, {"action": {"name": "delete"}}, {"subject": {"type": "person"}}, 7, {"future": 1}],
    }
    told = door.post("v1/evaluations", LEDGER, body)["evaluations"]
    assert [one["decision"] for one in told] == [True, False, False, False, True]
    assert told[2]["context"]["error"] == {"status": 400, "message": "subject.id is missing, or no text"}
    assert door.post("v1/evaluations", LEDGER, question())["decision"] is True
    assert door.post("v1/evaluations", LEDGER, {**question(), "evaluations": []})["decision"] is True


@pytest.mark.parametrize(
    ("semantic", "expected"),
    [
        ("execute_all", [True, False, True]),
        ("deny_on_first_deny", [True, False]),
        ("permit_on_first_permit", [True]),
    ],
)
def test_evaluating_ends_where_the_asker_says(door, semantic, expected):
    body = {
        **question(),
        "options": {"evaluations_semantic": semantic},
        "evaluations": [{}, {"action": {"name": "fly"}}, {}],
    }
    told = door.post("v1/evaluations", LEDGER, body)["evaluations"]
    assert [one["decision"] for one in told] == expected


def test_too_many_questions_or_another_way_of_evaluating_are_refused(door):
    with pytest.raises(TooLarge):
        door.ask("POST", "v1/evaluations", LEDGER, {**question(), "evaluations": [{}] * 101})
    for options in ({"evaluations_semantic": "guess"}, {"evaluations_semantic": 1}, 1):
        with pytest.raises(BadRequest, match=r"evaluat|options"):
            door.ask("POST", "v1/evaluations", LEDGER, {**question(), "evaluations": [{}], "options": options})
    with pytest.raises(BadRequest, match="list"):
        door.ask("POST", "v1/evaluations", LEDGER, {**question(), "evaluations": {}})


def test_a_request_id_comes_back_unless_it_is_none(door):
    def echoed(ident):
        said = (*JSON, (b"x-request-id", ident))
        return dict(door.ask("POST", "v1/evaluation", LEDGER, question(), headers=said).headers).get(b"x-request-id")

    assert echoed(b"bfe9eb29-ab87-4ca3-be83-a1d5d8305716") == b"bfe9eb29-ab87-4ca3-be83-a1d5d8305716"
    assert echoed(b"a b") is None
    assert echoed(b"x" * 300) is None


def test_where_the_doors_are_is_said_to_anybody(cities):
    def told(origin, host=b"city.example:8443"):
        door = Door(cities, origin=origin)
        request = Request("GET", ["authzen-configuration"], headers=Headers([(b"host", host)]))
        return json.loads(run(door.access.well_known(request)).body)

    said = told("https:")
    assert said["policy_decision_point"] == "https://city.example:8443"
    assert said["access_evaluation_endpoint"] == "https://city.example:8443/access/v1/evaluation"
    assert told("https://graz.example")["access_evaluations_endpoint"] == "https://graz.example/access/v1/evaluations"
    for host in (b"", b"a/b", b"x@y", b"x y", b'"'):
        with pytest.raises(BadRequest):
            told("https:", host)
    with pytest.raises(NotFound):
        run(Door(cities).access.well_known(Request("GET", ["security.txt"])))


# Other policies behind the same door: what others published


def cedar(schema, policy, entities):
    """Answer AuthZEN's questions by a Cedar policy of its own, through the same evaluation."""
    cedar_schema, policies = cedarpy.Schema.from_str(schema), cedarpy.PolicySet.from_str(policy)
    assert cedarpy.validate_policies(policy, cedar_schema).validation_passed

    def answer(question):
        known = entities(question)
        soft = [item for item in question.action_properties.items() if item[0] == "soft"]
        request = {
            "principal": {"type": question.subject.type.capitalize(), "id": question.subject.id},
            "action": {"type": "Action", "id": question.action},
            "resource": {"type": question.resource.type.capitalize(), "id": question.resource.id},
            "context": json.dumps(dict(soft)),
        }
        return evaluate(request, policies, json.dumps(known)).allowed, {}

    return answer


TODO_SCHEMA = """
entity Role enum ["admin", "editor", "viewer", "evil_genius"];
entity User in [Role] = { email?: String };
entity Todo = { owner: String };
action can_read_user appliesTo { principal: [User], resource: [User] };
action can_read_todos, can_create_todo, can_update_todo, can_delete_todo
  appliesTo { principal: [User], resource: [Todo] };
"""
TODO_POLICY = """
permit (principal, action in [Action::"can_read_user", Action::"can_read_todos"], resource);
permit (principal, action == Action::"can_create_todo", resource)
when { principal in Role::"admin" || principal in Role::"editor" };
permit (principal in Role::"editor", action in [Action::"can_update_todo", Action::"can_delete_todo"], resource is Todo)
when { principal has email && principal.email == resource.owner };
permit (principal in Role::"admin", action == Action::"can_delete_todo", resource);
permit (principal in Role::"evil_genius", action == Action::"can_update_todo", resource);
"""
TODO_ROLES = {
    "rick@the-citadel.com": ["admin", "evil_genius"],
    "morty@the-citadel.com": ["editor"],
    "summer@the-smiths.com": ["editor"],
    "beth@the-smiths.com": ["viewer"],
    "jerry@the-smiths.com": ["viewer"],
}


def todo_entities(question):
    who, what = question.subject, question.resource
    roles = [{"type": "Role", "id": role} for role in TODO_ROLES.get(who.id, [])]
    known = [{"uid": {"type": "User", "id": who.id}, "attrs": {"email": who.id}, "parents": roles}]
    if what.type == "todo":
        owner = {"owner": what.properties.get("ownerID", "")}
        known.append({"uid": {"type": "Todo", "id": what.id}, "attrs": owner, "parents": []})
    return known


@pytest.mark.data
def test_the_published_decisions_of_the_todo_scenario_are_made(cities, data):
    door = Door(cities, evaluate=cedar(TODO_SCHEMA, TODO_POLICY, todo_entities))
    published = json.loads((data / "authzen" / "todo-decisions.json").read_text())["decisions"]
    assert len(published) == 40
    each = []
    for one in published:
        asked = one["request"]
        # The published questions are older than `properties`: what they say beside type and id belongs there.
        extra = {name: value for name, value in asked["resource"].items() if name not in {"type", "id"}}
        asked["resource"] = {"type": asked["resource"]["type"], "id": asked["resource"]["id"], "properties": extra}
        assert door.post("v1/evaluation", LEDGER, asked)["decision"] is one["expected"], asked
        each.append(asked)
    told = door.post("v1/evaluations", LEDGER, {"evaluations": each})["evaluations"]
    assert [one["decision"] for one in told] == [one["expected"] for one in published]


RECORDS_SCHEMA = """
entity User = { role?: String };
entity Record = { status?: String };
action read, write appliesTo { principal: [User], resource: [Record] };
action delete appliesTo { principal: [User], resource: [Record], context: { soft?: Bool } };
"""
RECORDS_POLICY = """
permit (principal, action == Action::"read", resource);
permit (principal == User::"alice", action == Action::"write", resource)
unless { resource has status && resource.status == "archived" };
permit (principal, action == Action::"write", resource)
when { principal has role && principal.role == "admin" && resource has status && resource.status == "archived" };
permit (principal == User::"alice", action == Action::"delete", resource) when { context has soft && context.soft };
"""


def record_entities(question):
    who, what = question.subject, question.resource
    role = {name: value for name, value in who.properties.items() if name == "role"}
    status = {name: value for name, value in what.properties.items() if name == "status"}
    return [
        {"uid": {"type": "User", "id": who.id}, "attrs": role, "parents": []},
        {"uid": {"type": "Record", "id": what.id}, "attrs": status, "parents": []},
    ]


def test_the_decisions_that_certification_asks_for_are_made(cities):
    """The eight cases of OpenID's certification scenario (Basic and Batch, Core and Properties)."""
    door = Door(cities, evaluate=cedar(RECORDS_SCHEMA, RECORDS_POLICY, record_entities))

    def asked(who, action, what, role=None, status=None, **action_properties):
        return {
            "subject": {"type": "user", "id": who, **({"properties": {"role": role}} if role else {})},
            "action": {"name": action, **({"properties": action_properties} if action_properties else {})},
            "resource": {"type": "record", "id": what, **({"properties": {"status": status}} if status else {})},
        }

    cases = [
        (asked("alice", "read", "record-1"), True),
        (asked("alice", "write", "record-1"), True),
        (asked("bob", "read", "record-1"), True),
        (asked("bob", "write", "record-1"), False),
        (asked("alice", "write", "record-2", status="archived"), False),
        (asked("bob", "write", "record-2", role="admin", status="archived"), True),
        (asked("alice", "delete", "record-1", soft=True), True),
        (asked("alice", "delete", "record-1", soft=False), False),
        ({**asked("alice", "read", "record-1", status="active"), "foo": "bar", "future": {"nested": True}}, True),
    ]
    for body, expected in cases:
        for _ in range(2):
            assert door.post("v1/evaluation", LEDGER, body) == {"decision": expected}, body
    told = door.post("v1/evaluations", LEDGER, {"evaluations": [body for body, _ in cases]})["evaluations"]
    assert [one["decision"] for one in told] == [expected for _, expected in cases]
    above = {
        **asked("alice", "write", "record-1", status="active"),
        "evaluations": [{}, {"resource": {"type": "record", "id": "record-2", "properties": {"status": "archived"}}}],
    }
    told = door.post("v1/evaluations", LEDGER, above)["evaluations"]
    assert [one["decision"] for one in told] == [True, False]


# Why


def test_a_person_is_told_why_not_with_the_rules_and_their_lines(door):
    told = door.get(f"v1/why?verb=delete&id={LAMP}", OLA)
    assert (told["decision"], told["label"], told["policy"]) == (False, "smart;owner=parks", "shipped")
    assert told["reasons"][0]["id"] == "nothing-permits-it"
    told = door.get("v1/why?verb=read&label=smart%3Bpurposes%3Drepair", OLA)
    [reason] = told["reasons"]
    assert (told["decision"], reason["id"], reason["effect"]) == (False, "purposes-bind", "forbid")
    first, last = reason["lines"]
    assert shipped("open").split("\n")[first - 1 : last] == reason["text"].split("\n")
    assert told["asker"] == {"id": OLA.id, "roles": ["operator"], "departments": [], "assurance": PASSKEY}
    assert door.get("v1/why?label=smart%3Bpurposes%3Drepair&purpose=repair", OLA)["decision"] is True


def test_why_says_the_same_of_what_is_hidden_and_of_what_is_not_there(door):
    def asked(who, **params):
        query = "&".join(f"{name}={value}" for name, value in params.items())
        return door.get(f"v1/why?{query}", who)

    for who in (RIA, OLA):
        for verb in ("read", "update", "delete"):
            for purpose in ("", "billing"):
                hidden = asked(who, verb=verb, id=METER, purpose=purpose)
                assert hidden == asked(who, verb=verb, id="urn:ngsi-ld:Meter:9", purpose=purpose)
                assert hidden["decision"] is False
                assert "label" not in hidden
    assert asked(OLA, id=LAMP, attribute="power")["decision"] is True
    assert asked(OLA, id=LAMP, attribute="secret")["reasons"][0]["id"] == "nothing-there"
    assert asked(OLA, id=CAMERA, realm="security") == asked(OLA, id="urn:x:9", realm="security")
    in_security = asked(OLA, label="security", realm="security")
    assert in_security["reasons"][0]["id"] == "nothing-there"
    assert asked(person("cy", "command"), id=CAMERA, realm="security")["decision"] is True


def test_those_who_watch_may_ask_about_others(door):
    told = door.get(f"v1/why?id={METER}&who=person:ola", EVA)
    assert (told["decision"], told["label"]) == (False, "personal;owner=water;purposes=billing")
    assert told["asker"]["roles"] == ["operator"]
    asked = f"v1/why?id={METER}&roles=member&departments=water&purpose=billing"
    assert door.get(asked, EVA)["decision"] is True
    assert door.get(f"{asked}&assurance=1", EVA)["decision"] is False
    assert "label" not in door.get(f"v1/why?id={METER}&who=person:ola", ADA)  # an administrator sees no personal data
    for who in (OLA, RIA, LEDGER):
        for query in ("who=person:ada", "roles=administrator", "departments=water", "assurance=3"):
            with pytest.raises(Forbidden):
                door.get(f"v1/why?label=smart&{query}", who)


def test_the_city_itself_is_told_that_no_policy_is_about_it(door):
    told = door.get(f"v1/why?id={METER}", ADMINISTRATOR)
    assert (told["decision"], told["reasons"][0]["id"]) == (True, "the-city-itself")
    assert door.get(f"v1/why?id={METER}&roles=resident", ADMINISTRATOR)["decision"] is False


def test_a_token_that_is_not_for_it_is_the_reason_why_not(door):
    def told(scope, query):
        limited = Actor(OLA.id, OLA.roles, assurance=PASSKEY, scope=frozenset(scope))
        return door.get(f"v1/why?{query}", limited)["reasons"][0]["id"]

    assert told({"read"}, f"verb=update&id={LAMP}") == "beyond-the-token"
    assert told({"read", "write"}, f"verb=update&id={LAMP}") == "operators-write"
    assert told({"read", "update:Lamp"}, f"verb=update&id={LAMP}") == "operators-write"
    assert told({"read", "update:Bench"}, f"verb=update&id={LAMP}") == "beyond-the-token"
    assert told({"read:Bench"}, f"verb=read&id={LAMP}") == "nothing-there"  # by that token it is not there at all


@pytest.mark.parametrize(
    "query",
    ["", "verb=read", f"id={LAMP}&label=smart", "label=secret", "label=smart&verb=fly", "label=smart&nonsense=1",
     "label=smart&label=open", "label=smart&assurance=7", "label=smart&roles=mayor"],
)  # fmt: skip
def test_a_why_that_cannot_be_answered_is_refused(door, query):
    with pytest.raises(BadRequest):
        door.get(f"v1/why?{query}", EVA)


def test_nobody_is_told_nothing(door):
    for path in ("v1/why?label=open", "v1/policies", "v1/policies/open"):
        for who in (NOBODY, PUBLIC):
            with pytest.raises(Unauthenticated):
                door.ask("GET", path, who)


# Policies


def test_the_policy_of_the_open_realm_is_for_all_who_signed_in_that_of_security_is_not(door):
    told = door.get("v1/policies", RIA)
    assert [one["realm"] for one in told["policies"]] == ["open"]
    assert "enum" in told["schema"]
    assert [one["realm"] for one in door.get("v1/policies", EVA)["policies"]] == ["open", "security"]
    one = door.get("v1/policies/open", RIA)
    assert (one["text"], one["version"], one["holds"], one["versions"]) == (shipped("open"), "shipped", True, [])
    assert one["rules"][0]["id"] == "open-for-all"
    for realm in ("security", "harbour"):
        with pytest.raises(NotFound) as refused:
            door.get(f"v1/policies/{realm}", RIA)
        assert refused.value.detail == f"there is no realm '{realm}'"
    with pytest.raises(NotFound):
        door.get("v1/policies/open?version=7", RIA)
    with pytest.raises(BadRequest):
        door.get("v1/policies/open?verson=7", RIA)


def test_a_text_is_checked_and_tried_by_those_who_watch(door, cities):
    told = door.post("v1/policies/open/check", ADA, {"text": "permit (principal, action, resource);\n"})
    assert [one["line"] for one in told["faults"]] == [1, 1]
    assert door.post("v1/policies/open/check", ADA, {"text": shipped("open")}) == {"faults": []}
    assert door.post("v1/policies/open/trial", EVA, {"text": shipped("open")})["changes"] == []
    for path in ("v1/policies/open/check", "v1/policies/open/trial"):
        with pytest.raises(Forbidden):
            door.ask("POST", path, OLA, {"text": "x"})
        for wrong in ({}, [], {"text": 7}, b"", b"{"):
            with pytest.raises(BadRequest):
                door.ask("POST", path, ADA, wrong)
    with pytest.raises(BadRequest, match="line 1"):
        door.ask("POST", "v1/policies/open/trial", ADA, {"text": "permit"})


def test_what_is_not_at_this_door_is_not_there(door):
    for verb, path in (("GET", "v1/evaluation"), ("POST", "v1/why"), ("GET", "v2/why"), ("DELETE", "v1/policies/open")):
        with pytest.raises(NotFound):
            door.ask(verb, path, ADA, {})


def test_nothing_that_is_asked_here_is_an_error_of_ours(door):
    """Questions of odd shapes: refused, answered, never broken."""
    odd = ["", "\x00", "urn:x:\ud83d", "a" * 3_000, "../..", '"}]', "%00", "∞"]
    for text in odd:
        word = text or "x"
        for body in (question(word, word, word), question(about={"label": text}), question(purpose=text)):
            assert status(door, body) in {200, 400}


def status(door, body):
    try:
        return door.ask("POST", "v1/evaluation", EVA, body).status
    except HansaError as fault:
        return fault.status
