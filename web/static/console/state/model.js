import { Progress } from './progress.js';
import { Rate } from './rate.js';
import { Skew } from './skew.js';
import { Stream } from './stream.js';
import { Strip } from './strip.js';

/**
 * What the page knows: the client's messages turned into the list, the picture of
 * the last minute, the backups and the figures. Times are local milliseconds.
 */
export class Model {
  stream = new Stream();
  #skew = new Skew();
  strip = new Strip(this.#skew);
  progress = new Progress();
  #rate = new Rate();
  #status = { state: 'idle' };
  // When the present state, and the present absence, began.
  #since = 0;
  #awaySince = null;
  #lastResume = null;

  /** The user asked for a connection while the client may have one. */
  connecting(client, now) {
    if (client.state === 'connected') this.#leave('moved', { cursor: client.cursor }, now);
  }

  state(status, cursor, now) {
    const { state, error } = status;
    const was = this.#status.state;
    this.#status = status;
    if (state !== was) this.#since = now;
    if (state === 'offline' && was !== 'idle') this.#leave('cut', { cursor }, now);
    else if (was === 'connected' && state !== 'connected') this.#leave('lost', { cursor, error: error?.message }, now);
  }

  ready({ transport, resumed }, cursor, now) {
    this.strip.enter(now);
    if (!resumed) {
      this.stream.addMark('start', { transport, cursor }, now);
      this.#awaySince = null;
    }
  }

  event(received, now) {
    this.stream.addEvent(received, now);
    this.strip.add(received, now);
    this.progress.add(received);
    if (received.origin === 'live') this.#rate.add(now);
  }

  gap(gap, now) {
    this.stream.addMark('gap', { gap }, now);
    this.strip.gap();
    if (gap.reason === 'epoch') this.progress.interrupt();
  }

  caughtUp(summary, now) {
    const awayMs = this.#awaySince === null ? 0 : now - this.#awaySince;
    this.#awaySince = null;
    this.#lastResume = summary;
    this.stream.addMark('caughtup', { transport: summary.transport, recovered: summary.recovered, summary, awayMs }, now);
  }

  /** The backups at a local time, and that time as the server has it. */
  runs(now) {
    const at = now + this.#skew.ms;
    return [this.progress.list(at), at];
  }

  /** The figures of the line card. */
  figures(now) {
    return {
      since: this.#since,
      perSecond: this.#rate.perSecond(now),
      events: this.stream.events,
      lastResume: this.#lastResume,
    };
  }

  /** The user moved the cursor: events already in the picture may come again. */
  rewind() {
    this.strip.forget();
  }

  clear() {
    this.stream.clear();
    this.strip.clear();
    this.progress.clear();
    this.#lastResume = null;
    this.#awaySince = null;
  }

  // Marks the beginning of an absence, once: being lost and then cut is one.
  #leave(kind, detail, now) {
    if (this.#awaySince !== null) return;
    this.#awaySince = now;
    this.strip.leave(now);
    this.stream.addMark(kind, detail, now);
  }
}
