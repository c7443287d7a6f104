"""How a page looks and can be used, measured in the browser: contrast, names, sizes, what sticks out."""

from typing import Any

_OUTSIDE = """(what) =>
  [...document.querySelectorAll(what)]
    .filter((one) => one.checkVisibility())
    .map((one) => [one.id || one.textContent, one.getBoundingClientRect()])
    .filter(([, box]) => box.left < -1 || box.right > innerWidth + 1)
    .map(([name]) => name)
"""

_WEAK = """(within) => {
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
  for (const one of document.querySelectorAll(within)) {
    const own = [...one.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
    if (!own || !one.checkVisibility() || one.matches(":disabled") || one.closest("svg, .uplot, option")) continue;
    const [a, b] = [light(rgba(getComputedStyle(one).color)), light(ground(one))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) weak.push(`${one.className} ${one.textContent.slice(0, 20)} ${ratio.toFixed(2)}`);
  }
  return weak;
}
"""

_NAMELESS = """() =>
  [...document.querySelectorAll("button, a, input, select, textarea, summary, [tabindex='0'], [role=listbox]")]
    .filter((one) => one.checkVisibility())
    .filter((one) => !(one.getAttribute("aria-label") || one.textContent.trim() || one.labels?.length))
    .map((one) => one.outerHTML.slice(0, 80))
"""

_SMALL = """() =>
  [...document.querySelectorAll("button, summary, select, input:not([type=checkbox]), .links a")]
    .filter((one) => one.checkVisibility())
    .map((one) => [one.id || one.className || one.textContent, one.getBoundingClientRect()])
    .filter(([, box]) => box.height < 23.5)
    .map(([name, box]) => `${name} ${box.height}`)
"""


def outside(page: Any, what: str) -> list[str]:
    """What of `what` (a selector) lies beyond the sides of the window."""
    return list(page.evaluate(_OUTSIDE, what))


def weak(page: Any, within: str) -> list[str]:
    """Texts that stand out from their ground by less than 4.5 (WCAG 2.2, 1.4.3)."""
    return list(page.evaluate(_WEAK, within))


def nameless(page: Any) -> list[str]:
    """Controls that nobody could call by a name (4.1.2)."""
    return list(page.evaluate(_NAMELESS))


def small(page: Any) -> list[str]:
    """Controls that are lower than 24 pixels (2.5.8)."""
    return list(page.evaluate(_SMALL))
