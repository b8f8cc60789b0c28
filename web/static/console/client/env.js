/**
 * What the client uses of its surroundings, in one place, so that tests can give it a
 * clock and a network of their own. Looked up at each call: a page may replace fetch.
 */
export function browser() {
  return {
    fetch: (...args) => globalThis.fetch(...args),
    WebSocket: globalThis.WebSocket,
    setTimeout: (run, ms) => globalThis.setTimeout(run, ms),
    clearTimeout: (id) => globalThis.clearTimeout(id),
    now: () => Date.now(),
    random: () => Math.random(),
  };
}
