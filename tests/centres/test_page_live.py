"""The page in a real browser, over a city that is told what to say.

The served city itself is watched in `tests/browser/test_page.py`; here is what a real city cannot be made to say on
purpose: hostile names, lost streams, resets, a history with holes.
"""

import json

from told_city import NOW, alert, iso, option, station, text, until

HOSTILE = "<img src=x onerror=window.hit=1><script>window.hit=1</script>"


def test_a_reading_arrives_on_the_map_without_reloading(look, city):
    page = look()
    until(page, "4.0 °C", option(0))
    city.tell(station(0, celsius=-7.7, age_min=0))
    until(page, "−7.7 °C, 0 s ago", option(0))


def test_an_alarm_appears_is_said_aloud_and_leads_to_its_station(look, city):
    page = look()
    until(page, "0 open", "#desk-sum")
    assert "Alarm" not in text(page, option(2))
    city.tell(alert(2))
    until(page, "1 open", "#desk-sum")
    until(page, "New alarm, high: Frost, Orchard 2", "#alarm-aloud")
    until(page, "Alarm", option(2))
    page.click("#alarms .go")
    until(page, "Orchard 2", "#panel h2")
    assert "sel=urn:ngsi-ld:WeatherObserved:o2" in page.url
    city.tell(alert(2, status="closed", validTo=iso(NOW)))
    until(page, "0 open", "#desk-sum")
    until(page, "1 alarm closed", "#desk-more")


def test_the_map_is_drawn_with_webgl_where_there_is_any_and_without_where_there_is_none(look):
    assert look("").evaluate("document.querySelector('#map').dataset.ground") in {"gl", "plain"}
    assert look("?plain=1").evaluate("document.querySelector('#map').dataset.ground") == "plain"


def test_a_lost_stream_is_taken_up_again_without_a_gap_and_without_asking_for_the_state(look, city):
    page = look()
    city.tell(station(1, celsius=1.1))
    until(page, "1.1 °C", option(1))
    seen, asked = city.seq, len([one for one in city.asked if "/entities" in one])
    city.deaf = True
    city.hang_up()
    until(page, "No live connection", "#fresh")
    city.tell(station(1, celsius=-1.1))
    city.tell(station(2), gone=True)
    city.deaf = False
    until(page, "−1.1 °C", option(1))
    page.wait_for_selector(option(2), state="detached")
    assert any(one.endswith(f"/live?since={seen}") for one in city.asked)
    assert len([one for one in city.asked if "/entities" in one]) == asked


def test_a_change_that_is_told_twice_or_out_of_the_past_changes_nothing(look, city):
    page = look()
    old = {"seq": 1, "id": station(0)["id"], "type": ["WeatherObserved"], "gone": True, "changed": []}
    city.send(f"id: 1\nevent: change\ndata: {json.dumps(old)}\n\n")
    city.send("event: change\ndata: {not json\n\n")
    city.tell(station(1, celsius=2.2))
    until(page, "2.2 °C", option(1))
    assert page.query_selector(option(0)) is not None


def test_a_reset_reads_the_city_anew_and_drops_what_is_gone(look, city):
    page = look()
    until(page, "6 stations", "#fresh")
    del city.entities[station(5)["id"]]
    city.put(station(0, celsius=-3.3))
    city.send("event: reset\ndata: {}\n\n")
    until(page, "5 stations", "#fresh")
    until(page, "−3.3 °C", option(0))


def test_changes_that_come_while_the_city_is_being_read_are_not_lost(look, city):
    def late(kinds):
        if "WeatherObserved" in kinds and not city.log:
            city.tell(station(3, celsius=-9.9))  # the answer was made before, the page gets it after

    city.after_reading = late
    page = look()
    until(page, "−9.9 °C", option(3))


def test_nothing_that_the_city_says_is_run_or_read_as_markup(look, city):
    odd = station(7, name=HOSTILE, type=f"{HOSTILE}Observed", id=f"urn:ngsi-ld:Odd:{HOSTILE}", note=HOSTILE)
    odd["temperature"]["unitCode"] = HOSTILE
    odd[HOSTILE] = odd.pop("dewPoint")
    bad = alert(7, description=HOSTILE, evidence={HOSTILE: HOSTILE, "deep": {"er": HOSTILE}}, subCategory=HOSTILE)
    bad["alertSource"]["object"] = odd["id"]
    city.put(odd, bad)
    page = look()
    page.keyboard.press("j")
    until(page, HOSTILE, "#panel h2")
    until(page, HOSTILE, "#panel .figures")
    until(page, HOSTILE, "#panel .plot-head")
    page.click("#panel .about summary")
    page.click("#alarms .evidence summary")
    until(page, HOSTILE, "#alarms .text")
    until(page, HOSTILE, "#alarms .evidence")
    page.keyboard.press("/")
    page.keyboard.type("img")
    until(page, HOSTILE, "#found")
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    page.keyboard.press("l")
    until(page, HOSTILE, ".list tbody")
    assert page.evaluate("window.hit") is None
    assert page.query_selector("main img, header img, main script") is None


def test_the_whole_page_can_be_worked_by_keyboard(look, city):
    city.put(alert(1, "medium"), alert(3, "high"))
    page = look()
    until(page, "2 open", "#desk-sum")
    page.keyboard.press("j")
    until(page, "Orchard 3", "#panel h2")
    page.keyboard.press("j")
    until(page, "Orchard 1", "#panel h2")
    page.keyboard.press("k")
    until(page, "Orchard 3", "#panel h2")
    page.keyboard.press("Escape")
    page.wait_for_selector("#panel", state="hidden")
    page.keyboard.press("/")
    page.keyboard.type("rchard 5")
    page.keyboard.press("Enter")
    until(page, "Orchard 5", "#panel h2")
    page.keyboard.press("m")
    page.keyboard.press("ArrowLeft")
    until(page, "Orchard 2", "#panel h2")  # the next on the same height, not the nearest of all
    page.keyboard.press("3")
    assert "win=7d" in page.url
    page.keyboard.press("l")
    page.wait_for_selector(".list tbody tr")
    assert "view=list" in page.url
    page.keyboard.press("?")
    assert page.is_visible("dialog#keys")
    page.keyboard.press("Escape")
    assert not page.is_visible("dialog#keys")
    page.keyboard.press("t")
    assert page.evaluate("document.documentElement.dataset.theme") == "light"
    assert page.evaluate("localStorage.getItem('hansa.theme')") == "light"


def test_back_works_and_a_link_shows_what_one_saw(look, city):
    page = look("?plain=1&sel=urn:ngsi-ld:WeatherObserved:o4&win=6h&attr=dewPoint")
    until(page, "Orchard 4", "#panel h2")
    until(page, "Dew point", "#panel .plot-head")
    assert text(page, "#panel .spans [aria-pressed=true]") == "6 h"
    page.keyboard.press("Escape")
    page.keyboard.press("l")
    page.wait_for_selector(".list tbody tr")
    page.go_back()
    page.wait_for_function("() => document.body.dataset.view === 'map'")
    page.go_back()
    until(page, "Orchard 4", "#panel h2")


def test_a_link_to_a_station_that_is_gone_says_so(look):
    page = look("?plain=1&sel=urn:ngsi-ld:WeatherObserved:nobody")
    until(page, "not here", "#panel")


def test_the_chart_shows_holes_and_hands_out_its_data(look, city):
    page = look("?plain=1&sel=urn:ngsi-ld:WeatherObserved:o1&table=1")
    until(page, "usually every 10 min", "#panel .note")
    assert "missing" in text(page, "#panel .legend")
    assert "stale" not in text(page, "#panel .legend")
    assert page.evaluate("document.querySelector('.table-box tbody').rows.length") == 132
    with page.expect_download() as taken:
        page.click("#panel .links button")
    lines = taken.value.path().read_text().splitlines()
    assert lines[0] == "observedAt,id,temperature,unitCode"
    assert len(lines) == 133
    assert lines[-1] == "2026-04-12T20:57:00.000Z,urn:ngsi-ld:WeatherObserved:o1,5,CEL"
    assert "attrs=temperature" in page.get_attribute("#panel .links a", "href")


def test_a_station_that_once_spoke_more_seldom_was_not_missing_then(look):
    page = look()
    hour, minute = 3_600_000, 60_000
    seldom = [[n * hour, 1] for n in range(12)]
    often = [[11 * hour + n * 10 * minute, 1] for n in range(1, 12)]
    found = page.evaluate(
        """async ([seldom, often, base]) => {
            const { gaps } = await import(`${base}chart.js`);
            const cases = [[...seldom, ...often], [...seldom.slice(0, 4), ...seldom.slice(8)], often.slice(0, 2), []];
            return cases.map((all) => gaps(all).length);
        }""",
        [seldom, often, page.get_attribute("script[type=module]", "src").removesuffix("page.js")],
    )
    assert found == [0, 1, 0, 0]


def test_a_reading_that_arrives_goes_onto_the_open_chart(look, city):
    page = look("?plain=1&sel=urn:ngsi-ld:WeatherObserved:o1")
    until(page, "132 readings", "#panel .note")
    city.tell(station(1, celsius=3.3, age_min=0))
    until(page, "133 readings", "#panel .note")
    until(page, "3.3 °C", "#panel .readout")


def test_the_record_of_the_frost_forecasts_counts_this_stations_nights(look, city):
    def night(day, said, came=None, *, warned):
        entity = {
            "id": f"urn:ngsi-ld:WeatherForecast:frost-o1-2026-04-{day:02}",
            "type": "WeatherForecast",
            "refStation": {"object": "urn:ngsi-ld:WeatherObserved:o1"},
            "night": f"2026-04-{day:02}",
            "temperatureMin": {"value": said, "unitCode": "CEL"},
            "sd": 1.0,
            "baseline": {"value": said + 2, "unitCode": "CEL"},
            "warned": warned,
            "validFrom": f"2026-04-{day:02}T19:00:00Z",
            "validTo": f"2026-04-{day + 1:02}T07:00:00Z",
        }
        return entity if came is None else entity | {"outcome": {"value": came, "unitCode": "CEL"}}

    city.put(
        night(7, -1.0, -2.0, warned=True),
        night(8, 1.0, -1.0, warned=False),
        night(9, 0.0, 1.0, warned=True),
        night(10, 5.0, 5.0, warned=False),
        night(11, 3.0, -4.0, warned=False) | {"counted": False},
        night(12, -1.5, warned=True),
    )
    page = look("?plain=1&sel=urn:ngsi-ld:WeatherObserved:o1")
    until(page, "4 nights so far", "#panel .skill")
    record = " ".join(text(page, "#panel .record").split())
    assert record == "mean error1.0 °Cpersistence2.5 °Chits1missed1false alarms1"
    assert "−1.5 °C ± 1.0" in text(page, "#panel .tonight")
    assert page.evaluate("document.querySelectorAll('.strip g').length") == 4


def test_a_station_that_falls_silent_turns_stale_by_itself(look, city):
    city.put(station(0, age_min=200), station(1, age_min=3000))
    page = look()
    until(page, "1 stale, 1 missing", "#fresh")
    until(page, "Stale", option(0))
    until(page, "Missing", option(1))


def test_types_and_attributes_can_be_chosen(look, city):
    city.put(
        {
            "id": "urn:ngsi-ld:WaterObserved:w",
            "type": "WaterObserved",
            "location": {"type": "Point", "coordinates": [11.02, 46.41]},
            "level": {"value": 1.5, "unitCode": "MTR", "observedAt": iso(NOW)},
        }
    )
    page = look()
    until(page, "7 stations", "#fresh")
    page.click("#types summary")
    page.uncheck("#types input[value=WeatherObserved]")
    until(page, "1 station", "#fresh")
    assert "types=WaterObserved" in page.url
    page.go_back()
    until(page, "7 stations", "#fresh")
    page.select_option("#show", "dewPoint")
    until(page, "Dew point 0.0 °C", option(0))


def test_an_empty_city_says_what_to_do_next(look, city):
    city.entities.clear()
    page = look()
    until(page, "No station yet", "#map-said")
    until(page, "hansa device add", "#map-said")
    city.tell(station(1))
    page.wait_for_selector("#map-said", state="hidden")


def test_a_city_that_cannot_be_read_says_why_and_comes_back_when_asked(look, city):
    city.fault = "the disk is gone"
    page = look(ready=False)
    until(page, "The disk is gone", "#map-said")
    until(page, "Ask the operator", "#map-said")
    city.fault = None
    page.click("#map-said button")
    until(page, "6 stations", "#fresh")
