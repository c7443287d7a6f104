// The public side's beginning: an app on a phone where the browser can, and only what a page needs is fetched for it.

import { h, press } from "../dom.js";
import { position, recall, remember, say, site, to } from "./site.js";

const line = document.getElementById("line");
const html = document.documentElement;

/** Say something in the line above the page; an empty list takes it away. */
function tell(...what) {
  line.replaceChildren(...(what.length ? [h("div", { class: "line" }, what)] : []));
}

function connection() {
  if (html.dataset.kept) {
    const time = new Intl.DateTimeFormat(site.language === "ar" ? "ar-u-nu-latn" : site.language, { dateStyle: "medium", timeStyle: "short" }).format(new Date(html.dataset.kept));
    tell(h("span", {}, say("as.of", { time })), press("", say("again"), () => location.reload()));
  } else if (!navigator.onLine) tell(say("offline"));
  else tell();
}

// ---- the worker: what was seen stays readable, what was said is sent when the line is back

// Heard from the first moment: what a worker says while a page is still being made would be lost.
navigator.serviceWorker?.addEventListener("message", ({ data, source }) => {
  if (data?.sent) {
    for (const one of data.sent) follow(one);
    source.postMessage({ have: data.sent.map((one) => one.id) });
  }
  if (data?.waiting) waiting(data.waiting);
});

async function worker() {
  if (!("serviceWorker" in navigator)) return;
  const had = Boolean(navigator.serviceWorker.controller);
  let chosen = false;
  navigator.serviceWorker.addEventListener("controllerchange", () => chosen && location.reload());
  const made = await navigator.serviceWorker.register("/worker.js", { scope: "/" });
  const newer = (one) => {
    if (!one || !had) return;
    const ready = () => one.state === "installed" && tell(h("span", {}, say("new")), press("", say("new.use"), () => {
      chosen = true;
      one.postMessage({ skip: true });
    }));
    one.addEventListener("statechange", ready);
    ready();
  };
  newer(made.waiting);
  made.addEventListener("updatefound", () => newer(made.installing));
  const { active } = await navigator.serviceWorker.ready;
  active.postMessage({ keep: site.language, send: true });
  addEventListener("online", () => active.postMessage({ send: true }));
  const forms = [...document.querySelectorAll("main a[href*='report?service=']")].map((one) => one.getAttribute("href"));
  if (forms.length) active.postMessage({ forms });
}

/** What waits on this phone to be sent. */
function waiting(items) {
  const box = document.getElementById("waiting");
  if (!box) return;
  box.replaceChildren();
  if (!items.length) return;
  const drop = (one) => navigator.serviceWorker.ready.then(({ active }) => active.postMessage({ drop: one.id }));
  box.append(h("div", { class: "done", role: "status" }, h("h2", {}, say("waiting")), h("ul", { class: "lines" }, items.map((one) =>
    h("li", {}, h("div", {}, h("b", { dir: "auto" }, one.name), press("link", say("drop"), () => drop(one)), one.refused ? h("span", { class: "under" }, say("refused"), " ", h("span", { lang: "en", dir: "ltr" }, one.refused)) : null))))));
}

/** A request of one's own: kept here, as its link is nowhere else. */
function follow({ token, name, step }) {
  if (typeof token !== "string" || !token) return;
  const others = recall("requests", []).filter((one) => one.token !== token);
  remember("requests", [{ token, name: String(name ?? "").slice(0, 200), step: String(step ?? "").slice(0, 60) }, ...others].slice(0, 30));
  mine();
}

function mine() {
  const box = document.querySelector("[data-mine]");
  const items = recall("requests", []);
  if (!box || !items.length) return;
  box.hidden = false;
  box.querySelector("ul").replaceChildren(...items.map((one) => h("li", {}, h("a", { href: to(`r/${encodeURIComponent(one.token)}`) }, h("b", { dir: "auto" }, one.name || say("request")), h("span", {}, one.step)))));
}

// ---- here: the place that warnings and lists are about, known to this phone alone

async function here() {
  const address = new URL(location.href);
  const asked = address.searchParams.get("at");
  if (asked === "") remember("here", null);
  if (asked) remember("here", asked);
  for (const button of document.querySelectorAll("[data-here]")) {
    button.addEventListener("click", async () => {
      button.disabled = true;
      try {
        const { lon, lat } = await position();
        address.searchParams.set("at", `${lon.toFixed(4)},${lat.toFixed(4)}`);
        location.assign(address);
      } catch (fault) {
        button.disabled = false;
        tell(fault.message);
      }
    });
  }
  const kept = recall("here", "");
  const now = document.getElementById("now");
  if (asked !== null || !kept || !now || html.dataset.kept) return;
  address.searchParams.set("at", kept);
  try {
    const answer = await fetch(address);
    if (!answer.ok) return;
    const made = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("now");
    if (made) now.replaceWith(made);
  } catch {
    // Without a line, what is here is of the whole city.
  }
}

function install() {
  const box = document.getElementById("install");
  addEventListener("beforeinstallprompt", (event) => {
    if (!box) return;
    event.preventDefault();
    box.hidden = false;
    box.querySelector("button").addEventListener("click", () => {
      box.hidden = true;
      event.prompt();
    }, { once: true });
  });
}

const parts = [
  ["[data-place]", () => import("./place.js")],
  ["[data-report]", () => import("./report.js")],
  ["[data-push]", () => import("./push.js")],
  ["[data-vote], #receipts", () => import("./vote.js")],
  ["[data-explore], [data-copy]", () => import("./explore.js")],
];

async function begin() {
  addEventListener("online", connection);
  addEventListener("offline", connection);
  connection();
  install();
  const followed = document.querySelector("[data-follow]");
  if (followed) follow({ token: followed.dataset.follow, name: followed.dataset.name, step: followed.dataset.step });
  mine();
  document.getElementById("fault")?.focus();
  for (const box of document.querySelectorAll("[data-chart]")) {
    box.querySelector("[data-open]").addEventListener("click", async () => {
      const { chart } = await import("./map.js");
      chart(box, JSON.parse(document.getElementById("points").textContent));
    }, { once: true });
  }
  await Promise.all(parts.filter(([what]) => document.querySelector(what)).map(([, load]) => load()));
  void here();
  html.classList.add("ready");
  try {
    await worker();
  } catch {
    // A browser that lets no worker in still shows every page.
  }
}

void begin();
