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
  #replay = null;

  /**
   * @param {{transport: string, startedAt: number, resumed: boolean, epoch: string|undefined}} connection
   *   startedAt in milliseconds, epoch that of the log at negotiate
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
    if (resumed) this.#replay = new Replay(data, startedAt);
    // Nothing is on its way, so there is nothing between the client and this cursor.
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
    // Where the gap ends; past it, so that it is not announced again. Ahead of the
    // log there is nothing to go past: its head stands before the range.
    const end = this.#cursorAt(gap.reason === 'ahead' ? gap.from - 1 : gap.to);
    if (gap.reason === 'epoch' || gap.reason === 'ahead') {
      if (end) this.#position.reset(end);
      // The old seq means nothing any more, so nothing may be judged by it.
      this.#position.forget();
    } else if (end) {
      this.#position.advance(end);
    }
    if (this.#replay) this.#replay.gap = gap;
    this.#emit('gap', gap);
    this.#settle();
  }

  /** Takes data of hubline.cursor: the log moved on by events that are not for this client. */
  cursor({ cursor }) {
    if (!parseCursor(cursor)) return;
    if (this.#position.advance(cursor)) this.#emit('cursor', { cursor });
    this.#replay?.pass(cursor);
    this.#settle();
  }

  #cursorAt(seq) {
    const { epoch } = this.#connection;
    return epoch && Number.isSafeInteger(seq) && seq >= 0 ? `${epoch}-${seq}` : null;
  }

  // Reports the end of the replay, once.
  #settle() {
    if (!this.#replay?.done) return;
    const summary = this.#replay.summary(this.#now());
    this.#replay = null;
    this.#emit('caughtup', { ...summary, transport: this.#connection.transport });
  }
}
