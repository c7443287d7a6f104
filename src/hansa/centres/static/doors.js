// The public doors of the city, as every page asks them: HTTP and JSON, and faults in words for people.

// A page of the command centre speaks of the security realm, below /ccc; every other of the open one.
const look = document.getElementById("look");
export const REALM = (look && JSON.parse(look.textContent).realm) || "open";
const ROOM = REALM === "security" ? "/ccc" : "";

/** An address of this room: `room("/alarms")`. */
export const room = (path) => `${ROOM}${path}`;
export const API = room("/ngsi-ld/v1");
export const DESK = room("/desk");
export const LIVE = room("/live");

// A sentence for people; what begins with the name of a member (`q: ...`) keeps it as it is written.
const sentence = (text) => String(text).replace(/^[a-z](?!\S*:)/, (first) => first.toUpperCase()).replace(/[^.!?…]$/, "$&.");
const MENDS = { 401: "Sign in, or open the page on the machine that hansa runs on.", 429: "Wait a moment.", 503: "The city is busy; try again in a moment." };

/** A request that failed, with what people can do about it; `problem` is what the city said (RFC 9457), if it did. */
export class Failed extends Error {
  constructor(detail, mend, status = 0, problem = null) {
    super(sentence(detail));
    this.mend = sentence(mend);
    this.status = status;
    this.problem = problem;
  }
}

/**
 * What a path of this city answers: {body, headers, status}; the body is JSON, null where there is none.
 * `send` is what is sent as JSON. Raises Failed in words for people, and AbortError as it comes.
 */
export async function ask(path, { method = "GET", headers = {}, send, accept = "application/json", kind = "application/json", signal } = {}) {
  let answer;
  try {
    const body = send === undefined ? {} : { body: JSON.stringify(send) };
    // By this header the city knows its own page from another site's that made a browser ask.
    const own = method === "GET" ? {} : { "x-hansa": "page" };
    answer = await fetch(path, { method, signal, headers: { accept, ...own, ...(send === undefined ? {} : { "content-type": kind }), ...headers }, ...body });
  } catch (fault) {
    if (fault.name === "AbortError") throw fault;
    throw new Failed("The city does not answer.", "Check the network and that hansa is running; this page tries again by itself.");
  }
  const text = await answer.text();
  let body = null;
  try {
    body = text ? JSON.parse(text) : null;
  } catch {
    // judged below: a good answer is JSON
  }
  if (answer.ok && (body !== null || !text)) return { body, headers: answer.headers, status: answer.status };
  const problem = body && typeof body === "object" && !Array.isArray(body) ? body : null;
  throw new Failed(problem?.detail ?? problem?.title ?? `The city answered ${answer.status}.`, problem?.mend ?? MENDS[answer.status] ?? (answer.status < 500 ? "" : "Try again in a moment."), answer.status, problem);
}

/** A path of the NGSI-LD API, its segments escaped: `door("entities", id, "attrs")`. */
export const door = (...segments) => [API, ...segments.map((one) => encodeURIComponent(one).replaceAll("%3A", ":"))].join("/");
