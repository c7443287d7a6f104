// A link, or half of one, said once: whoever is shown it hands it on.

import { copier } from "../base/start.js";
import { h, when } from "./way.js";

const name = (id) => id.replace(/^person:/, "");

/** Show in the page's dialog what the city has just told; `after` is done when it is closed by its button. */
export function handOn(it, after) {
  const dialog = document.getElementById("editor");
  const whom = it.shown || it.name || "whoever is meant";
  const half = it.holders.length > 0;
  const words = half
    ? `To ${whom}, and to nobody else. It opens nothing without the other half, which only the other of ${it.holders.map(name).join(" and ")} is told. Together they work once, until ${when(it.until)}; this half is not shown again.`
    : `To ${whom}, and to nobody else: whoever opens it first comes in. It works once, until ${when(it.until)}, and is not shown again.`;
  dialog.replaceChildren(
    h("div", { class: "edit" }, h("h2", { id: "editor-title" }, half ? "Hand your half on" : "Hand this link on"), h("p", {}, words), h("p", { class: "mono secret", id: "link" }, it.link), h("div", { class: "edit-end" }, copier(() => it.link), h("button", { type: "button", class: "do", on: { click: () => (dialog.close(), after()) } }, "Done"))),
  );
  if (!dialog.open) dialog.showModal();
}
