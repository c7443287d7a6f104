// What every page of the public side knows and remembers: its words, its language, and what this phone keeps by itself.

export const site = JSON.parse(document.getElementById("site").textContent);

/** A message for people, with its places filled in. */
export function say(key, places = {}) {
  let text = site.words[key] ?? key;
  for (const [name, value] of Object.entries(places)) text = text.replaceAll(`{${name}}`, String(value));
  return text;
}

/** The address of a page in this language. */
export const to = (path) => `/${site.language}/${path}`;

/** What this phone remembers under a name; `none` where there is nothing, or it may keep nothing. */
export function recall(name, none) {
  try {
    return JSON.parse(localStorage.getItem(`hansa.${name}`)) ?? none;
  } catch {
    return none;
  }
}

/** Remember something on this phone, and nowhere else; null forgets it. */
export function remember(name, value) {
  try {
    if (value === null) localStorage.removeItem(`hansa.${name}`);
    else localStorage.setItem(`hansa.${name}`, JSON.stringify(value));
  } catch {
    // Storage is forbidden or full: the page works without.
  }
}

/** Where this phone is: {lon, lat, metres}. Raises an Error in words for people. */
export const position = () => new Promise((found, failed) => {
  if (!navigator.geolocation) return failed(new Error(say("place.denied")));
  navigator.geolocation.getCurrentPosition(
    ({ coords }) => found({ lon: coords.longitude, lat: coords.latitude, metres: Math.round(coords.accuracy) }),
    () => failed(new Error(say("place.denied"))),
    { enableHighAccuracy: true, timeout: 20_000, maximumAge: 60_000 },
  );
});
