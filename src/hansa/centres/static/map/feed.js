// The worker, as the page speaks with it: orders, questions with an answer, and what it says by itself.

export function startFeed() {
  const worker = new Worker(new URL("./worker.js", import.meta.url), { type: "module" });
  const waiting = new Map();
  const listeners = new Map();
  const last = new Map(); // of each kind: the worker may be done before the page has a ground to show it on
  let number = 0;
  worker.addEventListener("message", ({ data }) => {
    if (data.say === "answer") {
      waiting.get(data.number)?.(data.answer);
      waiting.delete(data.number);
      return;
    }
    last.set(data.say, data);
    for (const fn of listeners.get(data.say) ?? []) fn(data);
  });
  return {
    /** An order: `to("view", {view})`. */
    to: (what, more = {}) => worker.postMessage({ to: what, ...more }),
    /** A question: `await ask("find", {words})`. */
    ask: (what, more = {}) => new Promise((resolve) => {
      waiting.set(++number, resolve);
      worker.postMessage({ ask: what, number, ...more });
    }),
    /** Hear what the worker says of a kind, also the last that it said before. */
    on(what, fn) {
      if (!listeners.has(what)) listeners.set(what, new Set());
      listeners.get(what).add(fn);
      if (last.has(what)) queueMicrotask(() => fn(last.get(what)));
    },
  };
}
