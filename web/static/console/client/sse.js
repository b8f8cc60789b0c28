import { errorFrom, request } from './http.js';
import { SSEParser } from './sse-parser.js';

// The server sends something every 15 s (an event, an id or a comment); three
// in a row missing mean that nobody is there any more.
const silenceMs = 45_000;

/**
 * Native events over Server-Sent Events, read through fetch: it shows the status of
 * a refusal, the id lines without data, and never reconnects by itself.
 * @type {import('./client.js').Carrier}
 */
export function openSSE({ url, query, ticket, env, onMessage, onDown }) {
  const target = new URL(url);
  target.search = new URLSearchParams({ ...query, id: ticket });

  const abort = new AbortController();
  let closed = false;
  let timer;

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

  function alive() {
    env.clearTimeout(timer);
    timer = env.setTimeout(() => down(new Error('the event stream went silent')), silenceMs);
  }

  const parser = new SSEParser(({ event, data, id }) => {
    if (closed) return;
    if (data === null) {
      // The log has moved past the last event by ones that are not for this client.
      onMessage({ type: 'hubline.cursor', data: { cursor: id } });
      return;
    }
    const message = JSON.parse(data);
    // A control message is named by the event line.
    onMessage(event.startsWith('hubline.') ? { ...message, type: event } : message);
  });

  async function read() {
    const response = await request(env, target.href, {
      headers: { Accept: 'text/event-stream' },
      cache: 'no-store',
      signal: abort.signal,
    });
    if (!response.ok) throw await errorFrom(response);
    const reader = response.body.getReader();
    const decoder = new TextDecoder();
    alive();
    for (;;) {
      const { value, done } = await reader.read();
      if (closed) return;
      if (done) throw new Error('the event stream ended');
      alive();
      parser.push(decoder.decode(value, { stream: true }));
    }
  }

  read().catch(down);
  return { close };
}
