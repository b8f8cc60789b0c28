import { parseCursor } from './cursor.js';

/**
 * Tells the replayed events of one connection from the live ones after them, and
 * notices the moment the client has caught up.
 */
export class Replay {
  #left;
  #head;
  #startedAt;
  count = 0;
  gap = null;

  /**
   * @param {{replayed?: number, recovered?: boolean, head?: number}} ready data of hubline.ready
   * @param {number} startedAt when this connect began, in milliseconds
   */
  constructor(ready, startedAt) {
    this.#left = ready.replayed ?? 0;
    this.#head = Number.isInteger(ready.head) ? BigInt(ready.head) : null;
    this.recovered = ready.recovered === true;
    this.#startedAt = startedAt;
  }

  get done() {
    return this.#left <= 0;
  }

  /** Counts one event, also a duplicate, and returns whether it belongs to the replay. */
  take(cursor, isNew) {
    if (this.done) return false;
    const at = parseCursor(cursor);
    // Past the head at ready: the replay was shorter than announced.
    if (at && this.#head !== null && at.seq > this.#head) {
      this.#left = 0;
      return false;
    }
    this.#left--;
    if (isNew) this.count++;
    return true;
  }

  /** The cursor has moved on without an event: at the head, nothing more can follow. */
  pass(cursor) {
    const at = parseCursor(cursor);
    if (at && this.#head !== null && at.seq >= this.#head) this.#left = 0;
  }

  /** What to tell people once done. */
  summary(now) {
    return { count: this.count, tookMs: now - this.#startedAt, recovered: this.recovered && !this.gap, gap: this.gap };
  }
}
