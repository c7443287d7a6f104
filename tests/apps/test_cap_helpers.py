"""What apps do with messages: chains of them, the best language, a text for an SMS, and the feed of aggregators."""

import unicodedata
from dataclasses import replace
from datetime import timedelta
from typing import Any

import cap_messages as made
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from hansa.apps.warnings import cap

HOUR = timedelta(hours=1)
NOW = made.NOW
FIRST = made.alert()
SECOND = cap.update(FIRST, NOW + HOUR, "frost-2", infos=(made.info(severity="Extreme", effective=None),))
THIRD = cap.update(SECOND, NOW + 2 * HOUR, "frost-3")
END = cap.cancel(THIRD, NOW + 3 * HOUR, "frost-4", note="the wind has turned")
ATOM = "{http://www.w3.org/2005/Atom}"
CAP = "{urn:oasis:names:tc:emergency:cap:1.2}"


def ids(alerts: Any) -> list[str]:
    return [it.identifier for it in alerts]


def test_an_update_takes_the_place_of_all_that_it_cites() -> None:
    assert THIRD.references == (FIRST.key, SECOND.key)
    told = cap.chains([FIRST, SECOND, THIRD])
    assert ids(told.current) == ["frost-3"]
    assert told.superseded_by(FIRST.key) == SECOND.key
    assert told.superseded_by(THIRD.key) is None
    assert ids(told.of(SECOND.key)) == ["frost-1", "frost-2", "frost-3"]
    assert not told.cancelled


def test_a_cancel_ends_the_chain_and_says_so() -> None:
    told = cap.chains([FIRST, SECOND, THIRD, END])
    assert told.current == ()
    assert told.cancelled == {THIRD.key}
    assert told.superseded_by(THIRD.key) == END.key
    assert cap.check(END, strict=True) == ()
    assert (END.note, END.infos[0].event) == ("the wind has turned", "Frost")


@settings(max_examples=30, deadline=None)
@given(st.permutations([FIRST, SECOND, THIRD, END, made.alert(identifier="other")]), st.integers(0, 5))
def test_it_does_not_matter_in_which_order_messages_arrive(order: list[cap.Alert], again: int) -> None:
    told = cap.chains([*order, *order[:again]])
    assert ids(told.current) == ["other"]
    assert ids(told.of(FIRST.key)) == ["frost-1", "frost-2", "frost-3", "frost-4"]
    assert told.conflicts == ()


def test_what_is_cited_and_not_here_is_missing_and_ended_all_the_same() -> None:
    told = cap.chains([THIRD])
    assert told.missing == {FIRST.key, SECOND.key}
    late = cap.chains([THIRD, FIRST])
    assert ids(late.current) == ["frost-3"]


def test_nobody_ends_the_warning_of_another() -> None:
    foreign = replace(END, sender="stranger@example.org")
    told = cap.chains([FIRST, SECOND, THIRD, foreign])
    assert ids(told.current) == ["frost-3"]
    assert told.strangers == (foreign.key,)
    assert ids(told.of(FIRST.key)) == ["frost-1", "frost-2", "frost-3"]
    # An Update by somebody else stands beside the warning, not in its place.
    beside = replace(SECOND, sender="stranger@example.org")
    assert len(cap.chains([FIRST, beside]).current) == 2


def test_no_drill_ends_a_real_warning() -> None:
    drill = replace(END, status="Exercise")
    assert ids(cap.chains([FIRST, SECOND, THIRD, drill]).current) == ["frost-3"]
    draft = replace(END, status="Draft")
    assert ids(cap.chains([FIRST, SECOND, THIRD, draft]).current) == ["frost-3"]


def test_one_key_with_two_contents_is_a_conflict_and_the_first_counts() -> None:
    altered = replace(FIRST, note="something else")
    told = cap.chains([FIRST, FIRST, altered])
    assert told.conflicts == (FIRST.key,)
    assert told.current == (FIRST,)


def test_in_force_is_what_is_current_begun_and_not_over() -> None:
    told = cap.chains(
        [FIRST, made.alert(identifier="s", status="System"), made.alert(identifier="x", status="Exercise")]
    )
    assert ids(told.in_force(NOW)) == ["frost-1", "x"]
    assert told.in_force(NOW - HOUR) == ()
    assert told.in_force(NOW + 12 * HOUR) == ()
    endless = made.with_info(expires=None)
    assert cap.chains([endless]).in_force(NOW + 1_000 * HOUR) == (endless,)


def test_messages_that_cite_each_other_in_a_circle_end() -> None:
    a = made.alert(identifier="a", msg_type="Update", references=(made.alert(identifier="b").key,))
    b = made.alert(identifier="b", msg_type="Update", references=(a.key,))
    told = cap.chains([a, b])
    assert told.current == ()
    assert ids(told.of(a.key)) == ["a", "b"] or ids(told.of(a.key)) == ["b", "a"]


def test_very_many_messages_are_not_looked_at_together() -> None:
    with pytest.raises(cap.Refused) as fault:
        cap.chains(replace(FIRST, identifier=str(number)) for number in range(10_001))
    assert fault.value.faults[0].code == "too-many"


def test_the_next_message_is_sent_after_the_one_before() -> None:
    with pytest.raises(cap.Refused):
        cap.update(FIRST, NOW, "frost-2")
    with pytest.raises(cap.Refused):
        cap.cancel(FIRST, NOW - HOUR, "frost-2")


def test_a_long_chain_cites_its_newest_messages() -> None:
    one = FIRST
    for number in range(150):
        one = cap.update(one, one.sent + timedelta(minutes=1), f"f{number}")
    assert len(one.references) == 100
    assert one.references[-1].identifier == "f148"


def tongues(*languages: str) -> cap.Alert:
    return made.alert(infos=tuple(made.info(language=it) for it in languages))


@pytest.mark.parametrize(
    ("there", "wanted", "found"),
    [
        (("en-US", "fr-CA", "ja"), ("ja",), "ja"),
        (("en-US", "fr-CA", "ja"), ("JA-jp",), "ja"),
        (("en-US", "fr-CA"), ("fr-FR",), "fr-CA"),
        (("en-US", "fr-CA"), ("fr",), "fr-CA"),
        (("en-US", "zh-Hans", "zh-Hant"), ("zh-Hant-TW",), "zh-Hant"),
        (("en-US", "de"), ("es", "de-x-y"), "de"),
        (("en-US", "de"), ("es", "it"), "en-US"),
        (("de", "en-US"), (), "de"),
        (("de", "de-CH"), ("de-CH",), "de-CH"),
    ],
)
def test_the_best_block_is_that_of_the_nearest_language(there: Any, wanted: Any, found: str) -> None:
    info = cap.best(tongues(*there), *wanted)
    assert info is not None
    assert info.language == found


def test_without_any_block_there_is_no_best_one() -> None:
    assert cap.best(made.alert(infos=()), "en") is None


def test_septets_are_those_of_the_default_alphabet() -> None:
    # 3GPP TS 23.038, 6.2.1: the extension table's characters take two.
    assert cap.septets("Frost 20:00") == 11
    assert cap.septets("€[]{}\\~^|") == 18
    assert cap.septets("ÄÖÜäöüßñé@£") == 11
    assert cap.septets("ç") is None  # only the capital is in the alphabet
    assert cap.septets("霜") is None
    assert cap.fits("a" * 160)
    assert not cap.fits("a" * 161)
    assert cap.fits("霜" * 70)
    assert not cap.fits("霜" * 71)
    assert not cap.fits("😀" * 36)


def test_a_short_text_says_what_where_until_when_and_where_to_read_more() -> None:
    link = "https://city.example/w/abc"
    # A headline that names the place needs it no second time.
    assert (
        cap.short(FIRST, link=link) == "Frost tonight in the lower valley - The lower valley until 23.11. 06:00 " + link
    )
    named = made.with_info(headline="Frost in The lower valley", expires=NOW + HOUR)
    assert cap.short(named) == "Frost in The lower valley until 19:00"
    assert cap.short(made.with_info(headline="", areas=(), expires=None)) == "Frost"


def test_what_is_no_new_real_warning_is_said_first() -> None:
    assert cap.short(replace(FIRST, status="Exercise")).startswith("EXERCISE: ")
    assert cap.short(replace(FIRST, status="Test")).startswith("TEST: ")
    assert cap.short(SECOND).startswith("UPDATE: ")
    assert cap.short(replace(END, status="Exercise")).startswith("EXERCISE: CANCELLED: ")
    assert "until" not in cap.short(END)
    japanese = made.with_info(language="ja", event="霜", headline="今夜は霜")
    assert cap.short(replace(japanese, status="Exercise"), "ja").startswith("訓練: 今夜は霜")


@settings(max_examples=30, deadline=None)
@given(
    made.alerts(),
    st.sampled_from(["en", "fr", "es", "ar", "ja", "xx"]),
    st.sampled_from(["", "https://c.example/w/" + "x" * 60]),
)
def test_a_short_text_always_fits_and_hides_nothing(one: cap.Alert, language: str, link: str) -> None:
    told = cap.short(one, language, link)
    assert cap.fits(told)
    assert told or not (one.infos or one.identifier)
    assert not any(unicodedata.category(it) in {"Cc", "Cf"} for it in told)
    assert link not in told or told.endswith(link)
    if one.status == "Exercise" and one.infos:
        assert told.startswith("EXERCISE")


def test_a_long_headline_is_cut_and_the_link_is_not() -> None:
    link = "https://city.example/w/" + "k" * 60
    told = cap.short(made.with_info(headline="Very long words " * 40), link=link)
    assert cap.fits(told)
    assert told.endswith(link)
    assert "..." in told
    arabic = cap.short(
        made.with_info(language="ar", headline="تحذير من الصقيع " * 20), "ar", link="https://c.example/w/1"
    )
    assert cap.fits(arabic)
    assert arabic.endswith("https://c.example/w/1")


def test_control_characters_and_reversed_writing_are_gone() -> None:
    told = cap.short(made.with_info(headline="Frost\r\n\u202etonight\x85 now\u200b", areas=()))
    assert told.startswith("Frost tonight now until")


def the_feed(*alerts: cap.Alert, **said: Any) -> Any:
    entries = [cap.Entry(it, f"https://city.example/cap/{it.identifier}.xml") for it in alerts]
    told: dict[str, Any] = {
        "id": "https://city.example/cap/feed",
        "title": "Warnings of the city",
        "link": "https://city.example/cap/feed.atom",
        "updated": NOW,
        "author": "The city",
    }
    return etree.fromstring(cap.feed(entries, **(told | said)))


def test_the_feed_links_to_each_message_and_repeats_what_an_index_needs() -> None:
    root = the_feed(SECOND, FIRST)
    assert root.tag == f"{ATOM}feed"
    # RFC 4287, 4.1.1: these a feed must have, and an entry.
    assert [len(root.findall(ATOM + it)) for it in ("id", "title", "updated", "author")] == [1, 1, 1, 1]
    assert root.find(f"{ATOM}link").attrib == {
        "rel": "self",
        "type": "application/atom+xml",
        "href": "https://city.example/cap/feed.atom",
    }
    new, old = root.findall(f"{ATOM}entry")
    assert all(len(new.findall(ATOM + it)) == 1 for it in ("id", "title", "updated", "summary", "author"))
    assert new.findtext(f"{ATOM}id") != old.findtext(f"{ATOM}id")
    assert new.findtext(f"{ATOM}updated") == "2026-11-22T19:00:00Z"
    assert new.find(f"{ATOM}link").attrib["type"] == "application/cap+xml"
    assert new.find(f"{ATOM}link").attrib["href"] == "https://city.example/cap/frost-2.xml"
    said = {it.tag.removeprefix(CAP): it.text for it in new if it.tag.startswith(CAP)}
    assert said["identifier"] == "frost-2"
    assert said["references"] == str(FIRST.key)
    assert (said["event"], said["severity"], said["msgType"], said["status"]) == (
        "Frost",
        "Extreme",
        "Update",
        "Actual",
    )
    assert (said["effective"], said["expires"]) == ("2026-11-22T19:00:00-00:00", "2026-11-23T06:00:00-00:00")
    assert said["polygon"] == "48,17 48,17.2 48.2,17.2 48.2,17 48,17"
    assert said["areaDesc"] == "The lower valley"


def test_the_feed_is_in_the_language_asked_for() -> None:
    one = replace(made.full(), scope="Public")
    assert the_feed(one, language="ja").findtext(f".//{ATOM}entry/{ATOM}title") == "今夜は霜"
    assert the_feed(one).findtext(f".//{ATOM}entry/{ATOM}title") == "Frost tonight in the lower valley"
    assert the_feed(one).findtext(f".//{CAP}geocode/{CAP}value") == "SKBTS"
    assert the_feed(one).findtext(f".//{CAP}circle") == "48.1,17.1 2.5"


def test_pages_lead_to_each_other() -> None:
    def rels(page: int) -> dict[str, str]:
        root = the_feed(
            FIRST, page=page, pages=3, page_link=lambda number: f"https://city.example/cap/feed.atom?page={number}"
        )
        return {it.get("rel"): it.get("href")[-1] for it in root.findall(f"{ATOM}link")}

    assert rels(1) == {"self": "m", "first": "1", "next": "2", "last": "3"}
    assert rels(2) == {"self": "m", "first": "1", "previous": "1", "next": "3", "last": "3"}
    assert rels(3) == {"self": "m", "first": "1", "previous": "2", "last": "3"}


def test_what_is_not_for_everybody_is_in_no_feed() -> None:
    for one in (made.full(), made.alert(scope="Private", addresses=("a",)), made.alert(status="Draft")):
        with pytest.raises(cap.Refused) as fault:
            the_feed(one)
        assert fault.value.faults[0].code == "not-public"
    with pytest.raises(cap.Refused):
        the_feed(*[FIRST] * (cap.ENTRIES + 1))
    with pytest.raises(cap.Refused):
        the_feed(FIRST, title="a\x00b")


@settings(max_examples=25, deadline=None)
@given(made.alerts())
def test_every_public_message_makes_an_entry_with_all_that_atom_asks(one: cap.Alert) -> None:
    root = the_feed(replace(one, scope="Public", status="Actual"))
    entry = root.find(f"{ATOM}entry")
    assert all(entry.findtext(ATOM + it) for it in ("id", "title", "updated"))
    assert entry.findtext(f"{CAP}identifier") == one.identifier
