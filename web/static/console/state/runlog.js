import { readWindow } from './logwindow.js';
import { progressTypes } from './backupevent.js';
import { Progress } from './progress.js';

// How far back runs are looked for, in events of the log.
const lookBack = 20_000;
const limit = 1000;

/**
 * The backup runs of a user, read from the log: those that are kept, and from then on
 * what is reported. Calls must not overlap.
 */
export class RunLog {
  #read;
  #epoch = null;
  #high = 0;
  progress;
  /** Whether there may be runs from before the time that was looked at. */
  partial = false;

  /**
   * @param {(query: object) => Promise<object>} read one answer of GET …/events; it is given the types besides
   * @param {number} [maxRuns] how many runs are kept
   */
  constructor(read, maxRuns = 20) {
    this.#read = (query) => read({ ...query, types: [...progressTypes] });
    this.progress = new Progress(maxRuns);
  }

  /** Reads what is new; the first time, what is kept. Returns the head of the log. */
  async update() {
    if (this.#epoch === null) {
      const { epoch, head, oldest } = await this.#read({ since: 'latest', limit: 1 });
      this.#epoch = epoch;
      this.#high = Math.max(oldest - 1, head - lookBack);
      this.partial = this.#high > oldest - 1;
    }
    const { items, reached, head } = await readWindow(this.#read, {
      epoch: this.#epoch, after: this.#high, upTo: Number.MAX_SAFE_INTEGER, limit, maxCalls: 2 * lookBack / limit,
    });
    for (const { event } of items) if (event) this.progress.add({ event, origin: 'live' });
    this.#high = reached;
    return head;
  }
}
