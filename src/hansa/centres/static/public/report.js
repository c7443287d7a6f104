// A report from the street: photographs made small first, what is near shown, and kept on the phone when the line is down.

import { h } from "../dom.js";
import { say, site, to } from "./site.js";

const form = document.querySelector("[data-report]");
const button = form.querySelector("button[type=submit]");
const [LARGE, EDGE] = [1_200_000, 2048]; // bytes and pixels from which a photograph is made smaller before it is sent

// The key by which the city knows this report from every other, however often it is sent: a page that was kept has an old one.
form.querySelector("[name=key]").value = btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(24)))).replaceAll("+", "-").replaceAll("/", "_");

/** A photograph as small as it may be, and without what the camera wrote into it. */
async function small(file) {
  try {
    const picture = await createImageBitmap(file, { imageOrientation: "from-image" });
    const scale = Math.min(1, EDGE / Math.max(picture.width, picture.height));
    if (scale === 1 && file.size < LARGE) return file;
    const canvas = h("canvas", { width: Math.round(picture.width * scale), height: Math.round(picture.height * scale) });
    canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
    const made = await new Promise((done) => canvas.toBlob(done, "image/jpeg", 0.85));
    return made && made.size < file.size ? new File([made], file.name.replace(/\.\w+$/, "") + ".jpg", { type: "image/jpeg" }) : file;
  } catch {
    return file; // what no browser can read, the city refuses in words
  }
}

async function filled() {
  const said = new FormData();
  for (const [name, value] of new FormData(form)) {
    if (!(value instanceof File)) said.append(name, value);
    else if (value.size) said.append(name, await small(value));
  }
  return said;
}

/** Keep it on this phone; the worker sends it when there is a line. */
async function keep(said) {
  const { active } = await navigator.serviceWorker.ready;
  const items = await Promise.all([...said].map(async ([name, value]) => (value instanceof File ? { name, file: value.name, kind: value.type, body: await value.arrayBuffer() } : { name, value })));
  const name = document.querySelector(".lead b")?.textContent ?? say("request");
  await new Promise((done, failed) => {
    const channel = new MessageChannel();
    channel.port1.onmessage = ({ data }) => (data.kept ? done() : failed(new Error(say("failed"))));
    active.postMessage({ queue: { id: said.get("key"), action: to("report"), name, at: Date.now(), items } }, [channel.port2]);
  });
  form.replaceWith(h("div", { class: "done", role: "status", id: "kept", tabindex: "-1" }, h("h2", {}, say("kept")), h("p", {}, say("kept.text"))));
  document.getElementById("kept").focus();
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  if (button.disabled) return;
  button.disabled = true;
  const word = button.textContent;
  button.textContent = say("sending");
  const said = await filled();
  try {
    const answer = await fetch(form.action, { method: "POST", body: said });
    if (answer.redirected && answer.ok) return location.assign(answer.url);
    const made = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fault = made.getElementById("fault");
    form.parentElement.querySelector("#fault")?.remove();
    const shown = fault ?? h("div", { class: "fault", role: "alert", id: "fault", tabindex: "-1" }, h("h2", {}, say("failed")));
    form.before(shown);
    shown.focus();
  } catch {
    try {
      if (!("serviceWorker" in navigator)) throw new Error(say("failed"));
      await keep(said);
      return;
    } catch {
      form.before(h("div", { class: "fault", role: "alert", id: "fault", tabindex: "-1" }, h("h2", {}, say("failed")), h("p", {}, say("offline"))));
    }
  }
  button.disabled = false;
  button.textContent = word;
});

// What depends on another answer is asked only then; without script all of it is asked, and nothing of it required.
const asks = [...form.querySelectorAll("[data-when]")];
function depend() {
  const said = new FormData(form);
  for (const one of asks) {
    const wanted = JSON.parse(one.dataset.is);
    one.hidden = !said.getAll(one.dataset.when).some((value) => wanted.includes(value));
    for (const field of one.querySelectorAll("input, select, textarea")) field.disabled = one.hidden;
  }
}
form.addEventListener("change", depend);
depend();

// Somebody may have said it already: what is near and alike is shown before it is said again.
const same = document.getElementById("same");
let asked = 0;
async function alike() {
  const said = new FormData(form);
  const [lon, lat] = [said.get("lon"), said.get("lat")];
  if (!lon || !lat) return;
  const turn = (asked += 1);
  const query = new URLSearchParams({ lon, lat, service: said.get("service") });
  const text = String(said.get("description") ?? "").trim().slice(0, 500);
  if (text) query.set("text", text);
  try {
    const answer = await fetch(`/desk/requests/near?${query}`);
    if (!answer.ok || turn !== asked) return;
    const found = (await answer.json()).requests.slice(0, 3);
    same.replaceChildren(...(found.length ? [h("h3", {}, say("same")), h("p", { class: "under" }, say("same.text")), h("ul", { class: "lines" }, found.map((one) =>
      h("li", {}, h("a", { href: to(`requests/${one.id}`) }, h("b", {}, one.names[site.language] ?? one.names.en ?? one.id), h("span", {}, say("metres", { n: Math.round(one.metres) })), one.description ? h("span", { class: "under", dir: "auto" }, one.description) : null))))] : []));
  } catch {
    // It is only help.
  }
}
form.addEventListener("place", alike);
form.querySelector("[name=description]").addEventListener("change", alike);
