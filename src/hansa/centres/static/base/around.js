// Who is related to an entity: whom it points at, and who points at it.

import { h, put } from "../dom.js";
import { ask, API } from "../doors.js";
import { address, headers, url } from "./asked.js";
import { attributeNames, instances, targets } from "./shown.js";
import { fault } from "./start.js";
import { entityPage } from "./ways.js";
import { named } from "../station.js";
import { title } from "../words.js";

const LONG = 8000; // characters of one query: half of what an address may have
const QUERIES = 10;
const WORD = /^\p{L}[\p{L}\p{N}_]*(:\p{L}[\p{L}\p{N}_]*)?$/u; // what q can name (CIM 009, 4.6.2); whole IRIs it cannot
const SHOWN = 50;

/** Every relationship of an entity, of its attributes' attributes too: [[name, id]]. */
function outwards(entity) {
  const found = [];
  const look = (name, stated) => {
    for (const one of instances(stated)) {
      for (const id of targets(one)) found.push([name, id]);
      for (const [sub, more] of one.subs) look(`${name}.${sub}`, more);
    }
  };
  for (const name of attributeNames(entity)) look(name, entity[name]);
  return found;
}

/** The attributes by which `entity` names `id`, relationships or not. */
function namesOf(entity, id) {
  const found = outwards(entity).filter(([, other]) => other === id).map(([name]) => name);
  return found.length ? found : attributeNames(entity).filter((name) => instances(entity[name]).some(({ value }) => value === id));
}

/** Queries that ask who names `id`, by all attributes that there are: what is a relationship, the index tells soonest. */
async function questions(id, whose) {
  const { body } = await ask(`${API}/attributes`, { headers: headers(whose) });
  const parts = [[]];
  for (const name of (body?.attributeList ?? []).filter((one) => WORD.test(one))) {
    const term = `${name}==${JSON.stringify(id)}`;
    if (encodeURIComponent([...parts.at(-1), term].join("|")).length > LONG) parts.push([]);
    parts.at(-1).push(term);
  }
  return parts.slice(0, QUERIES).map((part) => part.join("|")).filter(Boolean);
}

export function startAround(box, { id, whose }) {
  const to = h("div", {});
  const from = h("div", {});
  let asked = "";
  box.append(h("h2", {}, "Points at"), to, h("h2", {}, "Who points here"), from);

  function line(name, other, it = null) {
    const called = it === null ? [other] : [named(it), h("span", { class: "sub" }, [it.type].flat().join(", "))];
    return h("li", {}, h("span", { class: "quiet" }, title(name.split(".").pop(), "attributes")), h("a", { href: entityPage(other, whose), title: other }, called));
  }

  function show(entity) {
    const out = outwards(entity);
    to.replaceChildren(out.length ? h("ul", { class: "related" }, out.map(([name, other]) => line(name, other))) : h("p", { class: "quiet" }, "Nothing."));
    call(out);
    if (asked !== entity.id) inwards();
    asked = entity.id;
  }

  /** Whom it points at, by name. */
  async function call(out) {
    const ids = [...new Set(out.map(([, other]) => other))].slice(0, SHOWN);
    if (!ids.length) return;
    try {
      const { body } = await ask(url({ ...whose, id: ids.join(","), pick: "id,type,name", options: "simplified", limit: String(SHOWN), count: "false" }), { headers: headers(whose) });
      const known = new Map(body.map((one) => [one.id, one]));
      for (const link of to.querySelectorAll("a")) {
        const it = known.get(link.title);
        if (it) link.replaceChildren(named(it), h("span", { class: "sub" }, [it.type].flat().join(", ")));
        else if (ids.includes(link.title)) link.after(h("span", { class: "sub" }, "not here"));
      }
    } catch {
      // The ids stand as they are.
    }
  }

  async function inwards() {
    from.replaceChildren(h("p", { class: "quiet" }, "Asking…"));
    try {
      const asked = await questions(id, whose);
      const found = new Map();
      let total = 0;
      for (const q of asked) {
        const { body, headers: got } = await ask(url({ ...whose, q, limit: String(SHOWN) }), { headers: headers(whose) });
        for (const one of body) found.set(one.id, one);
        total += Number(got.get("NGSILD-Results-Count") ?? body.length);
      }
      const many = total > SHOWN ? total : found.size; // some may be found by two queries
      const lines = [...found.values()].slice(0, SHOWN).flatMap((one) => namesOf(one, id).map((name) => line(name, one.id, one)));
      from.replaceChildren(
        lines.length ? h("ul", { class: "related" }, lines) : h("p", { class: "quiet" }, "Nobody."),
        many > SHOWN && asked.length === 1 ? h("p", {}, h("a", { href: `/entities${address({ ...whose, q: asked[0] })}` }, `All ${many.toLocaleString("en")}`)) : "",
      );
      put(box.children[2], many ? `Who points here (${many.toLocaleString("en")})` : "Who points here");
    } catch (problem) {
      from.replaceChildren(fault("That could not be asked", problem, h("button", { type: "button", on: { click: inwards } }, "Try again")));
    }
  }

  return { show };
}
