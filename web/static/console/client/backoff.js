/**
 * Full-jitter delay before reconnect number `attempt` (0, 1, 2, …): anywhere from
 * nothing to the exponential bound, so that clients cut off together do not come
 * back together.
 * @returns {number} whole milliseconds, 0 ≤ delay ≤ min(capMs, baseMs · 2^attempt)
 */
export function fullJitter(attempt, { baseMs, capMs, random }) {
  // 2^30 is far above any cap; the limit keeps the power finite for ever.
  const bound = Math.min(capMs, baseMs * 2 ** Math.min(attempt, 30));
  return Math.floor(random() * bound);
}
