// Warnings on this phone (Web Push): asked for by a tick, never by itself; the form carries the phone's address to the city.

import { say } from "./site.js";

const form = document.querySelector("[data-push]");
const tick = form.querySelector("[data-push-tick]");
const said = form.querySelector("[data-push-said]");
const field = form.querySelector("[name=push]");

const bytes = (text) => Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (one) => one.charCodeAt(0));

async function subscribe() {
  if ((await Notification.requestPermission()) !== "granted") throw new Error(say("push.denied"));
  const { pushManager } = await navigator.serviceWorker.ready;
  const key = bytes(form.dataset.push);
  let found = await pushManager.getSubscription();
  const theirs = found?.options.applicationServerKey;
  if (found && theirs && String(new Uint8Array(theirs)) !== String(key)) {
    await found.unsubscribe(); // of a city that has a new key
    found = null;
  }
  found ??= await pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: key });
  return JSON.stringify(found.toJSON());
}

const able = "serviceWorker" in navigator && "PushManager" in window && "Notification" in window;
if (!able) {
  tick.disabled = true;
  said.textContent = say("push.unable");
}
let under = Promise.resolve();
tick.addEventListener("change", () => {
  under = (async () => {
    field.value = "";
    if (!tick.checked) return;
    try {
      field.value = await subscribe();
      said.textContent = say("push.ok");
    } catch (fault) {
      tick.checked = false;
      said.textContent = fault.message || say("push.unable");
    }
  })();
});
form.addEventListener("submit", async (event) => {
  if (!tick.checked || field.value) return;
  event.preventDefault();
  await under;
  if (field.value) form.requestSubmit();
});
