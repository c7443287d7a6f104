"""What machines bring: alerts of apps and CAP of other systems, by a standing approval or before two people."""

import json
import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from test_frost import DAY, evening
from test_warnings import AREA, VALLEY, a_city, follow, grower, mail, sent

from hansa import App, Change, City, Conflict, Entity, Forbidden, NotFound, Refusal, entity
from hansa.analytics.acts import AskedCity
from hansa.apps.frost import app as frost
from hansa.apps.warnings import app, cap, standing, words
from hansa.apps.warnings.area import Reach
from hansa.apps.warnings.message import fewer
from hansa.clock import micros, parse
from hansa.errors import BadRequest
from hansa.testing import MemoryCity
from hansa.trust.labels import NOBODY, app_sight

STATION = {"type": "Point", "coordinates": [17.1, 48.1]}
SEASON = {"kind": "frost", "area": VALLEY, "severityMost": "Severe", "perNight": 2, "until": "2026-05-31T12:00:00Z",
          "groups": ["growers"]}  # fmt: skip
SUP = {"roles": ("supervisor",)}


def an_alarm_app(name: str) -> App:
    """An app that says an Alert when it is told to: the name is what its word is known by."""
    made = App(name, report="4.1.4", reads={"Probe"}, writes={"Alert"})

    @made.on("Probe", "alert")
    def say(change: Change, _city: City) -> list[Entity]:
        said = change.entity["alert"]
        return [entity("Alert", said.pop("id"), category="weather", status="open", **{"location": STATION, **said})]

    return made


def town(*names: str, **settings: Any) -> MemoryCity:
    how = {"warnings": {"timezone": "UTC", **settings}}
    return MemoryCity(*(an_alarm_app(name) for name in names), app, start="2026-04-01T18:00:00Z", settings=how)


def alarm(city: MemoryCity, n: int = 1, kind: str = "frost", **more: Any) -> None:
    said = {"id": f"{kind}-{n}", "subCategory": kind, "severity": "medium", "forecast": -3.14159, **more}
    said["dateIssued"] = city.clock.now()
    city.say(entity("Probe", f"p-{kind}-{n}-{city.clock.now()}", alert=said | {"dateIssued": f"issue {n}"}))


def warned(city: MemoryCity) -> list[str]:
    return sorted(one["state"] for one in city.find("Warning"))


def season(city: MemoryCity, **more: Any) -> str:
    (made,) = city.act("allow", app="warnings", by="person:ada", **SUP, **{**SEASON, **more})
    city.act("agree", made.entity.id, app="warnings", by="person:bo", **SUP)
    return made.entity.id


def test_without_an_approval_an_alert_is_proposed_and_takes_two_people() -> None:
    city = town("frost")
    alarm(city)
    (one,) = city.find("Warning")
    assert (one["state"], one["machine"]) == ("proposed", True)
    assert city.view("list", app="warnings")["warnings"][0]["proposedBy"] == "app:frost"
    assert "−3.1" in one["texts"]["en"]["body"] or "-3.1" in one["texts"]["en"]["body"]
    with pytest.raises(Conflict, match="two people"):
        city.act("approve", one.id, app="warnings", by="person:bo")
    city.act("propose", one.id, app="warnings", by="person:ada")
    with pytest.raises(Forbidden):
        city.act("approve", one.id, app="warnings", by="person:ada")
    city.act("approve", one.id, app="warnings", by="person:bo")
    assert city.get(one.id)["state"] == "sent"
    alarm(city)
    assert len(city.find("Warning")) == 1, "the same alert is one warning"


def test_with_a_standing_approval_growers_are_warned_at_once_and_within_its_limits() -> None:
    city = town("frost")
    season(city)
    city.act("enter", app="warnings", by="person:sup", roles=("supervisor",), name="Vera", groups=["growers"],
             channels=[{"kind": "email", "to": "v@example.org"}])  # fmt: skip
    city.act("enter", app="warnings", by="person:sup", roles=("supervisor",), name="Townie",
             channels=[{"kind": "email", "to": "t@example.org"}])  # fmt: skip
    alarm(city, 1)
    assert warned(city) == ["sent"]
    assert [city.get(one["recipient"])["name"] for one in mail(city)] == ["Vera"]
    alarm(city, 2)
    alarm(city, 3)
    assert warned(city) == ["proposed", "sent", "sent"], "two a night; the third is for people to look at"
    city.clock.turn(parse("2026-04-02T05:00:00Z"))
    alarm(city, 4)
    assert warned(city).count("sent") == 2, "it is the same night"
    city.clock.turn(parse("2026-04-02T18:00:00Z"))
    alarm(city, 5)
    assert warned(city).count("sent") == 3


def test_what_an_approval_does_not_cover_is_only_proposed() -> None:
    city = town("frost")
    ident = season(city, severityMost="Minor")
    alarm(city, 1, severity="critical")
    assert warned(city) == ["proposed"]
    alarm(city, 2, severity="low")
    assert warned(city) == ["proposed", "sent"]
    city.act("revoke", ident, app="warnings", by="person:bo", reason="the season is over")
    alarm(city, 3, severity="low")
    assert warned(city) == ["proposed", "proposed", "sent"]
    far = town("frost")
    season(far, area={"type": "Polygon", "coordinates": [[[1, 1], [2, 1], [2, 2], [1, 1]]]})
    alarm(far)
    assert warned(far) == ["proposed"]


def test_nobody_approves_his_own_and_fire_never_goes_out_by_itself() -> None:
    city = town("frost", "watch")
    (made,) = city.act("allow", app="warnings", by="person:ada", **SUP, **SEASON)
    with pytest.raises(Forbidden):
        city.act("agree", made.entity.id, app="warnings", by="person:ada", **SUP)
    alarm(city)
    assert warned(city) == ["proposed"], "proposed is not approved"
    for kind in ("fire", "flood", "smoke", "evacuation"):
        with pytest.raises(Refusal):
            city.act("allow", app="warnings", by="person:ada", **SUP, **{**SEASON, "kind": kind})
    for wrong in (
        {"until": "2027-05-31T12:00:00Z"},
        {"until": "2026-01-01T00:00:00Z"},
        {"perNight": 500},
        {"area": None},
    ):
        with pytest.raises(Refusal):
            city.act("allow", app="warnings", by="person:ada", **SUP, **{**SEASON, **wrong})


def test_a_cold_evening_warns_the_growers_by_the_real_frost_app() -> None:
    warnings = App("warnings", report=app.report, reads=set(app.reads), writes=set(app.writes))
    warnings.handlers, warnings.deeds, warnings.views = app.handlers, app.deeds, app.views  # a night without rounds
    city = MemoryCity(frost, warnings, start=micros(DAY), settings={"warnings": {"timezone": "UTC"}})
    season(city, until="2012-05-31T12:00:00Z", area=VALLEY)
    city.act("enter", app="warnings", by="person:sup", roles=("supervisor",), name="Vera", groups=["growers"],
             language="ja", channels=[{"kind": "email", "to": "v@example.org"}])  # fmt: skip
    evening(city, 1.0, about={"location": STATION, "name": "North orchard"})
    (one,) = city.find("Warning")
    (alert,) = city.find("Alert")
    assert (one["state"], one["expires"], one["event"]) == ("sent", alert["validTo"], "frost")
    assert one["texts"]["ja"]["title"] == "今夜の霜注意：North orchard"
    assert f"{alert['forecast']:.1f} °C" in one["texts"]["en"]["body"]
    (delivery,) = mail(city)
    assert (delivery["status"], delivery["language"]) == ("waiting", "ja")


def test_a_guarded_alert_is_not_said_aloud() -> None:
    made = App("frost", report="4.1.4", reads={"Probe"}, writes={"Alert"})

    @made.on("Probe", "go")
    def say(_change: Change, _city: City) -> list[Entity]:
        one = entity("Alert", "x", subCategory="frost", status="open", severity="high", location=STATION)
        one.label = "security"
        return [one]

    city = MemoryCity(made, app, start="2026-04-01T18:00:00Z")
    city.say(entity("Probe", "p", go=1))
    assert city.find("Alert")
    assert warned(city) == []


def test_an_alert_that_somebody_else_wrote_is_no_apps_word() -> None:
    city = town("impostor")
    season(city)
    alarm(city)
    city.say(entity("Alert", "frost-9", subCategory="frost", status="open", severity="high", location=STATION))
    assert warned(city) == []


# ---- CAP


def a_sender(name: str = "met@example.org") -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
    key = ec.generate_private_key(ec.SECP256R1())
    who = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    begins = datetime(2026, 1, 1, tzinfo=UTC)
    made = x509.CertificateBuilder().subject_name(who).issuer_name(who).public_key(key.public_key()).serial_number(7)
    made = made.not_valid_before(begins).not_valid_after(begins + timedelta(days=3_650))
    return key, made.sign(key, hashes.SHA256())


def told(identifier: str = "met-1", **more: Any) -> cap.Alert:
    at = datetime(2026, 4, 1, 17, 59, tzinfo=UTC)
    square = tuple(
        cap.Point(lat, lon) for lat, lon in ((48.0, 17.0), (48.0, 17.2), (48.2, 17.2), (48.2, 17.0), (48.0, 17.0))
    )
    info = cap.Info(
        categories=("Met",),
        event=more.pop("event", "Frost"),
        urgency="Expected",
        severity=more.pop("severity", "Moderate"),
        certainty="Likely",
        language="en-GB",
        headline="Frost",
        description="Cold tonight\x85",
        response_types=more.pop("response", ("Prepare",)),
        expires=at + timedelta(hours=10),
        areas=(cap.Area(description="Valley", polygons=(square,)),),
    )
    said: dict[str, Any] = {"sender": "met@example.org", "sent": at, "status": "Actual", "msg_type": "Alert"} | more
    return cap.Alert(identifier=identifier, scope="Public", infos=(info,), **said)


@pytest.fixture(scope="module")
def met() -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
    return a_sender()


def trusting(met: Any) -> MemoryCity:
    return a_city(cap_trusted=[met[1].public_bytes(Encoding.PEM).decode()])


def test_a_trusted_senders_message_is_proposed_once_and_strangers_are_refused(met: Any) -> None:
    city = trusting(met)
    body = cap.sign(told(), *met)
    first = city.ask("POST", "/cap", body)
    assert (first.status, json.loads(first.body)["state"]) == (201, "proposed")
    again = json.loads(city.ask("POST", "/cap", body).body)
    assert (again["again"], len(city.find("Warning"))) == (True, 1)
    (one,) = city.find("Warning")
    assert (one["event"], one["machine"], one["came"]["sender"]) == ("frost", True, "met@example.org")
    city.act("propose", one.id, by="person:ada")
    city.act("approve", one.id, by="person:bo")
    for strange in (
        cap.sign(told("met-2"), *a_sender()),
        cap.write(told("met-3")),
        body.replace(b"Moderate", b"Extreme"),
        b"",
        b"<alert/>",
        b'<!DOCTYPE a [<!ENTITY b "c">]><alert/>',
    ):
        with pytest.raises(BadRequest):
            city.ask("POST", "/cap", strange)
    with pytest.raises(Refusal):
        a_city().ask("POST", "/cap", body)
    assert len(city.find("Warning")) == 1


def test_a_trusted_senders_update_and_cancel_follow_what_came_of_his_first(met: Any) -> None:
    city = trusting(met)
    city.ask("POST", "/cap", cap.sign(told(), *met))
    (one,) = city.find("Warning")
    city.act("propose", one.id, by="person:ada")
    city.act("approve", one.id, by="person:bo")
    later = datetime(2026, 4, 1, 17, 59, 30, tzinfo=UTC)
    over = told("met-2", msg_type="Cancel", sent=later, references=(told().key,))
    city.ask("POST", "/cap", cap.sign(over, *met))
    (cancel,) = [it for it in city.find("Warning") if it.id != one.id]
    assert (cancel["msgType"], cancel["follows"], cancel["state"]) == ("Cancel", one.id, "proposed")
    city.act("propose", cancel.id, by="person:ada")
    city.act("approve", cancel.id, by="person:bo")
    assert city.get(one.id)["state"] == "cancelled"


def test_an_area_with_too_many_corners_is_enclosed_and_not_refused() -> None:
    wavy = [[17 + math.cos(n / 700) * (0.1 + 0.02 * (n % 2)), 48 + math.sin(n / 700) * 0.1] for n in range(4_400)]
    round_ = [[17 + math.cos(n / 700), 48 + math.sin(n / 700)] for n in range(4_398)]
    for many in (wavy, round_):
        (part,) = fewer([[[*many, many[0]]]])
        assert len(part[0]) <= words.CORNERS
        reach = Reach({"type": "Polygon", "coordinates": part})
        assert all(reach.touches({"lon": x, "lat": y, "radius_m": 0}) for x, y in many[::97])
    assert words.CORNERS >= len(fewer([[[*wavy[:900], wavy[0]]]])[0][0]) >= 900, "few enough stay as they are"
    squares = [[[[n, 0.0], [n + 0.5, 0.0], [n + 0.5, 0.5], [n, 0.0]]] for n in range(40)]
    assert len(fewer(squares)) == 1


def test_a_message_that_lasts_too_long_or_is_over_is_taken_and_cut(met: Any) -> None:
    city = trusting(met)
    for n, hours in enumerate((24 * 30, -1)):
        at = datetime(2026, 4, 1, 15, tzinfo=UTC)
        said = told(f"long-{n}", sent=at)
        info = replace(said.infos[0], expires=datetime(2026, 4, 1, 18, tzinfo=UTC) + timedelta(hours=hours))
        city.ask("POST", "/cap", cap.sign(replace(said, infos=(info,)), *met))
    assert sorted(one["expires"] for one in city.find("Warning")) == ["2026-04-01T17:00:00Z", "2026-04-08T18:00:00Z"]


def by_sender(who: Any, **more: Any) -> dict[str, Any]:
    """What makes an approval one for a sender of CAP messages, and for the certificate that he signs with."""
    print_ = who[1].fingerprint(hashes.SHA256()).hex()
    return {"kind": "", "sender": "met@example.org", "signer": print_, "groups": [], "perNight": 20,
            "events": ["frost"]} | more  # fmt: skip


def square(lat: float, lon: float, half: float) -> tuple[cap.Point, ...]:
    corners = ((-1, -1), (-1, 1), (1, 1), (1, -1), (-1, -1))
    return tuple(
        cap.Point(round(lat + half * up, 6), round((lon + half * to + 180) % 360 - 180, 6)) for up, to in corners
    )


def over(where: cap.Area, n: str, **more: Any) -> cap.Alert:
    said = told(n, **more)
    return replace(said, infos=(replace(said.infos[0], areas=(where,)),))


@pytest.mark.parametrize(
    ("how", "state"),
    [
        ({"polygons": (square(48.1, 17.1, 0.01),)}, "sent"),
        ({"polygons": (square(48.1, 17.1, 0.1),)}, "sent"),
        ({"circles": (cap.Circle(48.1, 17.1, 5.0),)}, "sent"),
        ({"polygons": (square(48.05, 17.05, 0.01), square(48.15, 17.15, 0.01))}, "sent"),
        ({"polygons": (square(48.1, 17.1, 0.01), square(45.0, 5.0, 5.0))}, "proposed"),
        ({"polygons": (square(48.1, 17.1, 8.0),)}, "proposed"),
        ({"polygons": (square(48.1, 17.1, 0.11),)}, "proposed"),
        ({"circles": (cap.Circle(48.1, 17.1, 9.0),)}, "proposed"),
        ({"circles": (cap.Circle(48.1, 17.1, 1.0), cap.Circle(48.1, 17.3, 1.0))}, "proposed"),
        ({"geocodes": (cap.Named("SAME", "000000"),)}, "proposed"),
    ],
)
def test_all_of_what_a_sender_warns_lies_in_the_approvals_area_or_people_decide(
    met: Any, how: dict[str, Any], state: str
) -> None:
    city = trusting(met)
    season(city, **by_sender(met))
    city.ask("POST", "/cap", cap.sign(over(cap.Area(description="Valley", **how), "w"), *met))
    assert warned(city) == [state]


def test_over_the_antimeridian_and_around_a_corner_an_area_is_held_to_its_approval_too(met: Any) -> None:
    city = trusting(met)
    both = [[[[x, 50.0], [x + 2, 50.0], [x + 2, 52.0], [x, 52.0], [x, 50.0]]] for x in (178.0, -180.0)]
    season(city, **by_sender(met, area={"type": "MultiPolygon", "coordinates": both}))
    for n, half in enumerate((0.5, 2.5)):
        where = cap.Area(description="Strait", polygons=(square(51.0, 180.0, half),))
        city.ask("POST", "/cap", cap.sign(over(where, f"far-{n}"), *met))
    assert warned(city) == ["proposed", "sent"]
    # All corners inside, and the middle not: an area with a bay.
    bay = [[17.0, 48.0], [17.2, 48.0], [17.2, 48.2], [17.15, 48.2], [17.15, 48.05], [17.05, 48.05], [17.05, 48.2], [17.0, 48.2], [17.0, 48.0]]  # fmt: skip  # noqa: E501
    city = trusting(met)
    season(city, **by_sender(met, area={"type": "Polygon", "coordinates": [bay]}))
    where = cap.Area(description="Bay", polygons=(square(48.1, 17.1, 0.08),))
    city.ask("POST", "/cap", cap.sign(over(where, "bay"), *met))
    assert warned(city) == ["proposed"]


def test_an_approval_of_a_sender_is_for_the_certificate_that_two_people_have_seen(met: Any) -> None:
    other = a_sender("other agency")
    city = a_city(cap_trusted=[one[1].public_bytes(Encoding.PEM).decode() for one in (met, other)])
    for wrong in (
        {"signer": ""},
        {"signer": "12"},
        {"kind": "frost", "sender": "", "events": []},
        {"signer": "x" * 64},
    ):
        with pytest.raises(Refusal) as fault:
            city.act("allow", by="person:ada", **SUP, **{**SEASON, **by_sender(met), **wrong})
        assert fault.value.where == "signer"
    colons = ":".join(met[1].fingerprint(hashes.SHA256()).hex().upper()[n : n + 2] for n in range(0, 64, 2))
    season(city, **by_sender(met, signer=colons))
    assert city.view("approvals")["approvals"][0]["signer"] == by_sender(met)["signer"]
    city.ask("POST", "/cap", cap.sign(told("w1"), *other))
    assert warned(city) == ["proposed"], "whoever signs may say any sender"
    city.ask("POST", "/cap", cap.sign(told("w2"), *met))
    assert warned(city) == ["proposed", "sent"]
    # One of before this was asked for has no certificate, and covers nothing.
    (one,) = city.find("StandingApproval")
    del one.doc["signer"]
    city = trusting(met)
    city.say(one)
    city.ask("POST", "/cap", cap.sign(told("w3"), *met))
    assert warned(city) == ["proposed"]


def test_an_apps_alert_at_the_rim_is_proposed_unless_the_approval_says_how_far() -> None:
    rim = {"type": "Point", "coordinates": [17.01, 48.1]}
    for more, states in (({}, ["proposed"]), ({"radius_m": 5_000}, ["sent"])):
        city = town("frost")
        season(city, **more)
        alarm(city, 1, location=rim)
        assert warned(city) == states
        assert city.find("Warning")[0]["circles"][0]["radius_m"] == 5_000
        alarm(city, 2)
        assert warned(city) == sorted([*states, "sent"]), "what lies well inside goes out"


def test_an_alert_of_the_past_is_no_warning_and_one_that_still_holds_is() -> None:
    city = town("frost")
    season(city)
    alarm(city, 1, validTo="2026-04-01T17:59:59Z")
    assert city.find("Alert")
    assert warned(city) == []
    alarm(city, 2, validTo="2026-04-02T06:00:00Z")
    alarm(city, 3, validTo="nonsense")
    assert warned(city) == ["sent", "sent"]


def test_nobody_approves_where_nobody_can_say_who_proposed() -> None:
    city = town("frost")
    alarm(city)
    (one,) = city.find("Warning")
    city.act("propose", one.id, app="warnings", by="person:ada")
    city.say(entity("Warning", one.id, proposal=77))
    for who in ("person:ada", "person:bo"):
        with pytest.raises(Conflict, match="who proposed"):
            city.act("approve", one.id, app="warnings", by=who)
    city.say(entity("Warning", one.id, proposal=0))
    with pytest.raises(Conflict, match="who proposed"):
        city.act("approve", one.id, app="warnings", by="person:bo")
    assert warned(city) == ["proposed"]
    (made,) = city.act("allow", app="warnings", by="person:ada", **SUP, **SEASON)
    city.say(entity("StandingApproval", made.entity.id, proposedBy=""))
    with pytest.raises(Forbidden):
        city.act("agree", made.entity.id, app="warnings", by="person:ada", **SUP)


def test_a_sender_with_a_standing_approval_is_republished_but_never_an_order(met: Any) -> None:
    city = trusting(met)
    season(city, **by_sender(met))
    city.ask("POST", "/cap", cap.sign(told(), *met))
    assert warned(city) == ["sent"]
    for n, how in enumerate(({"response": ("Evacuate",)}, {"severity": "Extreme"}, {"event": "Forest fire"})):
        city.ask("POST", "/cap", cap.sign(told(f"grave-{n}", **how), *met))
    assert warned(city) == ["proposed", "proposed", "proposed", "sent"]


def test_what_is_sent_is_a_signed_cap_message_that_others_can_check_and_a_feed_lists_it() -> None:
    city = a_city()
    grower(city)
    ident = sent(city, status="Exercise")
    city.turn(seconds=2)
    new = follow(city, "update", ident, severity="Severe")
    pem = city.ask("GET", "/cap/certificate.pem").body
    now = datetime(2026, 4, 1, 18, 1, tzinfo=UTC)
    for one in (ident, new):
        body = city.ask("GET", f"/cap/{city.get(one)['identifier']}.xml").body
        got = cap.read(body, now=now, trusted=[x509.load_pem_x509_certificate(pem)], signature="required", strict=True)
        assert got.alert.status == "Exercise"
        assert {info.language[:2] for info in got.alert.infos} == {"en", "fr", "es", "ar", "ja"}
        assert got.alert.msg_type == city.get(one)["msgType"]
    assert [one.identifier for one in got.alert.references] == [city.get(ident)["identifier"]]
    feed = city.ask("GET", "/cap/feed.atom")
    assert f"/cap/{city.get(new)['identifier']}.xml".encode() in feed.body
    assert f"/cap/{city.get(ident)['identifier']}.xml".encode() not in feed.body, "what was updated is not in force"
    headers = {
        name.decode().lower() if isinstance(name, bytes) else name.lower(): value
        for name, value in dict(feed.headers).items()
    }
    tag = headers["etag"]
    seen = city.ask("GET", "/cap/feed.atom", headers={"if-none-match": tag.decode() if isinstance(tag, bytes) else tag})
    assert (seen.status, seen.body) == (304, b"")
    assert city.ask("GET", "/cap/certificate.pem").body == pem


def test_what_was_not_sent_to_everybody_is_in_no_feed() -> None:
    city = a_city()
    draft = next(
        one.entity for one in city.act("draft", template="frost", values={"place": "x", "low": 1, "until": "y"}, **AREA)
    )
    inner = sent(city, scope="Restricted", severity="Minor")
    assert city.get(inner).label is None
    for one in (draft, city.get(inner)):
        with pytest.raises(NotFound):
            city.ask("GET", f"/cap/{one['identifier']}.xml")
    for nonsense in ("x", "../../etc/passwd.xml", "%00.xml", "A" * 3_000):
        with pytest.raises(NotFound):
            city.ask("GET", f"/cap/{nonsense}")
    assert b"<entry>" not in city.ask("GET", "/cap/feed.atom").body
    assert city.view("current", by="")["warnings"] == []


def test_of_messages_at_once_each_is_counted_for_it_stands_on_the_approval_that_it_read(met: Any) -> None:
    city = trusting(met)
    ident = season(city, **by_sender(met, perNight=1))
    asking = AskedCity(city.acts, app, app_sight("warnings"), NOBODY.who)
    found = standing.brought(
        asking,
        city.clock.now(),
        "Minor",
        VALLEY,
        sender="met@example.org",
        signer=by_sender(met)["signer"],
        event="frost",
    )
    assert found is not None
    assert asking.read[ident] is not None, "whoever commits second is asked anew"
    for n in range(3):
        city.ask("POST", "/cap", cap.sign(told(f"n-{n}"), *met))
    assert warned(city) == ["proposed", "proposed", "sent"]


@pytest.mark.parametrize("scope", ["Restricted", "Private"])
def test_what_is_not_for_everybody_never_becomes_public(met: Any, scope: str) -> None:
    city = trusting(met)
    season(city, **by_sender(met))
    how: dict[str, Any] = {"addresses": ("chief@example.org",)} if scope == "Private" else {"restriction": "dispatch"}
    city.ask("POST", "/cap", cap.sign(replace(told("inner"), scope=scope, **how), *met))
    (one,) = city.find("Warning")
    assert (one["state"], one["capScope"], one["cameScope"], one.label) == ("proposed", "Restricted", scope, None)
    city.act("return", one.id, by="person:ada", reason="look")
    with pytest.raises(Refusal, match="not for everybody"):
        city.act("edit", one.id, by="person:ada", scope="Public")
    city.act("propose", one.id, by="person:ada")
    city.act("approve", one.id, by="person:bo")
    one = city.get(one.id)
    assert (one["state"], one.label) == ("sent", None)
    assert city.view("current", by="")["warnings"] == []
    with pytest.raises(Refusal, match="not for everybody"):
        city.act("update", one.id, by="person:ada", scope="Public")


def parts(said: cap.Alert, *more: dict[str, Any]) -> cap.Alert:
    """The message with its info in these ways."""
    return replace(said, infos=tuple(replace(said.infos[0], **one) for one in more))


def test_a_senders_approval_is_for_the_events_it_names_and_no_word_of_a_language_makes_one(met: Any) -> None:
    for wrong in ({"events": []}, {"events": ["flood"]}, {"events": ["other"]}, {"events": ["evacuation"]}):
        with pytest.raises(Refusal):
            trusting(met).act("allow", by="person:ada", **SUP, **{**SEASON, **by_sender(met), **wrong})
    with pytest.raises(Refusal):
        trusting(met).act("allow", by="person:ada", **SUP, **{**SEASON, "events": ["frost"]})
    city = trusting(met)
    season(city, **by_sender(met))
    ours = (cap.Named("hansa:event", "frost"),)
    names = ("Flood warning", "Dense smoke", "Incendie: évacuation immédiate", "Heat", "no frost", "Evakuierung")
    odd: list[list[dict[str, Any]]] = [
        *([{"event": one}] for one in names),
        [{"event": "Frost", "categories": ("Met", "Fire")}],
        [{"event": "Flood", "event_codes": ours}],
        [{}, {"event": "Feu", "language": "fr"}],
        [{}, {"language": "fr", "response_types": ("Shelter",)}],
        [{}, {"language": "fr", "severity": "Extreme"}],
        [{"severity": "Unknown"}],
        [{"expires": None}],
        [{}, {"language": "fr", "expires": None}],
    ]
    for n, one in enumerate(odd):
        city.ask("POST", "/cap", cap.sign(parts(told(f"odd-{n}"), *one), *met))
        assert warned(city) == ["proposed"] * (n + 1), one
    good: list[list[dict[str, Any]]] = [
        [{"event": "frost"}],
        [{}, {"event": "Gel", "language": "fr"}],
        [{"event": "霜"}],
        [{"event": "Mráz", "event_codes": ours}],
    ]
    for n, one in enumerate(good):
        city.ask("POST", "/cap", cap.sign(parts(told(f"good-{n}"), *one), *met))
        assert warned(city).count("sent") == n + 1, one


def test_what_was_sent_a_day_ago_is_looked_at(met: Any) -> None:
    city = trusting(met)
    season(city, **by_sender(met))
    for n, hours in enumerate((25, 8)):
        at = datetime(2026, 4, 1, 18, tzinfo=UTC) - timedelta(hours=hours)
        ends = datetime(2026, 4, 1, 22, tzinfo=UTC)
        city.ask("POST", "/cap", cap.sign(parts(told(f"old-{n}", sent=at), {"expires": ends}), *met))
    assert warned(city) == ["proposed", "sent"]


@pytest.mark.parametrize("kind", ["Update", "Cancel"])
def test_what_follows_nothing_that_is_known_is_no_new_warning(met: Any, kind: str) -> None:
    city = trusting(met)
    season(city, **by_sender(met))
    first = told("never-came", sent=datetime(2026, 4, 1, 17, 50, tzinfo=UTC))
    city.ask("POST", "/cap", cap.sign(told("n", msg_type=kind, references=(first.key,)), *met))
    (one,) = city.find("Warning")
    assert (one["state"], one["msgType"], one.get("follows")) == ("proposed", kind, None)
    assert one["references"][0]["identifier"] == "never-came"
    assert one["texts"]["en"]["title"].startswith(kind[:6])
    grower(city)
    city.act("propose", one.id, by="person:ada")
    city.act("approve", one.id, by="person:bo")
    assert len(mail(city, purpose="warning")) == (1 if kind == "Update" else 0)
    assert city.ask("GET", "/cap/feed.atom").status == 200
    assert city.ask("GET", f"/cap/{one['identifier']}.xml").status == 200
