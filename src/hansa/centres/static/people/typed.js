// What somebody had typed when he was asked to show again who he is: kept in this one tab until he comes back to the
// page, for a few minutes, and never what is a secret. Whoever signs out leaves none of it behind.

const KEPT = "hansa.typed";
const LASTS_MS = 900_000;
const SECRET = new Set(["password", "hidden", "file"]);

const fields = (form) => [...form.elements].filter((one) => one.name && one.name !== "code" && !SECRET.has(one.type));
const ticked = (one) => one.type === "checkbox" || one.type === "radio";

/** The form around an element that says by `data-typed` what it is called; null where there is none. */
export const formOf = (element) => element.closest("form[data-typed]");

/** Keep what stands in a form. */
export const keepForm = (form) => keep(form.dataset.typed, fields(form).map((one) => [one.name, one.value, ticked(one) ? one.checked : null]));

/** Keep something that was written on this page, under a name. */
export function keep(name, what) {
  try {
    sessionStorage.setItem(KEPT, JSON.stringify({ page: location.pathname, name, what, at: Date.now() }));
  } catch {
    // Without storage he types it again.
  }
}

/** What was kept for this page: {name, what}, once; null where there is nothing. */
export function kept() {
  try {
    const found = JSON.parse(sessionStorage.getItem(KEPT));
    if (found?.page !== location.pathname) return null;
    sessionStorage.removeItem(KEPT);
    return Date.now() - found.at < LASTS_MS ? found : null;
  } catch {
    return null;
  }
}

/** Put into a form what was kept of it. */
export function fillForm(form, what) {
  for (const [name, value, on] of what) {
    const one = fields(form).find((each) => each.name === name && (on === null ? !ticked(each) : ticked(each) && each.value === value));
    if (!one) continue;
    if (on === null) one.value = value;
    else one.checked = on;
  }
  form.dispatchEvent(new Event("change"));
}

/** Leave nothing behind in this tab. */
export function forget() {
  try {
    sessionStorage.clear();
  } catch {
    // there was nothing
  }
}
