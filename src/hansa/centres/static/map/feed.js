// The worker, as the page speaks with it: orders, questions with an answer, and what it says by itself.

export function startFeed() {
  const worker = new Worker(new URL("./worker.js", import.meta.url), { type: "module" });
  const waiting = new Map();
  const listeners = new Map();
  let number = 0;
  worker.addEventListener("message", ({ data }) => {
    if (data.say === "answer") {
      waiting.get(data.number)?.(data.answer);
      waiting.delete(data.number);
    } else for (const fn of listeners.get(data.say) ?? []) fn(data);
  });
  return {
    /** An order: `to("view", {view})`. */
    to: (what, more = {}) => worker.postMessage({ to: what, ...more }),
    /** A question: `await ask("find", {words})`. */
    ask: (what, more = {}) => new Promise((resolve) => {
      waiting.set(++number, resolve);
      worker.postMessage({ ask: what, number, ...more });
    }),
    on(what, fn) {
      if (!listeners.has(what)) listeners.set(what, new Set());
      listeners.get(what).add(fn);
    },
  };
}
