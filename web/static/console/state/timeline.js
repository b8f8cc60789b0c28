import { AnotherEpoch, firstSeq, join, lastSeq, readWindow } from './logwindow.js';

// How many seqs are looked at in one go. With a filter most of them may not be
// wanted, so the step grows as long as answers are few.
const stepMin = 100;
const stepMax = 1000;
// How many steps one call of older may take before it comes back for air.
const maxSteps = 20;

/**
 * A user's log as a list that begins at its newest end, is read on backwards by pages
 * and follows what comes. It knows one unbroken range of seqs, and of these at most
 * limit items: read on at one end, it lets go of the other.
 *
 * Calls must not overlap; the owner waits for one before it makes the next.
 */
export class Timeline {
  #read;
  #limit;
  #page;
  #step = stepMin;
  /** @type {import('./logwindow.js').Item[]} oldest first */
  items = [];
  epoch = null;
  head = 0;
  oldest = 1;
  /** The range that items are of; empty if high is below low. */
  low = 1;
  high = 0;

  /**
   * @param {(query: {since: string, limit: number}) => Promise<object>} read one answer of GET …/events, with the
   *   filters that are wanted
   * @param {{limit?: number, page?: number}} [bounds] page: how many items older and newer bring at least, if there are
   */
  constructor(read, { limit = 500, page = 100 } = {}) {
    this.#read = read;
    this.#limit = limit;
    this.#page = page;
  }

  /** Whether everything down to the beginning of the log has been looked at. */
  get atBeginning() {
    return this.low <= 1;
  }

  /** Whether nothing newer is known of than what is in the list. */
  get atHead() {
    return this.high >= this.head;
  }

  /** Begins anew at the newest end. */
  async newest() {
    const { epoch, head, oldest } = await this.#read({ since: 'latest', limit: 1 });
    Object.assign(this, { epoch, head, oldest, low: head + 1, high: head, items: [] });
    await this.older();
  }

  /** Reads on backwards. */
  async older() {
    const wanted = this.items.length + this.#page;
    for (let steps = 0; steps < maxSteps && !this.atBeginning && this.items.length < wanted; steps++) {
      const upTo = this.low - 1;
      // Below the oldest there are no events, only the reason why.
      const from = upTo < this.oldest ? 1 : Math.max(this.oldest, upTo - this.#step + 1);
      const piece = await this.#window(from - 1, upTo);
      // Grows while answers are cheap; many gaps in a window make many calls.
      const few = piece.items.length * 4 < this.#step && piece.calls < 5;
      this.#step = few ? Math.min(stepMax, this.#step * 2) : stepMin;
      this.items = join(piece.items, this.items);
      this.low = from;
    }
    this.#letGoOfNewest();
  }

  /** Reads on forwards: what has come since, or what older has let go of. Returns how many items. */
  async newer() {
    const { items, reached } = await this.#window(this.high, Number.MAX_SAFE_INTEGER, 1 + Math.ceil(this.#page / 20));
    this.items = join(this.items, items);
    this.high = reached;
    this.#letGoOfOldest();
    return items.length;
  }

  /** How many events are newer than the list, without reading them. */
  async look() {
    const { epoch, head, oldest } = await this.#read({ since: `${this.epoch}-${this.high}`, limit: 1 });
    if (epoch !== this.epoch) throw new AnotherEpoch(epoch);
    Object.assign(this, { head, oldest });
    return Math.max(0, head - this.high);
  }

  async #window(after, upTo, maxCalls) {
    const limit = Math.max(this.#page, Math.min(this.#step, stepMax));
    const piece = await readWindow(this.#read, { epoch: this.epoch, after, upTo, limit, maxCalls });
    this.head = piece.head;
    this.oldest = piece.oldest;
    return piece;
  }

  #letGoOfNewest() {
    if (this.items.length <= this.#limit) return;
    this.items = this.items.slice(0, this.#limit);
    this.high = lastSeq(this.items.at(-1));
  }

  #letGoOfOldest() {
    if (this.items.length <= this.#limit) return;
    this.items = this.items.slice(-this.#limit);
    this.low = firstSeq(this.items[0]);
  }
}
