// A roster as lines that people write, and back: one line for each shift, day off, or line of the calendar.

const DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
const TIME = "([01]\\d|2[0-3]):[0-5]\\d";
const LINE = new RegExp(`^(\\S+)\\s+(daily|[a-z]{3}(?:[-,][a-z]{3})*)\\s+(${TIME})\\s*-\\s*(${TIME})$`);
const SHIFT = /^(\S+)\s+(\d{4}-\d\d-\d\dT\S+)\s+(\d{4}-\d\d-\d\dT\S+)$/;
const OFF = /^off\s+(\S+)\s+(\d{4}-\d\d-\d\d)(?:\s+(\d{4}-\d\d-\d\d))?$/;

export const HELP = "needed 2 · zone Europe/Vienna · ada mon-fri 06:00-14:00 · bo sat,sun 22:00-06:00 · ada 2026-04-11T06:00Z 2026-04-11T14:00Z · off bo 2026-04-13 2026-04-14";

const person = (who) => (who.includes(":") ? who : `person:${who}`);
const plain = (who) => who.replace(/^person:/, "");

/** Days as they are written: `daily`, `mon-fri`, `mon,wed`. */
function spoken(days) {
  const at = DAYS.map((day) => days.includes(day));
  if (at.every(Boolean)) return "daily";
  const first = at.indexOf(true);
  const last = at.lastIndexOf(true);
  if (last - first > 1 && at.slice(first, last + 1).every(Boolean)) return `${DAYS[first]}-${DAYS[last]}`;
  return DAYS.filter((_, i) => at[i]).join(",");
}

function meant(word, line) {
  if (word === "daily") return DAYS;
  const days = new Set();
  for (const part of word.split(",")) {
    const [from, to = from] = part.split("-").map((day) => DAYS.indexOf(day));
    if (from < 0 || to < 0) throw new Error(`Line ${line}: days are ${DAYS.join(", ")}.`);
    for (let i = from; ; i = (i + 1) % 7) {
      days.add(DAYS[i]);
      if (i === to) break;
    }
  }
  return DAYS.filter((day) => days.has(day));
}

/** A roster as lines. */
export function written(roster) {
  const lines = [`needed ${roster.needed ?? 1}`];
  if (roster.zone) lines.push(`zone ${roster.zone}`);
  for (const one of roster.weekly ?? []) lines.push(`${plain(one.who)} ${spoken(one.days)} ${one.from}-${one.to}`);
  for (const one of roster.shifts ?? []) lines.push(`${plain(one.who)} ${one.from} ${one.to}`);
  for (const one of roster.off ?? []) lines.push(`off ${plain(one.who)} ${one.from} ${one.to}`);
  return lines.join("\n");
}

/** Lines as a roster; raises with the line that is none. */
export function read(text) {
  const roster = { needed: 1 };
  const add = (name, one) => (roster[name] ??= []).push(one);
  text.split("\n").forEach((raw, i) => {
    const line = raw.trim();
    if (!line || line.startsWith("#")) return;
    const number = /^needed\s+(\d+)$/.exec(line);
    const zone = /^zone\s+(\S+)$/.exec(line);
    const off = OFF.exec(line);
    const weekly = LINE.exec(line);
    const shift = SHIFT.exec(line);
    if (number) roster.needed = Number(number[1]);
    else if (zone) roster.zone = zone[1];
    else if (off) add("off", { who: person(off[1]), from: off[2], to: off[3] ?? off[2] });
    else if (weekly) add("weekly", { who: person(weekly[1]), days: meant(weekly[2], i + 1), from: weekly[3], to: weekly[5] });
    else if (shift) add("shifts", { who: person(shift[1]), from: shift[2], to: shift[3] });
    else throw new Error(`Line ${i + 1} is none of these: “${line.slice(0, 60)}”.`);
  });
  return roster;
}
