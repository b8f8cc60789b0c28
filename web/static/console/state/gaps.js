import { plural } from './format.js';

const reasons = {
  evicted: 'All logs together are bounded, and other users have pushed these out.',
  expired: 'They were older than the log keeps events, or than they themselves asked for.',
  epoch: 'The cursor is of another epoch: its numbers mean nothing in this log.',
  ahead: 'The cursor names events that this log never had.',
  limit: 'The log of a user keeps a bounded number of events and bytes, and newer ones have pushed these out.',
};

const titles = {
  epoch: 'Gap: the log has begun anew',
  ahead: 'Gap: the cursor is ahead of the log',
};

/**
 * What a gap means, in words.
 * @param {{from?: number|string, to?: number|string, reason?: string}} gap
 * @returns {{title: string, range: string, why: string, advice: string}}
 */
export function explainGap(gap) {
  const { from, to, reason } = gap;
  // With another epoch, or ahead of the log, the range counts no events of this log.
  const known = !titles[reason] && isSeq(from) && isSeq(to) && BigInt(to) >= BigInt(from);
  const count = known ? Number(BigInt(to) - BigInt(from) + 1n) : 0;
  const range = !known ? '' : count === 1 ? `seq ${from}` : `seq ${from} to ${to}`;
  return {
    title: titles[reason] ?? `Gap: ${known ? plural(count, 'event') : 'some events'} cannot be replayed`,
    range,
    why: reasons[reason] ?? 'The server gave a reason this page does not know.',
    advice: 'Fetch your state anew. From here on nothing is missing.',
  };
}

/**
 * What a gap in a log means to somebody who looks at the log, in words.
 * @param {{from: number, to: number, reason: string}} gap
 * @returns {{title: string, range: string, why: string}}
 */
export function explainLoss({ from, to, reason }) {
  const count = to - from + 1;
  return {
    title: `${plural(count, 'event')} ${count === 1 ? 'is' : 'are'} gone`,
    range: count === 1 ? `seq ${from}` : `seq ${from} to ${to}`,
    why: reasons[reason] ?? 'The server gave a reason this page does not know.',
  };
}

function isSeq(value) {
  return /^\d{1,20}$/.test(String(value));
}
