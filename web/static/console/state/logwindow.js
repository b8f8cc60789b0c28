/** The log has begun a new life; seqs that were known mean nothing any more. */
export class AnotherEpoch extends Error {}

/**
 * A piece of the log as a list, oldest first: events, and gaps in the place of those
 * that are gone.
 * @typedef {{kind: 'event', seq: number, event: object}} EventItem
 * @typedef {{kind: 'gap', from: number, to: number, reason: string}} GapItem
 * @typedef {EventItem | GapItem} Item
 */

/** The first and the last seq that an item stands for. */
export const firstSeq = (item) => (item.kind === 'gap' ? item.from : item.seq);
export const lastSeq = (item) => (item.kind === 'gap' ? item.to : item.seq);

/**
 * Reads everything after one seq up to another, both of one epoch. An answer ends
 * after so many events or bytes and before every gap, so this may take several.
 * @param {(query: {since: string, limit: number}) => Promise<object>} read GET …/events
 * @param {{epoch: string, after: number, upTo: number, limit: number, maxCalls?: number}} range
 * @returns {Promise<{items: Item[], reached: number, head: number, oldest: number, calls: number}>} reached: the
 *   last seq that was looked at. Below upTo the log ends there, or maxCalls were made
 */
export async function readWindow(read, { epoch, after, upTo, limit, maxCalls = Infinity }) {
  const items = [];
  let reached = after;
  for (let calls = 1; ; calls++) {
    const answer = await read({ since: `${epoch}-${reached}`, limit });
    if (answer.epoch !== epoch) throw new AnotherEpoch(answer.epoch);
    const { gap, events, head, oldest } = answer;
    // What the answer says of the time after the window belongs to another window.
    if (gap && gap.from <= upTo && gap.to >= gap.from) {
      items.push({ kind: 'gap', from: gap.from, to: Math.min(gap.to, upTo), reason: String(gap.reason) });
    }
    for (const event of events) if (event.seq <= upTo) items.push({ kind: 'event', seq: event.seq, event });
    const at = seqOf(answer.cursor);
    const stuck = at <= reached;
    reached = Math.min(Math.max(at, reached), upTo);
    if (stuck || reached >= upTo || calls >= maxCalls) return { items: joinGaps(items), reached, head, oldest, calls };
  }
}

/** Puts two neighbouring lists together; a gap that lies across the seam becomes one. */
export function join(lower, upper) {
  const seam = joinGaps([...lower.slice(-1), ...upper.slice(0, 1)]);
  return [...lower.slice(0, -1), ...seam, ...upper.slice(1)];
}

function joinGaps(items) {
  const out = [];
  for (const item of items) {
    const last = out.at(-1);
    const goesOn = last?.kind === 'gap' && item.kind === 'gap' && last.reason === item.reason && item.from <= last.to + 1;
    if (goesOn) out[out.length - 1] = { ...last, to: Math.max(last.to, item.to) };
    else out.push(item);
  }
  return out;
}

/** The seq of a cursor. */
export function seqOf(cursor) {
  return Number(String(cursor).slice(String(cursor).lastIndexOf('-') + 1));
}
