import { plural } from './format.js';

const reasons = {
  evicted: 'The log keeps a bounded number of events, and newer ones have pushed these out.',
  expired: 'They were older than the log keeps events.',
  epoch: 'The log has begun a new life since, so the old numbers mean nothing any more.',
  ahead: 'The cursor is ahead of the log: it names events that this server never had.',
  limit: 'More was missed than one replay may deliver.',
};

/**
 * What a gap means, in words.
 * @param {{from?: number|string, to?: number|string, reason?: string}} gap
 * @returns {{title: string, range: string, why: string, advice: string}}
 */
export function explainGap(gap) {
  const { from, to, reason } = gap;
  const known = isSeq(from) && isSeq(to) && BigInt(to) >= BigInt(from);
  const count = known ? Number(BigInt(to) - BigInt(from) + 1n) : 0;
  const range = !known ? '' : count === 1 ? `seq ${from}` : `seq ${from} to ${to}`;
  return {
    title: known ? `Gap: ${plural(count, 'event')} cannot be replayed` : 'Gap: some events cannot be replayed',
    range,
    why: reasons[reason] ?? 'The server gave a reason this page does not know.',
    advice: 'Fetch your state anew. From here on nothing is missing.',
  };
}

function isSeq(value) {
  return /^\d{1,20}$/.test(String(value));
}
