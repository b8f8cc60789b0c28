import { fullJitter } from './backoff.js';

// How long a transport that could not be opened stays at the end of the list. A
// hanging upgrade costs the whole connect timeout, too much to pay at each reconnect.
const demotionMs = 5 * 60_000;

// A connection that lived this long was a good one, and the next break starts the
// backoff anew. Without it a server that accepts and drops would be hammered.
const stableMs = 5000;

/** Remembers what was tried: which transport comes next, and after what delay. */
export class Attempts {
  #backoff;
  #tried = new Set();
  #demotedUntil = new Map();
  #choices = [];
  /** Failed attempts in a row. */
  count = 0;

  /** @param {{baseMs: number, capMs: number, random: () => number}} backoff */
  constructor(backoff) {
    this.#backoff = backoff;
  }

  /** Starts over: a person asked for a connection. */
  reset() {
    this.count = 0;
    this.#tried.clear();
    this.#demotedUntil.clear();
  }

  /** The next transport of `known` to try, best first, or undefined if none is offered. */
  choose(mode, known, offered, now) {
    const wanted = mode === 'auto' ? known : [mode];
    this.#choices = wanted.filter((transport) => offered.includes(transport));
    const demoted = (transport) => (this.#demotedUntil.get(transport) ?? 0) > now;
    const left = this.#choices.filter((transport) => !this.#tried.has(transport));
    return left.find((transport) => !demoted(transport)) ?? left[0];
  }

  /** Whether a transport is left to try before the next wait. */
  get hasAnother() {
    return this.#choices.some((transport) => !this.#tried.has(transport));
  }

  /** The transport could not be opened. */
  failed(transport) {
    this.#tried.add(transport);
  }

  /**
   * The transport is ready at `now`. Those tried before it in this round did not get
   * through although the server was there, so they are put last for a while.
   */
  opened(transport, now) {
    for (const other of this.#tried) this.#demotedUntil.set(other, now + demotionMs);
    this.#demotedUntil.delete(transport);
    this.#tried.clear();
  }

  /** A connection that had been ready ended after livedMs. Returns whether it was a good one. */
  closed(livedMs) {
    if (livedMs < stableMs) return false;
    this.count = 0;
    return true;
  }

  /**
   * Milliseconds to wait before the next attempt. The server's own figure is obeyed:
   * never earlier, and not much later, for the server has spread it over its clients.
   */
  nextDelay(retryAfterMs) {
    this.#tried.clear();
    const { baseMs, random } = this.#backoff;
    const attempt = this.count++;
    if (retryAfterMs > 0) return retryAfterMs + Math.floor(random() * baseMs);
    return fullJitter(attempt, this.#backoff);
  }
}
