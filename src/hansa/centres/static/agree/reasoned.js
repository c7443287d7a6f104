// A question that is answered with a reason: refuse, take back, end.

import { press } from "../dom.js";
import { doing, field, h } from "../people/way.js";

/** Ask in `dialog` for a reason, then do `work(reason)`; `more` is said beside the question. */
export function reasoned(dialog, question, word, work, more = "") {
  const box = h("div", { "aria-live": "assertive" });
  const form = h("form", { class: "edit way-form", novalidate: true }, h("h2", { id: "editor-title" }, question), more ? h("p", {}, more) : null, field("Why", "reason", { maxlength: "2000", autocomplete: "off" }, "It is kept with it."), box, h("div", { class: "edit-end" }, h("button", { type: "submit", class: "do" }, word), press("tool", "Cancel", () => dialog.close())));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    doing(form.querySelector("[type=submit]"), box, "Nothing was changed", async () => {
      await work(new FormData(form).get("reason"));
      dialog.close();
    });
  });
  dialog.replaceChildren(form);
  dialog.showModal();
}
