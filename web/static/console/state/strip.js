import { Skew } from './skew.js';

// A bar of the strip stands for this much time. 60 s make 120 bars.
const bucketMs = 500;
export const stripMs = 60_000;

/**
 * The last minute as a picture: how many events were published when, and how they
 * came (live or by replay), with the times away. A replay fills the hole that the
 * time away has left, because events are placed by their own time, not by arrival.
 */
export class Strip {
  #buckets = new Map();
  #away = [];
  #skew;

  /** @param {Skew} skew of the server's clock; live events tell it */
  constructor(skew = new Skew()) {
    this.#skew = skew;
  }

  /** @param {{event: {ts?: number}, origin: string}} received  @param {number} now */
  add({ event, origin }, now) {
    if (origin === 'redelivery') return;
    const ts = Number.isFinite(event.ts) ? event.ts : now;
    if (origin === 'live') this.#skew.see(ts, now);
    const at = Math.min(ts - this.#skew.ms, now);
    if (at < now - stripMs - bucketMs) return;
    const key = Math.floor(at / bucketMs);
    const bucket = this.#buckets.get(key) ?? { live: 0, replay: 0 };
    bucket[origin]++;
    this.#buckets.set(key, bucket);
  }

  /** The client went away. */
  leave(now) {
    if (this.#away.at(-1)?.to === null) return;
    this.#away.push({ from: now, to: null, gap: false });
  }

  /** The client is back. */
  enter(now) {
    const last = this.#away.at(-1);
    if (last?.to === null) last.to = now;
  }

  /** What happened in the last time away cannot be replayed in full. */
  gap() {
    const last = this.#away.at(-1);
    if (last) last.gap = true;
  }

  /** Takes the bars away and leaves the times away. */
  forget() {
    this.#buckets.clear();
  }

  clear() {
    this.#buckets.clear();
    this.#away = [];
  }

  /**
   * Bars and times away, in milliseconds before now (0 is the right edge).
   * @param {number} barMs width of a bar, a multiple of 500
   * @returns {{bars: {ago: number, width: number, live: number, replay: number}[],
   *   away: {from: number, to: number, gap: boolean}[], peak: number}}
   */
  view(now, barMs = bucketMs) {
    const bars = new Map();
    let peak = 0;
    for (const [key, { live, replay }] of this.#buckets) {
      const at = key * bucketMs;
      if (now - at > stripMs + barMs) {
        this.#buckets.delete(key);
        continue;
      }
      const from = at - (at % barMs);
      const bar = bars.get(from) ?? { ago: now - from, width: barMs, live: 0, replay: 0 };
      bar.live += live;
      bar.replay += replay;
      bars.set(from, bar);
      peak = Math.max(peak, bar.live + bar.replay);
    }
    this.#away = this.#away.filter(({ to }) => to === null || now - to < stripMs);
    const away = this.#away.map(({ from, to, gap }) => ({
      from: Math.min(stripMs, now - from),
      to: to === null ? 0 : now - to,
      gap,
    }));
    return { bars: [...bars.values()], away, peak };
  }
}
