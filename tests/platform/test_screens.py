"""What was on screen: kept where a city says so, for so long, sealed, and gone when it is to go."""

import pytest

from hansa.errors import BadRequest, TooMany
from hansa.limits import Limits
from hansa.platform.screens import FILE, Screen, Screens, named

KEY = bytes(range(32))
DAY_S = 86_400


class Wall:
    def __init__(self):
        self.at = 1_800_000_000.0

    def __call__(self):
        return self.at


@pytest.fixture
def wall():
    return Wall()


def opened(folder, wall, days=30, **caps):
    return Screens(folder / FILE, KEY, days, Limits(**caps), wall)


def noted(screens, at, page="alarms", by="person:anna", realm="open", url="/alarms", selected="", session="s1"):
    screens.note(realm, at, by, session, page, url, selected)


def test_a_city_that_does_not_say_so_keeps_nothing_and_begins_no_file(tmp_path, wall):
    screens = opened(tmp_path, wall, days=0)
    with pytest.raises(BadRequest, match="does not keep"):
        noted(screens, 1)
    assert screens.seen("open", 0, 100, 10) == []
    assert not (tmp_path / FILE).exists()


def test_a_note_holds_until_the_next_of_its_session(tmp_path, wall):
    screens = opened(tmp_path, wall)
    noted(screens, 10)
    noted(screens, 20, page="map", url="/map?sel=x", selected="x")
    noted(screens, 20, page="map", url="/map?sel=x", selected="x")
    noted(screens, 30, by="person:bo")
    assert [(one.at, one.by, one.page) for one in screens.seen("open", 0, 100, 10)] == [
        (10, "person:anna", "alarms"), (20, "person:anna", "map"), (30, "person:bo", "alarms"),
    ]  # fmt: skip
    assert [(one.at, one.page) for one in screens.seen("open", 15, 18, 10)] == [(10, "alarms")]
    assert [one.by for one in screens.seen("open", 0, 100, 10, by="person:bo")] == ["person:bo"]
    assert screens.seen("security", 0, 100, 10) == []
    noted(screens, 40, page="", url="")
    assert [one.by for one in screens.seen("open", 50, 60, 10)] == ["person:bo"]
    screens.close()


def test_what_is_older_than_is_kept_is_gone_from_the_file_too(tmp_path, wall):
    screens = opened(tmp_path, wall)
    noted(screens, 10)
    wall.at += 20 * DAY_S
    noted(screens, 20, page="map")
    wall.at += 11 * DAY_S
    assert [one.page for one in screens.seen("open", 0, 100, 10)] == ["map"]
    screens.close()
    screens = opened(tmp_path, wall, days=0)
    assert screens.seen("open", 0, 100, 10) == []
    screens.close()


def test_it_is_sealed_and_outlives_a_restart(tmp_path, wall):
    screens = opened(tmp_path, wall)
    noted(screens, 10, url="/alarms?sel=urn:x:secret-safe")
    screens.close()
    assert b"secret-safe" not in (tmp_path / FILE).read_bytes()
    screens = opened(tmp_path, wall)
    assert [one.url for one in screens.seen("open", 0, 100, 10)] == ["/alarms?sel=urn:x:secret-safe"]
    screens.close()


@pytest.mark.parametrize(
    "said",
    [
        {"url": "https://evil.example"},
        {"url": "//evil.example"},
        {"page": "x" * 3_000},
        {"selected": "a\0b"},
        {"page": 7},
    ],
)
def test_what_is_no_note_is_refused(tmp_path, wall, said):
    screens = opened(tmp_path, wall)
    with pytest.raises(BadRequest):
        noted(screens, 1, **said)
    assert screens.seen("open", 0, 100, 10) == []
    screens.close()


def test_a_screen_that_flickers_is_slowed_down_and_nobody_elses(tmp_path, wall):
    screens = opened(tmp_path, wall, screens_rate=3.0)
    for n in range(3):
        noted(screens, n, url=f"/{n}")
    with pytest.raises(TooMany):
        noted(screens, 9, url="/9")
    noted(screens, 9, by="person:bo")
    wall.at += 61
    noted(screens, 9, url="/9")
    screens.close()


def test_no_more_is_answered_than_may_be(tmp_path, wall):
    screens = opened(tmp_path, wall)
    for n in range(9):
        noted(screens, n, url=f"/{n}")
    assert len(screens.seen("open", 0, 100, 4)) == 4
    screens.close()


@pytest.mark.parametrize(
    ("url", "selected", "names"),
    [
        ("/map", "", set()),
        ("/map?at=2026-11-22T18:00:00Z&area=17.0,48.0,17.2,48.2&show=alarms", "", set()),
        ("/alarms?sel=urn%3Ax%3Aa,gate-1", "", {"urn:x:a", "gate-1"}),
        ("/alarms?show=urn:x:b#sel=urn:x:c", "urn:x:d urn:x:e", {"urn:x:b", "urn:x:c", "urn:x:d", "urn:x:e"}),
        ("/incident/urn%3Ax%3Af/log", "", {"urn:x:f"}),
    ],
)
def test_what_a_note_names_is_found_wherever_it_stands(url, selected, names):
    assert named(Screen(0, "person:ada", "s", "p", url, selected)) == names
