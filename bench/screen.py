"""An operator's screen: when each alarm that begins to ring is seen on it, in a Chromium of its own.

    python -m bench.screen URL SECONDS     prints "up", then a JSON object: [[alarm, milliseconds since 1970], ...]

The page is /alarms as it ships. An alarm is on the screen when its row says "New", one frame after it was drawn.
"""

import json
import os
import shutil
import sys
from typing import Any, Final

ARGS: Final = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync"]
_WATCH: Final = """() => {
  window.seen = [];
  window.long = [];
  const told = new Map();
  const look = () => {
    for (const row of document.querySelectorAll(".alarm-row")) {
      const rings = row.classList.contains("unack");
      if (rings && told.get(row.dataset.id) !== true) {
        const id = row.dataset.id;
        requestAnimationFrame(() => window.seen.push([id, Date.now()]));
      }
      told.set(row.dataset.id, rings);
    }
  };
  new MutationObserver(look).observe(document.getElementById("rows"),
    { subtree: true, childList: true, attributes: true, attributeFilter: ["class"] });
  new PerformanceObserver((list) => { for (const one of list.getEntries()) window.long.push(one.duration); })
    .observe({ type: "longtask" });
}"""


def watch(url: str, seconds: float) -> dict[str, Any]:
    """What was seen, and tasks of the page that took longer than 50 ms."""
    from playwright.sync_api import sync_playwright

    chromium = os.environ.get("HANSA_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=chromium, args=ARGS)
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.goto(f"{url}/alarms")
        page.wait_for_selector("html.ready", state="attached", timeout=60_000)
        page.evaluate(_WATCH)
        print("up", flush=True)
        page.wait_for_timeout(seconds * 1_000)
        told = {"seen": page.evaluate("() => window.seen"), "long": page.evaluate("() => window.long")}
        browser.close()
    return told


if __name__ == "__main__":
    print(json.dumps(watch(sys.argv[1], float(sys.argv[2]))), flush=True)
