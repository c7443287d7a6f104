// Passkeys between JSON and the browser's own words (WebAuthn level 3), and what goes wrong with them in words for people.

const bytes = (text) => Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (one) => one.charCodeAt(0));
const text = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
const named = (list) => (list ?? []).map((one) => ({ ...one, id: bytes(one.id) }));

/** Why this browser can have no passkey here; empty when it can. */
export function unable() {
  if (/^[\d.]+$|:/.test(location.hostname)) return location.hostname === "127.0.0.1" || location.hostname === "[::1]" ? "number" : "A passkey needs a name in the address, and this is a number.";
  if (!window.isSecureContext) return "A passkey needs HTTPS.";
  if (!window.PublicKeyCredential) return "This browser knows no passkeys.";
  return "";
}

/** This page under the name of this machine instead of its number. */
export const byName = () => `${location.protocol}//localhost${location.port ? `:${location.port}` : ""}${location.pathname}${location.search}`;

/** Make a passkey as the city asks; its answer as JSON. */
export async function make(options) {
  const publicKey = { ...options, challenge: bytes(options.challenge), user: { ...options.user, id: bytes(options.user.id) }, excludeCredentials: named(options.excludeCredentials) };
  const made = await told(() => navigator.credentials.create({ publicKey }), "No passkey was made.");
  return { ...common(made), response: { clientDataJSON: text(made.response.clientDataJSON), attestationObject: text(made.response.attestationObject) } };
}

/** Sign with a passkey as the city asks; its answer as JSON. */
export async function sign(options) {
  const publicKey = { ...options, challenge: bytes(options.challenge), allowCredentials: named(options.allowCredentials) };
  const made = await told(() => navigator.credentials.get({ publicKey }), "No passkey was used.");
  const { clientDataJSON, authenticatorData, signature, userHandle } = made.response;
  return { ...common(made), response: { clientDataJSON: text(clientDataJSON), authenticatorData: text(authenticatorData), signature: text(signature), userHandle: userHandle ? text(userHandle) : null } };
}

const common = (made) => ({ id: made.id, rawId: text(made.rawId), type: made.type, authenticatorAttachment: made.authenticatorAttachment ?? null, clientExtensionResults: {} });

async function told(work, words) {
  try {
    return await work();
  } catch (wrong) {
    const why = {
      NotAllowedError: [words, "It was cancelled, took too long, or there is none for this city on this device. Try again, or take another way in."],
      InvalidStateError: ["This device has a passkey for this account already.", "Use that one."],
      SecurityError: ["The browser allows no passkey at this address.", "Open the city by its own name."],
      NotSupportedError: ["This device cannot keep a passkey that verifies who you are.", "Take another device or a security key, or use a password."],
    }[wrong.name] ?? [`${words} ${wrong.message}`, "Try again."];
    throw Object.assign(new Error(why[0]), { mend: why[1], status: 0, problem: null });
  }
}
