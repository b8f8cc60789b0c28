/** How far the server's clock is from ours, as far as its messages show. */
export class Skew {
  #ms = -Infinity;

  /** A message that the server dated ts has just come. The quickest one tells most. */
  see(ts, now) {
    if (Number.isFinite(ts)) this.#ms = Math.max(this.#ms, ts - now);
  }

  /** Milliseconds to add to our time. Below a second it is the way here, not a wrong clock. */
  get ms() {
    return Number.isFinite(this.#ms) && Math.abs(this.#ms) > 1000 ? this.#ms : 0;
  }
}
