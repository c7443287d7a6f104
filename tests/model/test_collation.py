"""The order of texts, compared with ICU's own (through DuckDB, which brings it along)."""

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hansa.errors import BadRequest, NotSupported
from hansa.model.collation import collation

_LATIN = "abcdefghijklmnopqrstuvwxyzABCXYZéèêëÉáàâåÅäÄöÖøØłŁñçßæÆ0123456789 -_.,;:!?'()&%#@/+=*αβΩάбяЁ"
_WORDS = st.text(alphabet=_LATIN, min_size=1, max_size=6)
_LETTERS = {
    "cs": "abchčdghirřsštyzžCHČ",
    "de": "aäoöuüsßzZÄ",
    "es": "nñoÑmz",
    "et": "sšzžtuvwõäöüxy",
    "hu": "acsdzgylnóöőtyuüűz",
    "is": "aádðeéoóuúyýzþæö",
    "lt": "ccčiyjsšzž",
    "lv": "cčgģiykķlļnņsšzž",
    "pl": "aącćeęlłnńoósśzźżŁ",
    "ro": "aăâiîsștț",
    "sk": "aäcčhchoôrsšzž",
    "sl": "cčćdđsšzž",
    "sv": "aåäyüzöøxÅÄÖ",
}


@pytest.fixture(scope="module")
def icu():
    base = duckdb.connect()
    yield lambda text, tag: base.execute("SELECT icu_sort_key(?, ?)", [text, tag]).fetchone()[0]
    base.close()


def agree(icu, tag, known, one, other):
    mine = collation(tag)
    theirs = icu(one, known), icu(other, known)
    if theirs[0] < theirs[1]:
        assert mine.key(one) < mine.key(other), (tag, one, other)
    elif theirs[0] > theirs[1]:
        assert mine.key(one) > mine.key(other), (tag, one, other)


@settings(max_examples=400, deadline=None)
@given(one=_WORDS, other=_WORDS)
def test_the_root_order_is_that_of_icu(icu, one, other):
    agree(icu, "und", "root", one, other)


@settings(max_examples=400, deadline=None)
@given(data=st.data(), tag=st.sampled_from(sorted(_LETTERS)))
def test_languages_stand_as_icu_has_them(icu, data, tag):
    words = st.text(alphabet=_LETTERS[tag], min_size=1, max_size=4)
    agree(icu, tag, tag, data.draw(words), data.draw(words))


@pytest.mark.parametrize("tag", ["cs", "sk"])
def test_two_signs_that_are_one_letter_are_one_in_every_case(icu, tag):
    forms = ["h", "ch", "cH", "Ch", "CH", "i"]
    assert sorted(set(forms), key=lambda one: icu(one, tag)) == forms
    assert in_order(tag, " ".join(reversed(forms))) == " ".join(forms)


def in_order(tag, text):
    return " ".join(sorted(text.split(), key=collation(tag).key))


def test_accents_stand_with_their_letters_and_small_before_great():
    assert in_order("und", "b A á a B z Z Ähre Zebra") == "a A á Ähre b B z Z Zebra"
    assert in_order("und-x-icu", "b á a") == in_order("root", "b á a") == "a á b"


def test_a_tag_says_how_fine_a_difference_counts():
    assert in_order("de-u-co-phonebk", "af ä ad az") == "ad ä af az"
    assert in_order("de", "af ä ad az") == "ä ad af az"
    assert in_order("und-u-kn", "a10 a9 a09 a1") == "a1 a9 a09 a10"
    assert in_order("und", "a10 a9 a1") == "a1 a10 a9"
    assert in_order("und-u-kf-upper", "a A b B") == "A a B b"
    key = collation("und-u-ks-level1").key
    assert key("Résumé") == key("resume") != key("resumes")
    key = collation("und-u-ks-level2").key
    assert key("Role") == key("role") != key("rôle")
    assert collation("und").key("a\u0301") == collation("und").key("\u00e1")


def test_a_tag_beyond_the_order_of_texts_says_nothing():
    assert collation("de-DE-1996-u-ca-gregory").key("ä") == collation("de").key("ä")
    assert collation("DE").key("ä") == collation("de").key("ä")


@pytest.mark.parametrize(
    "tag", ["", "!!nope", "de-", "d", "not a bcp47 tag!!", "de-u-", "x" * 200, "de_DE", "de-u-co_x"]
)
def test_what_is_no_tag_is_refused(tag):
    with pytest.raises(BadRequest) as caught:
        collation(tag)
    assert caught.value.status == 400
    assert caught.value.where == "collation"


@pytest.mark.parametrize("tag", ["zh", "ja", "de-u-co-eor", "sv-u-co-phonebk", "und-u-ka-shifted", "und-u-ks-level9"])
def test_an_order_that_is_not_known_here_is_refused_rather_than_guessed(tag):
    with pytest.raises(NotSupported):
        collation(tag)


@given(st.text(max_size=20))
def test_every_text_has_its_place(text):
    assert collation("und").key(text) <= collation("und").key(text + "a")
    for tag in ("cs-u-kn", "hu-u-kf-upper"):
        collation(tag).key(text)
