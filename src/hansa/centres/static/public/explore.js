// Plots of the city's data. The page shows them without this; with it a choice is shown at once, a pointer reads figures,
// and a plot can be kept as a picture. The address always says the whole plot.

import { h, download } from "../dom.js";
import { say, site } from "./site.js";

const NS = "http://www.w3.org/2000/svg";
const at = (selector) => document.querySelector(selector);
const figure = new Intl.NumberFormat(site.language === "ar" ? "ar-u-nu-latn" : site.language, { maximumSignificantDigits: 5 });
let asked = null;
let ground = null; // the map, while one is shown

// ---- another plot

async function show(address, { push = true, focus = "" } = {}) {
  asked?.abort();
  asked = new AbortController();
  const box = at("#explored");
  box.classList.add("busy");
  try {
    const answer = await fetch(address, { signal: asked.signal, headers: { accept: "text/html" } });
    const made = new DOMParser().parseFromString(await answer.text(), "text/html");
    const next = made.getElementById("explored");
    if (!next) return location.assign(address);
    const open = [...box.querySelectorAll("details")].map((one) => one.open);
    next.querySelectorAll("details").forEach((one, i) => (one.open ||= open[i] ?? false));
    ground?.remove();
    ground = null;
    box.replaceWith(next);
    document.title = made.title;
    if (push) history.pushState(null, "", answer.url);
    begin();
    if (focus) at(`#explored [name="${CSS.escape(focus)}"]${focus === "plot" ? ":checked" : ""}`)?.focus();
  } catch (fault) {
    if (fault.name === "AbortError") return undefined;
    box.classList.remove("busy");
    location.assign(address);
  }
  return undefined;
}

function changed(event) {
  const form = event.currentTarget;
  const said = new FormData(form);
  const name = event.target.name;
  // What does not fit another kind of plot, or another column, is chosen anew.
  if (name === "plot") ["bin", ...(["map", "hist"].includes(said.get("plot")) ? ["x"] : [])].forEach((one) => said.delete(one));
  if (name === "x") said.delete("bin");
  if (name === "j") ["on", "v"].forEach((one) => said.delete(one));
  if (name === "y" && said.get("y") && said.get("agg") === "count") said.delete("agg");
  if (/^[cov]\d$/.test(name)) {
    const n = name[1];
    if (said.get(`c${n}`) && !said.get(`v${n}`)) return; // the value is still to come
  }
  show(`${form.action}?${new URLSearchParams(said)}`, { focus: name });
}

// ---- what a pointer finds

function words(name, x, y, timed) {
  const when = timed ? new Date(x * 1000).toISOString().replace("T", " ").replace(/:\d\d\.\d+Z$/, "").replace(/ 00:00$/, "") : figure.format(x);
  return `${when} · ${name === null || name === undefined ? "" : `${name}: `}${figure.format(y)}`;
}

function pointed(drawn) {
  const inner = at("#explored .ax-in");
  const readout = at("[data-readout]");
  if (!inner || !readout || !drawn.points.length || drawn.kind === "map") return;
  const mark = (kind) => inner.appendChild(document.createElementNS(NS, "path")).setAttribute("class", kind) ?? inner.lastElementChild;
  const [line, here] = [mark("cursor"), mark("here")];
  inner.addEventListener("pointermove", (event) => {
    const frame = inner.getBoundingClientRect();
    const [px, py] = [event.clientX - frame.left, event.clientY - frame.top];
    const [wide, high] = [frame.width / 1000, frame.height / 1000];
    let best = null;
    for (const { name, at: points } of drawn.points) {
      for (const [x, y, a, b] of points) {
        const far = drawn.kind === "scatter" || drawn.points.length > 1 ? Math.hypot(x * wide - px, y * high - py) : Math.abs(x * wide - px);
        if (!best || far < best.far) best = { far, x, y, a, b, name };
      }
    }
    line.setAttribute("d", drawn.kind === "scatter" ? "" : `M${best.x} 0V1000`);
    here.setAttribute("d", `M${best.x} ${best.y}h0`);
    readout.textContent = words(best.name, best.a, best.b, drawn.timed);
  });
  inner.addEventListener("pointerleave", () => {
    for (const one of [line, here]) one.setAttribute("d", "");
    readout.textContent = "";
  });
}

// ---- a picture of it

const KEPT = ["fill", "stroke", "stroke-width", "stroke-dasharray", "stroke-linecap", "stroke-linejoin", "vector-effect", "opacity", "font-family", "font-size"];

function dressed(from, to) {
  const style = getComputedStyle(from);
  for (const name of KEPT) to.setAttribute(name, style.getPropertyValue(name));
  [...from.children].forEach((child, i) => dressed(child, to.children[i]));
}

/** The plot as one drawing that stands alone: title, plot, names of the colours, source. */
function standing() {
  const plot = at("#explored .drawn");
  const frame = plot.getBoundingClientRect();
  const ink = getComputedStyle(at("#h-plot"));
  const legend = [...document.querySelectorAll("#explored .legend li")];
  const [above, below] = [34, 26 + 20 * legend.length];
  const make = (name, said, ...children) => {
    const one = document.createElementNS(NS, name);
    for (const [key, value] of Object.entries(said)) one.setAttribute(key, value);
    one.append(...children);
    return one;
  };
  const text = (x, y, words_, size = 12) => make("text", { x, y, fill: ink.color, "font-family": ink.fontFamily, "font-size": size }, words_);
  const [width, height] = [Math.round(frame.width) + 24, Math.round(frame.height) + above + below + 12];
  const whole = make("svg", { xmlns: NS, width, height, viewBox: `0 0 ${width} ${height}` }, make("rect", { width, height, fill: getComputedStyle(document.body).backgroundColor }), text(12, 22, at("#h-plot").textContent.replace(/\s+/g, " ").trim(), 14));
  for (const one of plot.querySelectorAll("svg")) {
    const box = one.getBoundingClientRect();
    if (!box.width) continue;
    const copy = one.cloneNode(true);
    dressed(one, copy);
    for (const name of ["class", "style", "role", "aria-hidden", "aria-label"]) copy.removeAttribute(name);
    copy.setAttribute("overflow", "visible");
    for (const [name, value] of [["x", box.left - frame.left + 12], ["y", box.top - frame.top + above], ["width", box.width], ["height", box.height]]) copy.setAttribute(name, value);
    whole.append(copy);
  }
  legend.forEach((one, i) => {
    const y = above + frame.height + 20 + 20 * i;
    const style = getComputedStyle(one.querySelector("path"));
    whole.append(make("circle", { cx: 20, cy: y - 4, r: 5, fill: style.stroke }), text(34, y, one.textContent.trim()));
  });
  whole.append(text(12, height - 12, at("[data-source]")?.textContent.replace(/\s+/g, " ").trim() ?? "", 11));
  return { text: new XMLSerializer().serializeToString(whole), width, height };
}

async function save(kind) {
  const name = `${new URLSearchParams(location.search).get("d") ?? "plot"}`;
  if (kind === "png" && ground) return ground.picture().then((url) => h("a", { href: url, download: `${name}.png` }).click());
  const { text, width, height } = standing();
  if (kind === "svg") return download(`${name}.svg`, text, "image/svg+xml");
  const image = new Image();
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(text)}`;
  await image.decode();
  const canvas = h("canvas", { width: width * 2, height: height * 2 });
  const ctx = canvas.getContext("2d");
  ctx.scale(2, 2);
  ctx.drawImage(image, 0, 0);
  return h("a", { href: canvas.toDataURL("image/png"), download: `${name}.png` }).click();
}

// ---- joined

function begin() {
  const box = at("#explored");
  if (!box) return;
  const drawn = JSON.parse(at("#drawn").textContent);
  box.querySelector(".shape").addEventListener("change", changed);
  box.querySelector(".shape").addEventListener("submit", (event) => {
    event.preventDefault();
    show(`${event.currentTarget.action}?${new URLSearchParams(new FormData(event.currentTarget))}`);
  });
  for (const one of box.querySelectorAll("[data-save]")) one.addEventListener("click", () => save(one.dataset.save));
  pointed(drawn);
  const plot = box.querySelector(".drawn.ground");
  if (plot) {
    // The map's code is large: nobody fetches it who looks at no map.
    import("./places.js").then(({ places }) => places(plot, drawn, at("[data-readout]"))).then((made) => (ground = made)).catch((fault) => console.warn("no map could be drawn; the places stand without ground", fault));
  }
}

async function copied(event) {
  const one = event.target.closest?.("[data-copy]");
  if (!one) return;
  const before = one.textContent;
  try {
    await navigator.clipboard.writeText(new URL(one.dataset.copy, location.origin).href);
    one.textContent = say("copied");
  } catch {
    one.textContent = say("not.copied");
  }
  setTimeout(() => (one.textContent = before), 2_500);
}

document.addEventListener("click", copied);
if (at("#explored")) {
  begin();
  addEventListener("popstate", () => show(location.href, { push: false }));
}
