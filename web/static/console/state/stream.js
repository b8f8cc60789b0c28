/**
 * The list of what happened, oldest first: events, and the marks between them
 * (start, cut, lost, gap, caught up). Bounded: the oldest entry makes room.
 */
export class Stream {
  #entries = [];
  #limit;
  #nextKey = 1;
  /** Events taken since the beginning, also those no longer listed. */
  events = 0;
  /** Gaps likewise, and the last of them. */
  gaps = 0;
  lastGap = null;

  constructor(limit = 500) {
    this.#limit = limit;
  }

  get size() {
    return this.#entries.length;
  }

  /** @param {{event: object, origin: string}} received  @param {number} at local milliseconds */
  addEvent({ event, origin }, at) {
    this.events++;
    this.#add({ kind: 'event', event, origin, at });
  }

  /** @param {'start'|'cut'|'lost'|'gap'|'caughtup'} kind */
  addMark(kind, detail, at) {
    if (kind === 'gap') {
      this.gaps++;
      this.lastGap = detail.gap;
    }
    this.#add({ kind, ...detail, at });
  }

  /** Entries newer than a key, oldest first. Keys start at 1 and grow. */
  after(key) {
    const oldestKey = this.#nextKey - this.#entries.length;
    return this.#entries.slice(Math.max(0, key + 1 - oldestKey));
  }

  clear() {
    this.#entries = [];
    this.events = this.gaps = 0;
    this.lastGap = null;
  }

  #add(entry) {
    this.#entries.push({ key: this.#nextKey++, ...entry });
    if (this.#entries.length > this.#limit) this.#entries.shift();
  }
}
