"""What CAP asks beyond its schema: each rule with a message that breaks it, and the one beside it that does not."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import cap_messages as made
import pytest
from hypothesis import given, settings

from hansa.apps.warnings import cap

HOUR = timedelta(hours=1)
NOW = made.NOW
CITED = cap.Reference("warnings@city.example", "frost-0", NOW - HOUR)
OPEN = made.SQUARE[:-1]
BOW = (made.SQUARE[0], made.SQUARE[2], made.SQUARE[1], made.SQUARE[3], made.SQUARE[0])
LINE = tuple(cap.Point(48.0, 17.0 + it) for it in (0.0, 0.1, 0.2, 0.0))
POLE = tuple(cap.Point(70.0, lon) for lon in (-180.0, -90.0, 0.0, 90.0, 179.0, -180.0))


def in_japanese(**said: Any) -> cap.Alert:
    return made.alert(infos=(made.info(), made.info(**({"language": "ja", "event": "霜"} | said))))


REFUSED = [
    (made.alert(identifier="frost 1"), "identifier", "alert/identifier"),
    (made.alert(identifier=""), "empty", "alert/identifier"),
    (made.alert(sender="city,valley"), "identifier", "alert/sender"),
    (made.alert(sender="a<b"), "identifier", "alert/sender"),
    (made.alert(sender="a&b"), "identifier", "alert/sender"),
    (made.alert(sender="a\u00a0b"), "identifier", "alert/sender"),
    (made.alert(identifier="x" * 501), "too-long", "alert/identifier"),
    *(
        (made.alert(msg_type=it), "references-missing", "alert/references")
        for it in ("Update", "Cancel", "Ack", "Error")
    ),
    (made.alert(msg_type="Update", references=(made.alert().key,)), "references-self", "alert/references"),
    (made.alert(references=(replace(CITED, sent=NOW + HOUR),)), "references-late", "alert/references"),
    (made.alert(references=(replace(CITED, identifier="a b"),)), "references-form", "alert/references"),
    (made.alert(scope="Private"), "addresses-missing", "alert/addresses"),
    (made.alert(scope="Restricted", restriction=" "), "restriction-missing", "alert/restriction"),
    (made.with_info(expires=NOW), "time-order", "alert/info[1]/expires"),
    (made.with_info(effective=None, expires=NOW - HOUR), "time-order", "alert/info[1]/expires"),
    (made.with_info(event=" "), "empty", "alert/info[1]/event"),
    (made.with_info(language="a-b"), "language", "alert/info[1]/language"),
    (made.with_area(polygons=(made.SQUARE, OPEN)), "polygon-open", "alert/info[1]/area[1]/polygon[2]"),
    (made.with_area(polygons=(made.SQUARE[:2] + made.SQUARE[:1],)), "polygon-few", "alert/info[1]/area[1]/polygon[1]"),
    (made.with_area(polygons=(LINE,)), "polygon-flat", "alert/info[1]/area[1]/polygon[1]"),
    (made.with_area(polygons=(POLE,)), "polygon-pole", "alert/info[1]/area[1]/polygon[1]"),
    (
        made.with_area(polygons=((cap.Point(91.0, 0.0), *made.SQUARE),)),
        "coordinates",
        "alert/info[1]/area[1]/polygon[1]",
    ),
    (made.with_area(circles=(cap.Circle(48.0, 181.0, 1.0),)), "coordinates", "alert/info[1]/area[1]/circle[1]"),
    (made.with_area(circles=(cap.Circle(48.0, 17.0, -1.0),)), "circle-form", "alert/info[1]/area[1]/circle[1]"),
    (made.with_area(circles=(cap.Circle(48.0, 17.0, 20_017.0),)), "circle-radius", "alert/info[1]/area[1]/circle[1]"),
    (made.with_area(ceiling=10.0), "altitude", "alert/info[1]/area[1]/ceiling"),
    (made.with_area(altitude=11.0, ceiling=10.0), "altitude", "alert/info[1]/area[1]/ceiling"),
    (made.with_info(resources=(cap.Resource(description="a", size=-1),)), "resource-size", "alert/info[1]/resource[1]"),
    (
        made.with_info(resources=(replace(cap.resource("a", "image/png", b"a", embed=True), size=2),)),
        "resource-size",
        "alert/info[1]/resource[1]",
    ),
    (
        made.with_info(resources=(replace(cap.resource("a", "image/png", b"a", embed=True), digest="0" * 40),)),
        "resource-digest",
        "alert/info[1]/resource[1]",
    ),
    (
        made.with_info(resources=(cap.Resource(description="a", deref_uri="no base64!"),)),
        "resource-enclosed",
        "alert/info[1]/resource[1]",
    ),
    (made.alert(infos=(made.info(),) * 101), "too-many", "alert"),
    (made.with_area(polygons=(made.SQUARE * 4_001 + made.SQUARE[:1],)), "too-many", "alert"),
]
TOLD = [
    (made.alert(status="Exercise"), "note-missing", "alert/note"),
    (made.alert(msg_type="Error", references=(CITED,)), "note-missing", "alert/note"),
    (made.alert(infos=()), "info-missing", "alert/info"),
    (made.with_info(areas=()), "area-missing", "alert/info[1]/area"),
    (made.with_info(headline=""), "headline-missing", "alert/info[1]/headline"),
    (made.with_info(expires=None), "expires-missing", "alert/info[1]/expires"),
    (made.with_info(effective=NOW - HOUR), "time-order", "alert/info[1]/effective"),
    (made.with_info(onset=NOW + 13 * HOUR), "time-order", "alert/info[1]/onset"),
    (made.with_info(categories=("Met", "Met")), "twice", "alert/info[1]/category"),
    (made.alert(infos=(made.info(), made.info())), "twice", "alert/info[2]"),
    (made.alert(references=(CITED, CITED)), "twice", "alert/references"),
    (made.with_area(polygons=(made.SQUARE, made.SQUARE)), "twice", "alert/info[1]/area[1]/polygon"),
    (made.with_area(description=""), "empty", "alert/info[1]/area[1]/areaDesc"),
    (made.with_area(polygons=(BOW,)), "polygon-crossing", "alert/info[1]/area[1]/polygon[1]"),
    *(
        (in_japanese(**{it: "Unknown"}), "languages-disagree", "alert/info")
        for it in ("urgency", "severity", "certainty")
    ),
    (in_japanese(categories=("Geo",)), "languages-disagree", "alert/info"),
    (in_japanese(event_codes=(cap.Named("SAME", "FRW"),)), "languages-disagree", "alert/info"),
    (
        made.alert(infos=(made.info(), made.info(event="Ice"), made.info(language="ja"))),
        "languages-disagree",
        "alert/info",
    ),
    (made.with_info(web="javascript:alert(1)"), "uri", "alert/info[1]/web"),
    (made.with_info(web="city.example"), "uri", "alert/info[1]/web"),
    (
        made.with_info(resources=(cap.Resource(description="a", mime_type="png", uri="http://a/"),)),
        "mime-type",
        "alert/info[1]/resource[1]",
    ),
    (made.with_info(resources=(cap.Resource(description="a", uri="a.png"),)), "uri", "alert/info[1]/resource[1]"),
    (
        made.with_info(resources=(cap.Resource(description="a", digest="ab"),)),
        "resource-digest",
        "alert/info[1]/resource[1]",
    ),
]


def test_a_right_message_has_no_fault_at_all() -> None:
    for one in (made.alert(), made.full(), in_japanese(), made.alert(msg_type="Update", references=(CITED,))):
        assert cap.check(one, now=NOW, known={CITED}, strict=True) == ()


@pytest.mark.parametrize(("one", "code", "where"), REFUSED)
def test_what_is_unclear_or_untrue_is_refused_at_its_place(one: cap.Alert, code: str, where: str) -> None:
    assert (code, where) in {(it.code, it.where) for it in cap.check(one) if it.refused}
    with pytest.raises(cap.Refused) as fault:
        cap.write(one)
    assert code in made.codes(fault.value.faults)


@pytest.mark.parametrize(("one", "code", "where"), TOLD)
def test_what_is_odd_is_told_of_others_and_refused_of_ourselves(one: cap.Alert, code: str, where: str) -> None:
    assert (code, where, False) in {(it.code, it.where, it.refused) for it in cap.check(one)}
    assert (code, where, True) in {(it.code, it.where, it.refused) for it in cap.check(one, strict=True)}
    read = cap.read(cap.write(one))
    assert read.alert == one
    assert code in made.codes(read.told)
    with pytest.raises(cap.Refused):
        cap.read(cap.write(one), strict=True)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("48,17 48,18 49,18 48,17 ", ""),
        ("48,17\n48,18\t49,18 48,17", ""),
        ("48, 17 48,18 49,18 48,17", "polygon-form"),
        ("48,17,0 48,18 49,18 48,17", "polygon-form"),
        ("48;17 48;18 49;18 48;17", "polygon-form"),
        ("17.5,148.5 17,149 18,149 17.5,148.5", ""),
        ("148.5,17.5 149,17 149,18 148.5,17.5", "coordinates"),
        ("4e1,17 48,18 49,18 4e1,17", "polygon-form"),
        ("NaN,17 48,18 49,18 NaN,17", "polygon-form"),
        ("", "polygon-form"),
    ],
)
def test_a_polygon_is_pairs_with_the_latitude_first(text: str, code: str) -> None:
    square = " ".join(f"{lat:g},{lon:g}" for lat, lon in made.SQUARE)
    data = made.swap(cap.write(made.alert()), square, text)
    if not code:
        assert len(cap.read(data).alert.infos[0].areas[0].polygons[0]) == 4
        return
    with pytest.raises(cap.Refused) as fault:
        cap.read(data)
    assert [it.code for it in fault.value.faults] == [code]


def test_swapped_coordinates_are_told_so() -> None:
    (fault,) = cap.check(made.with_area(circles=(cap.Circle(148.0, 17.0, 1.0),)))
    assert "latitude first" in fault.why


@pytest.mark.parametrize(
    ("text", "code"), [("48,17 0", ""), ("48,17  2.5 ", ""), ("48,17", "circle-form"), ("48,17 -1", "circle-form")]
)
def test_a_circle_is_a_point_and_a_radius(text: str, code: str) -> None:
    data = made.swap(cap.write(made.with_area(circles=(cap.Circle(1.0, 2.0, 3.0),))), "1,2 3", text)
    try:
        assert cap.read(data).alert.infos[0].areas[0].circles
        told = ""
    except cap.Refused as fault:
        told = fault.faults[0].code
    assert told == code


@pytest.mark.parametrize(
    "text",
    [
        "a,b",
        "a,b,c",
        "a,b,2026-11-22T17:00:00",
        ",b,2026-11-22T17:00:00-00:00",
        "a b",
        "a,b,2026-11-22T17:00:00-00:00,",
    ],
)
def test_references_are_groups_of_three(text: str) -> None:
    data = made.swap(cap.write(made.full()), "warnings@city.example,frost-0,2026-11-22T17:00:00-00:00", text)
    with pytest.raises(cap.Refused) as fault:
        cap.read(data)
    assert [(it.code, it.where) for it in fault.value.faults] == [("references-form", "alert/references")]


def test_a_reference_resolves_by_sender_identifier_and_instant() -> None:
    one = made.alert(msg_type="Update", references=(CITED,))
    assert cap.check(one, known={CITED}) == ()
    for other in (replace(CITED, sender="b"), replace(CITED, identifier="b"), replace(CITED, sent=NOW - 2 * HOUR)):
        (fault,) = cap.check(one, known={other}, strict=True)
        assert (fault.code, fault.refused) == ("references-unknown", False)


def test_quoted_addresses_have_spaces_and_unpaired_quotes_are_refused() -> None:
    data = cap.write(made.alert(scope="Private", addresses=("a@b", "the whole valley")))
    assert b'<addresses>a@b "the whole valley"</addresses>' in data
    for odd in ('a "b', 'a"b', '"a"b', '"'):
        with pytest.raises(cap.Refused) as fault:
            cap.read(made.swap(data, 'a@b "the whole valley"', odd))
        assert [it.code for it in fault.value.faults] == ["addresses-form"]


def test_what_has_expired_or_comes_from_the_future_is_told_on_arrival() -> None:
    data = cap.write(made.alert())
    assert made.codes(cap.read(data, now=NOW + HOUR).told) == set()
    assert made.codes(cap.read(data, now=NOW + 12 * HOUR).told) == {"expired"}
    assert made.codes(cap.read(data, now=NOW - HOUR).told) == {"future"}
    assert made.codes(cap.read(data, now=NOW - timedelta(minutes=4)).told) == set()
    # What we issue ourselves may not have expired before it leaves.
    assert made.refused(cap.check(made.alert(), now=NOW + 12 * HOUR, strict=True)) == {"expired"}
    # The end of a warning is news for as long as anybody may not have heard of it.
    over = cap.cancel(made.alert(), NOW + HOUR, "c")
    assert cap.check(over, now=NOW + 13 * HOUR, strict=True) == ()


def test_an_all_clear_may_end_with_the_moment_it_was_sent_in() -> None:
    one = made.with_info(response_types=("AllClear",), effective=None, expires=NOW)
    assert made.refused(cap.check(one)) == set()
    assert made.refused(cap.check(made.with_info(response_types=("AllClear",), effective=None, expires=NOW - HOUR)))


def test_drafts_and_messages_to_machines_are_told() -> None:
    for status, code in (("Draft", "draft"), ("System", "system")):
        (fault,) = cap.check(made.alert(status=status), strict=True)
        assert (fault.code, fault.refused) == (code, False)


def test_two_times_are_the_same_whatever_their_offset() -> None:
    data = made.swap(cap.write(made.alert()), "18:00:00-00:00", "20:00:00+02:00")
    assert cap.read(data).alert == made.alert()
    assert cap.read(data).alert.sent.utcoffset() == 2 * HOUR
    assert b"20:00:00+02:00" in cap.write(cap.read(data).alert)


@pytest.mark.parametrize(
    ("tag", "allowed"),
    [
        *(
            (it, True)
            for it in (
                "en",
                "en-US",
                "zh-Hant-TW",
                "sl-rozaj-biske-1994",
                "de-CH-1901",
                "es-419",
                "x-whatever",
                "en-x-us",
            )
        ),
        *(
            (it, True)
            for it in ("de-1996", "zh-cmn-Hans-CN", "en-u-ca-gregory", "mn-Cyrl-MN", "qaa-Qaaa-QM-x-southern", "EN-us")
        ),
        *(
            (it, False)
            for it in ("a", "a-DE", "de-419-DE", "en-", "en_US", "de--CH", "x", "ar-a-aaa-b-", "english-language-name")
        ),
        *((it, False) for it in ("", "1a", "en US", "é", "en-a", "en" + "-abcdefgh" * 12)),
    ],
)
def test_language_tags_are_those_of_bcp_47(tag: str, allowed: bool) -> None:
    # Examples of RFC 5646, appendix A, and others.
    assert cap.well_formed(tag) is allowed


def test_every_code_that_is_told_is_explained() -> None:
    seen = {code for _, code, _ in (*REFUSED, *TOLD)}
    assert seen <= set(cap.CODES)
    assert all(cap.CODES.values())


@settings(max_examples=25, deadline=None)
@given(made.alerts())
def test_the_next_message_of_a_chain_is_as_right_as_the_one_before(one: cap.Alert) -> None:
    later = one.sent + HOUR
    over = cap.cancel(one, later, "next")
    assert made.refused(cap.check(over)) == set()
    assert one.key in over.references
    assert cap.read(cap.write(over)).alert == over
