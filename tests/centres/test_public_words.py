"""The words of the public site: complete in five languages, used, with the right places and plural forms."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hansa import centres
from hansa.centres.catalogue import CATEGORIES, LANGUAGES, best, catalogue, local

HERE = Path(centres.__file__).parent
SOURCES = [
    *HERE.glob("templates/public/*.html"),
    *HERE.glob("static/public/*.js"),
    *HERE.glob("public*.py"),
    *(HERE / name for name in ("phone.py", "catalogue.py")),
]
TEXT = "\n".join(path.read_text() for path in SOURCES)
FIRST = catalogue(LANGUAGES[0]).words
ALWAYS = {"js", "worker", "tongue", "fault.at"}
"""Families that are taken whole."""


def places(said: object) -> set[str]:
    texts = [said] if isinstance(said, str) else list(said.values())  # type: ignore[attr-defined]
    return set(re.findall(r"\{(\w+)\}", " ".join(texts)))


def families() -> set[str]:
    return set(re.findall(r"""code\(\s*["']([a-z-]+)["']""", TEXT)) | ALWAYS


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_message_is_missing_and_none_is_too_many(language):
    assert set(catalogue(language).words) == set(FIRST)


def test_every_message_that_a_page_names_is_there():
    named = set(re.findall(r"""(?<![\w.])(?:t|words\.say|say)\(\s*["']([a-z][a-z0-9.-]*[a-z0-9])["']""", TEXT))
    scripts = "\n".join(path.read_text() for path in HERE.glob("static/public/*.js"))
    scripted = {f"js.{key}" for key in re.findall(r"""\bsay\(["']([a-z.]+)["']""", scripts)}
    asked = {f"worker.{key}" for key in re.findall(r"words\([a-z]+\)\.([a-z]+)", scripts)}
    pages = named - {key.removeprefix("js.") for key in scripted}
    assert len(pages) > 150
    assert (pages | scripted | asked) - set(FIRST) == set()


def test_every_message_is_used_somewhere():
    codes = families()
    quoted = set(re.findall(r"""["']([a-z][A-Za-z0-9.-]+)["']""", TEXT))
    made = re.compile(r"about\.|fault\.(at\.|\w+(\.text)?$)|subscribe\.(done|changed|gone|sent)(\.text)?$")  # of parts
    scripts = {f"js.{one}" for one in quoted}

    def used(key):
        family = key.rpartition(".")[0]
        if key in quoted or key in scripts or (family in codes and family != "js"):
            return True
        return made.match(key) is not None

    assert [key for key in FIRST if not used(key)] == []


@pytest.mark.parametrize("language", LANGUAGES[1:])
def test_a_translation_has_the_places_of_the_first_language(language):
    words = catalogue(language).words
    wrong = {
        key: (places(FIRST[key]), places(said))
        for key, said in words.items()
        # "one person" and "two people" need no figure where the language says them by the word
        if not places(said) <= places(FIRST[key]) or (places(FIRST[key]) - {"n"}) - places(said)
    }
    assert wrong == {}


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_counts_has_every_plural_form_of_its_language_and_says_the_number(language):
    for key, said in catalogue(language).words.items():
        assert isinstance(said, str) == isinstance(FIRST[key], str), key
        if not isinstance(said, str):
            assert set(said) == CATEGORIES[language], key
            assert "{n}" in said["other"], key
            if language != "ar":  # whose dual and singular are words of their own
                few = {form: text for form, text in said.items() if "{n}" not in text}
                assert not few, key


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_text_is_empty_or_has_stray_marks(language):
    for key, said in catalogue(language).words.items():
        for text in [said] if isinstance(said, str) else said.values():
            assert text.strip() == text != "", key
            assert not re.search(r"<|>|&\w+;|\s{2}|TODO", text), key
            assert text.count("{") == text.count("}"), key


def test_a_translation_is_no_copy_of_the_first_language():
    for language in ("ar", "ja"):
        words = catalogue(language).words
        same = [key for key, said in words.items() if said == FIRST[key] and key not in {"subscribe.km", "channel.sms"}]
        assert same == []
    for language in ("fr", "es"):
        words = catalogue(language).words
        same = [key for key, said in words.items() if said == FIRST[key]]
        assert len(same) < 15, same


def test_arabic_runs_from_right_to_left_and_the_others_do_not():
    assert {one: catalogue(one).direction for one in LANGUAGES} == {
        one: "rtl" if one == "ar" else "ltr" for one in LANGUAGES
    }


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", {0: "0 votes", 1: "1 vote", 2: "2 votes", 1234: "1,234 votes"}),
        (
            "fr",
            {
                0: "0 vote",
                1: "1 vote",
                2: "2 votes",
                1234: "1\u202f234 votes",
                1_000_000: "1\u202f000\u202f000 de votes",
            },
        ),
        ("es", {0: "0 votos", 1: "1 voto", 2: "2 votos", 1234: "1234 votos", 12345: "12.345 votos"}),
        (
            "ar",
            {
                0: "لا أصوات",
                1: "صوت واحد",
                2: "صوتان",
                3: "3 أصوات",
                11: "11 صوتًا",
                100: "100 صوت",
                103: "103 أصوات",
                199: "199 صوتًا",
                202: "202 صوت",
            },
        ),
        ("ja", {0: "0票", 1: "1票", 2: "2票"}),
    ],
)
def test_plurals_follow_the_language(language, said):
    words = catalogue(language)
    assert {n: words.say("vote.cast", n=n) for n in said} == said


def test_figures_are_written_as_the_language_writes_them():
    assert [catalogue(one).number(-1234.5, 1) for one in LANGUAGES] == [
        "−1,234.5",
        "−1\u202f234,5",
        "−1234,5",
        "−1,234.5",
        "−1,234.5",
    ]
    assert catalogue("en").number(-0.01, 1) == "0.0"


def test_days_and_times_are_written_as_the_language_writes_them():
    now = datetime(2026, 3, 1, 9, 5, tzinfo=UTC)
    day = datetime(2026, 5, 1, 7, 30, tzinfo=UTC)
    assert [catalogue(one).moment(day, now) for one in LANGUAGES] == [
        "Friday 1 May, 07:30",
        "vendredi 1er mai à 07:30",
        "viernes, 1 de mayo, 07:30",
        "الجمعة 1 مايو، 07:30",
        "5月1日(金) 07:30",
    ]
    assert catalogue("en").moment(now, now) == "today, 09:05"
    assert catalogue("ja").day(day.replace(year=2025), now) == "2025年5月1日"


def test_a_time_that_is_none_breaks_nothing():
    assert [local(one, "Europe/Rome") for one in ("", "soon", "9999-99-99", "2026-01-01T00:00:00+99:99")] == [None] * 4
    assert local("2026-01-01T00:00:00Z", "Nowhere/Land") is None
    found = local("2026-07-01T00:00:00Z", "Europe/Rome")
    assert found is not None
    assert found.hour == 2


@pytest.mark.parametrize(
    ("accepts", "language"),
    [
        ("ja", "ja"),
        ("ja-JP,ja;q=0.9,en;q=0.8", "ja"),
        ("de-DE,de;q=0.9", "en"),
        ("de,ar;q=0.2,fr;q=0.7", "fr"),
        ("fr;q=0,es;q=0.1", "es"),
        ("", "en"),
        ("*", "en"),
        ("fr;q=much,ar", "ar"),
        (",,;q=1," * 99, "en"),
        ("EN-gb", "en"),
    ],
)
def test_a_browser_gets_the_language_that_it_likes_most(accepts, language):
    assert best(accepts) == language


@settings(max_examples=50)
@given(st.text(max_size=300))
def test_whatever_a_browser_says_some_language_is_found(accepts):
    assert best(accepts) in LANGUAGES


@settings(max_examples=50)
@given(
    st.dictionaries(st.sampled_from([*LANGUAGES, "de", ""]), st.one_of(st.text(max_size=20), st.integers(), st.none()))
    | st.text()
    | st.integers()
)
def test_of_what_people_wrote_something_is_chosen_or_nothing(texts):
    text, language = catalogue("fr").chosen(texts)
    if isinstance(texts, dict) and isinstance(texts.get("fr"), str) and texts["fr"]:
        assert (text, language) == (texts["fr"], "fr")
    assert isinstance(text, str)
