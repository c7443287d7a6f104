"""How the page looks and feels: at every width, in light and dark, by hand and by ear."""

from told_city import NOW, alert, station, until

from hansa import clock
from hansa.centres import stations

OUTSIDE = """() =>
  [...document.querySelectorAll("header :is(button, input, select, summary, time), #panel h2, #panel .knob")]
    .filter((one) => one.checkVisibility())
    .map((one) => [one.id || one.textContent, one.getBoundingClientRect()])
    .filter(([, box]) => box.left < -1 || box.right > innerWidth + 1)
    .map(([name]) => name)
"""

WEAK = """() => {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgba = (colour) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    return canvas.getImageData(0, 0, 1, 1).data;
  };
  const linear = (c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
  const light = ([r, g, b]) => 0.2126 * linear(r / 255) + 0.7152 * linear(g / 255) + 0.0722 * linear(b / 255);
  const ground = (one) => {
    for (let at = one; at; at = at.parentElement) {
      const found = rgba(getComputedStyle(at).backgroundColor);
      if (found[3] === 255) return found;
    }
    return [255, 255, 255];
  };
  const weak = [];
  for (const one of document.querySelectorAll("header *, #panel *, #desk *")) {
    const own = [...one.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
    if (!own || !one.checkVisibility() || one.closest("svg, .uplot, option")) continue;
    const [a, b] = [light(rgba(getComputedStyle(one).color)), light(ground(one))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) weak.push(`${one.className} ${one.textContent.slice(0, 20)} ${ratio.toFixed(2)}`);
  }
  return weak;
}
"""

NAMELESS = """() =>
  [...document.querySelectorAll("button, a, input, select, summary, [tabindex='0'], [role=listbox]")]
    .filter((one) => one.checkVisibility())
    .filter((one) => !(one.getAttribute("aria-label") || one.textContent.trim() || one.labels?.length))
    .map((one) => one.outerHTML.slice(0, 80))
"""

SMALL = """() =>
  [...document.querySelectorAll("button, summary, select, input:not([type=checkbox]), .links a")]
    .filter((one) => one.checkVisibility())
    .map((one) => [one.id || one.className || one.textContent, one.getBoundingClientRect()])
    .filter(([, box]) => box.height < 23.5)
    .map(([name, box]) => `${name} ${box.height}`)
"""

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
            assert (width, view, wide, page.evaluate(OUTSIDE)) == (width, view, width, [])


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
        assert (scheme, page.evaluate(WEAK)) == (scheme, [])


def test_every_control_has_a_name_and_is_large_enough_to_hit(look, city):
    city.put(alert(1))
    page = look("?plain=1&sel=urn:ngsi-ld:WeatherObserved:o1")
    until(page, "Orchard 1", "#panel h2")
    assert page.evaluate(NAMELESS) == []
    assert page.evaluate(SMALL) == []  # WCAG 2.2, 2.5.8: 24 pixels


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
