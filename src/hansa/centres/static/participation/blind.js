// Blind RSA signatures (RFC 9474, RSABSSA-SHA384-PSS-Randomized): the voter's side. The other is hansa/trust/blind.py;
// tests/browser/test_participation_page.py holds both against each other and against the vectors of the RFC.
// What is multiplied here is public or random, once each: BigInt's time tells nobody anything of the ballot.

const HASH = 48;
const SALT = 48;
const subtle = globalThis.crypto?.subtle;

export const random = (size) => crypto.getRandomValues(new Uint8Array(size));

export function joined(...parts) {
  const made = new Uint8Array(parts.reduce((sum, one) => sum + one.length, 0));
  let at = 0;
  for (const one of parts) {
    made.set(one, at);
    at += one.length;
  }
  return made;
}

// Base64 for addresses, without padding (RFC 4648, section 5).
export function coded(bytes) {
  let text = "";
  for (const one of bytes) text += String.fromCharCode(one);
  return btoa(text).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

export function uncoded(text) {
  const plain = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(plain, (one) => one.charCodeAt(0));
}

export function number(bytes) {
  let hex = "0x0";
  for (const one of bytes) hex += one.toString(16).padStart(2, "0");
  return BigInt(hex);
}

export function octets(value, size) {
  const hex = value.toString(16).padStart(2 * size, "0");
  return Uint8Array.from({ length: size }, (_, n) => parseInt(hex.slice(2 * n, 2 * n + 2), 16));
}

export const sha = async (name, bytes) => new Uint8Array(await subtle.digest(name, bytes));

function power(base, exponent, modulus) {
  let [found, one, left] = [1n, base % modulus, exponent];
  while (left > 0n) {
    if (left & 1n) found = (found * one) % modulus;
    one = (one * one) % modulus;
    left >>= 1n;
  }
  return found;
}

function inverse(value, modulus) {
  let [a, b, x, y] = [value % modulus, modulus, 1n, 0n];
  while (b > 0n) {
    const times = a / b;
    [a, b, x, y] = [b, a - times * b, y, x - times * y];
  }
  if (a !== 1n) throw new Error("invalid blind");
  return ((x % modulus) + modulus) % modulus;
}

async function mask(seed, size) {
  const parts = [];
  for (let n = 0; n * HASH < size; n += 1) parts.push(await sha("SHA-384", joined(seed, octets(BigInt(n), 4))));
  return joined(...parts).slice(0, size);
}

// EMSA-PSS-ENCODE (RFC 8017, 9.1.1).
async function encoded(message, bits, salt) {
  const size = Math.ceil(bits / 8);
  const hashed = await sha("SHA-384", joined(new Uint8Array(8), await sha("SHA-384", message), salt));
  const block = joined(new Uint8Array(size - salt.length - HASH - 2), Uint8Array.of(1), salt);
  const over = await mask(hashed, block.length);
  const masked = block.map((one, n) => one ^ over[n]);
  masked[0] &= 0xff >> (8 * size - bits);
  return joined(masked, hashed, Uint8Array.of(0xbc));
}

// A public key, of a JWK: { n, e, size (bytes), bits }.
export function key(jwk) {
  const [n, e] = [number(uncoded(jwk.n)), number(uncoded(jwk.e))];
  const bits = n.toString(2).length;
  if (jwk.kty !== "RSA" || bits < 2048 || bits > 8192 || e !== 65537n) throw new Error("this is no key that a vote has");
  return { n, e, bits, size: Math.ceil(bits / 8), jwk: { kty: "RSA", n: jwk.n, e: jwk.e } };
}

// The SHA-256 thumbprint of a key (RFC 7638).
export async function fingerprint(of) {
  const { e, n } = of.jwk;
  return coded(await sha("SHA-256", new TextEncoder().encode(`{"e":"${e}","kty":"RSA","n":"${n}"}`)));
}

function below(modulus, size) {
  for (;;) {
    const found = number(random(size));
    if (found > 0n && found < modulus) return found;
  }
}

// The blinded message (bytes), and by what its signature is unblinded. `message` is prepared: 32 random bytes before it.
export async function blind(of, message, salt = random(SALT), given = null) {
  const m = number(await encoded(message, of.bits - 1, salt));
  const undo = given ?? below(of.n, of.size); // the inverse of a uniform number is as uniform as the number
  const r = inverse(undo, of.n);
  return { blinded: octets((m * power(r, of.e, of.n)) % of.n, of.size), undo };
}

// The signature of `message`; throws when what came back is none of it.
export async function finalize(of, message, signed, undo) {
  if (signed.length !== of.size) throw new Error("this is no signature");
  const found = octets((number(signed) * undo) % of.n, of.size);
  if (!(await holds(of, message, found))) throw new Error("the city's answer is no signature of this ballot");
  return found;
}

export const holds = async (of, message, signature) => (await verifier(of))(message, signature);

// The same for many messages of one key: (message, signature) => Promise of true or false.
export async function verifier(of) {
  const known = await subtle.importKey("jwk", { ...of.jwk, ext: true }, { name: "RSA-PSS", hash: "SHA-384" }, false, ["verify"]);
  return (message, signature) => subtle.verify({ name: "RSA-PSS", saltLength: SALT }, known, signature, message);
}

// An Ed25519 signature; throws where the browser cannot verify one: what was not verified is not said to hold.
export async function sealed(key, message, signature) {
  const known = await subtle.importKey("raw", key, { name: "Ed25519" }, false, ["verify"]);
  return subtle.verify({ name: "Ed25519" }, known, signature, message);
}
