// A clock, a network and a server side for the client, all in one process: no test
// waits for real time or opens a socket.

/** Lets everything that is already resolved run. */
export async function settle() {
  for (let i = 0; i < 20; i++) await Promise.resolve();
  await new Promise((resolve) => setImmediate(resolve));
}

/** Timers that run when advance() passes them. */
export class FakeClock {
  now = 1_000_000;
  #timers = new Map();
  #next = 1;

  setTimeout = (run, ms) => {
    this.#timers.set(this.#next, { run, at: this.now + ms });
    return this.#next++;
  };

  clearTimeout = (id) => {
    this.#timers.delete(id);
  };

  get pending() {
    return this.#timers.size;
  }

  async advance(ms) {
    const end = this.now + ms;
    await settle();
    for (;;) {
      const due = [...this.#timers].filter(([, timer]) => timer.at <= end).sort((a, b) => a[1].at - b[1].at)[0];
      if (!due) break;
      this.now = due[1].at;
      this.#timers.delete(due[0]);
      due[1].run();
      await settle();
    }
    this.now = end;
    await settle();
  }
}

/** One WebSocket, driven by the test from the server's side. */
class FakeSocket {
  sent = [];
  closed = false;

  constructor(url) {
    this.url = new URL(url);
  }

  send(text) {
    this.sent.push(JSON.parse(text));
  }

  close() {
    this.closed = true;
  }

  // The server's side.
  open() {
    this.onopen?.();
  }

  deliver(...messages) {
    for (const message of messages) this.onmessage?.({ data: JSON.stringify(message) });
  }

  drop(code = 1006, reason = '') {
    this.onclose?.({ code, reason });
  }
}

/** One request, answered by the test. */
class FakeRequest {
  #resolve;
  #reject;
  #stream;

  constructor(url, init) {
    this.url = new URL(url);
    this.headers = new Headers(init?.headers);
    this.method = init?.method ?? 'GET';
    this.response = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    init?.signal?.addEventListener('abort', () => {
      this.aborted = true;
      this.#reject(new DOMException('aborted', 'AbortError'));
    });
  }

  json(body, status = 200, headers = {}) {
    this.#resolve(Response.json(body, { status, headers }));
  }

  fail(message = 'network down') {
    this.#reject(new TypeError(message));
  }

  /** Begins an event stream. */
  stream() {
    const body = new ReadableStream({ start: (controller) => (this.#stream = controller) });
    this.#resolve(new Response(body, { headers: { 'Content-Type': 'text/event-stream' } }));
  }

  write(text) {
    this.#stream.enqueue(new TextEncoder().encode(text));
  }

  deliver(...messages) {
    for (const message of messages) {
      const name = message.type.startsWith('hubline.') ? `event: ${message.type}\n` : '';
      const id = message.cursor ? `id: ${message.cursor}\n` : '';
      this.write(`${name}${id}data: ${JSON.stringify(message)}\n\n`);
    }
  }

  end() {
    this.#stream.close();
  }
}

/** What the client is given as env, and what it did with it. */
export class FakeNet {
  clock = new FakeClock();
  sockets = [];
  requests = [];
  random = () => 0.5;
  /** Set to answer negotiates with something else: (request, ticket number) => void. */
  onNegotiate = null;
  head = 'e1-10';
  #tickets = 0;

  get env() {
    const net = this;
    return {
      fetch: (url, init) => {
        const request = new FakeRequest(url, init);
        if (request.url.pathname.endsWith('/negotiate')) net.#negotiate(request);
        else net.requests.push(request);
        return request.response;
      },
      WebSocket: class extends FakeSocket {
        constructor(url) {
          super(url);
          if (net.socketError) throw net.socketError;
          net.sockets.push(this);
        }
      },
      setTimeout: net.clock.setTimeout,
      clearTimeout: net.clock.clearTimeout,
      now: () => net.clock.now,
      random: () => net.random(),
    };
  }

  get negotiates() {
    return this.#tickets;
  }

  get socket() {
    return this.sockets.at(-1);
  }

  get request() {
    return this.requests.at(-1);
  }

  #negotiate(request) {
    this.lastNegotiate = request;
    const ticket = ++this.#tickets;
    if (this.onNegotiate) this.onNegotiate(request, ticket);
    else request.json(offer(ticket, this.head));
  }
}

export function offer(ticket, cursor, names = ['WebSockets', 'ServerSentEvents', 'LongPolling']) {
  return {
    negotiateVersion: 1,
    connectionId: `c${ticket}`,
    connectionToken: `t${ticket}`,
    availableTransports: names.map((transport) => ({ transport, transferFormats: ['Text'] })),
    cursor,
  };
}

export const ready = (data) => ({
  type: 'hubline.ready',
  data: { connectionId: 'c', cursor: 'e1-10', head: 10, oldest: 1, replayed: 0, recovered: true, ...data },
});

export const event = (seq, epoch = 'e1', more = {}) => ({
  id: `id-${epoch}-${seq}`, seq, cursor: `${epoch}-${seq}`, type: 'test', ts: 1_000_000, data: { seq }, ...more,
});

export const events = (from, to, epoch) => Array.from({ length: to - from + 1 }, (_, i) => event(from + i, epoch));

/** A client on a fake net, with everything it said. */
export async function connectedTo(net, HublineClient, options = {}) {
  const client = new HublineClient({ url: 'https://example.test/live/events', token: () => 'secret', env: net.env, ...options });
  const log = { event: [], gap: [], caughtup: [], ready: [], state: [], closing: [], cursor: [] };
  for (const [name, list] of Object.entries(log)) client.on(name, (value) => list.push(value));
  log.seqs = () => log.event.map(({ event: { seq } }) => seq);
  log.states = () => log.state.map(({ state }) => state);
  return { client, log };
}
