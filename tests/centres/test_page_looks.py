"""How the page looks and feels: at every width, in light and dark, by hand and by ear."""

from told_city import NOW, alert, station, until

from hansa import clock
from hansa.centres import stations
from looks import nameless, outside, small, weak

BAR = "header :is(button, input, select, summary, time), #panel h2, #panel .knob"

SAID = """async ([values, ages, here, grave, now, base]) => {
  const words = await import(`${base}words.js`);
  const { station, state } = await import(`${base}station.js`);
  const made = (one) => station(one) ?? { newest: null };
  const after = { stale: 5400e3, missing: 86400e3 };
  return [
    ["°C", "µg/m³"].map((unit) => values.map((value) => words.figure(value, unit))),
    ages.map((s) => words.age(now - s * 1000, now).replace("\\u00a0", " ")),
    here.map((one) => grave.map((alerts) => state(made(one), alerts, now, after))),
  ];
}
"""


def test_nothing_sticks_out_at_any_width(look, city):
    city.put(alert(1))
    page = look("?plain=1&sel=urn:ngsi-ld:WeatherObserved:o1")
    until(page, "Orchard 1", "#panel h2")
    page.evaluate("document.querySelector('.brand b').textContent = 'Orlava valley and all of its orchards'")
    sizes = [(320, 640), (390, 844), (768, 1024), (861, 700), (1000, 700), (1121, 800), (1361, 800), (2560, 1440)]
    for width, height in sizes:
        page.set_viewport_size({"width": width, "height": height})
        for view in ("map", "list", "alarms"):
            page.evaluate("view => document.querySelector(`button[data-view=${view}]`).click()", view)
            wide = page.evaluate("document.documentElement.scrollWidth")
            assert (width, view, wide, outside(page, BAR)) == (width, view, width, [])


def test_the_page_turns_round_for_languages_that_are_written_from_right_to_left(look, city):
    page = look()
    page.evaluate("document.documentElement.dir = 'rtl'")
    desk, map_ = page.locator("#desk").bounding_box(), page.locator("#map").bounding_box()
    assert desk["x"] < map_["x"]
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_text_stands_out_from_its_ground_in_light_and_dark(look, city):
    city.put(alert(1), alert(2, "critical"), alert(3, "medium"), station(4, age_min=200))
    page = look("?plain=1&sel=urn:ngsi-ld:WeatherObserved:o1")
    until(page, "3 open", "#desk-sum")
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        assert (scheme, weak(page, "header *, #panel *, #desk *")) == (scheme, [])


def test_every_control_has_a_name_and_is_large_enough_to_hit(look, city):
    city.put(alert(1))
    page = look("?plain=1&sel=urn:ngsi-ld:WeatherObserved:o1")
    until(page, "Orchard 1", "#panel h2")
    assert nameless(page) == []
    assert small(page) == []


def test_scripts_and_server_call_the_same_figures_ages_and_states_the_same(look, city):
    page = look()
    values = [0.0, -0.04, 0.113, 1.5, -1.25, 2.0, 17.94, 99.96, 1013.2, -273.15, 1e20]
    ages_s = [0, 59, 119, 120, 7_199, 7_200, 172_799, 172_800, 10_000_000]
    here = [station(0), station(1, age_min=200), station(2, age_min=3000), {"id": "a", "type": "WeatherObserved"}]
    grave = [[], [alert(0)], [alert(0, "medium")], [alert(0, subCategory="silence")]]
    now = clock.micros(NOW)
    theirs = page.evaluate(
        SAID,
        [
            values,
            ages_s,
            here,
            grave,
            now // 1000,
            page.get_attribute("script[type=module]", "src").removesuffix("page.js"),
        ],
    )
    ours = [
        [[stations.figure(v, unit) for v in values] for unit in ("°C", "µg/m³")],
        [stations.age(now - s * clock.SECOND, now) for s in ages_s],
        [[stations.state(one, alerts, now, 5_400, 86_400) for alerts in grave] for one in here],
    ]
    assert theirs == ours
