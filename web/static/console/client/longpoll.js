import { parseCursor } from './cursor.js';
import { errorFrom, request } from './http.js';

const waitSeconds = 25;
const limit = 1000;
// How long an answer may be late before the poll counts as lost.
const graceMs = 10_000;
// The pause after an empty answer that came too soon, so that a proxy which does
// not let polls wait costs one request a second and not a busy loop.
const emptyPauseMs = 1000;

/**
 * Native events by long polling. The first poll spends the ticket; the others carry
 * the bearer token in the Authorization header, which never shows in a URL.
 *
 * The answers have no control messages, so this carrier makes them: the first poll
 * does not wait, and what it brings is the replay.
 * @type {import('./client.js').Carrier}
 */
export function openLongPoll({ url, query, ticket, token, offer, env, onMessage, onDown }) {
  const abort = new AbortController();
  let closed = false;
  let timer;
  let since = query.since;

  function close() {
    closed = true;
    env.clearTimeout(timer);
    abort.abort();
  }

  function down(error) {
    if (closed) return;
    close();
    onDown(error);
  }

  async function poll(wait) {
    const target = new URL(url);
    const first = wait === 0;
    target.search = new URLSearchParams({ ...query, since, wait, limit, ...(first && { id: ticket }) });
    timer = env.setTimeout(() => down(new Error('a poll was never answered')), wait * 1000 + graceMs);
    const response = await request(env, target.href, {
      headers: { Accept: 'application/json', ...(!first && { Authorization: `Bearer ${token}` }) },
      cache: 'no-store',
      signal: abort.signal,
    });
    if (!response.ok) throw await errorFrom(response);
    const answer = await response.json();
    env.clearTimeout(timer);
    return answer;
  }

  function hand(answer) {
    if (answer.gap) onMessage({ type: 'hubline.gap', data: answer.gap });
    for (const event of answer.events) {
      if (closed) return;
      onMessage(event);
    }
    // Events left out by the types filter move the cursor too.
    if (!closed && answer.cursor) onMessage({ type: 'hubline.cursor', data: { cursor: answer.cursor } });
  }

  async function run() {
    for (let wait = 0; ; wait = waitSeconds) {
      const askedAt = env.now();
      const answer = await poll(wait);
      if (closed) return;
      if (wait === 0) onMessage(readyFrom(answer, offer, since));
      if (closed) return;
      since = answer.cursor ?? since;
      hand(answer);
      if (closed) return;
      if (wait > 0 && answer.events.length === 0 && env.now() - askedAt < emptyPauseMs) {
        await new Promise((resolve) => {
          timer = env.setTimeout(resolve, emptyPauseMs);
        });
        if (closed) return;
      }
    }
  }

  run().catch(down);
  return { close };
}

/** The hubline.ready that a stream would have sent in the place of the first answer. */
function readyFrom(answer, offer, since) {
  const last = seqOf(answer.cursor);
  const head = Math.max(seqOf(offer.cursor), last);
  return {
    type: 'hubline.ready',
    data: {
      connectionId: offer.connectionId,
      cursor: since,
      head,
      // One page need not be the whole replay: the rest follows, up to the head at negotiate.
      replayed: answer.events.length + head - last,
      recovered: !answer.gap,
    },
  };
}

function seqOf(cursor) {
  return Number(parseCursor(cursor)?.seq ?? 0);
}
