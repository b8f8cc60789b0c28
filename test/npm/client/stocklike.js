// The client of durable-notifier 0.3.0 in its behaviour, written anew: what its users'
// browsers do to a server. Without React: on stands for useEvent, which alone opens the
// socket. What it does badly it does badly here too: it ignores close codes, never wants
// a pong, sends a POST for each channel at every open, and a handler that throws keeps
// the event from those after it.

const realTimers = {
  setTimeout: (f, ms) => setTimeout(f, ms),
  clearTimeout: (id) => clearTimeout(id),
  setInterval: (f, ms) => setInterval(f, ms),
  clearInterval: (id) => clearInterval(id),
};

const firstWait = 1_000;
const longestWait = 30_000;
const pingEvery = 30_000;

/** How long it waits before a try, in ms: doubled up to a cap, then spread by a quarter. */
export function wait(attempt, random = Math.random) {
  return Math.min(firstWait * 2 ** attempt, longestWait) * (0.75 + random() / 2);
}

/**
 * @param {string} url of the socket, taken as it is
 * @param {object} [options] lazy, channelEndpoint and getHeaders are the client's own; the rest is the platform, for tests
 */
export function createNotifier(url, {
  lazy = true, channelEndpoint, getHeaders,
  WebSocket = globalThis.WebSocket, fetch = (...args) => globalThis.fetch(...args), timers = realTimers, random = Math.random,
} = {}) {
  const handlers = new Map(); // by type, a set in the order of insertion
  const watchers = new Set(); // of the status
  const channels = new Set(); // without counts
  const last = new Map(); // of each type, without a bound
  let status = 'idle';
  let socket = null;
  let generation = 0; // of sockets: those that were given up are not listened to
  let attempt = 0;
  let retry = null;
  let heart = null;
  let listeners = 0;

  const become = (next) => {
    if (status === next) return;
    status = next;
    for (const watch of watchers) watch(next);
  };

  const post = async (verb, channel) => {
    const answer = await fetch(`${channelEndpoint}/${verb}`, {
      method: 'POST',
      credentials: 'include',
      headers: { 'Content-Type': 'application/json', ...await getHeaders?.() },
      body: JSON.stringify({ channel }),
    });
    if (answer.ok) return;
    const { error } = await answer.json().catch(() => ({}));
    throw new Error(error ?? `Channel ${verb} failed: ${answer.status}`);
  };

  const dispatch = (text) => {
    try {
      const envelope = JSON.parse(text);
      if (typeof envelope.type !== 'string' || envelope.type === 'ping' || envelope.type === 'pong') return;
      last.set('', envelope).set(envelope.type, envelope);
      for (const handler of handlers.get(envelope.type) ?? []) handler(envelope.data, envelope);
    } catch {
      // one for all
    }
  };

  const stopHeart = () => {
    timers.clearInterval(heart);
    heart = null;
  };

  const connect = () => {
    if (status === 'closed') return;
    const mine = ++generation;
    become('connecting');
    socket = new WebSocket(url);
    const own = socket;
    const isMine = () => mine === generation;
    own.addEventListener('open', () => {
      if (!isMine()) return;
      attempt = 0;
      become('connected');
      heart = timers.setInterval(() => own.send('{"type":"ping"}'), pingEvery);
      if (channelEndpoint) for (const channel of channels) post('subscribe', channel).catch(() => {});
    });
    own.addEventListener('message', ({ data }) => isMine() && dispatch(data));
    own.addEventListener('error', () => {}); // close follows
    own.addEventListener('close', () => {
      if (!isMine()) return;
      stopHeart();
      if (lazy && listeners === 0) {
        become('idle');
        return;
      }
      become('reconnecting');
      retry = timers.setTimeout(() => {
        attempt++;
        if (status === 'reconnecting') connect();
      }, wait(attempt, random));
    });
  };

  const abandon = (reason) => {
    generation++;
    stopHeart();
    timers.clearTimeout(retry);
    socket?.close(1000, reason);
    socket = null;
  };

  const notifier = {
    on(type, handler) {
      if (!handlers.has(type)) handlers.set(type, new Set());
      handlers.get(type).add(handler);
      listeners++;
      if (status === 'idle' || status === 'reconnecting') connect();
      return () => {
        if (!handlers.get(type).delete(handler) || --listeners > 0 || !lazy || status === 'closed') return;
        abandon('No subscribers');
        become('idle');
      };
    },
    status: () => status,
    onStatus(watch) {
      watchers.add(watch);
      return () => watchers.delete(watch);
    },
    lastEvent: (type = '') => last.get(type) ?? null,
    async subscribe(channel) {
      channels.add(channel);
      if (status === 'connected') await post('subscribe', channel);
    },
    async unsubscribe(channel) {
      channels.delete(channel);
      await post('unsubscribe', channel).catch(() => {});
    },
    close() {
      abandon('Client closed');
      last.clear();
      become('closed');
    },
  };
  if (!lazy) connect();
  return notifier;
}
