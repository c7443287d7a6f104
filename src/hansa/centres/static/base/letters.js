// Dead letters: what could not be used or delivered, with its reason; try again, or throw away. The administrator's.

import { h, keep, put } from "../dom.js";
import { ask } from "../doors.js";
import { ageElement } from "./shown.js";
import { aloud, now } from "./start.js";
import { moment } from "../station.js";

const MOST = 200; // the newest; their payloads come along
const KINDS = { message: "Message", rule: "Rule", notification: "Notification" };

/** The newest dead letters, of one source or of all: {list, fault, more}; `more` where there may be others. */
export async function readLetters(source = "") {
  try {
    const list = (await ask(`/admin/deadletters?limit=${MOST}${source ? `&source=${encodeURIComponent(source)}` : ""}`)).body;
    return { list, fault: null, more: list.length >= MOST };
  } catch (fault) {
    return { list: [], fault, more: false };
  }
}

const door = (letter) => `/admin/deadletters/${encodeURIComponent(letter.id).replaceAll("%3A", ":")}`;

/** What a letter holds, as text; an empty one where it was too long to be kept or is no text. */
function payload(letter) {
  if (!letter.payload) return "";
  try {
    const bytes = Uint8Array.from(atob(letter.payload), (char) => char.charCodeAt(0));
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    try {
      return JSON.stringify(JSON.parse(text), null, 2);
    } catch {
      return text;
    }
  } catch {
    return letter.payload;
  }
}

/** The letters in `box`, with what can be done about them; `done` is called after something was. */
export function letterList(box, letters, { done, whole = false }) {
  let list = box.querySelector("ol.letters");
  if (!list) {
    const said = h("p", { class: "quiet", role: "status" });
    const every = h("button", { type: "button", class: "tool" });
    list = h("ol", { class: "letters" });
    every.addEventListener("click", () => again(every, said));
    box.replaceChildren(h("p", { class: "letters-head" }, every, said), list);
  }
  list.letters = letters;
  const [every] = box.querySelectorAll(".letters-head button");
  if (!every.disabled) put(every, letters.length === 1 ? "Try it again" : `Try all ${letters.length} again`);
  keep(list, letters, (one) => one.id, (one) => item(one, done, whole), (li, one) => li.update(one));

  async function again(button, said) {
    button.disabled = true;
    let [good, bad] = [0, 0];
    for (const letter of [...list.letters].reverse()) { // the oldest first, as they came
      put(button, `Trying ${good + bad + 1}…`);
      try {
        await ask(`${door(letter)}/retry`, { method: "POST" });
        good += 1;
      } catch {
        bad += 1;
      }
    }
    button.disabled = false;
    put(said, `${good} tried again${bad ? `, ${bad} could not be` : ""}.`);
    aloud(said.textContent);
    await done();
  }
}

function item(letter, done, whole) {
  const old = h("span", { class: "quiet" });
  const said = h("p", { class: "quiet", role: "status" });
  const body = payload(letter);
  const retry = h("button", { type: "button", class: "tool" }, "Try again");
  const drop = h("button", { type: "button", class: "tool" }, "Throw away");
  let sure = false;

  async function act(button, how) {
    button.disabled = true;
    put(said, "");
    try {
      const { body: told } = await how();
      put(said, told?.outcome ? `It was ${told.outcome}.` : "Gone.");
      aloud(said.textContent);
      await done();
    } catch (problem) {
      put(said, `${problem.message} ${problem.mend ?? ""}`);
    }
    button.disabled = false;
  }

  retry.addEventListener("click", () => act(retry, () => ask(`${door(letter)}/retry`, { method: "POST" })));
  drop.addEventListener("click", () => {
    if (!sure) {
      sure = true;
      put(drop, "Throw away for good");
      drop.classList.add("grave");
      setTimeout(() => ((sure = false), put(drop, "Throw away"), drop.classList.remove("grave")), 4000);
      return;
    }
    act(drop, () => ask(door(letter), { method: "DELETE" }));
  });
  const tenant = letter.detail?.tenant ? `&tenant=${encodeURIComponent(letter.detail.tenant)}` : "";
  const from = letter.kind === "notification" ? h("a", { class: "id", href: `/subscriptions?sel=${encodeURIComponent(letter.source)}${tenant}` }, letter.source) : h("code", { class: "id" }, letter.source);
  const more = letter.detail ? Object.entries(letter.detail).filter(([name]) => name !== "tenant" || letter.detail.tenant) : [];
  const facts = more.flatMap(([name, value]) => [h("dt", {}, name), h("dd", { class: "id" }, typeof value === "string" ? value : JSON.stringify(value))]);
  if (letter.realm && letter.realm !== "open") facts.push(h("dt", {}, "realm"), h("dd", {}, letter.realm));
  const kept = letter.size ? `${letter.size.toLocaleString("en")} bytes: too long to be kept here.` : "Nothing was kept with it.";
  const held = body ? h("pre", { class: "code", tabindex: "0", "aria-label": "What it said" }, body) : h("p", { class: "quiet" }, kept);
  const li = h(
    "li",
    { class: "letter", data: { id: letter.id } },
    h("p", { class: "letter-line" }, whole ? h("b", {}, KINDS[letter.kind] ?? letter.kind) : "", whole ? " " : "", whole ? from : "", whole ? h("span", { class: "gap" }) : "", old),
    h("p", { class: "why" }, letter.reason),
    h("div", { class: "letter-tools" }, retry, drop, said),
    h("details", { class: "data folded", data: { name: letter.id } }, h("summary", {}, body ? "What it said" : "Details"), h("dl", { class: "facts" }, facts), held),
  );
  li.update = (one) => old.replaceChildren(ageElement(moment(one.at), now()), " ago");
  return li;
}
