/** Everything that is looked at of one user: the log as far as it is shown, its backups, the devices. */
import { AnotherEpoch } from './logwindow.js';
import { RunLog } from './runlog.js';
import { Timeline } from './timeline.js';

/**
 * Reads a user with a key. Its calls come one after the other, whoever makes them;
 * ended, it changes nothing any more.
 */
export class UserLog {
  #api;
  #abort = new AbortController();
  #turn = Promise.resolve();
  #loaded = false;
  user;
  /** @type {Timeline} */
  timeline;
  /** @type {RunLog} */
  runs;
  /** The last answer about devices, or null. */
  devices = null;
  /** Whether the timeline takes what comes. */
  following = true;
  /** How many events there are after the timeline. */
  pending = 0;
  /** How often the log has begun anew under our eyes. */
  restarts = 0;

  /**
   * @param {import('./adminapi.js').AdminAPI} api
   * @param {string} user
   * @param {object} query what of the log is wanted; see state/filters.js
   */
  constructor(api, user, query) {
    this.#api = api;
    this.user = user;
    this.filter(query);
  }

  get ended() {
    return this.#abort.signal.aborted;
  }

  get loaded() {
    return this.#loaded;
  }

  end() {
    this.#abort.abort();
  }

  /** Shows something else of the log, from its newest end. */
  filter(query) {
    this.timeline = new Timeline((page) => this.#read({ ...query, ...page }));
    this.#loaded = false;
    this.following = true;
    this.pending = 0;
  }

  /** Reads what is new. Held, the timeline stays, and what it lacks is counted. */
  update(held) {
    return this.#exclusive(async () => {
      this.runs ??= new RunLog((query) => this.#read(query));
      const head = await this.runs.update();
      if (!this.#loaded) await this.#newest();
      else if (head <= this.timeline.high) this.pending = 0;
      else if (held || !this.following) this.pending = await this.timeline.look();
      else await this.#catchUp();
      this.devices = await this.#api.devices(this.user, this.#abort.signal);
    });
  }

  /** Stays where it is, until it follows again. */
  hold() {
    this.following = false;
  }

  /** Goes to the newest end and stays there. */
  follow() {
    return this.#exclusive(async () => {
      this.following = true;
      if (this.#loaded) await this.#catchUp();
    });
  }

  /** Reads on backwards. The list may let go of its newest end for that, so it follows no more. */
  older() {
    return this.#exclusive(async () => {
      this.following = false;
      await this.timeline.older();
    });
  }

  async #newest() {
    const { timeline } = this;
    await timeline.newest();
    // Another filter may have been set meanwhile; it is read with the next update.
    if (timeline === this.timeline) this.#loaded = true;
    this.pending = 0;
  }

  // What has come since; if that is more than a few pages, the newest alone.
  async #catchUp() {
    const { timeline } = this;
    for (let i = 0; i < 5; i++) {
      await timeline.newer();
      if (timeline.atHead) break;
    }
    if (!timeline.atHead) await timeline.newest();
    this.pending = 0;
  }

  #read(query) {
    return this.#api.log(this.user, query, this.#abort.signal);
  }

  #exclusive(call) {
    const run = async () => {
      try {
        await call();
      } catch (err) {
        if (!(err instanceof AnotherEpoch)) throw err;
        // Nothing that was read is of this log.
        this.restarts++;
        this.runs = undefined;
        this.#loaded = false;
        this.timeline.items = [];
      }
    };
    const result = this.#turn.then(run);
    this.#turn = result.catch(() => {});
    return result;
  }
}
