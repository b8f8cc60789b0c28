/**
 * Calls again and again, the next time so long after the last has ended. Failures
 * stretch the wait, up to maxMs; stop ends it, and aborts what is under way.
 */
export class Poller {
  #run;
  #everyMs;
  #maxMs;
  #env;
  #timer = null;
  #abort = null;
  #failures = 0;

  /**
   * @param {(signal: AbortSignal) => Promise<boolean>} run reports whether it went well; it does not throw
   * @param {{everyMs: number, maxMs?: number}} pace
   * @param {{setTimeout: typeof setTimeout, clearTimeout: typeof clearTimeout}} [env]
   */
  constructor(run, { everyMs, maxMs = 30_000 }, env = globalThis) {
    this.#run = run;
    this.#everyMs = everyMs;
    this.#maxMs = maxMs;
    this.#env = env;
  }

  get running() {
    return this.#abort !== null;
  }

  /** Begins, with the first call at once. Begun, it only makes the next call at once. */
  start() {
    if (!this.running) this.#begin();
    else if (this.#timer !== null) {
      this.#clear();
      this.#go(this.#abort.signal);
    }
  }

  stop() {
    this.#abort?.abort();
    this.#abort = null;
    this.#failures = 0;
    this.#clear();
  }

  #begin() {
    this.#abort = new AbortController();
    this.#go(this.#abort.signal);
  }

  async #go(signal) {
    const ok = await this.#run(signal);
    if (signal.aborted) return;
    this.#failures = ok ? 0 : this.#failures + 1;
    const wait = Math.min(this.#maxMs, this.#everyMs * 2 ** Math.min(this.#failures, 10));
    this.#timer = this.#env.setTimeout(() => {
      this.#timer = null;
      this.#go(signal);
    }, wait);
  }

  #clear() {
    if (this.#timer !== null) this.#env.clearTimeout(this.#timer);
    this.#timer = null;
  }
}
