// The service worker of the public side. `KNOWS` is put before it by the city: the mark of its files, which the pages need,
// its languages. It touches the public pages and their files alone; the rooms of the staff go past it.

const FILES = `hansa-files-${KNOWS.mark}`;
const KEPT = `hansa-pages-${KNOWS.mark}`;
const MOST = 100; // pages kept; the oldest goes
const WAIT_MS = 10_000; // for the line, where there is a copy
const NAMES = new Set(KNOWS.files);
const languageOf = (path) => KNOWS.languages.find((one) => path === `/${one}` || path.startsWith(`/${one}/`));
const words = (language) => KNOWS.words[KNOWS.languages.includes(language) ? language : KNOWS.languages[0]];

// ---- coming, and taking over from an older one

self.addEventListener("install", (event) => event.waitUntil((async () => {
  await (await caches.open(FILES)).addAll(KNOWS.files);
  // Languages that were read here before: without them an update would leave a phone with nothing while it is offline.
  const old = (await caches.keys()).filter((name) => name.startsWith("hansa-pages-"));
  const read = new Set();
  for (const name of old) for (const { url } of await (await caches.open(name)).keys()) read.add(languageOf(new URL(url).pathname));
  for (const language of read) if (language) await shell(language);
})()));

self.addEventListener("activate", (event) => event.waitUntil((async () => {
  for (const name of await caches.keys()) if (name.startsWith("hansa-") && name !== FILES && name !== KEPT) await caches.delete(name);
  await self.clients.claim();
})()));

async function shell(language) {
  await Promise.all(KNOWS.pages.map(async (page) => {
    try {
      const request = new Request(`/${language}/${page}`, { credentials: "omit" });
      await put(request, await fetch(request));
    } catch {
      // The line went down meanwhile: what was seen stays, the rest comes with the next visit.
    }
  }));
}

/** Keep the forms that the list of reports leads to, one after the other: whoever looks at it may be out of reach soon. */
async function forms(paths) {
  const cache = await caches.open(KEPT);
  for (const path of paths.slice(0, 30)) {
    const url = new URL(path, self.location.origin);
    if (url.origin !== self.location.origin || !languageOf(url.pathname) || (await cache.match(url.href))) continue;
    try {
      const request = new Request(url.href, { credentials: "omit" });
      await put(request, await fetch(request));
    } catch {
      return;
    }
  }
}

// ---- pages: the newest where there is a line, else the last copy with its time

async function put(request, answer) {
  if (!answer.ok || answer.headers.get("x-hansa-keep") !== "1") return;
  const headers = new Headers(answer.headers);
  headers.set("x-hansa-at", new Date().toISOString());
  const cache = await caches.open(KEPT);
  const url = new URL(request.url);
  url.hash = "";
  await cache.delete(url.href);
  await cache.put(url.href, new Response(await answer.clone().blob(), { status: answer.status, headers }));
  const all = await cache.keys();
  for (const one of all.slice(0, Math.max(0, all.length - MOST))) await cache.delete(one);
}

async function kept(url) {
  const cache = await caches.open(KEPT);
  const found = (await cache.match(url.href)) ?? (url.searchParams.has("service") ? null : await cache.match(url.href, { ignoreSearch: true }));
  if (!found) return null;
  const at = found.headers.get("x-hansa-at") ?? "";
  const headers = new Headers(found.headers);
  headers.delete("content-length");
  return new Response((await found.text()).replace("<html ", `<html data-kept="${at.replace(/[^0-9TZ:.-]/g, "")}" `), { status: 200, headers });
}

async function page(event, language) {
  const url = new URL(event.request.url);
  const copy = kept(url);
  const asked = fetch(event.request).then(async (answer) => {
    // Kept beside, so that nobody waits for the disk; a page that failed is no newer truth than the copy.
    event.waitUntil(put(event.request, answer.clone()));
    return answer.status >= 500 && (await copy) ? copy : answer;
  });
  const late = new Promise((_, failed) => setTimeout(failed, WAIT_MS));
  try {
    return (await copy) ? await Promise.race([asked, late]) : await asked;
  } catch {
    asked.catch(() => undefined);
    return (await copy) ?? (await kept(new URL(`/${language}/offline`, url))) ?? new Response(words(language).offline, { status: 503, headers: { "content-type": "text/plain; charset=utf-8" } });
  }
}

async function file(request) {
  const cache = await caches.open(FILES);
  const found = await cache.match(request.url);
  if (found) return found;
  const answer = await fetch(request);
  if (answer.ok) await cache.put(request.url, answer.clone());
  return answer;
}

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (url.origin !== self.location.origin || request.method !== "GET") return;
  if (NAMES.has(url.pathname)) event.respondWith(file(request));
  else if (request.mode === "navigate" && languageOf(url.pathname)) event.respondWith(page(event, languageOf(url.pathname)));
});

// ---- reports that wait for the line: kept here until the city has taken them; their key makes sending twice harmless

const box = () => new Promise((done, failed) => {
  const asked = indexedDB.open("hansa-reports", 1);
  asked.onupgradeneeded = () => asked.result.createObjectStore("waiting", { keyPath: "id" });
  asked.onsuccess = () => done(asked.result);
  asked.onerror = () => failed(asked.error);
});

async function stored(mode, work) {
  const db = await box();
  try {
    return await new Promise((done, failed) => {
      const turn = db.transaction("waiting", mode);
      const asked = work(turn.objectStore("waiting"));
      turn.oncomplete = () => done(asked?.result);
      turn.onerror = turn.onabort = () => failed(turn.error);
    });
  } finally {
    db.close();
  }
}

async function tell(what) {
  for (const one of await self.clients.matchAll({ type: "window" })) one.postMessage(what);
}

async function told() {
  const all = await stored("readonly", (store) => store.getAll());
  await tell({ waiting: all.filter((one) => !one.token).map(({ id, name, refused }) => ({ id, name, refused })) });
}

let line = Promise.resolve();
function send() {
  line = line.then(sent, sent).catch(() => undefined);
  return line;
}

async function sent() {
  for (const one of await stored("readonly", (store) => store.getAll())) {
    if (one.refused || one.token) continue;
    const said = new FormData();
    for (const it of one.items) it.body ? said.append(it.name, new File([it.body], it.file, { type: it.kind })) : said.append(it.name, it.value);
    let answer;
    try {
      answer = await fetch(one.action, { method: "POST", body: said });
    } catch {
      break; // still no line
    }
    if (answer.redirected && answer.ok) {
      one.token = decodeURIComponent(new URL(answer.url).pathname.split("/").pop());
      one.items = [];
      await stored("readwrite", (store) => store.put(one));
      const language = languageOf(one.action);
      if (self.Notification?.permission === "granted") await self.registration.showNotification(words(language).sent, { body: one.name, lang: language, icon: KNOWS.icon, badge: KNOWS.badge, tag: one.id, data: { link: new URL(answer.url).pathname } });
    } else if (answer.status === 429 || answer.status >= 500) break; // later
    else {
      one.refused = `${answer.status}`;
      await stored("readwrite", (store) => store.put(one));
    }
  }
  const done = (await stored("readonly", (store) => store.getAll())).filter((one) => one.token);
  // A page remembers them for itself, and says that it does; while none is open they wait for one.
  if (done.length) await tell({ sent: done.map(({ id, token, name }) => ({ id, token, name })) });
  await told();
}

self.addEventListener("sync", (event) => event.waitUntil(send()));
addEventListener("message", (event) => event.waitUntil((async () => {
  const { data, ports } = event;
  if (data?.skip) await self.skipWaiting();
  if (KNOWS.languages.includes(data?.keep)) {
    const cache = await caches.open(KEPT);
    if (!(await cache.match(`/${data.keep}/offline`))) await shell(data.keep);
  }
  if (Array.isArray(data?.have)) await stored("readwrite", (store) => { for (const one of data.have) store.delete(one); });
  if (Array.isArray(data?.forms)) await forms(data.forms);
  if (typeof data?.drop === "string") { await stored("readwrite", (store) => store.delete(data.drop)); await told(); }
  if (data?.queue) {
    try {
      await stored("readwrite", (store) => store.put(data.queue));
      ports[0]?.postMessage({ kept: true });
    } catch {
      ports[0]?.postMessage({ kept: false });
      return;
    }
    await self.registration.sync?.register("reports").catch(() => undefined);
    await told();
  }
  if (data?.send) await send();
})()));

// ---- warnings that are pushed

const text = (value, most) => (typeof value === "string" ? value.slice(0, most) : "");

self.addEventListener("push", (event) => {
  let said = {};
  try {
    said = event.data?.json() ?? {};
  } catch {
    // What is no JSON is shown all the same, as a warning without words: a browser wants to see something.
  }
  const language = KNOWS.languages.includes(said.lang) ? said.lang : KNOWS.languages[0];
  const link = text(said.url, 2_000);
  const again = said.again === true;
  const tag = text(said.tag, 200);
  const grave = !again && ["Extreme", "Severe"].includes(said.severity);
  event.waitUntil(self.registration.showNotification(text(said.title, 200) || words(language).warning, {
    body: text(said.body, 2_000) || words(language).open,
    lang: language,
    dir: language === "ar" ? "rtl" : "ltr",
    icon: KNOWS.icon,
    badge: KNOWS.badge,
    ...(tag ? { tag, renotify: !again } : {}),
    silent: again,
    requireInteraction: grave,
    data: { link, language },
    actions: link ? [{ action: "read", title: words(language).read }] : [],
  }));
});

self.addEventListener("notificationclick", (event) => {
  const { link, language } = event.notification.data ?? {};
  event.notification.close();
  let url = new URL(`/${language ?? KNOWS.languages[0]}/warnings`, self.location.origin);
  try {
    // A city may have several names: its page is opened under the one by which this phone knows it.
    const wanted = new URL(link || url, self.location.origin);
    // Of a path that begins with two slashes, what follows them would be another host.
    url = new URL(wanted.pathname.replace(/^\/+/, "/") + wanted.search, self.location.origin);
  } catch {
    // no address: the list of warnings then
  }
  event.waitUntil((async () => {
    if (event.action === "read" && /^\/w\/[^/]+$/.test(url.pathname)) {
      // Somebody pressed it: that is the one tap by which a warning is confirmed. Without a line, the page asks again.
      try {
        const answer = await fetch(url.pathname, { method: "POST", headers: { accept: "application/json", "x-hansa": "page" } });
        if (answer.ok) return;
      } catch {
        // below
      }
    }
    for (const one of await self.clients.matchAll({ type: "window" })) if (one.url === url.href && "focus" in one) return one.focus();
    await self.clients.openWindow(url.href);
  })());
});
