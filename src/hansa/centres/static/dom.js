// Elements, made of text only: nothing that the city says is ever read as HTML.

/** An element. `props`: class, data, on, aria and plain attributes; children are elements or text. */
export function h(tag, props = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "class") made.className = value;
    else if (name === "on") for (const [event, fn] of Object.entries(value)) made.addEventListener(event, fn);
    else if (name === "data") Object.assign(made.dataset, value);
    else made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return made;
}

/** A button of a class, with its word and what it does. */
export const press = (kind, word, act, more = {}) => h("button", { type: "button", class: kind, on: { click: act }, ...more }, word);

/** Set text only where it differs, so that selections and readers are left in peace. */
export function put(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Make the children of `box` be `items` in order, reusing what is there by key. */
export function keep(box, items, key, make, update) {
  const old = new Map([...box.children].map((child) => [child.dataset.key, child]));
  let place = box.firstElementChild;
  for (const item of items) {
    const name = key(item);
    let child = old.get(name);
    old.delete(name);
    if (!child) {
      child = make(item);
      child.dataset.key = name;
    }
    update(child, item);
    if (child === place) place = place.nextElementSibling;
    else box.insertBefore(child, place);
  }
  for (const child of old.values()) child.remove();
}

/** A state or severity: shape, colour (both by class) and word. */
export const sign = (name, word, kind = "sign") => h("span", { class: `${kind} ${name}` }, word);

/** What to show where there is nothing, or a fault: a heading, sentences, and perhaps a button. */
export function notice(heading, lines, { bad = false, button = null } = {}) {
  return h("div", { class: bad ? "notice bad" : "notice" }, h("h2", {}, heading), lines.map((line) => h("p", {}, line)), button);
}

/** Hand `text` to the person as a file. */
export function download(name, text, type = "text/csv") {
  const url = URL.createObjectURL(new Blob([text], { type: `${type};charset=utf-8` }));
  const link = h("a", { href: url, download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

/** A table as CSV (RFC 4180); a cell that a spreadsheet would run is made text. */
export function csv(rows) {
  const cell = (value) => {
    if (typeof value === "number") return String(value);
    const text = String(value ?? "");
    const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
    return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
  };
  return rows.map((row) => row.map(cell).join(",")).join("\r\n") + "\r\n";
}

export const calm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;
export const narrow = () => matchMedia("(max-width: 860px)").matches;
