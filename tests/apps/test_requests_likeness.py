"""The same thing reported twice is found; how well is said on labelled pairs that the finder has never seen."""

import pytest

from hansa.apps.requests import likeness
from requests_pairs import HELD_OUT, TRAINING, baseline, found, judged, pairs


def test_on_towns_it_has_never_seen_the_finder_beats_the_same_service_within_50_m() -> None:
    told = judged(HELD_OUT[:2])
    precision, recall, f1 = told["finder"]
    plain_precision, plain_recall, plain_f1 = told["baseline"]
    assert precision >= 0.85 > plain_precision
    assert recall >= 0.75 > plain_recall
    assert f1 > plain_f1 + 0.1


def test_the_towns_that_judge_are_not_those_that_taught() -> None:
    assert not set(TRAINING) & set(HELD_OUT)


def test_the_pairs_hold_hard_ones_of_both_kinds() -> None:
    listed = list(pairs(HELD_OUT[:1]))
    assert any(same and one.compared["service"] != other.compared["service"] for one, other, same in listed)
    assert any(not same and baseline(one, other) for one, other, same in listed)
    assert any(
        same and not baseline(one, other) and found(one, other) >= likeness.LIKELY for one, other, same in listed
    )


def about(**said: object) -> dict[str, object]:
    told = {"point": (16.0, 48.0), "service": "pothole", "at": 0, "text": likeness.grams("deep hole in the road")}
    return told | {"language": "en", "answers": {}} | said


@pytest.mark.parametrize(
    "less",
    [
        {"point": (16.002, 48.0)},
        {"service": "tree"},
        {"at": 20 * likeness.DAY},
        {"text": likeness.grams("somebody left a sofa")},
    ],
)
def test_what_speaks_against_it_lowers_the_score(less: dict[str, object]) -> None:
    same = likeness.score(likeness.features(about(), about(), same_group=True))
    assert likeness.score(likeness.features(about(), about(**less), same_group=False)) < same


def test_another_number_on_the_pole_speaks_against_it_and_the_same_for_it() -> None:
    scores = [
        likeness.score(likeness.features(about(answers={"pole": "17"}), about(answers=given), same_group=True))
        for given in ({"pole": "17"}, {}, {"pole": "18"})
    ]
    assert scores == sorted(scores, reverse=True)


def test_words_of_different_languages_say_nothing() -> None:
    other = about(text=likeness.grams("trou profond dans la chaussée"), language="fr")
    assert likeness.features(about(), other, same_group=True)["words"] == 0.0


def test_words_are_alike_in_any_script_and_with_errors() -> None:
    assert likeness.alike(likeness.grams("街灯が消えています"), likeness.grams("街灯が消えている")) > 0.5
    assert likeness.alike(likeness.grams("Éclairage éteint"), likeness.grams("eclairage eteint")) == 1.0
    assert likeness.alike(likeness.grams(""), likeness.grams("")) == 0.0
    assert likeness.alike(likeness.grams("lamp dark"), likeness.grams("sofa left")) < 0.2
