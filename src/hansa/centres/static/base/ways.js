// Where things are shown: addresses of the pages of the context base.

/** The page of an entity; `asked` is where one comes from: its tenant and @context hold there too. */
export function entityPage(id, asked = {}) {
  const query = new URLSearchParams();
  for (const name of ["tenant", "context"]) if (asked[name]) query.set(name, asked[name]);
  const text = query.toString();
  return `/entities/${encodeURIComponent(id).replaceAll("%3A", ":")}${text ? `?${text}` : ""}`;
}
