// Voting, on any page of a city: a ballot is made and blinded here, signed by the city unseen, kept in this browser, and
// cast later and apart from that, without a cookie. Neither the city nor this module keeps who voted what anywhere else
// than here: the receipt is the voter's own. docs/residents.md tells it to voters, ADR 0017 to whoever doubts it.

import { blind, coded, fingerprint, finalize, joined, key, random, sealed, sha, uncoded, verifier } from "./blind.js";

const KEPT = "hansa.ballots";
const LEAST_MS = 2 * 60_000;
const SPREAD_MS = 18 * 60_000;
const RECEIPT = "hansa-receipt-1";
const FORMAT = "hansa-ballots-1";
const ANNOUNCED = "hansa-vote-1";
const nameOf = (ballot) => encodeURIComponent(ballot.split(":").pop());
const text = (said) => new TextEncoder().encode(said);

// ---- what this browser keeps: {id: {ballot, key, seal, fingerprint, serial, prefix, choice, blinded, undo, signature, due, receipt}}

function all() {
  try {
    return JSON.parse(localStorage.getItem(KEPT) ?? "{}");
  } catch {
    return {};
  }
}

function keep(one) {
  const kept = all();
  kept[one.ballot] = one;
  localStorage.setItem(KEPT, JSON.stringify(kept));
}

// ---- asking

async function ask(path, how = {}) {
  const answer = await fetch(path, { cache: "no-store", ...how });
  const kind = answer.headers.get("content-type") ?? "";
  const body = /[/+]json(;|$)/.test(kind) ? await answer.json() : await answer.text();
  if (answer.ok) return body;
  const fault = new Error(body?.detail ?? `the city answers ${answer.status}`);
  throw Object.assign(fault, { status: answer.status, problem: body });
}

const unnamed = (more = {}) => ({ credentials: "omit", referrerPolicy: "no-referrer", ...more });
const said = (body) => ({ method: "POST", body: JSON.stringify(body), headers: { "content-type": "application/json" } });

// What is asked, and by which key: asked without saying who asks, so that everybody is told of the same one.
export const question = (ballot) => ask(`/votes/${nameOf(ballot)}`, unnamed());

export function message(ballot, serial, choice) {
  return text(["hansa-ballot-1", ballot, serial, ...choice].join("\n"));
}

// JSON that everybody writes alike (RFC 8785): members in order, no blanks.
function canonical(value) {
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`;
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  return `{${Object.keys(value).sort().map((name) => `${JSON.stringify(name)}:${canonical(value[name])}`).join()}}`;
}

// What is announced of a vote: one fingerprint of the whole question, its key and its seal (Vote.fingerprint).
export async function announced(vote, of, seal) {
  const said = { format: ANNOUNCED, key: await fingerprint(of), seal, vote };
  return coded(await sha("SHA-256", text(canonical(said))));
}

// What is wrong with a choice, before a ballot is spent on it; null when nothing is.
export function wrong(vote, choice) {
  const costs = new Map(vote.options.map((one) => [one.id, one.cost ?? 0]));
  if (choice.some((one) => !costs.has(one)) || new Set(choice).size !== choice.length) return "unknown";
  if (choice.length > (vote.kind === "choice" ? 1 : vote.most ?? vote.options.length)) return "too-many";
  if (vote.knapsack && choice.reduce((sum, one) => sum + costs.get(one), 0) > vote.budget) return "too-dear";
  return null;
}

// Make a ballot, have it signed, keep it. It is cast by castDue(), later. Throws: .status 401, 403, 409, ...
export const vote = (ballot, choice) => alone(() => voted(ballot, choice));

// One window at a time: two would ask for two ballots, and one of them in vain.
const alone = (work) => (navigator.locks ? navigator.locks.request(KEPT, work) : work());

async function voted(ballot, choice) {
  let kept = all()[ballot];
  if (kept?.signature) return told(kept); // another window was quicker
  const asked = await question(ballot);
  const chosen = [...choice].sort();
  const why = wrong(asked.vote, chosen);
  if (why) throw Object.assign(new Error(`this cannot be chosen: ${why}`), { code: why, status: 400 });
  const known = key(asked.key);
  const mark = await announced(asked.vote, known, asked.seal);
  if (mark !== asked.fingerprint) throw new Error("the city announces another vote than it shows");
  // What was begun with another choice is begun anew, unless the city has given the ballot: then that one stands.
  if (kept && kept.choice.join() !== chosen.join() && !(await ask(`/votes/${nameOf(ballot)}/given`)).given) kept = null;
  // A ballot that was begun and not answered is asked for again just as it was: nobody is given two.
  const one = kept ?? { ballot, key: known.jwk, seal: asked.seal, fingerprint: mark, serial: coded(random(32)), prefix: coded(random(32)), choice: chosen };
  if (one.fingerprint !== mark) throw new Error("the city shows another question, key or seal than before: do not vote, tell others");
  const ready = joined(uncoded(one.prefix), message(ballot, one.serial, one.choice));
  if (!one.blinded) {
    const made = await blind(known, ready);
    Object.assign(one, { blinded: coded(made.blinded), undo: made.undo.toString(16) });
    keep(one);
  }
  const given = await ask(`/votes/${nameOf(ballot)}/sign`, { ...said({ blinded: one.blinded }), headers: { "content-type": "application/json", "x-hansa": "page" } });
  const signature = await finalize(known, ready, uncoded(given.signature), BigInt(`0x${one.undo}`));
  const wait = LEAST_MS + Math.floor((new DataView(random(4).buffer).getUint32(0) / 2 ** 32) * SPREAD_MS);
  const left = Math.max(0, Date.parse(asked.vote.closes) - Date.parse(asked.at) - 30_000);
  const done = { ...one, signature: coded(signature), due: Date.now() + Math.min(wait, left) };
  delete done.blinded; // what was blinded is known with who asked: nothing of it stays beside the ballot
  delete done.undo;
  keep(done);
  return told(done);
}

const told = (one) => ({ ballot: one.ballot, choice: one.choice, due: one.due ?? null, cast: Boolean(one.receipt) });

// Ballots of this browser that are signed and not cast yet.
export const pending = () => Object.values(all()).filter((one) => one.signature && !one.receipt).map(told);

// Cast what is due; `now`: whatever its time is. What fails is tried again at the next call; {cast: [...], failed: [...]}
export const castDue = (how = {}) => alone(() => castAll(how));

async function castAll({ now = false }) {
  const done = { cast: [], failed: [] };
  for (const one of Object.values(all())) {
    if (!one.signature || one.receipt || (!now && one.due > Date.now())) continue;
    try {
      const { serial, prefix, choice, signature } = one;
      const { receipt } = await ask(`/votes/${nameOf(one.ballot)}/cast`, unnamed(said({ serial, prefix, choice, signature })));
      keep({ ...one, receipt });
      done.cast.push(one.ballot);
    } catch (fault) {
      done.failed.push({ ballot: one.ballot, status: fault.status ?? 0, why: fault.message });
    }
  }
  return done;
}

// The receipts of this browser, each as the file that `hansa ballots check --receipt` reads.
export function receipts() {
  const names = ["ballot", "fingerprint", "serial", "prefix", "choice", "signature", "receipt"];
  return Object.values(all())
    .filter((one) => one.receipt)
    .map((one) => ({ format: RECEIPT, ...Object.fromEntries(names.map((name) => [name, one[name]])) }));
}

// Forget a ballot that was cast: the receipt goes with it.
export function forget(ballot) {
  const kept = all();
  delete kept[ballot];
  localStorage.setItem(KEPT, JSON.stringify(kept));
}

// After the close: is this ballot in the published file, and is the file that of the vote which this browser was told of?
// The whole file is read, for whoever asked for one ballot would say which is his. { found, root, cast, given, why }
// Compared and verified are: the one fingerprint of question, key and seal with what was kept when the ballot was made,
// the head's signature and the receipt's by that seal, every ballot's signature, order, doubles, numbers, root.
export async function check(receipt) {
  const body = await ask(`/votes/${nameOf(receipt.ballot)}/published`, unnamed());
  try {
    return await checked(receipt, body.split("\n").filter(Boolean));
  } catch (fault) {
    if (fault.name === "NotSupportedError") throw fault; // this browser verifies no Ed25519: that is no fault of the file
    return { found: false, why: "unreadable" };
  }
}

async function checked(receipt, lines) {
  const head = JSON.parse(lines[0]);
  if (head.format !== FORMAT || head.vote.ballot !== receipt.ballot) return { found: false, why: "another-vote" };
  const known = key(head.key);
  const holds = await verifier(known);
  const mine = joined(uncoded(receipt.prefix), message(receipt.ballot, receipt.serial, receipt.choice));
  if (!(await holds(mine, uncoded(receipt.signature)))) return { found: false, why: "another-key" };
  const mark = await announced(head.vote, known, head.seal);
  const kept = receipt.fingerprint ?? all()[receipt.ballot]?.fingerprint;
  if (!kept) return { found: false, why: "not-compared" };
  if (kept !== mark || head.fingerprint !== mark) return { found: false, why: "another-fingerprint" };
  const seal = uncoded(head.seal);
  if (!(await sealed(seal, text(`${FORMAT}\n${lines[0]}`), uncoded(JSON.parse(lines[1]).signature)))) return { found: false, why: "head" };
  const leafOf = (ready, signature) => sha("SHA-256", joined(Uint8Array.of(0), ready, signature));
  const leaf = coded(await leafOf(mine, uncoded(receipt.signature)));
  if (!(await sealed(seal, text(`${RECEIPT}\n${receipt.ballot}\n${leaf}`), uncoded(receipt.receipt)))) return { found: false, why: "receipt" };
  const leaves = [];
  let [found, before, wrong] = [false, "", ""];
  for (const line of lines.slice(2)) {
    const one = JSON.parse(line);
    const [ready, signature] = [joined(uncoded(one.prefix), message(receipt.ballot, one.serial, one.choice)), uncoded(one.signature)];
    const hex = [...uncoded(one.serial)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
    if (hex <= before) wrong ||= "order"; // twice, or not in its place
    if (!(await holds(ready, signature))) wrong ||= "made-up";
    before = hex;
    leaves.push(await leafOf(ready, signature));
    found ||= one.serial === receipt.serial && one.signature === receipt.signature && one.choice.join() === receipt.choice.join();
  }
  const root = coded(await rootOf(leaves));
  const sums = root !== head.root ? "root" : leaves.length !== head.cast ? "numbers" : head.cast > head.given ? "stuffed" : "";
  const why = !found ? "missing" : wrong || sums;
  return { found: found && !why, root, cast: head.cast, given: head.given, why };
}

// The Merkle root of RFC 9162 (2.1.1).
async function rootOf(leaves) {
  if (!leaves.length) return sha("SHA-256", new Uint8Array(0));
  if (leaves.length === 1) return leaves[0];
  let half = 1;
  while (half * 2 < leaves.length) half *= 2;
  const [left, right] = [await rootOf(leaves.slice(0, half)), await rootOf(leaves.slice(half))];
  return sha("SHA-256", joined(Uint8Array.of(1), left, right));
}
