// Words, figures, units, times: everything that people read is made here.

export const look = JSON.parse(document.getElementById("look").textContent);
const words = look.words;

const plain = (name) => {
  const last = String(name).split(/[/#]/).pop();
  const apart = last.replace(/([a-z0-9])([A-Z])/g, "$1 $2").replace(/[_\s-]+/g, " ").trim();
  return apart.charAt(0).toUpperCase() + apart.slice(1);
};

/** The word for a term among "attributes", "types", "kinds", "severities" or "states"; else the term pulled apart. */
export const title = (name, among) => (Object.hasOwn(words[among], name) ? words[among][name] : plain(name));

/** The symbol of a UN/CEFACT unit code; an unknown code is its own symbol. */
export const unitOf = (code) => (typeof code !== "string" ? "" : Object.hasOwn(words.units, code) ? words.units[code] : code);

/** The attributes that speak for a type, in order. */
export const mainOf = (type) => (Object.hasOwn(words.main, type) ? words.main[type] : ["temperature"]);

/** A number as people read it: decimals by unit and size, none for a count, a true minus. The same rule as `figure` in stations.py. */
export function figure(value, unit = "") {
  if (value === null || value === undefined || !Number.isFinite(value)) return "—";
  const size = Math.abs(value);
  const counted = !unit && Number.isInteger(value);
  const decimals = counted || size >= 100 ? 0 : size >= 2 || words.tenths.includes(unit) ? 1 : 2;
  let text = size < 1e15 ? value.toFixed(decimals) : value.toPrecision(3);
  if (decimals === 2 && text.endsWith("0")) text = text.slice(0, -1);
  return /^-[0.]*$/.test(text) ? text.slice(1) : text.replace("-", "−");
}

/** A figure with its unit, held together by a no-break space. */
export const withUnit = (value, unit) => figure(value, unit) + (unit ? (unit === "°" ? "" : "\u00a0") + unit : "");

/** How long ago, in the largest whole unit; null when nobody said when. */
export function age(at, now) {
  if (at === null || at === undefined) return "no time";
  return lasting(Math.max(0, now - at));
}

/** A length of time (milliseconds) in the largest whole unit. */
export function lasting(length) {
  const s = Math.floor(length / 1000);
  if (s < 120) return `${s}\u00a0s`;
  if (s < 7200) return `${Math.floor(s / 60)}\u00a0min`;
  if (s < 172800) return `${Math.floor(s / 3600)}\u00a0h`;
  return `${Math.floor(s / 86400)}\u00a0d`;
}

const zone = look.zone ? { timeZone: look.zone } : {};
const maker = (options) => {
  try {
    return new Intl.DateTimeFormat("en-GB", { hourCycle: "h23", ...options, ...zone });
  } catch {
    return new Intl.DateTimeFormat("en-GB", { hourCycle: "h23", ...options }); // an unknown zone must not stop the page
  }
};
const clockForm = maker({ hour: "2-digit", minute: "2-digit", second: "2-digit" });
const hourForm = maker({ hour: "2-digit", minute: "2-digit" });
const dayForm = maker({ weekday: "short", day: "numeric", month: "short", year: "numeric" });
const shortDayForm = maker({ day: "numeric", month: "short" });
const zoneForm = maker({ timeZoneName: "short" });

export const clockText = (at) => clockForm.format(at);
export const hourText = (at) => hourForm.format(at);
export const dayText = (at) => dayForm.format(at).replace(",", "");
export const shortDayText = (at) => shortDayForm.format(at);
export const zoneText = (at) => zoneForm.formatToParts(at).find((part) => part.type === "timeZoneName")?.value ?? "";

/** Date and time, with the day left out when it is today's. */
export function whenText(at, now) {
  return dayText(at) === dayText(now) ? hourText(at) : `${shortDayText(at)} ${hourText(at)}`;
}

/** Degrees and decimal minutes, as on a chart: 46°25.3′N; whole degrees where `digits` is negative. */
export function degrees(value, [plus, minus], digits = 1) {
  const size = Math.abs(value);
  let whole = Math.floor(size + 1e-9);
  let minutes = (size - whole) * 60;
  if (minutes < 0) minutes = 0;
  let text = minutes.toFixed(Math.max(0, digits));
  if (Number(text) >= 60) [whole, text] = [whole + 1, (0).toFixed(digits)];
  if (digits < 0) return `${Math.round(size)}°${value < 0 ? minus : plus}`;
  return `${whole}°${text.padStart(digits ? digits + 3 : 2, "0")}′${value < 0 ? minus : plus}`;
}

/** `n` things, in the singular when it is one. */
export const count = (n, one, many = `${one}s`) => `${n} ${n === 1 ? one : many}`;
