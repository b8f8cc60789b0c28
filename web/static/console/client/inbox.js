import { parseCursor } from './cursor.js';
import { Replay } from './replay.js';

/**
 * Makes of one connection's messages what a user of the client sees: each event
 * once, with its origin, gaps, and the end of the replay. One per connection; the
 * position it moves outlives it.
 */
export class Inbox {
  #position;
  #emit;
  #now;
  #connection;
  #ready = {};
  #replay = null;

  /**
   * @param {{transport: string, startedAt: number, resumed: boolean}} connection startedAt in milliseconds
   * @param {{position: import('./cursor.js').Position, emit: (name: string, value: object) => void,
   *   now: () => number}} owner
   */
  constructor(connection, { position, emit, now }) {
    this.#connection = connection;
    this.#position = position;
    this.#emit = emit;
    this.#now = now;
  }

  /** Takes data of hubline.ready, the first message. */
  ready(data) {
    const { transport, startedAt, resumed } = this.#connection;
    this.#ready = data;
    if (resumed) this.#replay = new Replay(data, startedAt);
    // Nothing is on its way before the head, so the head is where the client is.
    if (!(data.replayed > 0) && (data.recovered || !resumed)) this.#position.advance(data.cursor);
    this.#emit('ready', { ...data, transport, resumed });
    // Without recovered a gap notice follows, and the summary waits for it.
    if (data.recovered) this.#settle();
  }

  /** Takes an event. */
  event(event) {
    if (event.replayed === true) {
      // An operator sent it again on purpose (POST …/replays): seen or not, and
      // without a say in where this client is.
      this.#emit('event', { event, origin: 'redelivery' });
      return;
    }
    const isNew = this.#position.advance(event.cursor);
    const replayed = this.#replay?.take(event.cursor, isNew) ?? false;
    if (!replayed) this.#settle();
    if (isNew) this.#emit('event', { event, origin: replayed ? 'replay' : 'live' });
    this.#settle();
  }

  /** Takes data of hubline.gap. */
  gap(gap) {
    const here = parseCursor(this.#ready.cursor);
    if (gap.reason === 'epoch' || gap.reason === 'ahead') {
      // The old seq means nothing any more, so nothing may be judged by it.
      this.#position.forget();
      if (!(this.#ready.replayed > 0) && here) this.#position.reset(this.#ready.cursor);
    } else if (here && /^\d{1,20}$/.test(String(gap.to))) {
      this.#position.advance(`${here.epoch}-${gap.to}`);
    }
    if (this.#replay) this.#replay.gap = gap;
    this.#emit('gap', gap);
    this.#settle();
  }

  /** Takes data of hubline.cursor: the log moved on by events that are not for this client. */
  cursor({ cursor }) {
    if (parseCursor(cursor) && this.#position.advance(cursor)) this.#emit('cursor', { cursor });
  }

  // Reports the end of the replay, once.
  #settle() {
    if (!this.#replay?.done) return;
    const summary = this.#replay.summary(this.#now());
    this.#replay = null;
    this.#emit('caughtup', { ...summary, transport: this.#connection.transport });
  }
}
