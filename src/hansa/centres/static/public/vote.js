// A secret vote: signed blind with one's session, cast later and apart from it; the receipt stays in this browser.

import { download } from "../dom.js";
import { castDue, check, receipts, vote } from "../participation/vote.js";
import { say, site } from "./site.js";

const form = document.querySelector("[data-vote]");
const box = document.getElementById("receipts");

function own() {
  const ballot = box?.dataset.ballot;
  const mine = receipts().filter((one) => String(one.ballot).endsWith(ballot));
  if (!box || !mine.length) return;
  box.hidden = false;
  box.querySelector("[data-save]").onclick = () => download(`ballot-${ballot}.json`, JSON.stringify(mine, null, 1), "application/json");
  box.querySelector("[data-check]").onclick = async () => {
    const words = box.querySelector("[data-checked]");
    try {
      const found = await Promise.all(mine.map((one) => check(one)));
      words.textContent = found.every((one) => one.found) ? say("vote.found") : say("vote.lost");
    } catch {
      words.textContent = say("vote.not.yet");
    }
  };
}

if (form) {
  const said = form.querySelector("[data-vote-said]");
  const button = form.querySelector("button[type=submit]");
  const ready = !button.disabled;
  const picked = () => [...form.querySelectorAll("[name=option]:checked")];
  form.addEventListener("change", () => {
    const spent = picked().reduce((sum, one) => sum + Number(one.dataset.cost ?? 0), 0);
    const budget = Number(form.dataset.budget ?? 0);
    const over = budget ? spent > budget : picked().length > Number(form.dataset.most);
    const figure = (n) => new Intl.NumberFormat(site.language === "ar" ? "ar-u-nu-latn" : site.language).format(n);
    said.textContent = budget ? say("vote.spent", { spent: figure(spent), budget: figure(budget) }) : over ? say("vote.many") : "";
    button.disabled = !ready || over || !picked().length;
  });
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    button.disabled = true;
    try {
      await vote(form.dataset.vote, picked().map((one) => one.value));
      said.textContent = say("vote.given");
      form.querySelector("fieldset").disabled = true;
      own();
    } catch (fault) {
      const words = { 401: "vote.sign.in", 403: "vote.not.you", 409: "vote.twice", 410: "vote.closed" }[fault.status];
      said.textContent = words ? say(words) : say("failed");
      button.disabled = fault.status === 409 || fault.status === 410;
    }
  });
}
own();
void castDue().catch(() => undefined);
