import { Inbox, deferred } from './support.js';

/** Every pair that the client can do. It refuses MessagePack over Server-Sent Events. */
export const forms = [
  { protocol: 'json', transport: 'WebSockets' },
  { protocol: 'json', transport: 'ServerSentEvents' },
  { protocol: 'json', transport: 'LongPolling' },
  { protocol: 'messagepack', transport: 'WebSockets' },
  { protocol: 'messagepack', transport: 'LongPolling' },
];

/** Where a play finds what it needs. */
export class World {
  #signalR;
  #MessagePackHubProtocol;
  #ask;
  #hubs = [];
  /** What the clients have logged. */
  log = [];
  /** The server, without a slash at the end. */
  url;

  /**
   * @param {{signalR: object, MessagePackHubProtocol: Function, url: string,
   *   ask: (name: string, ...args: any[]) => Promise<any>}} parts ask does what only the tests' own
   *   process can do (lib/places.js)
   */
  constructor({ signalR, MessagePackHubProtocol, url, ask }) {
    this.#signalR = signalR;
    this.#MessagePackHubProtocol = MessagePackHubProtocol;
    this.#ask = ask;
    this.url = url;
  }

  get signalR() {
    return this.#signalR;
  }

  ask(name, ...args) {
    return this.#ask(name, ...args);
  }

  user(options = {}) {
    return this.ask('user', options);
  }

  publish(who, events) {
    return this.ask('publish', who.user, events);
  }

  /**
   * A client that is not started yet. All three parts of the form may be left out: then it is JSON
   * over the transport that the client picks.
   *
   * @param {{token?: string}} who
   * @param {{protocol?: string, transport?: string}} form
   * @param {{path?: string, query?: string, targets?: string[], options?: object, retry?: number[]|object,
   *   stateful?: boolean}} more options are withUrl's, retry withAutomaticReconnect's
   */
  client(who, { protocol = 'json', transport } = {}, more = {}) {
    const { path = '/hubs/events', query = '', targets = ['sample'], options = {}, retry, stateful } = more;
    const { HubConnectionBuilder, HttpTransportType, LogLevel } = this.#signalR;
    const settings = { ...options };
    if (who.token) settings.accessTokenFactory = () => who.token;
    if (transport) settings.transport = HttpTransportType[transport];
    const builder = new HubConnectionBuilder()
      .withUrl(`${this.url}${path}${query}`, settings)
      .configureLogging({ log: (level, text) => this.log.push(`${LogLevel[level]}: ${text}`) });
    if (protocol === 'messagepack') builder.withHubProtocol(new this.#MessagePackHubProtocol());
    if (retry) builder.withAutomaticReconnect(retry);
    if (stateful) builder.withStatefulReconnect();
    const client = new Client(builder.build(), targets);
    this.#hubs.push(client.hub);
    return client;
  }

  async end() {
    await Promise.allSettled(this.#hubs.map((hub) => hub.stop()));
  }
}

/** A connection of the npm client, and what came over it. */
class Client {
  /** The HubConnection. */
  hub;
  /** The arguments of each invocation of one of the targets. */
  inbox = new Inbox();
  /** Resolves with an object, when onclose is called: {error}. */
  closed;
  /** Resolve with what the first call of the handler was given. */
  reconnecting;
  reconnected;

  constructor(hub, targets) {
    this.hub = hub;
    for (const target of targets) hub.on(target, (...args) => this.inbox.put(args)); // returns nothing: it would be sent
    this.closed = first((done) => hub.onclose((error) => done({ error })));
    if (!hub.onreconnecting) return; // a client from before there was automatic reconnect
    this.reconnecting = first((done) => hub.onreconnecting(done));
    this.reconnected = first((done) => hub.onreconnected(done));
  }

  async start() {
    await this.hub.start();
    return this;
  }
}

function first(register) {
  const { promise, resolve } = deferred();
  register(resolve);
  return promise;
}
