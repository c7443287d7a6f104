"""Who is warned: people who subscribe and are asked first, lists of staff, and what stops an address."""

import json
import re
from typing import Any

import pytest
from test_warnings import a_city, deliver, drafted, follow, grower, mail, sent

from hansa import Act, Conflict, Forbidden, NotFound, Refusal, entity
from hansa.analytics.acts import AskedCity, Visit
from hansa.apps.warnings import app, people
from hansa.testing import MemoryCity
from hansa.trust.labels import NOBODY, app_sight

PLACE = {"name": "Home", "lon": 17.1, "lat": 48.1, "radius_m": 1_000}
WISH: dict[str, Any] = {"language": "ja", "places": [PLACE], "channels": [{"kind": "email", "to": "yui@example.org"}]}


def subscribed(city: MemoryCity, **more: Any) -> str:
    city.turn(seconds=1)
    changes = city.act("subscribe", by="", **{**WISH, **more})
    return next(one.entity.id for one in changes if one.entity.type == "Recipient")


def token(city: MemoryCity, text: str) -> str:
    made: str = city.acts.capabilities.token("warnings", text)
    return made


def tap(city: MemoryCity, delivery: str) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(city.ask("POST", f"/w/{token(city, delivery)}").body)
    return told


def typed(city: MemoryCity, recipient: str, code: str) -> int:
    door = f"/w/code/{recipient.rsplit(':', 1)[-1]}"
    status: int = city.ask("POST", door, json.dumps({"code": code}).encode()).status
    return status


def texted(city: MemoryCity, text: str, number: str = "+421901234567") -> None:
    """Somebody answers by text message."""
    city.turn(seconds=1)
    city.say(entity("SmsReply", f"r{city.clock.now()}", **{"from": number, "text": text, "receivedAt": "x"}))


PHONE = [{"kind": "sms", "to": "+421901234567"}]
SEA = [{"name": "sea", "lon": -30.0, "lat": 0.0, "radius_m": 100}]


def test_nothing_goes_to_an_address_before_its_owner_has_said_yes() -> None:
    city = a_city()
    ident = subscribed(city)
    assert city.get(ident)["status"] == "pending"
    (asked,) = mail(city)
    assert (asked["purpose"], asked["status"], asked["language"]) == ("verify", "waiting", "ja")
    sent(city)
    assert mail(city, purpose="warning") == []
    told = city.view("told", {"token": token(city, asked.id)}, by="")
    assert (told["kind"], told["state"]) == ("verify", "open")
    assert city.get(ident)["status"] == "pending", "looking is no yes"
    assert tap(city, asked.id)["state"] == "confirmed"
    assert city.get(ident)["status"] == "active"
    sent(city, severity="Severe")
    assert [one["language"] for one in mail(city, purpose="warning")] == ["ja"]


def test_a_code_is_as_good_as_the_link_and_five_wrong_ones_end_it() -> None:
    city = a_city()
    ident = subscribed(city)
    code = mail(city)[0]["code"]
    assert re.fullmatch(r"\d{6}", code)
    assert code in mail(city)[0]["texts"]["ja"]["body"]
    door = f"/w/code/{ident.rsplit(':', 1)[-1]}"
    wrong = json.dumps({"code": f"{(int(code) + 1) % 1_000_000:06d}"}).encode()
    assert city.ask("POST", door, wrong).status == 400
    assert city.ask("POST", door, json.dumps({"code": code}).encode()).status == 200
    assert city.get(ident)["status"] == "active"
    other = subscribed(city, channels=[{"kind": "sms", "to": "+421 901 234 567"}])
    door = f"/w/code/{other.rsplit(':', 1)[-1]}"
    for _ in range(5):
        assert city.ask("POST", door, b'{"code": "000000"}').status == 400
    right = json.dumps({"code": mail(city, recipient=other)[0]["code"]}).encode()
    assert b"too many" in city.ask("POST", door, right).body
    assert city.get(other)["status"] == "pending"
    for body in (b"", b"[]", b'{"code": 5}', b'{"code": "\xff"}', b"{" * 100):
        with pytest.raises(Refusal):
            city.ask("POST", door, body)


def test_an_address_is_of_one_subscription_and_strangers_fill_nobodys_mail() -> None:
    city = a_city()
    first = subscribed(city)
    tap(city, mail(city)[0].id)
    second = subscribed(city, language="fr")
    assert city.get(first)["status"] == "active", "an address that is known is not touched before its owner answers"
    tap(city, mail(city, recipient=second)[0].id)
    # He may have said yes to a stranger: what he had goes on, and what is the same is told once.
    assert [city.get(one)["status"] for one in (first, second)] == ["active", "active"]
    sent(city)
    assert {one["recipient"]: one["status"] for one in mail(city, purpose="warning")} == {first: "waiting"}
    # Who types the code where he asked for it has the address, and asked: the one takes the place of the other.
    third = subscribed(city, language="es")
    typed(city, third, mail(city, recipient=third)[0]["code"])
    assert [city.get(one)["status"] for one in (first, second, third)] == ["unsubscribed", "unsubscribed", "active"]
    assert "yui" not in json.dumps([city.get(one).doc for one in (first, second)])
    sent(city, severity="Severe")
    assert [one["recipient"] for one in mail(city, purpose="warning", rank=1)] == [third], "and is no human's work"
    for _ in range(6):
        subscribed(city)
    assert len(mail(city, purpose="verify")) == people.ASKS
    for _ in range(people.VISITS):
        try:
            subscribed(city)
        except Conflict:
            break
    else:
        pytest.fail("one visitor subscribes without end")


def test_a_link_changes_and_ends_a_subscription_and_a_forged_one_nothing() -> None:
    city = a_city()
    ident = subscribed(city)
    tap(city, mail(city)[0].id)
    manage = city.view("told", {"token": token(city, mail(city)[0].id)}, by="")["manage"]
    told = city.view("subscription", {"token": manage}, by="")
    assert told["channels"] == [{"n": 0, "kind": "email", "to": "y…@example.org", "verified": True, "stopped": ""}]
    city.act("change", by="", token=manage, hazards=["flood"], quiet={"from": "22:00", "until": "06:00"})
    city.act("change", by="", token=manage, channels=[{"kind": "sms", "to": "+421901234567"}, {"n": 0}])
    one = city.get(ident)
    assert [it["verified"] for it in one["channels"]] == [False, True]
    assert len(mail(city, purpose="verify")) == 2
    for forged in (manage[:-1], manage + "A", "A" * 40, "", token(city, "urn:ngsi-ld:Warning:x")):
        with pytest.raises(NotFound):
            city.act("change", by="", token=forged, language="en")
        with pytest.raises(NotFound):
            city.act("unsubscribe", by="", token=forged)
    city.act("unsubscribe", by="", token=manage)
    city.act("unsubscribe", by="", token=manage)
    one = city.get(ident)
    assert (one["status"], one["channels"], one["addresses"], one["places"]) == ("unsubscribed", [], [], [])
    assert "yui" not in json.dumps(one.doc)
    with pytest.raises(Refusal, match="wants no warnings"):
        grower(city, "Yui")


def test_who_is_signed_in_needs_no_link_for_his_own_and_gets_at_no_other() -> None:
    city = a_city()
    changes = city.act("subscribe", by="person:rita", roles=("resident",), **WISH)
    ident = next(one.entity.id for one in changes if one.entity.type == "Recipient")
    assert city.get(ident).label == "personal;subject=person:rita"
    city.act("change", ident, by="person:rita", roles=("resident",), language="es")
    assert city.get(ident)["language"] == "es"
    for verb in ("change", "unsubscribe"):
        with pytest.raises(Forbidden):
            city.act(verb, ident, by="person:eve", roles=("resident",))
        with pytest.raises(NotFound):
            city.act(verb, ident, by="")
    assert len(city.view("mine", by="person:rita")["subscriptions"]) == 1
    assert city.view("mine", by="person:eve")["subscriptions"] == []


def test_the_button_of_the_mail_program_ends_mail() -> None:
    city = a_city()
    ident = subscribed(city)
    tap(city, mail(city)[0].id)
    one_click = token(city, f"unsubscribe {ident}")
    assert city.view("told", {"token": one_click}, by="")["manage"] == one_click
    told = city.ask("POST", f"/w/{one_click}", b"List-Unsubscribe=One-Click")
    assert json.loads(told.body)["state"] == "unsubscribed"
    assert city.get(ident)["status"] == "unsubscribed"
    assert city.ask("POST", f"/w/{one_click}", b"").status == 200


@pytest.mark.parametrize(
    "wrong",
    [
        {"channels": []},
        {"channels": [{"kind": "email", "to": "a@b\r\nBcc: c@d.org"}]},
        {"channels": [{"kind": "email", "to": "no address"}]},
        {"channels": [{"kind": "sms", "to": "12"}]},
        {"channels": [{"kind": "webhook", "to": "https://x.example"}]},
        {"channels": [{"kind": "push", "to": {"endpoint": "file:///etc/passwd"}}]},
        {"channels": [{"kind": "push", "to": {"endpoint": "http://127.0.0.1.evil.example/", "keys": {}}}]},
        {"channels": [{"kind": "email", "to": "a@example.org", "verified": True}]},
        {"channels": [{"kind": "email", "to": f"a{n}@example.org"} for n in range(9)]},
        {"places": [{"lon": 200, "lat": 0}]},
        {"places": [PLACE] * 11},
        {"hazards": ["meteor"]},
        {"quiet": {"from": "22:00", "until": "22:00"}},
        {"quiet": {"from": "25:00", "until": "06:00"}},
        {"language": "de"},
        {"name": "a\x00b"},
        {"groups": ["staff"]},
    ],
)
def test_what_is_no_subscription_is_refused(wrong: dict[str, Any]) -> None:
    city = a_city()
    with pytest.raises(Refusal):
        subscribed(city, **wrong)
    assert city.find("Recipient") == []


def test_a_list_is_imported_whole_or_not_at_all_and_twice_is_once() -> None:
    city = a_city()
    head = "name,language,place,lon,lat,radius_m,email,sms,groups,contact,contact_phone,quiet_from,quiet_until\n"
    good = head + "Vera,fr,Orchard,17.1,48.1,500,vera@example.org,+421901234567,growers,Jan,+421905000000,22:00,06:00\n"
    for _ in range(2):
        city.act("import", by="person:sup", roles=("supervisor",), csv=good)
    (one,) = city.find("Recipient")
    assert (one["name"], one["language"], [it["kind"] for it in one["channels"]]) == ("Vera", "fr", ["email", "sms"])
    assert one["contact"] == {"name": "Jan", "phone": "+421905000000"}
    bad = good + "Wim,en,,x,48,1,wim@example.org,,,,,,\nXi,en,,,,,nonsense,,,,,,\n"
    with pytest.raises(Refusal, match=r"line 3: .*line 4: "):
        city.act("import", by="person:sup", roles=("supervisor",), csv=bad)
    assert len(city.find("Recipient")) == 1
    for nonsense in ("", "a,b\n1,2\n", "name\n", '"', head + "x" * 500_000):
        with pytest.raises(Refusal):
            city.act("import", by="person:sup", roles=("supervisor",), csv=nonsense)


def test_a_dead_address_is_not_used_again_and_the_next_channel_is() -> None:
    city = a_city()
    ident = grower(city, channels=[{"kind": "email", "to": "v@example.org"}, {"kind": "sms", "to": "+421901234567"}])
    sent(city)
    (one,) = mail(city)
    deliver(city, one.id, "failed", "failed", "bounced: 550 no such user")
    one = city.get(one.id)
    assert (one["status"], one["channel"]["kind"], one["step"], one["again"]) == ("waiting", "sms", 1, False)
    assert city.get(ident)["channels"][0]["stopped"] == "bounced"
    sent(city, severity="Severe")
    assert mail(city)[-1]["channel"]["kind"] == "sms" or mail(city)[0]["channel"]["kind"] == "sms"


def test_a_reply_by_text_message_confirms_the_newest_and_stop_ends_that_number() -> None:
    city = a_city()
    ident = grower(city, channels=[{"kind": "sms", "to": "+421901234567"}])
    sent(city)
    city.turn(seconds=2)
    sent(city, severity="Severe")
    for one in mail(city):
        deliver(city, one.id, "handed")

    def reply(text: str, n: int) -> None:
        city.say(entity("SmsReply", f"r{n}", **{"from": "00421901234567", "text": text, "receivedAt": "x"}))

    newest = max(mail(city), key=lambda one: str(one["made"])).id
    reply("who is this?", 1)
    assert "confirmedAt" not in city.get(newest)
    assert city.get(newest)["confirmations"][0]["unread"] is True
    reply("OK.", 2)
    assert (city.get(newest)["status"], city.get(newest)["confirmedHow"]) == ("confirmed", "sms")
    assert sum(one["status"] == "confirmed" for one in mail(city)) == 1
    reply("1", 3)
    assert sum(one["status"] == "confirmed" for one in mail(city)) == 2
    reply("STOP", 4)
    assert city.get(ident)["channels"][0]["stopped"] == "unsubscribed"
    assert city.find("SmsReply") == []
    city.say(entity("SmsReply", "r9", **{"from": "'; drop", "text": "1", "receivedAt": "x"}))
    assert city.find("SmsReply") == []


def test_a_confirmation_counts_once_late_ones_are_noted_and_forged_ones_refused() -> None:
    city = a_city()
    grower(city)
    ident = sent(city)
    (one,) = mail(city)
    deliver(city, one.id, "handed")
    assert tap(city, one.id)["already"] is False
    assert tap(city, one.id)["already"] is True
    assert city.get(one.id)["status"] == "confirmed"
    assert len(city.get(one.id)["confirmations"]) == 2
    good = token(city, one.id)
    for forged in (good[:-2], good[1:], token(city, ident), "x", "A" * 3_000):
        with pytest.raises(NotFound):
            city.ask("POST", f"/w/{forged}")
        with pytest.raises(NotFound):
            city.view("told", {"token": forged}, by="")
    page = city.ask("POST", f"/w/{good}", headers={"accept": "text/html"})
    assert page.status == 303
    assert b"/en/w/" in b"".join(value for name, value in page.headers if name.lower() == b"location")
    grower(city, "Late")
    new = follow(city, "update", ident, severity="Severe")
    (late,) = [it for it in mail(city, warning=new) if it["recipient"] != one["recipient"]]
    follow(city, "cancel", new, reason="over")
    assert city.get(late.id)["status"] == "ended"
    tap(city, late.id)
    assert city.get(late.id)["status"] == "ended"
    assert city.get(late.id)["confirmations"][0]["late"] is True


def test_a_draft_is_no_bodys_business_but_the_staffs() -> None:
    city = a_city()
    ident = drafted(city)
    assert city.view("current", by="")["warnings"] == []
    with pytest.raises(NotFound):
        city.view("warning", {"id": ident}, by="")
    with pytest.raises(Exception, match="who are you"):
        city.view("list", by="")


def test_who_never_answers_is_forgotten_with_his_address() -> None:
    city = a_city()
    stays = subscribed(city)
    tap(city, mail(city)[0].id)
    subscribed(city, channels=[{"kind": "email", "to": "ghost@example.org"}])
    city.clock.turn(city.clock.now() + 3 * 86_400 * 1_000_000)
    city.turn(seconds=1)
    assert [one.id for one in city.find("Recipient")] == [stays]
    assert "ghost" not in "".join(str(one.doc) for one in city.find("Delivery"))


def test_a_telephone_stands_on_the_list_at_once_and_who_is_not_at_home_is_told_otherwise() -> None:
    city = a_city()
    grower(city, channels=[{"kind": "phone", "to": "+421901234567"}, {"kind": "email", "to": "v@example.org"}])
    ident = sent(city)
    (one,) = mail(city)
    deliver(city, one.id, "handed", why="waits for a human")
    assert city.view("tree", {"id": ident})["total"] == 1
    city.act("unreached", one.id, by="person:dan", note="nobody at home")
    assert (city.get(one.id)["channel"]["kind"], city.get(one.id)["status"]) == ("email", "waiting")
    with pytest.raises(Conflict):
        city.act("unreached", one.id, by="person:dan")
    with pytest.raises(Forbidden):
        city.act("reached", one.id, by="person:rita", roles=("resident",))


def test_deliveries_of_long_ago_are_forgotten_and_those_of_last_week_not() -> None:
    city = a_city(keep_days=30)
    grower(city)
    sent(city)
    (old,) = mail(city)
    city.clock.turn(city.clock.now() + 29 * 86_400 * 1_000_000)
    sent(city, severity="Severe")
    city.clock.turn(city.clock.now() + 2 * 86_400 * 1_000_000)
    city.turn(seconds=1)
    assert old.id not in {one.id for one in mail(city)}
    assert len(mail(city)) == 1


def test_who_has_subscribed_himself_is_passed_over_by_a_list() -> None:
    city = a_city()
    ident = subscribed(city)
    tap(city, mail(city)[0].id)
    said = "name,email\nYui,yui@example.org\nVera,vera@example.org\n"
    city.act("import", by="person:sup", roles=("supervisor",), csv=said)
    assert len(city.find("Recipient")) == 2
    assert city.get(ident)["language"] == "ja"


def test_what_is_on_its_way_to_somebody_who_ends_it_ends_too_and_is_no_humans_work() -> None:
    city = a_city()
    ident = subscribed(city)
    tap(city, mail(city)[0].id)
    sent(city)
    (one,) = mail(city, purpose="warning")
    assert one["status"] == "waiting"
    city.act("unsubscribe", by="", token=token(city, ident))
    assert (city.get(one.id)["status"], city.get(one.id)["why"]) == ("ended", "unsubscribed")
    assert city.view("tree")["total"] == 0


def test_a_yes_by_text_message_never_gives_a_number_to_whoever_asked_for_it() -> None:
    city = a_city()
    vera = grower(city, channels=PHONE)
    sent(city)
    (one,) = mail(city, purpose="warning")
    deliver(city, one.id, "handed")
    stranger = subscribed(city, channels=PHONE, places=SEA)
    (asked,) = mail(city, purpose="verify")
    deliver(city, asked.id, "handed")
    city.act("link", by="", kind="sms", to="+421901234567")
    (link,) = mail(city, purpose="link")
    deliver(city, link.id, "handed")
    for text in ("OK", "1", "yes"):
        texted(city, text)
    assert (city.get(one.id)["status"], city.get(one.id)["confirmedHow"]) == ("confirmed", "sms")
    assert len(city.get(one.id)["confirmations"]) == 3
    assert ["confirmedAt" in city.get(it.id) for it in (asked, link)] == [False, False]
    assert (city.get(stranger)["status"], city.get(vera)["channels"][0].get("stopped")) == ("pending", None)
    alone = a_city()
    subscribed(alone, channels=PHONE, places=SEA)
    deliver(alone, mail(alone)[0].id, "handed")
    texted(alone, "OK")
    assert alone.find("Recipient")[0]["status"] == "pending", "also where nothing else is open"


def test_a_yes_means_the_open_one_a_warning_before_a_notice() -> None:
    city = a_city()
    grower(city, channels=PHONE, person="person:vera")
    sent(city)
    city.turn(seconds=5)
    to = {"to": ["person:vera"], "message": "Come to the hall", "status": "written"}
    city.say(entity("Notice", "n1", **to))
    for one in mail(city):
        deliver(city, one.id, "handed")
    texted(city, "1")
    assert {one["purpose"]: one["status"] for one in mail(city)} == {"warning": "confirmed", "notice": "handed"}
    texted(city, "1")
    assert {one["purpose"]: one["status"] for one in mail(city)} == {"warning": "confirmed", "notice": "confirmed"}


def test_the_code_as_a_text_from_the_number_it_was_sent_to_verifies_and_guessing_ends() -> None:
    city = a_city()
    ident = subscribed(city, channels=PHONE)
    (asked,) = mail(city)
    deliver(city, asked.id, "handed")
    texted(city, asked["code"], "+421900000000")
    assert city.get(ident)["status"] == "pending", "from another number"
    wrong = f"{(int(asked['code']) + 1) % 1_000_000:06d}"
    texted(city, wrong)
    assert city.get(asked.id)["tries"] == 1
    texted(city, asked["code"])
    assert (city.get(ident)["status"], city.get(asked.id)["confirmedHow"]) == ("active", "sms")
    other = a_city()
    late = subscribed(other, channels=PHONE)
    (asked,) = mail(other)
    deliver(other, asked.id, "handed")
    wrong = f"{(int(asked['code']) + 1) % 1_000_000:06d}"
    for text in [wrong] * 5 + [asked["code"]]:
        texted(other, text)
    assert (other.get(late)["status"], other.get(asked.id)["tries"]) == ("pending", 5)


def test_what_staff_entered_goes_on_beside_a_subscription_and_an_address_is_told_once() -> None:
    city = a_city()
    ways = [*PHONE, {"kind": "email", "to": "vera@example.org"}]
    mine = subscribed(city, channels=PHONE, places=[PLACE])
    tap(city, mail(city)[0].id)
    with pytest.raises(Conflict):
        grower(city, channels=ways)
    city = a_city()
    vera = grower(city, channels=ways)
    mine = subscribed(city, channels=PHONE)
    assert typed(city, mine, mail(city)[0]["code"]) == 200
    assert [city.get(one)["status"] for one in (vera, mine)] == ["active", "active"]
    assert city.get(vera)["channels"][0].get("stopped") is None, "staff vouched for it"
    first = sent(city)
    (one,) = mail(city, warning=first)
    assert one["recipient"] == vera
    deliver(city, one.id, "handed")
    # Each message of the chain, too, goes to the address once, and by whom it was told before.
    city.turn(seconds=2)
    city.act("enter", vera, by="person:sup", roles=("supervisor",), name="Vera", channels=ways, places=SEA)
    new = follow(city, "update", first, severity="Severe")
    assert [it["recipient"] for it in mail(city, warning=new)] == [vera]
    (one,) = mail(city, warning=new)
    deliver(city, one.id, "handed")
    end = follow(city, "cancel", new, reason="over")
    assert [it["recipient"] for it in mail(city, warning=end)] == [vera]
    # Where hers concerns another place, what he asked for himself is told.
    other = sent(city, severity="Minor")
    assert [it["recipient"] for it in mail(city, warning=other)] == [mine]


def test_an_address_that_another_subscription_has_told_is_told_again_and_not_as_new() -> None:
    city = a_city()
    both = [{"kind": "email", "to": "vera@example.org"}, *PHONE]
    vera = grower(city, channels=both)
    mine = subscribed(city, channels=PHONE)
    tap(city, mail(city)[0].id)
    ident = sent(city)
    them = {one["recipient"]: one for one in mail(city, warning=ident)}
    assert {name: one["channel"]["kind"] for name, one in them.items()} == {vera: "email", mine: "sms"}
    deliver(city, them[mine].id, "handed")
    deliver(city, them[vera].id, "failed", "failed", "no relay")
    one = city.get(them[vera].id)
    assert (one["channel"]["kind"], one["again"]) == ("sms", True)


def test_limits_hold_for_whoever_asks_at_once_for_each_takes_a_place_that_he_read_was_free() -> None:
    city = a_city()

    def asks(name: str) -> tuple[Act, AskedCity]:
        """What an act reads before any other of the same moment is committed."""
        asking = AskedCity(city.acts, app, app_sight("warnings"), NOBODY.who, Visit("school", "https://x"))
        said = {**WISH, "name": name}
        return Act("", None, said, "", frozenset(), 0, city.clock.now(), visitor="school"), asking

    made = [(asking, list(people.subscribe(act, asking))) for act, asking in map(asks, "abc")]
    assert len({tuple(one.id for one in says) for _, says in made}) == 1, "one of them is committed, the others again"
    assert all(asking.read[one.id] is None for asking, says in made for one in says), "for it stands on what it read"
    for n in range(people.VISITS):
        visit = Visit("school", "https://x")
        city.act("subscribe", by="", visit=visit, **{**WISH, "channels": [{"kind": "email", "to": f"a{n}@x.example"}]})
    with pytest.raises(Conflict, match="too many"):
        city.act("subscribe", by="", visit=Visit("school", "https://x"), **WISH)
    for n in range(people.ASKS + 2):
        city.act("subscribe", by="", visit=Visit(f"v{n}", "https://x"), **WISH)
    key = people.address("email", "yui@example.org", "")["key"]
    assert len(mail(city, address=key)) == people.ASKS


def test_those_who_name_one_address_wait_in_one_line() -> None:
    deeds = {name: app.deeds[name].key for name in ("subscribe", "link")}
    one = {"kind": "email", "to": "a@x.example"}
    assert all(key is not None for key in deeds.values())
    assert people.line({"channels": [one], "name": "a"}) == people.line({"channels": [one], "name": "b"})
    assert people.line(one) == people.line({"channels": [one]}) != people.line({**one, "to": "b@x.example"})
    push = {"kind": "push", "to": {"endpoint": "https://push.example/1"}}
    assert people.line({"channels": [push]})
    for odd in ({}, {"channels": []}, {"channels": 5}, {"channels": [5]}, {"to": 5}, {"channels": [{"to": {}}]}):
        assert people.line(odd) == ""
    with pytest.raises(Refusal, match="twice"):
        subscribed(a_city(), channels=[one, one])


def test_guesses_are_counted_with_the_code_and_nothing_sets_them_back() -> None:
    city = a_city()
    victim = subscribed(city)
    tap(city, mail(city)[0].id)
    mine = subscribed(city, channels=[{"kind": "email", "to": "m@evil.example"}, *WISH["channels"]])
    own, his = (
        next(one for one in mail(city, recipient=mine) if one["channel"]["to"].startswith(name))
        for name in ("m", "yui")
    )
    wrong = next(f"{n:06d}" for n in range(9) if f"{n:06d}" not in {own["code"], his["code"]})
    for _ in range(4):
        assert typed(city, mine, wrong) == 400
    tap(city, own.id)
    assert typed(city, mine, own["code"]) == 400, "what is confirmed is no code any more"
    assert city.get(his.id)["tries"] == 5
    city.act("change", by="", token=token(city, mine), language="fr")
    assert typed(city, mine, his["code"]) == 400
    assert city.get(victim)["status"] == "active"
    assert city.get(victim)["channels"][0].get("stopped") is None
    assert [it["verified"] for it in city.get(mine)["channels"]] == [True, False]
    assert tap(city, his.id)["state"] == "confirmed", "the link that its owner has still holds"


def test_the_code_of_an_address_that_was_taken_out_again_is_none() -> None:
    city = a_city()
    ident = subscribed(city, channels=[{"kind": "email", "to": "a@example.org"}])
    (one,) = mail(city)
    city.act("change", by="", token=token(city, ident), channels=[{"kind": "email", "to": "b@example.org"}])
    assert typed(city, ident, one["code"]) == 400
    with pytest.raises(Conflict, match="over"):
        tap(city, one.id)
    html = city.ask("POST", f"/w/{token(city, one.id)}", headers={"accept": "text/html"})
    assert html.status == 303
    assert b"confirmed" not in b"".join(value for _, value in html.headers)
    assert city.view("told", {"token": token(city, one.id)}, by="")["state"] == "ended"
    assert "confirmedAt" not in city.get(one.id)
    assert city.get(ident)["status"] == "pending"


def test_a_link_of_long_ago_takes_no_address_from_whoever_has_it_now() -> None:
    city = a_city()
    old = subscribed(city)
    (link,) = mail(city)
    tap(city, link.id)
    city.act("change", by="", token=token(city, old), channels=[{"kind": "email", "to": "x@evil.example"}])
    new = subscribed(city)
    typed(city, new, mail(city, recipient=new)[0]["code"])
    before = city.get(old).doc, city.get(new).doc
    assert tap(city, link.id)["already"] is True
    assert (city.get(old).doc, city.get(new).doc) == before
    late = a_city()
    ident = subscribed(late)
    (asked,) = mail(late)
    late.clock.turn(late.clock.now() + 86_401 * 1_000_000)
    with pytest.raises(Conflict, match="over"):
        tap(late, asked.id)
    assert late.get(ident)["status"] == "pending"


def test_a_message_to_a_mistyped_address_opens_nothing_before_it_is_proved() -> None:
    city = a_city()
    ident = subscribed(city)
    tap(city, mail(city)[0].id)
    wanted = [{"n": 0}, {"kind": "email", "to": "typo@example.org"}]
    city.act("change", by="", token=token(city, ident), channels=wanted)
    typo = next(one for one in mail(city) if one["channel"]["to"] == "typo@example.org")
    assert city.view("told", {"token": token(city, typo.id)}, by="")["manage"] is None
    tap(city, typo.id)
    assert city.view("told", {"token": token(city, typo.id)}, by="")["manage"]
    city.act("link", by="", kind="email", to="yui@example.org")
    (link,) = mail(city, purpose="link")
    assert city.view("told", {"token": token(city, link.id)}, by="")["manage"]
    sent(city)
    (told,) = mail(city, purpose="warning")
    assert city.view("told", {"token": token(city, told.id)}, by="")["manage"] is None


def test_a_change_asks_no_more_strangers_a_day_than_a_subscription() -> None:
    city = a_city()
    both = [subscribed(city, channels=[{"kind": "email", "to": f"m{n}@evil.example"}]) for n in range(2)]

    def add(ident: str, n: int, visitor: str) -> None:
        there = [{"n": 0}, *({"kind": "email", "to": f"v{n}-{k}@example.org"} for k in range(4))]
        visit = Visit(visitor, "https://x")
        city.act("change", by="", visit=visit, token=token(city, ident), channels=there)

    for n in range(people.VISITS // 4):
        add(both[0], n, "mallory")
    for ident, visitor in ((both[0], "somebody else"), (both[1], "mallory")):
        with pytest.raises(Conflict, match="too many"):
            add(ident, 99, visitor)
    assert len(mail(city, purpose="verify")) == 2 + people.VISITS
    city.act("change", by="", token=token(city, both[0]), language="fr")
    city.clock.turn(city.clock.now() + 86_400 * 1_000_000)
    add(both[0], 100, "mallory")


def test_one_address_in_many_spellings_is_one() -> None:
    city = a_city()
    spelled = ("victim@example.org", "VICTIM@Example.org", "Victim@example.org", "vIctim@example.org", "viCtim@x.org")
    for one in spelled:
        subscribed(city, channels=[{"kind": "email", "to": one}])
    assert len(mail(city, purpose="verify")) == people.ASKS + 1
    with pytest.raises(Refusal, match="twice"):
        subscribed(city, channels=[{"kind": "email", "to": one} for one in spelled[:2]])
    first = next(one for one in mail(city) if one["channel"]["to"] == spelled[0])
    tap(city, first.id)
    city.act("unsubscribe", by="", token=token(city, first["recipient"]))
    with pytest.raises(Refusal, match="wants no warnings"):
        grower(city, channels=[{"kind": "email", "to": spelled[1]}])


def test_numbers_whole_are_for_those_who_ring_and_lists_for_those_who_vouch() -> None:
    city = a_city()
    vera = grower(city)
    for role in ("auditor", "engineer", "data_officer"):
        with pytest.raises(Forbidden):
            city.view("tree", {}, by="person:x", roles=(role,))
    city.view("tree", {}, by="person:x", roles=("operator",))
    elsewhere = {"name": "Vera", "channels": [{"kind": "email", "to": "evil@example.org"}]}
    with pytest.raises(Forbidden):
        city.act("enter", vera, by="person:eng", roles=("engineer",), **elsewhere)
    with pytest.raises(Forbidden):
        city.act("import", by="person:eng", roles=("engineer",), csv="name,email\nA,a@example.org\n")
    with pytest.raises(Forbidden):
        city.view("recipients", {}, by="person:eng", roles=("engineer",))
